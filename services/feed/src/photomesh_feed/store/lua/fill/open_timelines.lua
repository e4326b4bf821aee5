-- Begins timelines that do not exist, so that events add new posts to them. ARGV: the authors.
for _, author in ipairs(ARGV) do
  local key = TIMELINE .. author
  if redis.call('EXISTS', key) == 0 then
    redis.call('ZADD', key, MARKER_SCORE, INCOMPLETE)
    redis.call('EXPIRE', key, ACTIVE_SECONDS)
  end
end

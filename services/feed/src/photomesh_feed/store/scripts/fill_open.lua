-- From now on new posts land in the timelines of these authors, ARGV, of whom nothing is here.
for _, author in ipairs(ARGV) do
  local key = 't:' .. author
  if redis.call('EXISTS', key) == 0 then
    redis.call('ZADD', key, '-inf', '1')
    redis.call('EXPIRE', key, 2592000)
  end
end

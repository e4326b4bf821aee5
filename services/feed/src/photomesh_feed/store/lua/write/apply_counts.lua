-- Sets the counts of posts, of each if they are newer. KEYS: the posts. ARGV, three of each: likes, comments, version of
-- the counts.
for i, post in ipairs(KEYS) do
  local likes, comments, version = unpack(ARGV, 3 * i - 2, 3 * i)
  local known = redis.call('HMGET', post, 'x', 'cv')
  if not known[1] and not (known[2] and tonumber(known[2]) >= tonumber(version)) then
    redis.call('HSET', post, 'lc', likes, 'cc', comments, 'cv', version, 'ct', version)
    if redis.call('TTL', post) < 0 then
      redis.call('EXPIRE', post, POST_SECONDS)
    end
  end
end

-- Sets the counts of a post, if they are newer. KEYS: the post. ARGV: likes, comments, version of the counts.
-- Returns 1 if they were newer.
local known = redis.call('HMGET', KEYS[1], 'x', 'cv')
if known[1] or (known[2] and tonumber(known[2]) >= tonumber(ARGV[3])) then
  return 0
end
redis.call('HSET', KEYS[1], 'lc', ARGV[1], 'cc', ARGV[2], 'cv', ARGV[3], 'ct', ARGV[3])
if redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], POST_SECONDS)
end
return 1

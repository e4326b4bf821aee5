-- KEYS: the post. ARGV: likes, comments, version of the counting, seconds to keep what is not kept yet.
local now = redis.call('HMGET', KEYS[1], 'x', 'cv')
if now[1] or (now[2] and tonumber(now[2]) >= tonumber(ARGV[3])) then
  return 0
end
redis.call('HSET', KEYS[1], 'lc', ARGV[1], 'cc', ARGV[2], 'cv', ARGV[3])
if redis.call('TTL', KEYS[1]) < 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[4])
end
return 1

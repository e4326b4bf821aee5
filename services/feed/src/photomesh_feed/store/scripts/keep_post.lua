-- Writes fields of a post if nobody wrote since they were read, and nobody deleted it.
-- KEYS: the post. ARGV: v and ev as they were read ('' for none), seconds to keep it, then names and values.
-- Gives 1 if written, 0 if it has changed.
local now = redis.call('HMGET', KEYS[1], 'v', 'ev', 'x')
if now[3] or (now[1] or '') ~= ARGV[1] or (now[2] or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1

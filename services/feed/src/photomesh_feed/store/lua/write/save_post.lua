-- Sets fields of a post, unless it was written since it was read, or deleted.
-- KEYS: the post. ARGV: v and ev as they were read ('' for none), then names and values. Returns 1 if they are set.
local known = redis.call('HMGET', KEYS[1], 'v', 'ev', 'x')
if known[3] or (known[1] or '') ~= ARGV[1] or (known[2] or '') ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('EXPIRE', KEYS[1], POST_SECONDS)
return 1

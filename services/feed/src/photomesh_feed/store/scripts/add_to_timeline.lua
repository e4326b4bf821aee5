-- Puts posts into their author's timeline, those that are deleted left out.
-- KEYS: the timeline, then each post. ARGV: timeline length, seconds to keep it, '1' if these are all that the author
-- has ('' if that is not known), then score and id of each post. Gives how many were not deleted.
local timeline, limit = KEYS[1], tonumber(ARGV[1])
local is_new = redis.call('EXISTS', timeline) == 0
local living = 0
for i = 2, #KEYS do
  if redis.call('HEXISTS', KEYS[i], 'x') == 0 then
    redis.call('ZADD', timeline, ARGV[2 * i], ARGV[2 * i + 1])
    living = living + 1
  end
end
if ARGV[3] == '1' then
  redis.call('ZREM', timeline, '1')
  redis.call('ZADD', timeline, '-inf', '0')
elseif is_new then
  redis.call('ZADD', timeline, '-inf', '1')  -- older ones may be in post
end
if redis.call('ZCARD', timeline) > 1 + limit then
  redis.call('ZREMRANGEBYRANK', timeline, 1 + limit, -1)
  redis.call('ZREM', timeline, '0')
  redis.call('ZADD', timeline, '-inf', '1')
end
redis.call('EXPIRE', timeline, ARGV[2])
return living

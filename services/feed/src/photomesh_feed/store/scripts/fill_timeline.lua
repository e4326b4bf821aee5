-- Posts of an author, as post has them, newest first. KEYS[1]: the timeline; ARGV[1]: the millisecond before which they
-- are, or nothing if they are the newest; ARGV[2]: '1' if there are no older ones; then score and id of each.
-- A timeline has no gaps: they are added only if they begin where it ends.
local key = KEYS[1]
if redis.call('ZRANGE', key, 0, 0)[1] ~= '1' then
  return 0
end
if ARGV[1] ~= '' then
  local oldest = tonumber(redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2])
  if oldest < -tonumber(ARGV[1]) then
    return 0
  end
end
for i = 3, #ARGV, 2 do
  redis.call('ZADD', key, ARGV[i], ARGV[i + 1])
end
if redis.call('ZCARD', key) > 501 then
  redis.call('ZREMRANGEBYRANK', key, 501, -1)
elseif ARGV[2] == '1' then
  redis.call('ZREM', key, '1')
  redis.call('ZADD', key, '-inf', '0')
end
redis.call('EXPIRE', key, 2592000)
return 1

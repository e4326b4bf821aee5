-- Adds posts from post to an author's timeline, newest first, if they begin where it ends: a timeline has no gaps.
-- KEYS[1]: the timeline; ARGV[1]: the millisecond before which the posts are ('' if they are the newest); ARGV[2]: '1' if
-- there are no older ones; then score and id of each.
local key = KEYS[1]
if redis.call('ZRANGE', key, 0, 0)[1] ~= INCOMPLETE then
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
if ARGV[1] == '' and ARGV[2] ~= '1' and #ARGV > 2 then
  redis.call('ZREMRANGEBYSCORE', key, '(' .. ARGV[#ARGV - 1], '+inf')  -- between the two there may be a gap
end
if redis.call('ZCARD', key) > 1 + TIMELINE_POSTS then
  redis.call('ZREMRANGEBYRANK', key, 1 + TIMELINE_POSTS, -1)
elseif ARGV[2] == '1' then
  redis.call('ZREM', key, INCOMPLETE)
  redis.call('ZADD', key, MARKER_SCORE, COMPLETE)
end
redis.call('EXPIRE', key, ACTIVE_SECONDS)
return 1

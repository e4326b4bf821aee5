-- Completes a feed with posts that were merged from timelines. KEYS[1]: the feed, KEYS[2]: the lock; ARGV[1]: the holder's
-- token; ARGV[2]: '1' if the list goes down to the first post; ARGV[3]: score of the last post otherwise ('' if there is
-- none); then score and id of each. Returns 0, and changes nothing, if the lock or the marker was lost.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2])
if redis.call('ZRANGE', KEYS[1], 0, 0)[1] ~= INCOMPLETE then
  return 0
end
for i = 4, #ARGV, 2 do
  redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
end
if ARGV[2] == '1' then
  redis.call('ZADD', KEYS[1], BOTTOM_SCORE, BOTTOM)
elseif ARGV[3] ~= '' then
  -- A late post may have been pushed below the last one, and between the two there is a gap.
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. ARGV[3], '+inf')
else
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '(-inf', '+inf')
end
redis.call('ZREM', KEYS[1], INCOMPLETE)
redis.call('ZADD', KEYS[1], MARKER_SCORE, COMPLETE)
redis.call('ZREMRANGEBYRANK', KEYS[1], 1 + FEED_POSTS, -1)
redis.call('EXPIRE', KEYS[1], ACTIVE_SECONDS)
return 1

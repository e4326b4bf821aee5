-- Adds posts to their author's timeline, except deleted ones.
-- KEYS: the timeline, then each post. ARGV: '1' if the author has no other posts ('' if that is not known), then score and
-- id of each post. Returns how many are not deleted.
local timeline = KEYS[1]
local is_new = redis.call('EXISTS', timeline) == 0
local added = 0
for i = 2, #KEYS do
  if redis.call('HEXISTS', KEYS[i], 'x') == 0 then
    redis.call('ZADD', timeline, ARGV[2 * i - 2], ARGV[2 * i - 1])
    added = added + 1
  end
end
if ARGV[1] == '1' then
  redis.call('ZREM', timeline, INCOMPLETE)
  redis.call('ZADD', timeline, MARKER_SCORE, COMPLETE)
elseif is_new then
  redis.call('ZADD', timeline, MARKER_SCORE, INCOMPLETE)
end
if redis.call('ZCARD', timeline) > 1 + TIMELINE_POSTS then
  redis.call('ZREMRANGEBYRANK', timeline, 1 + TIMELINE_POSTS, -1)
  redis.call('ZREM', timeline, COMPLETE)
  redis.call('ZADD', timeline, MARKER_SCORE, INCOMPLETE)
end
redis.call('EXPIRE', timeline, ACTIVE_SECONDS)
return added

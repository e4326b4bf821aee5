-- Adds posts to their author's timeline, except deleted ones.
-- KEYS: the timeline, then each post. ARGV: what is known of the posts, then score and id of each, the newest first.
-- What is known: 'one' (nothing of the posts between them and others), 'head' (they are the newest posts without gaps),
-- 'all' (the author has no others). Only the latter two begin a timeline that does not exist.
-- Returns how many are not deleted.
local timeline, kind = KEYS[1], ARGV[1]
local exists = redis.call('EXISTS', timeline) == 1

-- A partial timeline has no gaps from the newest post on, so nothing may be added below its last post. An empty one is
-- being filled from post.
local function accepts(score, id)
  if kind ~= 'one' or not exists then
    return kind ~= 'one'
  end
  local last = redis.call('ZRANGE', timeline, -1, -1, 'WITHSCORES')
  if last[1] == INCOMPLETE or redis.call('ZSCORE', timeline, COMPLETE) then
    return true
  end
  local floor = tonumber(last[2])
  return score < floor or (score == floor and id <= last[1])
end

local added = 0
for i = 2, #KEYS do
  local score, id = ARGV[2 * i - 2], ARGV[2 * i - 1]
  if redis.call('HEXISTS', KEYS[i], 'x') == 0 then
    added = added + 1
    if accepts(tonumber(score), id) then
      redis.call('ZADD', timeline, score, id)
    end
  end
end
if kind == 'all' then
  redis.call('ZREM', timeline, INCOMPLETE)
  redis.call('ZADD', timeline, MARKER_SCORE, COMPLETE)
elseif not exists and kind == 'head' then
  redis.call('ZADD', timeline, MARKER_SCORE, INCOMPLETE)
end
if kind == 'head' and #KEYS > 1 and redis.call('ZRANGE', timeline, 0, 0)[1] == INCOMPLETE then
  redis.call('ZREMRANGEBYSCORE', timeline, '(' .. ARGV[#ARGV - 1], '+inf')  -- between the two there may be a gap
end
if redis.call('ZCARD', timeline) > 1 + TIMELINE_POSTS then
  redis.call('ZREMRANGEBYRANK', timeline, 1 + TIMELINE_POSTS, -1)
  redis.call('ZREM', timeline, COMPLETE)
  redis.call('ZADD', timeline, MARKER_SCORE, INCOMPLETE)
end
redis.call('EXPIRE', timeline, ACTIVE_SECONDS)
return added

-- Adds posts from post to timelines, newest first, where they begin where the timeline ends: it has no gaps.
-- ARGV[1]: the millisecond before which all posts are ('' if they are the newest); then for each author the id, '1' if
-- there are no older posts, how many follow, and score and id of each.
local before = ARGV[1]

local function goes_on(key)
  if redis.call('ZRANGE', key, 0, 0)[1] ~= INCOMPLETE then
    return false
  end
  return before == '' or tonumber(redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')[2]) >= -tonumber(before)
end

local next_author = 2
while next_author <= #ARGV do
  local key, whole, count = TIMELINE .. ARGV[next_author], ARGV[next_author + 1] == '1', tonumber(ARGV[next_author + 2])
  local first, last = next_author + 3, next_author + 2 + 2 * count
  next_author = last + 1
  if goes_on(key) then
    if count > 0 then
      redis.call('ZADD', key, unpack(ARGV, first, last))
      if before == '' and not whole then
        redis.call('ZREMRANGEBYSCORE', key, '(' .. ARGV[last - 1], '+inf')  -- between the two there may be a gap
      end
    end
    if redis.call('ZCARD', key) > 1 + TIMELINE_POSTS then
      redis.call('ZREMRANGEBYRANK', key, 1 + TIMELINE_POSTS, -1)
    elseif whole then
      redis.call('ZREM', key, INCOMPLETE)
      redis.call('ZADD', key, MARKER_SCORE, COMPLETE)
    end
    redis.call('EXPIRE', key, ACTIVE_SECONDS)
  end
end

-- The list of a feed, for scripts that add to it.
local SLACK = 32  -- a list is trimmed when it is so much too long: trimming one at a time costs a fifth of the throughput

-- Whether a post may be added: nil if there is no feed, false if the post is below the last entry of a list that is cut.
local function accepts(key, score, id)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if not last[1] then
    return nil
  end
  local floor = tonumber(last[2])
  return score < floor or (score == floor and id <= last[1]) or redis.call('ZSCORE', key, INCOMPLETE) ~= false
end

local function trim(key)
  if redis.call('ZCARD', key) > 1 + FEED_POSTS + SLACK then
    redis.call('ZREMRANGEBYRANK', key, 1 + FEED_POSTS, -1)
  end
end

-- Ends the list at a score: posts below it are not known.
local function cut(key, score)
  redis.call('ZREMRANGEBYSCORE', key, '(' .. score, '+inf')
end

-- Whether an account is known not to follow an author. Without `fv` nothing is known.
local function is_not_following(versions, following, author)
  return redis.call('EXISTS', versions) == 1 and redis.call('SISMEMBER', following, author) == 0
end

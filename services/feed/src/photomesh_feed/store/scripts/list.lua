-- A feed's list, for the scripts that put posts into one.
local SLACK = 32  -- a list is cut once it is so much too long: cutting one at a time costs a fifth of the throughput

-- Whether a post belongs into the list: it exists, and whoever goes on below its last entry has not passed the post.
local function takes(key, score, id)
  local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
  if not last[1] then
    return nil
  end
  local floor = tonumber(last[2])
  return score < floor or (score == floor and id <= last[1]) or redis.call('ZSCORE', key, '1') ~= false
end

local function trim(key, limit)
  if redis.call('ZCARD', key) > 1 + limit + SLACK then
    redis.call('ZREMRANGEBYRANK', key, 1 + limit, -1)
  end
end

-- Nothing below the post is known any more.
local function cut(key, score)
  redis.call('ZREMRANGEBYSCORE', key, '(' .. score, '+inf')
end

-- Whether somebody is known not to follow an author. Nothing is known without `fv`.
local function strangers(versions, following, author)
  return redis.call('EXISTS', versions) == 1 and redis.call('SISMEMBER', following, author) == 0
end

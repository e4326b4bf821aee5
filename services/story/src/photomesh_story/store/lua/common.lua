-- ARGV[1]: the time in milliseconds for tests; 0: that of Redis.
local now = tonumber(ARGV[1])
if now == 0 then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function ready()
  return redis.call('EXISTS', READY) == 1
end

-- A member of st:a: the id of the story, and whether it is for close friends.
local function parsed(member)
  local id = string.match(member, '^%d+')
  return id, #id < #member
end

local function is_close(viewer, author)
  return viewer == author or redis.call('SISMEMBER', CLOSE_FRIENDS .. viewer, author) == 1
end

-- The stories of an author that can be seen now, the newest first: members and times in turn.
local function alive(author, limit)
  return redis.call('ZRANGE', AUTHOR .. author, '+inf', '(' .. string.format('%.0f', now), 'BYSCORE', 'REV',
    'LIMIT', 0, limit, 'WITHSCORES')
end

local function forget_views(story)
  redis.call('DEL', VIEWS .. story, FOLLOWED_VIEWS .. story, ALL_VIEWS .. story)
end

-- Keeps st:on right after a story of the author came or went.
local function refresh(author)
  local newest = alive(author, 1)
  if newest[1] then
    redis.call('ZADD', ON, newest[2], author)
  else
    redis.call('ZREM', ON, author)
  end
end

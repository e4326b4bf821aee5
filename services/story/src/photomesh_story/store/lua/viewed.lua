local story, author, viewer, expires, at = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
if tonumber(redis.call('HGET', SEEN .. viewer, author) or '0') < expires then
  redis.call('HSET', SEEN .. viewer, author, ARGV[5])
  redis.call('EXPIRE', SEEN .. viewer, KEPT_SECONDS)
end
local views, followed, all = VIEWS .. story, FOLLOWED_VIEWS .. story, ALL_VIEWS .. story
if redis.call('ZSCORE', followed, viewer) then
  redis.call('ZADD', followed, 'LT', at, viewer)
  return
end
redis.call('ZADD', views, 'LT', at, viewer)
redis.call('EXPIRE', views, KEPT_SECONDS)
if redis.call('EXISTS', all) == 1 then
  redis.call('PFADD', all, viewer)
elseif redis.call('ZCARD', views) > MOST_VIEWERS then
  -- From now on they are counted to about 1 %: those who are there first.
  local known = redis.call('ZRANGE', views, 0, -1)
  for i = 1, #known, 1000 do
    redis.call('PFADD', all, unpack(known, i, math.min(i + 999, #known)))
  end
end
redis.call('EXPIRE', all, KEPT_SECONDS)
-- A viewer who is taken out saw it before all who stay, also if events come late: so these come first in the list.
while redis.call('ZCARD', views) > MOST_VIEWERS do
  local earliest = redis.call('ZPOPMIN', views)
  if redis.call('SISMEMBER', FOLLOWS .. author, earliest[1]) == 1 then
    redis.call('ZADD', followed, earliest[2], earliest[1])
    redis.call('EXPIRE', followed, KEPT_SECONDS)
  end
end

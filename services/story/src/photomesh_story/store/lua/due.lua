-- Takes stories whose objects are to be removed, and hides them from others for a while.
local stories = redis.call('ZRANGEBYSCORE', DUE, '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[2])
for _, story in ipairs(stories) do
  redis.call('ZADD', DUE, string.format('%.0f', now + tonumber(ARGV[3])), story)
end
return stories

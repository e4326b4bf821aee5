-- The viewer's feed is to be filled: events land in it from here on. KEYS[1]: the feed; ARGV[1]: the viewer;
-- ARGV[2]: now, in the milliseconds of ids. Gives 1 if the feed is whole already.
local viewer, feed = ARGV[1], KEYS[1]
local versions = 'fv:' .. viewer
if redis.call('HEXISTS', versions, '0') == 0 then
  redis.call('DEL', versions, 'fo:' .. viewer, 'mu:' .. viewer)
  redis.call('HSET', versions, '0', '0')
  redis.call('ZREM', feed, '0')
end
local marker = redis.call('ZRANGE', feed, 0, 0)[1]
if marker ~= '0' and marker ~= '1' then
  redis.call('ZADD', feed, '-inf', '1')
end
redis.call('HSETNX', 'li:' .. viewer, '0', ARGV[2])
redis.call('HSETNX', 'sa:' .. viewer, '0', ARGV[2])
for _, kind in ipairs({'f:', 'fv:', 'li:', 'sa:'}) do
  redis.call('EXPIRE', kind .. viewer, 2592000)
end
return marker == '0' and 1 or 0

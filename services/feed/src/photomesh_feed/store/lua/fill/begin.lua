-- Marks a feed as being filled, so that events apply to it. KEYS[1]: the feed; ARGV[1]: the viewer; ARGV[2]: now, in the
-- milliseconds of ids. Returns 1 if the feed is complete already.
local viewer, feed = ARGV[1], KEYS[1]
local versions = FOLLOW_VERSIONS .. viewer
if redis.call('HEXISTS', versions, MARKER) == 0 then
  redis.call('DEL', versions, FOLLOWING .. viewer, MUTED .. viewer)
  redis.call('HSET', versions, MARKER, '0')
  redis.call('ZREM', feed, COMPLETE)
end
local marker = redis.call('ZRANGE', feed, 0, 0)[1]
if marker ~= COMPLETE and marker ~= INCOMPLETE then
  redis.call('ZADD', feed, MARKER_SCORE, INCOMPLETE)
end
redis.call('HSETNX', LIKES .. viewer, MARKER, ARGV[2])
redis.call('HSETNX', SAVES .. viewer, MARKER, ARGV[2])
for _, kind in ipairs({FEED, FOLLOW_VERSIONS, LIKES, SAVES}) do
  redis.call('EXPIRE', kind .. viewer, ACTIVE_SECONDS)
end
return marker == COMPLETE and 1 or 0

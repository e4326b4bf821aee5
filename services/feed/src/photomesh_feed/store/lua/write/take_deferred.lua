-- Takes the deferred fan-outs that are due, the longest due first. KEYS: deferred. ARGV: now, until when they are taken,
-- how many. Those that are not removed by then are due again.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, member in ipairs(due) do
  redis.call('ZADD', KEYS[1], ARGV[2], member)
end
return due

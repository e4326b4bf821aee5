-- Returns what is due, and leases it: others get it only after the lease, or when it is marked again.
local limit, leased = tonumber(ARGV[2]), ARGV[3]
local members = redis.call('ZRANGE', DUE, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, limit)
for _, member in ipairs(members) do redis.call('ZADD', DUE, leased, member) end
return members

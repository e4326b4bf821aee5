-- Notes a relation at a version, unless a newer one is known.
local members, versions, other, version, active = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6] == '1'
if tonumber(redis.call('HGET', versions, other) or '-1') > version then return 0 end
redis.call('HSET', versions, other, ARGV[5])
if active then
  redis.call('SADD', members, other)
else
  redis.call('SREM', members, other)
end
return 1

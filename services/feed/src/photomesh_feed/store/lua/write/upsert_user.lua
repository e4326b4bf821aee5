-- Sets the names of an account, if they are newer. KEYS: the user. ARGV: '1' if the event may be outdated, version, then
-- names and values of fields. Where nothing is known, an outdated event changes nothing: readers load the names.
local known = redis.call('HGET', KEYS[1], 'v')
if known and tonumber(known) >= tonumber(ARGV[2]) then
  return 0
end
if not known and ARGV[1] == '1' then
  return 0
end
redis.call('HSET', KEYS[1], 'v', unpack(ARGV, 2))
return 1

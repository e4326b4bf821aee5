-- Sets the names of an account, if they are newer. KEYS: the user. ARGV: version, then names and values of fields.
local known = redis.call('HGET', KEYS[1], 'v')
if known and tonumber(known) >= tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[1], 'v', unpack(ARGV))
return 1

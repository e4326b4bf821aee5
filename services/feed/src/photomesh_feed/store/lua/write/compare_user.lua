-- Sets the names of an account, and whether it is hidden, to the owner's state, where the account is known and that is
-- newer: names that post gave have no version. KEYS: the user. ARGV: version, '1' if hidden, '1' if private, then names
-- and values of fields. Returns 1 if what is known differed in whether it is hidden or private.
local known = redis.call('HMGET', KEYS[1], 'v', 'hidden', 'private')
if redis.call('EXISTS', KEYS[1]) == 0 or (known[1] and tonumber(known[1]) >= tonumber(ARGV[1])) then
  return 0
end
redis.call('HSET', KEYS[1], 'v', ARGV[1], 'hidden', ARGV[2], 'private', ARGV[3], unpack(ARGV, 4))
if known[2] ~= ARGV[2] or (known[3] and known[3] ~= ARGV[3]) then
  return 1
end
return 0

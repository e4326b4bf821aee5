-- Sets the names of an account, if they are newer. KEYS: the user. ARGV: '1' if the event may be outdated, version, then
-- names and values of fields. Where no version is known, nobody can tell whether an event that may be outdated is newer: it
-- sets nothing, and if readers have loaded anything else, they load it again.
local known = redis.call('HGET', KEYS[1], 'v')
if known and tonumber(known) >= tonumber(ARGV[2]) then
  return 0
end
if not known and ARGV[1] == '1' then
  for i = 3, #ARGV, 2 do
    local loaded = redis.call('HGET', KEYS[1], ARGV[i])
    if loaded and loaded ~= ARGV[i + 1] then
      redis.call('DEL', KEYS[1])
      break
    end
  end
  return 0
end
redis.call('HSET', KEYS[1], 'v', unpack(ARGV, 2))
return 1

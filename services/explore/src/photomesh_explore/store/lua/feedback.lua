-- Notes what an account said about something, at a version; without a value: that it took it back.
local account, id, version, value = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local key = FEEDBACK .. account
if version_of(redis.call('HGET', key, id)) >= tonumber(version) then return 0 end
if value == '' and state_of(account) == 'x' then
  redis.call('HDEL', key, id)
  return 1
end
redis.call('HSET', key, id, version .. '\n' .. value)
if value == '' and redis.call('HLEN', key) > 2 * MAX_FEEDBACK then
  local flat = redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    if flat[i] ~= id and string.match(flat[i + 1], '^%d+\n$') then redis.call('HDEL', key, flat[i]) end
  end
end
return 1

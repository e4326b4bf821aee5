-- Whom the viewer follows ('') or mutes ('m'), as social-graph says. ARGV[1]: the viewer; ARGV[2]: which; then account and
-- version of each. What an event has said since is newer, and stays.
local viewer, prefix = ARGV[1], ARGV[2]
local versions, members = 'fv:' .. viewer, (prefix == 'm' and 'mu:' or 'fo:') .. viewer
if redis.call('HEXISTS', versions, '0') == 0 then
  return 0
end
for i = 3, #ARGV, 2 do
  local known = redis.call('HGET', versions, prefix .. ARGV[i])
  if not known or tonumber(ARGV[i + 1]) > tonumber(known) then
    redis.call('HSET', versions, prefix .. ARGV[i], ARGV[i + 1])
    redis.call('SADD', members, ARGV[i])
  end
end
redis.call('EXPIRE', members, 2592000)
return 1

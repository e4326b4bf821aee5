-- Merges an account's relations from social-graph, ended ones as well; newer ones from events stay. ARGV[1]: the account;
-- then the other account, version, '1' if it is followed, '1' if it is muted.
local account = ARGV[1]
local versions, following, muted = FOLLOW_VERSIONS .. account, FOLLOWING .. account, MUTED .. account
if redis.call('HEXISTS', versions, MARKER) == 0 then
  return 0
end

local function set(members, other, active)
  redis.call(active == '1' and 'SADD' or 'SREM', members, other)
end

for i = 2, #ARGV, 4 do
  local other, version, follows, mutes = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local known = redis.call('HMGET', versions, other, 'm' .. other)
  if tonumber(version) > tonumber(known[1] or '-1') then
    redis.call('HSET', versions, other, version)
    set(following, other, follows)
  end
  local mute_version = known[2] or known[1]
  if tonumber(version) > tonumber(mute_version or '-1') then
    if known[2] then
      redis.call('HSET', versions, 'm' .. other, version)
    end
    set(muted, other, mutes)
  end
end
redis.call('EXPIRE', following, ACTIVE_SECONDS)
redis.call('EXPIRE', muted, ACTIVE_SECONDS)
return 1

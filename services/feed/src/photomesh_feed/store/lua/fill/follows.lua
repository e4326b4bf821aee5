-- Merges an account's follows ('') or mutes ('m') from social-graph; newer ones from events stay. ARGV[1]: the account;
-- ARGV[2]: which; then id and version of each.
local viewer, prefix = ARGV[1], ARGV[2]
local versions, members = FOLLOW_VERSIONS .. viewer, (prefix == 'm' and MUTED or FOLLOWING) .. viewer
if redis.call('HEXISTS', versions, MARKER) == 0 then
  return 0
end
for i = 3, #ARGV, 2 do
  local known = redis.call('HGET', versions, prefix .. ARGV[i])
  if not known or tonumber(ARGV[i + 1]) > tonumber(known) then
    redis.call('HSET', versions, prefix .. ARGV[i], ARGV[i + 1])
    redis.call('SADD', members, ARGV[i])
  end
end
redis.call('EXPIRE', members, ACTIVE_SECONDS)
return 1

-- Notes the state of an account at a version, unless a newer one is known; its posts follow.
local account, version, state = ARGV[2], ARGV[3], ARGV[4]
local key = ACCOUNTS .. bucket(account)
local stored = redis.call('HGET', key, account)
if stored and (version_of(stored) >= tonumber(version) or string.match(stored, ':x$')) then return 0 end
redis.call('HSET', key, account, version .. ':' .. state)
for _, id in ipairs(redis.call('ZRANGE', WRITTEN .. account, 0, -1)) do
  local value = redis.call('GET', POST .. id)
  local post = value and parsed(value)
  if post and state == '1' then show(id, post) elseif post then hide(id, post) end
end
return 1

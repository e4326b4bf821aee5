-- What is known of an account's follows and mutes. ARGV[1]: the account, then other accounts. Returns nothing if the
-- account's follows are not kept; else version of the follow, of the mute ('' if there is none), '1' or '0' for each.
local account = ARGV[1]
local versions = FOLLOW_VERSIONS .. account
if redis.call('HEXISTS', versions, MARKER) == 0 then
  return {}
end
local found = {}
for i = 2, #ARGV do
  local other = ARGV[i]
  local known = redis.call('HMGET', versions, other, 'm' .. other)
  found[#found + 1] = known[1] or ''
  found[#found + 1] = known[2] or known[1] or ''
  found[#found + 1] = redis.call('SISMEMBER', FOLLOWING .. account, other)
  found[#found + 1] = redis.call('SISMEMBER', MUTED .. account, other)
end
return found

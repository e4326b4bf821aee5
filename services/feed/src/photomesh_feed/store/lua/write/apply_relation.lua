-- Applies a follow or a mute, or its end, if the account's follows are kept and this is newer.
-- KEYS: versions (fv), the set (fo or mu), the account's feed. ARGV: field of the version, field of the pair's other
-- version, the other account, version, '1' or '0' for its end. Returns whether the feed exists.
local versions, own, twin = KEYS[1], ARGV[1], ARGV[2]
if redis.call('EXISTS', versions) == 1 then
  local known = redis.call('HMGET', versions, own, twin, ARGV[3])
  local version = known[1] or known[3]  -- a pair as social-graph returned it has one version for both
  if not version or tonumber(version) < tonumber(ARGV[4]) then
    if not known[2] then
      redis.call('HSET', versions, twin, version or '0')
    end
    redis.call('HSET', versions, own, ARGV[4])
    if ARGV[5] == '1' then
      redis.call('SADD', KEYS[2], ARGV[3])
      local rest = redis.call('PTTL', versions)
      if rest > 0 then
        redis.call('PEXPIRE', KEYS[2], rest)
      end
    else
      redis.call('SREM', KEYS[2], ARGV[3])
    end
  end
end
return redis.call('EXISTS', KEYS[3])

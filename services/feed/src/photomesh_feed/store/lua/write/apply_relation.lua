-- Applies a follow or a mute, or its end, if the account's follows are kept and this is newer.
-- KEYS: versions (fv), the set (fo or mu), the account's feed. ARGV: field of the version, the other account, version,
-- '1' or '0' for its end. Returns whether the feed exists.
local known = redis.call('HGET', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 and (not known or tonumber(known) < tonumber(ARGV[3])) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  if ARGV[4] == '1' then
    redis.call('SADD', KEYS[2], ARGV[2])
    local rest = redis.call('PTTL', KEYS[1])
    if rest > 0 then
      redis.call('PEXPIRE', KEYS[2], rest)
    end
  else
    redis.call('SREM', KEYS[2], ARGV[2])
  end
end
return redis.call('EXISTS', KEYS[3])

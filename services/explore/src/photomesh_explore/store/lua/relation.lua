-- Notes that an account follows or mutes another, or does not any more; nothing of accounts that are erased.
local prefix, account, other, version, active, most = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1', tonumber(ARGV[7])
if state_of(account) == 'x' then return 0 end
if state_of(other) == 'x' then return redis.call('HDEL', prefix .. account, other) end
return keep(prefix .. account, other, version, active, most) and 1 or 0

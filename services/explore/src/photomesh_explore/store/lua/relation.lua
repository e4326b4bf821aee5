-- Notes that an account follows or mutes another, or does not any more.
local key, other, version, active, most = ARGV[2], ARGV[3], ARGV[4], ARGV[5] == '1', tonumber(ARGV[6])
return keep(key, other, version, active, most) and 1 or 0

-- Notes that an account likes (l) or saved (s) a post, or does not any more; nothing of an account that is erased.
local kind, account, post, version, active = ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1'
if state_of(account) == 'x' then
  if redis.call('HDEL', LIKERS .. post, account) == 1 then mark('o:' .. post) end
  return 0
end
local own = ENGAGED .. account
if not keep(own, kind .. post, version, active, MAX_ENGAGED) then return 0 end
redis.call('PEXPIRE', own, PAIRS_MS)
if kind == 'l' and keep(LIKERS .. post, account, version, active, MAX_LIKERS) then
  redis.call('PEXPIRE', LIKERS .. post, KEPT_MS)
  mark('o:' .. post)
end
return 1

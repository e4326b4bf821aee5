-- Notes what an account is shown. ARGV from 5 on: post, author, why, how many bits, and these.
local account, most, keep_ms = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local meta = SEEN_STATE .. account
local half, count, since = unpack(redis.call('HMGET', meta, 'half', 'count', 'since'))
half, count, since = half or '0', tonumber(count or '0'), tonumber(since or ARGV[1])
if count >= most or now - since >= keep_ms then
  half, count, since = half == '0' and '1' or '0', 0, now
  redis.call('DEL', SEEN .. account .. ':' .. half)
end
local bits, i = SEEN .. account .. ':' .. half, 5
while i <= #ARGV do
  local post, author, why, positions = ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
  for n = 1, positions do redis.call('SETBIT', bits, ARGV[i + 3 + n], 1) end
  -- A page of the home feed may be read again and again.
  if redis.call('HSET', WHY .. account, post, ARGV[1] .. ' ' .. why) == 1 then
    redis.call('INCR', SHOWN .. author)
    redis.call('PEXPIRE', SHOWN .. author, SHOWN_FOR_MS)
    count = count + 1
  end
  i = i + 4 + positions
end
redis.call('HSET', meta, 'half', half, 'count', count, 'since', string.format('%.0f', since))
trim(WHY .. account, MAX_WHY)
redis.call('PEXPIRE', WHY .. account, SHOWN_FOR_MS)
for _, key in ipairs({ meta, SEEN .. account .. ':0', SEEN .. account .. ':1' }) do
  redis.call('PEXPIRE', key, KEPT_MS)
end
return 1

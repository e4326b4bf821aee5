-- Applies what an account did to a post, if it is kept and this is news, and counts it towards its affinity to the
-- author if that changed anything, so that no replay counts twice.
-- KEYS: states (li or sa), affinities. ARGV: field, '+' or '-', version, author ('' for none), points, authors to keep,
-- seconds to keep them. Gives 1 if it was news.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local known = redis.call('HGET', KEYS[1], ARGV[1])
if known and tonumber(string.sub(known, 2)) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ARGV[3])
local was = known and string.sub(known, 1, 1) or '-'
if was ~= ARGV[2] and ARGV[4] ~= '' then
  local points = ARGV[2] == '+' and ARGV[5] or '-' .. ARGV[5]
  if tonumber(redis.call('ZINCRBY', KEYS[2], points, ARGV[4])) <= 0 then
    redis.call('ZREM', KEYS[2], ARGV[4])
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[6]))
  redis.call('EXPIRE', KEYS[2], ARGV[7])
end
return 1

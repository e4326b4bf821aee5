-- Applies a like, comment or save, or its end, if the account's states are kept and this is newer; counts it towards the
-- affinity to the author if it changed the state, so that no replay counts twice.
-- KEYS: states (li or sa), affinities. ARGV: field, '+' or '-', version, author ('' for none), points,
-- when it happened (milliseconds of ids).
-- Returns 1 if it was newer.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
local known = redis.call('HGET', KEYS[1], ARGV[1])
if not known and tonumber(ARGV[6]) <= tonumber(redis.call('HGET', KEYS[1], MARKER) or '0') + 30000 then
  return 0  -- from before the states were kept: post has it, and is asked when it is needed
end
if known and tonumber(string.match(known, '%d+')) >= tonumber(ARGV[3]) then
  return 0
end
local before = known and string.sub(known, 1, 1) or '-'
-- Versions at which a post's like changed, the latest first: enough for the likes and unlikes of a second.
local is_like = string.sub(KEYS[1], 1, #LIKES) == LIKES and string.sub(ARGV[1], 1, 1) ~= 'c'
local changes = is_like and known and (string.match(known, ':(.+)$') or (before == '+' and string.sub(known, 2)))
if is_like and known and before ~= ARGV[2] then
  changes = changes and string.match(ARGV[3] .. ':' .. changes, '^%d+:%d+:?%d*:?%d*') or ARGV[3]
end
local state = ARGV[2] .. ARGV[3] .. (changes and ':' .. changes or '')
redis.call('HSET', KEYS[1], ARGV[1], state)
if before ~= ARGV[2] and ARGV[4] ~= '' then
  local points = ARGV[2] == '+' and ARGV[5] or '-' .. ARGV[5]
  if tonumber(redis.call('ZINCRBY', KEYS[2], points, ARGV[4])) <= 0 then
    redis.call('ZREM', KEYS[2], ARGV[4])
  end
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - AFFINITY_AUTHORS)
  redis.call('EXPIRE', KEYS[2], ACTIVE_SECONDS)
end
return 1

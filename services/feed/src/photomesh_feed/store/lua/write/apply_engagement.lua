-- Applies likes, comments and saves, or their ends, one after the other: each if its account's states are kept and it is
-- newer. Counts it towards the affinity to the author if it changed the state, so that no replay counts twice.
-- KEYS: states (li or sa) and affinities of each. ARGV, six of each: field, '+' or '-', version, author ('' for none),
-- points, when it happened (milliseconds of ids).
-- Returns how many were newer.
local function apply(states, affinities, field, sign, version, author, points, at)
  if redis.call('EXISTS', states) == 0 then
    return 0
  end
  local known = redis.call('HGET', states, field)
  if not known and tonumber(at) <= tonumber(redis.call('HGET', states, MARKER) or '0') + 30000 then
    return 0  -- from before the states were kept: post has it, and is asked when it is needed
  end
  if known and tonumber(string.match(known, '%d+')) >= tonumber(version) then
    return 0
  end
  local before = known and string.sub(known, 1, 1) or '-'
  -- Versions at which a post's like changed, the latest first: enough for the likes and unlikes of a second.
  local is_like = string.sub(states, 1, #LIKES) == LIKES and string.sub(field, 1, 1) ~= 'c'
  local changes = is_like and known and (string.match(known, ':(.+)$') or (before == '+' and string.sub(known, 2)))
  if is_like and known and before ~= sign then
    changes = changes and string.match(version .. ':' .. changes, '^%d+:%d+:?%d*:?%d*') or version
  end
  local state = sign .. version .. (changes and ':' .. changes or '')
  redis.call('HSET', states, field, state)
  if before ~= sign and author ~= '' then
    local change = sign == '+' and points or '-' .. points
    if tonumber(redis.call('ZINCRBY', affinities, change, author)) <= 0 then
      redis.call('ZREM', affinities, author)
    end
    redis.call('ZREMRANGEBYRANK', affinities, 0, -1 - AFFINITY_AUTHORS)
    redis.call('EXPIRE', affinities, ACTIVE_SECONDS)
  end
  return 1
end

local newer = 0
for i = 1, #KEYS / 2 do
  local key, argument = 2 * i, 6 * i
  newer = newer
    + apply(
      KEYS[key - 1],
      KEYS[key],
      ARGV[argument - 5],
      ARGV[argument - 4],
      ARGV[argument - 3],
      ARGV[argument - 2],
      ARGV[argument - 1],
      ARGV[argument]
    )
end
return newer

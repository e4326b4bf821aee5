-- Keeps the scores of what was taken. ARGV from 3 on: member, score or nothing, count, name, and how many neighbours,
-- which follow as post and strength in turn.
local leased, i = ARGV[2], 3
while i <= #ARGV do
  local member, score, count, name, neighbours = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  local kind, id = string.match(member, '^(.):(.*)$')
  i = i + 5
  -- What was marked meanwhile is scored once more.
  if redis.call('ZSCORE', DUE, member) == leased then redis.call('ZREM', DUE, member) end
  if kind == 'o' then
    local showable = redis.call('ZSCORE', ALL, id)
    if score ~= '' and showable then
      redis.call('ZADD', TOP, score, id)
      redis.call('ZREMRANGEBYRANK', TOP, 0, -MAX_TOP - 1)
    else
      redis.call('ZREM', TOP, id)
    end
    redis.call('DEL', NEIGHBOURS .. id)
    if showable and neighbours > 0 then
      for n = 0, neighbours - 1 do redis.call('ZADD', NEIGHBOURS .. id, ARGV[i + 2 * n + 1], ARGV[i + 2 * n]) end
      redis.call('PEXPIRE', NEIGHBOURS .. id, KEPT_MS)
    end
    i = i + 2 * neighbours
  else
    local key = kind == 'h' and TAG_TRENDS or CELL_TRENDS
    if score ~= '' then
      redis.call('ZADD', key, score, id)
      redis.call('HSET', TREND_NAMES, member, count .. '\n' .. name)
      for _, last in ipairs(redis.call('ZRANGE', key, 0, -MAX_TRENDS - 1)) do
        redis.call('ZREM', key, last)
        redis.call('HDEL', TREND_NAMES, kind .. ':' .. last)
      end
    else
      redis.call('ZREM', key, id)
      redis.call('HDEL', TREND_NAMES, member)
    end
  end
end
return 1

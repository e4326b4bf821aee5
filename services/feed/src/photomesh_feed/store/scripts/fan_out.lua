-- Puts a post into the feeds that exist. After list.lua.
-- KEYS: the post, then one feed for each follower. ARGV: post id, score, list length, '1' to forget what is below it.
-- Gives how many feeds there were and how many of them did not have the post; -1 if it is deleted.
if redis.call('HEXISTS', KEYS[1], 'x') == 1 then
  return {-1, 0}
end
local id, score, limit, is_cut = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local active, inserted = 0, 0
for i = 2, #KEYS do
  local key = KEYS[i]
  local wanted = takes(key, score, id)
  if wanted ~= nil then
    active = active + 1
    if wanted and redis.call('ZADD', key, ARGV[2], id) == 1 then
      inserted = inserted + 1
      trim(key, limit)
    end
    if is_cut then
      cut(key, ARGV[2])
    end
  end
end
return {active, inserted}

-- Adds a post to the feeds that exist. After feed_list.lua.
-- KEYS: the post, then a feed for each follower. ARGV: post id, score, '1' to end the lists there.
-- Returns how many feeds there are, and how many of them lacked the post; -1 if the post is deleted.
if redis.call('HEXISTS', KEYS[1], 'x') == 1 then
  return {-1, 0}
end
local id, score, is_cut = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local active, inserted = 0, 0
for i = 2, #KEYS do
  local key = KEYS[i]
  local accepted = accepts(key, score, id)
  if accepted ~= nil then
    active = active + 1
    if accepted and redis.call('ZADD', key, ARGV[2], id) == 1 then
      inserted = inserted + 1
      trim(key)
    end
    if is_cut then
      cut(key, ARGV[2])
    end
  end
end
return {active, inserted}

-- Takes the posts of an author whom somebody no longer follows out of their feed. After list.lua.
-- KEYS: feed, follow versions, following. ARGV: author, then post ids. Gives how many were taken out.
if redis.call('EXISTS', KEYS[1]) == 0 or not strangers(KEYS[2], KEYS[3], ARGV[1]) then
  return 0
end
local taken = 0
for i = 2, #ARGV do
  taken = taken + redis.call('ZREM', KEYS[1], ARGV[i])
end
if redis.call('ZRANGE', KEYS[1], -1, -1)[1] == '0' then
  redis.call('DEL', KEYS[1])  -- nothing is left to go on from: the next reader builds it
end
return taken

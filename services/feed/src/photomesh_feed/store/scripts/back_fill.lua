-- Puts the posts of one author, whom somebody follows now, into their feed. After list.lua.
-- KEYS: feed, follow versions, following. ARGV: author, list length, '1' if the author has older posts than these, then
-- score and id of each, the newest first. Gives how many the feed did not have.
if redis.call('EXISTS', KEYS[1]) == 0 or strangers(KEYS[2], KEYS[3], ARGV[1]) then
  return 0
end
local inserted = 0
for i = 4, #ARGV, 2 do
  if not takes(KEYS[1], tonumber(ARGV[i]), ARGV[i + 1]) then
    break
  end
  inserted = inserted + redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
end
if ARGV[3] == '1' and #ARGV > 3 then
  cut(KEYS[1], ARGV[#ARGV - 1])
end
trim(KEYS[1], tonumber(ARGV[2]))
return inserted

-- Adds posts of an author to the feed of a new follower. After feed_list.lua.
-- KEYS: feed, follow versions, following. ARGV: author, '1' if the author has older posts than these, then score and id
-- of each, the newest first. Returns how many the feed lacked.
if redis.call('EXISTS', KEYS[1]) == 0 or is_not_following(KEYS[2], KEYS[3], ARGV[1]) then
  return 0
end
local inserted = 0
for i = 3, #ARGV, 2 do
  if not accepts(KEYS[1], tonumber(ARGV[i]), ARGV[i + 1]) then
    break
  end
  inserted = inserted + redis.call('ZADD', KEYS[1], ARGV[i], ARGV[i + 1])
end
if ARGV[2] == '1' and #ARGV > 2 then
  cut(KEYS[1], ARGV[#ARGV - 1])
end
trim(KEYS[1])
return inserted

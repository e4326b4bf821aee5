-- Removes posts of an author from the feed of an account that unfollowed them. After feed_list.lua.
-- KEYS: feed, follow versions, following. ARGV: author, then post ids. Returns how many the feed had.
if redis.call('EXISTS', KEYS[1]) == 0 or not is_not_following(KEYS[2], KEYS[3], ARGV[1]) then
  return 0
end
local removed = 0
for i = 2, #ARGV do
  removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
end
if redis.call('ZRANGE', KEYS[1], -1, -1)[1] == COMPLETE then
  redis.call('DEL', KEYS[1])  -- no entry is left to go on from: the next read builds the feed
end
return removed

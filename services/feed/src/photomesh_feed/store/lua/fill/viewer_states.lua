-- Merges whether the viewer likes and saved posts, as post has them; newer states from events stay.
-- KEYS: likes, saves. ARGV: post, state of the like, state of the save (+version or -version), and so on.
local function merge(key, post, state)
  local known = redis.call('HGET', key, post)
  if not known or tonumber(string.match(known, '%d+')) < tonumber(string.sub(state, 2)) then
    redis.call('HSET', key, post, state)
  end
end

for i = 1, #ARGV, 3 do
  merge(KEYS[1], ARGV[i], ARGV[i + 1])
  merge(KEYS[2], ARGV[i], ARGV[i + 2])
end

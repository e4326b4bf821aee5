-- Sets snapshot and counts of a post as post has them, except what is known to be newer. KEYS[1]: the post; ARGV:
-- snapshot, version, author, hashtags, likes, comments, version of the counts (0: none yet).
local key = KEYS[1]
local known = redis.call('HMGET', key, 'x', 'v', 'cv')
if known[1] then
  return 0
end
if not known[2] or tonumber(ARGV[2]) > tonumber(known[2]) then
  redis.call('HSET', key, 's', ARGV[1], 'v', ARGV[2], 'a', ARGV[3], 'h', ARGV[4])
end
if tonumber(ARGV[7]) > tonumber(known[3] or '-1') then
  local now = redis.call('TIME')
  redis.call('HSET', key, 'lc', ARGV[5], 'cc', ARGV[6], 'ct', string.format('%.0f', now[1] * 1000000 + now[2]))
  if ARGV[7] ~= '0' then
    redis.call('HSET', key, 'cv', ARGV[7])
  end
end
redis.call('EXPIRE', key, POST_SECONDS)
return 1

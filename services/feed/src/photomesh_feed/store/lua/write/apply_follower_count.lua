-- Decides by the number of followers whether an author's posts are pushed or pulled.
-- KEYS: pulled, refilling. ARGV: author, followers, threshold, when readers may stop pulling an author who is pushed
-- again (ms since 1970). Returns 1 if the author's older posts have to be put into feeds.
local author, followers, threshold = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local is_pulled = redis.call('ZSCORE', KEYS[1], author) == 'inf'
if followers >= threshold then
  redis.call('ZADD', KEYS[1], '+inf', author)
  redis.call('SREM', KEYS[2], author)
elseif is_pulled and followers * 10 < threshold * 9 then
  redis.call('ZADD', KEYS[1], ARGV[4], author)
  redis.call('SADD', KEYS[2], author)
end
return redis.call('SISMEMBER', KEYS[2], author)

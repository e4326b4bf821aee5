-- The older posts of an author are on their way into feeds. KEYS: pulled, refilling. ARGV: author, when readers may stop
-- to pull them.
if redis.call('SREM', KEYS[2], ARGV[1]) == 1 and redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= 'inf' then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end

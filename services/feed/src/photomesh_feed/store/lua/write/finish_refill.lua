-- Records that tasks for an author's older posts are in the log. KEYS: pulled, refilling. ARGV: author, when readers may
-- stop pulling the author (ms since 1970).
if redis.call('SREM', KEYS[2], ARGV[1]) == 1 and redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= 'inf' then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
end

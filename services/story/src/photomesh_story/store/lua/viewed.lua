local story, author, viewer, expires, at = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
if tonumber(redis.call('HGET', SEEN .. viewer, author) or '0') < expires then
  redis.call('HSET', SEEN .. viewer, author, ARGV[5])
  redis.call('EXPIRE', SEEN .. viewer, KEPT_SECONDS)
end
redis.call('ZADD', VIEWS .. story, 'LT', at, viewer)
redis.call('EXPIRE', VIEWS .. story, KEPT_SECONDS)

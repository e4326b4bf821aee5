local member, author, expires, story = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
redis.call('ZADD', AUTHOR .. author, 'NX', expires, member)
redis.call('EXPIRE', AUTHOR .. author, KEPT_SECONDS)
redis.call('ZADD', DUE, 'NX', expires, story)
redis.call('ZREMRANGEBYSCORE', ON, '-inf', string.format('%.0f', now - DAY_MS))
refresh(author)

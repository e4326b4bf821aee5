local member, author, expires, story = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
redis.call('ZADD', AUTHOR .. author, 'NX', expires, member)
redis.call('EXPIRE', AUTHOR .. author, KEPT_SECONDS)
-- Stories that were over (or, below zero, deleted and over) for so long are needed no more, even by a replay.
local past = now - KEPT_SECONDS * 1000
redis.call('ZREMRANGEBYSCORE', AUTHOR .. author, string.format('%.0f', -past), string.format('%.0f', past))
redis.call('ZADD', DUE, 'NX', expires, story)
redis.call('ZREMRANGEBYSCORE', ON, '-inf', string.format('%.0f', now - DAY_MS))
refresh(author)

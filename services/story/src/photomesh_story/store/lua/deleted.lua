local member, author, expires, story = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
redis.call('ZADD', AUTHOR .. author, string.format('%.0f', -expires), member)
redis.call('EXPIRE', AUTHOR .. author, KEPT_SECONDS)
forget_views(story)
redis.call('ZADD', DUE, 0, story)
refresh(author)

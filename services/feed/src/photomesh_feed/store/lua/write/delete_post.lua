-- Replaces a post by its tombstone, and removes it from its author's timeline. KEYS: the post, the timeline.
-- ARGV: post id.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'x', '1')
redis.call('EXPIRE', KEYS[1], POST_SECONDS)
redis.call('ZREM', KEYS[2], ARGV[1])

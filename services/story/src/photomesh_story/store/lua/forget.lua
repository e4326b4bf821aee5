-- Removes an account: what it saw, whom it follows, and its stories with who saw them. Returns nil while Redis is built
-- again, which would bring some of it back.
if not ready() then return false end
local account = ARGV[2]
for _, author in ipairs(redis.call('HKEYS', SEEN .. account)) do
  for _, member in ipairs(redis.call('ZRANGE', AUTHOR .. author, 0, -1)) do
    local story = string.match(member, '^%d+')
    redis.call('ZREM', VIEWS .. story, account)
    redis.call('ZREM', FOLLOWED_VIEWS .. story, account)
  end
end
for _, member in ipairs(redis.call('ZRANGE', AUTHOR .. account, 0, -1)) do
  forget_views(string.match(member, '^%d+'))
end
redis.call('ZREM', ON, account)
redis.call('DEL', SEEN .. account, AUTHOR .. account, FOLLOWS .. account, FOLLOWS_VERSIONS .. account,
  CLOSE_FRIENDS .. account, CLOSE_FRIENDS_VERSIONS .. account)
return 1

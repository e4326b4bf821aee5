-- Removes an account: what it said, liked, saved, follows, and was shown. Its posts were hidden with its state.
-- Returns nil while Redis is built again, which would bring some of it back.
if redis.call('EXISTS', READY) == 0 then return false end
local account = ARGV[2]
for _, field in ipairs(redis.call('HKEYS', ENGAGED .. account)) do
  local post = string.match(field, '^l(%d+)')
  if post then
    redis.call('HDEL', LIKERS .. post, account)
    mark('o:' .. post)
  end
end
local posts = redis.call('ZRANGE', WRITTEN .. account, 0, -1)
for _, id in ipairs(posts) do redis.call('DEL', POST .. id, LIKERS .. id, NEIGHBOURS .. id) end
redis.call('HDEL', FOLLOWERS .. bucket(account), account)
redis.call('DEL', ENGAGED .. account, FOLLOWS .. account, MUTES .. account, FEEDBACK .. account, WRITTEN .. account,
  WHY .. account, PAGES .. account, SEEN_STATE .. account, SEEN .. account .. ':0', SEEN .. account .. ':1', SHOWN .. account)
return #posts

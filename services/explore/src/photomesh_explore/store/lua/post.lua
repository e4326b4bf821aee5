-- Notes a post at a version, unless a newer one is known. Without lines behind the version it is deleted.
local id, version, lines = ARGV[2], ARGV[3], ARGV[4]
local stored = redis.call('GET', POST .. id)
if version_of(stored) >= tonumber(version) then return 0 end
local before = stored and parsed(stored)
if before then hide(id, before) end
local post = parsed(version .. '\n' .. lines)
if post and state_of(post.author) == 'x' then return 0 end
redis.call('SET', POST .. id, version .. '\n' .. lines, 'PX', KEPT_MS)
if not post then
  if before then redis.call('ZREM', WRITTEN .. before.author, id) end
  return 1
end
local written = WRITTEN .. post.author
redis.call('ZADD', written, string.format('%.0f', post.at), id)
redis.call('PEXPIRE', written, KEPT_MS)
for _, old in ipairs(redis.call('ZRANGE', written, 0, -MAX_WRITTEN - 1)) do
  local value = redis.call('GET', POST .. old)
  if value and parsed(value) then hide(old, parsed(value)) end
  redis.call('ZREM', written, old)
end
if state_of(post.author) == '1' and redis.call('ZSCORE', written, id) then show(id, post) end
return 1

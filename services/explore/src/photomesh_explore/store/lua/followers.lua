-- Notes how many followers an account has at a time, unless a later number is known. What depends on it is scored again
-- when the number has doubled or halved.
local account, at, count = ARGV[2], ARGV[3], ARGV[4]
if state_of(account) == 'x' then return 0 end
local key = FOLLOWERS .. bucket(account)
local stored = redis.call('HGET', key, account)
if version_of(stored) >= tonumber(at) then return 0 end
redis.call('HSET', key, account, at .. ':' .. count)
local before = stored and tonumber(string.match(stored, ':(%d+)$'))
local function size(number) return math.floor(math.log(number + 1) / math.log(2)) end
if before and size(before) == size(tonumber(count)) then return 1 end
mark_liked(account)
for _, id in ipairs(redis.call('ZRANGE', WRITTEN .. account, 0, -1)) do
  local value = redis.call('GET', POST .. id)
  local post = value and parsed(value)
  if post then
    mark('o:' .. id)
    for _, tag in ipairs(post.tags) do mark('h:' .. tag) end
    if post.cell ~= '' then mark('c:' .. post.cell) end
  end
end
return 1

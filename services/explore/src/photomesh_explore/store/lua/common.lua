-- ARGV[1]: the time in milliseconds.
local now = tonumber(ARGV[1])

-- Ids do not fit into Lua's numbers, so they stay texts.
local function bucket(account)
  return string.sub(account, -4)
end

local function version_of(stored)
  return stored and tonumber(string.match(stored, '^%-?%d+')) or 0
end

local function parsed(stored)
  local author, at, cell, tags = string.match(stored, '^%d+\n(%d+)\n(%d+)\n([^\n]*)\n([^\n]*)\n')
  if not author then return nil end
  local post = { author = author, at = tonumber(at), cell = cell, tags = {} }
  for tag in string.gmatch(tags, '%S+') do table.insert(post.tags, tag) end
  return post
end

local function state_of(account)
  local stored = redis.call('HGET', ACCOUNTS .. bucket(account), account)
  return stored and string.match(stored, ':(.)$')
end

-- Marks something to be scored: at once, also if somebody scores it at this moment.
local function mark(member)
  redis.call('ZADD', DUE, 'LT', ARGV[1], member)
end

local function list(key, post, at, most)
  redis.call('ZADD', key, string.format('%.0f', at), post)
  redis.call('ZREMRANGEBYRANK', key, 0, -most - 1)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now - SHOWABLE_MS))
end

-- Makes a post one that may be shown.
local function show(id, post)
  if post.at < now - SHOWABLE_MS then return end
  list(ALL, id, post.at, MAX_ALL)
  for _, tag in ipairs(post.tags) do
    list(TAG .. tag, id, post.at, MAX_TAGGED)
    redis.call('PEXPIRE', TAG .. tag, KEPT_MS)
    mark('h:' .. tag)
  end
  if post.cell ~= '' then
    list(CELL .. post.cell, id, post.at, MAX_TAGGED)
    redis.call('PEXPIRE', CELL .. post.cell, KEPT_MS)
    mark('c:' .. post.cell)
  end
  mark('o:' .. id)
end

local function hide(id, post)
  redis.call('ZREM', ALL, id)
  redis.call('ZREM', TOP, id)
  redis.call('DEL', NEIGHBOURS .. id)
  for _, tag in ipairs(post.tags) do
    if redis.call('ZREM', TAG .. tag, id) == 1 then mark('h:' .. tag) end
  end
  if post.cell ~= '' and redis.call('ZREM', CELL .. post.cell, id) == 1 then mark('c:' .. post.cell) end
end

-- Keeps about `most` fields: what has ended goes first, then the oldest.
local function trim(key, most)
  if redis.call('HLEN', key) <= most * 1.25 then return end
  local flat, fields = redis.call('HGETALL', key), {}
  for i = 1, #flat, 2 do table.insert(fields, { flat[i], version_of(flat[i + 1]) }) end
  table.sort(fields, function(one, other)
    if (one[2] < 0) ~= (other[2] < 0) then return one[2] < 0 end
    return math.abs(one[2]) < math.abs(other[2])
  end)
  for i = 1, #fields - most do redis.call('HDEL', key, fields[i][1]) end
end

-- Keeps the latest state of a pair. Returns whether this is it.
local function keep(key, field, version, active, most)
  if math.abs(version_of(redis.call('HGET', key, field))) >= tonumber(version) then return false end
  redis.call('HSET', key, field, active and version or '-' .. version)
  trim(key, most)
  return true
end

-- Marks the posts that an account likes: how much its likes count has changed.
local function mark_liked(account)
  local flat = redis.call('HGETALL', ENGAGED .. account)
  for i = 1, #flat, 2 do
    local post = string.match(flat[i], '^l(%d+)')
    if post and version_of(flat[i + 1]) > 0 then mark('o:' .. post) end
  end
end

-- What ranking weighs: the newest ARGV[2] posts of the feed that can be shown, six values each (id, author, likes,
-- comments, hashtags, the author's affinity), then the newest post of the list, and the hashtags of posts that the viewer
-- liked lately, posts that have to be fetched first, the last post that was looked at, and how it ended.
if not whole() then
  return {'cold'}
end
local wanted, none = tonumber(ARGV[2]), {}
local found, absent, next_post = 0, absentees(ARGV[3]), merged('', '')
local last, ended = '', 'more'
local affinity, affinities = 'af:' .. viewer, {}
while found < wanted do
  local post, score = next_post()
  if not post then
    ended = score
    break
  end
  last = post
  local fields = redis.call('HMGET', 'p:' .. post, 'a', 'lc', 'cc', 'h', 'x')
  local author = fields[1]
  if fields[5] or absent[post] then
    author = nil
  elseif not author or not fields[4] then
    author = nil
    missing[#missing + 1] = post
  end
  if author and sees(author) then
    if not affinities[author] then
      affinities[author] = redis.call('ZSCORE', affinity, author) or '0'
    end
    local n = #rows
    rows[n + 1], rows[n + 2], rows[n + 3], rows[n + 4] = post, author, fields[2] or '0', fields[3] or '0'
    rows[n + 5], rows[n + 6] = fields[4], affinities[author]
    found = found + 1
  end
end
local liked = {}
if redis.call('HLEN', likes) <= 4000 then
  local entries = redis.call('HGETALL', likes)
  for i = 1, #entries, 2 do
    if string.match(entries[i], '^%d+$') and string.sub(entries[i + 1], 1, 1) == '+' then
      liked[#liked + 1] = entries[i]
    end
  end
  table.sort(liked, function(a, b) return #a > #b or (#a == #b and a > b) end)
end
local tags = {}
for i = 1, math.min(#liked, 50) do
  local text = redis.call('HGET', 'p:' .. liked[i], 'h')
  if text and text ~= '' then
    tags[#tags + 1] = text
  end
end
return {ended, redis.call('ZRANGE', feed, 1, 1)[1] or '', last, rows, tags, missing}

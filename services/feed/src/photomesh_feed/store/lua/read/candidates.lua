-- Reads what ranking weighs. After common, rules, skeleton.
-- ARGV[2]: limit; ARGV[3]: posts that do not exist.
-- Returns the outcome ('more', 'floor', 'end', or 'cold'), the newest post of the list, the last post that was looked at,
-- six values of each visible post (id, author, likes, comments, hashtags, the viewer's affinity to the author), the
-- hashtags of posts that the viewer liked lately, posts whose snapshot has to be loaded first, and how many posts the
-- viewer's apps reported as seen.
if not is_warm() then
  return {'cold'}
end
local limit = tonumber(ARGV[2])
local found, absent, next_post = 0, id_set(ARGV[3]), merged('', '')
local last, outcome = '', 'more'
local affinities = {}
while found < limit do
  local post, score = next_post()
  if not post then
    outcome = score
    break
  end
  last = post
  local fields = redis.call('HMGET', POST .. post, 'a', 'lc', 'cc', 'h', 'x')
  local author = fields[1]
  if fields[5] or absent[post] then
    author = nil
  elseif not author or not fields[4] then
    author = nil
    missing[#missing + 1] = post
  end
  if author and is_visible(author) then
    if not affinities[author] then
      affinities[author] = redis.call('ZSCORE', AFFINITY .. viewer, author) or '0'
    end
    local n = #rows
    rows[n + 1], rows[n + 2], rows[n + 3], rows[n + 4] = post, author, fields[2] or '0', fields[3] or '0'
    rows[n + 5], rows[n + 6] = fields[4], affinities[author]
    found = found + 1
  end
end

-- Of a viewer with very many likes, sorting them would take longer than the feed: then taste does not count.
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
local hashtags = {}
for i = 1, math.min(#liked, 50) do
  local text = redis.call('HGET', POST .. liked[i], 'h')
  if text and text ~= '' then
    hashtags[#hashtags + 1] = text
  end
end
return {outcome, redis.call('ZRANGE', feed, 1, 1)[1] or '', last, rows, hashtags, missing,
  redis.call('GET', IMPRESSIONS .. viewer) or '0'}

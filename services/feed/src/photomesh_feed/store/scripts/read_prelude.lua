-- What every reading script begins with. KEYS[1] is the feed, ARGV[1] the viewer; `photomesh_feed.store.keys` says what the keys hold.
local viewer = ARGV[1]
local feed = KEYS[1]
local following, muted = 'fo:' .. viewer, 'mu:' .. viewer
local likes, saves = 'li:' .. viewer, 'sa:' .. viewer

-- Only a feed that is whole, of somebody whose follows are known, can be read.
local function whole()
  return redis.call('ZRANGE', feed, 0, 0)[1] == '0' and redis.call('HEXISTS', 'fv:' .. viewer, '0') == 1
end

-- What belongs to an active reader lives for 30 days more, which is written once a day.
local function renew()
  if redis.call('TTL', feed) < 2505600 then
    for _, kind in ipairs({'f:', 'fo:', 'mu:', 'fv:', 'li:', 'sa:', 'af:'}) do
      redis.call('EXPIRE', kind .. viewer, 2592000)
    end
  end
end

-- Shows posts by accounts that the viewer follows at this moment, and has not muted.
local visible_authors = {}
local function sees(author)
  local answer = visible_authors[author]
  if answer == nil then
    answer = redis.call('SISMEMBER', following, author) == 1 and redis.call('SISMEMBER', muted, author) == 0
    visible_authors[author] = answer
  end
  return answer
end

-- The page that is being made: ten values for each post, and what is not here and has to be fetched from others.
local rows, shown, missing, unknown, nameless = {}, 0, {}, {}, {}
local users = {}

-- Whether the viewer likes (or saved) a post. Events have kept it since the marker was set; of older posts it is known
-- only once it was asked. A minute is for clocks that differ.
local since = {}
local function state(key, post, ms)
  local known = redis.call('HGET', key, post)
  if known then
    return string.sub(known, 1, 1) == '+' and '1' or '0'
  end
  if since[key] == nil then
    since[key] = tonumber(redis.call('HGET', key, '0') or '') or math.huge
  end
  if ms > since[key] + 60000 then
    return '0'
  end
  return nil
end

-- Whether the post can be shown at all: its fields if so, false if not, nil if it has to be fetched first.
local function look(post, absent)
  local fields = redis.call('HMGET', 'p:' .. post, 'a', 's', 'lc', 'cc', 'x')
  if fields[5] or absent[post] then
    return false
  end
  if not fields[1] or not fields[2] then
    return nil
  end
  return sees(fields[1]) and fields
end

-- Adds a post to the page. `ms` is when it was made, by its id.
local function show(post, ms, fields)
  local author = fields[1]
  local user = users[author]
  if user == nil then
    user = redis.call('HMGET', 'u:' .. author, 'username', 'display_name', 'avatar_url')
    users[author] = user
    if not user[1] then
      nameless[#nameless + 1] = author
    end
  end
  local liked, saved = state(likes, post, ms), state(saves, post, ms)
  if not liked or not saved then
    unknown[#unknown + 1] = post
  end
  local n = #rows
  rows[n + 1], rows[n + 2], rows[n + 3] = post, author, fields[2]
  rows[n + 4], rows[n + 5], rows[n + 6] = user[1] or '', user[2] or '', user[3] or ''
  rows[n + 7], rows[n + 8] = fields[3] or '0', fields[4] or '0'
  rows[n + 9], rows[n + 10] = liked or '0', saved or '0'
  shown = shown + 1
end

-- Posts that are said not to exist, separated by commas.
local function absentees(text)
  local absent = {}
  for post in string.gmatch(text, '%d+') do
    absent[post] = true
  end
  return absent
end

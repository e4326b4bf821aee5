-- Hydration: rows of a page, with the author's names and the viewer's like and save. After common.lua.
local shown, unknown, nameless = 0, {}, {}
local users = {}

-- Whether the viewer likes (or saved) a post, as '1' or '0', and its entry; nil if it has to be loaded. Events tell since
-- the marker was set, so a younger post without entry is not liked. A minute allows for clocks that differ.
local since = {}
local function viewer_state(key, post, ms)
  local known = redis.call('HGET', key, post)
  if known then
    return string.sub(known, 1, 1) == '+' and '1' or '0', known
  end
  if since[key] == nil then
    since[key] = tonumber(redis.call('HGET', key, MARKER) or '') or math.huge
  end
  if ms > since[key] + 60000 then
    return '0'
  end
  return nil
end

-- The likes of a post with the viewer's own as it is now. Versions of likes are times, so changes that are younger than
-- the counts are not in them. For a minute only, so that clocks that differ cannot make a wrong count stay.
-- `state`: the viewer's entry.
local own_likes_from = tonumber(redis.call('TIME')[1]) * 1000000 - 60000000
local function likes_shown(count, counted, state)
  count, counted = tonumber(count or '0'), tonumber(counted or '0')
  if state then
    local liked, changes = string.sub(state, 1, 1) == '+', 0
    for version in string.gmatch(string.match(state, ':(.+)$') or (liked and state or ''), '%d+') do
      if tonumber(version) > math.max(counted, own_likes_from) then
        changes = changes + 1
      end
    end
    if changes % 2 == 1 then
      count = math.max(0, count + (liked and 1 or -1))
    end
  end
  return string.format('%d', count)
end

-- Adds a post to the page: ten values, those of `pages.Row`. `ms`: the milliseconds of its id.
local function add_row(post, ms, fields)
  local author = fields[1]
  local user = users[author]
  if user == nil then
    user = redis.call('HMGET', USER .. author, 'username', 'display_name', 'avatar_url')
    users[author] = user
    if not user[1] then
      nameless[#nameless + 1] = author
    end
  end
  local liked, like = viewer_state(likes, post, ms)
  local saved = viewer_state(saves, post, ms)
  if not liked or not saved then
    unknown[#unknown + 1] = post
  end
  local n = #rows
  rows[n + 1], rows[n + 2], rows[n + 3] = post, author, fields[2]
  rows[n + 4], rows[n + 5], rows[n + 6] = user[1] or '', user[2] or '', user[3] or ''
  rows[n + 7], rows[n + 8] = likes_shown(fields[3], fields[6], like), fields[4] or '0'
  rows[n + 9], rows[n + 10] = liked or '0', saved or '0'
  shown = shown + 1
end

-- Hydration: rows of a page, with the author's names and the viewer's like and save. After common.lua.
local shown, unknown, nameless = 0, {}, {}
local users = {}

-- Whether the viewer likes (or saved) a post, as '1' or '0'; nil if it has to be loaded. Events tell since the marker was
-- set, so a younger post without entry is not liked. A minute allows for clocks that differ.
local since = {}
local function viewer_state(key, post, ms)
  local known = redis.call('HGET', key, post)
  if known then
    return string.sub(known, 1, 1) == '+' and '1' or '0'
  end
  if since[key] == nil then
    since[key] = tonumber(redis.call('HGET', key, MARKER) or '') or math.huge
  end
  if ms > since[key] + 60000 then
    return '0'
  end
  return nil
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
  local liked, saved = viewer_state(likes, post, ms), viewer_state(saves, post, ms)
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

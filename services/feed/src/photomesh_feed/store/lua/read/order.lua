-- Reads a page of a ranked order. After common, rules, hydration.
-- ARGV[2]: name of the order, or nothing for the latest if it is current; ARGV[3]: offset of the next entry; ARGV[4]: limit;
-- ARGV[5]: posts that do not exist.
-- Returns the outcome ('more', 'end', 'gone', or 'cold'), nothing (there is no floor), the rows, the gaps, and then the
-- order's name, the offset of the next page, the post after which the feed goes on, and suggested posts: id, what is stored
-- of it, and how many rows are before it.
if not is_warm() then
  return {'cold'}
end
renew()
local name, limit, absent = ARGV[2], tonumber(ARGV[4]), id_set(ARGV[5])
if name == '' then
  local latest = redis.call('HMGET', ORDER .. viewer, 'name', 'head', 'limit')
  local head = redis.call('ZRANGE', feed, 1, 1)[1] or ''
  if not latest[1] or latest[2] ~= head or tonumber(latest[3]) ~= limit then
    return {'gone'}
  end
  name = latest[1]
end
local order = ORDER .. viewer .. ':' .. name
if redis.call('EXISTS', order) == 0 then
  return {'gone'}
end
local offset, outcome = math.max(1, tonumber(ARGV[3])), 'end'  -- the first entry is where the feed goes on
local start, suggested, suggestions = offset, {}, {}
local stored = redis.call('HGETALL', order .. SUGGESTED)
for i = 1, #stored, 2 do
  suggestions[stored[i]] = stored[i + 1]
end

-- How many posts of the feed are visible on earlier pages since the suggested one that is nearest to this page.
local function visible_before()
  local entries, found = redis.call('LRANGE', order, math.max(1, start - 4 * SUGGESTION_EVERY), start - 1), 0
  for i = #entries, 1, -1 do
    if suggestions[entries[i]] then
      break
    elseif entries[i] ~= PAGE_END and find_visible(entries[i], absent) ~= false then
      found = found + 1
    end
  end
  return found
end

local since, is_first = 0, true  -- posts of the feed on this page since a suggested one
local function add_suggested(post)
  if is_first then
    since, is_first = since + visible_before(), false
  end
  if since >= SUGGESTION_EVERY - 1 then  -- hidden posts never make it one of fewer than ten
    local n = #suggested
    suggested[n + 1], suggested[n + 2], suggested[n + 3] = post, suggestions[post], shown
    since = 0
  end
end

while true do
  local entries = redis.call('LRANGE', order, offset, offset + 49)
  if #entries == 0 then
    break
  end
  local is_full = false
  for _, post in ipairs(entries) do
    if post == PAGE_END then
      if shown + #missing > 0 then
        is_full = true
        break
      end
    elseif shown + #missing + #suggested / 3 >= limit then
      is_full = true
      break
    elseif suggestions[post] then
      add_suggested(post)
    else
      local fields = find_visible(post, absent)
      if fields == nil then
        missing[#missing + 1] = post
        since = since + 1
      elseif fields then
        add_row(post, tonumber(post) / ID_MS, fields)
        since = since + 1
      end
    end
    offset = offset + 1
  end
  if is_full then
    outcome = 'more'
    break
  end
end
return {outcome, '', rows, missing, unknown, nameless, name, offset, redis.call('LINDEX', order, 0), suggested}

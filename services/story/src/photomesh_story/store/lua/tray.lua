-- Returns author, story, its time, close friends (0 or 1) and unseen (0 or 1) in turn; nil: not everything is known.
if not ready() then return false end
local viewer, limit = ARGV[2], tonumber(ARGV[3])
local found = redis.call('ZINTER', 2, FOLLOWS .. viewer, ON, 'WEIGHTS', 0, 1, 'WITHSCORES')
local authors = {}
for i = 1, #found, 2 do
  local expires = tonumber(found[i + 1])
  if expires > now and found[i] ~= viewer then authors[#authors + 1] = { found[i], expires } end
end
table.sort(authors, function(a, b)
  if a[2] ~= b[2] then return a[2] > b[2] end
  return a[1] < b[1]
end)

local function ring(author)
  local stories = alive(author, 1)
  if not stories[1] then return nil end
  local id, close = parsed(stories[1])
  local chosen = { author, id, tonumber(stories[2]), close }
  if close and not is_close(viewer, author) then
    chosen = nil
    stories = alive(author, -1)
    for i = 1, #stories, 2 do
      id, close = parsed(stories[i])
      if not close then
        chosen = { author, id, tonumber(stories[i + 1]), false }
        break
      end
    end
  end
  if chosen then
    local seen = tonumber(redis.call('HGET', SEEN .. viewer, author) or '0')
    chosen[5] = author ~= viewer and chosen[3] > seen
  end
  return chosen
end

local rings = {}
for i = 1, math.min(#authors, MOST_AUTHORS) do
  rings[#rings + 1] = ring(authors[i][1])
end
table.sort(rings, function(a, b)
  if a[5] ~= b[5] then return a[5] end
  if a[5] and a[4] ~= b[4] then return a[4] end
  if a[3] ~= b[3] then return a[3] > b[3] end
  return a[1] < b[1]
end)
local own = ring(viewer)
if own then table.insert(rings, 1, own) end

local flat = {}
for i = 1, math.min(#rings, limit) do
  local one = rings[i]
  for _, value in ipairs({ one[1], one[2], one[3], one[4] and 1 or 0, one[5] and 1 or 0 }) do
    flat[#flat + 1] = value
  end
end
return flat

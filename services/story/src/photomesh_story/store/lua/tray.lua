-- Returns author, story, its time, close friends (0 or 1) and unseen (0 or 1) in turn; nil: not everything is known.
--
-- Somebody may follow thousands who have stories, and sees the first few rings. So an author is looked at only while it
-- may be among those: st:on has when its newest story ends, which no story that the viewer may see exceeds.
if not ready() then return false end
local viewer, limit = ARGV[2], tonumber(ARGV[3])

-- Authors by when their newest story ends, the latest first: as Redis orders a sorted set, from its end.
local found = redis.call('ZINTER', 2, FOLLOWS .. viewer, ON, 'WEIGHTS', 0, 1, 'WITHSCORES')
local authors, bounds = {}, {}
for i = #found - 1, 1, -2 do
  local bound = tonumber(found[i + 1])
  if bound <= now or #authors == MOST_AUTHORS then break end
  if found[i] ~= viewer then
    authors[#authors + 1], bounds[#bounds + 1] = found[i], bound
  end
end
local seen = #authors > 0 and redis.call('HMGET', SEEN .. viewer, unpack(authors)) or {}
for i = 1, #authors do seen[i] = tonumber(seen[i] or '0') end

local friends = #authors > 0 and redis.call('SMISMEMBER', CLOSE_FRIENDS .. viewer, unpack(authors)) or {}

-- The newest story that the viewer may see; nil without one.
local function ring(author, is_friend, seen_until)
  local stories = alive(author, 1)
  if not stories[1] then return nil end
  local id, close = parsed(stories[1])
  local chosen = { author, id, tonumber(stories[2]), close }
  if close and not is_friend then
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
  if chosen then chosen[5] = author ~= viewer and chosen[3] > seen_until end
  return chosen
end

local rings, unseen, unseen_of_friends = {}, 0, 0
local function look_at(i)
  local one = ring(authors[i], friends[i] == 1, seen[i])
  if one then
    rings[#rings + 1] = one
    if one[5] then unseen = unseen + 1 end
  end
  return one
end

-- Close friends' are before all others, whenever they end.
for i = 1, #authors do
  if friends[i] == 1 then
    local one = look_at(i)
    if one and one[4] and one[5] then unseen_of_friends = unseen_of_friends + 1 end
  end
end

-- Looks at those that can (or cannot) be unseen, until enough are before whatever follows. Returns whether enough are.
local function look(can_be_unseen, before)
  local at_bound, bound = 0, nil
  for i = 1, #authors do
    if friends[i] == 0 and (bounds[i] > seen[i]) == can_be_unseen then
      if bounds[i] ~= bound then
        before, at_bound, bound = before + at_bound, 0, bounds[i]
        if before >= limit then return true end
      end
      local one = look_at(i)
      if one and one[5] == can_be_unseen and one[3] == bound then at_bound = at_bound + 1 end
    end
  end
  return false
end
if not look(true, unseen_of_friends) then look(false, unseen) end

table.sort(rings, function(a, b)
  if a[5] ~= b[5] then return a[5] end
  if a[5] and a[4] ~= b[4] then return a[4] end
  if a[3] ~= b[3] then return a[3] > b[3] end
  return a[1] < b[1]
end)
local own = ring(viewer, true, 0)
if own then table.insert(rings, 1, own) end

local flat = {}
for i = 1, math.min(#rings, limit) do
  local one = rings[i]
  for _, value in ipairs({ one[1], one[2], one[3], one[4] and 1 or 0, one[5] and 1 or 0 }) do
    flat[#flat + 1] = value
  end
end
return flat

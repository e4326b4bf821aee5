-- A page of an order that ranking made. ARGV[2]: the order's name, or nothing for the latest if it is still good;
-- ARGV[3]: where to begin; ARGV[4]: posts wanted; ARGV[5]: posts that do not exist.
-- Gives how it ended ('more', 'end', 'gone': make a new order, or 'cold'), the order's name, where the next page begins,
-- the page, and the post behind which the feed goes on after the order.
if not whole() then
  return {'cold'}
end
renew()
local name, wanted, absent = ARGV[2], tonumber(ARGV[4]), absentees(ARGV[5])
if name == '' then
  local latest = redis.call('HMGET', 'rk:' .. viewer, 'name', 'head', 'limit')
  local head = redis.call('ZRANGE', feed, 1, 1)[1] or ''
  if not latest[1] or latest[2] ~= head or tonumber(latest[3]) ~= wanted then
    return {'gone'}
  end
  name = latest[1]
end
local order = 'rk:' .. viewer .. ':' .. name
if redis.call('EXISTS', order) == 0 then
  return {'gone'}
end
local index, ended = math.max(1, tonumber(ARGV[3])), 'end'  -- the first entry is where the feed goes on
while true do
  local entries = redis.call('LRANGE', order, index, index + 49)
  if #entries == 0 then
    break
  end
  local full = false
  for _, post in ipairs(entries) do
    if post == '|' then
      if shown + #missing > 0 then
        full = true
        break
      end
    elseif shown + #missing == wanted then
      full = true
      break
    else
      local fields = look(post, absent)
      if fields == nil then
        missing[#missing + 1] = post
      elseif fields then
        show(post, tonumber(post) / 4194304, fields)
      end
    end
    index = index + 1
  end
  if full then
    ended = 'more'
    break
  end
end
return {ended, name, index, rows, missing, unknown, nameless, redis.call('LINDEX', order, 0)}

-- Reads a page of a ranked order. After common, rules, hydration.
-- ARGV[2]: name of the order, or nothing for the latest if it is current; ARGV[3]: offset of the next entry; ARGV[4]: limit;
-- ARGV[5]: posts that do not exist.
-- Returns the outcome ('more', 'end', 'gone', or 'cold'), nothing (there is no floor), the rows, the gaps, and then the
-- order's name, the offset of the next page, and the post after which the feed goes on.
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
while true do
  local entries = redis.call('LRANGE', order, offset, offset + 49)
  if #entries == 0 then
    break
  end
  local is_full = false
  for _, post in ipairs(entries) do
    if post == '|' then
      if shown + #missing > 0 then
        is_full = true
        break
      end
    elseif shown + #missing == limit then
      is_full = true
      break
    else
      local fields = find_visible(post, absent)
      if fields == nil then
        missing[#missing + 1] = post
      elseif fields then
        add_row(post, tonumber(post) / ID_MS, fields)
      end
    end
    offset = offset + 1
  end
  if is_full then
    outcome = 'more'
    break
  end
end
return {outcome, '', rows, missing, unknown, nameless, name, offset, redis.call('LINDEX', order, 0)}

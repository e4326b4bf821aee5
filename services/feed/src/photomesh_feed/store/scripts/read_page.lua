-- A page in chronological order. ARGV[2], ARGV[3]: position; ARGV[4]: posts wanted; ARGV[5]: posts that do not exist.
-- Gives how it ended ('more', 'floor', 'end', or 'cold': there is no feed), the floor, and the page.
if not whole() then
  return {'cold'}
end
renew()
local wanted, absent = tonumber(ARGV[4]), absentees(ARGV[5])
local next_post, floor, floor_post = merged(ARGV[2], ARGV[3])
local ended = 'more'
while true do
  local post, score = next_post()
  if not post then
    ended = score
    break
  end
  local fields = look(post, absent)
  if fields ~= false and shown + #missing >= wanted then
    break
  elseif fields == nil then
    missing[#missing + 1] = post
  elseif fields then
    show(post, -score, fields)
  end
end
local floor_ms = ''
if floor > -math.huge and floor < math.huge then
  floor_ms = string.format('%.0f', -floor)
end
return {ended, floor_ms, floor_post, rows, missing, unknown, nameless}

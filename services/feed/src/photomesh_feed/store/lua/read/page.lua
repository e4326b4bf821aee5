-- Reads a page in chronological order. After common, rules, hydration, skeleton.
-- ARGV[2], ARGV[3]: millisecond and id of the post before the page; ARGV[4]: limit; ARGV[5]: posts that do not exist.
-- Returns the outcome ('more', 'floor', 'end', or 'cold'), the floor, the rows, and the gaps.
if not is_warm() then
  return {'cold'}
end
renew()
local limit, absent = tonumber(ARGV[4]), id_set(ARGV[5])
local next_post, floor, floor_post = merged(ARGV[2], ARGV[3])
local outcome = 'more'
while true do
  local post, score = next_post()
  if not post then
    outcome = score
    break
  end
  local fields = find_visible(post, absent)
  if fields ~= false and shown + #missing >= limit then
    break
  elseif fields == nil then
    missing[#missing + 1] = post
  elseif fields then
    add_row(post, -score, fields)
  end
end
local is_cut = floor > -math.huge and floor < math.huge
return {outcome, is_cut and floor_post or '', rows, missing, unknown, nameless}

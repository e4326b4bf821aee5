-- The posts in ARGV[2] (ids, separated by commas), in this order, as far as they can be shown; ARGV[3]: posts that do not
-- exist. Unlike `read_page` it does not ask for a feed that is whole: a feed that is being built is read with it.
local absent = absentees(ARGV[3])
for post in string.gmatch(ARGV[2], '%d+') do
  local fields = look(post, absent)
  if fields == nil then
    missing[#missing + 1] = post
  elseif fields then
    -- Its low bits do not matter here: the number is exact to a tenth of a second.
    show(post, tonumber(post) / 4194304, fields)
  end
end
return {'more', '', '', rows, missing, unknown, nameless}

-- Reads given posts. After common, rules, hydration.
-- ARGV[2]: the posts, separated by commas; ARGV[3]: posts that do not exist; ARGV[4], if at all: they are suggested.
-- Returns as page.lua does, in the given order. Works for a feed that is not complete yet, too.
local absent, allowed = id_set(ARGV[3]), ARGV[4] and may_be_suggested or is_visible
for post in string.gmatch(ARGV[2], '%d+') do
  local fields = find_visible(post, absent, allowed)
  if fields == nil then
    missing[#missing + 1] = post
  elseif fields then
    add_row(post, tonumber(post) / ID_MS, fields)  -- a double holds it to a tenth of a second
  end
end
return {'more', '', rows, missing, unknown, nameless}

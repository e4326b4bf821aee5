-- Returns story, its time and unseen (0 or 1) in turn, of those that the viewer may see; nil: not everything is known.
if not ready() then return false end
local author, viewer = ARGV[2], ARGV[3]
local seen = tonumber(redis.call('HGET', SEEN .. viewer, author) or '0')
local friend = is_close(viewer, author)
local stories, flat = alive(author, -1), {}
for i = 1, #stories, 2 do
  local id, close = parsed(stories[i])
  local expires = tonumber(stories[i + 1])
  if friend or not close then
    for _, value in ipairs({ id, expires, (author ~= viewer and expires > seen) and 1 or 0 }) do
      flat[#flat + 1] = value
    end
  end
end
return flat

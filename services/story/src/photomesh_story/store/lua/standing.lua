-- Returns now, and each 0 or 1: the story can be seen, its author lists the viewer, the viewer saw it.
if not ready() then return false end
local member, author, viewer, story = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local expires = tonumber(redis.call('ZSCORE', AUTHOR .. author, member) or '0')
return {
  now,
  expires > now and 1 or 0,
  is_close(viewer, author) and 1 or 0,
  (redis.call('ZSCORE', VIEWS .. story, viewer) or redis.call('ZSCORE', FOLLOWED_VIEWS .. story, viewer)) and 1 or 0,
}

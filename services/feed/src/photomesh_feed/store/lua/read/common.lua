-- Begins every script of the read path. KEYS[1]: the viewer's feed; ARGV[1]: the viewer.
local viewer, feed = ARGV[1], KEYS[1]
local following, muted = FOLLOWING .. viewer, MUTED .. viewer
local likes, saves = LIKES .. viewer, SAVES .. viewer

-- The answer: values of posts, flat, and posts whose snapshot has to be loaded first.
local rows, missing = {}, {}

-- Whether the feed is complete, and the viewer's follows are known. Only then can it be read.
local function is_warm()
  return redis.call('ZRANGE', feed, 0, 0)[1] == COMPLETE
    and redis.call('HEXISTS', FOLLOW_VERSIONS .. viewer, MARKER) == 1
end

-- Extends the life of the viewer's keys: one write a day.
local function renew()
  if redis.call('TTL', feed) < RENEW_SECONDS then
    for _, kind in ipairs({FEED, FOLLOWING, MUTED, FOLLOW_VERSIONS, LIKES, SAVES, AFFINITY, IMPRESSIONS}) do
      redis.call('EXPIRE', kind .. viewer, ACTIVE_SECONDS)
    end
  end
end

-- Parses ids separated by commas into a set.
local function id_set(text)
  local ids = {}
  for id in string.gmatch(text, '%d+') do
    ids[id] = true
  end
  return ids
end

-- Skeleton: the list of the feed merged with the timelines of pulled authors, newest millisecond first, ids of one
-- millisecond as text. After rules.lua.
local STEP = 24  -- entries read at a time

local function advance(source)
  while true do
    if source.index > #source.chunk then
      if source.done then
        source.post = nil
        return
      end
      source.chunk = redis.call('ZRANGE', source.key, source.min, '(+inf', 'BYSCORE',
        'LIMIT', source.offset, STEP, 'WITHSCORES')
      source.offset, source.index = source.offset + STEP, 1
      source.done = #source.chunk < 2 * STEP
      if #source.chunk == 0 then
        source.post = nil
        return
      end
    end
    source.post, source.score = source.chunk[source.index], tonumber(source.chunk[source.index + 1])
    source.index = source.index + 2
    if source.score ~= source.start or source.post > source.after then
      return
    end
  end
end

-- Merges what is behind a position: millisecond and id of a post, both empty at the top. Returns an iterator, and score
-- and id of the floor: the first place below which only timelines in post know what there is.
local function merged(ms, after)
  local start = ms ~= '' and -tonumber(ms) or nil
  local sources, floor, floor_post = {}, math.huge, ''

  local function open(key, is_cut)
    if is_cut then
      local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
      local score, post = tonumber(last[2] or '-inf'), last[1] or ''
      if score < floor or (score == floor and post < floor_post) then
        floor, floor_post = score, post
      end
    end
    local source = {key = key, min = start and '-' .. ms or '(-inf', start = start, after = after,
                    chunk = {}, index = 1, offset = 0, done = false}
    advance(source)
    if source.post then
      sources[#sources + 1] = source
    end
  end

  open(feed, not redis.call('ZSCORE', feed, BOTTOM))
  for _, author in ipairs(redis.call('ZINTER', 2, following, PULLED)) do
    if is_visible(author) then
      local timeline = TIMELINE .. author
      open(timeline, redis.call('ZRANGE', timeline, 0, 0)[1] ~= COMPLETE
        or redis.call('ZCARD', timeline) > TIMELINE_POSTS)
    end
  end

  local last
  -- Returns the next post and its score; nil and 'floor' at the floor, nil and 'end' at the end.
  local function next_post()
    while true do
      local first
      for _, source in ipairs(sources) do
        if source.post and (not first or source.score < first.score
            or (source.score == first.score and source.post < first.post)) then
          first = source
        end
      end
      if not first then
        return nil, floor < math.huge and 'floor' or 'end'
      end
      local post, score = first.post, first.score
      if score > floor or (score == floor and post > floor_post) then
        return nil, 'floor'
      end
      advance(first)
      if post ~= last then
        last = post
        return post, score
      end
    end
  end
  return next_post, floor, floor_post
end

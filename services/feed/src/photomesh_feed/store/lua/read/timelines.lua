-- Reads parts of timelines. ARGV[1]: posts of each; then for each author the id, and millisecond and id of the post before
-- the part (empty: from the newest on).
-- Returns for each the marker ('' if there is no timeline), '1' if there are more posts in Redis, and the posts.
local limit, answers = tonumber(ARGV[1]), {}
for i = 2, #ARGV, 3 do
  local key, ms, after = TIMELINE .. ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local marker = redis.call('ZRANGE', key, 0, 0)[1] or ''
  local posts, more = {}, '0'
  if marker ~= '' then
    local min, start, offset = '(-inf', nil, 0
    if ms ~= '' then
      min, start = '-' .. ms, -tonumber(ms)
    end
    repeat
      local found = redis.call('ZRANGE', key, min, '(+inf', 'BYSCORE', 'LIMIT', offset, limit, 'WITHSCORES')
      for j = 1, #found, 2 do
        if tonumber(found[j + 1]) ~= start or found[j] > after then
          posts[#posts + 1] = found[j]
        end
      end
      offset = offset + limit
      more = #found == 2 * limit and '1' or '0'
    until #posts > 0 or more == '0'
  end
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3] = marker, more, posts
end
return answers

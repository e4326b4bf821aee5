-- What Redis has of some authors' timelines. ARGV[1]: posts wanted of each; then for each author its id, and the
-- millisecond and the id of the post behind which to begin (empty: at the newest).
-- Gives for each the marker ('' if there is no timeline), '1' if there is more here, and the posts.
local TIES = 4  -- posts of one author in one millisecond
local wanted, answers = tonumber(ARGV[1]), {}
for i = 2, #ARGV, 3 do
  local key, ms, after = 't:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local marker = redis.call('ZRANGE', key, 0, 0)[1] or ''
  local posts, more = {}, '0'
  if marker ~= '' then
    local min = ms == '' and '(-inf' or '-' .. ms
    local found = redis.call('ZRANGE', key, min, '(+inf', 'BYSCORE', 'LIMIT', 0, wanted + TIES, 'WITHSCORES')
    local start = ms ~= '' and -tonumber(ms) or nil
    for j = 1, #found, 2 do
      if tonumber(found[j + 1]) ~= start or found[j] > after then
        posts[#posts + 1] = found[j]
      end
    end
    if #found == 2 * (wanted + TIES) then
      more = '1'
    end
  end
  local n = #answers
  answers[n + 1], answers[n + 2], answers[n + 3] = marker, more, posts
end
return answers

-- Rules: which posts the viewer sees. After common.lua.

-- Authors whom the viewer follows at this moment, and does not mute, and who are neither deactivated nor leave.
local visible_authors = {}
local function is_visible(author)
  local visible = visible_authors[author]
  if visible == nil then
    visible = redis.call('SISMEMBER', following, author) == 1 and redis.call('SISMEMBER', muted, author) == 0
      and redis.call('HGET', USER .. author, 'hidden') ~= '1'
    visible_authors[author] = visible
  end
  return visible
end

-- Authors whom the viewer does not follow, and whose posts may be suggested. Blocks are for post to know.
local function may_be_suggested(author)
  if author == viewer or redis.call('SISMEMBER', following, author) == 1
      or redis.call('SISMEMBER', muted, author) == 1 then
    return false
  end
  local account = redis.call('HMGET', USER .. author, 'hidden', 'private')
  return account[1] ~= '1' and account[2] ~= '1'
end

-- Returns the fields of a visible post, false for one that is hidden, deleted or in `absent`, and nil for one whose
-- snapshot has to be loaded first. `allowed`: which authors, if not those that the viewer follows.
local function find_visible(post, absent, allowed)
  local fields = redis.call('HMGET', POST .. post, 'a', 's', 'lc', 'cc', 'x', 'ct')
  if fields[5] or absent[post] then
    return false
  end
  if not fields[1] or not fields[2] then
    return nil
  end
  return (allowed or is_visible)(fields[1]) and fields
end

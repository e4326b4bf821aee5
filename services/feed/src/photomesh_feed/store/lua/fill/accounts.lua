-- Sets the names of accounts that have none. ARGV: for each account the id, username, display_name, avatar_url, hidden.
for i = 1, #ARGV, 5 do
  local key = USER .. ARGV[i]
  for n, field in ipairs({'username', 'display_name', 'avatar_url', 'hidden'}) do
    redis.call('HSETNX', key, field, ARGV[i + n])
  end
end

-- Notes that everything is known, if Redis has not been emptied since the building began.
if redis.call('GET', BUILDING) ~= ARGV[2] then return 0 end
redis.call('SET', READY, 1)
redis.call('DEL', BUILDING)
return 1

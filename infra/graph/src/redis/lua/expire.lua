-- Drops expired leases by the clock of Redis; returns the number of users checked, and those without a lease left.
-- KEYS: as for lease. ARGV: the most users to check.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local users = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])
local gone = { #users }
for _, user in ipairs(users) do
  local known, leases, first = redis.call('HGET', KEYS[1], user) or '', {}, nil
  for at = 1, #known, 48 do
    local ends = string.sub(known, at + 32, at + 47)
    if tonumber(ends) > now then
      leases[#leases + 1] = string.sub(known, at, at + 47)
      if not first or tonumber(ends) < tonumber(first) then
        first = ends
      end
    end
  end
  if first then
    redis.call('HSET', KEYS[1], user, table.concat(leases))
    redis.call('ZADD', KEYS[2], first, user)
  else
    redis.call('HDEL', KEYS[1], user)
    redis.call('ZREM', KEYS[2], user)
    gone[#gone + 1] = user
  end
end
return gone

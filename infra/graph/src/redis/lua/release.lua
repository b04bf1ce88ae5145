-- Releases leases of one process.
-- KEYS: as for lease. ARGV: process; then user, session; repeated.
for i = 2, #ARGV, 2 do
  local user, name = ARGV[i], ARGV[i + 1] .. ARGV[1]
  local known, leases, first = redis.call('HGET', KEYS[1], user) or '', {}, nil
  for at = 1, #known, 48 do
    if string.sub(known, at, at + 31) ~= name then
      local ends = string.sub(known, at + 32, at + 47)
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
  end
end

-- Grants or extends leases of one process, by the clock of Redis; never shortens one.
-- KEYS: user -> leases, of 48 bytes each: session, process, end in 16 digits; user -> the first end among them.
-- ARGV: time to live of the keys (ms), process, duration of the leases (ms); then user, session; repeated.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local process, till = ARGV[2], string.format('%016.0f', now + tonumber(ARGV[3]))
for i = 4, #ARGV, 2 do
  local user, name = ARGV[i], ARGV[i + 1] .. process
  local known, leases, longest = redis.call('HGET', KEYS[1], user) or '', {}, till
  local first = nil
  for at = 1, #known, 48 do
    local ends = string.sub(known, at + 32, at + 47)
    if string.sub(known, at, at + 31) == name then
      if tonumber(ends) > tonumber(longest) then
        longest = ends
      end
    else
      leases[#leases + 1] = string.sub(known, at, at + 47)
      if not first or tonumber(ends) < tonumber(first) then
        first = ends
      end
    end
  end
  leases[#leases + 1] = name .. longest
  if not first or tonumber(longest) < tonumber(first) then
    first = longest
  end
  redis.call('HSET', KEYS[1], user, table.concat(leases))
  redis.call('ZADD', KEYS[2], first, user)
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])

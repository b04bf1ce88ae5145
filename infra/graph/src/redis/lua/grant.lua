-- The generic cell rate algorithm (GCRA) over a shared budget, by the clock of Redis.
-- KEYS[1]: the theoretical arrival time. ARGV: interval in microseconds, burst, wanted.
-- Returns the number granted and, if none, the microseconds until one is available.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local every, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local window = burst * every
local used = tonumber(redis.call('GET', KEYS[1]) or now)
-- A clock that was set back costs one interval at most.
used = math.min(math.max(used, now), now + window)
local free = math.floor((now + window - used) / every)
if free < 1 then
    return {0, used + every - window - now}
end
local granted = math.min(free, wanted)
used = used + granted * every
redis.call('SET', KEYS[1], string.format('%.0f', used), 'PX', math.ceil((used - now) / 1000))
return {granted, 0}

-- Begins an epoch; returns its number, which is greater than all before, including those lost by a flush.
-- KEYS: meta. ARGV: now (ms).
local last = tonumber(redis.call('HGET', KEYS[1], 'last') or '0')
local epoch = string.format('%.0f', math.max(last + 1, tonumber(ARGV[1])))
redis.call('HSET', KEYS[1], 'last', epoch, 'draft:' .. epoch, '1')
return epoch

-- Changes of one end's relations, each unless it was changed at this position or later already.
-- KEYS: those that hold, those that have ended: other -> last position.
-- ARGV: other, position, '1' when it holds from here on, else '0'; again and again.
for i = 1, #ARGV, 3 do
  local other, position, holds = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1'
  local last = redis.call('HGET', KEYS[1], other) or redis.call('HGET', KEYS[2], other)
  if not last or tonumber(position) > tonumber(last) then
    redis.call('HSET', KEYS[holds and 1 or 2], other, position)
    redis.call('HDEL', KEYS[holds and 2 or 1], other)
  end
end

-- Changes relations of one end, except those that were changed at the same or a later position.
-- KEYS: relations that hold; ended ones: other -> last position; 'floor' -> up to where ended ones were dropped.
-- ARGV: other, position, '1' if it holds after the change, else '0'; repeated.
for i = 1, #ARGV, 3 do
  local other, position, holds = ARGV[i], ARGV[i + 1], ARGV[i + 2] == '1'
  local last = redis.call('HGET', KEYS[1], other) or redis.call('HGET', KEYS[2], other)
    or redis.call('HGET', KEYS[2], 'floor')
  if not last or tonumber(position) > tonumber(last) then
    redis.call('HSET', KEYS[holds and 1 or 2], other, position)
    redis.call('HDEL', KEYS[holds and 2 or 1], other)
  end
end

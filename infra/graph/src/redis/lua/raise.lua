-- Raises marks. KEYS: marks. ARGV: name, position; repeated.
for i = 1, #ARGV, 2 do
  local last = redis.call('HGET', KEYS[1], ARGV[i])
  if not last or tonumber(ARGV[i + 1]) > tonumber(last) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  end
end

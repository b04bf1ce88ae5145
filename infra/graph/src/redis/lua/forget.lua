-- Drops ended relations of one end, unless they have changed since, and raises the floor: repeated changes up to it of
-- unknown relations have no effect.
-- KEYS: ended relations: other -> last position; 'floor' -> up to where they are dropped.
-- ARGV: floor; then other, position; repeated.
for i = 2, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[1], ARGV[i])
  end
end
local floor = redis.call('HGET', KEYS[1], 'floor')
if not floor or tonumber(ARGV[1]) > tonumber(floor) then
  redis.call('HSET', KEYS[1], 'floor', ARGV[1])
end

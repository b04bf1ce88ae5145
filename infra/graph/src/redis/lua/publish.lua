-- Publishes a draft; returns whether it is published. The draft's own mark shows that there was no flush since it began.
-- KEYS: meta. ARGV: epoch, log.
local epoch, log = ARGV[1], ARGV[2]
local current = redis.call('HGET', KEYS[1], 'epoch') or '0'
if current == epoch then
  return 1
end
if redis.call('HEXISTS', KEYS[1], 'draft:' .. epoch) == 0 or tonumber(current) > tonumber(epoch) then
  return 0
end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local draft = string.match(field, '^draft:(%d+)$')
  if draft and tonumber(draft) <= tonumber(epoch) then
    redis.call('HDEL', KEYS[1], field)
  end
end
redis.call('HSET', KEYS[1], 'epoch', epoch, 'log', log)
return 1

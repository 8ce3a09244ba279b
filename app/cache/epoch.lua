-- An epoch, of all API keys or of a tenant's rows: a random word. Whoever changes one replaces it; whoever remembers one
-- compares it. It expires by itself, so that a replacement lost in a failover is felt too.
-- KEYS: the epoch. ARGV: a fresh random word; milliseconds it lives; '1' to replace, '0' to read.
local epoch = redis.call('GET', KEYS[1])
if ARGV[3] == '1' or not epoch then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  epoch = ARGV[1]
end
return epoch

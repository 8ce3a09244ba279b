-- An answer that nothing touched since it was computed, and a token for the next one: one round trip.
--
-- The notes of a tenant are one sorted set, so that they are evicted, expire and vanish together:
--   'i<random>'  -1        the incarnation; answers of another one are void
--   'd<day>'     sequence  a UTC day on which a fact came or changed
--   't<tag>'     sequence  an entity, or settings, that changed
--   '*'          sequence  everything changed
-- An answer keeps the origin and the sequence of the token it was computed under. The origin also names this run of
-- this server: after a restart or a failover, notes may be missing that had been written.
--
-- KEYS: the notes; the answer. ARGV: a fresh random word; milliseconds the notes live; milliseconds that an answer may be
-- old although it is stale; milliseconds an answer lives; number of day spans; first and last day of each ('' = no end);
-- tags. Reply: the answer's key; and a token, or '' with an answer's own key and body.
local notes, answer = KEYS[1], KEYS[2]
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')

local top = redis.call('ZREVRANGE', notes, 0, 0, 'WITHSCORES')
local incarnation
if #top == 0 then
  incarnation = ARGV[1]
  redis.call('ZADD', notes, -1, 'i' .. incarnation)
  redis.call('PEXPIRE', notes, ARGV[2])
  top = { '', '-1' }
else
  incarnation = string.sub(redis.call('ZRANGE', notes, 0, 0)[1], 2)
end
local sequence = math.max(tonumber(top[2]), 0)
local origin = server .. '.' .. incarnation

local function token()
  local clock = redis.call('TIME')
  local now_ms = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
  return origin .. ':' .. string.format('%.0f', sequence) .. ':' .. now_ms
end

local found = redis.call('HMGET', answer, 'origin', 'sequence', 'tags', 'key', 'body')
if not found[1] then
  return { answer, token() }
end

local function is_stale()
  if found[1] ~= origin then
    return true
  end
  local seen = tonumber(found[2])
  if seen >= sequence then
    return false
  end
  local spans = tonumber(ARGV[5])
  local tags = {}
  for i = 6 + 2 * spans, #ARGV do
    tags[ARGV[i]] = true
  end
  for tag in string.gmatch(found[3], '[^\n]+') do
    tags[tag] = true
  end
  for _, note in ipairs(redis.call('ZRANGEBYSCORE', notes, '(' .. found[2], '+inf')) do
    local kind, name = string.sub(note, 1, 1), string.sub(note, 2)
    if kind == '*' or (kind == 't' and tags[name]) then
      return true
    end
    if kind == 'd' then
      for i = 6, 5 + 2 * spans, 2 do
        if name >= ARGV[i] and (ARGV[i + 1] == '' or name <= ARGV[i + 1]) then
          return true
        end
      end
    end
  end
  -- Checked up to here: the next one need not look at these notes again. No matter if it fails.
  redis.pcall('HSET', answer, 'sequence', string.format('%.0f', sequence))
  return false
end

-- How old it is, its remaining life tells.
if is_stale() and tonumber(ARGV[4]) - redis.call('PTTL', answer) > tonumber(ARGV[3]) then
  redis.call('DEL', answer)
  return { answer, token() }
end
return { answer, '', found[4], found[5] }

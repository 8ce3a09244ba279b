-- Keeps an answer, unless its token is of another incarnation, or so old that its life is over.
--
-- KEYS: the notes; the answer. ARGV: origin, sequence and milliseconds of the token; milliseconds an answer lives,
-- counted from its token; milliseconds the notes live; tags found while computing, one a line; the body.
-- Reply: the answer's key; 1 if it was kept.
local notes, answer = KEYS[1], KEYS[2]
local server = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local first = redis.call('ZRANGE', notes, 0, 0)[1]
if not first or server .. '.' .. string.sub(first, 2) ~= ARGV[1] then
  return { answer, 0 }
end
local clock = redis.call('TIME')
local age_ms = clock[1] * 1000 + math.floor(clock[2] / 1000) - tonumber(ARGV[3])
local life_ms = tonumber(ARGV[4]) - math.max(age_ms, 0)
if life_ms <= 0 then
  return { answer, 0 }
end
redis.call('HSET', answer, 'origin', ARGV[1], 'sequence', ARGV[2], 'tags', ARGV[6], 'key', answer, 'body', ARGV[7])
redis.call('PEXPIRE', answer, string.format('%.0f', life_ms))
redis.call('PEXPIRE', notes, ARGV[5])
return { answer, 1 }

-- Notes what changed, under the next sequence, and tells those who listen to this tenant: the channel is named as the
-- notes are, the message is what changed, by spaces.
--
-- KEYS: the epoch of the tenant's rows; the notes. ARGV: notes kept at most; milliseconds they live; the word of a new
-- epoch, '' to leave it as it is; milliseconds it lives; what changed ('d<day>', 't<tag>' or '*'). Reply: the notes' key.
local rows, notes = KEYS[1], KEYS[2]
-- Who may not publish may not listen either, and looks by himself: that is no reason to write no note.
redis.pcall('PUBLISH', notes, table.concat(ARGV, ' ', 5))
if ARGV[3] ~= '' then
  local done = redis.pcall('SET', rows, ARGV[3], 'PX', ARGV[4])
  if type(done) == 'table' and done.err then
    -- Out of memory: whoever finds none begins one.
    redis.call('DEL', rows)
  end
end
local top = redis.call('ZREVRANGE', notes, 0, 0, 'WITHSCORES')
if #top == 0 then
  -- No incarnation: no answer of this tenant is valid, and no token either.
  return { notes }
end
local sequence = string.format('%.0f', math.max(tonumber(top[2]), 0) + 1)
for i = 5, #ARGV do
  local done = redis.pcall('ZADD', notes, sequence, ARGV[i])
  if type(done) == 'table' and done.err then
    -- Out of memory: deleting is always possible, and voids all answers of the tenant.
    redis.call('DEL', notes)
    return { notes }
  end
end
local kept_max = tonumber(ARGV[1])
if redis.call('ZCARD', notes) > kept_max then
  -- The oldest half is replaced by one note of the same reach: "everything changed". Rank 0 is the incarnation.
  local last = redis.call('ZCARD', notes) - math.floor(kept_max / 2)
  local newest_dropped = redis.call('ZRANGE', notes, last, last, 'WITHSCORES')[2]
  redis.call('ZREMRANGEBYRANK', notes, 1, last)
  local everything = redis.call('ZSCORE', notes, '*')
  if not everything or tonumber(everything) < tonumber(newest_dropped) then
    redis.call('ZADD', notes, newest_dropped, '*')
  end
end
redis.call('PEXPIRE', notes, ARGV[2])
return { notes }

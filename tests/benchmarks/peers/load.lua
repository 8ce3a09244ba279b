-- Posts the lines of the file $LINES in turn: the authorization, a tab, the body. `@x` in a body becomes a text used once.
local requests, bodies, headers, position, number = {}, {}, {}, 0, 0
local stamp = 0

function setup(thread)
  thread:set("stamp", os.time() * 1000 + math.random(999))
end

function init()
  for line in io.lines(os.getenv("LINES")) do
    local authorization, body = line:match("^([^\t]*)\t(.*)$")
    local header = { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }
    if authorization ~= "" then
      header["Authorization"] = authorization
    end
    if body:find("@x", 1, true) then
      bodies[#bodies + 1], headers[#headers + 1] = body, header
    else
      requests[#requests + 1] = wrk.format("POST", nil, header, body)
    end
  end
end

function request()
  if #bodies > 0 then
    number = number + 1
    position = position % #bodies + 1
    local once = string.format("x%d-%d", stamp, number)
    return wrk.format("POST", nil, headers[position], (bodies[position]:gsub("@x", once)))
  end
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("SHOT %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.status + e.connect + e.read + e.write + e.timeout))
end

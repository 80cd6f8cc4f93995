-- The same request with another cookie each time, 4096 of them in turn: more than a server would remember.
local requests = {}
local last = 0

function init(args)
  for number = 1, 4096 do
    wrk.headers["Cookie"] = string.format("session=%016x", number)
    requests[number] = wrk.format("GET", "/")
  end
end

function request()
  last = last % 4096 + 1
  return requests[last]
end

-- Sixteen requests in one write; wrk counts each answer.
function init(args)
  batch = string.rep(wrk.format("GET", "/"), 16)
end

function request()
  return batch
end

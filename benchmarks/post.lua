-- A POST of 1 KiB of JSON.
function init(args)
  local items = {}
  for number = 0, 28 do
    items[number + 1] = string.format('{"id": %d, "v": "abcdefgh"}', number)
  end
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  wrk.body = '{"name": "' .. string.rep("x", 30) .. '", "ok": true, "items": [' .. table.concat(items, ", ") .. "]}"
end

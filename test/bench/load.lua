-- Loads one server with wrk and prints what came out as one line of JSON.

local isLogin, cookies = os.getenv("BENCH_LOGIN"), os.getenv("BENCH_COOKIES")

if isLogin or cookies then
  local requests, last = {}, 0
  local form = { ["Content-Type"] = "application/x-www-form-urlencoded" }

  function init()
    if cookies then
      for cookie in io.lines(cookies) do
        requests[#requests + 1] = wrk.format("GET", nil, { Cookie = cookie })
      end
      return
    end
    -- So many that few of them log in more than a few times.
    for user = 1, 50000 do
      local body = "username=user-" .. user .. "&password=correct-horse"
      requests[user] = wrk.format("POST", nil, form, body)
    end
  end

  function request()
    last = last % #requests + 1
    return requests[last]
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

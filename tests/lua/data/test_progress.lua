-- progress: values pass through, lines come now and then.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local progress = embla.progress

-- A file that keeps what is written.
local function sink()
  local written = {}
  return {write = function(_, ...) written[#written + 1] = table.concat {...} end, flush = function() end}, written
end

t.test("a number counts from 0", function()
  local out, written = sink()
  local seen = {}
  for i in progress(3, {desc = "round", out = out}) do seen[#seen + 1] = i end
  t.equal(seen, {0, 1, 2})
  t.equal(#written, 1)
  t.equal(written[1]:match "^round 100%% 3/3 it, .* it/s, 0:00\n$" ~= nil, true)
end)

t.test("an iterator's values pass through", function()
  local out, written = sink()
  local list, i = {{1, "a"}, {2, nil}, {3, "c"}}, 0
  local function each()
    i = i + 1
    if list[i] then return list[i][1], list[i][2] end
  end
  local seen = {}
  for n, word in progress(each, {total = 3, out = out, every = 1e-9}) do seen[#seen + 1] = {n, word} end
  t.equal(seen, list)
  t.equal(#written >= 3, true)
  t.equal(written[#written]:match "100%%" ~= nil, true)
end)

t.test("a bar tells rate, time left and a note", function()
  local out, written = sink()
  local bar = progress.bar(2000000, {unit = "words", out = out, every = 3600})
  bar:update(500000, "loss 0.5")
  t.equal(written, {})
  local line = bar:line()
  t.equal(line:match "^ 25%% 500k/2M words, .- words/s, .- left, loss 0%.5$" ~= nil, true)
  bar:finish()
  t.equal(#written, 1)
end)

t.test("times are hours, minutes and seconds", function()
  local function line_after(seconds, done)
    local bar = progress.bar(400, {out = sink()})
    bar.started = embla.clock() - seconds
    bar.done = done
    return bar:line():match "it/s, (.*)$"
  end
  t.equal(line_after(1220, 100), "1:01:00 left")        -- three times as long
  t.equal(line_after(20, 100), "1:00 left")
  t.equal(line_after(125, 400), "2:05")
  t.equal(line_after(3725, 400), "1:02:05")
end)

t.test("a loader says itself how many rounds there are", function()
  local out, written = sink()
  local loader = embla.data.DataLoader(embla.data.TensorDataset(embla.arange(6)), {batch_size = 2})
  local seen = {}
  for x in progress(loader, {out = out, every = 1e-9}) do seen[#seen + 1] = x:tolist() end
  t.equal(seen, {{0, 1}, {2, 3}, {4, 5}})
  t.equal(written[#written]:match "100%% 3/3" ~= nil, true)
end)

t.test("no rounds at all", function()
  local out = sink()
  for _ in progress(0, {out = out}) do t.fail("a round") end
end)

t.test("what does not fit is refused", function()
  t.raises(function() progress({}) end, "test_progress.lua", "progress: expected a number or an iterator, got a table")
  t.raises(function() progress(1.5) end, "got 1.5")
  t.raises(function() progress(3, {description = "x"}) end, "unknown option 'description'")
end)

t.finish()

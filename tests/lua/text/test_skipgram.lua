-- text.SkipGram: shapes, epochs, progress, the same batches for any number of threads, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local text = embla.text

local function corpus_of(content)
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  local corpus = text.Corpus(path)
  os.remove(path)
  return corpus
end

local lines = {}
for i = 1, 3000 do lines[i] = ("w%d w%d w%d w%d w%d"):format(i % 3, i % 7, i % 31, i % 101, i % 5) end
local corpus = corpus_of(table.concat(lines, "\n"))

t.test("pairs by hand", function()
  local s = text.SkipGram(corpus_of "a b a\nc", {window = 1, negative = 0, sample = 0, batch_size = 10})
  local centre, targets = s:iter()()
  t.equal(centre, embla.LongTensor {0, 1, 1, 0})
  t.equal(targets, embla.LongTensor {{1}, {0}, {0}, {1}})
end)

t.test("batches are full but for the last of an epoch, and progress is told", function()
  local s = text.SkipGram(corpus, {window = 3, negative = 4, sample = 0, batch_size = 512, epochs = 2, seed = 1})
  local sizes, before, epochs = {[0] = {}, [1] = {}}, 0, 0
  for centre, targets in s:iter() do
    t.equal(centre.dtype, "int64")
    t.equal(targets.shape, {centre:size(0), 5})
    table.insert(sizes[s.epoch], centre:size(0))
    t.equal(s.progress >= before and s.progress <= 1, true)
    before, epochs = s.progress, s.epoch
  end
  t.equal({s.words_done, s.words_total, s.progress, epochs}, {30000, 30000, 1.0, 1})
  t.equal(s.batches, #sizes[0] + #sizes[1])
  for e = 0, 1 do
    for i = 1, #sizes[e] - 1 do t.equal(sizes[e][i], 512) end
  end
end)

-- All ids of two epochs, as one string.
local function all_ids(opt)
  local parts = {}
  for centre, targets in text.SkipGram(corpus, opt):iter() do
    parts[#parts + 1] = table.concat(centre:tolist(), " ")
    for _, row in ipairs(targets:tolist()) do parts[#parts + 1] = table.concat(row, " ") end
  end
  return table.concat(parts, "\n")
end

t.test("batches depend on the seed alone", function()
  local before = embla.get_num_threads()
  local opt = {sample = 1e-2, batch_size = 5000, epochs = 2, seed = 3, dtype = "int32"}
  local want = all_ids(opt)
  for _, threads in ipairs {1, 2, 3, 8} do
    embla.set_num_threads(threads)
    opt.prefetch = threads % 2 == 0
    t.equal(all_ids(opt) == want, true)
  end
  opt.prefetch = nil
  embla.set_num_threads(before)
  opt.seed = 4
  t.equal(all_ids(opt) == want, false)
  opt.seed = nil
  embla.manual_seed(3)
  t.equal(all_ids(opt) == want, true)
end)

t.test("iterating again starts again", function()
  local s = text.SkipGram(corpus, {batch_size = 100, seed = 1})
  local first = s:iter()()
  t.equal(s:iter()(), first)
  t.equal(s.batches, 1)
end)

t.test("a batch drawn ahead shows in no field, and is dropped with the rest", function()
  local now = text.SkipGram(corpus, {seed = 1, prefetch = false})
  local ahead = text.SkipGram(corpus, {seed = 1, prefetch = true})
  local next_now, next_ahead = now:iter(), ahead:iter()
  for _ = 1, 3 do
    t.equal(next_ahead(), next_now())
    t.equal({ahead.words_done, ahead.batches, ahead.progress}, {now.words_done, now.batches, now.progress})
  end
  t.equal(ahead:iter()(), now:iter()())
end)

t.test("a loop may go over the sampler itself", function()
  local s, want, got = text.SkipGram(corpus, {batch_size = 64, seed = 4, epochs = 2}), {}, {}
  for centre, targets in s:iter() do want[#want + 1] = {centre:tolist(), targets:tolist()} end
  for centre, targets in s do got[#got + 1] = {centre:tolist(), targets:tolist()} end
  t.equal(got, want)
  t.raises(function() s() end, "SkipGram: it is not called: write `for centre, targets in batches do`")
end)

t.test("a sampler may go while it draws", function()
  local opt = {batch_size = 20000, seed = 2, prefetch = false}
  local centre, targets = text.SkipGram(corpus, opt):iter()()
  local gone = setmetatable({}, {__mode = "k"})
  opt.prefetch = true
  for _ = 1, 20 do
    local s = text.SkipGram(corpus, opt)
    gone[s] = true
    local c, x = s:iter()()                     -- the next batch is being drawn when `s` goes
    t.equal(c, centre)
    t.equal(x, targets)
  end
  collectgarbage()
  t.equal(next(gone), nil)
  t.equal(text.SkipGram(corpus, opt):iter()(), centre)
end)

t.test("what does not fit is refused", function()
  t.raises(function() text.SkipGram({}) end, "test_skipgram.lua",
           "SkipGram: argument corpus: expected a Corpus, got a table")
  t.raises(function() text.SkipGram(corpus, {window = 0}) end, "option window: expected integer in [1, 1000], got 0")
  t.raises(function() text.SkipGram(corpus, {negatives = 5}) end, "did you mean 'negative'?")
  t.raises(function() text.SkipGram(corpus, {sample = -1}) end, "option sample")
  t.raises(function() text.SkipGram(corpus, {dtype = "float32"}) end, "option dtype")
  t.raises(function() text.SkipGram(corpus, {prefetch = 2}) end, "option prefetch: expected boolean, got 2")
  t.raises(function() text.SkipGram(corpus_of "") end, "SkipGram: the corpus is empty")
end)

t.finish()

-- SkipGram and Word2Vec that go on in the middle of an epoch, from a file of embla.save, with other numbers of threads.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local process = require "support.process"
local text = embla.text

local lines = {}
for i = 1, 14000 do lines[i] = ("w%d w%d w%d w%d w%d"):format(i % 3, i % 7, i % 31, i % 2503, i % 5) end

-- More than one portion of 2^16 words.
local corpus, other
process.with_file(table.concat(lines, "\n"), function(path) corpus = text.Corpus(path) end)
process.with_file("a b c a b c", function(path) other = text.Corpus(path) end)

local function through_a_file(value)
  local path = os.tmpname()
  embla.save(path, value)
  local back = embla.load(path)
  os.remove(path)
  return back
end

local function with_threads(n, f, ...)
  local before = embla.get_num_threads()
  embla.set_num_threads(n)
  f(...)
  embla.set_num_threads(before)
end

-- ---- SkipGram --------------------------------------------------------------------------------------------------

local function sampler(changes)
  local o = {window = 3, negative = 2, sample = 1e-2, batch_size = 20000, epochs = 2, seed = 7}
  for key, value in pairs(changes or {}) do o[key] = value end
  return text.SkipGram(corpus, o)
end

-- What is told of a batch: its place, and a checksum of what is in it.
local function show(batches, centre, targets)
  local weights = embla.arange(targets:numel()) % 1009 + 1
  return ("%d %d %d %d %d"):format(batches.epoch, batches.batches, batches.words_done,
    (centre * weights:narrow(0, 0, #centre)):sum():item(), (targets:reshape(-1) * weights):sum():item())
end

local function all(batches)
  local list = {}
  for centre, targets in batches do list[#list + 1] = show(batches, centre, targets) end
  return list
end

local want = all(sampler())

t.test("there are batches in both epochs, and over more than one portion", function()
  t.equal(#want > 8 and #corpus > 1 << 16, true)
end)

for _, prefetch in ipairs {false, true} do
  for _, threads in ipairs {1, 2, 3} do
    t.test(("batches go on, prefetch %s, %d threads"):format(prefetch, threads), function()
      for stop = 0, #want do
        local first, n = sampler {prefetch = prefetch}, 0
        local next_batch = first:iter()
        for _ = 1, stop do next_batch() end
        local state = through_a_file(first:state_dict())
        local second = sampler {prefetch = not prefetch, seed = 99}
        with_threads(threads, function()
          second:load_state_dict(state)
          t.equal({second.batches, second.epoch, second.progress}, {first.batches, first.epoch, first.progress})
          for centre, targets in second do
            n = n + 1
            t.equal(show(second, centre, targets), want[stop + n])
          end
        end)
        t.equal(stop + n, #want)
        t.equal(second.progress, 1.0)
      end
    end)
  end
end

t.test("states before the first batch, after the last, and behind the loop", function()
  local first, after_last = sampler(), nil
  local at_start = first:state_dict()
  for _ in first do after_last = first:state_dict() end
  local behind, again = first:state_dict(), sampler()
  again:load_state_dict(after_last)
  t.equal(all(again), {})
  t.equal(all(again), want)                             -- the loop after it begins anew
  again:load_state_dict(behind)
  t.equal({again.progress, all(again)}, {1.0, want})
  again:load_state_dict(at_start)
  t.equal(all(again), want)
end)

t.test("a sampler is as it was after a state that does not fit", function()
  local batches = sampler()
  local next_batch = batches:iter()
  next_batch()
  local function refuses(change, ...)
    local state = sampler():state_dict()
    state = change(state) or state
    t.raises(function() batches:load_state_dict(state) end, ...)
  end
  refuses(function() return 3 end, "SkipGram: load_state_dict: argument state: expected a state_dict, got 3")
  for _, name in ipairs {"epoch", "portion", "pair", "batches", "words_done"} do
    refuses(function(s) s[name] = 1.5 end, "SkipGram: load_state_dict: argument state: " .. name
            .. ": expected an integer, got 1.5")
  end
  refuses(function(s) s.epoch = 2 end, "there is no epoch 2 of 2")
  refuses(function(s) s.epoch = -1 end, "there is no epoch -1 of 2")
  refuses(function(s) s.portion = 99 end, "SkipGram: there is no place 99, 0 in epoch 0 of this corpus")
  refuses(function(s) s.portion = math.mininteger end, "there is no place")
  refuses(function(s) s.pair = math.maxinteger end, "there is no place 0, 9223372036854775807")
  refuses(function(s) s.pair = -1 end, "there is no place 0, -1")
  refuses(function(s) s.options.window = 5 end, "SkipGram: load_state_dict: argument state: window is 5, here 3")
  refuses(function(s) s.options.words = 5 end, "words is 5, here " .. #corpus)
  refuses(function(s) s.options = 5 end, "SkipGram: load_state_dict: argument state: options: expected a table, got 5")
  refuses(function(s) s.options.seed = "x" end, 'argument state: seed: expected an integer, got "x"')
  refuses(function() return text.SkipGram(other, {seed = 1}):state_dict() end, "SkipGram: load_state_dict: ", ", here ")
  t.equal(show(batches, next_batch()), want[2])
end)

-- ---- Word2Vec --------------------------------------------------------------------------------------------------

for _, model in ipairs {"skipgram", "cbow"} do
  local o = {dim = 4, epochs = 2, seed = 5, model = model, window = 2, negative = 2}
  local straight = text.Word2Vec(corpus, o)
  straight:train()
  for _, threads in ipairs {1, 2, 3} do
    t.test(("Word2Vec, %s, goes on with %d threads"):format(model, threads), function()
      local first = text.Word2Vec(corpus, o)
      for _, words in ipairs {1, 66000, 10000} do       -- inside a portion, in the next one, in the other epoch
        first:train(words)
        local state = through_a_file(first:state_dict())
        local second = text.Word2Vec(corpus, {dim = 4, epochs = 2, seed = 6, model = model, window = 2, negative = 2})
        second:load_state_dict(state)
        with_threads(threads, second.train, second)
        t.same_bits(second.vectors, straight.vectors)
        t.same_bits(second.contexts, straight.contexts)
        t.equal(second.progress, 1.0)
      end
    end)
  end
end

t.test("a Word2Vec is as it was after a state that does not fit", function()
  local model = text.Word2Vec(corpus, {dim = 4, seed = 1})
  model:train(1000)
  local vectors, contexts, place = model.vectors:clone(), model.contexts:clone(), model:state_dict().word
  local function refuses(change, ...)
    local state = text.Word2Vec(corpus, {dim = 4, seed = 1}):state_dict()
    change(state)
    t.raises(function() model:load_state_dict(state) end, ...)
  end
  refuses(function(s) s.word = 1 << 40 end, "Word2Vec: there is no word 1099511627776 in portion 0")
  refuses(function(s) s.epoch = 5 s.word = 1 end, "there is no place")
  refuses(function(s) s.options.model = "cbow" end, 'model is "cbow", here "skipgram"')
  refuses(function(s) s.contexts = embla.zeros(2, 4) end, "contexts: expected a tensor of float32")
  t.same_bits({model.vectors, model.contexts}, {vectors, contexts})
  t.equal(model:state_dict().word, place)
end)

t.finish()

-- text.Word2Vec: what it learns, that it can go on later, the same bits for any number of threads, what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local points = require "support.points"
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

-- Two topics of 20 words each; a sentence keeps to its topic.
local function topics()
  local random, lines = 12345, {}
  local function draw(n)
    random = (random * 1103515245 + 12345) % 2147483648
    return random // 65536 % n
  end
  for i = 1, 1500 do
    local words = {}
    for k = 1, 8 do words[k] = (i % 2 == 0 and "a" or "b") .. draw(20) end
    lines[i] = table.concat(words, " ")
  end
  return corpus_of(table.concat(lines, "\n"))
end
local corpus = topics()

-- Mean cosine of words of one topic, and of words of different ones.
local function cosines(model)
  local unit = embla.F.normalize(model.vectors)
  local all = unit:matmul(unit:t()):tolist()
  local sum, n = {0, 0}, {0, 0}
  for i = 1, #corpus.vocab do
    for j = 1, i - 1 do
      local same = corpus.vocab:word(i - 1):sub(1, 1) == corpus.vocab:word(j - 1):sub(1, 1) and 1 or 2
      sum[same], n[same] = sum[same] + all[i][j], n[same] + 1
    end
  end
  return sum[1] / n[1], sum[2] / n[2]
end

local FORMS = {
  ["skip-gram"] = {}, ["skip-gram, negatives of its own for each pair"] = {shared_negatives = false},
  cbow = {model = "cbow", lr = 0.2}, hogwild = {mode = "hogwild"}, double = {dtype = "float64"},
}

for name, form in pairs(FORMS) do
  t.test(name .. " tells the topics apart", function()
    local opt = {dim = 10, window = 3, sample = 0, lr = 0.05, epochs = 8, seed = 1}
    for key, value in pairs(form) do opt[key] = value end
    local before = embla.get_num_threads()
    if form.mode == "hogwild" then embla.set_num_threads(1) end     -- several race by intent; the test in C has four
    local model = text.Word2Vec(corpus, opt)
    local first, pairs_seen = model:train(12000)
    t.equal({model.words_done >= 12000, model.words_total, pairs_seen > 0}, {true, 96000, true})
    local last = model:train()
    embla.set_num_threads(before)
    t.equal({model.words_done, model.progress}, {96000, 1.0})
    if last >= first then t.fail(("loss %g, then %g"):format(first, last)) end
    local same, other = cosines(model)
    if same < other + 0.5 then t.fail(("cosines %g and %g"):format(same, other)) end
    t.equal({model:train()}, {0.0, 0})
  end)
end

-- Two groups of 17 nodes: each node knows the first of its group, and every second one another before it; ten edges
-- between the groups. Walks of 20 nodes, 40 from each.
local GROUP = 17
local function two_groups()
  local random, neighbours, lines = 12345, {}, {}
  local function draw(n)
    random = (random * 1103515245 + 12345) % 2147483648
    return random // 65536 % n
  end
  for node = 0, 2 * GROUP - 1 do neighbours[node] = {} end
  local function edge(a, b)
    table.insert(neighbours[a], b)
    table.insert(neighbours[b], a)
  end
  for first = 0, GROUP, GROUP do
    for i = 1, GROUP - 1 do
      edge(first + i, first)
      if i % 2 == 0 then edge(first + i, first + 1 + draw(i - 1)) end
    end
  end
  for _ = 1, 10 do edge(draw(GROUP), GROUP + draw(GROUP)) end
  for walk = 0, 40 * 2 * GROUP - 1 do
    local at, names = walk % (2 * GROUP), {}
    for k = 1, 20 do
      names[k] = "n" .. at
      at = neighbours[at][1 + draw(#neighbours[at])]
    end
    lines[#lines + 1] = table.concat(names, " ")
  end
  return corpus_of(table.concat(lines, "\n"))
end

-- Nodes whose vector is nearer to the others of their group than to the other group.
local function well_placed(model)
  local unit = embla.F.normalize(model.vectors:double())
  local sums, right = {unit[0] * 0, unit[0] * 0}, 0
  local function side(id) return tonumber(model.corpus.vocab:word(id):sub(2)) // GROUP + 1 end
  for id = 0, 2 * GROUP - 1 do sums[side(id)]:add_(unit[id]) end
  for id = 0, 2 * GROUP - 1 do
    local own, other = sums[side(id)] - unit[id], sums[3 - side(id)]
    if (own:dot(unit[id]) / own:norm()):item() > (other:dot(unit[id]) / other:norm()):item() then right = right + 1 end
  end
  return right
end

-- Merging lanes on so few words places 30 or 31 of 34.
t.test("a small vocabulary is learnt as well as by Hogwild", function()
  local graph, before = two_groups(), embla.get_num_threads()
  for seed = 1, 3 do
    local right = {}
    for _, mode in ipairs {"deterministic", "hogwild"} do
      embla.set_num_threads(mode == "hogwild" and 1 or 2)       -- one thread: sequential, the same every time
      local model = text.Word2Vec(graph, {dim = 16, sample = 0, epochs = 3, seed = seed, mode = mode})
      model:train()
      right[mode] = well_placed(model)
    end
    embla.set_num_threads(before)
    if right.deterministic < 33 or right.hogwild < 33 then
      t.fail(("%d of 34, Hogwild %d"):format(right.deterministic, right.hogwild))
    end
  end
end)

t.test("vectors start small and random, contexts at zero, and the default generator is left alone", function()
  embla.manual_seed(7)
  local want = embla.rand(3)
  embla.manual_seed(7)
  local model = text.Word2Vec(corpus, {dim = 16, seed = 3})
  t.same_bits(embla.rand(3), want)
  t.equal({model.vectors.shape, model.contexts:abs():max():item()}, {{40, 16}, 0})
  local most = model.vectors:abs():max():item()
  t.equal({most <= 0.5 / 16, most > 0.4 / 16}, {true, true})
  t.same_bits(text.Word2Vec(corpus, {dim = 16, seed = 3}).vectors, model.vectors)
end)

local OPT = {dim = 10, window = 3, sample = 1e-2, epochs = 3, seed = 5}

local function trained(opt)
  local model = text.Word2Vec(corpus, opt or OPT)
  model:train()
  return model
end

t.test("the same bits for any number of threads", function()
  local before, want = embla.get_num_threads(), nil
  for _, threads in ipairs {1, 2, 3, 8} do
    embla.set_num_threads(threads)
    local model = trained()
    want = want or model
    t.same_bits(model.vectors, want.vectors)
    t.same_bits(model.contexts, want.contexts)
  end
  embla.set_num_threads(before)
end)

t.test("saved half-way it goes on with the same bits", function()
  local want = trained()
  local half = text.Word2Vec(corpus, OPT)
  half:train(15000)
  t.equal(half.progress > 0.3 and half.progress < 0.7, true)
  local state = half:state_dict()
  t.equal(tostring(state):match "words_done = %d+", "words_done = " .. half.words_done)
  for _, name in ipairs {"vectors", "contexts"} do state[name] = state[name]:clone() end
  half:train()
  local rest = text.Word2Vec(corpus, OPT)
  rest:load_state_dict(state)
  t.equal(rest.words_done, state.words_done)
  rest:train()
  t.same_bits(rest.vectors, want.vectors)
  t.same_bits(half.contexts, want.contexts)
  t.same_bits(rest.contexts, want.contexts)
end)

t.test("an error at any point of its making leaves the generator alone", function()
  local state = embla.get_rng_state()
  local function f() text.Word2Vec(corpus, OPT) end
  local function check() t.equal(embla.get_rng_state(), state) end
  t.equal(points.instructions(f, check) > 50, true)
  t.equal(points.allocations(f, check) > 1, true)
end)

t.test("what does not fit is refused", function()
  t.raises(function() text.Word2Vec("a b") end, "Word2Vec: argument corpus: expected a Corpus, got \"a b\"")
  t.raises(function() text.Word2Vec(corpus, {windw = 3}) end, "unknown option 'windw', did you mean 'window'")
  t.raises(function() text.Word2Vec(corpus, {dim = 0}) end, "option dim: expected integer >= 1, got 0")
  t.raises(function() text.Word2Vec(corpus, {negative = 0}) end, "negative", "0")
  t.raises(function() text.Word2Vec(corpus, {mode = "fast"}) end, "mode", "hogwild", "fast")
  t.raises(function() text.Word2Vec(corpus, {lr = -1}) end, "lr", "-1")
  t.raises(function() text.Word2Vec(corpus_of "") end, "Word2Vec: the corpus is empty")
  local model = text.Word2Vec(corpus, OPT)
  t.raises(function() model:train(0) end, "Word2Vec.train: argument words: expected integer >= 1, got 0")
  t.raises(function() model:train("x") end, "argument words", "x")
  t.raises(function() model:load_state_dict() end, "expected a state_dict, got nil")
  local state = model:state_dict()
  state.epoch = 9
  t.raises(function() model:load_state_dict(state) end, "there is no place 9, 0, 0")
  state.epoch, state.vectors = 0, embla.zeros(2, 2)
  t.raises(function() model:load_state_dict(state) end, "vectors", "(40, 10)")
  state.portion = nil
  t.raises(function() model:load_state_dict(state) end, "portion", "nil")
end)

t.test("tables that others have given other rows are noticed", function()
  local model = text.Word2Vec(corpus, {dim = 4, epochs = 1})
  model:train(100)
  local emb = embla.nn.Embedding(#corpus.vocab, 4)
  emb.weight = model.vectors
  emb:resize(1)
  t.raises(function() model:train() end, "Word2Vec: vectors is (1, 4), expected a row for each of")
  emb:resize(#corpus.vocab)                             -- other memory, but rows enough
  model:train()
  t.equal(model.progress, 1.0)
  t.equal(emb.weight:detach():abs():max():item() > 0, true)
end)

t.test("training does not reach what gradients refer to", function()
  local model = text.Word2Vec(corpus, {dim = 4, epochs = 1})
  local w = embla.zeros(#corpus.vocab, 4, {requires_grad = true})
  embla.F.embedding(embla.arange(#corpus.vocab), w, {sparse = true}):backward(model.vectors)
  local before = model.vectors:clone()
  model:train()
  t.equal(model.vectors:equal(before), false)
  t.equal(w.grad:to_dense(), before)
end)

t.finish()

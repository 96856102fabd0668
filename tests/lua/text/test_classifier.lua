-- text.Classifier: what it learns, a step against autograd, the same bits, what is kept, what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local F, text = embla.F, embla.text

local TEXTS = {
  "free prize call now", "see you at home", "win a free prize", "are you at home", "call to win", "see you",
}
local LABELS = {"spam", "ham", "spam", "ham", "spam", "ham"}
local OPTIONS = {dim = 8, epochs = 50, lr = 0.5, word_ngrams = 2, minn = 2, maxn = 3, buckets = 1000, seed = 3}

t.test("it tells its classes apart", function()
  local model = text.Classifier(OPTIONS)
  t.equal(model:fit(TEXTS, LABELS) < 0.2, true)
  t.equal(model:predict("a free prize")[1].label, "spam")
  t.equal(model:predict("you home", {k = 5, threshold = 0.5})[1].label, "ham")
  t.equal(#model:predict({"free", "home"}, {k = 2})[2], 2)
  t.equal(model:test(TEXTS, LABELS).precision, 1)
end)

t.test("an epoch is stochastic gradient descent", function()
  local model = text.Classifier{dim = 4, epochs = 1, lr = 0.3, seed = 5}
  local first = text.Classifier{dim = 4, epochs = 1, lr = 0, seed = 5}
  first:fit({"a b a", "b c"}, {"x", "y"})
  model:fit({"a b a", "b c"}, {"x", "y"})
  local input, output = first.input:clone():requires_grad_(true), first.output:clone():requires_grad_(true)
  for i, words in ipairs {{"a", "b", "a", "</s>"}, {"b", "c", "</s>"}} do
    local ids = {}
    for k, word in ipairs(words) do ids[k] = first.vocab:id(word) end
    local h = F.embedding(embla.LongTensor(ids), input):mean(0, true)
    local loss = F.cross_entropy(h:matmul(output:t()), embla.LongTensor{i - 1})
    input.grad, output.grad = nil, nil
    loss:backward()
    embla.no_grad(function()
      input:sub_(input.grad * (0.3 * (1 - (i - 1) / 2)))
      output:sub_(output.grad * (0.3 * (1 - (i - 1) / 2)))
    end)
  end
  t.close(model.input, input:detach(), 1e-5, 1e-6)
  t.close(model.output, output:detach(), 1e-5, 1e-6)
end)

t.test("the same bits on any number of threads, and after save and load", function()
  local before, tables = embla.get_num_threads(), {}
  for i, threads in ipairs {1, 2, 4} do
    embla.set_num_threads(threads)
    local model = text.Classifier(OPTIONS)
    model:fit(TEXTS, LABELS)
    tables[i] = model.input
  end
  embla.set_num_threads(before)
  t.same_bits(tables[2], tables[1])
  t.same_bits(tables[3], tables[1])
  local path, model = os.tmpname(), text.Classifier(OPTIONS)
  model:fit(TEXTS, LABELS)
  embla.save(path, model)
  t.equal(embla.load(path):predict("free", {k = 2}), model:predict("free", {k = 2}))
  os.remove(path)
end)

t.test("files in fastText's form", function()
  local path = os.tmpname()
  local file = assert(io.open(path, "wb"))
  file:write("__label__x a b\nno label\n__label__y c \xFF d\n__label__y\n")
  file:close()
  local model = text.Classifier{dim = 4, seed = 1}
  model:fit(path)
  t.equal(#model.labels, 2)
  t.equal(model.vocab:count("</s>"), 3)
  t.equal(model:test({"a", "b"}, {"x", "new"}).unknown, 1)
  file = assert(io.open(path, "wb"))
  file:write("__label__x __label__y a\n")
  file:close()
  t.raises(function() model:fit(path) end, "line 1: more than one label")
  os.remove(path)
end)

t.test("odd input", function()
  local model = text.Classifier{dim = 2}
  t.raises(function() model:predict("a") end, "nothing yet")
  t.raises(function() model:fit({}, {}) end, "no texts")
  t.raises(function() model:fit({"a"}, {"x", "y"}) end, "1 texts, but 2 labels")
  t.raises(function() model:fit({"a", 3}, {"x", "y"}) end, "[2]")
  t.raises(function() text.Classifier{dims = 2} end, "dim")
  model:fit({"", "a"}, {"one", "one"})
  t.equal(model:predict("")[1].score, 1)
  t.equal(model:predict("never \xFF seen")[1].label, "one")
end)

t.finish()

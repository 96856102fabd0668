-- Files of word vectors, beside gensim's loader: 100,000 words of 100 numbers each; and the nearest of a million rows,
-- beside its most_similar, and beside PyTorch's product and topk.

local embla = require "embla"

local V, D = 100000, 100

local function load(binary)
  return function()
    local path, words = os.tmpname(), {}
    for i = 1, V do words[i] = "word" .. i end
    embla.text.KeyedVectors(words, embla.randn(V, D)):save(path, {binary = binary})
    local file <close> = assert(io.open(path, "rb"))
    local bytes = file:seek "end"
    local remover = setmetatable({}, {__gc = function() os.remove(path) end})
    return function()
      return embla.io.word2vec.load(path), remover
    end, {["MB/s"] = bytes / 1e6}
  end
end

local function search(queries)
  return function()
    local rows = embla.randn(1000000, D)
    local norms, asked = rows:norm(2, 1), embla.randn(queries, D)
    return function() return embla.search.topk(asked, rows, 10, {metric = "cosine", norms = norms}) end,
           {["GFLOP/s"] = 2 * queries * 1000000 * D / 1e9}
  end
end

return function(case)
  case("word2vec_load_text/V100k/d100", false, load(false))
  case("word2vec_load_binary/V100k/d100", false, load(true))
  case("nearest/V1M/d100/Q1", false, search(1))
  case("nearest/V1M/d100/Q1000", false, search(1000))
end

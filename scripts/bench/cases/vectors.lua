-- Files of word vectors, beside gensim's loader: 100,000 words of 100 numbers each.

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

return function(case)
  case("word2vec_load_text/V100k/d100", false, load(false))
  case("word2vec_load_binary/V100k/d100", false, load(true))
end

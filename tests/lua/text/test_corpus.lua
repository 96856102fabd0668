-- text.Corpus: words and sentences of files, options, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local text = embla.text

local function file_of(content)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(content)
  return path
end

-- The sentences of a text, as words joined by blanks.
local function sentences_of(content, opt)
  local path = file_of(content)
  local c = text.Corpus(path, opt)
  os.remove(path)
  local list = {}
  for s = 0, c:sentences() - 1 do list[s + 1] = table.concat(c.vocab:words(c:sentence(s)), " ") end
  return list, c
end

t.test("text becomes sentences of ids", function()
  local list, c = sentences_of("The cat.\nThe dog; the end!\n")
  t.equal(list, {"the cat", "the dog the end"})
  t.equal(c.ids, embla.IntTensor {0, 1, 0, 2, 0, 3})
  t.equal(c.starts, embla.LongTensor {0, 2, 6})
  t.equal({#c, c.words, c.bytes, c:sentences()}, {6, 6, 27, 2})
  t.equal(c.vocab:count "the", 3)
  t.equal(c:sentence(-1), embla.IntTensor {0, 2, 0, 3})
  t.equal(tostring(c), "Corpus(6 words, 2 sentences, 4 types)")
end)

t.test("options say what words and sentences are", function()
  local content = "It's 2 o_o, he\nSaid.\n\nX"
  t.equal(sentences_of(content), {"it's 2 o_o he", "said", "x"})
  t.equal(sentences_of(content, {sentence = "paragraph"}), {"it's 2 o_o he said", "x"})
  t.equal(sentences_of(content, {sentence = "file", lower = false}), {"It's 2 o_o he Said X"})
  t.equal(sentences_of(content, {digits = false, punctuation = true}), {"it's o_o , he", "said .", "x"})
  t.equal(sentences_of(content, {split = "blanks"}), {"It's 2 o_o, he", "Said.", "X"})
  t.equal(sentences_of(content, {split = "blanks", lower = true}), {"it's 2 o_o, he", "said.", "x"})
  t.equal(sentences_of("a b b c", {min_count = 2}), {"b b"})
  t.equal(sentences_of("a b b c", {min_count = 2, unknown = "?"}), {"? b b ?"})
  t.equal(sentences_of("a b b c c", {max_size = 1}), {"b b"})
  t.equal(sentences_of("a b b c c", {max_words = 2}), {"a b"})
end)

t.test("a given vocabulary is shared", function()
  local v = text.Vocab({"cat", "dog"}, {unknown = "<unk>"})
  local list, c = sentences_of("The dog, a Cat", {vocab = v})
  t.equal(list, {"<unk> dog <unk> cat"})
  t.equal(rawequal(c.vocab, v), true)
end)

t.test("several files are read in order", function()
  local paths = {file_of "a b", file_of "c"}
  local c = text.Corpus(paths)
  t.equal(c.vocab:words(c.ids), {"a", "b", "c"})
  t.equal(c:sentences(), 2)
  for _, path in ipairs(paths) do os.remove(path) end
end)

t.test("what a script writes to ids and starts does not reach the corpus", function()
  local _, c = sentences_of "a b a b c\nb a b a c\n"
  local function pairs_of()
    local all = {}
    for centre, targets in text.SkipGram(c, {batch_size = 64, negative = 0, sample = 0, seed = 1}):iter() do
      all[#all + 1] = {centre:tolist(), targets:tolist()}
    end
    return all
  end
  local before = pairs_of()
  t.equal(#before > 0, true)
  c.ids:add_(1 << 20)
  c.starts:fill_(1 << 40)
  t.equal(pairs_of(), before)
  t.equal({#c, c:sentences()}, {10, 2})
  local _, other = sentences_of "a b a b c\nb a b a c\n"
  t.equal(other.ids.dtype, "int32")
  t.equal(other.starts, {0, 5, 10})
end)

t.test("nothing to read is an empty corpus", function()
  local _, c = sentences_of ""
  t.equal({#c, c:sentences(), #c.vocab}, {0, 0, 0})
  t.equal(#text.Corpus {}, 0)
end)

t.test("what does not fit is refused", function()
  local _, c = sentences_of "a"
  t.raises(function() c:sentence(1) end, "test_corpus.lua", "sentence 1 is out of range for 1 sentences")
  t.raises(function() c:sentence "x" end, "expected the position of a sentence")
  t.raises(function() text.Corpus(3) end, "Corpus: argument paths: expected a path or a list of paths, got 3")
  t.raises(function() text.Corpus {"a", 3} end, "path 2: expected a string, got 3")
  t.raises(function() text.Corpus "/no/such/file" end, "test_corpus.lua", "/no/such/file: No such file")
  t.raises(function() text.Corpus "/usr" end, "/usr: Is a directory")
  t.raises(function() text.Corpus("x", {split = "letters"}) end, "option split: expected one of words, blanks")
  t.raises(function() text.Corpus("x", {mincount = 5}) end, "did you mean 'min_count'?")
  t.raises(function() text.Corpus("x", {vocab = {}}) end, "option vocab: expected a Vocab, got a table")
end)

t.test("a file that gzip has packed is unpacked on the way, whatever its name", function()
  local path = file_of(("some words of it "):rep(20000))
  os.execute(("gzip -n '%s' && mv '%s.gz' '%s'"):format(path, path, path))
  local c = text.Corpus(path)
  t.equal({#c, c.bytes, #c.vocab}, {80000, 340000, 4})
  local file = assert(io.open(path, "r+b"))
  file:seek("set", 100)
  file:write "damage"
  file:close()
  t.raises(function() text.Corpus(path) end, path .. ": byte ", " of the packed file: ")
  os.remove(path)
end)

t.test("a packed file is refused, not read as words", function()
  local packed = {bzip2 = "BZh91AY&SY", xz = "\xfd7zXZ\0", zstd = "\x28\xb5\x2f\xfd",
                  zip = "PK\3\4"}
  for name, bytes in pairs(packed) do
    local path = file_of(bytes .. ("some words of it "):rep(20))
    local message = path .. ": is " .. name .. "-compressed; unpack it first ("
    t.raises(function() text.Corpus(path) end, message, path .. ")")
    t.raises(function() text.Vocab.load(path) end, message)
    t.raises(function() embla.io.word2vec.load(path) end, message)
    t.raises(function() embla.io.word2vec.load(path, {binary = true}) end, message)
    os.remove(path)
  end
end)

t.test("joiners are part of a word, a zero width space parts words", function()
  local persian = "\u{645}\u{6CC}\u{200C}\u{631}\u{648}\u{645}"             -- mi-ravam, I go
  local list, c = sentences_of(persian .. "\u{200B}x\u{AD}y \u{FEFF}z\u{FE0F} \u{2764}\u{FE0F}")
  t.equal(list, {persian .. " xy z\u{FE0F}"})
  t.equal(c.vocab:contains(persian), true)
end)

t.finish()

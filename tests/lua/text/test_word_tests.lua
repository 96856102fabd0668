-- Ratings of pairs and analogies. Numbers are gensim 4.2's of the same files, unless they are worked by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local KeyedVectors = embla.text.KeyedVectors

local kv = KeyedVectors.load "tests/data/vectors/gensim.txt"

local function with_file(content, f)
  local path = os.tmpname()
  local file <close> = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
  local ok, why = pcall(f, path)
  os.remove(path)
  if not ok then error(why, 0) end
end

-- ---- pairs -------------------------------------------------------------------------------------------------------

local PAIRS = "# ratings\nKing\tqueen\t9\nking\tman\t4.5\nqueen\twoman\t6\n"
              .. "apple\tthe\t1\napple\tpear\t3\nman\twoman\t7\n"

t.test("cosines beside ratings", function()
  with_file(PAIRS, function(path)
    local r = kv:evaluate_word_pairs(path)
    t.equal({r.n, r.unknown}, {5, 1})
    t.close({r.pearson, r.spearman, r.unknown_share}, {0.8202812919198069, 1, 1 / 6}, 0, 1e-6)
    r = kv:evaluate_word_pairs(path, {dummy4unknown = true})
    t.equal({r.n, r.unknown}, {6, 1})
    t.close({r.pearson, r.spearman}, {0.7463782881651837, 0.8285714285714287}, 0, 1e-6)
    t.equal(kv:evaluate_word_pairs(path, {case_insensitive = false}).unknown, 2)
    t.equal(kv:evaluate_word_pairs(path, {restrict = 4}).n, 2)          -- the king queen man
  end)
end)

t.test("rows of a script; too few have no correlation", function()
  t.close(kv:evaluate_word_pairs({{"king", "queen", 2}, {"king", "man", 1}}).spearman, 1, 0, 1e-12)
  local r = kv:evaluate_word_pairs({{"king", "queen", 2}})
  t.equal({r.n, r.spearman ~= r.spearman, r.pearson ~= r.pearson}, {1, true, true})
  r = kv:evaluate_word_pairs({})
  t.equal({r.n, r.unknown, r.unknown_share}, {0, 0, 0})
end)

t.test("pairs that are none name path and line", function()
  with_file("king\tqueen\t9\nking\tman\n", function(path)
    t.raises(function() kv:evaluate_word_pairs(path) end, path .. ": line 2: expected two words and a number")
  end)
  with_file("king,queen,9\n", function(path)
    t.equal(kv:evaluate_word_pairs(path, {delimiter = ","}).n, 1)
  end)
  t.raises(function() kv:evaluate_word_pairs "/no/such/file" end, "/no/such/file")
  t.raises(function() kv:evaluate_word_pairs {{"king", 3}} end, "expected rows {word, word, rating}")
  t.raises(function() kv:evaluate_word_pairs(7) end, "expected a path or a list of rows, got 7")
end)

-- ---- analogies ---------------------------------------------------------------------------------------------------

local QUESTIONS = [[
: royal
man king woman queen
king man queen woman
man king woman prince
men king woman queen
: fruit
the apple king queen
man queen king woman
]]

t.test("analogies by section", function()
  with_file(QUESTIONS, function(path)
    local r = kv:evaluate_word_analogies(path)
    t.equal({r.accuracy, r.right, r.n, r.unknown}, {0.5, 2, 4, 2})
    t.equal({r.sections[1].name, r.sections[1].right, r.sections[1].n, r.sections[1].unknown}, {"royal", 1, 2, 2})
    t.equal({r.sections[2].name, r.sections[2].right, r.sections[2].n, r.sections[2].unknown}, {"fruit", 1, 2, 0})
    r = kv:evaluate_word_analogies(path, {dummy4unknown = true, restrict_vocab = 5})
    t.close(r.accuracy, 1 / 3, 1e-12)
    t.equal({r.sections[1].right, r.sections[1].n, r.sections[2].right, r.sections[2].n}, {2, 4, 0, 2})
  end)
end)

t.test("sections of a script, and capitals", function()
  local r = kv:evaluate_word_analogies({{name = "royal", {"Man", "KING", "woman", "Queen"}}})
  t.equal({r.right, r.n}, {1, 1})
  r = kv:evaluate_word_analogies({{name = "royal", {"Man", "KING", "woman", "Queen"}}}, {case_insensitive = false})
  t.equal({r.n, r.unknown, r.accuracy ~= r.accuracy}, {0, 1, true})
end)

t.test("questions that are none name path and line", function()
  with_file("man king woman queen\n", function(path)
    t.raises(function() kv:evaluate_word_analogies(path) end, path .. ": line 1: expected ': name of a section'")
  end)
  with_file(": a\nman king woman\n", function(path)
    t.raises(function() kv:evaluate_word_analogies(path) end, path .. ": line 2: expected four words")
  end)
  t.raises(function() kv:evaluate_word_analogies {{name = "a", {"b"}}} end, "expected questions {a, b, c, d}")
  t.raises(function() kv:evaluate_word_analogies {{{"b"}}} end, "expected sections")
end)

t.finish()

-- Tests of word vectors that KeyedVectors takes: ratings of pairs and analogies, as gensim's KeyedVectors counts them.

local core = require "embla.core"
local lines = require "embla.io.lines"
local metrics = require "embla.metrics"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local search = require "embla.search"

local function spec_of(name, first)
  local rows = {
    {name = "restrict", type = "integer", default = 300000, range = ">= 0", also = "restrict_vocab",
     doc = "use only the first so many words"},
    {name = "case_insensitive", type = "boolean", default = true,
     doc = "letters of ASCII are the same in capitals; of words that then are one, the first stands"},
    {name = "dummy4unknown", type = "boolean", default = false,
     doc = "what has unknown words counts as wrong, or as of similarity 0, instead of not at all"},
  }
  return options.spec(name, table.move(rows, 1, #rows, #first + 1, first))
end

local pairs_spec = spec_of("evaluate_word_pairs", {
  {name = "delimiter", type = "string", default = "\t", doc = "between the words and the rating in a line of a file"},
})
local analogies_spec = spec_of("evaluate_word_analogies", {})

local BLOCK = 1024                                      -- questions asked at once

-- Rows {a, b, rating} of a file: lines that begin with # are passed over.
local function read_pairs(caller, path, delimiter)
  local rows, number = {}, 0
  for line in lines(path) do
    number = number + 1
    if line:sub(1, 1) ~= "#" and line:find "%S" then
      local cells, from = {}, 1
      repeat
        local at, last = line:find(delimiter, from, true)
        cells[#cells + 1] = line:sub(from, (at or #line + 1) - 1):match "^%s*(.-)%s*$"
        from = last and last + 1
      until not from
      local rating = tonumber(cells[3])
      if not rating then
        raise("%s: %s: line %d: expected two words and a number, parted by %q, got %s", caller, path, number, delimiter,
              options.show(line))
      end
      rows[#rows + 1] = {cells[1], cells[2], rating}
    end
  end
  return rows
end

-- Sections {name =, {a, b, c, d}, …} of a file in word2vec's form: ": name", then a question a line.
local function read_sections(caller, path)
  local sections, number = {}, 0
  for line in lines(path) do
    number = number + 1
    local name = line:match "^:%s*(.-)%s*$"
    if name then
      sections[#sections + 1] = {name = name}
    elseif line:find "%S" then
      local words = {}
      for word in line:gmatch "%S+" do words[#words + 1] = word end
      if #words ~= 4 or #sections == 0 then
        raise("%s: %s: line %d: expected %s, got %s", caller, path, number,
              #sections == 0 and "': name of a section'" or "four words", options.show(line))
      end
      table.insert(sections[#sections], words)
    end
  end
  return sections
end

local function check_row(caller, row, what, is_good)
  if type(row) ~= "table" or not is_good(row) then raise("%s: expected %s, got %s", caller, what, options.show(row)) end
end

local function is_pair(row)
  return type(row[1]) == "string" and type(row[2]) == "string" and type(row[3]) == "number"
end

local function is_question(row)
  for i = 1, 4 do
    if type(row[i]) ~= "string" then return false end
  end
  return #row == 4
end

-- Whether some number differs from the first: without that there is no correlation.
local function varies(list)
  for i = 2, #list do
    if list[i] ~= list[1] then return true end
  end
  return false
end

return function(KeyedVectors, unit_rows)
  -- word -> id among the first words, and how a word is written there.
  local function dictionary(self, o)
    local fold = o.case_insensitive and string.lower or function(word) return word end
    local ids = {}
    for id = math.min(o.restrict, #self) - 1, 0, -1 do ids[fold(self.vocab:word(id))] = id end
    return ids, fold
  end

  --- How well cosines of pairs of words go with ratings of their likeness.
  -- @param rows path of a file of lines "word, word, rating", or list of {word, word, rating}
  -- @param opt  the options
  -- @return {spearman =, pearson = (NaN of fewer than 2 pairs or all the same), n = pairs used, unknown = pairs with a
  --   word that it lacks, unknown_share = unknown / all}
  -- @raise if the file cannot be read, naming path and line
  function KeyedVectors:evaluate_word_pairs(rows, opt)
    local caller, o = "KeyedVectors.evaluate_word_pairs", pairs_spec.read(opt)
    if type(rows) == "string" then rows = read_pairs(caller, rows, o.delimiter) end
    if type(rows) ~= "table" then
      raise("%s: argument rows: expected a path or a list of rows, got %s", caller, options.show(rows))
    end
    local ids, fold = dictionary(self, o)
    local ours, theirs, unknown = {}, {}, 0
    for _, row in ipairs(rows) do
      check_row(caller, row, "rows {word, word, rating}", is_pair)
      local a, b = ids[fold(row[1])], ids[fold(row[2])]
      local known = a and b
      if not known then unknown = unknown + 1 end
      if known or o.dummy4unknown then
        ours[#ours + 1] = known and self:similarity(self.vocab:word(a), self.vocab:word(b)) or 0
        theirs[#theirs + 1] = row[3]
      end
    end
    local result = {n = #ours, unknown = unknown, unknown_share = #rows > 0 and unknown / #rows or 0}
    local told = varies(ours) and varies(theirs)
    result.spearman = told and metrics.spearman(ours, theirs) or 0 / 0
    result.pearson = told and metrics.pearson(ours, theirs) or 0 / 0
    return result
  end

  -- The nearest words of b - a + c for questions of ids {a, b, c}, but for these three: lists of five ids.
  local function ask(self, questions, o)
    local columns = {{}, {}, {}}
    for i, q in ipairs(questions) do
      for k = 1, 3 do columns[k][i] = q[k] end
    end
    local rows = {}
    for k = 1, 3 do
      rows[k] = unit_rows(self.matrix:index_select(0, core.tensor(columns[k], "int64")))
    end
    local exclude = {}
    for i, q in ipairs(questions) do exclude[i] = {q[1], q[2], q[3]} end
    local _, ids = search.topk(rows[2] - rows[1] + rows[3], self.matrix, 5,
                               {metric = "cosine", norms = self:lengths(), exclude = exclude,
                                restrict = math.min(o.restrict, #self)})
    return ids:tolist()
  end

  -- The first of some words that differs from those of the question in more than capitals.
  local function predicted(self, fold, ids, words)
    local given = {[fold(words[1])] = true, [fold(words[2])] = true, [fold(words[3])] = true}
    for _, id in ipairs(ids) do
      local word = id >= 0 and fold(self.vocab:word(id))
      if word and not given[word] then return word end
    end
  end

  -- Counts the answers to a section's questions whose words are known.
  local function count_right(self, o, fold, ids, known)
    local right = 0
    for lo = 1, #known, BLOCK do
      local block = table.move(known, lo, math.min(lo + BLOCK - 1, #known), 1, {})
      local questions = {}
      for i, words in ipairs(block) do
        questions[i] = {ids[fold(words[1])], ids[fold(words[2])], ids[fold(words[3])]}
      end
      for i, best in ipairs(ask(self, questions, o)) do
        if predicted(self, fold, best, block[i]) == fold(block[i][4]) then right = right + 1 end
      end
    end
    return right
  end

  --- The share of analogies solved: "a is to b as c is to d" is, if d is the word with the greatest cosine with b - a +
  -- c, of unit vectors, but for a, b and c (3CosAdd).
  -- @param rows path of a file in the form of word2vec's questions-words.txt, or list of {name =, {a, b, c, d}, …}
  -- @param opt  the options
  -- @return {accuracy = (NaN of no question), right =, n =, unknown = questions with a word that it lacks, sections =
  --   list of {name =, accuracy =, right =, n =, unknown =}}
  -- @raise if the file cannot be read, naming path and line
  function KeyedVectors:evaluate_word_analogies(rows, opt)
    local caller, o = "KeyedVectors.evaluate_word_analogies", analogies_spec.read(opt)
    if type(rows) == "string" then rows = read_sections(caller, rows) end
    if type(rows) ~= "table" then
      raise("%s: argument rows: expected a path or a list of sections, got %s", caller, options.show(rows))
    end
    local ids, fold = dictionary(self, o)
    local total = {right = 0, n = 0, unknown = 0, sections = {}}
    for i, section in ipairs(rows) do
      check_row(caller, section, "sections {name =, {a, b, c, d}, …}",
                function(s) return type(s.name) == "string" end)
      local known, unknown = {}, 0
      for _, words in ipairs(section) do
        check_row(caller, words, "questions {a, b, c, d}", is_question)
        local has = ids[fold(words[1])] and ids[fold(words[2])] and ids[fold(words[3])] and ids[fold(words[4])]
        if has then known[#known + 1] = words else unknown = unknown + 1 end
      end
      local right = modes.no_grad(function() return count_right(self, o, fold, ids, known) end)
      local n = #known + (o.dummy4unknown and unknown or 0)
      total.sections[i] = {name = section.name, right = right, n = n, unknown = unknown, accuracy = right / n}
      total.right, total.n, total.unknown = total.right + right, total.n + n, total.unknown + unknown
    end
    total.accuracy = total.right / total.n
    return total
  end
end

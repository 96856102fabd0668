-- What KeyedVectors answers of likeness: the names, the order and the scores of gensim's KeyedVectors.

local core = require "embla.core"
local dtypes = require "embla.arguments.dtypes"
local modes = require "embla.autograd.modes"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local search = require "embla.search"

local ONE = core.handle(core.tensor({1}, "float64"))

local function is_half(dtype) return dtypes.BYTES[dtype] == 2 end

-- ---- records ---------------------------------------------------------------------------------------------------

-- A list of {word =, score =, id =}; it prints as a table of words and scores.
local Answers = {}

function Answers.__tostring(list)
  if #list == 0 then return "(no words)" end
  local width, lines = 0, {}
  for _, record in ipairs(list) do width = math.max(width, utf8.len(record.word) or #record.word) end
  for i, record in ipairs(list) do
    local blanks = width - (utf8.len(record.word) or #record.word)
    lines[i] = ("%s%s  %7.4f"):format(record.word, (" "):rep(blanks), record.score)
  end
  return table.concat(lines, "\n")
end

-- ---- options ---------------------------------------------------------------------------------------------------

local function answer_rows(first)
  local rows = {
    {name = "topn", type = "integer", default = 10, range = ">= 0", doc = "how many"},
    {name = "restrict", type = "integer|table", also = "restrict_vocab",
     check = function(value) return type(value) ~= "number" or value >= 0 end, range = "(not negative)",
     doc = "look only at the first so many words, or at those of a list"},
    {name = "filter", type = "function", doc = "function(word, id) that says whether a word may be an answer"},
  }
  return table.move(rows, 1, #rows, #first + 1, first)
end

local function terms_spec(name)
  return options.spec(name, answer_rows {
    {name = "positive", type = "any", doc = "words or vectors to be like: one, or a list; {word, weight} counts more"},
    {name = "negative", type = "any", doc = "words or vectors to be unlike: one, or a list"},
  })
end

local similar_spec, cosmul_spec = terms_spec "most_similar", terms_spec "most_similar_cosmul"
local vector_spec = options.spec("similar_by_vector", answer_rows {})
local relative_spec = options.spec("relative_cosine_similarity", {
  {name = "topn", type = "integer", default = 10, range = ">= 1", doc = "nearest words that share the whole"},
})

-- A query and its options: given apart, or as one table with positive and negative.
local function read_query(spec, query, opt)
  if type(query) ~= "table" or query.positive == nil and query.negative == nil then
    local o = spec.read(opt)
    if query ~= nil then o.positive = query end
    return o
  end
  local both = {}
  for name, value in pairs(opt or {}) do both[name] = value end
  for name, value in pairs(query) do both[name] = value end
  return spec.read(both)
end

return function(KeyedVectors, inside)
  local look_up, find, check_word, raise_unknown = inside.look_up, inside.find, inside.check_word, inside.raise_unknown
  local unit_rows = inside.unit_rows

  -- ---- vectors -------------------------------------------------------------------------------------------------

  -- Rows (n, D) of words, float32 at least.
  local function rows_of(self, caller, words)
    local rows = look_up(self, caller, words)
    return is_half(rows.dtype) and rows:float() or rows
  end

  local kept = setmetatable({}, {__mode = "k"})         -- of KeyedVectors: {lengths, matrix, version}

  --- The lengths of the vectors, kept until `matrix` changes.
  -- @return Tensor (V); nil for halves, whose lengths would need more digits
  function KeyedVectors:lengths()
    if is_half(self.matrix.dtype) then return nil end
    local known, version = kept[self], core.version(self.matrix)
    if not known or known.matrix ~= self.matrix or known.version ~= version then
      known = {lengths = core.handle(modes.no_grad(self.matrix.norm, self.matrix, 2, 1)), matrix = self.matrix,
               version = version}
      kept[self] = known
    end
    return known.lengths
  end

  --- The vectors divided by their lengths, zeros where the length is 0.
  -- @return Tensor (V, D)
  function KeyedVectors:normalized() return modes.no_grad(unit_rows, self.matrix) end

  -- A vector (D) from a word, whose unit vector it is, or from a vector, which stays as it is; and a weight. Notes ids
  -- of words.
  local function read_term(self, caller, term, seen)
    local weight = 1
    if type(term) == "table" then
      term, weight = term[1], term[2]
      if type(weight) ~= "number" then
        raise("%s: expected {word, weight}, got {%s, %s}", caller, options.show(term), options.show(weight))
      end
    end
    if type(term) == "string" then
      local id = find(self, term)
      if id then seen[id] = true end
      return unit_rows(rows_of(self, caller, {term}))[0], weight
    end
    if not core.is_tensor(term) or term:dim() ~= 1 or term:size(0) ~= self.dim then
      raise("%s: expected words or vectors of %d numbers, got %s", caller, self.dim, options.show(term))
    end
    return term:to(is_half(self.matrix.dtype) and "float32" or self.matrix.dtype), weight
  end

  -- {vector =, weight =} of each, those to be unlike with weights below 0.
  local function read_terms(self, caller, o)
    local terms, seen = {}, {}
    for sign, list in pairs {[1] = o.positive, [-1] = o.negative} do
      if type(list) ~= "table" then list = {list} end
      for _, term in ipairs(list) do
        local vector, weight = read_term(self, caller, term, seen)
        terms[#terms + 1] = {vector = vector, weight = sign * weight, sign = sign}
      end
    end
    if #terms == 0 then raise("%s: expected a word, a vector, or lists of them, got none", caller) end
    table.sort(terms, function(a, b) return a.sign > b.sign end)
    return terms, seen
  end

  -- ---- the nearest ---------------------------------------------------------------------------------------------

  local function ids_of(self, caller, words)
    local ids = {}
    for i, word in ipairs(words) do
      ids[i] = find(self, check_word(caller, word)) or raise_unknown(self, caller, word)
    end
    return ids
  end

  -- What search.topk takes: the ids of words to leave out, and where to look.
  local function places(self, caller, seen, o)
    local exclude, restrict = {}, o.restrict
    for id in pairs(seen) do exclude[#exclude + 1] = id end
    table.sort(exclude)
    if type(restrict) == "table" then restrict = ids_of(self, caller, restrict) end
    if type(restrict) == "number" then restrict = math.min(restrict, #self) end
    return #exclude > 0 and exclude or nil, restrict
  end

  -- The first topn that the filter takes of what ask(k) gives: lists of scores and ids, the best first.
  local function answers(self, o, ask)
    local list, k, verdicts = setmetatable({}, Answers), o.topn, {}
    if o.topn == 0 then return list end
    while true do
      local scores, ids = ask(math.min(k, #self))
      for i, id in ipairs(ids) do
        if id >= 0 and verdicts[id] == nil and #list < o.topn then
          local word = self.vocab:word(id)
          verdicts[id] = not o.filter or not not o.filter(word, id)
          if verdicts[id] then list[#list + 1] = {word = word, score = scores[i], id = id} end
        end
      end
      if #list == o.topn or not o.filter or k >= #self then return list end
      k = 4 * k
    end
  end

  local function nearest(self, caller, vector, seen, o)
    local exclude, restrict = places(self, caller, seen, o)
    return answers(self, o, function(k)
      local scores, ids = search.topk(vector, self.matrix, k, {metric = "cosine", norms = self:lengths(),
                                                               exclude = exclude, restrict = restrict})
      return scores:tolist(), ids:tolist()
    end)
  end

  --- The words whose vectors have the greatest cosine with a word's, with a vector, or with a mean: of the unit vectors
  -- of the words to be like, minus those of the words to be unlike. Words asked with are left out; of equal ones the
  -- lower id comes first. A vector of zeros has the cosine 0 with all, one with NaN is no answer.
  -- @param query word, Tensor (D), or {positive =, negative =} of words and vectors, {word, weight} among them
  -- @param opt   {topn = 10, restrict =, filter =}
  -- @return list of {word =, score =, id =}, the most similar first
  -- @raise for a word that it lacks
  function KeyedVectors:most_similar(query, opt)
    local o = read_query(similar_spec, query, opt)
    return modes.no_grad(function()
      local terms, seen = read_terms(self, "KeyedVectors.most_similar", o)
      local sum = terms[1].vector * terms[1].weight
      for i = 2, #terms do sum = sum + terms[i].vector * terms[i].weight end
      return nearest(self, "KeyedVectors.most_similar", sum, seen, o)
    end)
  end

  --- The words nearest to a word: most_similar of one.
  -- @param word string
  -- @param opt  {topn = 10, restrict =, filter =}
  -- @return list of {word =, score =, id =}
  -- @raise for a word that it lacks
  function KeyedVectors:similar_by_word(word, opt)
    return self:most_similar(check_word("KeyedVectors.similar_by_word", word), opt)
  end

  --- The words nearest to a vector by the cosine.
  -- @param vector Tensor (D)
  -- @param opt    {topn = 10, restrict =, filter =}
  -- @return list of {word =, score =, id =}
  -- @raise if the vector has another size
  function KeyedVectors:similar_by_vector(vector, opt)
    local o, caller = vector_spec.read(opt), "KeyedVectors.similar_by_vector"
    if type(vector) == "string" then raise("%s: argument vector: expected a tensor, got a word", caller) end
    return modes.no_grad(function() return nearest(self, caller, read_term(self, caller, vector, {}), {}, o) end)
  end

  -- Cosines (V, n) of all rows with vectors (n, D) as they are: products divided by the rows' lengths.
  local function products(self, vectors)
    local matrix = is_half(self.matrix.dtype) and self.matrix:float() or self.matrix
    local lengths = self:lengths() or matrix:norm(2, 1)
    return matrix:matmul(vectors:t()) / lengths:masked_fill(lengths:eq(0), 1):unsqueeze(1)
  end

  --- The words like all of some and unlike others by products of cosines, moved to 0 … 1 (3CosMul: Levy and Goldberg,
  -- "Linguistic regularities in sparse and explicit word representations", 2014): prod (1 + cos) / 2 over the words to
  -- be like, divided by 1e-6 more than that of the words to be unlike.
  -- @param query word, Tensor (D), or {positive =, negative =} of words and vectors
  -- @param opt   {topn = 10, restrict =, filter =}
  -- @return list of {word =, score =, id =}, the most similar first
  -- @raise for a word that it lacks
  function KeyedVectors:most_similar_cosmul(query, opt)
    local o, caller = read_query(cosmul_spec, query, opt), "KeyedVectors.most_similar_cosmul"
    return modes.no_grad(function()
      local terms, seen = read_terms(self, caller, o)
      local vectors = {}
      for i, term in ipairs(terms) do
        if term.weight ~= term.sign then raise("%s: words have no weights here", caller) end
        vectors[i] = term.vector
      end
      local shifted = (products(self, core.ops.stack(vectors, 0)) + 1) / 2
      local likes, unlikes = 1, 1
      for i, term in ipairs(terms) do
        if term.sign > 0 then likes = shifted:select(1, i - 1) * likes else
          unlikes = shifted:select(1, i - 1) * unlikes
        end
      end
      local scores = (likes / (unlikes + 1e-6)):reshape({-1, 1})
      local exclude, restrict = places(self, caller, seen, o)
      return answers(self, o, function(k)               -- the table's rows are the scores themselves
        local best, ids = search.topk(ONE:to(scores.dtype), scores, k, {exclude = exclude, restrict = restrict})
        return best:tolist(), ids:tolist()
      end)
    end)
  end

  -- ---- numbers -------------------------------------------------------------------------------------------------

  --- Cosine of the angle between the vectors of two words; 0 for a vector of zeros.
  -- @param a string
  -- @param b string
  -- @return number
  -- @raise for a word that it lacks
  function KeyedVectors:similarity(a, b)
    local caller = "KeyedVectors.similarity"
    check_word(caller, a)
    check_word(caller, b)
    return modes.no_grad(function()
      local pair = unit_rows(rows_of(self, caller, {a, b}))
      return (pair[0] * pair[1]):sum():item()
    end)
  end

  --- 1 - similarity.
  -- @param a string
  -- @param b string
  -- @return number, 0 … 2
  -- @raise for a word that it lacks
  function KeyedVectors:distance(a, b) return 1 - self:similarity(a, b) end

  --- 1 - cosine of a word or vector with others.
  -- @param query word, or Tensor (D)
  -- @param words list of n words; all, if left out
  -- @return Tensor (n) or (V)
  -- @raise for a word that it lacks
  function KeyedVectors:distances(query, words)
    local caller = "KeyedVectors.distances"
    return modes.no_grad(function()
      local unit = unit_rows(read_term(self, caller, query, {}):unsqueeze(0))
      if words == nil then return 1 - products(self, unit):select(1, 0) end
      if type(words) ~= "table" then
        raise("%s: argument words: expected a list of words, got %s", caller, options.show(words))
      end
      return 1 - unit_rows(rows_of(self, caller, words)):mv(unit[0])
    end)
  end

  --- Cosine of the means of two sets of words.
  -- @param a list of words
  -- @param b list of words
  -- @return number
  -- @raise for a word that it lacks, or a list of none
  function KeyedVectors:n_similarity(a, b)
    local caller = "KeyedVectors.n_similarity"
    return modes.no_grad(function()
      local means = {}
      for i, words in ipairs {a, b} do
        if type(words) ~= "table" or #words == 0 then
          raise("%s: expected two lists of words, got %s", caller, type(words) == "table" and "an empty one"
                or options.show(words))
        end
        means[i] = rows_of(self, caller, words):mean(0)
      end
      if #means < 2 then raise("%s: expected two lists of words, got %d", caller, #means) end
      local pair = unit_rows(core.ops.stack(means, 0))
      return (pair[0] * pair[1]):sum():item()
    end)
  end

  --- The word that goes least with the others: its unit vector has the least product with the mean of all of theirs.
  -- @param words list of words
  -- @return word
  -- @raise for a word that it lacks, or a list of none
  function KeyedVectors:doesnt_match(words)
    local caller = "KeyedVectors.doesnt_match"
    if type(words) ~= "table" or #words == 0 then
      raise("%s: argument words: expected a list of words, got %s", caller, type(words) == "table" and "an empty one"
            or options.show(words))
    end
    return modes.no_grad(function()
      local unit = unit_rows(rows_of(self, caller, words))
      return words[unit:mv(unit:mean(0)):argmin():item() + 1]
    end)
  end

  --- The words that are nearer to one than another is.
  -- @param a word
  -- @param b word
  -- @return list of words in the order of ids
  -- @raise for a word that it lacks
  function KeyedVectors:closer_than(a, b)
    local caller = "KeyedVectors.closer_than"
    local ids = ids_of(self, caller, {a, b})
    local distances = self:distances(a)
    local list = {}
    for _, id in ipairs(distances:lt(distances[ids[2]]):nonzero():reshape({-1}):tolist()) do
      if id ~= ids[1] then list[#list + 1] = self.vocab:word(id) end
    end
    return list
  end

  --- How many words are nearer to one than another is, and 1 more.
  -- @param a word
  -- @param b word
  -- @return integer >= 1
  -- @raise for a word that it lacks
  function KeyedVectors:rank(a, b) return #self:closer_than(a, b) + 1 end

  --- The cosine of two words, divided by the sum of those of the first one's nearest (Leeuwenberg and others, "A
  -- minimally supervised approach for synonym extraction with word embeddings", 2016): above 1 / topn for synonyms.
  -- @param a   word
  -- @param b   word
  -- @param opt {topn = 10}
  -- @return number
  -- @raise for a word that it lacks
  function KeyedVectors:relative_cosine_similarity(a, b, opt)
    local sum = 0
    for _, record in ipairs(self:similar_by_word(a, relative_spec.read(opt))) do sum = sum + record.score end
    return self:similarity(a, b) / sum
  end
end

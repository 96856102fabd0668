-- kg.load: triples out of tab-separated files.

local Vocab = require "embla.text.vocab"
local class = require "embla.base.class"
local core = require "embla.core"
local files = require("embla.io").files
local lines = require "embla.io.lines"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local SPLITS = {"train", "valid", "test"}

local spec = options.spec("kg.load", {
  {name = "train", type = "string|table", doc = "a path, or a list of triples of names {head, relation, tail}"},
  {name = "valid", type = "string|table", doc = "the same"},
  {name = "test", type = "string|table", doc = "the same"},
})

--- A graph of facts. Fields: `entities` and `relations`, each a Vocab; `train`, `valid` and `test`, Tensors (N, 3)
-- int64 of head, relation and tail; `unseen`, what `valid` and `test` have that `train` lacks.
local Graph = class "Graph"

function Graph.__tostring(self)
  return ("Graph(%d entities, %d relations, %d + %d + %d triples)"):format(#self.entities, #self.relations,
    #self.train, #self.valid, #self.test)
end

-- ---- names -----------------------------------------------------------------------------------------------------

local function read_file(path)
  local triples, number = {}, 0
  for line in lines(path) do
    number = number + 1
    local h, r, t = line:match "^([^\t]+)\t([^\t]+)\t([^\t]+)$"
    if h then
      triples[#triples + 1] = {h, r, t}
    elseif line ~= "" then
      raise("kg.load: %s:%d: expected head, relation and tail with tabs between, got %s", path, number,
            options.show(line))
    end
  end
  return triples
end

local function check_list(split, list)
  if type(list) ~= "table" then
    raise("kg.load: %s: expected a path or a list of triples, got %s", split, options.show(list))
  end
  for i, triple in ipairs(list) do
    for k = 1, 3 do
      if type(triple) ~= "table" or #triple ~= 3 or type(triple[k]) ~= "string" then
        raise("kg.load: %s: triple %d: expected three names {head, relation, tail}", split, i)
      end
    end
  end
  return list
end

-- The path of each split that a folder has.
local function files_of(folder)
  local found = {}
  for _, path in ipairs(files(folder)) do
    local split = path:match "([^/]+)%.txt$" or path:match "([^/]+)%.txt%.gz$" or path:match "([^/]+)%.tsv$"
    for _, name in ipairs(SPLITS) do
      if split == name then found[split] = path end
    end
  end
  if not found.train then raise("kg.load: %s: no train.txt, train.txt.gz or train.tsv in it", folder) end
  return found
end

local function names_of(folder, o)
  if folder ~= nil and type(folder) ~= "string" then
    raise("kg.load: argument folder: expected a path, got %s", options.show(folder))
  end
  local source = folder and files_of(folder) or o
  local names = {}
  for _, split in ipairs(SPLITS) do
    local given = source[split] or {}
    names[split] = type(given) == "string" and read_file(given) or check_list(split, given)
  end
  return names
end

-- ---- ids -------------------------------------------------------------------------------------------------------

-- The words in some columns of all triples, the most frequent first.
local function vocab_of(names, columns)
  local i = 0
  local all = {}
  for _, split in ipairs(SPLITS) do
    for _, triple in ipairs(names[split]) do
      for _, column in ipairs(columns) do all[#all + 1] = triple[column] end
    end
  end
  return Vocab(function()
    i = i + 1
    return all[i]
  end)
end

local function ids_of(list, dataset)
  local flat = {}
  for i, triple in ipairs(list) do
    flat[3 * i - 2] = dataset.entities:id(triple[1])
    flat[3 * i - 1] = dataset.relations:id(triple[2])
    flat[3 * i] = dataset.entities:id(triple[3])
  end
  if #flat == 0 then return core.zeros({0, 3}, "int64") end
  return core.tensor(flat, "int64"):view(-1, 3)
end

-- Entities and relations that train lacks, and the triples with any of them.
local function count_unseen(list, seen)
  local entities, relations = {}, {}
  local n = {entities = 0, relations = 0, triples = 0}
  local function note(set, known, name, kind)
    if known[name] then return false end
    if not set[name] then n[kind] = n[kind] + 1 end
    set[name] = true
    return true
  end
  for _, triple in ipairs(list) do
    local h = note(entities, seen.entities, triple[1], "entities")
    local r = note(relations, seen.relations, triple[2], "relations")
    local t = note(entities, seen.entities, triple[3], "entities")
    if h or r or t then n.triples = n.triples + 1 end
  end
  return n
end

--- Reads a graph. Files are of lines "head<tab>relation<tab>tail"; what gzip has packed is unpacked.
-- Entities and relations that only valid or test has are kept in the vocabularies, ranked like others and counted
-- in `unseen`: a model has never trained their vectors. A split that is left out has no triples.
-- @param folder that has train.txt, valid.txt, test.txt (or .txt.gz, .tsv); left out: the splits are options
-- @param opt    {train =, valid =, test =}, each a path or a list of triples of names {head, relation, tail}
-- @return Graph {entities = Vocab, relations = Vocab, train =, valid =, test = Tensor (N, 3) int64,
--   unseen = {valid = {entities =, relations =, triples =}, test = …}}
-- @raise if a file cannot be read or a line is malformed, naming path and line; for a graph without a triple
local function load(folder, opt)
  local names = names_of(folder, spec.read(opt))
  local dataset = Graph:allocate()
  dataset.entities, dataset.relations, dataset.unseen = vocab_of(names, {1, 3}), vocab_of(names, {2}), {}
  if #dataset.entities == 0 then raise "kg.load: no triples" end
  local seen = {entities = {}, relations = {}}
  for _, triple in ipairs(names.train) do
    seen.entities[triple[1]], seen.relations[triple[2]], seen.entities[triple[3]] = true, true, true
  end
  for _, split in ipairs(SPLITS) do
    dataset[split] = ids_of(names[split], dataset)
    if split ~= "train" then dataset.unseen[split] = count_unseen(names[split], seen) end
  end
  return dataset
end

return load

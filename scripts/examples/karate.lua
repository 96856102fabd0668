-- Zachary's karate club: who sides with whom, learned from random walks over who meets whom.
--
--     embla scripts/examples/karate.lua [--p 1] [--q 2] [--dim 16] [--epochs 5] [--seed 1]
--
-- The club split in two, around its teacher (member 1) and its officer (34). Walks over the 78 ties are sentences whose
-- words are members; skip-gram gives those that meet in the same walks vectors near each other. These are parted by
-- k-means that begins at the two leaders, and compared with the sides that were taken. q = 2 keeps walks near; with
-- q = 1 a member more is missed on some seeds.
-- Ties and sides: W. W. Zachary, "An Information Flow Model for Conflict and Fission in Small Groups", 1977.

local embla = require "embla"
local F = embla.F

local set = embla.args("Two sides of a karate club, from random walks.", {
  {name = "p", type = "number", default = 1, range = "> 0", doc = "large: walks seldom turn back"},
  {name = "q", type = "number", default = 2, range = "> 0", doc = "large: walks stay near"},
  {name = "walks", type = "integer", default = 50, range = ">= 1", doc = "walks from each member"},
  {name = "window", type = "integer", default = 5, range = ">= 1", doc = "members on each side in a walk"},
  {name = "dim", type = "integer", default = 16, range = ">= 1", doc = "numbers in a vector"},
  {name = "epochs", type = "integer", default = 5, range = ">= 1", doc = "times that all walks are gone through"},
  {name = "seed", type = "integer", default = 1, doc = "of walks and vectors"},
})

-- Member: those with higher numbers that it meets.
local TIES = {
  "2 3 4 5 6 7 8 9 11 12 13 14 18 20 22 32", "3 4 8 14 18 20 22 31", "4 8 9 10 14 28 29 33", "8 13 14", "7 11",
  "7 11 17", "17", "", "31 33 34", "34", "", "", "", "34", "33 34", "33 34", "", "", "33 34", "34", "33 34", "",
  "33 34", "26 28 30 33 34", "26 28 32", "32", "30 34", "34", "32 34", "33 34", "33 34", "33 34", "34",
}
local TEACHER, OFFICER = 1, 34
local with_teacher = {}
for member in ("1 2 3 4 5 6 7 8 9 11 12 13 14 17 18 20 22"):gmatch "%d+" do with_teacher[tonumber(member)] = true end

local edges = {}
for member, others in ipairs(TIES) do
  for other in others:gmatch "%d+" do edges[#edges + 1] = {member, math.tointeger(other)} end
end

local graph = embla.data.Graph(edges, {base = 1})
local walks = graph:random_walks {num = set.walks, length = 20, p = set.p, q = set.q, seed = set.seed}
local corpus = embla.text.Corpus.build(walks, {padding = -1})
local model = embla.text.Word2Vec(corpus, {dim = set.dim, window = set.window, negative = 5, sample = math.huge,
                                           lr = 0.05, epochs = set.epochs, seed = set.seed})
model:train()
print(("%d members, %d ties, %d walks"):format(#graph, graph.edges, walks:size(0)))

-- ---- the picture: from the officer's side, left, to the teacher's, right -----------------------------------------

local unit = F.normalize(model.vectors, {dim = 1})
local teacher, officer, lean = unit[TEACHER - 1], unit[OFFICER - 1], nil
for _ = 1, 10 do
  lean = unit:matmul(teacher) - unit:matmul(officer)
  local side = lean:gt(0):float()
  teacher = F.normalize(side:matmul(unit), {dim = 0})
  officer = F.normalize((1 - side):matmul(unit), {dim = 0})
end
local members = {}
for member = 1, #graph do members[member] = {id = member, lean = lean[member - 1]} end
table.sort(members, function(a, b) return a.lean < b.lean end)

local WIDTH = 30
local LINE = ("%%3d %%%ds|%%-%ds %%s%%s"):format(WIDTH, WIDTH)
local right = 0
for _, member in ipairs(members) do
  local found, real = member.lean > 0, with_teacher[member.id] or false
  if found == real then right = right + 1 end
  local bar = ("#"):rep(math.ceil(math.abs(member.lean) / 2 * WIDTH))
  print(LINE:format(member.id, found and "" or bar, found and bar or "",
                    real and "teacher" or "officer", found == real and "" or " (missed)"))
end
print(("%d of %d on the side they took"):format(right, #graph))

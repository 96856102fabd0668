-- Models of knowledge graphs. Each makes of an entity and a relation a query, and compares it with entities: by a dot
-- product, so that all entities are scored by one matrix product, or by a distance.

local F = require "embla.nn.functional"
local Module = require "embla.nn.module"
local Embedding = require "embla.nn.embedding.embedding"
local core = require "embla.core"
local init = require "embla.nn.initializers"
local known = require "embla.kg.known"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local tensor = require "embla.tensor"

local ROWS = {
  {name = "reciprocal", type = "boolean", default = false,
   doc = "heads are asked for as tails of the inverse relation, which has a vector of its own (Lacroix et al. 2018)"},
  {name = "dropout", type = "number", default = 0, range = "[0, 1]", doc = "of the entity's vector in a query"},
  {name = "relation_dropout", type = "number", default = 0, range = "[0, 1]", doc = "of the relation's vector"},
  {name = "std", type = "number", default = 0.1, range = ">= 0", doc = "vectors are drawn from N(0, std)"},
}
local WITH_P = {name = "p", type = "number", default = 1, check = function(p) return p == 1 or p == 2 end,
                range = "1 or 2", doc = "which norm"}

--- What the models share.
local Model = Module:extend "Model"

--- Makes the tables.
-- @param entities  their number, or a dataset of kg.load
-- @param relations their number; left out after a dataset
-- @param dim       numbers in an entity's vector
-- @param opt       {reciprocal = false, dropout = 0, relation_dropout = 0, std = 0.1}; TransE also p = 1
-- @raise if the sizes or options do not fit
function Model:init(entities, relations, dim, opt)
  if type(entities) == "table" then
    known.check_dataset(self.__name, entities)
    -- options in dim's place have come by name, as opt
    entities, relations, dim, opt = #entities.entities, #entities.relations, relations, opt or dim
  end
  for name, n in pairs {entities = entities, relations = relations, dim = dim or false} do
    if not options.is_integer(n) or n < 1 then
      raise("%s: argument %s: expected an integer >= 1, got %s", self.__name, name, options.show(n))
    end
  end
  if self.halves and dim % 2 == 1 then raise("%s: argument dim: expected an even number, got %d", self.__name, dim) end
  local o = self.spec.read(opt)
  self.num_entities, self.num_relations, self.dim, self.p = entities, relations, dim, o.p
  self.reciprocal, self.dropout, self.relation_dropout = o.reciprocal, o.dropout, o.relation_dropout
  self.entity = Embedding(entities, dim, {std = o.std})
  self.relation = Embedding(o.reciprocal and 2 * relations or relations, self.relation_width(dim), {std = o.std})
  if self.start then self:start() end
end

function Model.relation_width(dim) return dim end

-- Scores of queries (B, D) against all entities (B, V), or those of ids (B, K) or (K).
function Model:compare(query, ids)
  if ids then return F.embedding_dot(query, ids, self.entity.weight) end
  return F.linear(query, self.entity.weight)
end

local function query(self, make, entities, relations)
  local e = F.dropout(self.entity(entities), self.dropout, self.training)
  return make(self, e, F.dropout(self.relation(relations), self.relation_dropout, self.training))
end

--- Scores of tails.
-- @param h   Tensor (B) of ids
-- @param r   Tensor (B) of ids
-- @param ids tails (B, K), or (K) for all; left out: every entity
-- @return Tensor (B, V) or (B, K)
-- @raise for ids out of range
function Model:score_tails(h, r, ids) return self:compare(query(self, self.tail_query, h, r), ids) end

--- Scores of heads.
-- @param r   Tensor (B) of ids
-- @param t   Tensor (B) of ids
-- @param ids heads (B, K), or (K) for all; left out: every entity
-- @return Tensor (B, V) or (B, K)
-- @raise for ids out of range
function Model:score_heads(r, t, ids)
  if self.reciprocal then return self:score_tails(t, r + self.num_relations, ids) end
  return self:compare(query(self, self.head_query, t, r), ids)
end

--- Scores of triples; with reciprocal relations those of their tails.
-- @param h Tensor (B) of ids
-- @param r Tensor (B) of ids
-- @param t Tensor (B) of ids
-- @return Tensor (B)
-- @raise for ids out of range
function Model:score(h, r, t) return self:score_tails(h, r, t:unsqueeze(1)):squeeze(1) end

local function model(name, extra)
  local cls = Model:extend(name)
  local rows = {table.unpack(ROWS)}
  rows[#rows + 1] = extra
  cls.spec = options.spec(name, rows)
  return cls
end

-- ---- by dot product --------------------------------------------------------------------------------------------

--- sum_i h_i r_i t_i. Source: Yang et al. 2015.
local DistMult = model "DistMult"
function DistMult.tail_query(_, h, r) return h * r end
function DistMult.head_query(_, t, r) return t * r end

-- (x + i y) (u + i v), of vectors that hold real parts, then imaginary ones; conjugate: times u - i v.
local function complex_product(a, b, conjugate)
  local x, y = table.unpack(a:chunk(2, 1))
  local u, v = table.unpack(b:chunk(2, 1))
  if conjugate then return F.cat({x * u + y * v, y * u - x * v}, 1) end
  return F.cat({x * u - y * v, x * v + y * u}, 1)
end

--- Re(sum_i h_i r_i conj(t_i)), dim / 2 complex numbers. Source: Trouillon et al. 2016.
local ComplEx = model "ComplEx"
ComplEx.halves, ComplEx.is_complex = true, true
function ComplEx.tail_query(_, h, r) return complex_product(h, r) end
function ComplEx.head_query(_, t, r) return complex_product(t, r, true) end

--- h^T R t, R of dim x dim. Source: Nickel et al. 2011.
local RESCAL = model "RESCAL"
function RESCAL.relation_width(dim) return dim * dim end
function RESCAL:tail_query(h, r) return h:unsqueeze(1):matmul(r:view(-1, self.dim, self.dim)):squeeze(1) end
function RESCAL:head_query(t, r) return r:view(-1, self.dim, self.dim):matmul(t:unsqueeze(2)):squeeze(2) end

--- (<h, r, t'> + <t, r', h'>) / 2: an entity has dim / 2 numbers as a head, then as many as a tail; a relation as
-- itself, then as its inverse. Source: Kazemi and Poole 2018.
local SimplE = model "SimplE"
SimplE.halves = true
function SimplE.tail_query(_, h, r)
  local h_head, h_tail = table.unpack(h:chunk(2, 1))
  local forth, back = table.unpack(r:chunk(2, 1))
  return F.cat({h_tail * back, h_head * forth}, 1) * 0.5
end
function SimplE.head_query(_, t, r)
  local t_head, t_tail = table.unpack(t:chunk(2, 1))
  local forth, back = table.unpack(r:chunk(2, 1))
  return F.cat({t_tail * forth, t_head * back}, 1) * 0.5
end

-- ---- by distance -----------------------------------------------------------------------------------------------

--- -|| h + r - t ||_p. Source: Bordes et al. 2013.
local TransE = model("TransE", WITH_P)
function TransE.tail_query(_, h, r) return h + r end
function TransE.head_query(_, t, r) return t - r end
function TransE:compare(q, ids)
  ids = ids or tensor.arange(self.num_entities)
  return -F.embedding_distance(q, ids, self.entity.weight, {p = self.p})
end

--- -sum_i | h_i r_i - t_i |, dim / 2 complex numbers; r_i = exp(i phase_i). Source: Sun et al. 2019.
local RotatE = model "RotatE"
RotatE.halves = true
function RotatE.relation_width(dim) return dim // 2 end
function RotatE:start() init.uniform_(self.relation.weight, -math.pi, math.pi) end
function RotatE.tail_query(_, h, r) return complex_product(h, F.cat({r:cos(), r:sin()}, 1)) end
function RotatE.head_query(_, t, r) return complex_product(t, F.cat({r:cos(), r:sin()}, 1), true) end

-- The rows that are compared are made: few queries at a time.
local ROOM = 1 << 23
local LEAST = 1e-12                                     -- below the square root: its slope at 0 is not finite

local function moduli(q, rows)
  local re, im = table.unpack((q:unsqueeze(1) - rows):chunk(2, 2))
  return -(re * re + im * im + LEAST):sqrt():sum(2)
end

function RotatE:compare(q, ids)
  if ids and ids:dim() == 2 then return moduli(q, self.entity(ids)) end
  local rows = (ids and self.entity(ids) or self.entity.weight):unsqueeze(0)
  local step = math.max(1, ROOM // math.max(1, rows:numel()))
  local parts = {}
  for lo = 0, #q - 1, step do parts[#parts + 1] = moduli(q:narrow(0, lo, math.min(step, #q - lo)), rows) end
  if #parts == 0 then return core.zeros({0, rows:size(1)}, q.dtype) end
  return F.cat(parts, 0)
end

return {TransE = TransE, DistMult = DistMult, ComplEx = ComplEx, RotatE = RotatE, RESCAL = RESCAL, SimplE = SimplE}

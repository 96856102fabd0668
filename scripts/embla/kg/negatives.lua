-- kg.Negatives: false triples out of true ones.

local class = require "embla.base.class"
local core = require "embla.core"
local known = require "embla.kg.known"
local options = require "embla.arguments.options"

local spec = options.spec("Negatives", {
  {name = "num", type = "integer", default = 1, range = ">= 1", doc = "negatives for each triple"},
  {name = "corrupt", type = "string", default = "both", choices = {"both", "head", "tail"},
   doc = "what is replaced; both: one of them, at even chances"},
  {name = "filtered", type = "boolean", default = false, doc = "none is a triple of the training part"},
  {name = "bernoulli", type = "boolean", default = false,
   doc = "chances by relation: head tph / (tph + hpt), so that the side with fewer answers is kept (Wang et al. 2014)"},
})

--- Draws negatives from the generator behind manual_seed, the same for any number of threads.
local Negatives = class "Negatives"

-- Triples of each relation divided by its different pairs.
local function triples_per(entities, relations, count)
  local pairs_of = known.key(entities, relations, count):unique() % count
  local triples = relations:bincount(nil, count):double()
  return triples / pairs_of:bincount(nil, count):double():clamp(1)
end

--- Prepares the drawing.
-- @param dataset what kg.load returned
-- @param opt     {num = 1, corrupt = "both", filtered = false, bernoulli = false}
-- @raise if an option does not fit
function Negatives:init(dataset, opt)
  local o = spec.read(opt)
  known.check_dataset("Negatives", dataset)
  local count = #dataset.relations
  self.num, self.entities = o.num, #dataset.entities
  local share = o.corrupt == "head" and 1.0 or o.corrupt == "tail" and 0.0 or 0.5
  self.head_share = core.zeros({count}, "float64"):fill_(share)
  if o.bernoulli and o.corrupt == "both" then
    local h, r, t = known.columns(dataset.train)
    local tph, hpt = triples_per(h, r, count), triples_per(t, r, count)
    self.head_share = (tph / (tph + hpt):clamp(1e-30)):contiguous()
  end
  if o.filtered then self.known = (known.answers(dataset.train, count)) end
end

--- Draws. A negative has the head, or else the tail, replaced by an entity drawn evenly; filtered, who has drawn a
-- known triple eight times takes the next entity whose triple is not known.
-- @param triples Tensor (B, 3) int64
-- @return Tensor (B, num, 3) int64
-- @raise if ids are out of range, or, filtered, every entity makes a known triple
function Negatives:draw(triples)
  return core.corrupt(triples, self.num, self.entities, self.head_share, self.known)
end

return Negatives

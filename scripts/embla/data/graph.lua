-- data.Graph: a network of nodes, and random walks over it.

local class = require "embla.base.class"
local core = require "embla.core"
local creation = require "embla.tensor.creation"
local dtypes = require "embla.arguments.dtypes"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local seeded = require "embla.data.seeded"

local GRAPH_ROWS = {
  {name = "directed", type = "boolean", default = false, doc = "edges lead from the first node to the second only"},
  {name = "nodes", type = "integer", range = ">= 0", doc = "how many there are; left out: the largest number and one"},
  {name = "base", type = "integer", default = 0, doc = "the number of the first node in the edges given"},
}
local spec = options.spec("Graph", {
  {name = "weights", type = "tensor|numbers", doc = "(E), finite and >= 0; left out: all alike"},
  table.unpack(GRAPH_ROWS),
})
local read_spec = options.spec("Graph.read", {
  {name = "sep", type = "string", doc = "character between columns; left out: found out"},
  {name = "header", type = "boolean", doc = "the first row has names; left out: found out"},
  {name = "comment", type = "string", default = "#", doc = "lines that begin with it are left out"},
  table.unpack(GRAPH_ROWS),
})
local walk_spec = options.spec("Graph:random_walks", {
  {name = "length", type = "integer", default = 80, range = ">= 1", doc = "nodes in a walk"},
  {name = "num", type = "integer", default = 10, range = ">= 0", doc = "walks from each start"},
  {name = "p", type = "number", default = 1, range = "> 0", doc = "large: the way back to the last node is rare"},
  {name = "q", type = "number", default = 1, range = "> 0", doc = "large: walks stay near, small: they go far"},
  {name = "starts", type = "tensor|integers", doc = "nodes (S) to start from; left out: all"},
  {name = "seed", type = "integer", doc = "left out: drawn from the generator of manual_seed"},
})

--- A network of nodes 0, 1, … that edges lead between, made for random walks. Unless directed, an edge leads both
-- ways. Edges between the same two nodes add up; an edge of weight 0 is none. # is the number of nodes.
--
--   local graph = embla.data.Graph.read("edges.tsv", {base = 1})
--   local walks = graph:random_walks {length = 40, num = 20, p = 1, q = 0.5}
--   local corpus = embla.text.Corpus.build(walks, {padding = -1})
--
-- Fields: `nodes`, `edges` (as many as were given) and `directed`.
local Graph = class "Graph"

local function node_ids(name, value)
  if not core.is_tensor(value) then
    if not options.is_integers(value) then
      raise("%s: expected nodes, a tensor or a list of integers, got %s", name, options.show(value))
    end
    return core.tensor(value, "int64")
  end
  if value.is_sparse or not dtypes.IS_INTEGER[value.dtype] then
    raise("%s: expected integers, got a tensor of %s", name, value.dtype)
  end
  return value:long()
end

-- Both ends of each edge, (E) int64. (2, 2) is read as two rows of edges.
local function ends_of(edges)
  if type(edges) == "table" and not core.is_tensor(edges) then
    edges = #edges == 0 and core.empty({0, 2}, "int64") or creation.tensor(edges)
  end
  expect.dense("Graph", "edges", edges)
  local ids = edges:numel() == 0 and edges:long() or node_ids("Graph: argument edges", edges)
  if ids:dim() == 2 and ids:size(1) == 2 then return ids:select(1, 0):contiguous(), ids:select(1, 1):contiguous() end
  if ids:dim() == 2 and ids:size(0) == 2 then return ids:select(0, 0):contiguous(), ids:select(0, 1):contiguous() end
  raise("Graph: argument edges: expected shape (E, 2) or (2, E), got (%s)", table.concat(ids.shape, ", "))
end

local function weights_of(weights)
  if weights == nil then return nil end
  if not core.is_tensor(weights) then return core.tensor(weights, "float64") end
  if weights.is_sparse then raise "Graph: option weights: expected a dense tensor" end
  return weights:detach():to("float64"):contiguous()
end

--- Makes it from edges.
-- @param edges Tensor (E, 2) or (2, E) of integers, or a list of pairs; of shape (2, 2) each row is an edge
-- @param opt   the options
-- @raise if a node is out of range, or a weight is negative or not finite
function Graph:init(edges, opt)
  local o = spec.read(opt)
  local sources, targets = ends_of(edges)
  if o.base ~= 0 then sources, targets = sources - o.base, targets - o.base end
  local most = -1
  if sources:numel() > 0 then most = math.max(sources:max():item(), targets:max():item()) end
  self.nodes, self.edges, self.directed = o.nodes or most + 1, sources:numel(), o.directed
  self.handle = core.adjacency_new(sources, targets, weights_of(o.weights), self.nodes, o.directed)
end

--- Reads a file of two columns, the nodes of each edge, or three, with its weight: as io.csv.read does, with comments.
-- @param path file of commas, tabs or other separators
-- @param opt  the options
-- @return Graph
-- @raise if the file cannot be read, or has other columns
function Graph.read(path, opt)
  local o = read_spec.read(opt)
  local frame = require("embla.io.csv").read(path, {sep = o.sep, header = o.header, comment = o.comment})
  local names = frame.columns
  local columns = {}
  for i, name in ipairs(names) do columns[i] = frame:column(name) end
  local fits = #names == 2 or #names == 3
  for i, column in ipairs(columns) do
    fits = fits and core.is_tensor(column) and (i == 3 or column.dtype == "int64")
  end
  if not fits then raise("Graph.read: %s: expected columns source, target (integers) and perhaps weight", path) end
  return Graph(core.ops.stack({columns[1], columns[2]}, 1),
               {weights = columns[3], directed = o.directed, nodes = o.nodes, base = o.base})
end

--- Walks from every start, `num` times all of them in turn. From node v, reached from t, an edge to x is taken in
-- proportion to its weight times 1 / p if x is t, 1 if an edge leads from t to x, and 1 / q otherwise: node2vec (Grover
-- and Leskovec 2016), and with p = q = 1 DeepWalk (Perozzi et al. 2014). The same seed gives the same walks, on any
-- number of threads.
-- @param opt the options; p and q from 1e-9 to 1e9
-- @return Tensor (num * S, length) int64: a walk a row, -1 after its end where no edge leads on
-- @raise if a start or an option is out of range, or when interrupted
function Graph:random_walks(opt)
  local o = walk_spec.read(opt)
  local starts = o.starts and node_ids("Graph:random_walks: option starts", o.starts) or creation.arange(self.nodes)
  if starts:dim() ~= 1 then
    raise("Graph:random_walks: option starts: expected shape (S), got (%s)", table.concat(starts.shape, ", "))
  end
  return core.random_walks(self.handle, starts:long():tile({o.num}):contiguous(), o.length, o.p, o.q,
                           o.seed or seeded.draw())
end

function Graph.__len(self) return self.nodes end
function Graph.__tostring(self)
  return ("Graph(%d nodes, %d %sedges)"):format(self.nodes, self.edges, self.directed and "directed " or "")
end

return Graph

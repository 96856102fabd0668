-- data.Graph: shares of steps against node2vec's formula worked out in Lua, ends of walks, threads, files, bad input.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local process = require "support.process"
local embla = require "embla"
local Graph = embla.data.Graph

-- A triangle 0 1 2 with a tail 2 3 4, an edge 3 1, a loop at 3, and 1 4 given twice.
local EDGES = {{0, 1}, {1, 2}, {2, 0}, {2, 3}, {3, 4}, {3, 1}, {3, 3}, {1, 4}, {1, 4}}
local WEIGHTS = {1, 2, 0.5, 3, 1, 1.5, 0.75, 0.25, 0.5}

-- weight[v][x] of all edges.
local function matrix(weights, directed)
  local w = {}
  for v = 0, 4 do
    w[v] = {}
    for x = 0, 4 do w[v][x] = 0 end
  end
  for i, e in ipairs(EDGES) do
    local a, b = e[1], e[2]
    w[a][b] = w[a][b] + weights[i]
    if not directed and a ~= b then w[b][a] = w[b][a] + weights[i] end
  end
  return w
end

-- How often each step x followed t, v: counts["t v"][x].
local function count_steps(walks)
  local counts = {}
  for _, walk in ipairs(walks:tolist()) do
    for i = 2, #walk - 1 do
      if walk[i + 1] < 0 then break end
      local key = walk[i - 1] .. " " .. walk[i]
      counts[key] = counts[key] or {}
      counts[key][walk[i + 1]] = (counts[key][walk[i + 1]] or 0) + 1
    end
  end
  return counts
end

-- Pearson's chi-square of the counts, summed over all (t, v), and its degrees of freedom. Steps expected less than five
-- times are no matter for it: of those, how many came in all, and how many were expected.
local function chi_square(counts, w, p, q)
  local sum, freedom, rare, rare_expected = 0, 0, 0, 0
  for key, steps in pairs(counts) do
    local before, v = key:match "(%d+) (%d+)"
    before, v = tonumber(before), tonumber(v)
    local share, total, n = {}, 0, 0
    for x = 0, 4 do
      local bias = x == before and 1 / p or w[before][x] > 0 and 1 or 1 / q
      share[x] = w[v][x] * bias
      total, n = total + share[x], n + (steps[x] or 0)
    end
    for x = 0, 4 do
      if share[x] == 0 then
        t.equal(steps[x], nil)
      else
        local expected = n * share[x] / total
        if expected < 5 then
          rare, rare_expected = rare + (steps[x] or 0), rare_expected + expected
        else
          sum, freedom = sum + ((steps[x] or 0) - expected) ^ 2 / expected, freedom + 1
        end
      end
    end
    freedom = freedom - 1
  end
  return sum, freedom, rare, rare_expected
end

-- The last two are refused so often that biases are added up instead.
for _, pq in ipairs {{1, 1}, {0.25, 4}, {4, 0.5}, {0.5, 1e-4}, {1e-3, 1}} do
  local p, q = pq[1], pq[2]
  for _, directed in ipairs {false, true} do
    for _, weighted in ipairs {false, true} do
      t.test(("p = %g, q = %g, %s, %s"):format(p, q, directed and "directed" or "undirected",
                                               weighted and "weights" or "no weights"), function()
        local graph = Graph(EDGES, {weights = weighted and WEIGHTS or nil, directed = directed})
        local walks = graph:random_walks {num = 200, length = 40, p = p, q = q, seed = 3}
        local w = matrix(weighted and WEIGHTS or {1, 1, 1, 1, 1, 1, 1, 1, 1}, directed)
        local sum, freedom, rare, rare_expected = chi_square(count_steps(walks), w, p, q)
        t.equal(sum <= freedom + 5 * math.sqrt(2 * math.max(freedom, 1)), true)
        t.equal(rare <= 2 + rare_expected + 5 * math.sqrt(rare_expected), true)
      end)
    end
  end
end

t.test("walks begin at their starts and end where no edge leads on", function()
  local graph = Graph(embla.LongTensor {{0, 1, 4}, {1, 2, 4}}, {nodes = 6, directed = true})
  t.equal(graph:random_walks {length = 3, num = 2}, embla.LongTensor {
    {0, 1, 2}, {1, 2, -1}, {2, -1, -1}, {3, -1, -1}, {4, 4, 4}, {5, -1, -1},
    {0, 1, 2}, {1, 2, -1}, {2, -1, -1}, {3, -1, -1}, {4, 4, 4}, {5, -1, -1}})
  t.equal(graph:random_walks {length = 1, num = 1, starts = {5, 0}}, embla.LongTensor {{5}, {0}})
  t.equal(graph:random_walks({num = 0}).shape, {0, 80})
  t.equal(tostring(graph), "Graph(6 nodes, 3 directed edges)")
  t.equal(#graph, 6)
end)

t.test("an edge of weight 0 is none", function()
  local graph = Graph({{0, 1}, {0, 2}}, {weights = {0, 1}})
  t.equal(graph:random_walks {length = 3, num = 1}, embla.LongTensor {{0, 2, 0}, {1, -1, -1}, {2, 0, 2}})
end)

t.test("no edges, no nodes", function()
  t.equal(Graph({}, {nodes = 2}):random_walks {length = 2, num = 1}, embla.LongTensor {{0, -1}, {1, -1}})
  t.equal(Graph({}):random_walks({length = 2, num = 3}).shape, {0, 2})
end)

t.test("a seed gives the same walks on any number of threads", function()
  local threads, first = embla.get_num_threads(), nil
  local graph = Graph(EDGES, {weights = WEIGHTS})
  for _, n in ipairs {1, 2, 4} do
    embla.set_num_threads(n)
    local walks = graph:random_walks {num = 300, length = 30, p = 0.5, q = 2, seed = 7}
    first = first or walks
    t.equal(walks, first)
  end
  embla.set_num_threads(threads)
  t.equal(graph:random_walks({num = 300, length = 30, p = 0.5, q = 2, seed = 8}):equal(first), false)
  embla.manual_seed(1)
  local one = graph:random_walks {num = 20}
  t.equal(graph:random_walks({num = 20}):equal(one), false)
  embla.manual_seed(1)
  t.equal(graph:random_walks {num = 20}, one)
end)

t.test("a corpus of walks", function()
  local corpus = embla.text.Corpus.build(Graph({{0, 1}, {1, 2}}, {directed = true}):random_walks {length = 3, num = 1},
                                         {padding = -1})
  t.equal(corpus.ids, embla.IntTensor {0, 1, 2, 1, 2, 2})
end)

t.test("files", function()
  process.with_file("# a b weight\n1\t2\t4\n2\t3\t0\n", function(path)
    local graph = Graph.read(path, {base = 1})
    t.equal(tostring(graph), "Graph(3 nodes, 2 edges)")
    t.equal(graph:random_walks {length = 2, num = 1}, embla.LongTensor {{0, 1}, {1, 0}, {2, -1}})
  end)
  process.with_file("0,1\n1,2\n", function(path)
    t.equal(Graph.read(path, {directed = true}):random_walks {length = 3, num = 1, starts = {0}},
            embla.LongTensor {{0, 1, 2}})
  end)
  process.with_file("a,b\nx,y\n", function(path)
    t.raises(function() Graph.read(path) end, "expected columns source, target (integers) and perhaps weight")
  end)
end)

t.test("what is refused", function()
  t.raises(function() Graph({{0, 3}}, {nodes = 3}) end, "Graph: node 3 at position 0 is out of range for 3 nodes")
  t.raises(function() Graph({{0, 1}}, {base = 1}) end, "Graph: node -1 at position 0 is out of range")
  t.raises(function() Graph({{0, 1}}, {weights = {-1}}) end, "weight -1 of edge 0: expected a finite number >= 0")
  t.raises(function() Graph({{0, 1}}, {weights = {0 / 0}}) end, "of edge 0: expected a finite number >= 0")
  t.raises(function() Graph({{0, 1}, {0, 2}}, {weights = {1e308, 1e308}}) end, "add up to more than a number holds")
  t.raises(function() Graph({{0, 1}}, {weights = {1, 2}}) end, "Graph: weights: expected shape (1), one for each edge")
  t.raises(function() Graph({{0, 1, 2}}) end, "Graph: argument edges: expected shape (E, 2) or (2, E), got (1, 3)")
  t.raises(function() Graph(embla.tensor {{0.5, 1}}) end, "Graph: argument edges: expected integers, got a tensor of")
  t.raises(function() Graph(3) end, "Graph: argument edges: expected a tensor")
  local graph = Graph {{0, 1}}
  t.raises(function() graph:random_walks {starts = {2}} end, "random_walks: node 2 at position 0 is out of range")
  t.raises(function() graph:random_walks {length = 0} end, "option length: expected integer >= 1, got 0")
  t.raises(function() graph:random_walks {p = 0} end, "option p: expected number > 0, got 0")
  t.raises(function() graph:random_walks {q = 1e10} end, "p and q must be from 1e-09 to 1e+09, got 1 and 1e+10")
  t.raises(function() graph:random_walks {r = 1} end, "random_walks")
end)

t.finish()

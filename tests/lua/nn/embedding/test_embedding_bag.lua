-- nn.EmbeddingBag and F.embedding_bag: forms of input, modes, gradients, and every refusal.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local nn, F = embla.nn, embla.nn.functional

local ROWS = {{1, -2}, {3, 4}, {-5, 6}, {7, -8}, {0.5, 0.25}}

local function ids_of(data, dtype)
  if type(data) == "table" and #data == 0 then return embla.zeros(0, {dtype = dtype or "int64"}) end
  return embla.tensor(data, {dtype = dtype or "int64"})
end

local function new_weight()
  return embla.tensor(ROWS, {dtype = "float32"}):requires_grad_()
end

-- F.embedding_bag on a fresh table of ROWS.
local function pool(ids, offsets, options)
  return F.embedding_bag(ids, new_weight(), offsets, options)
end

-- A bag module on a fresh table of ROWS.
local function bag_of(options)
  local all = {_weight = new_weight()}
  for key, value in pairs(options or {}) do all[key] = value end
  return nn.EmbeddingBag(5, 2, all)
end

-- ---- the definition, in plain Lua ------------------------------------------------------------------------------

-- Bags as lists of positions (from 1) of `ids`; bag b ends where the next begins.
local function members_of(ids, offsets, options)
  local bags = {}
  for b, first in ipairs(offsets) do
    local stop = offsets[b + 1] or #ids
    if not (options.include_last_offset and b == #offsets) then
      local list = {}
      for i = first + 1, stop do
        if ids[i] ~= options.padding_idx then list[#list + 1] = i end
      end
      bags[#bags + 1] = list
    end
  end
  return bags
end

local function zeros(rows, columns)
  local list = {}
  for r = 1, rows do
    list[r] = {}
    for c = 1, columns do list[r][c] = 0.0 end
  end
  return list
end

-- Position of the first largest value of column d among a bag's members, each times its sample's weight.
local function winner(weight, ids, bag, d, samples)
  local best, most
  for _, i in ipairs(bag) do
    local value = weight[ids[i] + 1][d] * (samples and samples[i] or 1)
    if not best or value > most then best, most = i, value end
  end
  return best
end

-- Output, gradient of the table and of the weights of the samples, by their definition.
local function naive(weight, ids, bags, grad, options)
  local columns, times = #weight[1], {}
  for _, id in ipairs(ids) do times[id] = (times[id] or 0) + 1 end
  local out, dw, ds = zeros(#bags, columns), zeros(#weight, columns), {}
  for i = 1, #ids do ds[i] = 0.0 end
  for b, bag in ipairs(bags) do
    for d = 1, columns do
      local best = winner(weight, ids, bag, d, options.samples)
      for _, i in ipairs(bag) do
        local factor = options.mode == "mean" and 1 / #bag or 1
        if options.mode == "max" then factor = i == best and 1 or 0 end
        local sample = options.samples and options.samples[i] or 1
        local row, shared = ids[i] + 1, options.scale_grad_by_freq and times[ids[i]] or 1
        out[b][d] = out[b][d] + factor * sample * weight[row][d]
        dw[row][d] = dw[row][d] + factor * sample * grad[b][d] / shared
        ds[i] = ds[i] + factor * weight[row][d] * grad[b][d]
      end
    end
  end
  return out, dw, ds
end

-- Compares the library with the definition for one set of options, in double.
local function agree(ids, offsets, options)
  local bags = members_of(ids, offsets, options)
  local weight = embla.randn(9, 4, {dtype = "float64"}):requires_grad_()
  local grad = embla.randn(#bags, 4, {dtype = "float64"})
  local samples = options.samples and embla.tensor(options.samples, {dtype = "float64"}):requires_grad_()
  local out = F.embedding_bag(ids_of(ids), weight, ids_of(offsets), {mode = options.mode, sparse = options.sparse,
    padding_idx = options.padding_idx, scale_grad_by_freq = options.scale_grad_by_freq,
    include_last_offset = options.include_last_offset, per_sample_weights = samples})
  out:backward(grad)
  local want, dw, ds = naive(weight:detach():tolist(), ids, bags, grad:tolist(), options)
  t.equal(out.shape, {#bags, 4})
  t.close(out:detach(), want, 1e-12, 1e-12)
  t.equal(weight.grad.is_sparse, options.sparse or false)
  t.close(weight.grad, dw, 1e-12, 1e-12)
  if samples then t.close(samples.grad, ds, 1e-12, 1e-12) end
end

t.test("output and gradients follow the definition", function()
  embla.manual_seed(2)
  local ids = embla.randint(0, 9, {30}):tolist()
  for _, mode in ipairs {"sum", "mean", "max"} do
    for _, padding in ipairs {false, 4} do
      for _, sparse in ipairs {false, true} do
        for _, freq in ipairs {false, true} do
          local options = {mode = mode, padding_idx = padding or nil, sparse = sparse, scale_grad_by_freq = freq}
          agree(ids, {0, 5, 5, 12, 30}, options)
          options.include_last_offset = true
          agree(ids, {0, 1, 11, 30}, options)
        end
      end
    end
  end
end)

t.test("weights of the samples and their gradient follow the definition", function()
  embla.manual_seed(3)
  local ids, samples = embla.randint(0, 9, {20}):tolist(), embla.randn(20):tolist()
  for _, mode in ipairs {"sum", "mean", "max"} do        -- a mean still divides by the number of members
    for _, sparse in ipairs {false, true} do
      agree(ids, {0, 7, 7}, {mode = mode, samples = samples, sparse = sparse})
      agree(ids, {0, 7, 7}, {mode = mode, samples = samples, sparse = sparse, padding_idx = 3})
      agree(ids, {0, 7, 7}, {mode = mode, samples = samples, sparse = sparse, scale_grad_by_freq = true})
    end
  end
end)

-- ---- forms of input --------------------------------------------------------------------------------------------

t.test("a matrix of ids is a bag in each line", function()
  t.equal(pool(ids_of {{0, 1}, {2, 2}}, nil, {mode = "sum"}), {{4, 2}, {-10, 12}})
  t.equal(bag_of {mode = "sum"}({{0, 1}, {2, 2}}), {{4, 2}, {-10, 12}})
end)

t.test("a list of ids is cut at the offsets", function()
  t.equal(bag_of {mode = "sum"}(ids_of {0, 1, 2}, ids_of {0, 1}), {{1, -2}, {-2, 10}})
  t.equal(bag_of {mode = "sum"}({0, 1, 2}, {0, 1}), {{1, -2}, {-2, 10}})
  t.equal(pool(ids_of {0, 1}, ids_of {0, 0, 1, 2, 2}, {mode = "sum"}), {{0, 0}, {1, -2}, {3, 4}, {0, 0}, {0, 0}})
end)

t.test("mean is the default mode", function()
  t.equal(bag_of().mode, "mean")
  t.equal(pool(ids_of {{0, 1}}), {{2, 1}})
end)

t.test("include_last_offset takes the end of the last bag", function()
  t.equal(pool(ids_of {0, 1, 2}, ids_of {0, 1, 3}, {mode = "sum", include_last_offset = true}), {{1, -2}, {-2, 10}})
end)

t.test("ids and offsets may have any integer dtype, also different ones", function()
  for _, a in ipairs {"int64", "int32", "uint8"} do
    for _, b in ipairs {"int64", "int32", "uint8"} do
      t.equal(pool(ids_of({0, 1, 2}, a), ids_of({0, 1}, b), {mode = "sum"}), {{1, -2}, {-2, 10}})
    end
  end
end)

t.test("empty bags are zeros in every mode, and so are bags of padding", function()
  for _, mode in ipairs {"sum", "mean", "max"} do
    t.same_bits(pool(ids_of {2, 2}, ids_of {0, 0, 2}, {mode = mode, padding_idx = 2}):detach(),
      embla.zeros(3, 2))
    t.equal(pool(ids_of {}, ids_of {}, {mode = mode}).shape, {0, 2})
    t.same_bits(pool(ids_of {}, ids_of {0, 0}, {mode = mode}):detach(), embla.zeros(2, 2))
  end
end)

t.test("lines without ids are zeros", function()
  for _, mode in ipairs {"sum", "mean", "max"} do
    t.same_bits(pool(embla.zeros(3, 0, {dtype = "int64"}), nil, {mode = mode}):detach(), embla.zeros(3, 2))
    t.equal(pool(embla.zeros(0, 3, {dtype = "int64"}), nil, {mode = mode}).shape, {0, 2})
  end
end)

t.test("mean divides by the members that are not padding", function()
  t.equal(pool(ids_of {{1, 0, 2}}, nil, {mode = "mean", padding_idx = 0}), {{-1, 5}})
end)

t.test("of equal largest values the first in the bag wins", function()
  local weight = embla.tensor({{1.0, 5.0}, {1.0, 5.0}}):requires_grad_()
  F.embedding_bag(ids_of {{1, 0}}, weight, nil, {mode = "max"}):sum():backward()
  t.equal(weight.grad, {{0, 0}, {1, 1}})
end)

t.test("max of negative and infinite rows", function()
  local weight = embla.tensor({{-3.0, -math.huge}, {-2.0, -math.huge}})
  t.equal(F.embedding_bag(ids_of {{0, 1}}, weight, nil, {mode = "max"}), {{-2, -math.huge}})
end)

-- ---- tails that PyTorch gets wrong -----------------------------------------------------------------------------

t.test("ids behind the last offset belong to no bag", function()
  for _, mode in ipairs {"sum", "mean", "max"} do
    local weight = new_weight()
    local out = F.embedding_bag(ids_of {0, 1, 4}, weight, ids_of {0, 1, 2}, {mode = mode, include_last_offset = true})
    t.equal(out, {{1, -2}, {3, 4}})
    out:sum():backward()
    t.equal(weight.grad, {{1, 1}, {1, 1}, {0, 0}, {0, 0}, {0, 0}})
  end
end)

t.test("no offsets are no bags, whatever the ids", function()
  for _, mode in ipairs {"sum", "mean", "max"} do
    t.equal(pool(ids_of {0, 1}, ids_of {}, {mode = mode}).shape, {0, 2})
    t.equal(pool(ids_of {0, 1}, ids_of {0}, {mode = mode, include_last_offset = true}).shape, {0, 2})
  end
end)

t.test("offsets that fall or lie outside are refused, by position", function()
  t.raises(function() pool(ids_of {0, 1, 2}, ids_of {0, 2, 1}) end, "offsets")
  t.raises(function() pool(ids_of {0, 1, 2}, ids_of {0, -1, 2}) end, "offsets", "-1")
  t.raises(function() pool(ids_of {0, 1, 2}, ids_of {0, 9, 2}) end, "offsets")
  t.raises(function() pool(ids_of {0, 1, 2}, ids_of {0, 4}) end, "offsets", "4")
  t.raises(function() pool(ids_of {0, 1, 2}, ids_of {1, 2}) end, "offsets", "1")
end)

t.test("frequencies of one id do not leak to another", function()
  local weight = new_weight()
  F.embedding_bag(ids_of {1, 1, 3}, weight, ids_of {0}, {mode = "sum", scale_grad_by_freq = true}):sum():backward()
  t.equal(weight.grad, {{0, 0}, {1, 1}, {0, 0}, {1, 1}, {0, 0}})
end)

t.test("the weights of the samples train on a frozen table", function()
  local samples = embla.tensor({2.0, 3.0}):requires_grad_()
  local weight = embla.tensor(ROWS, {dtype = "float32"})
  local out = F.embedding_bag(ids_of {1, 2}, weight, ids_of {0}, {mode = "sum", per_sample_weights = samples})
  t.equal(out:detach(), {{-9, 26}})
  out:sum():backward()
  t.equal(samples.grad, {7, 1})
end)

-- ---- what PyTorch does not offer -------------------------------------------------------------------------------

t.test("max goes with sparse and with scale_grad_by_freq", function()
  local weight = new_weight()
  F.embedding_bag(ids_of {{1, 3, 1}}, weight, nil, {mode = "max", sparse = true}):sum():backward()
  t.equal(weight.grad.is_sparse, true)
  t.equal(weight.grad, {{0, 0}, {0, 1}, {0, 0}, {1, 0}, {0, 0}})
  weight = new_weight()
  F.embedding_bag(ids_of {{1, 3, 1}}, weight, nil, {mode = "max", scale_grad_by_freq = true}):sum():backward()
  t.equal(weight.grad, {{0, 0}, {0, 0.5}, {0, 0}, {1, 0}, {0, 0}})
end)

-- ---- sparse gradient -------------------------------------------------------------------------------------------

t.test("a sparse gradient has one entry for each member, in order", function()
  local weight = new_weight()
  F.embedding_bag(ids_of {3, 1, 2, 3}, weight, ids_of {0, 2}, {mode = "sum", sparse = true, padding_idx = 2})
    :backward(embla.tensor({{1.0, 2.0}, {3.0, 4.0}}))
  t.equal(weight.grad:nnz(), 3)
  t.equal(weight.grad:_indices(), {{3, 1, 3}})
  t.equal(weight.grad:_values(), {{1, 2}, {1, 2}, {3, 4}})
end)

-- ---- max_norm --------------------------------------------------------------------------------------------------

t.test("max_norm shortens what is looked up, padding too", function()
  local bag = bag_of {mode = "sum", max_norm = 1, padding_idx = 1}
  t.close(bag(ids_of {1, 4}, ids_of {0}):detach(), {{0.5, 0.25}})
  local rows = bag.weight:detach():tolist()
  t.close(rows[2], {0.6, 0.8})
  t.equal(rows[3], {-5, 6})
end)

t.test("a refused call does not touch the table", function()
  local bag = bag_of {mode = "sum", max_norm = 0.1}
  t.raises(function() bag(ids_of {0, 5}, ids_of {0}) end, "index 5")
  t.raises(function() bag(ids_of {0, 1}, ids_of {1}) end, "offsets")
  t.raises(function() bag(ids_of {0, 1}, ids_of {0}, embla.ones(3)) end, "per_sample_weights")
  t.equal(bag.weight:detach(), ROWS)
end)

-- ---- refusals --------------------------------------------------------------------------------------------------

t.test("forms of input that make no sense are refused", function()
  t.raises(function() pool(ids_of {{0, 1}}, ids_of {0}) end, "offsets", "2")
  t.raises(function() pool(ids_of {0, 1}) end, "offsets")
  t.raises(function() pool(ids_of {0, 1}, ids_of {{0}}) end, "offsets", "1")
  t.raises(function() pool(ids_of {{{0}}}) end, "input", "(1, 1, 1)")
  t.raises(function() pool(ids_of(0)) end, "input", "()")
  t.raises(function() pool(ids_of {0, 1}, ids_of {}, {include_last_offset = true}) end, "include_last_offset")
  t.raises(function() pool(embla.tensor({0.0, 1.0}), ids_of {0}) end, "float32")
  t.raises(function() pool(ids_of {0, 1}, embla.tensor({0.0})) end, "offsets", "float32")
  t.raises(function() pool("ids", ids_of {0}) end, 'input must be a tensor, got "ids"')
end)

t.test("an unknown mode is refused when the module is made, and by the function", function()
  t.raises(function() nn.EmbeddingBag(5, 2, {mode = "median"}) end, "median", "mode", "sum", "mean", "max")
  t.raises(function() pool(ids_of {{0}}, nil, {mode = "median"}) end, "median", "mode")
  t.raises(function() pool(ids_of {{0}}, nil, {mode = 1}) end, "mode")
end)

t.test("ids out of range are named", function()
  for _, mode in ipairs {"sum", "mean", "max"} do
    for _, bad in ipairs {5, -1, 100} do
      t.raises(function() bag_of {mode = mode}(ids_of {0, bad}, ids_of {0}) end, "EmbeddingBag", "index " .. bad,
        "num_embeddings = 5", "ids count from 0")
      t.raises(function() bag_of {mode = mode, padding_idx = 0}(ids_of {{0, bad}}) end, "index " .. bad, "[0, 1]")
    end
  end
end)

t.test("padding_idx outside the table is refused", function()
  for _, bad in ipairs {5, -6} do
    t.raises(function() pool(ids_of {{0}}, nil, {padding_idx = bad}) end, "padding_idx", tostring(bad))
    t.raises(function() nn.EmbeddingBag(5, 2, {padding_idx = bad}) end, "padding_idx", tostring(bad))
  end
  t.equal(nn.EmbeddingBag(5, 2, {padding_idx = -1}).padding_idx, 4)
end)

t.test("weights of the samples must fit the ids", function()
  local function call(samples) pool(ids_of {0, 1}, ids_of {0}, {mode = "sum", per_sample_weights = samples}) end
  t.raises(function() call(embla.ones(1)) end, "per_sample_weights")
  t.raises(function() call(embla.ones(2, 1)) end, "per_sample_weights")
  t.raises(function() call(embla.ones(2):long()) end, "per_sample_weights")
  t.raises(function() call("heavy") end, "per_sample_weights")
end)

t.test("a table must be two-dimensional", function()
  t.raises(function() F.embedding_bag(ids_of {{0}}, embla.ones(4)) end, "weight")
  t.raises(function() F.embedding_bag(ids_of {{0}}, embla.ones(2, 2, 2)) end, "weight")
end)

-- ---- the module ------------------------------------------------------------------------------------------------

t.test("it prints what differs from the defaults, sparse and include_last_offset too", function()
  t.equal(tostring(nn.EmbeddingBag(4, 3)), "EmbeddingBag(4, 3, mode=mean)")
  local text = tostring(nn.EmbeddingBag(4, 3, {mode = "sum", sparse = true, include_last_offset = true}))
  for _, part in ipairs {"EmbeddingBag(4, 3", "mode=sum", "sparse=True", "include_last_offset=True"} do
    if not text:find(part, 1, true) then t.fail(part .. " is not in " .. text) end
  end
end)

t.test("from_pretrained shares the vectors and freezes them", function()
  local vectors = embla.tensor(ROWS, {dtype = "float32"})
  local bag = nn.EmbeddingBag.from_pretrained(vectors, {mode = "sum"})
  t.equal({bag.num_embeddings, bag.embedding_dim, bag.mode}, {5, 2, "sum"})
  t.equal(bag.weight.requires_grad, false)
  t.equal(bag({{0, 1}}), {{4, 2}})
  t.equal(nn.EmbeddingBag.from_pretrained(vectors).mode, "mean")
  t.equal(nn.EmbeddingBag.from_pretrained(vectors, {freeze = false}).weight.requires_grad, true)
  t.raises(function() nn.EmbeddingBag.from_pretrained(embla.ones(3)) end, "2")
end)

t.test("its padding row starts at zero", function()
  local rows = nn.EmbeddingBag(4, 3, {padding_idx = 1}).weight:detach():tolist()
  t.same_bits(rows[2], {0.0, 0.0, 0.0})
end)

t.finish()

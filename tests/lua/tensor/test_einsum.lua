-- Sums of products written with letters, against loops over all values of all letters.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

-- ---- the naive sum ---------------------------------------------------------------------------------------------

-- Calls f with every assignment of letters to positions.
local function for_all(letters, sizes, f)
  local at = {}
  local function choose(i)
    if i > #letters then return f(at) end
    for k = 0, sizes[letters[i]] - 1 do
      at[letters[i]] = k
      choose(i + 1)
    end
  end
  choose(1)
end

local function split(term)
  local list = {}
  for letter in term:gmatch "%a" do list[#list + 1] = letter end
  return list
end

local function element(x, term, at)
  local index = {}
  for i, letter in ipairs(split(term)) do index[i] = x:size(i - 1) == 1 and 0 or at[letter] end
  return #index == 0 and x:item() or x[index]
end

-- terms "ij", "jk" and result "ik" of tensors.
local function naive(terms, result, tensors)
  local sizes, letters = {}, {}
  for i, term in ipairs(terms) do
    for d, letter in ipairs(split(term)) do
      if not sizes[letter] then letters[#letters + 1] = letter end
      sizes[letter] = math.max(sizes[letter] or 1, tensors[i]:size(d - 1))
    end
  end
  local sums = {}
  for_all(letters, sizes, function(at)
    local product, key = 1, {}
    for i, term in ipairs(terms) do product = product * element(tensors[i], term, at) end
    for i, letter in ipairs(split(result)) do key[i] = at[letter] end
    key = table.concat(key, ",")
    sums[key] = (sums[key] or 0) + product
  end)
  return sums, sizes
end

local function check_against_loops(equation, tensors)
  local left, result = equation:match "^(.*)%->(.*)$"
  local terms = {}
  for term in (left .. ","):gmatch "([^,]*)," do terms[#terms + 1] = term end
  local sums, sizes = naive(terms, result, tensors)
  local got = embla.einsum(equation, tensors)
  local letters = split(result)
  t.equal(got:dim(), #letters)
  for_all(letters, sizes, function(at)
    local key, index = {}, {}
    for i, letter in ipairs(letters) do
      key[i], index[i] = at[letter], at[letter]
    end
    t.close(#index == 0 and got:item() or got[index], sums[table.concat(key, ",")], 1e-5, 1e-5)
  end)
end

-- ---- cases -----------------------------------------------------------------------------------------------------

local CASES = {
  {"ij,jk->ik", {2, 3}, {3, 4}}, {"ij,jk->ki", {2, 3}, {3, 4}}, {"ij,kj->ik", {2, 3}, {4, 3}},
  {"ji,jk->ik", {3, 2}, {3, 4}}, {"i,i->", {5}, {5}}, {"i,j->ij", {2}, {3}}, {"i,j->ji", {2}, {3}},
  {"ij,ij->", {2, 3}, {2, 3}}, {"ij,ij->ij", {2, 3}, {2, 3}}, {"bij,bjk->bik", {2, 3, 4}, {2, 4, 5}},
  {"bij,bkj->kbi", {2, 3, 4}, {2, 5, 4}}, {"bi,bj->bij", {2, 3}, {2, 4}},
  {"bhid,bhjd->bhij", {2, 2, 3, 4}, {2, 2, 3, 4}}, {"ijk,jkl->il", {2, 3, 4}, {3, 4, 2}},
  {"ijk,kjl->il", {2, 3, 4}, {4, 3, 2}}, {"ij,k->i", {2, 3}, {4}}, {"ij,jk->j", {2, 3}, {3, 4}}, {"ii->i", {3, 3}},
  {"ii->", {3, 3}}, {"ij->j", {2, 3}}, {"ij->ji", {2, 3}}, {"ijk->", {2, 3, 4}}, {"iij->ji", {2, 2, 3}},
  {"ii,i->i", {3, 3}, {3}}, {"ii,ij->j", {3, 3}, {3, 2}}, {"ij,jk,kl->il", {2, 3}, {3, 4}, {4, 2}},
  {"i,j,k->kij", {2}, {3}, {2}}, {"ij,j,i->", {2, 3}, {3}, {2}}, {",i->i", {}, {3}},
  {"bij,bjk->bik", {1, 3, 4}, {2, 4, 5}}, {"ij,jk->ik", {2, 1}, {3, 4}},
}

for _, case in ipairs(CASES) do
  local shapes = {table.unpack(case, 2)}
  local names = {}
  for i, shape in ipairs(shapes) do names[i] = "(" .. table.concat(shape, ",") .. ")" end
  t.test(case[1] .. " of " .. table.concat(names, " "), function()
    embla.manual_seed(1)
    local tensors = {}
    for i, shape in ipairs(shapes) do
      tensors[i] = #shape == 0 and embla.tensor(1.5) or embla.randn(table.unpack(shape))
    end
    check_against_loops(case[1], tensors)
  end)
end

t.test("without an arrow the letters that occur once make the result", function()
  local a, b = embla.tensor{{1.0, 2}, {3, 4}}, embla.tensor{{5.0, 6}, {7, 8}}
  t.equal(embla.einsum("ij,jk", a, b):tolist(), {{19.0, 22.0}, {43.0, 50.0}})
  t.equal(embla.einsum("ba", a):tolist(), {{1.0, 3.0}, {2.0, 4.0}})
  t.equal(embla.einsum("ii", a):item(), 5.0)
end)

t.test("an ellipsis stands for dims that are broadcast", function()
  embla.manual_seed(2)
  local a, b = embla.randn(2, 1, 3, 4), embla.randn(5, 4, 2)
  t.close(embla.einsum("...ij,...jk->...ik", a, b), a:matmul(b), 1e-5, 1e-6)
  t.close(embla.einsum("...ij,...jk", a, b), a:matmul(b), 1e-5, 1e-6)
  t.close(embla.einsum("i...->...", b), b:sum(0), 1e-5, 1e-6)
end)

t.test("gradients flow to all operands", function()
  local function f(a, b, c) return embla.einsum("ij,jk,ik->i", a, b, c) end
  local inputs = {}
  for i, shape in ipairs {{2, 3}, {3, 4}, {2, 4}} do
    inputs[i] = embla.randn(shape[1], shape[2], {dtype = "float64"}):requires_grad_()
  end
  local outputs = f(table.unpack(inputs))
  outputs:sum():backward()
  local a, b, c = inputs[1]:detach(), inputs[2]:detach(), inputs[3]:detach()
  t.close(inputs[1].grad, c:matmul(b:t()), 1e-12, 1e-12)
  t.close(inputs[2].grad, a:t():matmul(c), 1e-12, 1e-12)
  t.close(inputs[3].grad, a:matmul(b), 1e-12, 1e-12)
end)

t.test("bad equations are refused", function()
  local a, v = embla.ones(2, 3), embla.ones(4)
  local function refused(part, ...)
    local ok, message = pcall(embla.einsum, ...)
    t.equal(ok, false)
    if not message:find(part, 1, true) then t.equal(message, part) end
  end
  refused("has 2 terms, given 1 tensors", "ij,j->i", a)
  refused("'ijk' names 3 dims, operand 1 has 2", "ijk->i", a)
  refused("'i' names 1 dims, operand 1 has 2", "i->i", a)
  refused("'j' stands for sizes 3 and 4", "ij,j->i", a, v)
  refused("the result's 'k' is in no operand", "ij->k", a)
  refused("the result has 'i' twice", "ij->ii", a)
  refused("'i' stands for sizes 2 and 3", "ii->i", a)
  refused("'1' is neither a letter nor an ellipsis", "i1->i", a)
  refused("operand 2: expected Tensor", "ij,j->i", a, 3)
  refused("argument equation: expected string", a)
  refused("'i' stands for sizes 2 and 4", "ij,i->ij", a, v)
end)

t.finish()

-- Sums of products written with letters: einsum("ij,jk->ik", a, b).

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local op = core.ops

-- ---- the equation ----------------------------------------------------------------------------------------------

-- "ab...c" as {"a", "b", "...2", "...1", "c"}; an ellipsis stands for `hidden` dims, numbered from the last.
local function letters(text, hidden)
  local list, rest = {}, text
  while rest ~= "" do
    if rest:find "^%.%.%." then
      for k = hidden, 1, -1 do list[#list + 1] = "..." .. k end
      rest = rest:sub(4)
    elseif rest:find "^%a" then
      list[#list + 1] = rest:sub(1, 1)
      rest = rest:sub(2)
    else
      raise("einsum: equation: '%s' is neither a letter nor an ellipsis", rest:sub(1, 1))
    end
  end
  return list
end

-- Letters of each operand, one a dim, and the most dims an ellipsis stands for.
local function read_operands(terms, tensors)
  local lists, most = {}, 0
  for i, term in ipairs(terms) do
    local hidden = tensors[i]:dim() - #letters(term, 0)
    if hidden < 0 or (hidden > 0 and not term:find("...", 1, true)) then
      raise("einsum: equation: '%s' names %d dims, operand %d has %d", term, #letters(term, 0), i, tensors[i]:dim())
    end
    if select(2, term:gsub("%.%.%.", "")) > 1 then raise("einsum: equation: '%s' has more than one ellipsis", term) end
    lists[i] = letters(term, hidden)
    if term:find("...", 1, true) then most = math.max(most, hidden) end
  end
  return lists, most
end

-- Without "->": ellipsis dims, then the letters that occur once, in alphabetical order.
local function implied_result(lists, hidden)
  local count, result, once = {}, {}, {}
  for _, list in ipairs(lists) do
    for _, letter in ipairs(list) do count[letter] = (count[letter] or 0) + 1 end
  end
  for k = hidden, 1, -1 do result[#result + 1] = "..." .. k end
  for letter, n in pairs(count) do
    if n == 1 and #letter == 1 then once[#once + 1] = letter end
  end
  table.sort(once)
  table.move(once, 1, #once, #result + 1, result)
  return result
end

local function position(list, letter)
  for i, l in ipairs(list) do
    if l == letter then return i end
  end
end

local function check_result(result, lists)
  for i, letter in ipairs(result) do
    local found = false
    for _, list in ipairs(lists) do found = found or position(list, letter) end
    if not found then raise("einsum: equation: the result's '%s' is in no operand", letter) end
    if position(result, letter) ~= i then raise("einsum: equation: the result has '%s' twice", letter) end
  end
end

-- ---- one operand -----------------------------------------------------------------------------------------------

-- A letter that stands twice means the diagonal of its dims, which becomes the last dim.
local function take_diagonals(t, list)
  list = {table.unpack(list)}
  for i = #list, 1, -1 do
    local first = position(list, list[i])
    if first and first < i then
      if t:size(first - 1) ~= t:size(i - 1) then
        raise("einsum: '%s' stands for sizes %d and %d", list[i], t:size(first - 1), t:size(i - 1))
      end
      local letter = list[i]
      t = op.diagonal(t, 0, first - 1, i - 1)
      table.remove(list, i)
      table.remove(list, first)
      list[#list + 1] = letter
      return take_diagonals(t, list)
    end
  end
  return t, list
end

-- Sums over the letters that nobody else needs.
local function sum_unneeded(t, list, needed)
  local dims, kept = {}, {}
  for i, letter in ipairs(list) do
    if needed[letter] then
      kept[#kept + 1] = letter
    else
      dims[#dims + 1] = i - 1
    end
  end
  if #dims > 0 then t = op.sum(t, dims) end
  return t, kept
end

local function reorder(t, list, order)
  local dims, moved = {}, false
  for i, letter in ipairs(order) do
    dims[i] = position(list, letter) - 1
    moved = moved or dims[i] ~= i - 1
  end
  return moved and op.permute(t, dims) or t
end

-- ---- two operands ----------------------------------------------------------------------------------------------

local function set_of(...)
  local set = {}
  for _, list in ipairs {...} do
    for _, letter in ipairs(list) do set[letter] = true end
  end
  return set
end

-- Letters of `list` sorted by what the product does with them.
local function sort_letters(list, other, result)
  local batch, own, summed = {}, {}, {}
  for _, letter in ipairs(list) do
    local kind = not other[letter] and own or result[letter] and batch or summed
    kind[#kind + 1] = letter
  end
  return batch, own, summed
end

local function size_of(t, list, letters_of)
  local n, sizes = 1, {}
  for i, letter in ipairs(letters_of) do
    sizes[i] = t:size(position(list, letter) - 1)
    n = n * sizes[i]
  end
  return n, sizes
end

local function concat(...)
  local all = {}
  for _, list in ipairs {...} do table.move(list, 1, #list, #all + 1, all) end
  return all
end

-- A summed letter of size 1 on one side only is repeated.
local function match_sizes(a, la, b, lb, summed)
  for _, letter in ipairs(summed) do
    local i, k = position(la, letter), position(lb, letter)
    local m, n = a:size(i - 1), b:size(k - 1)
    if m ~= n and m ~= 1 and n ~= 1 then raise("einsum: '%s' stands for sizes %d and %d", letter, m, n) end
    local function widen(t, at, size)
      local sizes = {}
      for d = 1, t:dim() do sizes[d] = d == at and size or -1 end
      return op.expand(t, sizes)
    end
    if m < n then a = widen(a, i, n) elseif n < m then b = widen(b, k, m) end
  end
  return a, b
end

local function multiply(a, la, b, lb, needed)
  local batch, left, summed = sort_letters(la, set_of(lb), needed)
  local _, right = sort_letters(lb, set_of(la), needed)
  a, b = match_sizes(a, la, b, lb, summed)
  local _, batch_a = size_of(a, la, batch)
  local _, batch_b = size_of(b, lb, batch)
  for i, letter in ipairs(batch) do
    if batch_a[i] ~= batch_b[i] and batch_a[i] ~= 1 and batch_b[i] ~= 1 then
      raise("einsum: '%s' stands for sizes %d and %d", letter, batch_a[i], batch_b[i])
    end
  end
  local m, left_sizes = size_of(a, la, left)
  local n, right_sizes = size_of(b, lb, right)
  local k = size_of(a, la, summed)
  local x = op.reshape(reorder(a, la, concat(batch, left, summed)), concat(batch_a, {m, k}))
  local y = op.reshape(reorder(b, lb, concat(batch, summed, right)), concat(batch_b, {k, n}))
  local product = op.matmul(x, y)
  local sizes = concat(product.shape)
  sizes[#sizes], sizes[#sizes - 1] = nil, nil
  sizes = concat(sizes, left_sizes, right_sizes)
  return #sizes > 0 and op.reshape(product, sizes) or op.squeeze(product), concat(batch, left, right)
end

-- Letters that the result or an operand from number `from` on needs.
local function needed_from(lists, from, result)
  return set_of(result, table.unpack(lists, from))
end

local function split_equation(equation)
  local text = equation:gsub("%s", "")
  local left, right = text:match "^(.-)%->(.*)$"
  local terms = {}
  for term in ((left or text) .. ","):gmatch "([^,]*)," do terms[#terms + 1] = term end
  return terms, right
end

--- Sums of products: letters name dims; those missing in the result are summed over, and one that stands twice in an
-- operand means its diagonal. "..." stands for dims that are broadcast.
-- @param equation text as "bij,bjk->bik"; without "->": the letters that occur once, in alphabetical order
-- @param ...      tensors, one a term of the equation, or a table of them
-- @return Tensor
-- @raise if the equation does not fit the tensors
local function einsum(equation, ...)
  local tensors = {...}
  if #tensors == 1 and type(tensors[1]) == "table" then tensors = tensors[1] end
  if type(equation) ~= "string" then
    raise("einsum: argument equation: expected string, got %s", options.show(equation))
  end
  local terms, right = split_equation(equation)
  if #terms ~= #tensors then
    raise("einsum: equation '%s' has %d terms, given %d tensors", equation, #terms, #tensors)
  end
  for i, t in ipairs(tensors) do
    if not core.is_tensor(t) then raise("einsum: argument operand %d: expected Tensor, got %s", i, options.show(t)) end
  end
  local lists, hidden = read_operands(terms, tensors)
  local result = right and letters(right, hidden) or implied_result(lists, hidden)
  check_result(result, lists)
  local operands = {}
  for i, t in ipairs(tensors) do operands[i], lists[i] = take_diagonals(t, lists[i]) end
  local t, list = operands[1], lists[1]
  for i = 2, #operands do
    local needed = needed_from(lists, i + 1, result)
    local a, la = sum_unneeded(t, list, needed_from(lists, i, result))
    local b, lb = sum_unneeded(operands[i], lists[i], set_of(list, result, table.unpack(lists, i + 1)))
    t, list = multiply(a, la, b, lb, needed)
  end
  t, list = sum_unneeded(t, list, set_of(result))
  return reorder(t, list, result)
end

return einsum

-- Every elementwise operation at special values, forward and backward, in both dtypes: against the table beside this
-- file, with each value in each place of a vector and of what is left over behind the last whole one.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local special = require "lua.tensor.special_values"

local LENGTH, SHIFTS = 37, 17                  -- two vectors of 16 floats and a rest of 5; shifted past a whole vector

local NUMBERS = {
  float32 = {M = 0x1.fffffep127, m = 0x1p-126, s = 0x1p-149, L = 1e20},
  float64 = {M = 0x1.fffffffffffffp1023, m = 0x1p-1022, s = 0x1p-1074, L = 1e200},
}
local RELATIVE, ABSOLUTE = {float32 = 3e-6, float64 = 1e-12}, {float32 = 0x1p-148, float64 = 0x1p-1073}
local NO_SLOPE = "-"

local function number(word, dtype)
  local sign, letter = word:match "^(%-?)([INMmsL])$"
  if word == NO_SLOPE then return nil end
  if not letter then return tonumber(word) * 1.0 end
  local x = letter == "I" and 1 / 0 or letter == "N" and 0 / 0 or NUMBERS[dtype][letter]
  return sign == "-" and -x or x
end

-- Values by the sign of zero too, slopes not.
local function same(got, want, dtype, by_sign)
  if want ~= want then return got ~= got end
  if got == want then return not by_sign or want ~= 0 or 1 / got == 1 / want end
  return want - want == 0 and want ~= 0
         and math.abs(got - want) <= RELATIVE[dtype] * math.abs(want) + ABSOLUTE[dtype]
end

local function check(what, got, want, dtype, by_sign)
  if not same(got, want, dtype, by_sign) then
    t.fail(("%s of %s is %s, want %s"):format(what, dtype, t.show(got), t.show(want)))
  end
end

-- "0 1 2, 1 3 4" as {{0, 1, 2}, {1, 3, 4}}; nil for a slope that there is not.
local function read(text, dtype, list)
  for entry in (text or ""):gmatch "[^,]+" do
    local row = {}
    for word in entry:gmatch "%S+" do row[#row + 1] = number(word, dtype) end
    list[#list + 1] = row
  end
  return list
end

-- A leaf of LENGTH elements: column `c` of the points, which come again and again, from one further on each time.
local function arranged(points, c, shift, dtype)
  local list = {}
  for i = 1, LENGTH do list[i] = points[(i + shift) % #points + 1][c] end
  return embla.tensor(list, dtype):requires_grad_()
end

-- Calls f with the first columns of the points; what follows these are the value and the slopes.
local function compare(name, points, columns, f, dtype)
  for shift = 0, math.max(SHIFTS, #points - LENGTH + 1) do
    local leaves, grads = {}, {}
    for c = 1, columns do leaves[c] = arranged(points, c, shift, dtype) end
    local y = f(table.unpack(leaves))
    local values = y:to(dtype):tolist()
    if y.requires_grad then y:sum():backward() end
    for c = 1, columns do grads[c] = leaves[c].grad and leaves[c].grad:tolist() end
    for i = 1, LENGTH do
      local point = points[(i + shift) % #points + 1]
      local where = name .. "(" .. table.concat(point, ", ", 1, columns) .. ")"
      check(where, values[i], point[columns + 1], dtype, true)
      for c = 1, columns do
        local want = point[columns + 1 + c]
        if want then check("slope " .. c .. " of " .. where, grads[c][i], want, dtype) end
      end
    end
  end
end

for _, row in ipairs(special.of_one) do
  local name, rest = row[1], row[2]
  t.test(name .. "(x, " .. t.show(rest) .. ")", function()
    for dtype in pairs(NUMBERS) do
      local points = read(row[dtype], dtype, read(row.both, dtype, {}))
      compare(name, points, 1, function(x) return embla.F[name](x, table.unpack(rest)) end, dtype)
    end
  end)
end

local POINTS = {0.0, -0.0, 1.0, -1.0, 2.5, -2.5, 1 / 0, -1 / 0, 0 / 0}

for _, row in ipairs(special.of_two) do
  local name, rest = row[1], row[2]
  t.test(name .. "(x, y, " .. t.show(rest) .. ")", function()
    for dtype in pairs(NUMBERS) do
      local points = read(row[3], dtype, {})
      t.equal(#points, #POINTS * #POINTS)
      for k, point in ipairs(points) do
        table.insert(point, 1, POINTS[(k - 1) // #POINTS + 1])
        table.insert(point, 2, POINTS[(k - 1) % #POINTS + 1])
      end
      compare(name, points, 2, function(x, y) return embla.F[name](x, y, table.unpack(rest)) end, dtype)
    end
  end)
end

t.finish()

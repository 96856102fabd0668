-- nn.Conv1d against a loop written out, and what is refused.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local naive = require "support.naive"
local embla = require "embla"
local nn, F = embla.nn, embla.F

-- What a row of the input holds at position i, outside of 0 .. T-1 too.
local AT = {
  zeros = function(row, i) return row[i + 1] or 0 end,
  replicate = function(row, i) return row[math.max(0, math.min(#row - 1, i)) + 1] end,
  circular = function(row, i) return row[i % #row + 1] end,
  reflect = function(row, i) return row[(i < 0 and -i or i >= #row and 2 * (#row - 1) - i or i) + 1] end,
}

local function compare(C, O, K, T, options, before, behind)
  options.dtype = "float64"
  local layer, x = nn.Conv1d(C, O, K, options), embla.randn(2, C, T, {dtype = "float64"})
  local o = {stride = layer.stride, dilation = layer.dilation, groups = layer.groups, before = before,
             behind = behind or before}
  local bias = layer.bias and layer.bias:detach():tolist()
  local want = {}
  for n = 0, 1 do
    want[n + 1] = naive.conv1d(x[n]:tolist(), layer.weight:detach():tolist(), bias, o, AT[layer.padding_mode])
  end
  t.close(layer(x):detach(), want, 1e-10, 1e-12)
  t.close(layer(x[1]):detach(), want[2], 1e-10, 1e-12)
end

t.test("Conv1d is its loop", function()
  embla.manual_seed(3)
  compare(2, 3, 3, 7, {}, 0)
  compare(4, 6, 2, 9, {stride = 3, padding = 2, dilation = 2, groups = 2}, 2)
  compare(3, 3, 3, 5, {groups = 3, bias = false, padding = "valid"}, 0)
  compare(2, 2, 4, 6, {padding = "same"}, 1, 2)
  compare(2, 2, 2, 6, {padding = "same", dilation = 3}, 1, 2)
end)

t.test("other paddings than zeros", function()
  for _, mode in ipairs {"reflect", "replicate", "circular"} do
    compare(2, 3, 3, 5, {padding = 2, padding_mode = mode, stride = 2}, 2)
    compare(2, 3, 4, 5, {padding = "same", padding_mode = mode}, 1, 2)
    compare(2, 3, 4, 5, {padding = "valid", padding_mode = mode}, 0)
  end
end)

t.test("F.conv1d reads its options by position and by name", function()
  local x, w = embla.randn(1, 2, 6), embla.randn(3, 2, 3)
  t.same_bits(F.conv1d(x, w, nil, 1, "same"), F.conv1d(x, w, {padding = 1}))
  t.same_bits(F.conv1d(x, w, {bias = embla.ones(3), stride = 2}), F.conv1d(x, w, embla.ones(3), 2))
  t.raises(function() F.conv1d(x, w, nil, 1, "full") end, "conv1d", '"full"')
  t.raises(function() F.conv1d(x, w, nil, 2, "same") end, "conv1d", "stride = 1", "2")
  t.raises(function() F.conv1d(x, w:select(0, 0), {padding = "same"}) end, "conv1d", "(O, C / groups, K)", "(2, 3)")
end)

t.test("weights lie within their bounds and travel", function()
  local a, b, x = nn.Conv1d(4, 8, 4, {groups = 2}), nn.Conv1d(4, 8, 4, {groups = 2}), embla.randn(1, 4, 5)
  t.equal(a.weight.shape, {8, 2, 4})
  for _, weight in ipairs(a:parameters()) do t.equal(weight:detach():abs():max():item() <= 1 / math.sqrt(8), true) end
  b:load_state_dict(a:state_dict())
  t.same_bits(b(x):detach(), a(x):detach())
end)

t.test("tostring", function()
  local options = {padding = 2, dilation = 2, groups = 2, bias = false, padding_mode = "reflect"}
  t.equal(tostring(nn.Conv1d(2, 4, 3, options)), "Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=(2,), "
          .. "dilation=(2,), groups=2, bias=False, padding_mode=reflect)")
  t.equal(tostring(nn.Conv1d(2, 4, {3}, {padding = "same"})),
          "Conv1d(2, 4, kernel_size=(3,), stride=(1,), padding=same)")
end)

t.test("what does not fit is refused", function()
  t.raises(function() nn.Conv1d(3, 4, 2, {groups = 2}) end, "Conv1d: 3 channels in and 4 out", "groups = 2")
  t.raises(function() nn.Conv1d(2, 2, 0) end, "Conv1d", "kernel_size", "> 0")
  t.raises(function() nn.Conv1d(2, 2, 3, {stride = 0}) end, "Conv1d: option stride", ">= 1", "0")
  t.raises(function() nn.Conv1d(2, 2, 3, {padding = "full"}) end, "Conv1d: option padding", '"same" or "valid"', "full")
  t.raises(function() nn.Conv1d(2, 2, 3, {padding = "same", stride = 2}) end, "Conv1d", "stride = 1")
  t.raises(function() nn.Conv1d(2, 2, 3)(embla.ones(1, 3, 5)) end, "conv1d", "2 channels", "has 3")
  t.raises(function() nn.Conv1d(2, 2, 3)(embla.ones(1, 2, 2)) end, "conv1d", "3 positions", "2")
  t.raises(function() nn.Conv1d(2, 2, 3, {padding = 3, padding_mode = "reflect"})(embla.ones(1, 2, 3)) end, "reflect")
  t.raises(function() nn.Conv1d(2, 2, 3, {padding = 1, padding_mode = "reflect"})(3) end, "Conv1d", "input", "3")
end)

t.finish()

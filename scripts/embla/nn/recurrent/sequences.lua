-- nn.utils.rnn: sequences of several lengths as one tensor, and back.

local core = require "embla.core"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local sequences = {}

local op = core.ops

-- All tensors of one dtype and one shape but for the first size.
local function check_list(caller, list)
  if type(list) ~= "table" or #list == 0 then
    raise("%s: argument tensors: expected a table of tensors, got %s", caller,
          type(list) == "table" and "an empty one" or options.show(list))
  end
  for i, t in ipairs(list) do
    if not core.is_tensor(t) or t:dim() == 0 then
      raise("%s: expected a tensor (T, *) at position %d, got %s", caller, i, options.show(t))
    end
    if table.concat(t.shape, ", ", 2) ~= table.concat(list[1].shape, ", ", 2) then
      raise("%s: the tensor at position %d has shape (%s), the first (%s): they may differ in the first size only",
            caller, i, table.concat(t.shape, ", "), table.concat(list[1].shape, ", "))
    end
  end
end

local pad_spec = options.spec("pad_sequence", {
  {name = "batch_first", type = "boolean", default = false, doc = "result (N, T, *), not (T, N, *)"},
  {name = "padding_value", type = "number", default = 0, doc = "what stands behind the shorter ones"},
})

--- Sequences of several lengths as one tensor. Layers take {lengths =} to pass over the padding.
-- @param tensors table of Tensors (T_n, *)
-- @param ...     the options, by position or by name
-- @return Tensor (T, N, *), T the largest length; (N, T, *) with batch_first
-- @raise unless all are tensors that differ in the first size only
function sequences.pad_sequence(tensors, ...)
  local o = pad_spec.arguments(...)
  check_list("pad_sequence", tensors)
  local T, padded = 0, {}
  for _, t in ipairs(tensors) do T = math.max(T, t:size(0)) end
  for i, t in ipairs(tensors) do
    local widths = {}
    for d = 1, 2 * t:dim() do widths[d] = 0 end
    widths[#widths] = T - t:size(0)
    padded[i] = op.pad(t, widths, "constant", o.padding_value)
  end
  return op.stack(padded, o.batch_first and 0 or 1)
end

local unpad_spec = options.spec("unpad_sequence", {
  {name = "batch_first", type = "boolean", default = false, doc = "padded is (N, T, *), not (T, N, *)"},
})

--- The sequences that pad_sequence put together.
-- @param padded  Tensor (T, N, *), or (N, T, *) with batch_first
-- @param lengths Tensor (N), or a table: steps of each
-- @param ...     the options, by position or by name
-- @return table of N Tensors (T_n, *), views
-- @raise if the lengths do not fit
function sequences.unpad_sequence(padded, lengths, ...)
  local samples_at = unpad_spec.arguments(...).batch_first and 0 or 1
  if not core.is_tensor(padded) or padded:dim() < 2 then
    raise("unpad_sequence: argument padded: expected a tensor (T, N, *), got %s", options.show(padded))
  end
  if core.is_tensor(lengths) then lengths = lengths:tolist() end
  local N, list = padded:size(samples_at), {}
  if type(lengths) ~= "table" or #lengths ~= N then
    raise("unpad_sequence: argument lengths: expected %d lengths, got %s", N, options.show(lengths))
  end
  for n, length in ipairs(lengths) do
    local T = padded:size(1 - samples_at)
    local whole = type(length) == "number" and math.tointeger(length)
    if not whole or whole < 0 or whole > T then
      raise("unpad_sequence: length %s at position %d is not an integer in 0 to %d", options.show(length), n - 1, T)
    end
    list[n] = padded:select(samples_at, n - 1):narrow(0, 0, whole)
  end
  return list
end

return lazy(sequences, "embla.nn.utils.rnn.", {})

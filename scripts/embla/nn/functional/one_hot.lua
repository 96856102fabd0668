-- Ids as rows with a single 1.

local core = require "embla.core"
local creation = require "embla.tensor.creation"
local dtypes = require "embla.arguments.dtypes"
local expect = require "embla.arguments.expect"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local F = {}

local one_hot_spec = options.spec("one_hot", {
  {name = "num_classes", type = "integer", default = -1, doc = "K; -1: the largest id and one"},
})

--- Ids as rows of zeros with a single 1.
-- @param ids Tensor (*) of an integer dtype, or a nested table of integers
-- @param ... the options, by position or by name
-- @return Tensor (*, K) int64
-- @raise if an id is negative or not below num_classes
function F.one_hot(ids, ...)
  local K = one_hot_spec.arguments(...).num_classes
  if type(ids) == "table" then ids = core.tensor(ids, nil, "one_hot: ids") end
  expect.tensor("one_hot", "ids", ids)
  if not dtypes.IS_INTEGER[ids.dtype] then
    raise("one_hot: argument ids: expected an integer dtype, got %s", ids.dtype)
  end
  if ids:numel() > 0 then
    local least, largest = ids:min():item(), ids:max():item()
    if K == -1 then K = largest + 1 end
    if least < 0 or largest >= K then
      raise("one_hot: id %d is out of range for num_classes = %d (ids count from 0)", least < 0 and least or largest, K)
    end
  end
  if K < 1 then raise("one_hot: option num_classes: expected integer > 0, got %d", K) end
  return core.ops.embedding(ids, creation.eye(K, "int64"))
end

return F

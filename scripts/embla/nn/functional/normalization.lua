-- Norms of layers, with arguments in PyTorch's order.

local core = require "embla.core"

local F = {}

-- PyTorch's order of arguments: the sizes stand before the weights.

--- (input - mean) / sqrt(var + eps) * weight + bias, mean and variance over the last dims.
-- @param input            Tensor (*, shape)
-- @param normalized_shape table of the last sizes
-- @param weight           Tensor (shape), or nil
-- @param bias             Tensor (shape), or nil
-- @param ...              eps = 1e-5, by position or by name
-- @return Tensor of input's shape
-- @raise if the last sizes of input are others
function F.layer_norm(input, normalized_shape, weight, bias, ...)
  return core.ops.layer_norm(input, weight, bias, normalized_shape, ...)
end

--- input / sqrt(mean(input^2) + eps) * weight, the mean over the last dims.
-- @param input            Tensor (*, shape)
-- @param normalized_shape table of the last sizes
-- @param weight           Tensor (shape), or nil
-- @param ...              eps, by position or by name; left out: the dtype's epsilon
-- @return Tensor of input's shape
-- @raise if the last sizes of input are others
function F.rms_norm(input, normalized_shape, weight, ...)
  return core.ops.rms_norm(input, weight, normalized_shape, ...)
end

--- (input - mean) / sqrt(var + eps) * weight + bias, mean and variance over a group of channels of one sample.
-- @param input      Tensor (N, C, *)
-- @param num_groups divides C
-- @param weight     Tensor (C), or nil
-- @param bias       Tensor (C), or nil
-- @param ...        eps = 1e-5, by position or by name
-- @return Tensor of input's shape
-- @raise if num_groups does not divide C
function F.group_norm(input, num_groups, weight, bias, ...)
  return core.ops.group_norm(input, weight, bias, num_groups, ...)
end

return F

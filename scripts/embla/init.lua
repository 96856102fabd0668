-- Embla: tensors, automatic differentiation, layers and optimizers on a parallel C core.

local arguments = require "embla.arguments.by_name"
local core = require "embla.core"
local autograd = require "embla.autograd"
local dtypes = require "embla.arguments.dtypes"
local lazy = require "embla.base.lazy"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local tensor = require "embla.tensor"

local embla = {
  autograd = autograd,
  no_grad = autograd.no_grad, enable_grad = autograd.enable_grad, is_grad_enabled = autograd.is_grad_enabled,
  grad = autograd.grad, scope = autograd.scope,
  manual_seed = core.manual_seed, initial_seed = core.initial_seed,
  set_num_threads = core.set_num_threads, get_num_threads = core.get_num_threads,
  is_tensor = core.is_tensor,
  help = require("embla.help").help,
  clock = core.clock,
  utils = lazy({checkpoint = require "embla.autograd.checkpoint"}, "embla.utils.", {}),
  version = core.version_text,
}

for name, f in pairs(tensor) do embla[name] = f end
embla.nn = require "embla.nn"
embla.F = embla.nn.functional
for name, f in pairs(embla.F) do
  if embla[name] == nil then embla[name] = f end
end
embla.log = require "embla.log"

--- What numbers with a fraction become, and new tensors and weights unless they are told: "float32" at first.
-- @param dtype "float32", "float64", "float16" or "bfloat16"
-- @raise for a dtype that is not of floats
function embla.set_default_dtype(dtype)
  if not dtypes.IS_FLOAT[dtype] then
    raise("set_default_dtype: argument dtype: expected one of float32, float64, float16, bfloat16, got %s",
          options.show(dtype))
  end
  core.set_default_dtype(dtype)
end

--- The dtype that set_default_dtype has set.
-- @return text
function embla.get_default_dtype() return core.get_default_dtype() end

--- 0, 1, … n-1, for a loop: for i in embla.range(n) do.
-- @param n integer
-- @return iterator
function embla.range(n)
  local i = -1
  return function()
    i = i + 1
    if i < n then return i end
  end
end

--- The state of the generator, for set_rng_state.
-- @return {seed, position}
function embla.get_rng_state() return {core.get_rng_state()} end

--- Puts the generator where it was.
-- @param state what get_rng_state returned
function embla.set_rng_state(state)
  local whole = type(state) == "table" and options.is_integer(state[1]) and options.is_integer(state[2])
  if not whole then
    raise("set_rng_state: argument state: expected what get_rng_state returned, got %s", options.show(state))
  end
  core.set_rng_state(state[1], state[2])
end

arguments.all(core.methods)                             -- those of gradients too

return lazy(embla, "embla.", {
  data = "data",
  io = "io",
  metrics = "metrics",
  optim = "optim",
  ["arguments.command_line"] = "args",
  ["data.progress"] = "progress",
  ["help.summary"] = "summary",
  ["io.checkpoint"] = "Checkpoint",
  ["io.load"] = "load",
  ["io.save"] = "save",
  search = "search",
  ["tensor.einsum"] = "einsum",
  kg = "kg",
  linalg = "linalg",
  ["linalg.pca"] = "pca",
  text = "text",
})

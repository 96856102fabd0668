-- optim.EMA: running averages of parameters.

local class = require "embla.base.class"
local core = require "embla.core"
local list_of = require("embla.base.list").of
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local two_steps = require "embla.base.two_steps"

--- An exponential moving average of parameters, for evaluating and keeping: often better than the last ones.
--
--   local ema = optim.EMA(net:parameters(), {decay = 0.999})
--   ... opt:step(); ema:update() ...
--   local loss = ema:averaged(function() return evaluate(net) end)
--
-- update() number n: average <- d average + (1 - d) p, where d = decay, or with warmup the smaller of decay and
-- (1 + n) / (10 + n), so that the start is soon forgotten. The averages begin as copies of the parameters.
-- Polyak, Juditsky 1992: Acceleration of stochastic approximation by averaging.
local EMA = class "EMA"

EMA.spec = options.spec("EMA", {
  {name = "decay", type = "number", default = 0.999, range = "[0, 1]", doc = "share that an update keeps"},
  {name = "warmup", type = "boolean", default = false, doc = "keep less, (1 + n) / (10 + n), in the first updates"},
})

-- The values of a parameter, which outlast a scope around the call.
local function own_copy(p) return core.handle(p:detach():clone()) end

--- Begins with copies of the parameters.
-- @param params sequence of tensors of float dtype
-- @param ...    the options, by position or by name
-- @raise for parameters or options that do not fit
function EMA:init(params, ...)
  local o = EMA.spec.arguments(...)
  if type(params) ~= "table" or #params == 0 then
    raise("EMA: params must be a sequence of tensors, got %s", options.show(params))
  end
  self.decay, self.warmup, self.num_updates = o.decay, o.warmup, 0
  self.params, self.averages = {}, {}
  local seen = {}
  for i, p in ipairs(params) do
    if not core.is_tensor(p) or not p.dtype:find "float" then
      raise("EMA: parameter %d must be a tensor of float dtype, got %s", i, options.show(p))
    elseif seen[p] then
      raise("EMA: some parameters appear more than once: parameter %d is also parameter %d", i, seen[p])
    end
    seen[p] = i
    self.params[i], self.averages[i] = p, own_copy(p)
  end
end

--- Takes the parameters as they are now into the averages: into all of them or, when one does not fit, into none.
-- @raise if a parameter has got another shape
function EMA:update()
  local decay, n = self.decay, self.num_updates + 1
  if self.warmup then decay = math.min(decay, (1 + n) / (10 + n)) end
  core.average(self, decay)
end

-- Copies of tensors are to go into others, whose shapes were seen before: all that can fail. What it returns does it.
local function prepare_copies(from, to)
  local copies = {}
  for i, tensor in ipairs(to) do copies[i] = {to = tensor:detach(), from = from[i]:detach():to(tensor.dtype)} end
  return function()
    for _, copy in ipairs(copies) do copy.to:copy_(copy.from) end
  end
end

local function copy_all(from, to) prepare_copies(from, to)() end

local function check_fit(self, name, argument, tensors)
  if type(tensors) ~= "table" or #tensors ~= #self.averages then
    raise("EMA: %s: argument %s: expected a sequence of %d tensors, got %s", name, argument, #self.averages,
          type(tensors) == "table" and "one of " .. #tensors or options.show(tensors))
  end
  for i, tensor in ipairs(tensors) do
    if not core.is_tensor(tensor) or tensor.is_sparse or not tensor.dtype:find "float" then
      raise("EMA: %s: tensor %d: expected a dense tensor of float dtype, got %s", name, i, options.show(tensor))
    end
    local shape, own = table.concat(tensor.shape, ", "), table.concat(self.averages[i].shape, ", ")
    if shape ~= own then raise("EMA: %s: tensor %d has shape (%s), its average (%s)", name, i, shape, own) end
  end
end

--- Copies the averages into parameters.
-- @param params sequence of tensors of the same shapes; by default those averaged
-- @raise if they do not fit
function EMA:copy_to(params)
  if params ~= nil then check_fit(self, "copy_to", "params", params) end
  copy_all(self.averages, params or self.params)
end

--- Sets copies of the parameters aside, for restore().
function EMA:store()
  self.stored = {}
  for i, p in ipairs(self.params) do self.stored[i] = own_copy(p) end
end

--- Puts back the parameters that store() set aside.
-- @raise if store() has not been called
function EMA:restore()
  if not self.stored then raise("EMA: restore: nothing was stored") end
  copy_all(self.stored, self.params)
  self.stored = nil
end

--- Exchanges parameters and averages; a second call exchanges them back.
function EMA:swap()
  local before = {}
  for i, p in ipairs(self.params) do before[i] = p:detach():clone() end
  copy_all(self.averages, self.params)
  copy_all(before, self.averages)
end

--- Calls a function while the parameters are the averages, and puts them back, also when it raises.
-- @param f   function
-- @param ... its arguments
-- @return what it returns
function EMA:averaged(f, ...)
  local meta = getmetatable(f)
  if type(f) ~= "function" and not (type(meta) == "table" and meta.__call) then
    raise("EMA: averaged: argument f: expected a function, got %s", options.show(f))
  end
  local _ <close> = core.keep_values(self.params)
  copy_all(self.averages, self.params)
  return f(...)
end

--- What is needed to go on from here: a snapshot.
-- @return {decay =, warmup =, num_updates =, averages = {...}}
function EMA:state_dict()
  local averages = {}
  for i, average in ipairs(self.averages) do averages[i] = average:clone() end
  return list_of {decay = self.decay, warmup = self.warmup, num_updates = self.num_updates, averages = averages}
end

function EMA:_prepare_load(dict)
  if type(dict) ~= "table" then
    raise("EMA: load_state_dict: argument dict: expected a table, got %s", options.show(dict))
  end
  local o = EMA.spec.read {decay = dict.decay, warmup = dict.warmup}
  check_fit(self, "load_state_dict", "dict.averages", dict.averages)
  local updates = type(dict.num_updates) == "number" and math.tointeger(dict.num_updates)
  if not updates or updates < 0 or updates >= 1 << 53 then
    raise("EMA: load_state_dict: num_updates: expected integer from 0 to 2^53 - 1, got %s",
          options.show(dict.num_updates))
  end
  local copy = prepare_copies(dict.averages, self.averages)
  return function()
    self.decay, self.warmup, self.num_updates = o.decay, o.warmup, updates
    copy()
  end
end

--- Goes on from what state_dict returned.
-- @param dict table
-- @raise if it does not fit the parameters; nothing is loaded then
function EMA:load_state_dict(dict) self:_prepare_load(dict)() end
two_steps.note(EMA)

return EMA

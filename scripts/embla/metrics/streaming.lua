-- Metrics of what comes batch by batch: update(…) takes what the function of that name takes, value() is what it gives
-- for all batches. A mean is summed; an order, as roc_auc asks for, needs all pairs, and those are kept.

local class = require "embla.base.class"
local classification = require "embla.metrics.classification"
local core = require "embla.core"
local expect = require "embla.arguments.expect"
local F = require("embla.tensor.operations").functional
local raise = require "embla.errors.raise"
local read = require "embla.metrics.read"
local regression = require "embla.metrics.regression"
local scores = require "embla.metrics.scores"

--- A metric that takes batches. A class that extends it says what one batch gives, how two of those become one, and
-- what all give: fields `_measure`, `_join` and `_result`.
local Metric = class "metrics.Metric"

--- Begins with nothing.
-- @param opt the options of the function of the same name
function Metric:init(opt)
  self.opt = opt
  self:reset()
end

--- Forgets all batches.
function Metric:reset() self.total = nil end

--- Takes one more batch; one that fails changes nothing.
-- @param ... what the function of the same name takes, without its options
-- @raise what that function raises
function Metric:update(...)
  local part = self._measure(self.opt, ...)
  self.total = self.total and self._join(self.total, part) or part
end

--- The metric of all batches since the last reset.
-- @return what the function of the same name returns
-- @raise if there was none
function Metric:value()
  if not self.total then raise("%s: nothing was given to update", self.__name) end
  return self._result(self.total)
end

local function metric(name, doc, measure, join, result)
  local cls = Metric:extend("metrics." .. name)
  rawset(cls, "doc", doc)
  rawset(cls, "_measure", measure)
  rawset(cls, "_join", join)
  rawset(cls, "_result", result)
  return cls
end

local function add(a, b) return {sum = a.sum + b.sum, n = a.n + b.n} end
local function quotient(all) return all.sum / all.n end

-- Of a function that gives a mean over its targets.
local function averaged(name, f)
  local doc = "The function of that name, batch by batch: the mean over all targets."
  return metric(name, doc, function(opt, input, target)
    local n = read.tensor(name, "target", target):numel()
    return {sum = n * f(input, target, opt), n = n}
  end, add, quotient)
end

-- Of a function that needs all pairs at once; `of_classes`: its targets are ids.
local function kept(name, f, of_classes)
  local doc = "The function of that name, batch by batch: keeps all that it is given."
  return metric(name, doc, function(_, input, target)
    local x = read.numbers(name, "input", input)
    local y = (of_classes and read.classes or read.numbers)(name, "target", target)
    read.same_length(name, x, y)
    return {core.handle(x:clone()), core.handle(y:clone())}                     -- outlast a scope around the call
  end, function(all, part) return table.move(part, 1, 2, #all + 1, all) end, function(all)
    local x, y = {}, {}
    for i = 1, #all, 2 do x[#x + 1], y[#y + 1] = all[i], all[i + 1] end
    return f(F.cat(x), F.cat(y))
  end)
end

return {
  Metric = Metric,
  Accuracy = averaged("Accuracy", classification.accuracy),
  LogLoss = averaged("LogLoss", scores.log_loss),
  MeanSquaredError = averaged("MeanSquaredError", regression.mean_squared_error),
  MeanAbsoluteError = averaged("MeanAbsoluteError", regression.mean_absolute_error),
  Mean = metric("Mean",
    "Mean of update(value, weight): numbers or tensors, and 1 by default.", function(_, value, weight)
    local n = expect.number("Mean", "weight", weight or 1)
    if n <= 0 or n ~= n then raise("Mean: argument weight: expected a number > 0, got %s", n) end
    local x = read.numbers("Mean", "value", type(value) == "number" and {value} or value)
    return {sum = x:sum():item() * n, n = #x * n}
  end, add, quotient),
  Confusion = metric("Confusion",
    "confusion_matrix batch by batch; num_classes must be told.", function(opt, input, target)
    if not (opt and opt.num_classes) then raise("Confusion: option num_classes is required (integer >= 1)") end
    return core.handle(classification.confusion_matrix(input, target, opt))
  end, function(a, b) return core.handle(a + b) end, function(counts) return counts end),
  RocAuc = kept("RocAuc", scores.roc_auc, true),
  AveragePrecision = kept("AveragePrecision", scores.average_precision, true),
  Pearson = kept("Pearson", regression.pearson),
  Spearman = kept("Spearman", regression.spearman),
  R2 = kept("R2", regression.r2),
}

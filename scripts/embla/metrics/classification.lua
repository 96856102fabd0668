-- Classes that were told: how many are right, what was taken for what.

local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local read = require "embla.metrics.read"

local classification = {}

local accuracy_spec = options.spec("accuracy", {
  {name = "k", type = "integer", default = 1, range = ">= 1", doc = "right is who is among the k highest scores"},
})

--- Share of the right ones: sum [target among the k best] / N. Of equal scores the class of the lower id comes first.
-- @param input  Tensor (N) of classes, or (N, C) of scores; lists do as well
-- @param target Tensor (N) of classes
-- @param ...    the options, by position or by name
-- @return number
-- @raise if there is nothing, a score is NaN, shapes differ or k is larger than C
function classification.accuracy(input, target, ...)
  local k = accuracy_spec.arguments(...).k
  local x = read.tensor("accuracy", "input", input)
  local y = read.classes("accuracy", "target", target, x:dim() == 2 and x:size(1) or nil)
  if x:dim() ~= 2 then
    x = read.classes("accuracy", "input", x)
    if k > 1 then raise("accuracy: option k: %d needs scores (N, C), got classes", k) end
  elseif k > x:size(1) then
    raise("accuracy: option k: %d is more than the %d classes", k, x:size(1))
  end
  read.same_length("accuracy", x, y)
  if x:dim() == 1 then return x:eq(y):double():mean():item() end
  local _, best = x:topk(k, 1)
  return best:eq(y:unsqueeze(1)):any(1):double():mean():item()
end

local confusion_spec = options.spec("confusion_matrix", {
  {name = "num_classes", type = "integer", range = ">= 1", doc = "how many there are; else the highest id tells"},
})

local function confusion(caller, input, target, n)
  local x, y = read.classes(caller, "input", input, n), read.classes(caller, "target", target, n)
  read.same_length(caller, x, y)
  n = n or math.max(x:max():item(), y:max():item()) + 1
  return (y * n + x):bincount {minlength = n * n}:view(n, n)
end

--- What was taken for what: row i, column j counts those of class i that were told as j.
-- @param input  Tensor (N) of classes told; a list does as well
-- @param target Tensor (N) of true classes
-- @param ...    the options, by position or by name
-- @return Tensor (C, C) int64
-- @raise if there is nothing, or a class lies outside
function classification.confusion_matrix(input, target, ...)
  return confusion("confusion_matrix", input, target, confusion_spec.arguments(...).num_classes)
end

local f1_spec = options.spec("precision_recall_f1", {
  {name = "average", choices = {"macro", "micro", "weighted", "none"}, default = "macro",
   doc = "mean of classes, all counts in one, mean by how often classes are true, or each class for itself"},
  {name = "num_classes", type = "integer", range = ">= 1", doc = "how many there are; else the highest id tells"},
})

-- a / b, and 0 for 0 / 0.
local function share(a, b) return a / b:clamp(1) end

--- Precision tp / (tp + fp), recall tp / (tp + fn) and F1 2 tp / (2 tp + fp + fn); 0 / 0 is 0. The macro mean goes over
-- the classes that occur in input or target.
-- @param input  Tensor (N) of classes told; a list does as well
-- @param target Tensor (N) of true classes
-- @param ...    the options, by position or by name
-- @return precision, recall, F1: numbers, or Tensors (C) for each class
-- @raise if there is nothing, or a class lies outside
function classification.precision_recall_f1(input, target, ...)
  local o = f1_spec.arguments(...)
  local counts = confusion("precision_recall_f1", input, target, o.num_classes):double()
  local right, told, true_ = counts:diagonal(), counts:sum(0), counts:sum(1)
  if o.average == "micro" then right, told, true_ = right:sum(), told:sum(), true_:sum() end
  local p, r, f = share(right, told), share(right, true_), share(right * 2, told + true_)
  if o.average == "none" then return p, r, f end
  local weights = o.average == "weighted" and true_ or (told + true_):gt(0):double()
  local function mean(x) return ((x * weights):sum() / weights:sum()):item() end
  return mean(p), mean(r), mean(f)
end

return classification

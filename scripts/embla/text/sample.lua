-- Drawing the next token from a language model's scores.

local core = require "embla.core"
local expect = require "embla.arguments.expect"
local F = require("embla.tensor.operations").functional
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local sample = {}

local rows = {
  {name = "temperature", type = "number", default = 1, range = ">= 0",
   doc = "what the scores are divided by: below 1, likely tokens become likelier; 0: the likeliest alone"},
  {name = "top_k", type = "integer", range = ">= 1", doc = "only so many of the likeliest are kept"},
  {name = "top_p", type = "number", range = "(0, 1]",
   doc = "then only the likeliest whose probabilities first sum up to so much"},
}

local function filter(caller, logits, o)
  local x = expect.dense(caller, "logits", logits):detach()
  if x:dim() == 0 or x:numel() == 0 or not x:is_floating_point() then
    raise("%s: argument logits: expected scores (..., V) of floats, got %s of %d dims and %d elements", caller, x.dtype,
          x:dim(), x:numel())
  end
  local best = x:amax(-1, true)
  if not best:isfinite():all():item() then
    raise("%s: argument logits: expected finite scores, or -inf for some tokens, in each row", caller)
  end
  x = x:float() - best:float()
  if o.temperature > 0 then x = x / o.temperature end
  local k = o.temperature == 0 and 1 or o.top_k or x:size(-1)
  local sorted, order = x:sort {dim = -1, descending = true}               -- of equal ones the first, as topk
  local place = core.arange("int64", 0, 1, x:size(-1))
  sorted = sorted:masked_fill(place:ge(k), -math.huge)
  if o.top_p then
    local p = sorted:softmax(-1)
    sorted = sorted:masked_fill((p:cumsum(-1) - p):ge(o.top_p):logical_and(place:gt(0)), -math.huge)
  end
  return F.scatter(x, -1, order, sorted)
end

local filter_spec, sample_spec = options.spec("filter_logits", rows), options.spec("sample", rows)

--- Scores over the temperature, less the greatest, -inf for tokens that are not to be drawn: softmax gives what sample
-- draws by. Of equal scores the lower id is kept.
-- @param logits Tensor (…, V) of scores before softmax
-- @param ...    the options, by position or by name
-- @return Tensor (…, V) float32
-- @raise if there is none, or a row holds NaN or infinity, or nothing else than -inf
function sample.filter_logits(logits, ...)
  return filter("filter_logits", logits, filter_spec.arguments(...))
end

--- Draws a token by softmax of the scores, from the generator behind manual_seed.
-- @param logits Tensor (…, V) of scores before softmax
-- @param ...    the options, by position or by name
-- @return Tensor (…) of ids int64
-- @raise if there is none, or a row holds NaN or infinity, or nothing else than -inf
function sample.sample(logits, ...)
  local x = filter("sample", logits, sample_spec.arguments(...))
  local shape = x.shape
  table.remove(shape)
  return F.multinomial(x:softmax(-1):reshape(-1, x:size(-1)), 1):reshape(shape)
end

return sample

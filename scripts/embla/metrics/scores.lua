-- Scores and probabilities: how well they order, and how likely they hold what is true.

local F = require("embla.tensor.operations").functional
local raise = require "embla.errors.raise"
local ranks = require "embla.metrics.ranks"
local read = require "embla.metrics.read"

local scores = {}

local function binary(caller, input, target)
  local x = read.numbers(caller, "input", input)
  local y = read.classes(caller, "target", target, 2):double()
  read.same_length(caller, x, y)
  return x, y, y:sum():item()
end

--- Area under the ROC curve, which is the share of pairs of a 1 and a 0 where the 1 has the higher score, equal scores
-- counting half: (sum of the ranks of the 1s - P (P + 1) / 2) / (P N).
-- @param input  Tensor (N) of scores; a list does as well
-- @param target Tensor (N) of 0 and 1
-- @return number
-- @raise if there is nothing, a score is NaN, or one class only
function scores.roc_auc(input, target)
  local x, y, P = binary("roc_auc", input, target)
  local N = #y - P
  if P == 0 or N == 0 then raise("roc_auc: argument target: only one class, there are no pairs to compare") end
  return ((ranks(x) * y):sum():item() - P * (P + 1) / 2) / (P * N)
end

--- Average precision: sum over thresholds n of (R_n - R_n-1) P_n, not interpolated; equal scores are one threshold.
-- @param input  Tensor (N) of scores; a list does as well
-- @param target Tensor (N) of 0 and 1
-- @return number
-- @raise if there is nothing, a score is NaN, or no target is 1
function scores.average_precision(input, target)
  local x, y, P = binary("average_precision", input, target)
  if P == 0 then raise("average_precision: argument target: expected at least one 1") end
  local _, group, counts = (-x):unique {return_inverse = true, return_counts = true}
  local right = group:bincount(y)
  return (right * right:cumsum(0) / counts:double():cumsum(0)):sum():item() / P
end

-- Column y[i] of each row i.
local function of_target(x, y) return x:gather(1, y:unsqueeze(1)):squeeze(1) end

--- Mean of -log of the probability of what is true; infinite if one of those is 0.
-- @param input  Tensor (N) of probabilities of class 1, or (N, C) of those of all, which sum to 1; a list does as well
-- @param target Tensor (N) of classes
-- @return number
-- @raise if there is nothing, or a row holds no probabilities (sums are checked to 1e-3)
function scores.log_loss(input, target)
  local p = read.tensor("log_loss", "input", input):double()
  if p:dim() == 1 then p = F.stack({1 - p, p}, 1) end
  if p:dim() ~= 2 then raise("log_loss: argument input: expected (N) or (N, C), got %d dims", p:dim()) end
  if p:lt(0):any():item() or (p:sum(1) - 1):abs():gt(1e-3):any():item() then
    raise("log_loss: argument input: expected probabilities, from 0 up, that sum to 1 in each row")
  end
  local y = read.classes("log_loss", "target", target, p:size(1))
  read.same_length("log_loss", p, y)
  return -of_target(p, y):log():mean():item()
end

--- exp of the mean over all tokens of -log softmax(input)[target]: between how many tokens, equally likely, the model
-- is in doubt.
-- @param input  Tensor (…, V) of scores before softmax; a list does as well
-- @param target Tensor (…) of ids
-- @return number
-- @raise if there is nothing, a score is NaN, or shapes differ
function scores.perplexity(input, target)
  local x = read.tensor("perplexity", "input", input):double()
  if x:dim() == 0 then raise("perplexity: argument input: expected (..., V), got a number") end
  x = x:reshape(-1, x:size(-1))
  local y = read.classes("perplexity", "target", target, x:size(1))
  read.same_length("perplexity", x, y)
  return math.exp(-of_target(x:log_softmax(1), y):mean():item())
end

return scores

-- BENCHMARKS.md's table of ratios, from what compare.lua found.
--
--     embla scripts/bench/markdown.lua ratios.csv [--threads 2] [--case NAME[,NAME…]]
--
-- Without --case the cases below, in their words; with it those, by name. A case that the file lacks, or that failed,
-- is left out.

package.path = (arg[0]:match "^.*/" or "./") .. "?.lua;" .. package.path
local arguments = require "arguments"
local results = require "results"

local set = arguments.read {threads = "number", case = "text"}
if #set ~= 1 then error("usage: markdown.lua ratios.csv [--threads N] [--case NAME,…]", 0) end

local CHOSEN = {
  {"start_to_first_result", "start of the program to its first result"},
  {"tiny_add", "sum of two tensors of 4 elements"},
  {"tiny_emb_fwd", "lookup of one id, through the module"},
  {"tiny_emb_step_sgd_sparse", "lookup, backward, sparse SGD step, 4 ids"},
  {"tiny_mlp_step_4x8_16_4_sgd", "step of a small network (4 x 8, 16, 4)"},
  {"emb_fwd/N1024/d64/V100k/uniform", "lookup, 1,024 uniform ids, 100,000 x 64"},
  {"emb_fwd/N8192/d128/V100k/uniform", "lookup, 8,192 uniform ids, 100,000 x 128"},
  {"emb_fwd/N65536/d128/V1M/uniform", "lookup, 65,536 uniform ids, 1,000,000 x 128"},
  {"emb_fwdbwd_dense/N8192/d128/V100k/uniform", "lookup and backward, dense gradient, 8,192 ids, 100,000 x 128"},
  {"step_sgd_sparse/N8192/d64/V100k/uniform", "step, sparse SGD, 8,192 uniform ids, 100,000 x 64"},
  {"step_adagrad_sparse/N8192/d64/V100k/uniform", "step, Adagrad, 8,192 uniform ids, 100,000 x 64"},
  {"step_adagrad_sparse/N8192/d64/V100k/zipf", "step, Adagrad, 8,192 Zipf ids, 100,000 x 64"},
  {"step_sparseadam/N8192/d64/V100k/uniform", "step, SparseAdam, 8,192 uniform ids, 100,000 x 64"},
  {"step_adagrad_sparse/N32/d64/V100k/uniform", "step, Adagrad, 32 uniform ids, 100,000 x 64"},
  {"step_adam_dense/N8192/d64/V1M/uniform", "step, Adam, dense gradient, 1,000,000 x 64"},
  {"bag_fwd_sum/B1024/L10/d64/V100k/uniform", "1,024 bags of 10 uniform ids, summed, 100,000 x 64"},
  {"bag_fwd_max/B1024/L10/d64/V100k/zipf", "1,024 bags of 10 Zipf ids, maximum"},
  {"bag_step_adagrad_sparse/B1024/L10/d64/V100k/uniform", "1,024 bags of 10 uniform ids, summed, step, Adagrad"},
  {"mf_step_adagrad_sparse/B8192/d64/U100k/I50k/mse", "matrix factorization step, 8,192 ratings, dim 64"},
  {"sgns_step_adagrad_sparse/B1024/K5/d100/V50k", "skip-gram step, 1,024 pairs, 5 negatives, dim 100"},
  {"sgns_step_adagrad_sparse/B8192/K5/d100/V50k", "skip-gram step, 8,192 pairs, 5 negatives, dim 100"},
  {"kge_distmult_step_adagrad_sparse/B1024/K64/d100/E14541", "DistMult step, 1,024 triples, 64 negatives, dim 100"},
  {"kge_complex_step_adagrad_sparse/B1024/K64/d100/E14541", "ComplEx step, 1,024 triples, 64 negatives, dim 100"},
  {"kge_transe_step_adagrad_sparse/B1024/K64/d100/E14541", "TransE step, 1,024 triples, 64 negatives, dim 100"},
  {"cross_entropy_fwdbwd/B128/C10k", "cross-entropy over 10,000 classes, batch 128, and backward"},
  {"matmul/1024x1024x1024", "matrix product, 1024 x 1024 x 1024"},
  {"linear_fwdbwd/B1024/128x128", "linear layer, 1024 x 128 to 128, and backward"},
  {"layer_norm_fwdbwd/B8192/d300", "layer norm, 8192 x 300, and backward"},
  {"lstm_fwdbwd/B32/T35/E200/H200/L2", "LSTM, 2 layers of 200, 32 x 35, and backward"},
  {"example_gpt_step", "step of `gpt.lua`"},
  {"example_char_lstm_step", "step of `char_lstm.lua`"},
}

local row_of, names = {}, {}
for _, row in ipairs(results.read(set[1])) do
  if row.threads == (set.threads or 2) and row.embla_seconds then
    row_of[row.case] = row
    names[#names + 1] = {row.case, "`" .. row.case .. "`"}
  end
end

local function show(row, words)
  print("| " .. table.concat({words, results.time(row.embla_seconds), results.time(row.peer_seconds),
    results.times(row.ratio), results.percent(row.share_of_limit), results.times(row.scaling)}, " | ") .. " |")
end

print("| case | Embla | PyTorch | ratio | of the limit | from 1 thread |")
print("|---|---|---|---|---|---|")
for _, entry in ipairs(set.case and names or CHOSEN) do
  local row = row_of[entry[1]]
  if row and arguments.chosen(entry[1], set.case) then show(row, entry[2]) end
end

-- metrics: how good predictions are. Predictions come first, then what is true, as in the losses of F.

local lazy = require "embla.base.lazy"

return lazy({}, "embla.metrics.", {
  classification = "accuracy confusion_matrix precision_recall_f1",
  ranking = "recall_at_k precision_at_k ndcg_at_k map_at_k mrr hits_at_k",
  regression = "mean_squared_error mean_absolute_error r2 pearson spearman",
  scores = "roc_auc average_precision log_loss perplexity",
  streaming = "Metric Accuracy LogLoss MeanSquaredError MeanAbsoluteError Mean Confusion RocAuc AveragePrecision " ..
              "Pearson Spearman R2",
})

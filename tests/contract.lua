-- The names of API.md, sections 2 to 5 and 10, which scripts may rely on. Each is a path: embla.zeros, t:size (a
-- method of tensors), t.shape (a field), nn.Linear, module:train, optimizer:step, scheduler:step, scope:keep, +x (an
-- operator).
-- `later` names what is not there yet; a name in it that exists fails the test.

local function words(prefix, text)
  local list = {}
  for word in text:gmatch "%S+" do list[#list + 1] = prefix .. word end
  return list
end

return {
  tensors = {
    words("embla.", [[tensor LongTensor IntTensor FloatTensor DoubleTensor BoolTensor ByteTensor
      zeros ones empty rand randn full arange linspace eye randint randperm bernoulli multinomial
      zeros_like ones_like rand_like randn_like full_like empty_like sparse_coo_tensor
      cat stack where einsum matmul set_printoptions range is_tensor
      manual_seed initial_seed get_rng_state set_rng_state set_num_threads get_num_threads help]]),
    words("t.", "shape dtype requires_grad is_leaf is_sparse grad data grad_fn"),
    words("t:", [[size dim numel stride is_contiguous item tolist type iter
      select narrow index_select gather masked_select
      index_add_ index_copy_ index_fill_ scatter_ scatter_add_ masked_fill_ copy_ fill_ zero_ add_ sub_ mul_ div_ clamp_
      normal_ uniform_ random_ index_put_ bernoulli_
      view reshape flatten unflatten unsqueeze squeeze transpose t permute contiguous expand expand_as tile chunk split
      unbind repeat_
      add sub mul div pow neg abs exp log log1p sqrt rsqrt sin cos tanh sigmoid relu clamp maximum minimum
      exp2 expm1 log2 log10 reciprocal tan asin acos atan sinh cosh erf erfc floor ceil round trunc frac sign square
      eq ne lt le gt ge logical_and logical_or logical_not where isnan isinf isfinite
      matmul mm bmm mv dot addmm outer
      sum mean prod max min argmax argmin amax amin std var norm logsumexp all any cumsum cumprod
      topk sort argsort unique bincount histc softmax log_softmax
      flip roll tril triu diag
      to float double long int bool half bfloat16 clone detach requires_grad_
      indices values nnz _nnz coalesce is_coalesced to_dense]]),
    {"+x", "x+y", "x-y", "x*y", "x/y", "x^y", "-x", "x//y", "x%y", "#x", "tostring(x)"},
  },
  autograd = {
    words("t:", "backward register_hook retain_grad detach_"),
    words("embla.", "grad no_grad enable_grad is_grad_enabled scope"),
    words("embla.autograd.", "gradcheck Function set_detect_anomaly detect_anomaly"),
    {"embla.utils.checkpoint", "scope:keep"},
  },
  nn = {
    words("nn.", [[Module Parameter Embedding EmbeddingBag Linear Bilinear Identity Sequential ModuleList ModuleDict
      Flatten ReLU LeakyReLU ELU SELU GELU SiLU Tanh Sigmoid Softplus Softmax LogSoftmax Dropout LayerNorm RMSNorm
      GroupNorm BatchNorm1d Conv1d RNN LSTM GRU MultiheadAttention TransformerEncoderLayer CosineSimilarity
      PairwiseDistance
      MSELoss L1Loss SmoothL1Loss HuberLoss NLLLoss CrossEntropyLoss BCELoss BCEWithLogitsLoss KLDivLoss
      MarginRankingLoss HingeEmbeddingLoss CosineEmbeddingLoss TripletMarginLoss MultiMarginLoss
      AdaptiveLogSoftmaxWithLoss]]),
    words("module:", [[parameters named_parameters buffers named_buffers children modules named_modules train eval
      zero_grad state_dict load_state_dict apply to requires_grad_ register_buffer register_parameter extend]]),
    words("nn.Embedding:", "from_pretrained freeze_rows resize"),
    words("F.", [[embedding embedding_bag one_hot embedding_dot embedding_distance scaled_dot_product_attention
      linear bilinear relu leaky_relu elu selu gelu silu tanh sigmoid softplus softmax log_softmax dropout layer_norm
      rms_norm group_norm batch_norm conv1d cosine_similarity pairwise_distance
      mse_loss l1_loss smooth_l1_loss huber_loss nll_loss cross_entropy binary_cross_entropy
      binary_cross_entropy_with_logits kl_div margin_ranking_loss hinge_embedding_loss cosine_embedding_loss
      triplet_margin_loss multi_margin_loss]]),
    words("nn.init.", [[normal_ uniform_ zeros_ ones_ constant_ xavier_uniform_ xavier_normal_ kaiming_uniform_
      kaiming_normal_ orthogonal_ trunc_normal_]]),
    words("nn.utils.", "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters "
          .. "consume_prefix_in_state_dict_if_present"),
    {"nn.utils.rnn.pad_sequence", "embla.summary"},
  },
  optim = {
    words("optim.", [[SGD Adam AdamW SparseAdam Adagrad RMSprop Adadelta Adamax NAdam RAdam RowWiseAdagrad Rprop ASGD
      LBFGS EMA]]),
    words("optimizer:", "step zero_grad add_param_group state_dict load_state_dict"),
    {"optimizer.param_groups"},
    words("optim.lr_scheduler.", [[StepLR MultiStepLR ExponentialLR CosineAnnealingLR LinearLR OneCycleLR LambdaLR
      ReduceLROnPlateau SequentialLR ChainedScheduler]]),
    words("scheduler:", "step get_last_lr state_dict load_state_dict"),
  },
  files = {{"embla.Checkpoint"}},
  records = {{"embla.log.Run"}},
  later = {},
}

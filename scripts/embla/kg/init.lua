-- kg: knowledge graphs. Triples (head, relation, tail) of ids, models that score them, training and ranks.

local lazy = require "embla.base.lazy"

return lazy({
  load = require "embla.kg.load",
}, "embla.kg.", {
  evaluate = "evaluate",
  models = "TransE DistMult ComplEx RotatE RESCAL SimplE",
  negatives = "Negatives",
  trainer = "Trainer",
})

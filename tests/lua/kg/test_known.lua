-- What a dataset's triples answer, by hand.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local core = require "embla.core"
local known = require "embla.kg.known"

t.test("tails by (head, relation), heads by (tail, relation)", function()
  local triples = embla.LongTensor {{0, 1, 2}, {0, 1, 1}, {2, 0, 1}}
  t.equal({known.columns(triples)},
          {embla.LongTensor {0, 0, 2}, embla.LongTensor {1, 1, 0}, embla.LongTensor {2, 1, 1}})
  t.equal(known.key(embla.LongTensor {0, 2}, embla.LongTensor {1, 0}, 2), embla.LongTensor {1, 4})
  local tails, heads = known.answers(triples, 2)
  t.equal({core.answers_list(tails, embla.LongTensor {1, 4})}, {embla.LongTensor {1, 2, 1}, embla.LongTensor {2, 3}})
  t.equal({core.answers_list(heads, embla.LongTensor {2})}, {embla.LongTensor {2}, embla.LongTensor {1}})
end)

t.finish()

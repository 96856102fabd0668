-- embla.metrics: what it holds.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"
local metrics = embla.metrics

t.test("another name is refused with the nearest", function()
  t.raises(function() return metrics.acuracy end, "embla.metrics has no 'acuracy', did you mean 'accuracy'?")
  t.equal(tostring(metrics.RocAuc), "class metrics.RocAuc")
end)

t.finish()

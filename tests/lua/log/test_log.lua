-- embla.log: the records, and still the logarithm.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local embla = require "embla"

t.test("the table has the run and the reader", function()
  local run = require "embla.log.run"
  t.equal(rawequal(embla.log.Run, run.Run), true)
  t.equal(tostring(embla.log.Run), "class log.Run")
  t.equal(type(embla.log.read), "function")
  t.raises(function() return embla.log.run end, "embla.log has no 'run', did you mean 'Run'?")
end)

t.test("called, it is the logarithm", function()
  t.close(embla.log(embla.tensor {1.0, math.exp(1)}), {0, 1})
  t.close(embla.log {input = embla.tensor {1.0}}, {0})
  t.raises(function() embla.log "x" end, "log: ")
end)

t.finish()

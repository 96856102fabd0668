-- The userdata that own what the core made: a vocabulary's, a corpus's.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"

t.test("a handle of another kind is refused", function()
  t.raises(function() core.vocab_add({}, "a", 1) end, "embla.core.Vocab expected, got table")
  t.raises(function() core.skipgram_start(core.vocab_new(), 0) end, "embla.core.SkipGram expected")
end)

t.test("what garbage owned is freed", function()
  collectgarbage()
  local blocks = select(4, core.memory())
  do
    local vocab = core.vocab_new()
    t.equal((core.vocab_info(vocab)), 0)
    t.equal(select(4, core.memory()) > blocks, true)
  end
  collectgarbage()
  t.equal(select(4, core.memory()), blocks)
end)

t.test("a handle is finalized once, and refused from then on", function()
  local vocab = core.vocab_new()
  local finalize = debug.getmetatable(vocab).__gc
  finalize(vocab)
  finalize(vocab)
  t.raises(function() core.vocab_info(vocab) end, "it was closed")
  t.raises(function() finalize(io.stdout) end, "embla.core.Vocab expected")
  t.equal(getmetatable(vocab), false)
end)

t.finish()

-- The Lua code of README.md runs.

package.path = (arg[0]:match("^(.-)tests/repo/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"

local file = assert(io.open("README.md", "rb"))
local text = file:read "a"
file:close()

local blocks = {}
for block in text:gmatch "```lua\n(.-)```" do blocks[#blocks + 1] = block end

-- All blocks as one script, as a reader would go through them.
t.test("the blocks run one after the other", function()
  t.equal(#blocks > 1, true)
  local env = setmetatable({print = function() end}, {__index = _G})
  assert(load(table.concat(blocks, "\n"), "=README.md", "t", env))()
end)

t.finish()

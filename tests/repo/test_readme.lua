-- The Lua code of README.md runs, in a folder of its own, where it finds the files that it reads.
--
--   cd FOLDER; embla SOURCES/tests/repo/test_readme.lua
local root = arg[0]:match "^(.-)tests/repo/" or ""
package.path = root .. "tests/?.lua;" .. package.path
local t = require "support.check"

local file = assert(io.open(root .. "README.md", "rb"))
local text = file:read "a"
file:close()

local function write(path, lines)
  local out <close> = assert(io.open(path, "wb"))
  out:write(table.concat(lines, "\n"), "\n")
end

local penguins = {"species,bill_length_mm,body_mass_g"}
for i = 1, 20 do penguins[i + 1] = ("%s,%.1f,%d"):format(i % 2 == 0 and "a" or "b", 40 + i / 3, 3000 + 50 * i) end
write("penguins.csv", penguins)
write("vectors.txt", {"8 2", "king 1 0", "queen 0.9 0.1", "man 0.7 -0.7", "woman 0.6 -0.5", "breakfast 0 1",
                      "cereal 0.2 1", "dinner 0.1 1.2", "lunch 0.1 0.9"})
write("questions-words.txt", {": family", "king queen man woman"})
os.execute "rm -rf runs"

local blocks = {}
for block in text:gmatch "```lua\n(.-)```" do blocks[#blocks + 1] = block end

-- All blocks as one script, as a reader would go through them.
t.test("the blocks run one after the other", function()
  t.equal(#blocks > 1, true)
  local env = setmetatable({print = function() end}, {__index = _G})
  assert(load(table.concat(blocks, "\n"), "=README.md", "t", env))()
end)

t.finish()

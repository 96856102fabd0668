-- Which room of the core calls which, from includes and from object files; ARCHITECTURE.md holds the table.
--
--   embla tests/repo/test_rooms.lua BUILD       the folder that the core was built in
package.path = (arg[0]:match("^(.-)tests/repo/") or "") .. "tests/?.lua;" .. package.path
local process = require "support.process"
local rooms = require "support.rooms"
local t = require "support.check"

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local ALLOWED = rooms.allowed(read "ARCHITECTURE.md")

local sources = {}
for path in process.run("find core -name '*.[ch]' -not -path 'core/include/*'"):gmatch "[^\n]+" do
  sources[path] = "\n" .. read(path)
end
local INCLUDES = rooms.includes(sources)
local SYMBOLS = process.run(("find %s/core -name '*.o' -exec nm -A -P {} +"):format(process.quote(arg[1])))
local CALLS = rooms.calls(SYMBOLS, sources)

local function none(found)
  if #found > 0 then t.fail(table.concat(found, "\n  ")) end
end

t.test("every room is in the table, and the table has no other", function()
  local there = {}
  for path in pairs(sources) do there[path:match "^core/(%l+)/"] = true end
  for room in pairs(there) do t.equal({room, ALLOWED[room] ~= nil}, {room, true}) end
  for room in pairs(ALLOWED) do t.equal({room, there[room]}, {room, true}) end
end)

t.test("rooms include only from rooms below", function()
  t.equal(#INCLUDES > 300, true)
  none(rooms.upward(INCLUDES, ALLOWED))
end)

t.test("rooms call only rooms below", function()
  t.equal(#CALLS > 1000, true)
  none(rooms.upward(CALLS, ALLOWED))
end)

t.test("arrows between rooms and between families of operations make no circle", function()
  for room, others in pairs(ALLOWED) do
    for other in pairs(others) do t.equal({room, other, ALLOWED[other][room]}, {room, other}) end
  end
  t.equal(rooms.circle(INCLUDES), nil)
  t.equal(rooms.circle(CALLS), nil)
end)

-- ---- what was planted is found ---------------------------------------------------------------------------------

local TABLE = "\n| `base` | one | |\n| `parallel` | two | `base` |\n| `ops` | three | `parallel` and below |\n"

t.test("the table: 'and below' takes in what that room may call", function()
  t.equal(rooms.allowed(TABLE), {base = {}, parallel = {base = true}, ops = {parallel = true, base = true}})
end)

t.test("a planted include upwards is found", function()
  local edges = rooms.includes {["core/base/file.c"] = '\n#include "base/status.h"\n#include "ops/sort/sort.h"\n'}
  t.equal(rooms.upward(edges, rooms.allowed(TABLE)),
    {"base/file.c includes ops/sort/sort.h: base may not call ops"})
end)

t.test("a planted call upwards is found, in whichever variant; objects of files that are gone do not count", function()
  local listing = [[
b/core/CMakeFiles/core.dir/base/file.c.o: em__stop U
b/core/CMakeFiles/core.dir/base/file.c.o: em__read T 0 10
b/core/CMakeFiles/core.dir/parallel/parallel.c.o: em__stop B 0 4
b/core/CMakeFiles/core.dir/parallel/parallel.c.o: em__read U
b/core/CMakeFiles/f32.dir/ops/sort/sort.c.o: em__read U
b/core/CMakeFiles/f32.dir/ops/sort/sort.c.o: memcpy U
b/core/CMakeFiles/f32.dir/parallel/gone.c.o: em__gone U
b/core/CMakeFiles/f32.dir/ops/sort/sort.c.o: em__gone T 0 10
]]
  local there = {["core/base/file.c"] = true, ["core/parallel/parallel.c"] = true, ["core/ops/sort/sort.c"] = true}
  local edges = rooms.calls(listing, there)
  t.equal(#edges, 3)
  t.equal(rooms.upward(edges, rooms.allowed(TABLE)),
    {"base/file.c calls em__stop of parallel/parallel.c: base may not call parallel"})
end)

t.test("a planted circle of families is found", function()
  local edges = rooms.includes {
    ["core/ops/index/index.c"] = '\n#include "ops/sort/sort_keys.h"\n',
    ["core/ops/sort/sort.c"] = '\n#include "ops/reduce/fold.h"\n',
    ["core/ops/reduce/scan.c"] = '\n#include "ops/index/axis_index.h"\n',
  }
  t.equal(rooms.circle(edges):find "^%l+ %-> %l+ %-> %l+ %-> %l+: ops/" ~= nil, true)
  edges[3] = nil
  t.equal(rooms.circle(edges), nil)
end)

t.test("a room that is not in the table is found", function()
  local edges = rooms.includes {["core/attic/old.c"] = '\n#include "base/status.h"\n'}
  t.equal(rooms.upward(edges, rooms.allowed(TABLE)), {"attic/old.c: no room of ARCHITECTURE.md"})
end)

t.finish()

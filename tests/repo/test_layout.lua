-- The rules about the sources that a machine can check: which room may call which, mirrors, names, the look of a line.
package.path = (arg[0]:match("^(.-)tests/repo/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"

-- ---- the sources -----------------------------------------------------------------------------------------------

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read("a")
end

-- Paths below the folders and files named, those with one of the endings.
local function find(where, ...)
  local endings = {}
  for _, ending in ipairs {...} do endings[#endings + 1] = ("-name '*.%s'"):format(ending) end
  local pipe <close> = assert(io.popen(("find %s -type f \\( %s \\)"):format(where, table.concat(endings, " -o "))))
  local paths = {}
  for path in pipe:lines() do paths[#paths + 1] = path end
  table.sort(paths)
  return paths
end

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local CORE = find("core", "c", "h", "def")
local BINDINGS = find("lua_bindings", "c", "h")
local SCRIPTS = find("scripts", "lua")
local OUR_TEXT = find("core lua_bindings scripts cmake .ci tests CMakeLists.txt CMakePresets.json embla",
  "c", "h", "def", "lua", "cmake", "txt", "json", "sh", "md")

-- Golden cases are data, taken as they came; the data of examples is one line a record.
local function is_data(path) return path:find("^tests/golden/") ~= nil or path:find("/data/", 1, true) ~= nil end

-- Fails with all that was found, not only the first.
local function none(found)
  if #found > 0 then t.fail(table.concat(found, "\n  ")) end
end

-- Calls visit(path, line, number) for each line of each file.
local function each_line(paths, visit)
  for _, path in ipairs(paths) do
    local number = 0
    for line in read(path):gmatch("([^\n]*)\n?") do
      number = number + 1
      visit(path, line, number)
    end
  end
end

-- C without comments and strings, so that words in them do not count as code; lines stay where they are.
local function code_of(text)
  local function blank(s) return (s:gsub("[^\n]", " ")) end
  return (text:gsub("/%*.-%*/", blank):gsub('"[^"\n]*"', '""'))
end

-- Places where a pattern stands in the code of the files, but for the paths in `allowed`.
local function code_with(paths, pattern, allowed)
  local found = {}
  for _, path in ipairs(paths) do
    if not (allowed and allowed[path]) then
      local number = 0
      for line in code_of(read(path)):gmatch("([^\n]*)\n?") do
        number = number + 1
        if line:find(pattern) then found[#found + 1] = ("%s:%d: %s"):format(path, number, line:match("^%s*(.*)$")) end
      end
    end
  end
  return found
end

-- ---- directions ------------------------------------------------------------------------------------------------

-- Rooms a room of the core may include from, besides itself.
local MAY_INCLUDE = {
  base = "",
  parallel = "base",
  random = "base parallel tensor",
  tensor = "base parallel",
  math = "base parallel tensor",
  ops = "base parallel random tensor math",
  autograd = "base parallel tensor ops",
  optim = "base parallel random tensor math",
  io = "base parallel random tensor",
  text = "base parallel random tensor math",
}

-- Doors in the other direction, each for a reason.
local DOORS = {
  ["core/ops/op.c autograd"] = "a call is noted down for backward",
  ["core/ops/inplace.c autograd"] = "so is a call in place",
  ["core/ops/node.c autograd"] = "what is noted down",
  ["core/optim/rule.c ops"] = "options of rules and of operations are described alike",
}

t.test("rooms of the core include only from rooms below", function()
  local found, used = {}, {}
  each_line(CORE, function(path, line, number)
    local room = path:match("^core/(%l+)/")
    local from = line:match('^#include "(%l+)/')
    if not from or from == room or room == "include" then return end
    local door = path .. " " .. from
    used[door] = true
    if DOORS[door] then return end
    if not MAY_INCLUDE[room] then
      found[#found + 1] = ("%s: a room this test does not know"):format(path)
    elseif not (" " .. MAY_INCLUDE[room] .. " "):find(" " .. from .. " ", 1, true) then
      found[#found + 1] = ("%s:%d: %s may not include from %s"):format(path, number, room, from)
    end
  end)
  for door in pairs(DOORS) do
    if not used[door] then found[#found + 1] = "a door nobody uses: " .. door end
  end
  none(found)
end)

t.test("the core knows no Lua", function()
  local found = {}
  each_line(CORE, function(path, line, number)
    if line:find("^#include [<\"]l[ua][ux]%a*%.h") or line:find("lua_State") then
      found[#found + 1] = path .. ":" .. number
    end
  end)
  none(found)
end)

t.test("the bindings enter the core by embla.h alone", function()
  local found = {}
  each_line(BINDINGS, function(path, line, number)
    local header = line:match('^#include "([^"]+)"')
    if header and header ~= "embla.h" and not exists("lua_bindings/" .. header) then
      found[#found + 1] = ("%s:%d: %s"):format(path, number, header)
    end
  end)
  none(found)
end)

-- ---- what the core leaves to others ----------------------------------------------------------------------------

t.test("memory of the core comes from its one allocator", function()
  none(code_with(CORE, "%f[%w_]%l*alloc%(", {["core/base/memory.c"] = true}))
  none(code_with(CORE, "%f[%w_]free%(", {["core/base/memory.c"] = true}))
end)

t.test("the core never prints, ends the process, or jumps", function()
  for _, name in ipairs {"v?f?printf", "puts", "fputs", "putchar", "exit", "_exit", "abort", "longjmp", "assert"} do
    none(code_with(CORE, "%f[%w_]" .. name .. "%("))
  end
end)

t.test("OpenMP is spoken in core/parallel", function()
  none(code_with(CORE, "#%s*pragma%s+omp", {["core/parallel/parallel.c"] = true, ["core/parallel/parallel.h"] = true}))
  none(code_with(CORE, "_Pragma", {["core/parallel/parallel.h"] = true}))
end)

-- ---- mirrors and names -----------------------------------------------------------------------------------------

-- Sources whose proof lies elsewhere, each for a reason.
local PROVED_ELSEWHERE = {
}

t.test("every source of the core has its test", function()
  local found = {}
  for _, path in ipairs(find("core", "c")) do
    local test = "tests/" .. path:gsub("([^/]+)$", "test_%1")
    if exists(test) and PROVED_ELSEWHERE[path] then found[#found + 1] = path .. " has a test after all" end
    if not exists(test) and not PROVED_ELSEWHERE[path] then found[#found + 1] = test .. " is missing" end
  end
  none(found)
end)

-- Tests about all sources of a kind.
local ABOUT_MANY = {
  ["tests/core/ops/test_gradients.c"] = "walks the table of operations",
  ["tests/core/ops/test_geometry.c"] = "walks the table of operations",
}

t.test("every test of the core has its source", function()
  local found = {}
  for _, path in ipairs(find("tests/core", "c")) do
    local source = path:gsub("^tests/", ""):gsub("test_([^/]+)$", "%1")
    local header = source:gsub("%.c$", ".h")
    local known = ABOUT_MANY[path] or exists(source) or exists(header)
    if path:find("/test_") and not known then found[#found + 1] = path end
  end
  none(found)
end)

t.test("tests of scripts lie in folders like theirs", function()
  local found = {}
  for _, path in ipairs(find("tests/lua", "lua")) do
    local folder = path:match "^tests/lua/(.+)/test_"
    if folder and not (exists("scripts/embla/" .. folder) or exists("scripts/" .. folder)) then
      found[#found + 1] = path
    end
  end
  none(found)
end)

t.test("a file is named for what it is about", function()
  local found = {}
  for _, path in ipairs(OUR_TEXT) do
    local name = path:match("([^/]+)%.%a+$") or path
    local known = path == "scripts/embla/nn/utils.lua" or path == "tests/lua/nn/test_utils.lua"     -- PyTorch's name
    for _, vague in ipairs {"utils?", "helpers?", "misc", "common", "stuff"} do
      local is_vague = name:find("^" .. vague .. "$") or name:find("_" .. vague .. "$")
      if is_vague and not known then found[#found + 1] = path end
    end
    if name:find("%u") and not path:find("%.md$") and not path:find("^cmake/") and name ~= "CMakeLists" and
        name ~= "CMakePresets" then
      found[#found + 1] = path .. ": a capital letter"
    end
  end
  none(found)
end)

-- ---- lines -----------------------------------------------------------------------------------------------------

t.test("lines are at most 120 wide, without tabs or blanks at the end", function()
  local found = {}
  each_line(OUR_TEXT, function(path, line, number)
    if is_data(path) then return end
    local at = ("%s:%d: "):format(path, number)
    if line:find("\t") then found[#found + 1] = at .. "a tab" end
    if line:find("[ \r]$") then found[#found + 1] = at .. "a blank at the end" end
    if (utf8.len(line) or #line) > 120 then found[#found + 1] = at .. (utf8.len(line) or #line) .. " wide" end
  end)
  none(found)
end)

t.test("files end with one newline", function()
  local found = {}
  for _, path in ipairs(OUR_TEXT) do
    local text = read(path)
    if not is_data(path) and (text:sub(-1) ~= "\n" or text:sub(-2) == "\n\n") then found[#found + 1] = path end
  end
  none(found)
end)

t.test("nothing names the machine it was written on", function()
  local found = {}
  for _, word in ipairs {"/ho" .. "me/", "/ro" .. "ot/", "/wo" .. "rk/", "/Us" .. "ers/"} do
    each_line(OUR_TEXT, function(path, line, number)
      if line:find(word, 1, true) then found[#found + 1] = ("%s:%d: %s"):format(path, number, word) end
    end)
  end
  none(found)
end)

t.test("scripts make no globals and print only where that is their purpose", function()
  local found = {}
  each_line(SCRIPTS, function(path, line, number)
    if line:find("^function [%w_]+%(") then found[#found + 1] = ("%s:%d: %s"):format(path, number, line) end
  end)
  none(found)
end)

-- ---- size, told but not judged ---------------------------------------------------------------------------------

local function report_long_files()
  for _, path in ipairs(OUR_TEXT) do
    local _, lines = read(path):gsub("\n", "")
    if lines > 500 and not is_data(path) then print(("long: %s, %d lines"):format(path, lines)) end
  end
end

local function report_long_functions()
  local start
  each_line(find("core lua_bindings", "c"), function(path, line, number)
    if line == "{" then start = number end
    if line == "}" and start then
      if number - start > 80 then print(("long: %s:%d, a function of %d lines"):format(path, start, number - start)) end
      start = nil
    end
  end)
end

report_long_files()
report_long_functions()
t.finish()

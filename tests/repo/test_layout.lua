-- The rules about the sources that a machine can check: what the core leaves to others, mirrors, names, the look of a
-- line. Which room may call which is test_rooms.lua's.
package.path = (arg[0]:match("^(.-)tests/repo/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local globals = require "support.globals"

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
  if #paths == 0 then error(("no files in %s: run this from the root of the sources"):format(where), 0) end
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
local function is_data(path) return path:find "^tests/golden/" ~= nil or path:find "^scripts/examples/data/" ~= nil end

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

-- C without comments and strings, so that words in them do not count as code; lines stay where they are, and those that
-- end in a backslash still do.
local function code_of(text)
  local function blank(s) return (s:gsub("[^\n\\]", " ")) end
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

-- ---- directions: see test_rooms.lua for those between the rooms of the core -----------------------------------

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
    if header and header ~= "embla.h" and not exists(path:match("^.*/") .. header) then
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

-- Scripts whose test stands under another name, each for a reason.
local SCRIPT_PROVED_BY = {
  ["scripts/embla/nn/functional/convolution.lua"] = "tests/lua/nn/layers/test_conv1d.lua",
  ["scripts/embla/nn/functional/dropout.lua"] = "tests/lua/nn/layers/test_dropout.lua",
  ["scripts/embla/errors/place.lua"] = "tests/lua/errors/test_raise.lua",      -- what leads a message
}

-- arguments/options.lua -> arguments/test_options.lua, data/init.lua -> data/test_data.lua.
local function test_of_script(path)
  local folder, name = path:match "^scripts/(.*)/([%w_]+)%.lua$"
  if name == "init" then name = folder:match "[%w_]+$" end
  return ("tests/lua%s/test_%s.lua"):format(folder:gsub("^embla", ""), name)
end

t.test("every script of the library has its test", function()
  local found, listed = {}, {}
  for _, path in ipairs(find("scripts/embla", "lua")) do
    local test, other = test_of_script(path), SCRIPT_PROVED_BY[path]
    listed[path] = true
    if exists(test) and other then found[#found + 1] = path .. " has a test after all" end
    if not exists(other or test) then found[#found + 1] = (other or test) .. " is missing" end
  end
  for path in pairs(SCRIPT_PROVED_BY) do
    if not listed[path] then found[#found + 1] = path .. " is gone" end
  end
  none(found)
end)

-- Bindings are proved by what scripts see of them: a test of Lua, or of the program, for each.
local BINDING_PROVED_BY = {
  ["lua_bindings/arguments.c"] = "tests/lua/test_arguments.lua",
  ["lua_bindings/box.c"] = "tests/lua/test_memory.lua",
  ["lua_bindings/callback.c"] = "tests/lua/autograd/test_callbacks.lua",
  ["lua_bindings/collector.c"] = "tests/lua/test_memory.lua",
  ["lua_bindings/element.c"] = "tests/lua/tensor/test_whole_numbers.lua",
  ["lua_bindings/errors.c"] = "tests/lua/errors/test_raise.lua",
  ["lua_bindings/handle.c"] = "tests/lua/text/test_handles.lua",
  ["lua_bindings/l_autograd.c"] = "tests/lua/autograd/test_autograd.lua",
  ["lua_bindings/l_corpus.c"] = "tests/lua/text/test_corpus.lua",
  ["lua_bindings/l_describe.c"] = "tests/lua/tensor/test_operations.lua",
  ["lua_bindings/l_file.c"] = "tests/lua/io/test_file.lua",
  ["lua_bindings/l_fields.c"] = "tests/lua/tensor/test_fields.lua",
  ["lua_bindings/l_formats.c"] = "tests/lua/io/test_format.lua",
  ["lua_bindings/l_function.c"] = "tests/lua/autograd/test_function.lua",
  ["lua_bindings/l_gradients.c"] = "tests/lua/nn/test_utils.lua",
  ["lua_bindings/l_hooks.c"] = "tests/lua/autograd/test_callbacks.lua",
  ["lua_bindings/l_index.c"] = "tests/lua/tensor/test_index.lua",
  ["lua_bindings/l_json.c"] = "tests/lua/io/test_json.lua",
  ["lua_bindings/l_kept.c"] = "tests/lua/io/test_save.lua",
  ["lua_bindings/l_kg.c"] = "tests/lua/kg/test_kg.lua",
  ["lua_bindings/l_lines.c"] = "tests/lua/io/test_jsonl.lua",
  ["lua_bindings/l_list_files.c"] = "tests/lua/io/test_io.lua",
  ["lua_bindings/l_modes.c"] = "tests/lua/autograd/test_modes.lua",
  ["lua_bindings/l_ops.c"] = "tests/lua/test_arguments.lua",
  ["lua_bindings/l_optim.c"] = "tests/lua/optim/test_optimizer.lua",
  ["lua_bindings/l_random.c"] = "tests/lua/tensor/test_sampling.lua",
  ["lua_bindings/l_search.c"] = "tests/lua/search/test_search.lua",
  ["lua_bindings/l_skipgram.c"] = "tests/lua/text/test_skipgram.lua",
  ["lua_bindings/l_sparse.c"] = "tests/lua/tensor/test_sparse.lua",
  ["lua_bindings/l_strings.c"] = "tests/lua/data/test_frame.lua",
  ["lua_bindings/l_system.c"] = "tests/lua/test_threads.lua",
  ["lua_bindings/l_tensor.c"] = "tests/lua/tensor/test_creation.lua",
  ["lua_bindings/l_vocab.c"] = "tests/lua/text/test_vocab.lua",
  ["lua_bindings/l_word2vec.c"] = "tests/lua/text/test_word2vec.lua",
  ["lua_bindings/l_subwords.c"] = "tests/lua/io/test_fasttext.lua",
  ["lua_bindings/l_walks.c"] = "tests/lua/data/test_graph.lua",
  ["lua_bindings/l_classifier.c"] = "tests/lua/text/test_classifier.lua",
  ["lua_bindings/module.c"] = "tests/lua/test_contract.lua",
  ["lua_bindings/nested_table.c"] = "tests/lua/tensor/test_creation.lua",
  ["lua_bindings/option.c"] = "tests/lua/arguments/test_described.lua",
  ["lua_bindings/owner.c"] = "tests/lua/autograd/test_cycles.lua",
  ["lua_bindings/running.c"] = "tests/fuzz/scenes.lua",
  ["lua_bindings/program/caps.c"] = "tests/program/test_caps.lua",
  ["lua_bindings/program/main.c"] = "tests/program/test_options.lua",
  ["lua_bindings/program/paths.c"] = "tests/program/test_install.sh",
  ["lua_bindings/program/prompt.c"] = "tests/program/test_prompt.lua",
  ["lua_bindings/program/repl.c"] = "tests/program/test_prompt.lua",
  ["lua_bindings/program/run.c"] = "tests/program/test_interrupt.lua",
}

t.test("every file of the bindings has a test that is about it", function()
  local found, listed = {}, {}
  for _, path in ipairs(find("lua_bindings", "c")) do
    local test = BINDING_PROVED_BY[path]
    listed[path] = true
    if not test then found[#found + 1] = path .. ": which test proves it?" end
    if test and not exists(test) then found[#found + 1] = test .. " is missing" end
  end
  for path in pairs(BINDING_PROVED_BY) do
    if not listed[path] then found[#found + 1] = path .. " is gone" end
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

-- Globals that a script sets, and what it shows its user by, each for a reason.
local MAY_SET = {
  ["scripts/bench/cases/examples.lua print"] = "examples are timed in silence",
  ["scripts/bench/cases/examples.lua arg"] = "examples are given arguments of their own",
}
local MAY_SHOW = {
  ["scripts/embla/help/init.lua print"] = "help() prints",
  ["scripts/embla/data/progress.lua io.stderr"] = "the progress of a loop",
  ["scripts/embla/io/checkpoint.lua io.stderr"] = "files that are damaged, or cannot be removed",
  ["scripts/embla/log/run.lua io.stderr"] = "a line an epoch",
  ["scripts/embla/arguments/command_line.lua io.stdout"] = "--help of a script prints",
}
local SHOWS = {print = true, warn = true, ["io.write"] = true, ["io.stdout"] = true, ["io.stderr"] = true, io = true}

-- What the text of a script does with globals that it may not do.
local function global_faults(path, text)
  local found = {}
  for _, use in ipairs(globals.of(text)) do
    local name = path .. " " .. (use.sets or use.reads)
    if use.sets and not MAY_SET[name] then
      found[#found + 1] = ("%s:%d: sets the global %s"):format(path, use.line, use.sets)
    end
    if path:find "^scripts/embla/" and SHOWS[use.reads] and not MAY_SHOW[name] then
      found[#found + 1] = ("%s:%d: calls %s"):format(path, use.line, use.reads)
    end
  end
  return found
end

t.test("scripts make no globals and print only where that is their purpose", function()
  local found = {}
  for _, path in ipairs(SCRIPTS) do table.move(global_faults(path, read(path)), 1, 99, #found + 1, found) end
  none(found)
end)

t.test("a print or a global in a script would be found", function()
  local path = "scripts/embla/planted.lua"
  for text, fault in pairs {
    ["local x = 1\nprint(x)"] = ":0: calls print",
    ["local f\nfunction f() return function() io.write 'x' end end"] = ":2: calls io.write",
    ["local out = io.stderr"] = ":0: calls io.stderr",
    ["local out = io"] = ":0: calls io",
    ["x = 1"] = ":0: sets the global x",
    ["local t = {}\nfunction helper() return t end"] = ":0: sets the global helper",
    ["local x\nlocal function f()\n  x, y = 1, 2\nend"] = ":2: sets the global y",
    ["local name = 'x'\n_ENV[name] = 1"] = ":0: sets the global _ENV",
  } do
    t.equal(global_faults(path, text), {path .. fault})
  end
  t.equal(global_faults(path, [[
    local print, x = nil, 2
    local function f() x = print end
    local t = {print = f, y = io.open, z = "print(x) y = 1"}     -- print(y) z = 1
    t.x, t.print = x, math.pi
    return t]]), {})
end)

-- ---- size ------------------------------------------------------------------------------------------------------

local LONGEST_MACRO, LONGEST_FUNCTION, LONGEST_FILE = 10, 80, 700     -- lines
local LONG_FILE = 500                                                 -- told, not judged

-- Lines of each macro of statements in a C text, as {number, name, lines}. A table is none: a macro without a `;` is a
-- list of rows, and what stands in the braces of an initializer (= {…}) is a descriptor, whose lines do not count.
local function macros_of(text)
  local found = {}
  local number, start, lines = 0, nil, {}
  for line in code_of(text):gmatch("([^\n]*)\n?") do
    number = number + 1
    if not start and line:find("^%s*#%s*define") then start, lines = number, {} end
    if start then
      lines[#lines + 1] = line
      if not line:find("\\%s*$") then
        local body = table.concat(lines, "\n"):gsub("=%s*%b{}", "= {}")
        local _, ends = body:gsub("\n", "")
        if body:find(";") then
          found[#found + 1] = {number = start, name = body:match("define%s+([%w_]+)"), lines = ends + 1}
        end
        start = nil
      end
    end
  end
  return found
end

-- Functions of a C text, as {number, lines}: from the brace at the margin that opens one to that which closes it.
local function functions_of(text)
  local found = {}
  local number, start = 0, nil
  for line in text:gmatch("([^\n]*)\n?") do
    number = number + 1
    if line == "{" then start = number end
    if line == "}" and start then
      found[#found + 1] = {number = start, lines = number - start}
      start = nil
    end
  end
  return found
end

-- What a function of texts finds that is longer than a limit, in the C sources.
local function longer(sizes_of, limit, what)
  local found = {}
  for _, path in ipairs(find("core lua_bindings tests", "c", "h", "def")) do
    for _, one in ipairs(sizes_of(read(path))) do
      if one.lines > limit then
        found[#found + 1] = ("%s:%d: %s of %d lines; expected at most %d"):format(path, one.number,
          one.name and what .. " " .. one.name or what, one.lines, limit)
      end
    end
  end
  return found
end

t.test("a macro's lines are counted without its tables", function()
  local eleven = "#define LONG(x) \\\n    /* a; \\\n * b */ \\\n" .. ("    f(x); \\\n"):rep(7) .. "    g(x);\n"
  local found = macros_of("int a;\n" .. eleven .. "#define SHORT 1\n")
  t.equal(#found, 1)
  t.equal(found[1].name, "LONG")
  t.equal(found[1].number, 2)
  t.equal(found[1].lines, 11)

  t.equal(#macros_of("#define ROWS(ROW) \\\n" .. ("    ROW(a, \"x;\") \\\n"):rep(20) .. "    ROW(b, 1)\n"), 0)
  local descriptor = "#define OP(name) \\\n    static int f(void) { return 1; } \\\n    const op name = { \\\n" ..
    ("        .field = {1}, \\\n"):rep(12) .. "    };\n"
  t.equal(macros_of(descriptor)[1].lines, 3)
  t.equal(functions_of("int f(void)\n{\n    g();\n    h();\n}\n")[1].lines, 3)
end)

t.test("a macro of statements is at most " .. LONGEST_MACRO .. " lines long", function()
  none(longer(macros_of, LONGEST_MACRO, "macro"))
end)

t.test("a function is at most " .. LONGEST_FUNCTION .. " lines long", function()
  none(longer(functions_of, LONGEST_FUNCTION, "a function"))
end)

-- Files that are one table, each for a reason.
local LONG_TABLES = {
  ["tests/lua/tensor/special_values.lua"] = "values of all elementwise operations where they are special",
}

t.test("a file is at most " .. LONGEST_FILE .. " lines long", function()
  local found = {}
  for _, path in ipairs(OUR_TEXT) do
    local _, lines = read(path):gsub("\n", "")
    if not is_data(path) then
      if lines > LONG_FILE then print(("long: %s, %d lines"):format(path, lines)) end
      if lines > LONGEST_FILE and not LONG_TABLES[path] then
        found[#found + 1] = ("%s: %d lines; expected at most %d"):format(path, lines, LONGEST_FILE)
      end
    end
  end
  none(found)
end)

t.finish()

-- Options of the scripts in this folder: `--name value`, or `--name` alone where it is a flag.

local arguments = {}

local function unknown(word, known)
  local names = {}
  for name, default in pairs(known) do names[#names + 1] = "--" .. name .. (default == "flag" and "" or " …") end
  table.sort(names)
  error(("%s: unknown option '%s' (options: %s)"):format(arg[0], word, table.concat(names, ", ")), 0)
end

--- Reads the command line.
-- @param known table name -> "flag", "text" or "number"
-- @return table of what was given, other words in its sequence
function arguments.read(known)
  local given, i = {}, 1
  while arg[i] do
    local name = arg[i]:match "^%-%-(.+)"
    local kind = known[name]
    if not name then
      given[#given + 1] = arg[i]
    elseif not kind then
      unknown(arg[i], known)
    elseif kind == "flag" then
      given[name] = true
    else
      i = i + 1
      given[name] = kind == "text" and arg[i] or tonumber(arg[i])
      if not given[name] then error(("%s: --%s needs a %s"):format(arg[0], name, kind), 0) end
    end
    i = i + 1
  end
  return given
end

-- A glob as Lua's pattern: * is anything, ? is any character.
local function pattern_of(glob)
  return "^" .. glob:gsub("[^%w*?]", "%%%0"):gsub("*", ".*"):gsub("?", ".") .. "$"
end

--- Whether a name is chosen: it contains one of the words, or matches it as a glob.
-- @param name text
-- @param words text, words with commas between; nil chooses all
function arguments.chosen(name, words)
  if not words then return true end
  for word in words:gmatch "[^,]+" do
    if name:find(word, 1, true) or name:find(pattern_of(word)) then return true end
  end
  return false
end

--- The words of a list with commas between.
function arguments.list(words)
  local list = {}
  for word in (words or ""):gmatch "[^,]+" do list[#list + 1] = word end
  return list
end

--- The program that runs this script.
function arguments.program()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  return arg[first]
end

--- The folder of this script, with a slash.
function arguments.folder() return arg[0]:match "^.*/" or "./" end

return arguments

-- Arguments by name. A function of the library takes its arguments by position or by the names that help shows: the
-- last argument may be a table of them, F.layer_norm(x, {3}, {weight = w}). The names are those of its parameters, so
-- that nothing is written twice; what is no parameter goes on to the options that `opt` or `...` stand for, whose spec
-- refuses what it does not know (see options.lua). PyTorch's names for the tensors are taken as well.

local core = require "embla.core"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

-- Asked at every call.
local type, rawget, rawlen, next = type, rawget, rawlen, next
local metatable_of = debug.getmetatable                 -- looks for no `__metatable` in it

local arguments = {}

-- ---- names -----------------------------------------------------------------------------------------------------

-- What else a parameter of this name may be called: PyTorch's name for it, or the one that it once had; `input` and
-- `other` are the first two everywhere.
local ALSO = {
  input = {"x", "t", "self", "a"}, other = {"y", "tensor", "b"}, exponent = {"y"}, ["end"] = {"y"}, end_ = {"end", "y"},
  tensor1 = {"y"}, tensor2 = {"z"}, elements = {"x"}, test_elements = {"others"}, indices = {"ids"},
  ids = {"indices", "index"}, parts = {"indices_or_sections", "sections", "indices"},
  size = {"split_size", "split_size_or_sections"}, value = {"fill_value"}, start = {"low"}, stop = {"end"},
  t = {"self"}, values = {"value"}, n = {"N"},
  columns = {"m"}, sizes = {"size"}, x1 = {"input1"}, x2 = {"input2"}, grad = {"gradient"}, shape = {"size"},
  repeats = {"dims"}, src = {"value", "source"}, h = {"hx"}, state = {"hx"},
}

-- Tables with names that are what the function works on, not arguments by name.
local DATA = {cells = true, closure = true, content = true, dict = true, document = true, fields = true, fills = true,
              group = true, modules = true, objects = true, record = true, rows = true, rule = true, state = true}

--- Other names for parameters.
-- @param names list of parameters in order
-- @param more  list of names of options, or nil
-- @return table other name -> parameter
function arguments.also(names, more)
  local also, taken, all = {}, {}, {table.unpack(names)}
  for _, name in ipairs(more or {}) do all[#all + 1] = name end
  for _, name in ipairs(all) do taken[name] = true end
  for _, name in ipairs(all) do
    for _, other in ipairs(ALSO[name] or {}) do
      if not taken[other] and not also[other] then also[other] = name end
    end
  end
  local first = names[1] == "condition" and 2 or 1      -- where(condition, input, other)
  if names[first] and not taken.input then also.input = names[first] end
  if names[first + 1] and not taken.other then also.other = names[first + 1] end
  return also
end

-- ---- the function behind ---------------------------------------------------------------------------------------

local origins = setmetatable({}, {__mode = "k"})

--- Notes that a function only reads arguments for another, of which help and signatures are.
-- @param f      function
-- @param origin the one behind it
-- @return f
function arguments.stands_for(f, origin)
  origins[f] = origin
  return f
end

--- The function behind one that `reader` or `method` has made; another one as it is.
-- @param f function
-- @return function
function arguments.origin(f) return origins[f] or f end

-- ---- reading ---------------------------------------------------------------------------------------------------

local given_names = setmetatable({}, {__mode = "k"})

--- Names the parameters of a function that is made for several operations, and so cannot name them itself.
-- @param f     function
-- @param names list in order, "self" first for a method
-- @return f
function arguments.name(f, names)
  given_names[f] = names
  return f
end

-- What a function takes: `place` of each name; `sink`, where the table of all others goes, if anywhere.
local function signature(name, f, is_method)
  local info = debug.getinfo(f, "u")
  local s = {name = name, f = f, names = {}, place = {}, params = {}}
  for i = 1, info.nparams do
    local param = given_names[f] and given_names[f][i] or debug.getlocal(f, i)
    s.params[i] = param
    if param == "opt" then
      s.sink = i
    elseif param ~= "self" then
      s.names[#s.names + 1], s.place[param] = param, i
    end
  end
  if info.isvararg then s.sink, s.open = info.nparams + 1, true end
  for other, param in pairs(arguments.also(is_method and s.names or s.params)) do
    if param ~= "opt" then s.place[other] = s.place[other] or param == "self" and 1 or s.place[param] end
  end
  return s
end

-- Names of the options that a function reads: those of the specs it can see and, for a constructor, of its class.
local function options_of(s, self)
  local names, known = {}, {}
  local function add(spec)
    if type(spec) ~= "table" or not rawget(spec, "by_name") then return end
    for _, name in ipairs(spec.names) do
      if not known[name] then names[#names + 1] = name end
    end
    for name in next, spec.by_name do known[name] = true end                    -- other names for them too
  end
  for i = 1, 60 do
    local upvalue, spec = debug.getupvalue(s.f, i)
    if not upvalue then break end
    add(spec)
  end
  local meta = type(self) == "table" and getmetatable(self)
  if s.init and type(meta) == "table" then add(meta.spec) end
  return names, known
end

-- Refuses a name that is neither a parameter nor, where options can be told, one of those.
local function check_option(s, self, key)
  if s.place[key] then return end
  local names, known = options_of(s, self)
  if s.sink and (#names == 0 or known[key]) then return end
  options.unknown(s.name, key, table.move(names, 1, #names, #s.names + 1, {table.unpack(s.names)}))
end

local function refuse_mixed(s)
  raise("%s: a table of both names and positions: the options go in a table of their own", s.name)
end

-- The arguments with those that the table at n names in their places, and how many they are.
local function spread(s, given, n)
  local named, rest = given[n], nil
  given[n] = nil
  local most = n - 1
  for key, value in next, named do
    local at = s.place[key]
    if at then
      if given[at] ~= nil then raise("%s: argument %s is given twice, by position and by name", s.name, key) end
      given[at] = value
      if at > most then most = at end
    else
      check_option(s, given[1], key)
      rest = rest or {}
      rest[key] = value
    end
  end
  if not rest then return most end
  local at = s.open and most + 1 or s.sink
  if at < s.sink then at = s.sink end
  if given[at] ~= nil then raise("%s: argument opt: two tables of options", s.name) end
  given[at] = rest
  return at > most and at or most
end

local function is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

-- Calls f with arguments of which one is a table, perhaps of names.
local function call(s, f, ...)
  local given, n = {...}, select("#", ...)
  while n > 0 and given[n] == nil do n = n - 1 end
  if n > #s.params and not s.open and type(given[n]) ~= "table" then
    raise("%s: too many arguments: %d given, %d expected (%s)", s.name, n, #s.params, table.concat(s.params, ", "))
  end
  local last, meta = given[n], type(given[1]) == "table" and getmetatable(given[1])
  if type(meta) == "table" and meta.__library then
    raise("%s: write %s.%s(...), with a dot, not a colon", s.name, meta.__library, s.name)
  end
  if not is_plain(last) or DATA[s.params[n]] then return f(...) end
  local first = next(last)
  if type(first) == "string" then
    if s.open and n > #s.params then
      local named = false
      for key in next, last do named = named or s.place[key] ~= nil end
      if not named then return f(...) end
    end
    return f(table.unpack(given, 1, spread(s, given, n)))
  end
  if first == nil then return f(...) end
  local after = next(last, #last > 0 and #last or nil)
  if type(after) == "string" then refuse_mixed(s) end
  return f(...)
end

-- A plain list is no table of names: what most functions are given if they are given a table at all.
local function is_list(t) return rawget(t, 1) ~= nil and next(t, rawlen(t)) == nil end

-- A function that hands what it is called with to f, or to `read` where that may end in a table of names: it is part of
-- every step, and nearly always there is none. `objects`, or nil: the metatables that the first argument may have, else
-- refuse(it); then it is no table of names itself.
local function reads_names(f, read, objects, refuse)
  local nparams, more_follow = core.parameters(f)
  if more_follow or nparams > 4 then
    return function(a, ...)
      if objects and not objects[metatable_of(a)] then refuse(a) end
      local b, c, d, e = ...
      local last = d or c or b or not objects and a
      if e ~= nil then last = select(-1, ...) end
      if type(last) == "table" and not is_list(last) then return read(a, ...) end
      return f(a, ...)
    end
  end
  return function(a, b, c, d, more)                     -- the same, quicker
    if objects and not objects[metatable_of(a)] then refuse(a) end
    if b or c or d or more or not objects then
      if more ~= nil then return read(a, b, c, d, more) end
      local last = d or c or b or a
      if type(last) == "table" and not is_list(last) then return read(a, b, c, d) end
    end
    return f(a, b, c, d)
  end
end

--- A function that takes its arguments by name as well.
-- @param name  of the function, for messages
-- @param f     function written in Lua
-- @return function
function arguments.reader(name, f)
  local s
  local function read(...)
    s = s or signature(name, f)
    return call(s, f, ...)
  end
  return arguments.stands_for(reads_names(f, read), f)
end

-- ---- methods ---------------------------------------------------------------------------------------------------

-- What a script is likely to call an object of a class.
local WORDS = {Optimizer = "opt", LRScheduler = "scheduler", Module = "net", DataLoader = "loader", Dataset = "dataset",
               IterableDataset = "dataset", Sampler = "sampler", BatchSampler = "sampler"}

local function word_for(cls)
  local c = cls
  while c do
    if WORDS[c.__name] then return WORDS[c.__name] end
    c = rawget(c, "super")
  end
  return (cls.__name:match("[%w_]+$") or "object"):lower()
end

local owners = setmetatable({}, {__mode = "k"})

--- The class that a method was defined for.
-- @param f method of a class of the library, as `origin` gives it
-- @return class, or nil
function arguments.owner(f) return owners[f] end

local related_to = setmetatable({}, {__mode = "k"})

-- Which metatables are a class or one that extends it.
local function related(cls)
  local set = related_to[cls]
  if set then return set end
  set = setmetatable({}, {__mode = "k", __index = function(known, meta)
    local c = meta
    while type(c) == "table" do
      if c == cls then
        known[meta] = true
        return true
      end
      c = rawget(c, "super")
    end
    return false
  end})
  related_to[cls] = set
  return set
end

--- Raises the error for a method that was called with something else before it than an object of its class.
-- @param cls  class
-- @param name of the method
-- @param self what it was called with
-- @raise always
function arguments.wrong_self(cls, name, self)
  raise("%s: expected an object of %s before it, got %s: write %s:%s(), with a colon", name, cls.__name,
        self == nil and "nothing" or options.show(self), word_for(cls), name)
end

--- A method of a class of the library: it says so when it is called with a dot, and takes arguments by name.
-- @param cls  class
-- @param name of the method
-- @param f    function whose first parameter is self
-- @return function
function arguments.method(cls, name, f)
  owners[f] = cls
  local relatives, s = related(cls), nil
  local speaks_for_class = name == "init" or name == "forward"
  local function read(...)
    if not s then
      s = signature(speaks_for_class and cls.__name or name, f, true)
      s.init = name == "init"
    end
    return call(s, f, ...)
  end
  local function refuse(self) arguments.wrong_self(cls, name, self) end
  local by_name = reads_names(f, read, relatives, refuse)
  return arguments.stands_for(by_name, f)
end

-- ---- layers ----------------------------------------------------------------------------------------------------

--- The forwards of the library that read no names themselves, as a training step has no need of them; each with the
-- function to be called instead where the first argument is a table.
arguments.of_forward = setmetatable({}, {__mode = "k"})

--- Notes such a forward.
-- @param cls class
-- @param f   its forward
function arguments.note_forward(cls, f)
  owners[f] = cls
  local s
  arguments.of_forward[f] = function(...)
    s = s or signature(cls.__name, f, true)
    return call(s, f, ...)
  end
end

-- ---- tables of functions ---------------------------------------------------------------------------------------

local readers = setmetatable({}, {__mode = "k"})

-- Functions that read what they are called with themselves: f(…), whose arguments are those of f, and those with no
-- parameter of a name; and those written in C.
local function reads_itself(f)
  local nparams, more_follow, first = core.parameters(f)
  if not nparams then return true end
  return more_follow and (nparams == 0 or nparams == 1 and (first == "f" or first == "self"))
end

-- The functions of a table that are to take arguments by name, each with the name that messages know it by: of several,
-- the core's own operation's, else the first.
local function names_in(home, except)
  local names = {}
  for name, f in next, home do
    if type(f) == "function" and type(name) == "string" and name:sub(1, 1) ~= "_" and not (except and except[name])
       and not origins[f] and not reads_itself(f) then
      local other = names[f]
      local better = not other or core.op_spec(name) and not core.op_spec(other)
      if better or name < other and not core.op_spec(other) then names[f] = name end
    end
  end
  return names
end

--- Has the functions of a table that are written in Lua take arguments by name. One that stands in several tables
-- becomes one and the same.
-- @param home   table of functions
-- @param except set of names that read theirs themselves, or nil
-- @return home
function arguments.all(home, except)
  local names = names_in(home, except)
  for name, f in next, home do
    if names[f] then
      readers[f] = readers[f] or arguments.reader(names[f], f)
      home[name] = readers[f]
    end
  end
  return home
end

-- ---- C -----------------------------------------------------------------------------------------------------------

--- The arguments that a table names, in order: what functions written in C ask for.
-- @param name  of the function
-- @param names of its arguments, "t dim keepdim"
-- @param given table
-- @return as many values, nil for those not named
function arguments.in_order(name, names, given)
  local list, place, values = {}, {}, {}
  for word in names:gmatch "%S+" do
    list[#list + 1] = word
    place[word] = #list
  end
  for other, param in pairs(arguments.also(list)) do place[other] = place[param] end
  for key, value in next, given do
    values[place[key] or options.unknown(name, key, list)] = value
  end
  return table.unpack(values, 1, #list)
end

return arguments

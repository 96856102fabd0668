-- embla.Checkpoint: trainings that go on after they were stopped.

local class = require "embla.base.class"
local core = require "embla.core"
local list_of = require("embla.base.list").of
local load = require "embla.io.load"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"
local save = require "embla.io.save"
local two_steps = require "embla.base.two_steps"

--- Keeps the course of a training in a folder, so that it goes on with the same bits as without a stop.
--
--   local ck = embla.Checkpoint("run1", {keep = 3})
--   local parts = {model = net, optimizer = opt, scheduler = schedule, loader = loader}
--   for step = (ck:restore(parts) or 0) + 1, 10000 do
--     ...
--     if step % 100 == 0 then ck:save(step, parts) end
--   end
--
-- A checkpoint is one file of embla.save, FOLDER/step-000000100.safetensors: the state_dict of each object under its
-- name, the state of the generator and, under `extra`, plain values. Whatever happens meanwhile, a file is there whole
-- or not at all; one that was damaged later is noticed, noted on standard error, and the one before it is taken. Other
-- files in the folder are left alone.
local Checkpoint = class "Checkpoint"

Checkpoint.spec = options.spec("Checkpoint", {
  {name = "keep", type = "integer", default = 3, range = ">= 1", doc = "how many stay; older ones are removed"},
})

--- Makes the folder, unless it is there.
-- @param folder path
-- @param ...    the options, by position or by name
-- @raise if it cannot be made, or an option does not fit
function Checkpoint:init(folder, ...)
  local o = self.spec.arguments(...)
  if type(folder) ~= "string" or folder == "" then
    raise("Checkpoint: argument folder: expected a path, got %s", options.show(folder))
  end
  self.folder, self.keep = folder, o.keep
  self._damaged = {}                                    -- steps whose files are known to be
  core.make_folder(folder)
end

-- ---- files -----------------------------------------------------------------------------------------------------

local NAME = "step-%09d.safetensors"

local function path_of(self, step) return self.folder:gsub("/+$", "") .. "/" .. NAME:format(step) end

-- The steps in the names of the folder's files that end in `suffix` and are as `pattern`: list of {step =, path =}.
local function find(self, suffix, pattern)
  local found = {}
  for _, path in ipairs(core.files(self.folder, suffix, true)) do
    local name, digits = path:match("([^/]*)$"):match(pattern)
    local step = math.tointeger(tonumber(digits))
    if step and name == NAME:format(step) then found[#found + 1] = {step = step, path = path} end
  end
  return found
end

--- The steps of which there are checkpoints. Whether they are whole is seen when one is restored.
-- @return list, ascending
-- @raise if the folder cannot be read
function Checkpoint:steps()
  local steps = {}
  for i, file in ipairs(find(self, ".safetensors", "^(step%-(%d+)%.safetensors)$")) do steps[i] = file.step end
  table.sort(steps)
  return list_of(steps)
end

--- The highest of them.
-- @return integer, or nil if there is none
-- @raise if the folder cannot be read
function Checkpoint:latest()
  local steps = self:steps()
  return steps[#steps]
end

local function note(text, ...) io.stderr:write("Checkpoint: ", text:format(...), "\n") end

-- A message without the place in the script that stands before it.
local function text_of(message) return (tostring(message):gsub("^[^\n]-:%d+: ", "", 1)) end

-- Calls f; nil and a message if it fails by a file. That there is no memory, or Ctrl-C, is raised on.
local function try(f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  local text = tostring(result)
  if text:find("not enough memory", 1, true) or text:find("interrupted", 1, true) then error(result, 0) end
  return nil, text_of(text)
end

-- Removes what the checkpoint of a step, which is whole, has made superfluous, and what saves that were killed have
-- left.
local function clear_up(self, step)
  local steps, kept = self:steps(), 0
  for i = #steps, 1, -1 do
    if steps[i] <= step and kept == self.keep then
      core.remove_file(path_of(self, steps[i]))
    elseif steps[i] <= step and not self._damaged[steps[i]] then
      kept = kept + 1
    end
  end
  for _, file in ipairs(find(self, ".tmp", "^(step%-(%d+)%.safetensors)%.%d+%-%d+%.tmp$")) do
    if file.step <= step then core.remove_file(file.path) end
  end
end

-- ---- saving ----------------------------------------------------------------------------------------------------

local RESERVED = {checkpoint = true, extra = true}

local function has_method(object, name)
  if type(object) ~= "table" and type(object) ~= "userdata" then return false end
  local found, method = pcall(function() return object[name] end)
  return found and type(method) == "function"
end

-- Refuses what is not a table of objects with a state, by name.
local function check_objects(caller, objects)
  if type(objects) ~= "table" or getmetatable(objects) ~= nil then
    raise("%s: argument objects: expected a table {model = net, optimizer = opt, ...}, got %s", caller,
          options.show(objects))
  end
  for name, object in pairs(objects) do
    if type(name) ~= "string" or name == "" or name == "checkpoint" then
      raise("%s: argument objects: expected names of objects, got %s", caller, options.show(name))
    elseif name ~= "extra" and not (has_method(object, "state_dict") and has_method(object, "load_state_dict")) then
      raise("%s: %s: expected an object with state_dict() and load_state_dict(dict), got %s (plain values go in extra)",
            caller, name, options.show(object))
    end
  end
end

--- Keeps the state of objects and of the generator. When the file is whole, those of older steps are removed, but for
-- the newest ones that are to stay.
-- @param step    integer >= 0
-- @param objects {NAME = object with state_dict() and load_state_dict(dict), ..., extra = plain values for restore to
--   return}
-- @raise if there is one of a later step, which restore would take; if something cannot be saved; if the file cannot be
--   written: then those that there are stay
function Checkpoint:save(step, objects)
  if not options.is_integer(step) or step < 0 then
    raise("save: argument step: expected an integer >= 0, got %s", options.show(step))
  end
  check_objects("save", objects)
  local steps = self:steps()
  for i = #steps, 1, -1 do
    if steps[i] > step and not self._damaged[steps[i]] then
      raise("save: step %d: %s has one of step %d, from which a restore would go on: restore it first, or take another "
            .. "folder", step, self.folder, steps[i])
    end
  end
  local seed, position = core.get_rng_state()
  local content = {checkpoint = {step = step, rng = {seed, position}, version = core.version_text}}
  for name, object in pairs(objects) do content[name] = name == "extra" and object or object:state_dict() end
  save(path_of(self, step), content)
  self._damaged[step] = nil
  local _, fault = try(clear_up, self, step)
  if fault then note("old files stay: %s", fault) end
end

-- ---- restoring -------------------------------------------------------------------------------------------------

-- What a file holds; nil and a message if it is damaged.
local function read(path)
  local content, fault = try(load, path)
  if fault then return nil, fault end
  local about = type(content) == "table" and content.checkpoint
  local rng = type(about) == "table" and about.rng
  if type(rng) ~= "table" or not options.is_integer(about.step) or not options.is_integer(rng[1])
     or not options.is_integer(rng[2]) then
    return nil, path .. ": it is no checkpoint"
  end
  return content
end

-- The newest content that is whole, and its path; nil if there are no files.
local function read_newest(self)
  local steps, message = self:steps(), nil
  for i = #steps, 1, -1 do
    local path = path_of(self, steps[i])
    local content, fault = read(path)
    if content then return content, path end
    self._damaged[steps[i]], message = true, fault
    if i > 1 then note("%s; the one of step %d is taken", fault, steps[i - 1]) end
  end
  if message then raise("restore: none of the %d checkpoints can be read: %s", #steps, message) end
end

-- The objects of which there is a state: list of {name, object, state}.
local function match(path, content, objects, strict)
  local parts, names = {}, {}
  for name in pairs(content) do
    if not RESERVED[name] then names[#names + 1] = name end
  end
  table.sort(names)
  for _, name in ipairs(names) do
    if objects[name] then
      parts[#parts + 1] = {name = name, object = objects[name], state = content[name]}
    elseif strict then
      raise("restore: %s: its %s is not among the objects given (strict = false leaves it out)", path, name)
    end
  end
  for name in pairs(objects) do
    if strict and name ~= "extra" and content[name] == nil then
      raise("restore: %s: it has no %s, but %s", path, name, #names > 0 and table.concat(names, ", ") or "no objects")
    end
  end
  return parts
end

-- Refuses tensors of another dtype than the object's own: loading would round them.
local function check_dtypes(saved, own, where)
  if core.is_tensor(saved) and core.is_tensor(own) then
    if saved.dtype ~= own.dtype then error(("%s is %s, here %s"):format(where, saved.dtype, own.dtype), 0) end
  elseif type(saved) == "table" and type(own) == "table" then
    for key, value in pairs(saved) do
      check_dtypes(value, own[key], where == "" and tostring(key) or where .. "." .. tostring(key))
    end
  end
end

-- Calls f for a part; errors tell its name.
local function attempt(path, part, f, ...)
  local ok, result = pcall(f, ...)
  if not ok then raise("restore: %s: %s: %s", path, part.name, text_of(result)) end
  return result
end

-- Loads objects that check while they load, all or none.
local function load_others(path, parts)
  local done = {}
  for i, part in ipairs(parts) do
    local before = i < #parts and part.object:state_dict() or nil
    local ok, message = pcall(part.object.load_state_dict, part.object, part.state)
    if not ok then
      for k = #done, 1, -1 do done[k].object:load_state_dict(done[k].before) end
      raise("restore: %s: %s: %s", path, part.name, text_of(message))
    end
    done[i] = {object = part.object, before = before}
  end
end

-- Loads all objects or none: first all is prepared, then, when nothing can fail any more, taken over.
local function load_all(path, parts)
  local takes, others = {}, {}
  for _, part in ipairs(parts) do
    attempt(path, part, function() check_dtypes(part.state, part.object:state_dict(), "") end)
    if two_steps.of(part.object) then
      takes[#takes + 1] = attempt(path, part, part.object._prepare_load, part.object, part.state)
    else
      others[#others + 1] = part
    end
  end
  load_others(path, others)
  for _, take in ipairs(takes) do take() end
end

local restore_spec = options.spec("restore", {
  {name = "strict", type = "boolean", default = true,
   doc = "whether every object must be in the file, and every one in the file be given"},
})

--- Puts the newest checkpoint that is whole back, into all objects or, if it does not fit one, into none.
-- @param objects {NAME = object, ...} under the names that they were saved with
-- @param opt     the options
-- @return its step, and what was saved under `extra`; nil if there is no checkpoint
-- @raise if an object, a name in its state, a shape or a dtype does not fit, naming it; if none of the files is whole
function Checkpoint:restore(objects, opt)
  local strict = restore_spec.arguments(opt).strict
  check_objects("restore", objects)
  local content, path = read_newest(self)
  if not content then return nil end
  load_all(path, match(path, content, objects, strict))
  local about = content.checkpoint
  core.set_rng_state(about.rng[1], about.rng[2])
  return about.step, content.extra
end

--- The folder and how many stay.
-- @return text
function Checkpoint.__tostring(self) return ("Checkpoint(%q, keep=%d)"):format(self.folder, self.keep) end

return Checkpoint

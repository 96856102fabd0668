-- Files: a table of 256 MB saved, loaded and mapped, beside as many bytes written bare. What is saved is on the disk,
-- and what is loaded in the page cache.

local core = require "embla.core"
local embla = require "embla"

local BYTES = 256 << 20
local GB = {["GB/s"] = BYTES / 1e9}

-- A path whose file goes when nobody knows the path any more.
local function temporary()
  return setmetatable({path = os.tmpname()}, {__gc = function(file) os.remove(file.path) end})
end

return function(case)
  case("file_write_bare/256MB", false, function()
    local file, bytes = temporary(), ("x"):rep(BYTES)
    return function() core.write_file(file.path, bytes) end, GB
  end)

  case("file_save/256MB", false, function()
    local file, value = temporary(), {weight = embla.randn(1 << 18, 256)}
    return function() embla.save(file.path, value) end, GB
  end)

  case("file_load/256MB", false, function()
    local file = temporary()
    embla.save(file.path, {weight = embla.randn(1 << 18, 256)})
    return function() return embla.load(file.path) end, GB
  end)

  case("file_map/256MB", false, function()
    local file = temporary()
    embla.save(file.path, {weight = embla.randn(1 << 18, 256)})
    return function() return embla.load(file.path, {map = true}) end
  end)
end

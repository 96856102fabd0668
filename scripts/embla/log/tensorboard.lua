-- Event files as TensorBoard reads them: records of
--   length of the data (uint64), its masked CRC32C, the data, the data's masked CRC32C, all little-endian
-- whose data are protocol buffers: Event {wall_time = 1 (double), step = 2 (int64), file_version = 3 (string),
-- summary = 5 {value = 1 {tag = 1 (string), simple_value = 2 (float)}}}.

local class = require "embla.base.class"
local core = require "embla.core"

-- ---- CRC32C (Castagnoli) ---------------------------------------------------------------------------------------

local CRC = {}
for byte = 0, 255 do
  local crc = byte
  for _ = 1, 8 do crc = crc >> 1 ~ (crc & 1) * 0x82F63B78 end
  CRC[byte] = crc
end

local function crc32c(bytes)
  local crc = 0xFFFFFFFF
  for i = 1, #bytes do crc = CRC[(crc ~ bytes:byte(i)) & 0xFF] ~ crc >> 8 end
  return crc ~ 0xFFFFFFFF
end

-- A CRC of data that hold CRCs says little: so it is turned and moved.
local function masked(bytes)
  local crc = crc32c(bytes)
  return (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF
end

local function framed(data)
  local length = ("<I8"):pack(#data)
  return ("%s%s%s%s"):format(length, ("<I4"):pack(masked(length)), data, ("<I4"):pack(masked(data)))
end

-- ---- protocol buffers ------------------------------------------------------------------------------------------

local VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5      -- how a field is encoded

-- Seven bits a byte, the lowest first; of a negative number all 64.
local function varint(n)
  local bytes = {}
  repeat
    local low = n & 0x7F
    n = n >> 7
    bytes[#bytes + 1] = string.char(n ~= 0 and low | 0x80 or low)
  until n == 0
  return table.concat(bytes)
end

local function key(field, encoding) return varint(field << 3 | encoding) end
local function bytes_field(field, bytes) return key(field, BYTES) .. varint(#bytes) .. bytes end

local function event(wall_time, step, rest)
  return key(1, FIXED64) .. ("<d"):pack(wall_time) .. key(2, VARINT) .. varint(step) .. rest
end

local function summary(values, names)
  local parts = {}
  for i, name in ipairs(names) do
    parts[i] = bytes_field(1, bytes_field(1, name) .. key(2, FIXED32) .. ("<f"):pack(values[name]))
  end
  return bytes_field(5, table.concat(parts))
end

-- ---- the file --------------------------------------------------------------------------------------------------

-- A file of events, made new in a folder.
local Events = class "log.Events"

local function host()
  local there, name = pcall(core.read_file, "/proc/sys/kernel/hostname")
  return there and name:match "^[%w._-]+" or "localhost"
end

--- Opens a file of events, named by the time and the machine.
-- @param folder path
function Events:init(folder)
  local size
  self.opened, self.clock = os.time(), core.clock()
  self.path = ("%s/events.out.tfevents.%d.%s"):format(folder, self.opened, host())
  self.handle, size = core.append_open(self.path)
  if size == 0 then core.append_write(self.handle, framed(event(self:now(), 0, bytes_field(3, "brain.Event:2")))) end
end

--- Seconds since 1970, with fractions.
-- @return number
function Events:now() return self.opened + core.clock() - self.clock end

--- Adds the numbers of a row; of texts and booleans there is no curve.
-- @param record table name -> value, with its step
function Events:add(record)
  local names = {}
  for name, value in pairs(record) do
    if type(value) == "number" and name ~= "step" then names[#names + 1] = name end
  end
  table.sort(names)
  if #names == 0 then return end
  core.append_write(self.handle, framed(event(self:now(), record.step, summary(record, names))))
end

--- Closes the file.
function Events:close() core.append_close(self.handle) end

return {Events = Events, crc32c = crc32c}

-- Event files, read by a parser of the test's own: framing, check sums bit by bit, protocol buffers field by field.
package.path = (arg[0]:match("^(.-)tests/lua/") or "") .. "tests/?.lua;" .. package.path
local t = require "support.check"
local core = require "embla.core"
local process = require "support.process"
local tensorboard = require "embla.log.tensorboard"

-- ---- the reader ------------------------------------------------------------------------------------------------

-- CRC32C by its definition: the remainder of a division by the polynomial 0x11EDC6F41, both mirrored.
local function crc32c(bytes)
  local crc = 0xFFFFFFFF
  for i = 1, #bytes do
    for bit = 0, 7 do
      local low = (crc ~ bytes:byte(i) >> bit) & 1
      crc = crc >> 1
      if low == 1 then crc = crc ~ 0x82F63B78 end
    end
  end
  return ~crc & 0xFFFFFFFF
end

local function unmasked(crc)
  local turned = crc - 0xA282EAD8 & 0xFFFFFFFF
  return (turned >> 17 | turned << 15) & 0xFFFFFFFF
end

local function records_of(bytes)
  local list, at = {}, 1
  while at <= #bytes do
    local length, sum_of_length = ("<I8I4"):unpack(bytes, at)
    t.equal(unmasked(sum_of_length), crc32c(bytes:sub(at, at + 7)))
    local data = bytes:sub(at + 12, at + 11 + length)
    local sum = ("<I4"):unpack(bytes, at + 12 + length)
    t.equal(unmasked(sum), crc32c(data))
    list[#list + 1], at = data, at + 16 + length
  end
  t.equal(at, #bytes + 1)
  return list
end

local function varint_at(bytes, at)
  local n, shift = 0, 0
  repeat
    local byte = bytes:byte(at)
    n, shift, at = n | (byte & 0x7F) << shift, shift + 7, at + 1
  until byte < 0x80
  return n, at
end

-- Fields of a message as a list of {number, kind of encoding, value}.
local function fields_of(bytes)
  local list, at = {}, 1
  while at <= #bytes do
    local key, value
    key, at = varint_at(bytes, at)
    if key & 7 == 0 then value, at = varint_at(bytes, at) end
    if key & 7 == 1 then value, at = ("<d"):unpack(bytes, at) end
    if key & 7 == 5 then value, at = ("<f"):unpack(bytes, at) end
    if key & 7 == 2 then
      local length
      length, at = varint_at(bytes, at)
      value, at = bytes:sub(at, at + length - 1), at + length
    end
    list[#list + 1] = {key >> 3, key & 7, value}
  end
  return list
end

-- ---- the tests -------------------------------------------------------------------------------------------------

t.test("the check sum has its published value, and is that of the definition", function()
  t.equal(tensorboard.crc32c "123456789", 0xE3069283)
  t.equal(crc32c "123456789", 0xE3069283)
  t.equal(tensorboard.crc32c(("\0"):rep(32)), 0x8A9136AA)           -- RFC 3720, B.4
  t.equal(tensorboard.crc32c(("\xFF"):rep(32)), 0x62A8AB43)
  for n = 0, 40 do
    local text = ("x\0\255y"):rep(n):sub(1, n)
    t.equal(tensorboard.crc32c(text), crc32c(text))
  end
end)

-- Calls `use` with the path of a folder of its own.
local function with_folder(use)
  local folder = os.tmpname()
  os.remove(folder)
  core.make_folder(folder)
  local fine, err = pcall(use, folder)
  process.run("rm -r " .. process.quote(folder))
  if not fine then error(err, 0) end
end

local function write_some(folder)
  local events = tensorboard.Events(folder)
  events:add {step = 3, loss = 0.5, ["train/accuracy"] = 1, good = true, note = "x"}
  events:add {step = -1, loss = 0 / 0}
  events:add {step = 2 ^ 40 | 0, loss = 1e-3}
  events:add {step = 5, note = "of texts there is no curve"}
  events:close()
  return events.path
end

t.test("events are what their description says, bit by bit", function()
  with_folder(function(folder)
    local before = os.time()
    local path = write_some(folder)
    t.equal(path:match "^.*/events%.out%.tfevents%.%d+%.[%w._-]+$", path)
    local records = records_of(core.read_file(path))
    t.equal(#records, 4)
    local first = fields_of(records[1])
    t.equal({first[1][1], first[1][2]}, {1, 1})
    t.equal(first[1][3] >= before and first[1][3] <= os.time() + 1, true)
    t.equal({first[2], first[3]}, {{2, 0, 0}, {3, 2, "brain.Event:2"}})
    local want = {
      {3, {{"loss", 0.5}, {"train/accuracy", 1.0}}}, {-1, {{"loss", 0 / 0}}},
      {2 ^ 40 | 0, {{"loss", ("<f"):unpack(("<f"):pack(1e-3))}}},
    }
    for i, case in ipairs(want) do
      local fields = fields_of(records[i + 1])
      t.equal({#fields, fields[1][1], fields[1][2], fields[2]}, {3, 1, 1, {2, 0, case[1]}})
      t.equal({fields[3][1], fields[3][2]}, {5, 2})
      local values = fields_of(fields[3][3])
      t.equal(#values, #case[2])
      for k, value in ipairs(values) do
        local tag, number = case[2][k][1], case[2][k][2]
        t.equal({value[1], value[2], fields_of(value[3])}, {1, 2, {{1, 2, tag}, {2, 5, number}}})
      end
    end
  end)
end)

t.test("an event is the bytes that a hand works out", function()
  with_folder(function(folder)
    local events = tensorboard.Events(folder)
    function events.now() return 1.5 end
    local size = #core.read_file(events.path)
    events:add {step = 300, a = 0.25}
    local data = "\x09\0\0\0\0\0\0\xF8\x3F" .. "\x10\xAC\x02" .. "\x2A\x0A\x0A\x08" .. "\x0A\x01a" .. "\x15\0\0\x80\x3E"
    t.equal(core.read_file(events.path):sub(size + 1):sub(13, 12 + #data), data)
    events:close()
  end)
end)

t.test("a file that is there is gone on with", function()
  with_folder(function(folder)
    local path
    repeat                                              -- within one second
      process.run(("rm -f %s/*"):format(process.quote(folder)))
      path = write_some(folder)
    until write_some(folder) == path
    t.equal(#records_of(core.read_file(path)), 7)
  end)
end)

local READER = [[python3 -c '
import sys
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
for e in LegacyEventFileLoader(sys.argv[1]).Load():
    for v in e.summary.value: print(e.step, v.tag, v.simple_value)' %s]]

if os.execute "python3 -c 'import tensorboard' 2>/dev/null" then
  t.test("TensorBoard's own reader reads it", function()
    with_folder(function(folder)
      local out = process.run(READER:format(process.quote(write_some(folder))))
      t.equal(out, "3 loss 0.5\n3 train/accuracy 1.0\n-1 loss nan\n1099511627776 loss 0.0010000000474974513\n")
    end)
  end)
else
  t.skip("TensorBoard's own reader reads it", "no Python package tensorboard")
end

t.finish()

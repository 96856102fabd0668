-- Random files of word vectors, whole and damaged, read beside a slow, strict reader: both refuse a file, or give the
-- same words and bits.
--
--   embla tests/fuzz/vectors.lua --seed 7 --seconds 5
package.path = (arg[0]:match("^(.-)tests/fuzz/") or "") .. "tests/?.lua;" .. package.path
local embla = require "embla"

local option = {seed = 1, seconds = 5}
for i = 1, #arg, 2 do option[arg[i]:match "^%-%-(.*)"] = assert(tonumber(arg[i + 1])) end
math.randomseed(option.seed)
local random = math.random
local path = os.tmpname()

-- ---- the slow reader --------------------------------------------------------------------------------------------

local function number_of(text)
  local sign, body = text:match "^([+-]?)(.*)$"
  local digits, power = body:match "^([%d.]*)(.*)$"
  if not (digits:match "^%d+%.?%d*$" or digits:match "^%.%d+$") then return nil end
  if power ~= "" and not power:match "^[eE][+-]?%d+$" then return nil end
  local x = tonumber(body) + 0.0
  return (("<f"):unpack(("<f"):pack(sign == "-" and -x or x)))
end

-- Adds a word; false if it is none, or stands there already.
local function add(kv, word, row)
  if word == "" or word:find "[\0-\31\127]" or not utf8.len(word) or kv.ids[word] then return false end
  kv.words[#kv.words + 1], kv.rows[#kv.rows + 1], kv.ids[word] = word, row, true
  return true
end

local function header(bytes)
  local V, D, at = bytes:match "^%s*(%d+)[ \t\r\v\f]+(%d+)[ \t\r]*\n()"
  V, D = math.tointeger(V), math.tointeger(D)
  if V and #bytes:match "%d+" <= 18 and D > 0 and D < 1 << 31 then return V, D, at end
end

local function slow_text(bytes)
  local V, D, at = header(bytes)
  if not V then return nil end
  local kv = {words = {}, rows = {}, ids = {}}
  for line in bytes:sub(at):gmatch "[^\n]+" do
    local pieces, row = {}, {}
    for piece in line:gmatch "%S+" do pieces[#pieces + 1] = piece end
    if #pieces > 0 then
      if #pieces ~= D + 1 then return nil end
      for k = 1, D do
        row[k] = number_of(pieces[k + 1])
        if not row[k] then return nil end
      end
      if not add(kv, pieces[1], row) then return nil end
    end
  end
  return #kv.words == V and kv or nil
end

local function slow_binary(bytes)
  local V, D, at = header(bytes)
  if not V then return nil end
  local kv = {words = {}, rows = {}, ids = {}}
  for _ = 1, V do
    local word, from = bytes:match("^%s*(%S+) ()", at)
    if not word or from - 1 + 4 * D > #bytes then return nil end
    local row = {bytes:sub(from, from - 1 + 4 * D)}
    at = from + 4 * D
    if not add(kv, word, row) then return nil end
  end
  return not bytes:find("%S", at) and kv or nil
end

-- ---- files ------------------------------------------------------------------------------------------------------

local LETTERS = {"a", "b", "é", "ß", "中", "-", "9", "\u{1F600}", "\xff", "e"}
local FORMS = {"%.6f", "%.3g", "%d", "%.9g", "%.1e", "%.17g", "%+.2f"}
local BLANKS = {" ", " ", " ", "\t", "  "}

local function one_of(list) return list[random(#list)] end

local function word_of(i)
  local letters = {}
  for k = 1, random(1, 5) do letters[k] = LETTERS[random(random(40) == 1 and #LETTERS or #LETTERS - 2)] end
  return table.concat(letters) .. (random(30) == 1 and "" or i)
end

local function make(binary)
  local V, D = random(0, 6), random(1, 4)
  local parts = {("%d %d\n"):format(V, D)}
  for i = 1, V do
    parts[#parts + 1] = word_of(i)
    if binary then parts[#parts + 1] = " " end
    for _ = 1, D do
      local x = random(-1000, 1000) / one_of {1, 8, 1000, 1024}
      local form = one_of(FORMS)
      if form == "%d" then x = math.floor(x) end
      parts[#parts + 1] = binary and ("<f"):pack(x) or one_of(BLANKS) .. form:format(x)
    end
    parts[#parts + 1] = one_of(binary and {"\n", ""} or {"\n", " \n", "\r\n", "\n\n"})
  end
  return table.concat(parts)
end

local function damage(bytes)
  for _ = 1, random(0, 3) do
    local at, what = random(0, #bytes), random(4)
    local head, tail = bytes:sub(1, at), bytes:sub(at + 1)
    if what == 1 then bytes = head end
    if what == 2 then bytes = head .. one_of {" ", "\n", "1", ".", "e", "\0", "\xff", "a"} .. tail end
    if what == 3 then bytes = head .. tail:sub(2) end
    if what == 4 then bytes = head .. string.char(random(0, 255)) .. tail:sub(2) end
  end
  return bytes
end

-- ---- both -------------------------------------------------------------------------------------------------------

local function fail(bytes, binary, what)
  error(("seed %d, binary = %s: %s, of %q"):format(option.seed, binary, what, bytes), 0)
end

local function compare(kv, want, bytes, binary)
  if kv.vocab:words()[1] and table.concat(kv.vocab:words(), " ") ~= table.concat(want.words, " ") then
    fail(bytes, binary, "other words")
  end
  for i, row in ipairs(want.rows) do
    local got = kv.matrix[i - 1]:tolist()
    local packed = ("<" .. ("f"):rep(#got)):pack(table.unpack(got))
    local wanted = binary and row[1] or ("<" .. ("f"):rep(#row)):pack(table.unpack(row))
    if packed ~= wanted and not kv.matrix[i - 1]:isnan():any():item() then fail(bytes, binary, "other numbers") end
  end
end

local function try(bytes, binary)
  local file <close> = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  local ok, kv = pcall(embla.io.word2vec.load, path, {binary = binary})
  local want = (binary and slow_binary or slow_text)(bytes)
  if ok and not want then fail(bytes, binary, "read what should be refused") end
  if not ok and not kv:find(path, 1, true) then fail(bytes, binary, "no path in '" .. kv .. "'") end
  if not ok and want and not bytes:lower():find "[ni][an][nf]" then fail(bytes, binary, "refused: " .. kv) end
  if ok then compare(kv, want, bytes, binary) end
  for _, name in ipairs {"word2vec", "glove", "fasttext"} do
    local fine, message = pcall(embla.io[name].load, path)
    if not fine and not message:find(path, 1, true) then fail(bytes, name, "no path in '" .. message .. "'") end
  end
  return ok
end

local began, files, read = os.clock(), 0, 0
while os.clock() - began < option.seconds do
  local binary = random(2) == 1
  files = files + 1
  if try(damage(make(binary)), binary) then read = read + 1 end
end
os.remove(path)
print(("%d files, %d of them read"):format(files, read))
if read == 0 or read == files then error("nothing was read, or nothing refused", 0) end

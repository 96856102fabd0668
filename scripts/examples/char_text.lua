-- Text as ids of its characters, for the examples that learn to write: options, batches, samples.

local checkpoints = require "checkpoints"
local embla = require "embla"

local char_text = {}

--- The arguments of the script: its own, and what both have.
-- @param description what it does
-- @param rows        its options, as embla.args has them
-- @return table name -> value; its `path` is a file, or nil
function char_text.options(description, rows)
  local all = {{name = "path", positional = true, type = "string", metavar = "FILE",
                doc = "the text; without one, Embla's own sources"}}
  table.move(rows, 1, #rows, 2, all)
  table.move({
    {name = "sample", type = "integer", default = 500, range = ">= 0", doc = "characters to write at the end"},
    {name = "seed", type = "integer", default = 1, doc = "of all random draws"},
    {name = "threads", type = "integer", default = 0, range = ">= 0", doc = "processors to use; 0: all there are"},
  }, 1, 3, #all + 1, all)
  table.move(checkpoints.rows("steps", 100), 1, 3, #all + 1, all)
  local o = embla.args(description, all)
  embla.manual_seed(o.seed)
  if o.threads > 0 then embla.set_num_threads(o.threads) end
  return o
end

-- The text of a file; without one, Embla's own sources.
local function read(path)
  local root, parts = (arg[0]:match "^(.*)/" or ".") .. "/../../", {}
  for i, source in ipairs(path and {path} or embla.io.files(root .. "core", {suffix = ".c"})) do
    local file <close> = assert(io.open(source, "rb"))
    parts[i] = file:read "a"
  end
  return table.concat(parts)
end

--- Reads a text and numbers its characters in the order of their codes.
-- @param path a file, or nil for Embla's own sources
-- @return {train, valid: Tensor (n) of ids, nine tenths and the rest; size: different characters;
--         encode: text -> list of ids; decode: list of ids -> text}
function char_text.load(path)
  local text, seen, chars, id_of = read(path), {}, {}, {}
  for char in text:gmatch(utf8.charpattern) do seen[char] = true end
  for char in pairs(seen) do chars[#chars + 1] = char end
  table.sort(chars)
  for i, char in ipairs(chars) do id_of[char] = i - 1 end
  local function encode(piece)
    local list = {}
    for char in piece:gmatch(utf8.charpattern) do list[#list + 1] = id_of[char] end
    return list
  end
  local function decode(list)
    local piece = {}
    for i, id in ipairs(list) do piece[i] = chars[id + 1] end
    return table.concat(piece)
  end
  local ids = embla.LongTensor(encode(text))
  local n = #ids * 9 // 10
  print(("%d characters, %d of them different"):format(#ids, #chars))
  return {train = ids[{{0, n}}], valid = ids[{{n}}], size = #chars, encode = encode, decode = decode}
end

--- Pieces of a text that begin at the given places, and the same one character on.
-- @param ids    Tensor (n)
-- @param starts Tensor (B) of places, at most n - T - 1
-- @param T      characters a piece
-- @return input (B, T), target (B, T)
function char_text.pieces(ids, starts, T)
  local rows = ids[starts:unsqueeze(1) + embla.arange(T + 1)]
  return rows:narrow(1, 0, T), rows:narrow(1, 1, T):contiguous()
end

--- Pieces that begin anywhere.
-- @param ids Tensor (n)
-- @param B   how many
-- @param T   characters a piece
-- @return input (B, T), target (B, T)
function char_text.batch(ids, B, T) return char_text.pieces(ids, embla.randint(0, #ids - T, {B}), T) end

--- Mean loss over pieces that lie evenly over a text, without gradients.
-- @param ids     Tensor (n)
-- @param batches how many batches
-- @param B       pieces a batch
-- @param T       characters a piece
-- @param loss    function(input, target) -> Tensor ()
-- @return number
function char_text.mean_loss(ids, batches, B, T, loss)
  local sum, step = 0, (#ids - T - 1) / (batches * B)
  local starts = (embla.arange(batches * B):double() * step):long():view(batches, B)
  embla.no_grad(function()
    for _, row in starts:iter() do sum = sum + loss(char_text.pieces(ids, row, T)):item() end
  end)
  return sum / batches
end

return char_text

-- The local variables that a piece of Lua declares for itself, outside of all blocks: the prompt keeps them for the
-- pieces that follow.

-- What stands at `at`, no blank: where it ends, and its text if that is a name or one character.
local function token(text, at)
  local level = text:match("^%-%-%[(=*)%[", at) or text:match("^%[(=*)%[", at)
  if level then return select(2, text:find("]" .. level .. "]", at, true)) end
  if text:find("^%-%-", at) then return (text:find("\n", at, true) or #text + 1) - 1 end
  local quote = text:match("^[\"']", at)
  if quote then
    local stop = at
    repeat
      stop = text:find("[\\" .. quote .. "]", stop + 1)
      local escapes = stop and text:sub(stop, stop) == "\\"
      if escapes then stop = stop + 1 end
    until not escapes
    return stop
  end
  local _, last = text:find("^%.?%d[%w_.]*", at)
  if last then return last end
  _, last = text:find("^[%a_][%w_]*", at)
  last = last or at
  return last, text:sub(at, last)
end

-- Names and single characters in order, without comments, strings and numbers.
local function words_of(text)
  local words, at = {}, text:match "^%s*()"
  while at <= #text do
    local last, word = token(text, at)
    words[#words + 1] = word or "0"
    at = text:match("^%s*()", (last or #text) + 1)
  end
  return words
end

local DEEPER = {["function"] = 1, ["do"] = 1, ["if"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1}

-- Adds the names of the list that begins at words[i], but for those that are closed at the end; whether there are such.
local function add_names(names, words, i)
  local closes = false
  while true do
    local attribute = words[i + 1] == "<" and words[i + 2] or nil
    if attribute == "close" then closes = true else names[#names + 1] = words[i] end
    i = i + (attribute and 4 or 1)
    if words[i] ~= "," then return closes end
    i = i + 1
  end
end

--- The local variables that a piece of code declares outside of all blocks.
-- @param text code that Lua compiles
-- @return sequence of names in order, one twice if it is declared twice, without those marked <close>; empty if the
--         code ends in a return of its own; and whether some are marked <close>
local function locals(text)
  local words, names, closes, depth = words_of(text), {}, false, 0
  for i, word in ipairs(words) do
    if depth == 0 and word == "return" then
      return {}, closes
    elseif depth == 0 and word == "local" and words[i + 1] == "function" then
      names[#names + 1] = words[i + 2]
    elseif depth == 0 and word == "local" then
      closes = add_names(names, words, i + 1) or closes
    end
    depth = depth + (DEEPER[word] or 0)
  end
  return names, closes
end

return locals

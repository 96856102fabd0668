-- io.jsonl: JSON lines, a value of JSON on each line of a file.

local core = require "embla.core"
local json = require "embla.io.json"
local text_lines = require "embla.io.lines"
local options = require "embla.arguments.options"
local raise = require "embla.errors.raise"

local jsonl = {}

--- The values of a file's lines, one after the other: for value in jsonl.lines(path) do. Lines of blanks are passed
-- over. The file is read as the loop goes on, so that it may be larger than memory.
-- @param path file
-- @return iterator over values as of json.decode, each with the number of its line
-- @raise if the file cannot be read; in the loop too, naming path, line and column, if a line is malformed
function jsonl.lines(path)
  if type(path) ~= "string" then raise("jsonl.lines: argument path: expected a path, got %s", options.show(path)) end
  local number = 0
  local next_line = text_lines(path)
  return function()
    for text in next_line do
      number = number + 1
      if text:find "[^ \t]" then return core.json_decode(text, path, json.null, number), number end
    end
  end
end

return jsonl

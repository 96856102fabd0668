-- The cases: each has a name, says whether it belongs to the quick selection, and makes a function to time. Names and
-- contents are those of the PyTorch scripts that they are compared with.
--
-- A file of cases/ returns a function that adds its cases with case(name, quick, make). make() returns
--   run    a function to call with a counter from 0
--   rates  nil, or unit -> amount a call, told per second
--   notes  nil, or unit -> amount, told as it is

local cases = {}

for _, kind in ipairs {"machine", "lookups", "bags", "small", "dense", "models", "vectors", "files", "loaders",
                       "tables", "examples"} do
  require("cases." .. kind)(function(name, quick, make)
    cases[#cases + 1] = {name = name, quick = quick, make = make}
  end)
end

return cases

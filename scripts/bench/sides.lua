-- The sides of a comparison: programs that time cases and print lines of bench.lua's form.

local sides = {}

--- A word as the shell takes it literally.
function sides.quote(word) return "'" .. tostring(word):gsub("'", "'\\''") .. "'" end

local function read_and_remove(path)
  local file <close> = assert(io.open(path))
  local text = file:read "a"
  os.remove(path)
  return text
end

--- Runs a command as a shell would that Embla did not start: the program sets GOMP_SPINCOUNT for itself alone.
-- @return its lines, its standard error, nil or how it ended badly
function sides.run(command)
  local complaints, lines = os.tmpname(), {}
  local pipe = assert(io.popen(("env -u GOMP_SPINCOUNT %s 2>%s"):format(command, complaints)))
  for line in pipe:lines() do lines[#lines + 1] = line end
  local _, how, status = pipe:close()
  local badly = (how == "signal" or status ~= 0) and ("%s %d"):format(how == "exit" and "exit status" or how, status)
  return lines, read_and_remove(complaints), badly or nil
end

-- OpenBLAS where the build looks for it too (cmake/Blas.cmake): Debian has a folder for its OpenMP build.
local FOLDERS = "$(printf %s: /usr/lib/*/openblas-openmp/pkgconfig)$PKG_CONFIG_PATH"
local PKG_CONFIG = ('env PKG_CONFIG_PATH="%s" pkg-config '):format(FOLDERS)

--- Whether a program of C can be linked with OpenBLAS here.
function sides.has_openblas() return select(3, sides.run(PKG_CONFIG .. "--exists openblas")) == nil end

--- Compiles a program of C that uses OpenBLAS and OpenMP.
-- @param source  path
-- @param program path to be
-- @param flags   more flags
-- @return what the compiler said, nil or how it ended badly
function sides.compile(source, program, flags)
  local _, complaints, badly = sides.run(("cc -march=native -fopenmp %s %s $(%s --cflags --libs openblas) " ..
    "-Wl,-rpath,$(%s --variable=libdir openblas) -o %s"):format(flags, sides.quote(source), PKG_CONFIG, PKG_CONFIG,
                                                                 sides.quote(program)))
  return complaints, badly
end

-- What is told about one case, "# case: message", or the last line of all that is told.
local function complaint_about(name, complaints, badly)
  local last
  for line in complaints:gmatch "[^\n]+" do
    if line:sub(1, #name + 4) == "# " .. name .. ": " then return line:sub(#name + 5) end
    if not line:find "^#" then last = line end
  end
  local parts = {badly or "no line for this case", last}
  return table.concat(parts, ", ")
end

--- Times cases by a command.
-- @param command text; options that choose cases come behind it
-- @param names   their names
-- @return name -> seconds, name -> message for those that failed, name -> processors that others used meanwhile
function sides.time(command, names)
  local lines, complaints, badly = sides.run(("%s --case %s"):format(command, sides.quote(table.concat(names, ","))))
  local seconds, problems, others = {}, {}, {}
  for _, line in ipairs(lines) do
    local name, median, extra = line:match "^(%S+)\t%d+\t(%S+)(.*)"
    if name then seconds[name], others[name] = tonumber(median), tonumber(extra:match " other=(%S+)") end
  end
  for _, name in ipairs(names) do
    if not seconds[name] then problems[name] = complaint_about(name, complaints, badly) end
  end
  return seconds, problems, others
end

--- The cases that a command knows.
-- @return sequence of names, or nil and a message
function sides.list(command)
  local lines, complaints, badly = sides.run(command .. " --list")
  if badly then return nil, badly .. ", " .. (complaints:match "([^\n]*)\n*$") end
  for i, line in ipairs(lines) do lines[i] = line:match "^%S+" end
  return lines
end

return sides

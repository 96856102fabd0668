-- Draws what compare.lua found: for each case how many times PyTorch's speed Embla reaches, on a log axis.
--
--     embla scripts/bench/draw.lua ratios.csv ratios.png [--case NAME[,NAME…]]
--
-- Needs gnuplot. Many cases make a tall drawing; --case makes several of parts.

package.path = (arg[0]:match "^.*/" or "./") .. "?.lua;" .. package.path
local arguments = require "arguments"
local results = require "results"
local sides = require "sides"

local set = arguments.read {case = "text"}
if #set ~= 2 then error("usage: draw.lua ratios.csv ratios.png [--case NAME,…]", 0) end
local csv, png = table.unpack(set)

local COLOURS = {"#9ecae1", "#2171b5", "#08306b", "#fd8d3c"}
local ROW, LETTER = 28, 7                   -- pixels of a case's height and of a letter's width

-- The cases in the order of the file, and the numbers of threads that there are.
local function chosen_rows()
  local cases, threads, has_case, has_threads = {}, {}, {}, {}
  for _, row in ipairs(results.read(csv)) do
    if row.ratio and arguments.chosen(row.case, set.case) then
      if not has_case[row.case] then cases[#cases + 1] = row.case end
      has_case[row.case] = has_case[row.case] or {}
      has_case[row.case][row.threads] = row.ratio
      if not has_threads[row.threads] then threads[#threads + 1] = row.threads end
      has_threads[row.threads] = true
    end
  end
  table.sort(threads)
  return cases, threads, has_case
end

local cases, threads, ratios = chosen_rows()
if #cases == 0 then error("no case with a ratio to draw", 0) end

-- The axis: all ratios and 1, with room for the number at the end of a bar.
local function range()
  local low, high = 1, 1
  for _, of_case in pairs(ratios) do
    for _, ratio in pairs(of_case) do low, high = math.min(low, ratio), math.max(high, ratio) end
  end
  return low * 0.8, high * 1.7
end

-- One block of gnuplot's data for each number of threads: the ratio, the bar's upper and lower edge, the text.
local function write_blocks(file)
  local height = 0.8 / #threads
  for t, count in ipairs(threads) do
    file:write("$threads", t, " << END\n")
    for i, name in ipairs(cases) do
      local ratio, top = ratios[name][count], i - 0.4 + (t - 1) * height
      if ratio then
        file:write(("%.5g %.4f %.4f %s\n"):format(ratio, top, top + height, results.times(ratio)))
      end
    end
    file:write("END\n")
  end
end

local function write_labels(file)
  local labels = {}
  for i, name in ipairs(cases) do labels[i] = ("'%s' %d"):format(name:gsub("'", "''"), i) end
  file:write("set ytics (", table.concat(labels, ", "), ") noenhanced nomirror scale 0\n")
end

local function write_plot(file)
  local parts = {}
  for t, count in ipairs(threads) do
    local colour, plural = COLOURS[(t - 1) % #COLOURS + 1], count > 1 and "s" or ""
    parts[#parts + 1] = ("$threads%d using (1):2:(1):1:2:3 with boxxyerror fillstyle solid noborder " ..
      "linecolor rgb '%s' title '%d thread%s'"):format(t, colour, count, plural)
    parts[#parts + 1] = ("$threads%d using ($1 > 1 ? $1 * 1.03 : 1.03):(($2 + $3) / 2):4 with labels left " ..
      "font ',8' textcolor rgb '#444444' notitle"):format(t)
  end
  file:write("plot ", table.concat(parts, ", \\\n  "), "\n")
end

local HEAD = [[
set terminal pngcairo size %d,%d font "DejaVu Sans,9" noenhanced
set output %s
set lmargin at screen %.4f
set rmargin at screen 0.98
set tmargin at screen %.5f
set bmargin at screen %.5f
set logscale x
set logscale x2
set xrange [%g:%g]
set x2range [%g:%g]
set yrange [%g:0.4]
set xtics (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, "1x" 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
set x2tics (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, "1x" 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
set xlabel "times as fast as PyTorch"
set grid x linetype 1 linecolor rgb "#dddddd"
set arrow from 1, graph 0 to 1, graph 1 nohead linewidth 2 linecolor rgb "#c03020" front
set key at screen 0.98, screen %.5f right top horizontal
]]

local function write_script(file)
  local longest = 0
  for _, name in ipairs(cases) do longest = math.max(longest, #name) end
  local left, top, bottom = longest * LETTER + 20, 56, 50
  local width, height = left + 760, top + bottom + ROW * #cases
  local low, high = range()
  file:write(HEAD:format(width, height, "'" .. png:gsub("'", "''") .. "'", left / width, 1 - top / height,
                         bottom / height, low, high, low, high, #cases + 0.6, 1 - 8 / height))
  write_labels(file)
  write_blocks(file)
  write_plot(file)
end

local path = os.tmpname()
do
  local file <close> = assert(io.open(path, "w"))
  write_script(file)
end
local _, complaints, badly = sides.run("gnuplot " .. path)
os.remove(path)
if badly then error("gnuplot: " .. complaints, 0) end

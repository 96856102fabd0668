-- Each call of the system about a file fails, or is the process's last: what is at the path afterwards is the old file
-- or the new one, whole; who says that it has saved has; a fault is told with the path; nothing is left beside it.
--
--   embla tests/program/test_faulty_files.lua EMBLA FAULTY_FILES      the program; the library of faulty_files.c
package.path = (arg[0]:match("^(.-)tests/program/") or "") .. "tests/?.lua;" .. package.path
local process = require "support.process"
local t = require "support.check"

local EMBLA, FAULTY = process.quote(arg[1]), process.quote(arg[2])

-- Runs the script of ways; with a fault, at the call of that number. Returns what it printed, the fault, errors, how it
-- ended.
local function run(way, folder, number, how, at)
  local fault = ""
  if how then
    fault = ("LD_PRELOAD=%s FAULTY_FOLDER=%s FAULTY_HOW=%s FAULTY_AT=%d"):format(FAULTY, folder, how, at)
  end
  local out, err, status = process.run(("OMP_NUM_THREADS=1 %s %s tests/program/faulty_saves.lua %s %s %s"):format(
    fault, EMBLA, way, folder, number or ""))
  return out, err:match "fault: (%w+)", err:gsub("fault: %w+\n", ""), status
end

local function names_in(folder)
  local names = {}
  for name in process.run("ls -A " .. folder):gmatch "[^\n]+" do names[#names + 1] = name end
  return names
end

local function with_folder(use)
  local folder = process.run "mktemp -d":match "%S+"
  local ok, err = pcall(use, folder)
  os.execute("rm -rf " .. folder)
  if not ok then error(err, 0) end
end

-- Runs `try(at)` for the 1st, 2nd, … call until none is left to fail; returns how many failed.
local function each_call(try)
  for at = 1, 1000 do
    if not try(at) then return at - 1 end
  end
  t.fail "there is no end of calls"
end

local function check_save(way, how)
  with_folder(function(folder)
    run(way, folder, 1)
    local faults = each_call(function(at)
      local out, fault, err, status = run(way, folder, 2, how, at)
      local found, _, complaint = run(way, folder)
      local place = ("%s, %s at call %d (%s)"):format(way, how, at, fault)
      if found ~= "1\n" and found ~= "2\n" then t.fail(place .. ": " .. found .. complaint) end
      if out == "saved\n" then t.equal({place, found}, {place, "2\n"}) end
      if fault and how == "kill" then
        t.equal({place, status}, {place, 137})
        for _, name in ipairs(names_in(folder)) do
          if name ~= "file" then os.remove(folder .. "/" .. name) end
        end
      else
        t.equal({place, names_in(folder)}, {place, {"file"}})
      end
      if fault and out ~= "saved\n" and how ~= "kill" then
        t.equal({place, err:find(folder .. "/file: ", 1, true) ~= nil}, {place, true})
      end
      if fault and (how == "EINTR" or how == "short") and fault ~= "close" and fault:find "write" then
        t.equal({place, out}, {place, "saved\n"})
      end
      run(way, folder, 1)
      return fault
    end)
    if faults < 5 then t.fail(("%s, %s: only %d calls failed"):format(way, how, faults)) end
  end)
end

for _, way in ipairs {"value", "vocab"} do
  for _, how in ipairs {"kill", "EIO", "ENOSPC", "EDQUOT", "EINTR", "short", "ENOSPC+", "EIO+"} do
    t.test(("saving (%s): %s at each call"):format(way, how), function() check_save(way, how) end)
  end
end

for _, way in ipairs {"value", "mapped", "vocab"} do
  for _, how in ipairs {"EIO", "EINTR", "short"} do
    t.test(("loading (%s): %s at each call"):format(way, how), function()
      with_folder(function(folder)
        run(way, folder, 7)
        local faults = each_call(function(at)
          local out, fault, err = run(way, folder, nil, how, at)
          local place = ("%s, %s at call %d (%s)"):format(way, how, at, fault)
          local told = err:find(folder .. "/file: ", 1, true) ~= nil
          t.equal({place, out == "7\n" or told}, {place, true})
          if fault and how ~= "EIO" and fault:find "read" then t.equal({place, out}, {place, "7\n"}) end
          if fault == "read" and how == "EIO" then t.equal({place, told}, {place, true}) end
          return fault
        end)
        t.equal(faults >= 2, true)
      end)
    end)
  end
end

t.finish()

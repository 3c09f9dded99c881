-- moonlab run --watch: again from the start whenever a file of the script is saved.
local source = os.getenv "MOONLAB_SOURCE"
local process = dofile(source .. "/tests/lua/process.lua")

teardown(process.remove_all)

-- Runs `moonlab run --watch script.lua` in the background of a shell script that waits for what it prints and saves files.
-- await TEXT: until it stands in the output, behind what was awaited before. save FILE: from standard input.
local PRELUDE = [[
%s run --watch script.lua %s >out 2>&1 &
watcher=$!
trap 'kill $watcher 2>/dev/null' EXIT
await() {
  i=0
  while at=$(tail -c +$((from + 1)) out | grep -obF -e "$1" | head -n 1 | cut -d: -f1); [ -z "$at" ]; do
    i=$((i + 1))
    if [ $i -gt 600 ]; then echo "did not come: $1"; kill $watcher; cat out; exit 99; fi
    sleep 0.05
  done
  from=$((from + at + ${#1}))
}
save() { cat >"$1.new"; mv "$1.new" "$1"; }
leave() { kill -TERM $watcher; wait $watcher; code=$?; trap - EXIT; cat out; exit $code; }
from=0
]]

local function watched(first, steps, arguments)
  local folder = process.folder()
  process.write(folder .. "/script.lua", first)
  return process.shell(PRELUDE:format(process.program, arguments or "") .. steps .. "\nleave\n", { folder = folder })
end

describe("moonlab run --watch", function()
  it("runs a script again when it is saved, written over or replaced", function()
    local done = watched("print 'first'", [[
      await first
      await "waiting for a file"
      echo "print 'second'" | save script.lua
      await "script.lua was saved"
      await second
      await "waiting for a file"
      echo "print 'third'" >script.lua
      await third
      await "waiting for a file"]])
    assert.equal(0, done.code, done.out)
  end)

  it("leaves an error on screen with its line, and goes on when it is repaired", function()
    local done = watched("local x = 1\nerror 'broken'", [[
      await "script.lua:2: broken"
      await "waiting for a file"
      echo "x = = 2" | save script.lua
      await "script.lua:1: unexpected symbol"
      await "waiting for a file"
      echo "print 'whole'" | save script.lua
      await whole
      await "waiting for a file"]])
    assert.equal(0, done.code, done.out)
    local still = watched("error 'broken'", [[await "waiting for a file"]])
    assert.equal(1, still.code, still.out) -- the exit code is that of the last program
  end)

  local it_shows = os.execute "command -v xvfb-run >/dev/null 2>&1" and it or pending

  it_shows("keeps the window of a script with an error, until that is repaired", function()
    local folder = process.folder()
    process.write(folder .. "/script.lua", [[
      local run = require "moonlab".run { name = "broken", steps = 5 }
      run:figure {}:lines(1, { "loss" })
      for step in run:steps() do
        run:log { loss = step }
        if step == 3 then
          os.execute "(sleep 3; echo \"print 'whole'\" >new; mv new script.lua) >/dev/null 2>&1 &"
          error "broken"
        end
      end
    ]])
    local dialogue = { "expect script.lua:7: broken", "expect the window stays open", "expect script.lua was saved",
      "expect whole", "expect waiting for a file", [[send \x03]] }
    local done = process.shell(("xvfb-run -a %s %s run --watch script.lua"):format(process.pty, process.program),
      { folder = folder, input = table.concat(dialogue, "\n") .. "\n", environment = { TERM = "xterm" } })
    assert.equal(0, done.code, done.err .. done.out)
  end)

  it("watches what the script reads by require and dofile, also when that has the error", function()
    local done = watched("print 'none yet'", [[
      await "waiting for a file"
      echo "return = 1" >module.lua
      echo "print('part one')" >part.lua
      echo "package.path = './?.lua;' .. package.path; dofile 'part.lua'; print(require 'module')" | save script.lua
      await "part one"
      await "module.lua:1:"
      await "waiting for a file"
      echo "return 'a module'" | save module.lua
      await "module.lua was saved"
      await "a module"
      await "waiting for a file"
      echo "print('part two')" | save part.lua
      await "part.lua was saved"
      await "part two"
      await "waiting for a file"]])
    assert.equal(0, done.code, done.out)
  end)

  -- A weight grows by one each step.
  local function counting(word, keep, shape)
    return ([[
      local ml = require "moonlab"
      local run = ml.run { name = "demo", steps = 100000000 }
      local model = ml.nn.Linear(%d, 1, { bias = false })
      local opt = ml.optim.SGD(model:parameters(), { lr = 1 })
      local before = %s
      print("%s", before or "none", before and opt.steps == before and math.abs(model.weight:sum():item() - before) < 2)
      io.stdout:flush()
      for step in run:steps() do
        opt:minimize(-model.weight:sum())
        if step == 200 then print "trained" io.stdout:flush() end
      end
    ]]):format(shape, keep, word)
  end

  it("stops a loop after the step under way, and keeps what run:on_reload names", function()
    local keep = "run:on_reload { model = model, opt = opt }"
    local done = watched(counting("one", keep, 1), ([[
      await trained
      save script.lua <<'END'
%s
END
      await "script.lua was saved"
      await "goes on after"
      await trained
      save script.lua <<'END'
%s
END
      await "begins anew: "
      await trained
      save script.lua <<'END'
%s
END
      await "four"
      await trained]]):format(counting("two", keep, 1), counting("three", keep, 2), counting("four", "nil", 2)))
    assert.equal(130, done.code, done.out)
    assert.matches("one\tnone", done.out)
    assert.matches("interrupted at step %d+; all of it is in", done.out)
    local steps = done.out:match "two\t(%d+)\ttrue" -- the weight has counted them
    assert.truthy(steps and tonumber(steps) >= 200, done.out)
    assert.matches("three\tnone", done.out)
    assert.matches("four\tnone", done.out)
    local runs = process.runs(done.folder)
    assert.equal(4, #runs) -- each is a run of its own
    for _, run in ipairs(runs) do assert.matches('"status":%s*"interrupted"', process.read(run .. "/run.json")) end
  end)

  it("ends a script that does not end by itself, outside any loop", function()
    local done = watched("print 'endless' io.stdout:flush() while true do end", [[
      await endless
      echo "print 'over'" | save script.lua
      await over
      await "waiting for a file"]])
    assert.equal(0, done.code, done.out)
  end)

  it("ends with Ctrl-C, with the child that runs", function()
    local folder = process.folder()
    process.write(folder .. "/script.lua", [[
      local run = require "moonlab".run { name = "demo", steps = 100000000 }
      for step in run:steps() do if step == 100 then print "there" end end
      print "after the loop"]])
    local done = process.dialogue(process.program .. " run --watch script.lua",
      { "expect there", [[send \x03]], "expect after the loop" }, { folder = folder, environment = { TERM = "xterm" } })
    assert.equal(130, done.code, done.out .. done.err)
    assert.falsy(done.out:find("waiting for a file", 1, true))
  end)

  it("refuses a file that is not there, and does nothing new without --watch", function()
    local none = process.shell(process.program .. " run --watch nowhere.lua")
    assert.equal(2, none.code)
    local plain = process.script([[
      local ml = require "moonlab"
      local run = ml.run { steps = 1 }
      assert(run:on_reload { model = ml.nn.Linear(1, 1) } == nil)
      local good, message = pcall(run.on_reload, run, 5)
      assert(not good and message:find "run:on_reload: needs a table", message)
    ]])
    assert.equal(0, plain.code, plain.err)
  end)
end)

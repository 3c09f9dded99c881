--- For specs that run programs: the moonlab program, the stock interpreter, a terminal around either.
local process = {
  source  = os.getenv "MOONLAB_SOURCE",
  program = os.getenv "MOONLAB_PROGRAM",
  pty     = os.getenv "MOONLAB_PTY",
}

function process.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

function process.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

function process.exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- A new folder; `process.remove_all` in a teardown removes all of them.
local folders = {}
function process.folder()
  local pipe = io.popen("mktemp -d", "r")
  local path = pipe:read "l"
  pipe:close()
  folders[#folders + 1] = path
  return path
end

function process.remove_all()
  for _, path in ipairs(folders) do os.execute(("rm -rf '%s'"):format(path)) end
  folders = {}
end

--- Runs a shell command in a folder, without a display, for two minutes at most; returns { code =, out =, err = }.
function process.shell(command, options)
  options = options or {}
  local folder, dir = options.folder or process.folder(), process.folder()
  local lines = { ("cd '%s'"):format(folder), "unset DISPLAY WAYLAND_DISPLAY SDL_VIDEODRIVER MOONLAB_THREADS MOONLAB_MEMORY",
                  "export MOONLAB_RUNS=runs" }
  for name, value in pairs(options.environment or {}) do lines[#lines + 1] = ("export %s='%s'"):format(name, value) end
  lines[#lines + 1] = command
  process.write(dir .. "/command", table.concat(lines, "\n") .. "\n")
  process.write(dir .. "/in", options.input or "")
  local pipe = io.popen(("timeout -k 5 120 sh '%s/command' <'%s/in' >'%s/out' 2>'%s/err'"):format(dir, dir, dir, dir))
  local _, _, code = pipe:close()
  return { code = code, out = process.read(dir .. "/out"), err = process.read(dir .. "/err"), folder = folder }
end

--- Runs the text of a script by `moonlab run`, quietly unless options.arguments says otherwise.
--- options.by = "lua" runs it by the stock interpreter.
function process.script(text, arguments, options)
  options = options or {}
  options.folder = options.folder or process.folder()
  process.write(options.folder .. "/script.lua", text)
  local runner = options.by == "lua" and "lua5.4" or process.program .. " run"
  return process.shell(("%s script.lua %s"):format(runner, arguments or ""), options)
end

--- The directories of the runs below folder/runs, sorted.
function process.runs(folder)
  local pipe, list = io.popen(("ls -d '%s'/runs/*/* 2>/dev/null"):format(folder)), {}
  for path in pipe:lines() do list[#list + 1] = path end
  pipe:close()
  return list
end

--- run.json of the only run of a folder, as text without white space.
function process.record(folder)
  local runs = process.runs(folder)
  assert(#runs == 1, ("expected one run in '%s', found %d"):format(folder, #runs))
  return (process.read(runs[1] .. "/run.json"):gsub("%s+", ""))
end

--- The metrics of a run's directory as CSV, without the column of the time.
function process.metrics(run)
  local done = process.shell(("%s export '%s' --csv -"):format(process.program, run))
  assert(done.code == 0, done.err)
  return (done.out:gsub("([^,\n]*),[^,\n]*([^\n]*\n)", "%1%2"))
end

--- Holds a dialogue on a terminal: "expect TEXT" and "send TEXT" lines, see pty.c.
function process.dialogue(command, lines, options)
  options = options or {}
  options.input = table.concat(lines, "\n") .. "\n"
  return process.shell(process.pty .. " " .. command, options)
end

return process

--- A script under `moonlab run --watch`: says which files it reads, and hands what it keeps to the program that follows it.
local files   = require "moonlab.files"
local session = require "moonlab.session"

local watched = {}

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

--- What run:on_reload does: models and optimizers of keep go on from where those of the last program were.
---@param run moonlab.Run
---@param keep table
---@return integer? steps  that they have behind them; nil when there is nothing to go on from
---@return string? problem
function watched.take(run, keep)
  local state = run._
  state.keep = keep
  if not session.reload or not exists(session.reload) then return nil end
  local good, old = pcall(files.load_checkpoint, session.reload, { keep = keep })
  if not good then return nil, tostring(old):match "load_checkpoint: (.*)" or tostring(old) end
  state.core:event(0, ("goes on after %d steps, the last in %s"):format(old.steps, old.dir))
  state.kept_steps = old.steps
  return old.steps
end

--- Writes what the run keeps; at its end.
---@param run moonlab.Run
function watched.give(run)
  if not session.reload or not run._.keep then return end
  files.save_checkpoint(session.reload, { keep = run._.keep, steps = (run._.kept_steps or 0) + run.step, dir = run.dir })
end

--- Calls tell(path) for each file of Lua that the script reads from now on.
---@param tell fun(path: string)
function watched.begin(tell)
  local dofile, loadfile = dofile, loadfile
  function _G.dofile(path, ...) -- luacheck: ignore 122
    if path then tell(path) end
    return dofile(path, ...)
  end
  function _G.loadfile(path, ...) -- luacheck: ignore 122
    if path then tell(path) end
    return loadfile(path, ...)
  end
  table.insert(package.searchers, 2, function(name) -- finds nothing; tells what the next one will load, which may have an error
    local path = package.searchpath(name, package.path)
    if path then tell(path) end
  end)
end

return watched

--- What the specs share: comparing numbers, running a script in a process of its own.
local support = {}

--- A sanitizer is loaded: memory and times are its own, and what only measures is left to the tests without.
support.sanitized = os.getenv "LD_PRELOAD" ~= nil

--- Are a and b the same nested lists, each number within tolerance (absolute below 1, relative above)?
function support.near(a, b, tolerance)
  tolerance = tolerance or 1e-6
  if type(a) ~= type(b) then return false end
  if type(a) == "table" then
    if #a ~= #b then return false end
    for i = 1, #a do
      if not support.near(a[i], b[i], tolerance) then return false end
    end
    return true
  end
  if type(a) ~= "number" or a == b then return a == b end
  return math.abs(a - b) <= tolerance * math.max(1, math.abs(a), math.abs(b))
end

--- Asserts that the tensor holds these values (nested lists; a number for shape ()).
function support.holds(expected, tensor, tolerance)
  local got = tensor:tolist()
  if not support.near(expected, got, tolerance) then
    error(("expected %s, got %s"):format(support.text(expected), support.text(got)), 2)
  end
end

function support.text(value)
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, entry in ipairs(value) do parts[i] = support.text(entry) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

--- Asserts that fn raises a message that begins with its own line, as the script's author should see it, and then
--- matches the pattern. (luassert's error_matches drops the position before it compares.)
function support.fails(fn, pattern)
  local good, message = pcall(fn)
  if good then error("expected an error: " .. pattern, 2) end
  local info = debug.getinfo(fn, "S")
  local line, text = tostring(message):match("^" .. info.short_src:gsub("%p", "%%%0") .. ":(%d+): (.*)$")
  line = tonumber(line)
  if not line or line < info.linedefined or line > info.lastlinedefined then
    error(("expected an error at %s:%d, got: %s"):format(info.short_src, info.linedefined, message), 2)
  end
  if not text:find(pattern) then error(("expected: %s\ngot:      %s"):format(pattern, text), 2) end
end

--- Runs a Lua script in a fresh stock interpreter; returns its output (errors too) and whether it succeeded.
--- `settings` go before the command: "MOONLAB_MEMORY=64M".
function support.run(script, settings, interpreter)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(script)
  file:close()
  local pipe = assert(io.popen(("%s %s %s 2>&1"):format(settings or "", interpreter or "lua5.4", path)))
  local output = pipe:read "a"
  local good = pipe:close()
  os.remove(path)
  return output, good or false, path
end

return support

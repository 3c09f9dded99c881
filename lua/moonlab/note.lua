--- A line on the error output for whoever watches the run; nothing under --quiet.
local session = require "moonlab.session"

---@param format string
---@param ... any  as string.format takes
return function(format, ...)
  if not session.quiet then io.stderr:write(format:format(...), "\n") end
end

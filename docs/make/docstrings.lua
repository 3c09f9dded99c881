--- Reads the annotations of Lua sources: what they say of functions and classes, for people to read.
local docstrings = {}

---@class moonlab.doc.Entry
---@field owner  string    "ml", "Tensor"; "" for a class
---@field name   string
---@field method boolean   owner:name, not owner.name
---@field args   string[]
---@field text   string[]  lines of prose
---@field params table[]   { name, type, text, optional }
---@field returns string[]
---@field fields table[]   of a class: { name, type, text, optional }

-- A type ends at the first space outside brackets, which is where the words about it begin.
local function split_type(rest)
  local depth = 0
  for at = 1, #rest do
    local c = rest:sub(at, at)
    if c:find "[%(%{<%[]" then depth = depth + 1 end
    if c:find "[%)%}>%]]" then depth = depth - 1 end
    local joined = rest:sub(at):find "^ *|" or rest:sub(1, at - 1):find "[|:] *$" or rest:sub(1, at - 1):find ", *$"
    if c == " " and depth == 0 and not joined then return rest:sub(1, at - 1), (rest:sub(at):gsub("^%s+", "")) end
  end
  return rest, ""
end

local function read_name(line, tag)
  local name, optional, rest = line:match("^@" .. tag .. "%s+([%w_%.]+)(%??)%s+(.*)$")
  if not name then return end
  local kind, text = split_type(rest)
  return { name = name, type = kind, text = text, optional = optional == "?" }
end

-- One block of `---` lines.
local function read_block(lines)
  local entry = { text = {}, params = {}, returns = {}, fields = {} }
  for _, line in ipairs(lines) do
    if line:find "^@param" then
      entry.params[#entry.params + 1] = read_name(line, "param")
    elseif line:find "^@field" and not line:find "^@field private" and not line:find "^@field %[" then
      entry.fields[#entry.fields + 1] = read_name(line, "field")
    elseif line:find "^@return" then
      entry.returns[#entry.returns + 1] = line:match "^@return%s+(.*)$"
    elseif line:find "^@class" then
      entry.class, entry.parent, entry.rest = line:match "^@class%s+([%w_%.]+)%s*:?%s*([%w_%.]*)%s*(.*)$"
    elseif not line:find "^@" then
      entry.text[#entry.text + 1] = line
    end
  end
  return entry
end

--- Entries in the order of the source.
---@param source string  a Lua file's text
---@return moonlab.doc.Entry[]
function docstrings.read(source)
  local entries, block = {}, {}
  for line in (source .. "\n"):gmatch "([^\n]*)\n" do
    local doc = line:match "^%-%-%-%s?(.*)$"
    if doc and not line:find "^%-%-%- .* %-%-%-%-" then -- no ruler
      block[#block + 1] = doc
    else
      local owner, separator, name, args = line:match "^function ([%w_]+)([%.:])([%w_]+)%((.-)%)"
      local entry = #block > 0 and read_block(block)
      if owner and entry then
        entry.owner, entry.name, entry.method, entry.args = owner, name, separator == ":", {}
        for arg in args:gmatch "[%w_%.]+" do entry.args[#entry.args + 1] = arg end
        entries[#entries + 1] = entry
      elseif owner then
        local nothing = read_block {}
        nothing.owner, nothing.name, nothing.method, nothing.args, nothing.undocumented = owner, name, separator == ":", {}, true
        entries[#entries + 1] = nothing
      elseif entry and entry.class then
        entry.owner, entry.name = "", entry.class
        entries[#entries + 1] = entry
      end
      block = {}
    end
  end
  return entries
end

return docstrings

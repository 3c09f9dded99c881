--- The examples of the reference: pieces of Lua in docs/examples/, each under the name of what it shows.
---
---     --- relu
---     print(ml.tensor { -1, 2 }:relu())  --> [0, 2]  i64 (2)
---
--- What stands after `-->` is what the line prints; longer outputs go on in lines that begin with it. The test suite runs
--- every example and compares.
local examples = {}

--- The examples of one file, by name.
---@param source string
---@return table<string, string> by_name
---@return string[] names  in their order
function examples.read(source)
  local by_name, names, name = {}, {}, nil
  for line in (source .. "\n"):gmatch "([^\n]*)\n" do
    local title = line:match "^%-%-%- (%S+)$"
    if title then
      name = title
      assert(not by_name[name], "two examples of " .. name)
      names[#names + 1], by_name[name] = name, ""
    elseif name and not (by_name[name] == "" and line == "") then
      by_name[name] = by_name[name] .. line .. "\n"
    end
  end
  for key, text in pairs(by_name) do by_name[key] = text:gsub("%s+$", "") .. "\n" end
  return by_name, names
end

--- What an example says that it prints.
---@param example string
---@return string
function examples.expected(example)
  local out = {}
  for line in example:gmatch "([^\n]*)\n" do
    local text = line:match "%-%->%s?(.*)$"
    if text then out[#out + 1] = text end
  end
  return table.concat(out, "\n")
end

--- What it prints: run with `ml` and `nn` at hand, and the random numbers of a fresh start.
---@param example string
---@return string
function examples.run(example)
  local ml, out = require "moonlab", {}
  local function capture(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = tostring(parts[i]) end
    out[#out + 1] = (table.concat(parts, "  "):gsub("[ \t]+\n", "\n"))
  end
  local world = setmetatable({ ml = ml, nn = ml.nn, print = capture }, { __index = _G })
  ml.seed(1)
  local globals, plain = package.loaded._G, print -- moonlab prints too: model:summary()
  globals.print = capture
  local good, message = pcall(assert(load(example, "=example", "t", world)))
  globals.print = plain
  if not good then error(message, 0) end
  return table.concat(out, "\n")
end

return examples

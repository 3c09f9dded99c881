--- Files of numbers: ml.load and ml.save, and checkpoints of a training.
local core  = require "moonlab.core"
local check = require "moonlab.check"
local json  = require "moonlab.json"

local structure = require "moonlab.structure"

local is_tensor = core.tensor.is_tensor

local files = {}

--- names in files: "layer.1.weight" --------------------------------------------------------------------------------

-- A whole number as a file spells it is a position in a list.
local function key_of(word)
  return word:find "^[1-9]%d*$" and #word < 10 and math.tointeger(word) or word
end

-- { ["a.1"] = t } -> { a = { t } }
local function unflatten(flat)
  local root, from = {}, {}
  for name, value in pairs(flat) do
    local at = root
    for word, last in name:gmatch "([^%.]*)()%.?" do
      local key = key_of(word)
      local here = at[key]
      if last > #name then
        if here ~= nil then check.fail("load: '%s' is a tensor and a table of tensors", name) end
        at[key] = value
        break
      end
      if here ~= nil and from[here] == nil then check.fail("load: '%s' is inside of another tensor", name) end
      if here == nil then
        here = {}
        at[key], from[here] = here, true
      end
      at = here
    end
  end
  return root
end

-- The tensors of a tree with their names. Anything else in it would be lost without a word.
local function flatten(value)
  if type(value) ~= "table" and not structure.is_module(value) then
    check.fail("save: takes a tensor or a table of tensors, got %s", type(value))
  end
  local tensors, shape = structure.flatten(value, "save")
  local names = structure.paths(value, "save")
  local function look(part, path)
    if part == true then return end
    if not part.keys then
      check.fail("save: '%s' is a %s; a file holds tensors, and metadata = { name = text }", path, type(part.constant))
    end
    for i, key in ipairs(part.keys) do
      look(part.children[i], path == "" and tostring(key) or path .. "." .. tostring(key))
    end
  end
  look(shape, "")
  return names, tensors
end

local function notes_of(metadata)
  local notes, keys = {}, {}
  if type(metadata) ~= "table" then check.fail("save: metadata must be a table, got %s", type(metadata)) end
  for key, text in pairs(metadata) do
    if type(key) ~= "string" or type(text) ~= "string" then
      check.fail("save: metadata has names and texts, got %s = %s", tostring(key), type(text))
    end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for i, key in ipairs(keys) do notes[i] = { key, metadata[key] } end
  return notes
end

--- reading and writing ---------------------------------------------------------------------------------------------

---@class moonlab.LoadOptions
---@field format?    "npy"|"npz"|"safetensors"|"idx"|"cifar10"|"cifar100"|"csv"  (default: by content, else by the name's end)
---@field nested?    boolean  names with dots become tables in tables, whole numbers in them positions (default false)
---@field delimiter? string   CSV: one character (default a comma; a tab for .tsv)
---@field header?    boolean  CSV: the first line has the columns' names (default: when not all of it is numbers)
---@field limit?     integer  most bytes that a packed file may unpack to (default 4 GiB, or MOONLAB_LOAD_LIMIT=64M)

-- What a script sees of (names, tensors, notes).
local function present(names, tensors, notes, opts)
  local metadata = {}
  if #names == 1 and names[1] == "" then -- a file of one tensor; of CSV the notes are the columns' names
    if #notes == 0 then return tensors[1] end
    for i, note in ipairs(notes) do metadata[i] = note[2] end
    return tensors[1], metadata
  end
  local flat = {}
  for i, name in ipairs(names) do flat[name] = tensors[i] end
  for _, note in ipairs(notes) do metadata[note[1]] = note[2] end
  return opts.nested and unflatten(flat) or flat, metadata
end

local function split_options(opts)
  if opts ~= nil and type(opts) ~= "table" then check.fail("load: options must be a table, got %s", type(opts)) end
  local own, rest = {}, {}
  for name, value in pairs(opts or {}) do
    if name == "nested" then own[name] = value else rest[name] = value end
  end
  return check.options("load", own, { nested = false }), rest
end

--- Reads a file of numbers. Nothing in it is ever run, and it is read whole or refused.
---
--- npy and IDX give a tensor; CSV a tensor (lines, columns) f64 and the columns' names; npz and safetensors a table of tensors
--- by their names, and the metadata; CIFAR { x = (n, 3, 32, 32) u8, y = labels from 1 }. npy, IDX and CSV may be gzip files.
--- In CSV an empty field and NA are NaN, and empty lines do not count. Values are those of the file: positions that another
--- language counted from 0 want a + 1.
--- Types that tensors do not have are widened: 16-bit floats to f32, integers to i64.
---@param path string
---@param opts? moonlab.LoadOptions
---@return moonlab.Tensor|table<string, moonlab.Tensor>
---@return table? metadata
function files.load(path, opts)
  if type(path) ~= "string" then check.fail("load: takes a path, got %s", type(path)) end
  local own, rest = split_options(opts)
  local names, tensors, _, notes = core.io.load(path, rest)
  return present(names, tensors, notes, own)
end

-- The same from text in memory: ml.io.decode.
local function decode(bytes, opts)
  if type(bytes) ~= "string" then check.fail("decode: takes the bytes of a file as text, got %s", type(bytes)) end
  local own, rest = split_options(opts)
  local names, tensors, _, notes = core.io.decode(bytes, rest)
  return present(names, tensors, notes, own)
end

files.decode = decode

---@class moonlab.SaveOptions
---@field format?   "npy"|"npz"|"safetensors"  (default: by the end of the path)
---@field metadata? table<string, string>      texts by name; safetensors only

local function content(value, opts)
  opts = check.options("save", opts, { format = "", metadata = {} })
  local notes = notes_of(opts.metadata)
  if is_tensor(value) then return opts.format ~= "" and opts.format or nil, { "x" }, { value }, notes end
  local names, tensors = flatten(value)
  return opts.format ~= "" and opts.format or nil, names, tensors, notes
end

--- Writes a tensor (.npy), or a table of tensors, with tables in it, or a model (.npz, .safetensors). Names are joined by dots:
--- { layer = { w = t } } is "layer.w". The file appears whole or not at all; NumPy and safetensors read it.
---@param path string
---@param value moonlab.Tensor|moonlab.Tree
---@param opts? moonlab.SaveOptions
function files.save(path, value, opts)
  if type(path) ~= "string" then check.fail("save: takes a path and what to save, got %s", type(path)) end
  core.io.save(path, content(value, opts))
end

-- The bytes that ml.save would write: ml.io.encode.
local function encode(value, opts)
  local format, names, tensors, notes = content(value, opts)
  if not format then check.fail "encode: needs a format: { format = \"npy\" }, \"npz\" or \"safetensors\"" end
  return core.io.encode(format, names, tensors, notes)
end
files.encode = encode

--- checkpoints -----------------------------------------------------------------------------------------------------
-- A safetensors file: the tensors of the tree, and as metadata the tree itself in JSON, the default random numbers, and a
-- checksum of it all. Each JSON object has one field that says what it is.

local VERSION = "1"

local function is_object(value, kind)
  local meta = type(value) == "userdata" and getmetatable(value)
  return type(meta) == "table" and meta.__name == kind
end

local function is_stateful(value)
  return is_object(value, "moonlab.Module") or is_object(value, "moonlab.Optimizer")
end

local function is_list(t)
  local n = 0
  for key in pairs(t) do
    if math.type(key) ~= "integer" then return false end
    n = n + 1
  end
  return n == #t
end

local describe

local function describe_table(value, path, out, depth)
  if depth == 100 then check.fail "save_checkpoint: tables nested deeper than 100; is one inside itself?" end
  local tag, parts = is_list(value) and "list" or "table", {}
  for key in pairs(value) do
    if tag == "table" and type(key) ~= "string" then
      check.fail("save_checkpoint: the keys of '%s' must be names, or 1 to n", path == "" and "the table" or path)
    end
    parts[#parts + 1] = key
  end
  table.sort(parts)
  local fields = {}
  for i, key in ipairs(parts) do
    local below = path == "" and tostring(key) or path .. "." .. tostring(key)
    local item  = describe(value[key], below, out, depth + 1)
    fields[i] = tag == "list" and item or json.encode(key) .. ":" .. item
  end
  local inside = table.concat(fields, ",")
  return tag == "list" and ('{"list":[%s]}'):format(inside) or ('{"table":{%s}}'):format(inside)
end

-- JSON of a value; its tensors are added to out.
function describe(value, path, out, depth)
  if is_tensor(value) then
    local name = ("%d:%s"):format(#out.names + 1, path) -- the number: "a.b" is { a = { b } } and { ["a.b"] }
    out.names[#out.names + 1], out.tensors[#out.tensors + 1] = name, value
    return ('{"tensor":%s}'):format(json.encode(name))
  end
  if is_stateful(value) then value = value:state() end
  local kind = math.type(value) or type(value)
  if kind == "float" then
    if value ~= value or value == math.huge or value == -math.huge then return ('{"float":"%s"}'):format(value) end
    local text = ("%.17g"):format(value)
    return text:find "[%.eE]" and text or text .. ".0"
  end
  if kind == "table" then return describe_table(value, path, out, depth) end
  if kind == "integer" or kind == "boolean" or kind == "string" then return json.encode(value) end
  check.fail("save_checkpoint: '%s' is a %s; a checkpoint holds tensors, numbers, texts, booleans, models, optimizers and tables",
    path, kind)
end

--- Writes what a training needs to go on later, to the bit: models, optimizers, tensors, numbers, texts and booleans, in tables
--- as you like; and the default random numbers, as ml.seed left them. The file is a safetensors file, and appears whole or not
--- at all.
---@param path string
---@param state table  e.g. { model = model, opt = opt, step = step }
function files.save_checkpoint(path, state)
  if type(path) ~= "string" or type(state) ~= "table" then
    check.fail "save_checkpoint: takes a path and a table, as in { model = model, opt = opt, step = step }"
  end
  local out = { names = {}, tensors = {} }
  local tree = describe(state, "", out, 0)
  core.io.save(path, "safetensors", out.names, out.tensors, {
    { "moonlab.checkpoint", VERSION },
    { "moonlab.random", ("%d %d"):format(core.io.random_state()) },
    { "moonlab.tree", tree },
  }, true)
end

-- The value that JSON stands for.
local function rebuilt(node, tensors, path)
  if type(node) ~= "table" then return node end
  local tag, inside = next(node)
  if tag == "tensor" then
    return tensors[inside] or check.fail("load_checkpoint: '%s' has no tensor '%s'", path, tostring(inside))
  elseif tag == "float" then
    return ({ nan = 0 / 0, ["-nan"] = 0 / 0, inf = math.huge, ["-inf"] = -math.huge })[inside]
  elseif (tag == "list" or tag == "table") and type(inside) == "table" then
    local value = {}
    for key, item in pairs(inside) do value[key] = rebuilt(item, tensors, path) end
    return value
  end
  check.fail("load_checkpoint: '%s' is no checkpoint of this version", path)
end

-- Pairs of a live object and its state, wherever `into` has one.
local function targets_of(value, into, path, pairs_found)
  for key, target in pairs(into) do
    local below = path == "" and tostring(key) or path .. "." .. tostring(key)
    local state = type(value) == "table" and value[key] or nil
    if state == nil then check.fail("load_checkpoint: there is no '%s' in it", below) end
    if is_stateful(target) then
      pairs_found[#pairs_found + 1] = { target = target, state = state, holder = value, key = key }
    elseif type(target) == "table" then
      targets_of(state, target, below, pairs_found)
    else
      check.fail("load_checkpoint: '%s' must be a model, an optimizer or a table of them, got %s", below, type(target))
    end
  end
  return pairs_found
end

-- All of them or none: what was loaded before one failed gets its old state back.
local function restore(found)
  for i, pair in ipairs(found) do
    pair.before = pair.target:state()
    local good, message = pcall(pair.target.load_state, pair.target, pair.state)
    if not good then
      for k = 1, i - 1 do found[k].target:load_state(found[k].before) end
      check.fail("load_checkpoint: %s", tostring(message):gsub("^[^:]*:%d+: ", ""))
    end
  end
  for _, pair in ipairs(found) do pair.holder[pair.key] = pair.target end
end

--- Reads a checkpoint. The models and optimizers of `into` take their state from it, under the same names; the rest is
--- returned as it was saved, states of models and optimizers that `into` does not name as tables. The default random numbers
--- go on from where they were. When anything is wrong, nothing has changed.
---@param path string
---@param into? table  e.g. { model = model, opt = opt }
---@return table
function files.load_checkpoint(path, into)
  if type(path) ~= "string" or (into ~= nil and type(into) ~= "table") then
    check.fail "load_checkpoint: takes a path and a table of models and optimizers"
  end
  local names, tensors, whole, notes = core.io.load(path, { format = "safetensors" })
  local said, by_name = {}, {}
  for _, note in ipairs(notes) do said[note[1]] = note[2] end
  for i, name in ipairs(names) do by_name[name] = tensors[i] end
  local version = said["moonlab.checkpoint"]
  if version ~= VERSION then
    check.fail("load_checkpoint: '%s' is %s", path, version and "of another version, " .. version or "no checkpoint")
  end
  if not whole then check.fail("load_checkpoint: '%s' is damaged: its checksum differs", path) end
  local good, node = pcall(json.decode, said["moonlab.tree"] or "")
  local seed, stream = (said["moonlab.random"] or ""):match "^(%-?%d+) (%-?%d+)$"
  seed, stream = math.tointeger(tonumber(seed)), math.tointeger(tonumber(stream))
  if not good or not seed or not stream then check.fail("load_checkpoint: '%s' is no checkpoint of this version", path) end
  local value = rebuilt(node, by_name, path)
  restore(targets_of(value, into or {}, "", {}))
  core.io.random_state(seed, stream)
  return value
end

return files

--- Makes the reference, docs/reference/, from what is written beside the code: the table of operations, the annotations, and
--- the examples of docs/examples/.
---
---     ./dev docs
---
--- The pages are kept in the repository; tests/lua/reference_spec.lua fails when they do not say what the sources say.
local root = ... or os.getenv "MOONLAB_SOURCE" or "."

local docstrings = dofile(root .. "/docs/make/docstrings.lua")
local examples   = dofile(root .. "/docs/make/examples.lua")

local reference = {}

-- Pages in their order: a title, what stands under it, the sources, the examples.
local PAGES = {
  { "operations", "Operations", examples = "operations" },
  { "tensors", "Tensors", "Making tensors, reading and writing them, and what `ml` has besides operations.",
    sources = { "meta/moonlab.lua:ml,Tensor", "moonlab/tensor.lua", "moonlab/init.lua", "moonlab/train.lua" } },
  { "derivatives", "Derivatives", "The gradient of a recorded computation, and functions of functions.",
    sources = { "meta/moonlab.lua:autograd", "moonlab/transform.lua", "moonlab/replicas.lua", "moonlab/tree.lua" } },
  { "layers", "Layers and losses", "Modules hold their parameters; `model:apply` makes a pure function of them.",
    sources = { "meta/moonlab.lua:nn,init,Module", "moonlab/nn.lua", "moonlab/module.lua", "moonlab/hooks.lua",
      "moonlab/freeze.lua", "moonlab/summary.lua", "moonlab/parametrise.lua" } },
  { "optimizers", "Optimizers", "Each takes a list of parameters and a table of options.",
    sources = { "meta/moonlab.lua:optim,Optimizer", "moonlab/schedule.lua", "moonlab/optim.lua" } },
  { "data", "Data", "Data sets made by rule, the same for the same seed on every machine; published ones, from their files.",
    sources = { "meta/data.lua", "moonlab/generators.lua", "moonlab/regressions.lua", "moonlab/languages.lua",
      "moonlab/corruptions.lua", "moonlab/loader.lua", "moonlab/datasets.lua" } },
  { "files", "Files", "Tensors in files that others read and write, and checkpoints.",
    sources = { "moonlab/files.lua", "moonlab/io.lua" } },
  { "linalg", "Linear algebra, spectra, statistics", "What experiments measure with.",
    sources = { "moonlab/linalg.lua", "moonlab/fft.lua", "moonlab/stats.lua" } },
  { "probes", "Probes and kernels", "What a representation knows, and what an architecture knows before it learns.",
    sources = { "moonlab/probe.lua", "moonlab/features.lua", "moonlab/kernels.lua", "moonlab/similarity.lua",
      "moonlab/kernel_fit.lua", "moonlab/measures.lua" } },
  { "runs", "Runs", "An experiment's parameters, loop, metrics, checks, and knobs to turn while it trains.",
    sources = { "moonlab/run.lua", "moonlab/run_loop.lua", "moonlab/run_reader.lua", "moonlab/ui.lua", "moonlab/knobs.lua" } },
  { "figures", "Figures", "Panels of curves and other marks, for files and a live window.",
    sources = { "moonlab/figure.lua", "meta/marks.lua", "moonlab/charts.lua", "moonlab/neurons.lua" } },
}

-- Under which name people know the owner of a function. Functions of other owners are not for them.
local OWNERS = {
  ml = "ml", train = "ml", transform = "ml", replicas = "ml", files = "ml",
  autograd = "ml.autograd", tree = "ml.tree", data = "ml.data", io = "ml.io", fft = "ml.fft", linalg = "ml.linalg",
  stats = "ml.stats", optim = "ml.optim", probe = "ml.probe", features = "ml.probe.features",
  kernels = "ml.kernels", measures = "ml.measures",
  schedule = "ml.optim.schedule", WeightAverage = "WeightAverage",
  nn = "nn", init = "nn.init",
  Tensor = "Tensor", Optimizer = "Optimizer", methods = "Run", Figure = "Figure", Recording = "Recording",
  Module = "Module", Parametrisation = "Parametrisation",
  Loader = "Loader", Scaler = "Scaler",
  Probe = "Probe", KernelFit = "KernelFit",
  ui = "ml.ui", knob_methods = "Knob", reader = "ml", Reader = "RunReader",
}

local CLASSES = {
  Tensor = true, Optimizer = true, Run = true, Figure = true, Recording = true,
  Module = true, Parametrisation = true, ["nn.init"] = true,
  Dataset = true, Loader = true, Scaler = true,
  WeightAverage = true,
  Probe = true, KernelFit = true,
  Knob = true, RunReader = true,
}

local function read(path)
  local file = io.open(root .. "/" .. path)
  if not file then return end
  local text = file:read "a"
  file:close()
  return text
end

--- The documented functions and classes of a page, in order.
---@param page table
---@return moonlab.doc.Entry[]
function reference.entries(page)
  local all = {}
  for _, source in ipairs(page.sources or {}) do
    local path, owners = source:match "^(.-):(.*)$"
    local text = read("lua/" .. (path or source))
    for _, entry in ipairs(text and docstrings.read(text) or {}) do
      local class = entry.owner == ""
      local own   = class and entry.name:match "%.(%w+)$" or entry.owner
      entry.owner = class and "" or OWNERS[own]
      local listed = not owners or ("," .. owners .. ","):find("," .. own .. ",", 1, true)
      local wanted = entry.owner and listed and not entry.name:find "^__"
      local title = own == "init" and OWNERS.init or own
      entry.full = class and title or wanted and entry.owner .. (entry.method and ":" or ".") .. entry.name
      if wanted then all[#all + 1] = entry end
    end
  end
  return all
end

--- The groups of operations, as the banners of their list name them.
---@return { title: string, names: string[] }[]
function reference.groups()
  local groups = {}
  for line in read("include/moonlab/op_list.h"):gmatch "[^\n]+" do
    local title, name = line:match "^/%* %-+ (.-) %-+", line:match "^ML_OPX?%s*%(([%w_]+)"
    if title then groups[#groups + 1] = { title = title, names = {} } end
    if name then table.insert(groups[#groups].names, name) end
  end
  return groups
end

--- All examples, by page and name.
---@param page table
---@return table<string, string>
function reference.examples(page)
  local text = read("docs/examples/" .. page[1] .. ".lua")
  return text and examples.read(text) or {}
end

local function class_options(classes, kind)
  for name in kind:gmatch "moonlab%.[%w_]+" do
    if name:find "Options$" and classes[name] then return classes[name], classes[classes[name].parent] end
  end
end

-- In a table a bar would end the cell.
local function cell(text) return (text:gsub("|", "\\|")) end

local function code(add, example)
  if not example then return end
  add "\n```lua"
  add((example:gsub("\n$", "")))
  add "```"
end

local function prose(add, lines)
  local text = table.concat(lines, "\n"):gsub("^%s+", ""):gsub("%s+$", "")
  if text ~= "" then add(text) end
end

local function show_value(value)
  if math.type(value) == "float" and value == math.floor(value) and math.abs(value) < 1e6 then return ("%d"):format(value) end
  return type(value) == "string" and ('"%s"'):format(value) or tostring(value)
end

local function operations(add, page)
  local ops, shown = {}, reference.examples(page)
  for _, op in ipairs(require("moonlab").ops()) do ops[op.name] = op end
  add "Each is a method of tensors and a function of `ml`: `x:sum(1)` is `ml.sum(x, 1)`. Plain numbers may stand for tensors."
  add "Options are given by position, in the order shown, or by name: `x:sum { 1, keepdim = true }`. Dimensions and positions"
  add "count from 1, or from -1 at the end. In C the same operation is `ml_sum(x, &(ml_sum_opts){ ... })`, counting from 0."
  for _, group in ipairs(reference.groups()) do
    add("\n## " .. group.title:sub(1, 1):upper() .. group.title:sub(2))
    for _, name in ipairs(group.names) do
      local op, arguments = ops[name], {}
      for i = 2, op.inputs do arguments[#arguments + 1] = ({ "x", "y", "z", "w" })[i] end
      for _, option in ipairs(op.options) do arguments[#arguments + 1] = option.name end
      add(("\n### %s\n\n`%s(%s)`: %s"):format(name, (op.inputs < 0 and "ml." or "x:") .. name,
        table.concat(op.inputs < 0 and { "xs", table.unpack(arguments) } or arguments, ", "), op.doc))
      if #op.options > 0 then add "" end
      for _, option in ipairs(op.options) do
        add(("- `%s`: %s%s"):format(option.name, option.choices and table.concat(option.choices, ", ") or option.kind,
          option.default == nil and "" or (", default `%s`"):format(show_value(option.default))))
      end
      code(add, shown[name])
    end
  end
end

local function fields(add, entry)
  for _, field in ipairs(entry and entry.fields or {}) do
    add(("| `%s` | `%s` | %s |"):format(field.name, cell(field.type), cell(field.text)))
  end
end

local function entry_text(add, entry, classes, shown)
  if entry.owner == "" then
    add(("\n## %s\n"):format(entry.full))
    prose(add, entry.text)
    if #entry.fields > 0 then
      add "\n| field | type | |\n|---|---|---|"
      fields(add, entry)
    end
    return code(add, shown[entry.full])
  end
  add(("\n### %s\n\n`%s(%s)`\n"):format(entry.full, entry.full, table.concat(entry.args, ", ")))
  prose(add, entry.text)
  if #entry.params + #entry.returns > 0 then add "" end
  for _, param in ipairs(entry.params) do
    add(("- `%s`%s: `%s` %s"):format(param.name, param.optional and " (optional)" or "", param.type, param.text))
  end
  for _, value in ipairs(entry.returns) do add("- returns `" .. value:gsub("%s+$", "") .. "`") end
  for _, param in ipairs(entry.params) do
    local options, parent = class_options(classes, param.type)
    if options then
      add(("\n| option of `%s` | type | |\n|---|---|---|"):format(param.name))
      fields(add, options)
      fields(add, parent)
    end
  end
  code(add, shown[entry.full])
end

--- The text of a page.
---@param page table
---@return string
function reference.page(page)
  local lines = {}
  local function add(line) lines[#lines + 1] = line end
  add(("# %s\n"):format(page[2]))
  if page[3] then add(page[3]) end
  if not page.sources then
    operations(add, page)
  else
    local classes, shown = {}, reference.examples(page)
    for _, p in ipairs(PAGES) do
      local sources = p.sources and { "meta/moonlab.lua", table.unpack(p.sources) }
      for _, entry in ipairs(reference.entries { sources = sources }) do
        if entry.owner == "" then classes[entry.name] = entry end
      end
    end
    for _, entry in ipairs(reference.entries(page)) do
      if entry.owner ~= "" or CLASSES[entry.full] then entry_text(add, entry, classes, shown) end
    end
  end
  for i, line in ipairs(lines) do lines[i] = line:gsub("[ \t]+\n", "\n"):gsub("[ \t]+$", "") end
  return table.concat(lines, "\n") .. "\n"
end

--- Every page: name -> text.
---@return table<string, string>
function reference.pages()
  local pages = {}
  local index = { "# Reference\n", "Made by `./dev docs` from the table of operations, the annotations and the examples; "
    .. "the tests run every example.\n" }
  for _, page in ipairs(PAGES) do
    pages[page[1]] = reference.page(page)
    index[#index + 1] = ("- [%s](%s.md)"):format(page[2], page[1])
  end
  pages.README = table.concat(index, "\n") .. "\n"
  return pages
end

reference.PAGES = PAGES
return reference

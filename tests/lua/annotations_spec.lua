-- The annotations for lua-language-server say what there is.
local ml     = require "moonlab"
local source = os.getenv "MOONLAB_SOURCE"

local function read(path)
  local file = assert(io.open(source .. path))
  local text = file:read "a"
  file:close()
  return text
end

describe("the annotations", function()
  local by_hand, in_lua = read "/lua/meta/moonlab.lua" .. read "/lua/meta/data.lua", read "/lua/moonlab/tensor.lua"

  it("of the operations are those that their table makes", function()
    assert.equal(dofile(source .. "/lua/meta/generate.lua"), read "/lua/meta/ops.lua")
  end)

  it("of the marks are those that their table makes", function()
    assert.equal(dofile(source .. "/lua/meta/generate_marks.lua"), read "/lua/meta/marks.lua")
  end)

  it("know every function that the C part has", function()
    local core, known = require "moonlab.core", by_hand .. in_lua .. read "/lua/meta/ops.lua"
    for owner, functions in pairs { ml = core.make, nn = core.nn, optim = core.optim, data = core.data } do
      for name, value in pairs(functions) do
        local pattern = type(value) == "function" and ("function %s%%.%s%%("):format(owner, name) or ("@field %s "):format(name)
        assert(known:find(pattern), owner .. "." .. name)
      end
    end
    local methods, of_lists = {}, {} -- operations on a list of tensors are declared as functions alone
    for _, op in ipairs(ml.ops()) do of_lists[op.name] = op.inputs < 0 end
    local _, names = debug.getupvalue(debug.getmetatable(ml.zeros {}).__index, 1)
    for name, value in pairs(names) do
      methods[#methods + 1] = name
      local pattern = type(value) == "function" and ("function Tensor:%s%%("):format(name) or ("@field %s "):format(name)
      assert(known:find(pattern) or of_lists[name], "Tensor." .. name)
    end
    assert.is_true(#methods > 60)
  end)

  it("name nothing that is not there", function()
    for name in by_hand:gmatch "\nfunction ml%.([%w_]+)" do assert.is_function(ml[name], name) end
    for name in by_hand:gmatch "\nfunction Tensor:([%w_]+)" do assert.is_function(ml.zeros({})[name], name) end
    for name in by_hand:gmatch "\nfunction nn%.([%w_]+)" do assert.is_function(ml.nn[name], name) end
    for name in by_hand:gmatch "\nfunction optim%.([%w_]+)" do assert.is_function(ml.optim[name], name) end
    for name in by_hand:gmatch "\nfunction data%.([%w_]+)" do assert.is_function(ml.data[name], name) end
  end)
end)

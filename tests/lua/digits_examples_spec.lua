-- The examples on digits run without any file, draw, and judge themselves: short, so what they claim is for tests/nightly.
local process = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/process.lua")
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")

teardown(process.remove_all)

local function example(name, arguments)
  local script = process.source .. "/examples/" .. name .. ".lua"
  local command = ("'%s' run '%s' --quiet %s"):format(process.program, script, arguments)
  return process.shell(command, { environment = { MOONLAB_DATA = "" } })
end

describe("the example", function()
  it("mlp_mnist learns drawn digits, and random labels teach it nothing", function()
    if support.sanitized then return end
    local result = example("mlp_mnist", "epochs=2 width=64")
    assert.equal(0, result.code, result.out .. result.err)
    for _, ending in ipairs { "png", "svg", "pdf" } do
      local found = process.shell(("ls runs/mlp_mnist/*/figures/figure.%s"):format(ending), { folder = result.folder })
      assert.equal(0, found.code)
    end
    local control = example("mlp_mnist", "epochs=1 width=24 random_labels=true")
    assert.equal(3, control.code, control.out .. control.err)
    assert.is_truthy(control.out:find "✗ 94.5 %% of unseen digits: %d+%.%d+ %%")
  end)

  it("cnn_mnist judges itself", function()
    local result = example("cnn_mnist", "epochs=1 batch=400 channels=8 random_labels=true augment=true")
    assert.equal(3, result.code, result.out .. result.err)
    assert.is_truthy(result.out:find "✗ 98 %% of unseen digits: %d+%.%d+ %% after %d+ s of training")
  end)

  it("mnist1d has each of its models", function()
    for _, model in ipairs { "logistic", "mlp", "cnn", "gru" } do
      local result = example("mnist1d", "steps=3 random_labels=true model=" .. model)
      assert.equal(3, result.code, model .. ": " .. result.out .. result.err)
      assert.is_truthy(result.out:find "✗ as published, within 3 points: %d+%.%d %%, published %d+ %%")
    end
    local unknown = example("mnist1d", "model=transformer")
    assert.equal(1, unknown.code)
    assert.is_truthy(unknown.err:find("model must be logistic, mlp, cnn or gru", 1, true))
  end)
end)

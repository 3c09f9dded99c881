-- Layers of sequences run their parts as operations of their own: hooks and factors reach them all the same.
local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds   = support.holds
local nn      = ml.nn

local f64 = { dtype = "f64" }

local function keys(t)
  local list = {}
  for key in pairs(t) do list[#list + 1] = key end
  table.sort(list)
  return list
end

-- A clone whose parameters have the factors themselves, and the model that reads them by factors.
local function with_factors(model)
  local plain = model:clone()
  nn.parametrise(model, "ntk", { init = false, gain = 1.3, bias_gain = 0.7 })
  local core = package.loaded["moonlab.core"]
  for i, p in ipairs(plain:parameters()) do p:detach()[{}] = model:parameters()[i]:detach() * core.inner.factor(model, i) end
  return plain
end

describe("a transformer block", function()
  for _, act in ipairs { "relu", "gelu" } do
    it("shows its parts, its pattern and what is hidden, " .. act, function()
      local block = nn.TransformerBlock(8, 2, { causal = true, activation = act, dtype = "f64" })
      local x = ml.randn({ 3, 5, 8 }, { dtype = "f64" })
      local y, cache = block:run_with_cache(x)
      holds(block(x):tolist(), y, 1e-12)
      assert.same({ "1.layernorm", "2.multiheadattention", "2.pattern", "3.layernorm", "4.linear", "5.linear", "hidden",
        "transformerblock" }, keys(cache))
      local pattern = cache["2.pattern"]
      assert.same({ 3, 2, 5, 5 }, pattern.shape)
      holds(ml.ones({ 3, 2, 5 }, f64):tolist(), pattern:sum(4), 1e-12)
      holds(0, pattern:triu(1):abs():max())
      holds(block[2](cache["1.layernorm"]):tolist(), cache["2"], 1e-12)
      local h = act == "relu" and cache["4"]:relu() or cache["4"]:gelu()
      holds(h:tolist(), cache["hidden"], 1e-12)
      local hooked <close> = block:with_hooks { ["*.pattern"] = function(p) return p * 0 end }
      local rest = x + block[2].out_proj_bias -- nothing comes out of the values
      local after = block[4](block[3](rest))
      holds((rest + block[5](act == "relu" and after:relu() or after:gelu())):tolist(), hooked(x), 1e-12)
    end)

    it("reads its parameters by their factors, " .. act, function()
      local block = nn.TransformerBlock(8, 2, { causal = true, activation = act, dtype = "f64" })
      local plain, x = with_factors(block), ml.randn({ 3, 5, 8 }, { dtype = "f64" })
      holds(plain(x):tolist(), block(x), 1e-12)
    end)
  end
end)

describe("a recurrent layer", function()
  it("shows its layers, and reads their parameters by their factors", function()
    for _, kind in ipairs { "RNN", "GRU", "LSTM" } do
      local model = nn[kind](3, 4, { layers = 2, bidirectional = true, dtype = "f64" })
      local x = ml.randn({ 2, 6, 3 }, f64)
      local y, cache = model:run_with_cache(x)
      local name = kind:lower()
      assert.same({ "1." .. name, "2." .. name, "3." .. name, "4." .. name, name }, keys(cache))
      holds(model[1](x):tolist(), cache["1"], 1e-12)
      holds(ml.cat({ cache["3"], cache["4"] }, 3):tolist(), y, 1e-12)
      local plain = with_factors(model)
      holds(plain(x):tolist(), model(x), 1e-12)
    end
  end)
end)

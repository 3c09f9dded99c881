-- Every kind of layer against PyTorch: result, buffers, slopes of the input and of every parameter, in f64 and f32.
-- tests/golden/layers.py makes the cases. A constructor of nn without a case fails, so that none is forgotten.
local ml     = require "moonlab"
local source = os.getenv "MOONLAB_SOURCE"
local cases  = dofile(source .. "/tests/golden/layers.lua")
local nn     = ml.nn

-- Kinds that are tested somewhere else, and where.
local EXEMPT = {
  Residual = "sums of other layers: tests/c/test_modules.c", Parallel = "joins of other layers: tests/c/test_modules.c",
}
for kind in ("RNN GRU LSTM MultiHeadAttention TransformerBlock PositionalEmbedding SinusoidalEmbedding"):gmatch "%S+" do
  EXEMPT[kind] = "layers of sequences: tests/golden/sequences.py"
end

local function tensor(given, dtype) return ml.tensor(given[2], { dtype = dtype }):reshape(given[1]) end

local function tensors(list, dtype)
  local all = {}
  for i, given in ipairs(list) do all[i] = tensor(given, dtype) end
  return all
end

local function expect(got, given, tolerance, what)
  local expected = tensor(given, "f64")
  assert.same(given[1], got.shape)
  if expected:numel() == 0 then return end
  local off = ((got:detach():cast "f64" - expected):abs() / (expected:abs() + 1)):max():item()
  if off > tolerance or off ~= off then error(("%s is off by %g"):format(what, off)) end
end

local function check(case, dtype, tolerance)
  local layer = assert(load("local nn, dtype = ... return " .. case.make))(nn, dtype)
  local leaves, params = {}, tensors(case.params, dtype)
  local x = case.ids and ml.tensor(case.x[2]):reshape(case.x[1]) or tensor(case.x, dtype)
  assert.equal(#layer:parameters(), #params)
  for i, p in ipairs(params) do leaves[i] = p:requires_grad_(true) end
  if not case.ids then leaves[#leaves + 1] = x:requires_grad_(true) end
  local y, after = layer:apply(params, tensors(case.buffers, dtype), x, { train = case.train })
  expect(y, case.y, tolerance, "the result")
  for i, given in ipairs(case.after) do expect(after[i], given, tolerance, "buffer " .. i) end
  local slopes = ml.autograd.grad((y * tensor(case.dy, dtype)):sum(), leaves)
  for i, given in ipairs(case.dparams) do expect(slopes[i], given, tolerance, "the slope of parameter " .. i) end
  if not case.ids then expect(slopes[#slopes], case.dx, tolerance, "the slope of the input") end
end

describe("golden values", function()
  local seen = {}
  for _, case in ipairs(cases) do
    for kind in case.make:gmatch "nn%.(%u%w*)" do seen[kind] = true end
    it(case.make .. (case.train and "" or ", evaluation"), function()
      check(case, "f64", 1e-10)
      check(case, "f32", case.make == "nn.Sine()" and 1e-4 or 2e-5)
    end)
  end

  it("exist for every kind of layer", function()
    local missing, n = {}, 0
    for name, make in pairs(nn) do
      if type(make) == "function" and name:find "^%u" then
        n = n + 1
        if not seen[name] and not EXEMPT[name] then missing[#missing + 1] = name end
        assert(not (seen[name] and EXEMPT[name]), name .. " is exempt and has a case")
      end
    end
    table.sort(missing)
    assert.equal("", table.concat(missing, " "))
    assert.is_true(n > 50)
  end)

  it("find a wrong number", function()
    local case = {}
    for key, value in pairs(cases[1]) do case[key] = value end
    case.dx = { case.dx[1], { table.unpack(case.dx[2]) } }
    case.dx[2][3] = case.dx[2][3] + 1e-4
    local good, message = pcall(check, case, "f64", 1e-10)
    assert.is_false(good)
    assert(message:find "the slope of the input is off by")
  end)
end)

-- Every kind of layer against PyTorch: result, buffers, slopes of the input and of every parameter, in f64 and f32; and as a
-- function: mapped over inputs and parameters, and differentiated twice, against a loop and differences.
-- tests/golden/layers.py makes the cases. A constructor of nn without a case fails, so that none is forgotten.
local ml     = require "moonlab"
local source = os.getenv "MOONLAB_SOURCE"
local cases  = dofile(source .. "/tests/golden/layers.lua")
local nn     = ml.nn

local SEQUENCES = "tests/c/test_sequences.c, with values of tests/golden/sequences.py"

-- Kinds that are tested somewhere else, and where; each must still exist.
local EXEMPT = {
  RNN = SEQUENCES, GRU = SEQUENCES, LSTM = SEQUENCES, MultiHeadAttention = SEQUENCES, TransformerBlock = SEQUENCES,
  PositionalEmbedding = SEQUENCES, SinusoidalEmbedding = SEQUENCES,
  Residual = "sums of other layers: tests/c/test_modules.c", Parallel = "joins of other layers: tests/c/test_modules.c",
}

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

local function distance(a, b) return ((a - b):abs() / (b:abs() + 1)):max():item() end

-- vmap over two inputs, and over two sets of parameters, is a loop over them.
local function check_vmap(case)
  local layer = assert(load("local nn, dtype = ... return " .. case.make))(nn, "f64")
  local params, buffers, x = tensors(case.params, "f64"), tensors(case.buffers, "f64"), tensor(case.x, "f64")
  local function run(p, input) return (layer:apply(p, buffers, input, { train = case.train })) end
  local half, others, stacked = x * 0.5, {}, {}
  for i, p in ipairs(params) do
    others[i]  = p * 0.5
    stacked[i] = ml.stack { p, others[i] }
  end
  local y = ml.vmap(function(input) return run(params, input) end)(ml.stack { x, half })
  assert(distance(y[1], run(params, x)) < 1e-10 and distance(y[2], run(params, half)) < 1e-10, "inputs")
  if #params == 0 then return end
  y = ml.vmap(run, { 1, nil })(stacked, x)
  assert(distance(y[1], run(params, x)) < 1e-10 and distance(y[2], run(others, x)) < 1e-10, "parameters")
end

-- The second derivative by the input and the first parameter together, along a direction.
local function check_second(case)
  local layer = assert(load("local nn, dtype = ... return " .. case.make))(nn, "f64")
  local params, buffers, dy = tensors(case.params, "f64"), tensors(case.buffers, "f64"), tensor(case.dy, "f64")
  local at = { x = tensor(case.x, "f64"), w = params[1] }
  local function loss(t)
    local p = { table.unpack(params) }
    p[1] = t.w
    local y = layer:apply(p, buffers, t.x, { train = case.train })
    return (y:sin() * dy):sum()
  end
  local v, plus, minus, h = {}, {}, {}, 1e-5
  for name, t in pairs(at) do
    v[name] = ml.randn(t.shape, { seed = 3, dtype = "f64" })
    plus[name], minus[name] = t + v[name] * h, t - v[name] * h
  end
  local got, above, below = ml.hvp(loss, at, v), ml.grad(loss)(plus), ml.grad(loss)(minus)
  for name in pairs(at) do
    local off = distance(got[name], (above[name] - below[name]) / (2 * h))
    assert(off < 1e-4, ("the second derivative by %s is off by %g"):format(name, off))
  end
end

describe("layers as functions", function()
  for _, case in ipairs(cases) do
    if not case.ids then
      it(case.make .. (case.train and "" or ", evaluation"), function()
        check_vmap(case)
        check_second(case)
      end)
    end
  end
end)

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

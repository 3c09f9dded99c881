local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails

describe("accuracy", function()
  local data = { x = ml.eye(4), y = ml.tensor { 1, 2, 3, 1 } }
  local function same(x) return x end

  it("is the share of rows whose largest output is the label", function()
    assert.equal(0.75, ml.accuracy(same, data))
    assert.equal(0.75, ml.accuracy(same, data, { batch = 3 }))
    assert.equal(0.75, ml.accuracy(same, data, { batch = 1 }))
  end)

  it("records nothing", function()
    local w = ml.ones({ 4, 4 }, { requires_grad = true })
    ml.accuracy(function(x)
      local y = x:matmul(w)
      assert.is_false(y.requires_grad)
      return y
    end, data)
    assert.is_true(ml.autograd.recording())
  end)

  it("says what is wrong with its arguments", function()
    fails(function() ml.accuracy(same, data, { bach = 3 }) end,
      "^accuracy: unknown option 'bach'; did you mean 'batch'%?")
    fails(function() ml.accuracy(same, data, { batch = "3" }) end, "^accuracy: batch must be a number, got string")
    fails(function() ml.accuracy(same, data, { batch = 0 }) end, "^accuracy: batch must be at least 1, got 0")
    fails(function() ml.accuracy(same, data.x) end, "^accuracy: the data must be a table with tensors x and y")
    fails(function() ml.accuracy(same, { x = data.x, y = ml.tensor { 1 } }) end, "^accuracy: 4 inputs, but 1 labels")
    fails(function() ml.accuracy(same, { x = ml.zeros { 0, 3 }, y = ml.zeros { 0 } }) end, "^accuracy: no rows")
    fails(function() ml.accuracy(same, data, 3) end, "^accuracy: options must be a table, got number")
  end)
end)

describe("weight_norm", function()
  it("is the Euclidean norm of all parameters together, with its derivative", function()
    holds(5, ml.weight_norm { ml.tensor { 3.0, 0 }, ml.tensor { { 4.0 } } })
    local layer = ml.nn.Linear(2, 3)
    local sum = 0
    for _, p in ipairs(layer:parameters()) do sum = sum + p:square():sum():item() end
    holds(math.sqrt(sum), ml.weight_norm(layer))
    local w = ml.tensor({ 3.0, 4.0 }, { requires_grad = true })
    ml.weight_norm({ w }):backward()
    holds({ 0.6, 0.8 }, w.grad)
    fails(function() ml.weight_norm {} end, "^weight_norm: takes a model or a list of tensors, at least one")
    fails(function() ml.weight_norm(w) end, "^weight_norm: takes a model or a list of tensors")
  end)
end)

describe("fft.power", function()
  it("finds the frequencies of a signal", function()
    for _, n in ipairs { 1, 2, 7, 8, 97 } do
      local k = n // 3
      local turns = ml.arange(0, n - 1):cast "f64" * (2 * math.pi * k / n)
      local power = ml.fft.power((turns:cos() * 3):reshape(n, 1))
      assert.same({ n // 2 + 1, 1 }, power.shape)
      local height = (k == 0 or 2 * k == n) and (3 * n) ^ 2 or (3 * n / 2) ^ 2
      for i, row in ipairs(power:tolist()) do
        assert.is_true(math.abs(row[1] - (i == k + 1 and height or 0)) < 1e-9 * height, n .. ": " .. row[1])
      end
    end
  end)

  it("keeps the energy of the signal, in f32 too (Parseval)", function()
    local x = ml.randn { 30, 4 }
    local power = ml.fft.power(x)
    assert.equal("f32", power.dtype)
    local both = power:sum(1) * 2 - power[1] - power[-1] -- the frequencies between stand for two
    holds((x:square():sum(1) * 30):tolist(), both, 1e-4)
    assert.same({ 16, 2, 3 }, ml.fft.power(ml.ones { 30, 2, 3 }).shape)
    assert.same({ 16 }, ml.fft.power(ml.ones { 30 }).shape)
  end)

  it("has a derivative", function()
    local x = ml.randn({ 6 }, { dtype = "f64", requires_grad = true, seed = 2 })
    local power = ml.fft.power(x)
    power[2]:backward()
    local expected, values = {}, x:tolist()
    for j = 0, 5 do
      local re, im = 0, 0
      for i = 0, 5 do
        re = re + values[i + 1] * math.cos(2 * math.pi * i / 6)
        im = im + values[i + 1] * math.sin(2 * math.pi * i / 6)
      end
      expected[j + 1] = 2 * (re * math.cos(2 * math.pi * j / 6) + im * math.sin(2 * math.pi * j / 6))
    end
    holds(expected, x.grad, 1e-9)
  end)

  it("says what it needs", function()
    fails(function() ml.fft.power { 1, 2 } end, "^fft%.power: takes a tensor, got table")
    fails(function() ml.fft.power(ml.zeros { 0, 2 }) end, "^fft%.power: needs at least one row")
  end)
end)

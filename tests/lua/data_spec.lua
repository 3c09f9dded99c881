local ml      = require "moonlab"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local fails   = support.fails

describe("data.modular", function()
  local function pairs_of(part)
    local seen = {}
    local x, y = part.x:tolist(), part.y:tolist()
    for i, pair in ipairs(x) do seen[#seen + 1] = { pair[1], pair[2], y[i] } end
    return seen
  end

  it("has every pair once, ids and labels counted from 1", function()
    local p = 7
    local data = ml.data.modular { p = p, op = "+", train_fraction = 0.4, seed = 1 }
    assert.same({ #data.train.y, 2 }, data.train.x.shape)
    assert.equal(p * p, #data.train.y + #data.test.y)
    assert.is_true(math.abs(#data.train.y / (p * p) - 0.4) < 0.02)
    local seen = {}
    for _, part in ipairs { data.train, data.test } do
      for _, row in ipairs(pairs_of(part)) do
        local a, b = row[1] - 1, row[2] - 1
        assert.is_nil(seen[a * p + b])
        seen[a * p + b] = true
        assert.equal((a + b) % p, row[3] - 1)
      end
    end
  end)

  it("knows the other operations", function()
    for op, f in pairs {
      ["-"] = function(a, b) return (a - b) % 5 end,
      ["*"] = function(a, b) return a * b % 5 end,
      ["/"] = function(a, b) return a * b ^ 3 % 5 end, -- b^(p - 2) is the inverse of b
    } do
      local data = ml.data.modular { p = 5, op = op, train_fraction = 0.5 }
      for _, part in ipairs { data.train, data.test } do
        for _, row in ipairs(pairs_of(part)) do
          assert.equal(f(row[1] - 1, row[2] - 1), row[3] - 1)
        end
      end
    end
  end)

  it("knows polynomials", function()
    for op, f in pairs {
      ["x^2+xy+y^2"] = function(a, b) return a * a + a * b + b * b end,
      ["x^3 + x y^2 + y"] = function(a, b) return a ^ 3 + a * b * b + b end,
      ["-2x^2*y + 3 - y"] = function(a, b) return -2 * a * a * b + 3 - b end,
      ["200x"] = function(a) return 200 * a end, ["x^0y"] = function(_, b) return b end,
    } do
      local data = ml.data.modular { p = 13, op = op, train_fraction = 0.5 }
      for _, part in ipairs { data.train, data.test } do
        for _, row in ipairs(pairs_of(part)) do assert.equal(f(row[1] - 1, row[2] - 1) % 13, row[3] - 1) end
      end
    end
  end)

  it("splits by its seed alone", function()
    local options = { p = 11, train_fraction = 0.5, seed = 3 }
    ml.seed(1)
    local a = ml.data.modular(options).train.x:tolist()
    ml.seed(2)
    assert.same(a, ml.data.modular(options).train.x:tolist())
    options.seed = 4
    assert.not_same(a, ml.data.modular(options).train.x:tolist())
  end)

  it("says what is wrong with its options", function()
    fails(function() return ml.data.modular { p = 7, fraction = 0.5 } end, "^modular: unknown option 'fraction'")
    fails(function() return ml.data.modular { p = 7, train_fracton = 0.5 } end, "did you mean 'train_fraction'%?")
    fails(function() return ml.data.modular { p = 7, op = "plus" } end,
      "^modular: op must be \"%+\", \"%-\", \"%*\", \"/\" or a polynomial such as \"x%^2%+xy%+y%^2\", got 'plus'")
    fails(function() return ml.data.modular { p = 1 } end, "p")
    fails(function() return ml.data.modular { p = 6, op = "/" } end, "prime")
    fails(function() return ml.data.modular { p = 7, train_fraction = 1.5 } end, "train_fraction")
    fails(function() return ml.data.modular(97) end, "^modular: options must be a table, got number")
  end)
end)

describe("data.permutations", function()
  it("composes the elements that it lists", function()
    local data = ml.data.permutations { n = 5, train_fraction = 0.3, seed = 2 }
    local elements = data.elements:tolist()
    assert.same({ 1, 2, 3, 4, 5 }, elements[1])
    assert.same({ 5, 4, 3, 2, 1 }, elements[120])
    assert.equal(4320, #data.train.y)
    assert.equal(14400, #data.train.y + #data.test.y)
    local x, y = data.train.x:tolist(), data.train.y:tolist()
    for i = 1, 200 do
      local a, b, ab = elements[x[i][1]], elements[x[i][2]], elements[y[i]]
      for k = 1, 5 do assert.equal(a[b[k]], ab[k]) end
    end
  end)

  it("conjugates", function()
    local function inverse(p)
      local q = {}
      for i, j in ipairs(p) do q[j] = i end
      return q
    end
    for op, last in pairs { xyx = function(a) return a end, ["xyx^-1"] = inverse } do
      local data = ml.data.permutations { n = 4, op = op }
      local e, x, y = data.elements:tolist(), data.test.x:tolist(), data.test.y:tolist()
      for i = 1, #y do
        local a, b, c = e[x[i][1]], e[x[i][2]], last(e[x[i][1]])
        for k = 1, 4 do assert.equal(a[b[c[k]]], e[y[i]][k]) end
      end
    end
  end)

  it("says what is wrong with its options", function()
    fails(function() ml.data.permutations { n = 1 } end, "^permutations: n must be 2%.%.6, got 1")
    fails(function() ml.data.permutations { op = "x" } end, "^permutations: op must be \"xy\", \"xyx\" or \"xyx%^%-1\", got 'x'")
    fails(function() ml.data.permutations { m = 4 } end, "unknown option 'm'")
  end)
end)

describe("ml.data", function()
  it("names the nearest of what it has, and lists all of it", function()
    fails(function() return ml.data.spirlas end, "^ml.data has no 'spirlas'; did you mean 'spirals'%?")
    fails(function() return ml.data.qqqqqqq end, "^ml.data has no 'qqqqqqq'$")
    local n, listed = 0, {}
    for name, value in pairs(ml.data) do
      n, listed[name] = n + 1, true
      assert.is_function(value)
    end
    assert.is_true(n > 30 and listed.modular and listed.loader and listed.mnist and listed.dyck)
  end)
end)

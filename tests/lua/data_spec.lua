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
      "^modular: op must be \"%+\", \"%-\", \"%*\" or \"/\", got 'plus'")
    fails(function() return ml.data.modular { p = 1 } end, "p")
    fails(function() return ml.data.modular { p = 6, op = "/" } end, "prime")
    fails(function() return ml.data.modular { p = 7, train_fraction = 1.5 } end, "train_fraction")
    fails(function() return ml.data.modular(97) end, "^modular: options must be a table, got number")
  end)
end)

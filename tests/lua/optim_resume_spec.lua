-- Every optimizer there is, saved half way and gone on with elsewhere: the bits of a training that was never broken off.
local ml      = require "moonlab"
local core    = require "moonlab.core"
local support = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local nn      = ml.nn

local folder = os.tmpname()
os.remove(folder)
teardown(function() os.remove(folder .. ".ckpt") end)

local ALL <const> = { -- options that bring in all the state a kind can have
  SGD = { lr = 0.05, momentum = 0.9, nesterov = true }, Adam = { lr = 1e-2 }, AdamW = { lr = 1e-2, weight_decay = 0.1 },
  RMSprop = { lr = 1e-3, momentum = 0.5, centered = true }, Adagrad = { lr = 0.05, lr_decay = 0.1 }, Lion = { lr = 1e-3 },
  Muon = { lr = 0.01, adam_lr = 1e-3 }, LBFGS = { max_iter = 2, history = 3 }, GradientFlow = { rtol = 1e-4 },
}

local x = ml.randn({ 16, 4 }, { seed = 5 })
local y = x:sum(2, true):sin()

local function network()
  ml.seed(3)
  return nn.Sequential { nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1) }
end

local function train(model, opt, steps)
  for _ = 1, steps do opt:minimize(function() return nn.mse(model(x), y) end) end
end

local function check(make)
  local whole, first, second = network(), network(), network()
  local whole_opt, first_opt, second_opt = make(whole), make(first), make(second)
  train(whole, whole_opt, 9)
  train(first, first_opt, 4)
  ml.save_checkpoint(folder .. ".ckpt", { model = first, opt = first_opt })
  train(second, second_opt, 2) -- of which nothing may be left
  ml.load_checkpoint(folder .. ".ckpt", { model = second, opt = second_opt })
  assert.equal(4, second_opt.steps)
  train(second, second_opt, 5)
  local want = whole:state()
  for name, t in pairs(second:state()) do assert.same(want[name]:tolist(), t:tolist(), name) end
  local moved = (want["1.weight"] - network():state()["1.weight"]):abs():max():item()
  assert.is_true(moved > 1e-4, "the training did nothing")
end

describe("resuming", function()
  for name, make in pairs(core.optim) do
    if name:match "^%u" and name ~= "SAM" then
      it("goes on to the bit: " .. name, function()
        assert(ALL[name], "no options for " .. name)
        check(function(model) return make(model:parameters(), ALL[name]) end)
      end)
    end
  end

  it("goes on to the bit: SAM around AdamW, in groups, with a schedule and clipped", function()
    check(function(model)
      local groups = ml.optim.groups(model, { no_decay = "vectors", { names = { "3.*" }, lr = 3e-3, optimizer = "RMSprop" } })
      local opt = ml.optim.AdamW(groups,
        { lr = 1e-2, clip_norm = 0.5, schedule = ml.optim.schedule.cosine { steps = 9, warmup = 2 } })
      opt.groups[2].lr = 5e-3
      return ml.optim.SAM(opt, { rho = 0.1 })
    end)
  end)

  it("is refused by another kind", function()
    local model = network()
    local state = ml.optim.Lion(model:parameters()):state()
    support.fails(function() ml.optim.SGD(model:parameters()):load_state(state) end,
      "^load_state: this is the state of Lion, not of SGD")
    support.fails(function() ml.optim.LBFGS(model:parameters()):load_state(state) end,
      "^load_state: this is the state of Lion, not of LBFGS")
  end)
end)

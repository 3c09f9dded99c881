--- Losses: operations, and where an option asks for more than an operation of its own has, what is made of others.
local core  = require "moonlab.core"
local check = require "moonlab.check"

local losses = {}

for _, loss in ipairs { "hinge", "logistic_loss", "exponential_loss", "huber", "smooth_l1", "kl_div", "multi_margin", "margin" } do
  losses[loss] = core.op[loss]
end

local function reduce(where, each, reduction)
  if reduction == "none" then return each end
  if reduction ~= "mean" and reduction ~= "sum" then
    check.fail("%s: reduction must be mean, sum or none, got '%s'", where, reduction)
  end
  return each[reduction](each)
end

local function general_mse(x, y, opts)
  local o = check.options("mse", opts, { reduction = "mean" })
  local mean = core.op.mse(x, y) -- which also refuses shapes that differ
  return o.reduction == "mean" and mean or reduce("mse", (x - y):square(), o.reduction)
end
losses.mse = core.either(core.op.mse, general_mse, { reduction = true })

-- What the plain cross entropy, an operation of its own and much faster, has no option for.
local function general_cross_entropy(x, labels, opts)
  local o = check.options("cross_entropy", opts, { weight = opts.weight or false, label_smoothing = 0.0, reduction = "mean" })
  if not core.tensor.is_tensor(x) then check.fail("cross_entropy: the scores must be a moonlab.Tensor, got %s", type(x)) end
  local weight = o.weight or core.make.ones({ x.shape[x:dim()] }, { dtype = x.dtype })
  return core.op.weighted_cross_entropy(x, labels, weight, { label_smoothing = o.label_smoothing, reduction = o.reduction })
end
losses.cross_entropy = core.either(core.op.cross_entropy, general_cross_entropy,
  { weight = true, label_smoothing = true, reduction = true })

local function weighted_bce(x, y, opts)
  local weight = opts.pos_weight
  if not core.tensor.is_tensor(weight) then return core.op.bce_with_logits(x, y, opts) end
  local o    = check.options("bce_with_logits", opts, { pos_weight = weight, reduction = "mean" })
  local each = y * weight * (-x):softplus() + (1 - y) * x:softplus()
  return reduce("bce_with_logits", each, o.reduction)
end
losses.bce_with_logits = core.either(core.op.bce_with_logits, weighted_bce, { pos_weight = true })

return losses

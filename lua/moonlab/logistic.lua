--- Multinomial logistic regression: the minimum of the mean cross entropy + penalty / 2 |w|^2, without penalty on the bias. It is
--- convex, and with a penalty above 0 there is one minimum: L-BFGS goes on until the gradient is nothing but rounding.
local ml    = require "moonlab"
local check = require "moonlab.check"

local logistic = {}

local CLOSE  = 1e-7 -- no element of the gradient is larger at the end
local ROUNDS = 40   -- of 50 lines each, at most

--- Fits labels (n) by x (n, p), f64.
---@param x       moonlab.Tensor
---@param labels  moonlab.Tensor  from 1
---@param classes integer
---@param penalty number
---@return moonlab.Tensor weight  (classes, p)
---@return moonlab.Tensor bias    (classes)
---@return integer steps          lines that were searched
function logistic.fit(x, labels, classes, penalty)
  local weight = ml.zeros({ classes, x.shape[2] }, { dtype = "f64", requires_grad = true })
  local bias   = ml.zeros({ classes }, { dtype = "f64", requires_grad = true })
  local opt    = ml.optim.LBFGS({ weight, bias }, {
    max_iter = 50, max_evals = 100, history = 20, tolerance_grad = CLOSE, tolerance_change = 1e-15,
  })
  local function loss()
    return ml.nn.cross_entropy(ml.linear(x, weight, bias), labels) + weight:square():sum() * (penalty / 2)
  end
  local size
  for _ = 1, ROUNDS do
    opt:minimize(loss)
    local dw, db = table.unpack(ml.autograd.grad(loss(), { weight, bias }))
    size = math.max(dw:abs():max():item(), db:abs():max():item())
    if size <= CLOSE then return weight:detach(), bias:detach(), opt.steps end
  end
  check.fail("probe.linear: no minimum after %d steps, the gradient is still %.3g; a larger penalty than %.3g makes it easier",
    opt.steps, size, penalty)
end

return logistic

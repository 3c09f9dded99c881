--- Ridge regression with every penalty at once, judged by leaving out each row in turn: one eigendecomposition, exact.
---
--- With an intercept that is not penalised, the fitted values are y^ = mean(y) + H y, H = A diag(1 / (w + penalty)) A^T, where
--- A = X V and X^T X = V diag(w) V^T of the centred features; and what the row i would be off by, had the fit not seen it, is
--- (y_i - y^_i) / (1 - 1/n - H_ii) (Allen 1974). With more features than rows the same comes from X X^T, the smaller matrix.
---
--- One penalty that is not tiny needs no eigenvectors: with L L^T = X^T X + penalty the leverages H_ii are the squares of the
--- columns of L^-1 X^T, and a Cholesky factorisation takes a tenth of the time.
local ml = require "moonlab"

local ridge = {}

local SAFE = 1e-10 -- a penalty above this share of the trace keeps Cholesky's factors exact enough

-- What each row is predicted to be by a fit that has not seen it: from the fitted values and the leverages.
local function leave_out(fitted, y, leverage)
  return y - (y - fitted) / (1 - 1 / #y - leverage):unsqueeze(2)
end

local function error_of(out, y) return (out - y):square():sum(2):mean():item() end

local function hits_of(out, offset, labels) return (out + offset):argmax(-1):eq(labels):cast("f64"):mean():item() end

local function f64(list) return ml.tensor(list, { dtype = "f64" }) end

-- One penalty, by Cholesky: the weights (k, p), the fitted values and the leverages.
local function by_cholesky(gram, dual, x, y, penalty)
  local identity = ml.eye(#gram, { dtype = "f64" })
  local lower = ml.linalg.cholesky(gram + identity * penalty)
  local function halved(b) return ml.linalg.solve_triangular(lower, b) end
  local function solved(b) return ml.linalg.solve_triangular(lower, halved(b), { transpose = true }) end
  if dual then -- H = gram (gram + penalty)^-1 = 1 - penalty (gram + penalty)^-1
    local alpha = solved(y)
    return alpha:transpose():matmul(x), gram:matmul(alpha), 1 - halved(identity):square():sum(1) * penalty
  end
  local weight = solved(x:transpose():matmul(y))
  return weight:transpose(), x:matmul(weight), halved(x:transpose()):square():sum(1)
end

---@class moonlab.RidgeFit
---@field errors moonlab.Tensor   (penalties) mean squared error of the rows left out
---@field hits   moonlab.Tensor?  (penalties) share of these whose largest value is at their label
---@field best   integer          which of the penalties
---@field weight moonlab.Tensor   (k, p) of the best
---@field effective_dim number    trace of H: how many directions the best one uses

local function fit_one(gram, dual, x, y, penalty, labels, offset)
  local weight, fitted, leverage = by_cholesky(gram, dual, x, y, penalty)
  local out = leave_out(fitted, y, leverage)
  return {
    errors = f64 { error_of(out, y) }, hits = labels and f64 { hits_of(out, offset, labels) }, best = 1, weight = weight,
    effective_dim = leverage:sum():item(),
  }
end

--- Fits y (n, k) by x (n, p), both f64 and centred.
---@param x moonlab.Tensor
---@param y moonlab.Tensor
---@param penalties number[]        each above 0, added to the diagonal of X^T X
---@param labels? moonlab.Tensor    (n) from 1: `hits` counts them
---@param offset  moonlab.Tensor    (k) the mean of y, which was taken off
---@param by      "error"|"accuracy"  what the best one is best at
---@return moonlab.RidgeFit
function ridge.fit(x, y, penalties, labels, offset, by)
  local dual = x.shape[1] < x.shape[2]
  local gram = dual and x:matmul(x:transpose()) or x:transpose():matmul(x)
  if #penalties == 1 and penalties[1] > SAFE * gram:trace():item() then
    return fit_one(gram, dual, x, y, penalties[1], labels, offset)
  end
  local values, vectors = ml.linalg.eigh(gram)
  values = values:clamp(0)
  -- H = a diag(shrink) a^T: of the primal form a = X V, shrink = 1 / (w + penalty); of the dual a = U, shrink = w / (w + penalty)
  local a = dual and vectors or x:matmul(vectors)
  local b, squares = a:transpose():matmul(y), a:square()
  local errors, hits, best = {}, {}, 1
  for i, penalty in ipairs(penalties) do
    local shrink = (dual and values or 1) / (values + penalty)
    local out = leave_out(a:matmul(b * shrink:unsqueeze(2)), y, squares:matmul(shrink))
    errors[i] = error_of(out, y)
    if labels then hits[i] = hits_of(out, offset, labels) end
    local better = errors[i] < errors[best]
    if by == "accuracy" then better = hits[i] > hits[best] end
    if better then best = i end
  end
  local penalty = penalties[best]
  local weight = vectors:matmul(b / (values + penalty):unsqueeze(2))
  if dual then weight = x:transpose():matmul(weight) end
  return {
    errors = f64(errors), hits = labels and f64(hits), best = best, weight = weight:transpose(),
    effective_dim = (values / (values + penalty)):sum():item(),
  }
end

return ridge

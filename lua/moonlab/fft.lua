--- Spectra of real signals.
---
---     local y = ml.fft.rfft(x)                    -- (..., n) -> (..., n // 2 + 1, 2): real and imaginary parts last
---     local x = ml.fft.irfft(y, n)                -- and back; n = nil stands for the even length
---     local p = ml.fft.power(embedding)           -- |.|^2 along the first dimension, a row a frequency
---
--- Along the last dimension, any length, O(n log n); differentiable as every operation is.
local ml    = require "moonlab"
local check = require "moonlab.check"

---@class moonlab.fft
local fft = {}

--- The discrete Fourier transform sum_j x[j] e^(-2 pi i j k / n) for the frequencies k = 0..n/2, along the last dimension.
---@param x moonlab.Tensor  (..., n) f32 or f64; other dtypes become f32
---@return moonlab.Tensor   (..., n // 2 + 1, 2): real and imaginary parts last
function fft.rfft(x)
  if not ml.is_tensor(x) then check.fail("fft.rfft: takes a tensor, got %s", type(x)) end
  return ml.rfft(x)
end

--- Undoes rfft: irfft(rfft(x), n) is x. The imaginary parts of the first frequency, and for even n of the last, are ignored.
---@param y  moonlab.Tensor  (..., n // 2 + 1, 2)
---@param n? integer         how many values; default: the even number
---@return moonlab.Tensor    (..., n)
function fft.irfft(y, n)
  if not ml.is_tensor(y) then check.fail("fft.irfft: takes a tensor, got %s", type(y)) end
  return ml.irfft(y, n)
end

--- Power spectrum along the first dimension: |sum_j x[j] e^(-2 pi i j k / n)|^2 for the frequencies k = 0..n/2.
--- Row 1 is the constant part, row k + 1 the frequency of k turns in n.
---@param x moonlab.Tensor  (n, ...) f32 or f64
---@return moonlab.Tensor   (n // 2 + 1, ...)
function fft.power(x)
  if not ml.is_tensor(x) then check.fail("fft.power: takes a tensor, got %s", type(x)) end
  local shape = x.shape
  if #shape == 0 or shape[1] == 0 then check.fail "fft.power: needs at least one row" end
  local n = shape[1]
  local columns = x:reshape(n, -1):transpose()
  local power = columns:rfft():square():sum(-1):transpose() -- (columns, n // 2 + 1) turned
  shape[1] = n // 2 + 1
  return power:reshape(shape)
end

return fft

--- Spectra. The discrete Fourier transform of a real signal, as a product with the matrices of its cosines and sines:
--- exact for any length, and differentiable as every product is.
local ml    = require "moonlab"
local check = require "moonlab.check"

---@class moonlab.fft
local fft = {}

local bases = {} -- dtype -> the matrices of the latest length: a run asks for the same one again and again

-- cos and sin of 2 pi j k / n for k = 0..n/2 down, j = 0..n-1 across. j k is reduced modulo n as an integer, so the angle
-- is exact where a product of floats would lose digits.
local function basis(n, dtype)
  local kept = bases[dtype]
  if kept and kept.n == n then return kept end
  kept = ml.no_grad(function()
    local k = ml.arange(0, n // 2):reshape(-1, 1)
    local angle = (k * ml.arange(0, n - 1) % n):cast("f64") * (2 * math.pi / n)
    return { n = n, cos = angle:cos():cast(dtype), sin = angle:sin():cast(dtype) }
  end)
  bases[dtype] = kept
  return kept
end

--- Power spectrum along the first dimension: |sum_j x[j] e^(-2 pi i j k / n)|^2 for the frequencies k = 0..n/2.
--- Row 1 is the constant part, row k + 1 the frequency of k turns in n. O(n^2) a column.
---@param x moonlab.Tensor  (n, ...) f32 or f64
---@return moonlab.Tensor   (n // 2 + 1, ...)
function fft.power(x)
  if not ml.is_tensor(x) then check.fail("fft.power: takes a tensor, got %s", type(x)) end
  local shape = x.shape
  if #shape == 0 or shape[1] == 0 then check.fail "fft.power: needs at least one row" end
  if x.dtype ~= "f64" then x = x:cast "f32" end
  local n = shape[1]
  local turns = basis(n, x.dtype)
  local columns = x:reshape(n, -1)
  local power = turns.cos:matmul(columns):square() + turns.sin:matmul(columns):square()
  shape[1] = n // 2 + 1
  return power:reshape(shape)
end

return fft

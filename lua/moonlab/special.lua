--- Special functions of numbers, for p-values.
local special = {}

-- Lanczos' approximation with g = 7, nine terms: about 15 digits for x > 0.
local lanczos = {
  676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
}

--- log of the gamma function, x > 0.
function special.log_gamma(x)
  if x < 0.5 then return math.log(math.pi / math.sin(math.pi * x)) - special.log_gamma(1 - x) end
  local sum, t = 0.99999999999980993, x + 6.5
  for i, c in ipairs(lanczos) do sum = sum + c / (x - 1 + i) end
  return 0.5 * math.log(2 * math.pi) + (x - 0.5) * math.log(t) - t + math.log(sum)
end

-- The continued fraction of the incomplete beta function, by Lentz' method.
local function beta_fraction(x, a, b)
  local tiny = 1e-300
  local function kept(v) return math.abs(v) < tiny and tiny or v end
  local c, d = 1.0, 1 / kept(1 - (a + b) * x / (a + 1))
  local value = d
  for m = 1, 10000 do
    local even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d, c = 1 / kept(1 + even * d), kept(1 + even / c)
    value = value * d * c
    local odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d, c = 1 / kept(1 + odd * d), kept(1 + odd / c)
    value = value * d * c
    if math.abs(d * c - 1) < 1e-15 then break end
  end
  return value
end

--- The regularised incomplete beta function I_x(a, b), 0 <= x <= 1.
function special.beta_inc(x, a, b)
  if x <= 0 then return 0.0 end
  if x >= 1 then return 1.0 end
  local front = math.exp(special.log_gamma(a + b) - special.log_gamma(a) - special.log_gamma(b)
    + a * math.log(x) + b * math.log(1 - x))
  if x < (a + 1) / (a + b + 2) then return front * beta_fraction(x, a, b) / a end
  return 1 - front * beta_fraction(1 - x, b, a) / b
end

--- The chance of a value of Student's t distribution beyond t, on both sides.
function special.t_two_sided(t, df)
  if t ~= t then return t end
  return special.beta_inc(df / (df + t * t), df / 2, 0.5)
end

--- The chance of a standard normal number below z: by its series near 0, else by a continued fraction of the tail.
function special.normal_cdf(z)
  if math.abs(z) < 3 then
    local term, sum = z, z
    for n = 1, 200 do
      term = term * z * z / (2 * n + 1)
      sum = sum + term
      if math.abs(term) < 1e-17 * math.abs(sum) then break end
    end
    return 0.5 + sum * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
  end
  local tail = 0
  for n = 120, 1, -1 do tail = n / (math.abs(z) + tail) end
  tail = math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / (math.abs(z) + tail)
  return z < 0 and tail or 1 - tail
end

--- Where the chance below is q, 0 < q < 1: by bisection, which nothing here is too slow for.
function special.normal_quantile(q)
  local low, high = -40, 40
  for _ = 1, 80 do
    local middle = (low + high) / 2
    if special.normal_cdf(middle) < q then low = middle else high = middle end
  end
  return (low + high) / 2
end

return special

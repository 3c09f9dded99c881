-- The transformer of the grokking papers: p = 113, one block of 128 values, 4 heads, mlp 512 with ReLU, no norms; full batch
-- of 3,830 sequences "a b =", the last position is read. Prints milliseconds per AdamW step: the mean and the least when every
-- position is computed, the same two when only the last one is; then what the products of each would take at best (limit.lua).
local ml = require "moonlab"
local nn = ml.nn

local P, WIDTH, MLP, ROWS = 113, 128, 512, 3830
local x = ml.randint(1, P, { ROWS, 3 })
x[{ {}, 3 }] = P + 1
local y = x[{ {}, 1 }]:add(x[{ {}, 2 }]):remainder(P) + 1

local function model_of(output)
  ml.seed(1)
  return nn.Sequential {
    nn.Embedding(P + 1, WIDTH), nn.PositionalEmbedding(3, WIDTH),
    nn.TransformerBlock(WIDTH, 4, { mlp = MLP, norm = "none", causal = true, output = output }), nn.Linear(WIDTH, P),
  }
end

local function measure(output)
  local model = model_of(output)
  local opt = ml.optim.AdamW(model:parameters(), { lr = 1e-3, weight_decay = 1 })
  local function step()
    local out = model(x)
    if output == "all" then out = out[{ {}, 3 }] end
    opt:minimize(nn.cross_entropy(out, y))
  end
  for _ = 1, 3 do step() end
  local total, least = 0, math.huge
  for _ = 1, 15 do
    local began = ml.clock()
    step()
    local time = (ml.clock() - began) * 1e3
    total, least = total + time, math.min(least, time)
  end
  return total / 15, least
end

local limit = dofile(debug.getinfo(1, "S").source:match "^@(.*/)" .. "limit.lua")

-- Of the products alone, thrice for the two backward ones; what an embedding has to do with it is no product.
local function multiplications(of_queries, read)
  local attention = WIDTH * WIDTH * (2 * 3 + 2 * of_queries) + 2 * WIDTH * (of_queries == 3 and 6 or 3)
  return 3 * ROWS * (attention + 2 * WIDTH * MLP * of_queries + WIDTH * P * read)
end

local all, least_all = measure "all"
local last, least_last = measure "last"
print(all, least_all, last, least_last, limit(multiplications(3, 3)), limit(multiplications(1, 1)))

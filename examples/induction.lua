-- Induction heads: two layers of attention learn to look up what followed, all at once; one layer cannot.
-- Paper:  Olsson et al. 2022, "In-context Learning and Induction Heads"; Elhage et al. 2021
-- Claim:  with two layers the loss on a repeated text falls abruptly, together with the rise of a head that looks behind the
--         last place of the present letter; with one layer on the same texts neither happens. Without that head it is lost again.
-- Figure: the loss of both on the copied half; the scores of the head and of the one that prepares it, which looks one back;
--         where the two look in one text.
-- Time:   50 s of one processor.   Try: seed=2
local ml = require "moonlab"
local nn = ml.nn

local run = ml.run {
  name = "induction", seed = 1, letters = 32, half = 24, width = 64, heads = 2, batch = 32, lr = 3e-3, steps = 2000,
}
local half, total = run.half, 2 * run.half

-- Random letters, then the same from a random place on, round the end: no position tells what comes.
local function draw(n)
  local x = ml.randint(1, run.letters, { n, total })
  local from = (ml.arange(0, half - 1):reshape(1, half) + ml.randint(0, half - 1, { n, 1 })):remainder(half) + 1
  x[{ {}, { half + 1, total } }] = x[{ {}, { 1, half } }]:gather(from, 2)
  return { x = x, from = from } -- from: which letter of the first half each of the second is
end

local function new(layers)
  local list = { nn.Embedding(run.letters, run.width, { init = { "normal", scale = 0.5 } }) }
  for _ = 1, layers do
    list[#list + 1] = nn.TransformerBlock(run.width, run.heads, { mlp = 0, causal = true, rotary = true, bias = false })
  end
  list[#list + 1] = nn.LayerNorm(run.width)
  list[#list + 1] = nn.Linear(run.width, run.letters)
  return nn.Sequential(list)
end
local two, one = new(2), new(1)
local settings = { lr = run.lr, betas = { 0.9, 0.98 }, weight_decay = 0.01 }
local opt_two, opt_one = ml.optim.AdamW(two:parameters(), settings), ml.optim.AdamW(one:parameters(), settings)

-- Loss and accuracy on letters first+1..last, from those before.
local function judged(logits, x, first, last)
  local y, z = x[{ {}, { first + 1, last } }]:reshape(-1), logits[{ {}, { first, last - 1 } }]:reshape(-1, run.letters)
  return nn.cross_entropy(z, y), z:argmax():eq(y):cast("f32"):mean()
end

-- Where the heads of a layer look, (n, heads, total, total); how much of it goes to one place for each letter of the copied half.
local function pattern(model, layer, x)
  local h = model[1](x)
  for i = 1, layer - 1 do h = model[1 + i](h) end
  local block = model[1 + layer]
  return block[2]:pattern(block[1](h))
end

local function share(looks, place) -- place (n, half) -> (heads); without the first four, which nothing tells yet
  local n, shape = place.shape[1], { place.shape[1], run.heads, half, 1 }
  local there = looks[{ {}, {}, { half + 1, total } }]:gather(place:reshape(n, 1, half, 1):expand(shape), 4)
  return there[{ {}, {}, { 5, half } }]:mean { 1, 3, 4 }
end
local function behind(data) return data.from:remainder(half) + 1 end          -- the place behind the letter's first one
local function before(data) return ml.arange(half, total - 1):reshape(1, half) + 0 * data.from end

local test = draw(128)
local function best(layer, place) return share(pattern(two, layer, test.x), place(test)) end
local function look(layer, place)
  return function() return pattern(two, layer, test.x[{ { 1, 1 } }])[{ 1, best(layer, place):argmax():item() }] end
end

local fig = run:figure { rows = 2, cols = 2, title = "Induction heads" }
fig:lines(1, { "copied_loss", "copied_loss_one_layer", "random_loss" }, { title = "loss", ylim = { 0, 4 } })
fig:lines(2, { "induction", "previous" }, { title = "share of attention", ylim = { 0, 1 } })
fig:heatmap(3, look(1, before), { title = "layer 1: one back", xlabel = "at", ylabel = "from" })
fig:heatmap(4, look(2, behind), { title = "layer 2: behind the same letter", xlabel = "at", ylabel = "from" })

local losses = {}
for step in run:steps() do
  local x = draw(run.batch).x
  opt_two:minimize((judged(two(x), x, 1, total)))
  opt_one:minimize((judged(one(x), x, 1, total)))
  if step == 1 or run:every(25) then
    ml.no_grad(function()
      local logits = two(test.x)
      local copied, accuracy = judged(logits, test.x, half + 1, total)
      local copied_one, accuracy_one = judged(one(test.x), test.x, half + 1, total)
      run:log {
        copied_loss = copied, accuracy = accuracy, random_loss = judged(logits, test.x, 1, half),
        copied_loss_one_layer = copied_one, accuracy_one_layer = accuracy_one,
        induction = best(2, behind):max(), previous = best(1, before):max(),
      }
    end)
    losses[#losses + 1] = run:last "copied_loss"
  end
end

-- The loss without the head: what it writes is not read.
local function without_head()
  local head, width, params = best(2, behind):argmax():item(), run.width // run.heads, {}
  for name, p in two:named_parameters() do
    params[#params + 1] = p:detach():clone()
    if name:match "^3%..*out_proj_weight" then params[#params][{ {}, { (head - 1) * width + 1, head * width } }] = 0 end
  end
  return judged(two:apply(params, test.x), test.x, half + 1, total):item()
end

local steepest = 0 -- most that 150 steps did
for i = 7, #losses do steepest = math.max(steepest, losses[i - 6] - losses[i]) end
local drop, lost = losses[1] - losses[#losses], without_head() - losses[#losses]
local copied = run:reached("accuracy", 0.95)
run:check("two layers copy", copied ~= nil, ("accuracy 0.95 at step %s"):format(copied or "never"))
run:check("one layer does not", run:last "accuracy_one_layer" < 0.25, ("accuracy %.3f"):format(run:last "accuracy_one_layer"))
run:check("a head looks behind the same letter", run:last "induction" >= 0.6, ("share %.2f"):format(run:last "induction"))
run:check("half of the loss falls within 150 steps", steepest >= drop / 2, ("%.2f of %.2f"):format(steepest, drop))
run:check("without that head it is lost again", lost >= 1, ("%.2f more"):format(lost))

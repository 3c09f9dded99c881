-- Random convolutions: what an architecture knows before it has learned anything.
-- Paper:  Saxe et al. 2011, "On random weights and unsupervised feature learning"; Jarrett et al. 2009
-- Claim:  a linear probe on 32 random filters, rectified and pooled, reads digits far better than one on the pixels, and better
--         than one on as many random features without places; one fixed permutation of the pixels takes that away.
-- Figure: test accuracy over the number of filters, of the four probes; the filters, which nobody has trained.
-- Time:   3 s on two cores.   Try: permuted=true, with which the check fails; steps=6; MOONLAB_DATA=... for MNIST's own digits
local ml = require "moonlab"
local features = ml.probe.features

local run = ml.run { name = "probe_random_conv", seed = 1, permuted = false, steps = 5 }

local found, mnist = pcall(ml.data.mnist, { only = "test" })    -- 10,000 of them; drawn ones when there are none
local data = found and ml.data.split(mnist.test, { test = 2000, seed = run.seed })
  or ml.data.digits { n_train = 4000, rotation = 30, shift = 4, noise = 0.1, seed = run.seed }

local order = ml.randperm(28 * 28, { seed = run.seed })
local function permuted(set)
  return { x = set.x:reshape(#set.x, -1):index_select(order, 2):reshape(set.x.shape), y = set.y }
end
local elsewhere = { train = permuted(data.train), test = permuted(data.test) }
if run.permuted then data = elsewhere end

local function accuracy(phi, sets) return ml.probe.linear(phi, sets.train):accuracy(sets.test) end

local filters = ml.zeros { 32, 5, 5 }
local fig = run:figure { rows = 1, cols = 2, title = "Probes of " .. (found and "MNIST" or "drawn digits") .. ", untrained" }
fig:lines(1, { "conv", "conv_permuted", "dense", "pixels" }, { x = "filters", xscale = "log", title = "test accuracy" })
fig:heatmap(2, function()                                       -- four rows of eight, with gaps
  return filters:pad { pad = { 0, 1, 0, 1 } }:reshape(4, 8, 6, 6):permute(1, 3, 2, 4):reshape(24, 48)
end, { title = "the filters", diverging = true })

local pixels = accuracy(nil, data)
for step in run:steps() do
  local n   = 1 << step                                         -- 2, 4, ..., 32 filters: 16 features each
  local phi = features.conv { filters = n, kernel = 5, pool = 6, seed = run.seed }
  filters[{ { 1, math.min(n, 32) } }] = phi.weight[{ { 1, math.min(n, 32) }, 1 }]
  run:log {
    filters = n, pixels = pixels, conv = accuracy(phi, data), conv_permuted = accuracy(phi, elsewhere),
    dense = accuracy(features.relu { n = 16 * n, seed = run.seed }, data),
  }
end

local conv, other, dense = run:last "conv", run:last "conv_permuted", run:last "dense"
local function percent(...) return ("%.1f %% against %.1f"):format(...) end
run:check("8 points better than pixels", conv - pixels >= 0.08, percent(100 * conv, 100 * pixels))
run:check("3 points better than random features without places", conv - dense >= 0.03, percent(100 * conv, 100 * dense))
run:check("and no longer when the pixels are permuted", other - dense < 0.03, percent(100 * other, 100 * dense))

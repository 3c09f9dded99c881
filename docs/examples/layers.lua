--- Module
local model = nn.Sequential { nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1) }
print(model)
--> Sequential
-->   1  Linear(2 -> 3)   9  weight (3, 2)  bias (3)
-->   2  ReLU
-->   3  Linear(3 -> 1)   4  weight (1, 3)  bias (1)
-->      in all          13
print(#model, model[1]:kind(), model[1]:describe())  --> 3  Linear  Linear(2 -> 3)
for name, p in model:named_parameters() do print(name, table.concat(p.shape, " x ")) end
--> 1.weight  3 x 2
--> 1.bias  3
--> 3.weight  1 x 3
--> 3.bias  1
print(#model:parameters())  --> 4

--- Module:apply
local layer = nn.Linear(2, 1)
local weights = { ml.tensor { { 1., 2. } }, ml.tensor { 0.5 } }
print(layer:apply(weights, ml.tensor { { 1., 1. } }))  --> [[3.5]]  f32 (1, 1)

--- Module:buffers
local layer = nn.BatchNorm1d(2)
layer(ml.tensor { { 1., 10. }, { 3., 30. } })
for name, b in layer:named_buffers() do print(name, b) end
--> running_mean  [0.2, 2.0]  f32 (2)
--> running_var  [ 1.1, 20.9]  f32 (2)
local y, buffers = layer:apply(layer:parameters(), layer:buffers(), ml.tensor { { 0., 0. }, { 2., 2. } })
print(y, buffers[1])
--> [[-1.0, -1.0],
-->  [ 1.0,  1.0]]  f32 (2, 2) recorded  [0.28, 1.90]  f32 (2)
print(layer.running_mean)  --> [0.2, 2.0]  f32 (2)

--- Module:named_buffers
local model = nn.Sequential { nn.Linear(2, 3), nn.BatchNorm1d(3) }
for name, b in model:named_buffers() do print(name, table.concat(b.shape, ", ")) end
--> 2.running_mean  3
--> 2.running_var  3

--- Module:clone
local model = nn.Linear(2, 1)
local copy  = model:clone()
copy.weight:detach()[{}] = 0
print(copy.weight:eq(0):all(), model.weight:eq(0):any())  --> true  bool ()  false  bool ()

--- Module:named_children
local block = nn.Residual(nn.Linear(4, 4), { shortcut = nn.Flatten() })
for name, layer in block:named_children() do print(name, layer) end
--> inner  Linear(4 -> 4)
--> shortcut  Flatten

--- Module:run_with_cache
local model = nn.Sequential { nn.Linear(2, 3, { weight_init = "constant", bias_init = "zeros" }), nn.ReLU(), nn.Linear(3, 1) }
local y, cache = model:run_with_cache(ml.tensor { { 1., 2. } }, { "*.relu", "1" })
print(cache["2.relu"], cache["1"])
--> [[3., 3., 3.]]  f32 (1, 3) recorded  [[3., 3., 3.]]  f32 (1, 3) recorded
cache["2.relu"]:sum():backward() -- part of the graph
print(model[1].bias.grad)  --> [1., 1., 1.]  f32 (3)

--- Module:with_hooks
local model = nn.Sequential { nn.Tanh(), nn.Linear(2, 1, { bias_init = { "constant", scale = 7 } }) }
do
  local hooked <close> = model:with_hooks { ["*.tanh"] = function(value) return value * 0 end }
  print(model(ml.ones { 1, 2 }))  --> [[7.]]  f32 (1, 1) recorded
end

--- Module:freeze
local model = nn.Sequential { nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1) }
print(table.concat(model:freeze { "1", "*.bias" }:frozen(), ", "))  --> 1.weight, 1.bias, 3.bias
local opt = ml.optim.SGD(model:parameters(), { lr = 0.1 })
opt:minimize(model(ml.ones { 4, 2 }):sum())
print(model[1].weight.grad, model[3].weight.grad.shape[2])  --> nil  3

--- Module:unfreeze
local model = nn.Linear(2, 3):freeze()
print(#model:frozen(), #model:unfreeze "bias":frozen(), #model:unfreeze():frozen())  --> 2  1  0

--- Module:frozen
print(table.concat(nn.Linear(2, 3):freeze "weight":frozen(), ", "))  --> weight

--- Module:summary
local model = nn.Sequential { nn.Conv2d(1, 8, 3), nn.ReLU(), nn.GlobalAvgPool(), nn.Linear(8, 10) }
model:summary { 32, 1, 28, 28 }
--> Sequential
-->   1  Conv2d(1 -> 8, kernel 3)  (32, 8, 26, 26)   80  weight (8, 1, 3, 3)  bias (8)
-->   2  ReLU                      (32, 8, 26, 26)
-->   3  GlobalAvgPool             (32, 8)
-->   4  Linear(8 -> 10)           (32, 10)          90  weight (10, 8)  bias (10)
-->      in all                    (32, 10)         170  680 bytes, 1.4 MB of outputs for this input

--- nn.module
local Scaled = nn.module "Scaled"
function Scaled:init(width)
  self.inner = nn.Linear(width, width)
  self:parameter("scale", ml.zeros { 1 })
  self:buffer("runs", ml.zeros {})
end
function Scaled:forward(x)
  if self:training() then self.runs = self.runs + 1 end
  return x + self.scale * self.inner(x)
end
local model = nn.Sequential { nn.Linear(2, 3), Scaled(3) }
print(model)
--> Sequential
-->   1        Linear(2 -> 3)   9  weight (3, 2)  bias (3)
-->   2        Scaled           1  scale (1)
-->   2.inner  Linear(3 -> 3)  12  weight (3, 3)  bias (3)
-->            in all          22
model(ml.ones { 4, 2 })
print(model[2].runs, model[2].inner)  --> 1.  f32 ()  Linear(3 -> 3)

--- nn.parametrise
local model = nn.Sequential { nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 2) }
local scaling = nn.parametrise(model, "mup", { base_width = 64 })
print(scaling)
--> mup:                          role           std     factor     lr SGD    lr Adam
-->   1.weight                    input       0.4472          1          4          1
-->   1.bias                      vector           0          1          4          1
-->   3.weight                    hidden     0.08839          1          1       0.25
-->   3.bias                      vector           0          1          4          1
-->   5.weight                    output      0.1768       0.25          4          1
-->   5.bias                      vector           0          1          1          1
local opt = ml.optim.AdamW(scaling:groups(), { lr = 1e-3 })
print(#opt.groups, opt.groups[2].lr)  --> 2  0.00025

--- Parametrisation:groups
local model = nn.Sequential { nn.Linear(4, 128), nn.Tanh(), nn.Linear(128, 1) }
local scaling = nn.parametrise(model, "mean_field", { gain = 1 })
for _, group in ipairs(scaling:groups { optimizer = "SGD" }) do print(#group.params, group.lr_scale) end
--> 3  128.0
--> 1  1
ml.optim.SGD(scaling:groups { optimizer = "SGD" }, { lr = 0.1 })

--- nn.lambda
local model = nn.Sequential { nn.lambda(function(x) return x * 2 end, "Twice"), nn.ReLU() }
print(model[1], model(ml.tensor { -1., 2. }))  --> Twice  [0., 4.]  f32 (2)

--- Module:eval
local model = nn.Sequential { nn.Dropout(0.5) }:eval()
print(model(ml.tensor { 1., 2. }), model:training())  --> [1., 2.]  f32 (2)  false

--- Module:training
local model = nn.Dropout()
print(model:training())  --> true

--- Module:train
local model = nn.Sequential { nn.Linear(2, 4), nn.Dropout(0.5) }
print(model:training(), model:eval():training(), model:train()[2]:training())  --> true  false  true

--- nn.Linear
local layer = nn.Linear(3, 2, { bias_init = "zeros" })
print(layer(ml.zeros { 1, 3 }))  --> [[0., 0.]]  f32 (1, 2) recorded

--- nn.Embedding
local layer = nn.Embedding(10, 4)
print(table.concat(layer(ml.tensor { 1, 10 }).shape, ", "))  --> 2, 4

--- nn.Conv1d
local layer = nn.Conv1d(1, 8, 5, { stride = 2, padding = 1 })
print(table.concat(layer(ml.zeros { 3, 1, 40 }).shape, ", "))  --> 3, 8, 19

--- nn.Conv2d
local layer = nn.Conv2d(3, 16, 3, { padding = "same", padding_mode = "circular" })
print(layer)  --> Conv2d(3 -> 16, kernel 3, same, circular)
print(table.concat(layer(ml.zeros { 2, 3, 32, 32 }).shape, ", "))  --> 2, 16, 32, 32

--- nn.ConvTranspose2d
local layer = nn.ConvTranspose2d(16, 3, 2, { stride = 2 })
print(table.concat(layer(ml.zeros { 2, 16, 8, 8 }).shape, ", "))  --> 2, 3, 16, 16

--- nn.MaxPool2d
print(nn.MaxPool2d(2)(ml.tensor { { { { 1., 5., 2., 0. }, { 3., 4., 1., 1. } } } }))  --> [[[[5., 2.]]]]  f32 (1, 1, 1, 2)

--- nn.MaxPool1d
print(nn.MaxPool1d(2)(ml.tensor { { { 1., 5., 2., 0. } } }))  --> [[[5., 2.]]]  f32 (1, 1, 2)

--- nn.AvgPool2d
print(nn.AvgPool2d(2)(ml.tensor { { { { 1., 5., 2., 0. }, { 3., 3., 1., 1. } } } }))  --> [[[[3., 1.]]]]  f32 (1, 1, 1, 2)

--- nn.AvgPool1d
print(nn.AvgPool1d(2)(ml.tensor { { { 1., 5., 2., 0. } } }))  --> [[[3., 1.]]]  f32 (1, 1, 2)

--- nn.AdaptiveAvgPool2d
print(table.concat(nn.AdaptiveAvgPool2d({ 2, 3 })(ml.zeros { 1, 8, 7, 7 }).shape, ", "))  --> 1, 8, 2, 3

--- nn.GlobalAvgPool
print(nn.GlobalAvgPool()(ml.tensor { { { 1., 2., 3. }, { 4., 4., 4. } } }))  --> [[2., 4.]]  f32 (1, 2)

--- nn.BatchNorm1d
local layer = nn.BatchNorm1d(1, { affine = false })
print(layer(ml.tensor { { 1. }, { 3. } }))
--> [[-1.0],
-->  [ 1.0]]  f32 (2, 1)
print(layer:eval()(ml.tensor { { 0.2 }, { 1.2 } }))
--> [[0.0000],
-->  [0.9535]]  f32 (2, 1)

--- nn.BatchNorm2d
local layer = nn.BatchNorm2d(8)
print(layer, #layer:parameters(), #layer:buffers())  --> BatchNorm2d(8)  2  2

--- nn.LayerNorm
print(nn.LayerNorm(2, { affine = false })(ml.tensor { { 1., 3. }, { 0., 100. } }))
--> [[-1.0,  1.0],
-->  [-1.0,  1.0]]  f32 (2, 2)

--- nn.RMSNorm
print(nn.RMSNorm(2, { affine = false })(ml.tensor { { 3., 3. }, { 0., 2. } }))
--> [[1.0000, 1.0000],
-->  [0.0000, 1.4142]]  f32 (2, 2)

--- nn.GroupNorm
print(nn.GroupNorm(2, 4, { affine = false })(ml.tensor { { 1., 3., 10., 30. } }))
--> [[-1.0,  1.0, -1.0,  1.0]]  f32 (1, 4)

--- nn.Dropout
local layer = nn.Dropout(0.5):eval()
print(layer(ml.tensor { 1., 2. }))  --> [1., 2.]  f32 (2)

--- nn.RNN
local layer = nn.RNN(3, 8, { nonlinearity = "relu" })
print(table.concat(layer(ml.zeros { 2, 5, 3 }).shape, ", "))  --> 2, 5, 8

--- nn.GRU
local model = nn.Sequential { nn.GRU(1, 6, { bidirectional = true }), nn.Flatten(), nn.Linear(40 * 12, 10) }
print(table.concat(model(ml.zeros { 2, 40, 1 }).shape, ", "))                   --> 2, 10
print(nn.GRU(1, 6, { layers = 2, output = "last" }))
--> GRU(1 -> 6, 2 layers, last output)
-->   1  GRU(1 -> 6)  162  weight_ih (18, 1)  weight_hh (18, 6)  bias_ih (18)  bias_hh (18)
-->   2  GRU(6 -> 6)  252  weight_ih (18, 6)  weight_hh (18, 6)  bias_ih (18)  bias_hh (18)
-->      in all       414

--- nn.LSTM
local layer = nn.LSTM(3, 8, { output = "last" })
print(layer, table.concat(layer(ml.zeros { 2, 5, 3 }).shape, ", "))  --> LSTM(3 -> 8, last output)  2, 8

--- Module:scan
local layer = nn.LSTM(1, 4)
local y, state
for _ = 1, 3 do y, state = layer:scan(ml.zeros { 2, 10, 1 }, state) end -- thirty steps, ten at a time
print(table.concat(y.shape, ", "), table.concat(state.shape, ", "))  --> 2, 10, 4  2, 1, 2, 4
local h, c = state[1], state[2]
print(table.concat(h.shape, ", "), h:eq(y[{ {}, 10 }]):all())  --> 1, 2, 4  true  bool ()

--- nn.MultiHeadAttention
local layer = nn.MultiHeadAttention(8, 2, { causal = true })
print(layer)                                                    --> MultiHeadAttention(8, 2 heads, causal)
print(table.concat(layer(ml.zeros { 3, 5, 8 }).shape, ", "))    --> 3, 5, 8

--- Module:pattern
local layer = nn.MultiHeadAttention(8, 1, { causal = true })
print(layer:pattern(ml.zeros { 1, 3, 8 })[{ 1, 1 }])
--> [[1.0000, 0.0000, 0.0000],
-->  [0.5000, 0.5000, 0.0000],
-->  [0.3333, 0.3333, 0.3333]]  f32 (3, 3) recorded

--- nn.TransformerBlock
local model = nn.Sequential {
  nn.Embedding(114, 32), nn.PositionalEmbedding(3, 32),
  nn.TransformerBlock(32, 4, { mlp = 64, norm = "none", causal = true, output = "last" }), nn.Linear(32, 113),
}
print(table.concat(model(ml.tensor { { 5, 7, 114 }, { 1, 2, 114 } }).shape, ", "))  --> 2, 113
print(nn.TransformerBlock(32, 4, { activation = "gelu" }):describe())  --> TransformerBlock(32, 4 heads, mlp 128 gelu)

--- nn.PositionalEmbedding
local layer = nn.PositionalEmbedding(4, 2, { init = "zeros" })
print(layer(ml.tensor { { 1., 2. }, { 3., 4. } }))
--> [[1., 2.],
-->  [3., 4.]]  f32 (2, 2) recorded

--- nn.SinusoidalEmbedding
print(nn.SinusoidalEmbedding(2)(ml.zeros { 3, 2 }))
--> [[ 0.0000,  1.0000],
-->  [ 0.8415,  0.5403],
-->  [ 0.9093, -0.4161]]  f32 (3, 2)

--- nn.Flatten
print(table.concat(nn.Flatten()(ml.zeros { 5, 2, 3 }).shape, ", "))  --> 5, 6

--- nn.Sequential
local model = nn.Sequential { nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1) }
print(table.concat(model(ml.zeros { 5, 2 }).shape, ", "))  --> 5, 1

--- nn.Residual
local same   = nn.Residual(nn.Sequential { nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4) }, { scale = 0.5 })
local larger = nn.Residual(nn.Linear(4, 6), { shortcut = nn.Linear(4, 6, { bias = false }) })
print(table.concat(nn.Sequential { same, larger }(ml.zeros { 5, 4 }).shape, ", "))  --> 5, 6
for name in larger:named_parameters() do print(name) end
--> inner.weight
--> inner.bias
--> shortcut.weight

--- nn.Parallel
local x = ml.tensor { { -1., 2. } }
print(nn.Parallel { nn.ReLU(), nn.Abs() } (x))  --> [[0., 2., 1., 2.]]  f32 (1, 4)
print(nn.Parallel({ nn.ReLU(), nn.Abs() }, { merge = "sum" })(x))  --> [[1., 4.]]  f32 (1, 2)

--- nn.ReLU
print(nn.ReLU()(ml.tensor { -1., 2. }))  --> [0., 2.]  f32 (2)

--- nn.Tanh
print(nn.Tanh()(ml.tensor { 0., 1. }))  --> [0.0000, 0.7616]  f32 (2)

--- nn.Sigmoid
print(nn.Sigmoid()(ml.tensor { 0., 1. }))  --> [0.5000, 0.7311]  f32 (2)

--- nn.Softplus
print(nn.Softplus()(ml.tensor { 0., 1. }))  --> [0.6931, 1.3133]  f32 (2)

--- nn.Sin
print(nn.Sin()(ml.tensor { 0., 1. }))  --> [0.0000, 0.8415]  f32 (2)

--- nn.Cos
print(nn.Cos()(ml.tensor { 0., 1. }))  --> [1.0000, 0.5403]  f32 (2)

--- nn.Erf
print(nn.Erf()(ml.tensor { 0., 1. }))  --> [0.0000, 0.8427]  f32 (2)

--- nn.Exp
print(nn.Exp()(ml.tensor { 0., 1. }))  --> [1.0000, 2.7183]  f32 (2)

--- nn.Abs
print(nn.Abs()(ml.tensor { -2., 1. }))  --> [2., 1.]  f32 (2)

--- nn.Square
print(nn.Square()(ml.tensor { -2., 1. }))  --> [4., 1.]  f32 (2)

--- nn.cross_entropy
print(nn.cross_entropy(ml.tensor { { 2., 0. }, { 0., 2. } }, ml.tensor { 1, 1 }))  --> 1.1269  f32 ()
print(nn.cross_entropy(ml.tensor { { 2., 0. }, { 0., 2. } }, ml.tensor { 1, 1 }, { label_smoothing = 0.1, weight = ml.tensor { 1., 2. } }))  --> 1.1833  f32 ()

--- nn.mse
print(nn.mse(ml.tensor { 1., 2. }, ml.tensor { 0., 0. }))  --> 2.5  f32 ()

--- nn.bce_with_logits
print(nn.bce_with_logits(ml.tensor { 0., 2. }, ml.tensor { 1., 0. }, { pos_weight = 2 }))  --> 1.7566  f32 ()

--- nn.hinge
print(nn.hinge(ml.tensor { 0.5, -3. }, ml.tensor { 1., -1. }))  --> 0.25  f32 ()

--- nn.logistic_loss
print(nn.logistic_loss(ml.tensor { 0., 5. }, ml.tensor { 1., -1. }))  --> 2.8499  f32 ()

--- nn.exponential_loss
print(nn.exponential_loss(ml.tensor { 0., 1. }, ml.tensor { 1., -1. }))  --> 1.8591  f32 ()

--- nn.huber
print(nn.huber(ml.tensor { 0.5, 3. }, ml.tensor { 0., 0. }, { delta = 2 }))  --> 2.0625  f32 ()

--- nn.smooth_l1
print(nn.smooth_l1(ml.tensor { 0.5, 3. }, ml.tensor { 0., 0. }))  --> 1.3125  f32 ()

--- nn.kl_div
print(nn.kl_div(ml.tensor { { 0., 0. } }:log_softmax(), ml.tensor { { 0., 1. } }:log_softmax()))  --> 0.1109  f32 ()

--- nn.multi_margin
print(nn.multi_margin(ml.tensor { { 2., 1.5, 0. } }, ml.tensor { 1 }))  --> 0.1667  f32 ()

--- nn.margin
print(nn.margin(ml.tensor { { 2., 1.5, 0. } }, ml.tensor { 1 }))  --> [0.5]  f32 (1)

--- Module:state
local model = nn.Linear(2, 1)
for name, t in pairs(model:state()) do if name == "bias" then print(name, #t) end end  --> bias  1

--- Module:load_state
local model, other = nn.Linear(2, 1), nn.Linear(2, 1)
other:load_state(model:state())
print(other.weight:eq(model.weight):all())  --> true  bool ()

--- nn.Bilinear
local layer = nn.Bilinear(2, 3, 4)
print(layer, table.concat(layer(ml.zeros { 7, 5 }).shape, ", "))  --> Bilinear(2, 3 -> 4)  7, 4

--- nn.LocallyConnected2d
local layer = nn.LocallyConnected2d(1, 8, 3, { 6, 5 }, { stride = 2, padding = 1 })
print(table.concat(layer.weight.shape, ", "))  --> 9, 8, 1, 3, 3
print(table.concat(layer(ml.zeros { 2, 1, 6, 5 }).shape, ", "))  --> 2, 8, 3, 3

--- nn.LocallyConnected1d
print(table.concat(nn.LocallyConnected1d(1, 8, 5, 40)(ml.zeros { 2, 1, 40 }).shape, ", "))  --> 2, 8, 36

--- nn.LiftConv2d
local model = nn.Sequential {
  nn.LiftConv2d(1, 4, 3, { group = "p4m" }), nn.ReLU(), nn.GroupConv2d(4, 6, 3, { group = "p4m" }), nn.ReLU(), nn.GroupPool(),
  nn.GlobalAvgPool(),
}
local x = ml.randn({ 1, 1, 8, 8 }, { seed = 1 })
local turned = x:transpose():flip(3)
print((model(x) - model(turned)):abs():max():item() < 1e-5)  --> true

--- nn.GroupConv2d
local layer = nn.GroupConv2d(4, 6, 3, { padding = "same" })
print(layer, table.concat(layer(ml.zeros { 2, 4, 4, 9, 9 }).shape, ", "))
--> GroupConv2d(4 -> 6, kernel 3, same, p4)  2, 6, 4, 9, 9

--- nn.GroupPool
print(table.concat(nn.GroupPool("mean")(ml.zeros { 2, 6, 8, 5, 5 }).shape, ", "))  --> 2, 6, 5, 5

--- nn.ConvTranspose1d
print(table.concat(nn.ConvTranspose1d(16, 3, 4, { stride = 2, padding = 1 })(ml.zeros { 2, 16, 20 }).shape, ", "))  --> 2, 3, 40

--- nn.AdaptiveAvgPool1d
print(nn.AdaptiveAvgPool1d(2)(ml.tensor { { { 1., 3., 2., 4. } } }))  --> [[[2., 3.]]]  f32 (1, 1, 2)

--- nn.AdaptiveMaxPool2d
print(table.concat(nn.AdaptiveMaxPool2d({ 2, 3 })(ml.zeros { 1, 8, 7, 7 }).shape, ", "))  --> 1, 8, 2, 3

--- nn.AdaptiveMaxPool1d
print(nn.AdaptiveMaxPool1d(2)(ml.tensor { { { 1., 3., 2., 4. } } }))  --> [[[3., 4.]]]  f32 (1, 1, 2)

--- nn.GlobalMaxPool
print(nn.GlobalMaxPool()(ml.tensor { { { 1., 2., 3. }, { 4., 4., 4. } } }))  --> [[3., 4.]]  f32 (1, 2)

--- nn.LeakyReLU
print(nn.LeakyReLU(0.2), nn.LeakyReLU { slope = 0.2 }(ml.tensor { -1., 2. }))  --> LeakyReLU(slope 0.2)  [-0.2,  2.0]  f32 (2)

--- nn.ELU
print(nn.ELU()(ml.tensor { -1., 2. }))  --> [-0.6321,  2.0000]  f32 (2)

--- nn.SELU
print(nn.SELU()(ml.tensor { -1., 2. }))  --> [-1.1113,  2.1014]  f32 (2)

--- nn.GELU
print(nn.GELU()(ml.tensor { -1., 2. }))  --> [-0.1587,  1.9545]  f32 (2)

--- nn.SiLU
print(nn.SiLU()(ml.tensor { -1., 2. }))  --> [-0.2689,  1.7616]  f32 (2)

--- nn.Mish
print(nn.Mish()(ml.tensor { -1., 2. }))  --> [-0.3034,  1.9440]  f32 (2)

--- nn.Softsign
print(nn.Softsign()(ml.tensor { -1., 3. }))  --> [-0.50,  0.75]  f32 (2)

--- nn.LogSigmoid
print(nn.LogSigmoid()(ml.tensor { 0., 2. }))  --> [-0.6931, -0.1269]  f32 (2)

--- nn.Softmax
print(nn.Softmax(1)(ml.tensor { { 1., 2. }, { 1., 4. } }))
--> [[0.5000, 0.1192],
-->  [0.5000, 0.8808]]  f32 (2, 2)

--- nn.LogSoftmax
print(nn.LogSoftmax()(ml.tensor { 0., 0. }))  --> [-0.6931, -0.6931]  f32 (2)

--- nn.Clamp
print(nn.Clamp(-1, 1), nn.Clamp { min = 0 }(ml.tensor { -1., 2. }))  --> Clamp(min -1, max 1)  [0., 2.]  f32 (2)

--- nn.Sine
local siren = nn.Sequential {
  nn.Linear(2, 64, { weight_init = { "uniform", scale = 1 / 2 } }), nn.Sine(),
  nn.Linear(64, 64, { weight_init = { "he_uniform", scale = 1 / 30 } }), nn.Sine(), nn.Linear(64, 1),
}
print(siren[2], table.concat(siren(ml.zeros { 5, 2 }).shape, ", "))  --> Sine(30)  5, 1

--- nn.Maxout
print(nn.Maxout(2)(ml.tensor { { 1., 5., 3., 2. } }))  --> [[5., 3.]]  f32 (1, 2)

--- nn.init
local w = ml.zeros { 64, 64 }
nn.init.orthogonal(w, { gain = "tanh", seed = 1 })
print((w:matmul(w:transpose()):trace() / 64):item())  --> 2.7778
print(nn.Linear(100, 50, { weight_init = { "sparse", connections = 3 } }).weight:count_nonzero():item())  --> 150

--- nn.init.gain
print(nn.init.gain("relu"), nn.init.gain("leaky_relu", 1))  --> 1.4142135623731  1.0

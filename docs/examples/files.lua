--- ml.load
local path = os.tmpname()
local file = assert(io.open(path, "w"))
file:write("height,weight\n1.8,72\n1.6,NA\n")
file:close()
local x, columns = ml.load(path, { format = "csv" })
print(x)
--> [[ 1.8, 72.0],
-->  [ 1.6,  nan]]  f64 (2, 2)
print(columns[1], columns[2])  --> height  weight
os.remove(path)

--- ml.save
local path = os.tmpname()
ml.save(path, { layer = { w = ml.ones { 2, 3 }, b = ml.zeros { 2 } } }, { format = "npz" })
print(ml.load(path)["layer.w"])
--> [[1., 1., 1.],
-->  [1., 1., 1.]]  f32 (2, 3)
print(ml.load(path, { nested = true }).layer.b)  --> [0., 0.]  f32 (2)
ml.save(path, nn.Linear(3, 2), { format = "safetensors", metadata = { made_by = "an example" } })
local state, metadata = ml.load(path)
print(state.weight.shape[1], state.weight.shape[2], metadata.made_by)  --> 2  3  an example
os.remove(path)

--- ml.save_checkpoint
local path  = os.tmpname()
local model = nn.Linear(2, 1)
local opt   = ml.optim.AdamW(model:parameters(), { lr = 0.1 })
opt:minimize(nn.mse(model(ml.ones { 4, 2 }), ml.zeros { 4, 1 }))
ml.save_checkpoint(path, { model = model, opt = opt, step = 1 })
opt:minimize(nn.mse(model(ml.ones { 4, 2 }), ml.zeros { 4, 1 }))
local went_on = model.weight:tolist()
local rest = ml.load_checkpoint(path, { model = model, opt = opt })
print(rest.step, opt.steps)  --> 1  1
opt:minimize(nn.mse(model(ml.ones { 4, 2 }), ml.zeros { 4, 1 }))
print(model.weight:tolist()[1][1] == went_on[1][1])  --> true
os.remove(path)

--- ml.load_checkpoint
local path = os.tmpname()
ml.save_checkpoint(path, { best = 0.5, history = { ml.arange(3) }, name = "first" })
local got = ml.load_checkpoint(path)
print(got.best, got.history[1], got.name)  --> 0.5  [1, 2, 3]  i64 (3)  first
os.remove(path)

--- ml.io.decode
print(ml.io.decode("1,2\n3,4\n", { format = "csv" }))
--> [[1., 2.],
-->  [3., 4.]]  f64 (2, 2)

--- ml.io.encode
local bytes = ml.io.encode(ml.ones { 2 }, { format = "npy" })
print(#bytes, ml.io.decode(bytes))  --> 136  [1., 1.]  f32 (2)

--- ml.io.md5
local path = os.tmpname()
print(ml.io.md5(path))  --> d41d8cd98f00b204e9800998ecf8427e
os.remove(path)

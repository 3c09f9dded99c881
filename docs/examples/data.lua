--- ml.data.modular
local data = ml.data.modular { p = 5, op = "+", train_fraction = 0.4, seed = 1 }
print(#data.train.x, #data.test.x)  --> 10  15
print(data.train.x[1], data.train.y[1])  --> [3, 4]  i64 (2)  1  i64 ()

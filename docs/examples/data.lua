--- ml.data.modular
local data = ml.data.modular { p = 5, op = "+", train_fraction = 0.4, seed = 1 }
print(#data.train.x, #data.test.x)  --> 10  15
print(data.train.x[1], data.train.y[1])  --> [3, 4]  i64 (2)  1  i64 ()

--- ml.data.permutations
local data = ml.data.permutations { n = 5, train_fraction = 0.5, seed = 1 }
print(#data.train.x, data.elements[2])  --> 7200  [1, 2, 3, 5, 4]  i64 (5)

--- ml.data.mnist1d
local data = ml.data.mnist1d { seed = 42 }
print(data.train.x.shape[1], data.test.x.shape[1], data.train.x.shape[2])  --> 4000  1000  40
print(data.train.x[{ 1, { 1, 3 } }], data.train.y[{ { 1, 5 } }])
--> [-0.3320057 , -0.47191036, -0.7786971 ]  f32 (3)  [3, 7, 5, 6, 7]  i64 (5)

--- ml.data.digits
local data = ml.data.digits { n_train = 100, n_test = 20, rotation = 10, test = { rotation = { 80, 100 } }, seed = 1 }
print(data.train.y:bincount())             --> [10, 10, 10, 10, 10, 10, 10, 10, 10, 10]  i64 (10)
print(data.train.x.shape[3], data.classes[10])  --> 28  9

--- ml.data.shapes
local data = ml.data.shapes { n_train = 80, n_test = 16, size = 32, filled = true, colour = true }
print(table.concat(data.train.x.shape, " x "), table.concat(data.classes, " "))
--> 80 x 3 x 32 x 32  circle triangle square pentagon star cross heart arrow

--- ml.data.spirals
local data = ml.data.spirals { arms = 3, turns = 1, n_train = 300, seed = 1 }
print(data.train.x.shape[2], data.train.y:bincount())  --> 2  [100, 100, 100]  i64 (3)

--- ml.data.moons
local data = ml.data.moons { noise = 0, n_train = 200, seed = 1 }
print(data.train.x[data.train.y:eq(1)]:square():sum(2):mean())  --> 1.  f32 ()

--- ml.data.circles
local data = ml.data.circles { noise = 0, factor = 0.5, n_train = 200, seed = 1 }
print(data.train.x[data.train.y:eq(2)]:square():sum(2):mean())  --> 0.25  f32 ()

--- ml.data.spheres
local data = ml.data.spheres { dim = 100, radii = { 1, 2 }, n_train = 50, seed = 1 }
print(data.train.x[data.train.y:eq(2)]:square():sum(2):mean())  --> 4.  f32 ()

--- ml.data.gaussians
local data = ml.data.gaussians { centres = ml.tensor { { 0.0, 0.0 }, { 9.0, 0.0 } }, std = 0.1, n_train = 400, seed = 1 }
print(data.train.x[data.train.y:eq(2)]:mean(1):round())  --> [9, 0]  f32 (2)

--- ml.data.parity
local data = ml.data.parity { bits = 20, k = 2, n_train = 100, seed = 1 }
local product = data.train.x[{ {}, data.subset }]:prod(2)
print(((1 - product) / 2 + 1):eq(data.train.y):all())  --> true  bool ()

--- ml.data.boolean
local data = ml.data.boolean { k = 2, table = "0110", encoding = "bits" }
print(data.all.x, data.all.y)
--> [[0, 0], [0, 1], [1, 0], [1, 1]]  f32 (4, 2)  [1, 2, 2, 1]  i64 (4)

--- ml.data.linear
local data = ml.data.linear { dim = 4, spectrum = 2, noise = 0, n_train = 10, seed = 1 }
print(data.spectrum)  --> [1.    , 0.25  , 0.1111, 0.0625]  f32 (4)
print((data.train.x:matmul(data.weight) - data.train.y):abs():max())  --> 0.  f32 ()

--- ml.data.teacher
local data = ml.data.teacher { layers = { 5, 3, 1 }, activation = "tanh", n_train = 10, seed = 1 }
print((data.teacher(data.train.x) - data.train.y):abs():max(), data.train.y.shape[2])  --> 0.  f32 ()  1

--- ml.data.frequencies
local data = ml.data.frequencies { frequencies = { 1 }, phases = { 0 }, n_train = 4 }
print(data.train.x:reshape(4), data.train.y:reshape(4):round())  --> [-1. , -0.5,  0. ,  0.5]  f32 (4)  [ 0.,  1.,  0., -1.]  f32 (4)

--- ml.data.copies
local data = ml.data.copies { vocabulary = 9, length = 3, shifted = false, n_train = 1, seed = 1 }
local x, y = data.train.x[1], data.train.y[1] -- the first five of a b c a b c, and the last five
print(x[1]:eq(x[4]), x[2]:eq(x[5]), y[2]:eq(y[5]))  --> true  bool ()  true  bool ()  true  bool ()

--- ml.data.dyck
local data = ml.data.dyck { kinds = 1, length = 4, task = "recognise", n_train = 100, seed = 1 }
print(data.train.x[data.train.y:eq(2)]:min(1))  --> [1, 1, 1, 2]  i64 (4)

--- ml.data.counting
local data = ml.data.counting { train = { 1, 2 }, test = { 3, 4 }, n_train = 100, seed = 1 }
print(data.train.x[data.train.y:eq(2)]:max(1))  --> [1, 1, 1, 1, 2, 2, 3, 3]  i64 (8)

--- ml.data.regular
local data = ml.data.regular { language = "parity", length = 8, n_train = 100, seed = 1 } -- 1 stands for "0", 2 for "1"
local ones = (data.train.x - 1):sum(2)
print((ones % 2):eq(2 - data.train.y):all())  --> true  bool ()

--- ml.data.label_noise
local data  = ml.data.gaussians { n_train = 100, seed = 1 }
local noisy = ml.data.label_noise(data, { fraction = 0.3, seed = 1 })
print(noisy.train.y:ne(data.train.y):sum(), noisy.train.wrong:sum())  --> 30  i64 ()  30  i64 ()

--- ml.data.random_labels
local data = ml.data.random_labels(ml.data.gaussians { classes = 5, n_train = 100, seed = 1 }, { seed = 1 })
print(data.train.y:min(), data.train.y:max())  --> 1  i64 ()  5  i64 ()

--- ml.data.permute_pixels
local set   = { x = ml.arange(1, 4):reshape(1, 4), y = ml.ones { 1 } }
local other = ml.data.permute_pixels(set, { seed = 1 })
print(other.x[1]:eq(other.permutation):all())  --> true  bool ()

--- ml.data.feature_noise
local data = ml.data.feature_noise({ x = ml.zeros { 1000, 10 }, y = ml.ones { 1000 } }, { std = 0.5, seed = 1 })
print(("%.2f"):format(data.x:std():item()))  --> 0.50

--- ml.data.loader
local set    = { x = ml.arange(1, 10):reshape(10, 1), y = ml.arange(1, 10, { dtype = "i64" }) }
local loader = ml.data.loader(set, { batch = 4, seed = 1, prefetch = true })
for epoch = 1, 2 do
  local seen = 0
  for batch in loader do seen = seen + #batch.x end -- batch.x, batch.y, batch.ids
  print(epoch, #loader, seen)
end
--> 1  3  10
--> 2  3  10

--- Loader
local loader = ml.data.loader({ x = ml.arange(1, 6), y = ml.ones { 6 } }, { batch = 4, shuffle = false })
print(#loader, loader:next().x, loader:next().x)  --> 2  [1, 2, 3, 4]  i64 (4)  [5, 6]  i64 (2)
print(loader:next().x, loader.epoch)              --> [1, 2, 3, 4]  i64 (4)  2
local there = loader:state()
loader:next()
print(loader:load_state(there):next().x)          --> [5, 6]  i64 (2)

--- ml.data.augment
local x = ml.tensor { { { 1.0, 2.0 }, { 3.0, 4.0 } } }
print(ml.data.augment(x, { { "flip", 1 }, { "noise", 0 } }))  --> [[[2, 1], [4, 3]]]  f32 (1, 2, 2)

--- ml.data.split
local set  = { x = ml.zeros { 10, 3 }, y = ml.tensor({ 1, 1, 1, 1, 1, 2, 2, 2, 2, 2 }, { dtype = "i64" }) }
local data = ml.data.split(set, { test = 0.4, stratified = true, seed = 1 })
print(data.train.y:bincount(), data.test.y:bincount())  --> [3, 3]  i64 (2)  [2, 2]  i64 (2)

--- ml.data.folds
local set = { x = ml.zeros { 10, 3 }, y = ml.arange(1, 10) }
local folds = ml.data.folds(set, { k = 5 })
print(#folds, #folds[1].train.x, #folds[1].test.x)  --> 5  8  2

--- ml.data.standardise
local y    = ml.zeros { 2 }
local data = { train = { x = ml.tensor { { 1.0 }, { 3.0 } }, y = y }, test = { x = ml.tensor { { 5.0 }, { 2.0 } }, y = y } }
local same, scaler = ml.data.standardise(data)
print(same.train.x, same.test.x)  --> [[-1], [ 1]]  f32 (2, 1)  [[3], [0]]  f32 (2, 1)

--- Scaler
local data, scaler = ml.data.standardise { x = ml.tensor { { 1.0 }, { 3.0 } }, y = ml.zeros { 2 } }
print(scaler(ml.tensor { { 5.0 } }), scaler:inverse(data.x))  --> [[3]]  f32 (1, 1)  [[1], [3]]  f32 (2, 1)

--- ml.data.mnist
-- with the published files in a folder: ml.data.mnist { path = "/data/mnist" }.train.x is (60000, 1, 28, 28)
print(select(2, pcall(ml.data.mnist, { path = "/nowhere", only = "test" })))
--> example:2: data.mnist: t10k-images-idx3-ubyte.gz is not in /nowhere nor in /nowhere/mnist nor in /nowhere/MNIST nor in /nowhere/MNIST/raw. Download train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from https://ossci-datasets.s3.amazonaws.com/mnist/ (a copy of http://yann.lecun.com/exdb/mnist/, by LeCun, Cortes and Burges) and put them there as they are.

--- ml.data.cifar10
-- with the published files in a folder: ml.data.cifar10 { path = "/data" }.train.x is (50000, 3, 32, 32)
print(select(2, pcall(ml.data.cifar10, { path = "/nowhere", only = "test" })))
--> example:2: data.cifar10: test_batch.bin is not in /nowhere nor in /nowhere/cifar-10-batches-bin nor in /nowhere/cifar10 nor in /nowhere/cifar10/cifar-10-batches-bin. Download cifar-10-binary.tar.gz (md5 c32a1d4ab5d03f1284b67883e8d87530) from https://www.cs.toronto.edu/~kriz/cifar.html, by Krizhevsky, Nair and Hinton, and unpack it there: tar xzf cifar-10-binary.tar.gz

--- ml.data.cifar100
-- with the published files in a folder: ml.data.cifar100 { path = "/data" }.train.coarse are the 20 groups of classes
print(select(2, pcall(ml.data.cifar100, { path = "/nowhere", only = "test" })))
--> example:2: data.cifar100: test.bin is not in /nowhere nor in /nowhere/cifar-100-binary nor in /nowhere/cifar100 nor in /nowhere/cifar100/cifar-100-binary. Download cifar-100-binary.tar.gz (md5 03b5dce01913d631647c71ecec9e9cb8) from https://www.cs.toronto.edu/~kriz/cifar.html, by Krizhevsky, Nair and Hinton, and unpack it there: tar xzf cifar-100-binary.tar.gz

--- ml.data.fashion_mnist
-- with the published files in a folder of their own: ml.data.fashion_mnist { path = "/data/fashion" }.classes[1] is "T-shirt/top"
print(select(2, pcall(ml.data.fashion_mnist, { path = "/nowhere", only = "test" })):sub(1, 69))
--> example:2: data.fashion_mnist: t10k-images-idx3-ubyte.gz is not in /n

--- ml.data.has
local data = ml.data.has "cifar10" and ml.data.cifar10() or ml.data.shapes { size = 32, n_train = 80, n_test = 8 }
print(ml.data.has("cifar10", { path = "/nowhere" }))  --> false

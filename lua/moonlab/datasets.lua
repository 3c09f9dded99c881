--- Published data sets, read from the publishers' own files. moonlab brings none and downloads none: what is missing, it names.
local core  = require "moonlab.core"
local check = require "moonlab.check"

---@class moonlab.data
local data = {}

---@class moonlab.PublishedOptions
---@field path?   string          folder of the files (default: the environment variable MOONLAB_DATA)
---@field only?   "train"|"test"  one part alone; the other's files need not be there
---@field verify? boolean         compare with the published files (default true)
---@field dtype?  "f32"|"u8"      f32: pixels from 0 to 1; u8: as they are, 0 to 255 (default "f32")

local function exists(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

-- The first of the names in the first of the folders that has one.
local function find(folders, names)
  for _, folder in ipairs(folders) do
    for _, name in ipairs(names) do
      if exists(folder .. "/" .. name) then return folder .. "/" .. name end
    end
  end
end

local function folders_of(set, opts)
  local root = opts.path ~= "" and opts.path or os.getenv "MOONLAB_DATA" or ""
  if root == "" then
    check.fail("data.%s: say where its files are: data.%s { path = \"...\" }, or set MOONLAB_DATA. %s", set.name, set.name,
      set.help)
  end
  local folders = {}
  for i, inner in ipairs(set.folders) do folders[i] = root .. inner end
  return folders
end

local function options(name, opts)
  opts = check.options("data." .. name, opts, { path = "", only = "", verify = true, dtype = "f32" })
  if opts.only ~= "" and opts.only ~= "train" and opts.only ~= "test" then
    check.fail("data.%s: only must be \"train\" or \"test\", got '%s'", name, opts.only)
  end
  if opts.dtype ~= "f32" and opts.dtype ~= "u8" then
    check.fail("data.%s: dtype must be \"f32\" or \"u8\", got '%s'", name, opts.dtype)
  end
  return opts
end

local function parts_of(opts) return opts.only ~= "" and { opts.only } or { "train", "test" } end

local function pixels(x, opts)
  return opts.dtype == "u8" and x or x:cast "f32" / 255
end

local function missing(set, what, folders)
  check.fail("data.%s: %s is not in %s. %s", set.name, what, table.concat(folders, " nor in "), set.help)
end

-- The published file of one of the names, or an error that says what to download.
local function file_of(set, names, md5, folders, opts)
  local path = find(folders, names)
  if not path then missing(set, names[1], folders) end
  if opts.verify then
    local got = core.io.md5(path)
    if got ~= md5 then
      check.fail("data.%s: '%s' is not the published file (md5 %s, not %s); is it of another set? verify = false reads it all "
        .. "the same", set.name, path, got, md5)
    end
  end
  return path
end

local function read(set, opts, part_of)
  opts = options(set.name, opts)
  local folders, result = folders_of(set, opts), { classes = set.classes, coarse_classes = set.coarse_classes }
  for _, part in ipairs(parts_of(opts)) do result[part] = part_of(set, set[part], folders, opts) end
  return result
end

--- Sets in MNIST's files -------------------------------------------------------------------------------------------
-- MD5 of the unpacked files: those of the packed ones differ by who packed them.
local MNIST = {
  name = "mnist", folders = { "", "/mnist", "/MNIST", "/MNIST/raw" },
  help = "Download train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    .. "t10k-labels-idx1-ubyte.gz from https://ossci-datasets.s3.amazonaws.com/mnist/ (a copy of "
    .. "http://yann.lecun.com/exdb/mnist/, by LeCun, Cortes and Burges) and put them there as they are.",
  train = { images = { "train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb" },
    labels = { "train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624" } },
  test = { images = { "t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea" },
    labels = { "t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637" } },
}
local FASHION = {
  name = "fashion_mnist", folders = { "", "/fashion_mnist", "/fashion-mnist", "/fashion", "/FashionMNIST", "/FashionMNIST/raw" },
  help = "Download train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    .. "t10k-labels-idx1-ubyte.gz from https://github.com/zalandoresearch/fashion-mnist (data/fashion), by Xiao, Rasul and "
    .. "Vollgraf of Zalando Research, and put them there as they are, in a folder of their own: MNIST's have the same names.",
  classes = { "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot" },
  train = { images = { "train-images-idx3-ubyte", "f4a8712d7a061bf5bd6d2ca38dc4d50a" },
    labels = { "train-labels-idx1-ubyte", "9018921c3c673c538a1fc5bad174d6f9" } },
  test = { images = { "t10k-images-idx3-ubyte", "8181f5470baa50b63fa0f6fddb340f0a" },
    labels = { "t10k-labels-idx1-ubyte", "15d484375f8d13e6eb1aabb0c3f46965" } },
}

local function idx_names(name)
  local dotted = name:gsub("%-idx", ".idx")
  return { name .. ".gz", name, dotted, dotted .. ".gz" }
end

local function idx_file(set, file, folders, opts)
  local path = file_of(set, idx_names(file[1]), file[2], folders, opts)
  local found, tensors = core.io.load(path, { format = "idx" })
  return tensors[#found], path
end

local function idx_part(set, part, folders, opts)
  local x, x_path = idx_file(set, part.images, folders, opts)
  local y, y_path = idx_file(set, part.labels, folders, opts)
  if x.dtype ~= "u8" or x:dim() ~= 3 or x.shape[2] ~= 28 or x.shape[3] ~= 28 then
    check.fail("data.%s: '%s' must hold u8 images of 28 x 28, got %s (%s)", set.name, x_path, x.dtype,
      table.concat(x.shape, ", "))
  end
  if y.dtype ~= "u8" or y:dim() ~= 1 or #y ~= #x then
    check.fail("data.%s: '%s' must hold %d u8 labels, got %s (%s)", set.name, y_path, #x, y.dtype, table.concat(y.shape, ", "))
  end
  if #y > 0 and y:max():item() > 9 then
    check.fail("data.%s: '%s' has a label %d; they are 0 to 9", set.name, y_path, y:max():item())
  end
  return { x = pixels(x:reshape(#x, 1, 28, 28), opts), y = y:cast "i64" + 1 }
end

--- The handwritten digits of MNIST: 60,000 for training, 10,000 for testing. x (n, 1, 28, 28), y (n) i64 where the digit d has
--- the label d + 1. Needs the published IDX files, packed or not, and knows them by their checksums.
--- LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition".
---@param opts? moonlab.PublishedOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.mnist(opts) return read(MNIST, opts, idx_part) end

--- Fashion-MNIST: ten kinds of clothes in the shape and the files of MNIST. Xiao, Rasul & Vollgraf 2017, "Fashion-MNIST: a novel
--- image dataset for benchmarking machine learning algorithms".
---@param opts? moonlab.PublishedOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, classes: string[] }
function data.fashion_mnist(opts) return read(FASHION, opts, idx_part) end

--- Sets in CIFAR's binary files ------------------------------------------------------------------------------------
local CIFAR10 = {
  name = "cifar10", folders = { "", "/cifar-10-batches-bin", "/cifar10", "/cifar10/cifar-10-batches-bin" },
  help = "Download cifar-10-binary.tar.gz (md5 c32a1d4ab5d03f1284b67883e8d87530) from "
    .. "https://www.cs.toronto.edu/~kriz/cifar.html, by Krizhevsky, Nair and Hinton, and unpack it there: "
    .. "tar xzf cifar-10-binary.tar.gz",
  classes = { "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck" },
  train = {
    { "data_batch_1.bin", "5dd7e06a14cb22eb9f671a540d1b7c25" }, { "data_batch_2.bin", "5ea93a67294ea407fff1d09f752e9692" },
    { "data_batch_3.bin", "942cd6a4bcdd0dd3c604fbe906cb4421" }, { "data_batch_4.bin", "ae636b3ba5c66a11e91e8cb52e771fcb" },
    { "data_batch_5.bin", "53f37980c15c3d472c316c40844f3f0d" },
  },
  test = { { "test_batch.bin", "803d5f7f4d78ea53de84dbe85f74fb6d" } },
}

local function words(text)
  local list = {}
  for word in text:gmatch "%S+" do list[#list + 1] = word end
  return list
end

local CIFAR100 = {
  name = "cifar100", folders = { "", "/cifar-100-binary", "/cifar100", "/cifar100/cifar-100-binary" },
  help = "Download cifar-100-binary.tar.gz (md5 03b5dce01913d631647c71ecec9e9cb8) from "
    .. "https://www.cs.toronto.edu/~kriz/cifar.html, by Krizhevsky, Nair and Hinton, and unpack it there: "
    .. "tar xzf cifar-100-binary.tar.gz",
  classes = words [[
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle caterpillar
    cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl
    hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road
    rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank
    telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm]],
  coarse_classes = words [[
    aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture insects
    large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
    non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2]],
  train = { { "train.bin", "6172c7755cfe09b2fe270c85cebc1b15" } },
  test = { { "test.bin", "4499cfba6c016c1be1438163640a0898" } },
}

local function cifar_part(set, files, folders, opts)
  local found = {}
  for i, file in ipairs(files) do
    local path = file_of(set, { file[1] }, file[2], folders, opts)
    local names, tensors = core.io.load(path, { format = set.name })
    for k, name in ipairs(names) do
      found[name] = found[name] or {}
      found[name][i] = tensors[k]
    end
  end
  local part = {}
  for name, pieces in pairs(found) do part[name] = core.op.cat(pieces, 1) end
  part.x = pixels(part.x, opts)
  return part
end

--- The colour images of CIFAR-10: 50,000 for training, 10,000 for testing. x (n, 3, 32, 32), y (n) i64 from 1; classes: their
--- names, in the order of the labels. Needs the published binary files, and knows them by their checksums.
--- Krizhevsky 2009, "Learning multiple layers of features from tiny images".
---@param opts? moonlab.PublishedOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, classes: string[] }
function data.cifar10(opts) return read(CIFAR10, opts, cifar_part) end

--- The same of 100 classes: y (n) i64 the class and coarse (n) i64 which of 20 groups of classes it belongs to. Krizhevsky 2009.
---@param opts? moonlab.PublishedOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, classes: string[], coarse_classes: string[] }
function data.cifar100(opts) return read(CIFAR100, opts, cifar_part) end

local SETS = { mnist = MNIST, fashion_mnist = FASHION, cifar10 = CIFAR10, cifar100 = CIFAR100 }

--- Are the files of a published set there? For scripts that have something else to do without them. The files are not read.
---@param name "mnist"|"fashion_mnist"|"cifar10"|"cifar100"
---@param opts? { path?: string, only?: "train"|"test" }
---@return boolean
function data.has(name, opts)
  local set = SETS[name]
  if not set then
    local known = {}
    for key in pairs(SETS) do known[#known + 1] = key end
    table.sort(known)
    check.fail("data.has: there is no published set '%s'; it knows %s", tostring(name), table.concat(known, ", "))
  end
  opts = options("has", opts)
  if opts.path == "" and (os.getenv "MOONLAB_DATA" or "") == "" then return false end
  local folders = folders_of(set, opts)
  for _, part in ipairs(parts_of(opts)) do
    for _, file in pairs(set[part]) do
      if not find(folders, set[part].images and idx_names(file[1]) or { file[1] }) then return false end
    end
  end
  return true
end

return data

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

--- MNIST -----------------------------------------------------------------------------------------------------------
-- MD5 of the unpacked files, as published with many packagings of them; the packed ones differ by who packed them.
local MNIST = {
  name = "mnist", folders = { "", "/mnist", "/MNIST", "/MNIST/raw" },
  help = "Download train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
    .. "t10k-labels-idx1-ubyte.gz from https://ossci-datasets.s3.amazonaws.com/mnist/ (a copy of "
    .. "http://yann.lecun.com/exdb/mnist/, by LeCun, Cortes and Burges) and put them there as they are.",
  train = { n = 60000, images = { "train-images-idx3-ubyte", "6bbc9ace898e44ae57da46a324031adb" },
    labels = { "train-labels-idx1-ubyte", "a25bea736e30d166cdddb491f175f624" } },
  test = { n = 10000, images = { "t10k-images-idx3-ubyte", "2646ac647ad5339dbf082846283269ea" },
    labels = { "t10k-labels-idx1-ubyte", "27ae3e4e09519cfbb04c329615203637" } },
}

local function mnist_file(file, folders, opts)
  local name = file[1]
  local path = find(folders, { name .. ".gz", name, (name:gsub("%-idx", ".idx")), (name:gsub("%-idx", ".idx")) .. ".gz" })
  if not path then missing(MNIST, name .. ".gz", folders) end
  if opts.verify then
    local got = core.io.md5(path)
    if got ~= file[2] then
      check.fail("data.mnist: '%s' is not the published file (md5 %s, not %s); is it of another set? verify = false reads it "
        .. "all the same", path, got, file[2])
    end
  end
  local names, tensors = core.io.load(path, { format = "idx" })
  return tensors[#names], path
end

local function mnist_part(part, folders, opts)
  local x, x_path = mnist_file(part.images, folders, opts)
  local y, y_path = mnist_file(part.labels, folders, opts)
  if x.dtype ~= "u8" or x:dim() ~= 3 or x.shape[2] ~= 28 or x.shape[3] ~= 28 then
    check.fail("data.mnist: '%s' must hold u8 images of 28 x 28, got %s (%s)", x_path, x.dtype, table.concat(x.shape, ", "))
  end
  if y.dtype ~= "u8" or y:dim() ~= 1 or #y ~= #x then
    check.fail("data.mnist: '%s' must hold %d u8 labels, got %s (%s)", y_path, #x, y.dtype, table.concat(y.shape, ", "))
  end
  if #y > 0 and y:max():item() > 9 then
    check.fail("data.mnist: '%s' has a label %d; they are 0 to 9", y_path, y:max():item())
  end
  return { x = pixels(x:reshape(#x, 1, 28, 28), opts), y = y:cast "i64" + 1 }
end

--- The handwritten digits of MNIST: 60,000 for training, 10,000 for testing. x (n, 1, 28, 28), y (n) i64 where the digit d has
--- the label d + 1. Needs the published IDX files, packed or not, and knows them by their checksums.
--- LeCun, Bottou, Bengio & Haffner 1998, "Gradient-based learning applied to document recognition".
---@param opts? moonlab.PublishedOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.mnist(opts)
  opts = options("mnist", opts)
  local folders, result = folders_of(MNIST, opts), {}
  for _, part in ipairs(parts_of(opts)) do result[part] = mnist_part(MNIST[part], folders, opts) end
  return result
end

--- CIFAR-10 --------------------------------------------------------------------------------------------------------
-- The publisher gives an MD5 of the archive alone, so the unpacked files are known by what is said of them: 10,000 images
-- each, and of each class 5,000 for training and 1,000 for testing.
local CIFAR10 = {
  name = "cifar10", folders = { "", "/cifar-10-batches-bin", "/cifar10", "/cifar10/cifar-10-batches-bin" },
  help = "Download cifar-10-binary.tar.gz (md5 c32a1d4ab5d03f1284b67883e8d87530) from "
    .. "https://www.cs.toronto.edu/~kriz/cifar.html, by Krizhevsky, Nair and Hinton, and unpack it there: "
    .. "tar xzf cifar-10-binary.tar.gz",
  train = { "data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin" },
  test = { "test_batch.bin" },
}

local function check_classes(y, files)
  for label = 1, 10 do
    local n = y:eq(label):cast("i64"):sum():item()
    if n * 10 ~= 10000 * #files then
      check.fail("data.cifar10: %s: %d images of class %d, the published files have %d; verify = false reads them all the "
        .. "same", files[1], n, label, 1000 * #files)
    end
  end
end

local function cifar10_part(files, folders, opts)
  local xs, ys = {}, {}
  for i, name in ipairs(files) do
    local path = find(folders, { name })
    if not path then missing(CIFAR10, name, folders) end
    local names, tensors = core.io.load(path, { format = "cifar10" })
    for k, what in ipairs(names) do (what == "x" and xs or ys)[i] = tensors[k] end
    if opts.verify and #ys[i] ~= 10000 then
      check.fail("data.cifar10: '%s' has %d images, the published one 10,000; verify = false reads it all the same", path,
        #ys[i])
    end
  end
  local x, y = core.op.cat(xs, 1), core.op.cat(ys, 1)
  if opts.verify then check_classes(y, files) end
  return { x = pixels(x, opts), y = y }
end

--- The colour images of CIFAR-10: 50,000 for training, 10,000 for testing. x (n, 3, 32, 32), y (n) i64 from 1; classes: their
--- names, in the order of the labels. Needs the published binary files.
--- Krizhevsky 2009, "Learning multiple layers of features from tiny images".
---@param opts? moonlab.PublishedOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset, classes: string[] }
function data.cifar10(opts)
  opts = options("cifar10", opts)
  local folders = folders_of(CIFAR10, opts)
  local result = { classes = { "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck" } }
  for _, part in ipairs(parts_of(opts)) do result[part] = cifar10_part(CIFAR10[part], folders, opts) end
  return result
end

return data

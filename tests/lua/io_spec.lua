-- Files from and for others: numpy where it is, the tables that scripts see, checkpoints.
local ml      = require "moonlab"
local source  = assert(os.getenv "MOONLAB_SOURCE")
local support = dofile(source .. "/tests/lua/support.lua")
local fails, holds = support.fails, support.holds
local nn = ml.nn

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir -p " .. folder))
local function at(name) return folder .. "/" .. name end

local function put(name, bytes)
  local file = assert(io.open(at(name), "wb"))
  file:write(bytes)
  file:close()
  return at(name)
end

local function get(name)
  local file = assert(io.open(at(name), "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

-- What a Python script prints, or nil, with a message, when there is no numpy to run it.
local python
for _, name in ipairs { "/usr/bin/python3", "python3" } do
  if not python and os.execute(name .. " -c 'import numpy' 2>/dev/null") then python = name end
end
if not python then io.stderr:write "io: no python3 with numpy here: what it writes and reads is not tested\n" end

local function numpy(script)
  put("script.py", "import numpy as np\nfolder = '" .. folder .. "/'\n" .. script)
  local pipe = assert(io.popen(python .. " " .. at "script.py" .. " 2>&1"))
  local out  = pipe:read "a"
  assert(pipe:close(), out)
  return out
end

teardown(function() os.execute("rm -r " .. folder) end)

describe("what NumPy wrote", function()
  local function numbers(word)
    local list = {}
    for item in (word == "-" and "" or word):gmatch "[^,]+" do list[#list + 1] = tonumber(item) end
    return list
  end

  -- Is this to the bit what tests/golden/files.py saw?
  local function check_tensor(name, t, dtype, shape, values)
    assert.equal(dtype, t.dtype, name)
    assert.same(numbers(shape), t.shape, name)
    local got, want = t:cast(dtype == "f32" and "f64" or dtype == "bool" and "i64" or dtype):reshape(-1):tolist(), numbers(values)
    assert.equal(#want, #got, name)
    for i, v in ipairs(want) do
      assert(v == got[i] and (v ~= 0 or 1 / v == 1 / got[i]), ("%s: value %d is %s, not %s"):format(name, i, got[i], v))
    end
  end

  it("is read to the bit", function()
    local content
    local n = 0
    for line in io.lines(source .. "/tests/golden/files.txt") do
      local name, hex = line:match "^file (%S+) (%x+)$"
      if name then
        content = ml.io.decode((hex:gsub("%x%x", function(two) return string.char(tonumber(two, 16)) end)))
        n = n + 1
      else
        local key, dtype, shape, values = line:match "^tensor (%S+) (%S+) (%S+) (%S+)$"
        check_tensor(line:sub(1, 40), key == "-" and content or content[key], dtype, shape, values)
      end
    end
    assert.equal(31, n)
  end)
end)

describe("numpy", function()
  if not python then return end

  it("writes what ml.load reads: every dtype, order and layout", function()
    numpy [[
for code in ['b1', 'u1', 'i1', '<u2', '>u2', '<i2', '>i2', '<u4', '>u4', '<i4', '>i4', '<u8', '>u8', '<i8', '>i8',
             '<f2', '>f2', '<f4', '>f4', '<f8', '>f8']:
    a = (np.arange(24).reshape(2, 3, 4) - (0 if 'u' in code or 'b' in code else 12)) % (2 if 'b' in code else 100)
    a = a.astype(code)
    name = code.replace('<', 'little_').replace('>', 'big_')
    np.save(folder + name + '_c.npy', a)
    np.save(folder + name + '_f.npy', np.asfortranarray(a))
    np.save(folder + name + '_want.npy', a.astype('f8'))
np.save(folder + 'scalar.npy', np.float32(2.5))
np.save(folder + 'empty.npy', np.zeros((3, 0)))
]]
    for _, code in ipairs { "b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8" } do
      for _, order in ipairs(code:find "1" and { "" } or { "little_", "big_" }) do
        local name = order .. code
        local want = ml.load(at(name .. "_want.npy"))
        for _, layout in ipairs { "_c", "_f" } do
          local got = ml.load(at(name .. layout .. ".npy"))
          local dtype = ({ b1 = "bool", u1 = "u8", f2 = "f32", f4 = "f32", f8 = "f64" })[code] or "i64"
          assert.equal(dtype, got.dtype, name)
          assert.same({ 2, 3, 4 }, got.shape)
          assert.equal(24, got:cast("f64"):eq(want):cast("i64"):sum():item(), name .. layout)
        end
      end
    end
    assert.equal(2.5, ml.load(at "scalar.npy"):item())
    assert.same({ 3, 0 }, ml.load(at "empty.npy").shape)
  end)

  it("writes npz, plain and compressed", function()
    numpy [[
np.savez(folder + 'plain.npz', a=np.arange(6.).reshape(2, 3), b=np.array([1, 2], 'i4'))
np.savez_compressed(folder + 'packed.npz', a=np.arange(6.).reshape(2, 3), b=np.array([1, 2], 'i4'))
np.savez(folder + 'pickled.npz', a=np.array([{}, None], dtype=object))
]]
    for _, name in ipairs { "plain.npz", "packed.npz" } do
      local t = ml.load(at(name))
      holds({ { 0, 1, 2 }, { 3, 4, 5 } }, t.a)
      holds({ 1, 2 }, t.b)
      assert.equal("f64", t.a.dtype)
    end
    fails(function() ml.load(at "pickled.npz") end, "pickled.npz', byte %d+: .*pickles, which can run code")
  end)

  it("reads what ml.save writes", function()
    local x = ml.randn { 3, 4, seed = 1 }
    ml.save(at "x.npy", x)
    ml.save(at "turned.npy", x:transpose(1, 2))
    ml.save(at "scalar.npy", ml.tensor(7))
    ml.save(at "all.npz", { f32 = x, f64 = x:cast "f64", i64 = ml.arange(5), u8 = ml.tensor({ 1, 255 }, { dtype = "u8" }),
      bool = x:gt(0), layers = { { w = x }, { w = x[1] } } })
    local out = numpy [[
x = np.load(folder + 'x.npy')
t = np.load(folder + 'turned.npy')
s = np.load(folder + 'scalar.npy')
z = np.load(folder + 'all.npz')
assert x.dtype == np.float32 and x.shape == (3, 4) and t.shape == (4, 3) and np.array_equal(x.T, t)
assert s.shape == () and s == 7 and s.dtype == np.int64
assert z['f64'].dtype == np.float64 and np.array_equal(z['f64'], x.astype('f8')) and np.array_equal(z['bool'], x > 0)
assert z['bool'].dtype == bool and list(z['i64']) == [1, 2, 3, 4, 5] and list(z['u8']) == [1, 255] and z['u8'].dtype == np.uint8
assert np.array_equal(z['layers.1.w'], x) and np.array_equal(z['layers.2.w'], x[0])
import zipfile
assert zipfile.ZipFile(folder + 'all.npz').testzip() is None
print(' '.join(sorted(z.files)), repr(float(x[0, 0])))
]]
    local names, first = out:match "^(.*) (%S+)\n$"
    assert.equal("bool f32 f64 i64 layers.1.w layers.2.w u8", names)
    assert.equal(x[{ 1, 1 }]:item(), tonumber(first))
  end)

  it("finds the layout of safetensors as it is described", function()
    local x = ml.randn { 3, 4, seed = 1 }
    ml.save(at "x.safetensors", { flags = x:gt(0), x = x, deep = { x = x:cast "f64" } }, { metadata = { note = "a\n\"b\" é" } })
    numpy [==[
import json, struct
raw = open(folder + 'x.safetensors', 'rb').read()
n, = struct.unpack('<Q', raw[:8])
head, data = json.loads(raw[8:8 + n].decode('utf-8')), raw[8 + n:]
assert n % 8 == 0 and raw[8:9] == b'{'
assert head.pop('__metadata__') == {'note': 'a\n"b" \u00e9'}
at, dtypes = 0, {'F32': '<f4', 'F64': '<f8', 'BOOL': '?'}
for name, e in head.items():
    begin, end = e['data_offsets']
    assert begin == at and begin % np.dtype(dtypes[e['dtype']]).itemsize == 0
    a = np.frombuffer(data[begin:end], dtypes[e['dtype']]).reshape(e['shape'])
    head[name], at = a, end
assert at == len(data) and np.array_equal(head['x'], head['deep.x']) and np.array_equal(head['flags'], head['x'] > 0)
]==]
  end)
end)

describe("ml.load and ml.save", function()
  it("flatten tables of tables, and put them together again", function()
    local t = { layers = { { w = ml.ones { 2 } }, { w = ml.zeros { 2 } } }, scale = ml.tensor(3.5) }
    ml.save(at "t.npz", t)
    local flat, metadata = ml.load(at "t.npz")
    assert.same({}, metadata)
    local names = {}
    for name in pairs(flat) do names[#names + 1] = name end
    table.sort(names)
    assert.same({ "layers.1.w", "layers.2.w", "scale" }, names)
    local nested = ml.load(at "t.npz", { nested = true })
    holds({ 0, 0 }, nested.layers[2].w)
    assert.equal(3.5, nested.scale:item())
  end)

  it("keep metadata, and a model's names", function()
    local model = nn.Sequential { nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1) }
    ml.save(at "m.safetensors", model, { metadata = { epoch = "3" } })
    local state, metadata = ml.load(at "m.safetensors")
    assert.same({ epoch = "3" }, metadata)
    local other = nn.Sequential { nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1) }
    assert.equal(other, other:load_state(state))
    local x = ml.randn { 4, 2, seed = 2 }
    holds(model(x):tolist(), other(x), 0)
  end)

  it("go through memory", function()
    local bytes = ml.io.encode({ x = ml.arange(3) }, { format = "npz" })
    holds({ 1, 2, 3 }, ml.io.decode(bytes).x)
    local x, columns = ml.io.decode("a,b\n1,2\n,4\n", { format = "csv" })
    assert.same({ "a", "b" }, columns)
    assert.equal("f64", x.dtype)
    local list = x:tolist()
    assert.same({ 1, 2 }, list[1])
    assert.is_true(list[2][1] ~= list[2][1])
    assert.equal(4, list[2][2])
    holds({ { 1, 2 } }, ml.io.decode("1;2\n", { format = "csv", delimiter = ";", header = false }))
    assert.equal("d41d8cd98f00b204e9800998ecf8427e", ml.io.md5(put("empty", "")))
  end)

  it("read CSV whatever the decimal point of the locale is", function()
    put("x.csv", "1.5\n")
    local was = os.setlocale(nil, "numeric")
    for _, name in ipairs { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE" } do
      if os.setlocale(name, "numeric") then break end
    end
    local x = ml.load(at "x.csv")
    os.setlocale(was, "numeric")
    holds({ { 1.5 } }, x)
  end)

  it("say what is wrong, at the script's line", function()
    fails(function() ml.load(at "none.npy") end, "^cannot read '.*none.npy': No such file or directory$")
    fails(function() ml.load(put("bad.npy", "\x93NUMPY")) end, "^load: '.*bad.npy', byte 6: it ends here")
    fails(function() ml.load(put("bad.csv", "1,2\n3,x\n")) end, "^load: '.*bad.csv', line 2, column 2: 'x' is no number")
    fails(function() ml.load(put("bad.bin", "hello")) end, "neither its content nor its name says what it is")
    fails(function() ml.load(at "bad.bin", { format = "nyp" }) end, "^no format is called 'nyp'; did you mean 'npy'%?")
    fails(function() ml.load(at "bad.bin", { fromat = "npy" }) end, "unknown option 'fromat'; did you mean 'format'%?")
    fails(function() ml.load(7) end, "^load: takes a path, got number")
    local one = ml.ones { 1 }
    fails(function() ml.save(at "x.npy", { a = one, b = one }) end, "an npy file holds one tensor, 2 were given")
    fails(function() ml.save(at "x.npz", { a = { b = 3 } }) end, "^save: 'a.b' is a number; a file holds tensors")
    fails(function() ml.save(at "x.npz", { a = { b = one }, ["a.b"] = one }) end, "two tensors called 'a.b'")
    fails(function() ml.save(at "x.npz", 3) end, "^save: takes a tensor or a table of tensors, got number")
    fails(function() ml.save(at "x.txt", ml.ones { 1 }) end, "must end in .npy, .npz or .safetensors")
    fails(function() ml.save(at "x.npz", { x = ml.ones { 1 } }, { metadata = { a = "b" } }) end, "an npz file holds no notes")
    fails(function() ml.save(at "x.safetensors", { x = ml.ones { 1 } }, { metadata = { a = 1 } }) end, "names and texts")
    fails(function() ml.save("/nowhere/x.npy", ml.ones { 1 }) end, "cannot write '/nowhere/x.npy'")
    fails(function() ml.vmap(function(x) ml.save(at "x.npy", x); return x end)(ml.ones { 2, 2 }) end, "vmap")
    assert.is_nil(io.open(at "x.txt"))
    local clash = ml.io.encode({ a = ml.ones { 1 }, ["a.b"] = ml.ones { 1 } }, { format = "npz" })
    fails(function() ml.io.decode(clash, { nested = true }) end, "'a")
  end)
end)

describe("a model's state", function()
  it("is a copy", function()
    local model = nn.Linear(2, 1)
    local state = model:state()
    local before = state.weight:tolist()
    ml.no_grad(function() model.weight[{}] = 0 end)
    holds(before, state.weight, 0)
    model:load_state(state)
    holds(before, model.weight, 0)
  end)

  it("is refused whole when a part does not fit", function()
    local model, other = nn.Linear(2, 1), nn.Linear(3, 1)
    local before = model.weight:tolist()
    fails(function() model:load_state(other:state()) end, "^load_state: 'weight' must be f32 %(1, 2%), got f32 %(1, 3%)")
    fails(function() model:load_state { weight = ml.zeros { 1, 2 } } end, "^load_state: there is no tensor 'bias' for Linear")
    fails(function() model:load_state { weight = ml.zeros { 1, 2 }, bias = ml.zeros { 1 }, x = ml.zeros {} } end,
      "^load_state: Linear has no tensor 'x'")
    fails(function() model:load_state { weight = ml.zeros({ 1, 2 }, { dtype = "f64" }), bias = ml.zeros { 1 } } end, "got f64")
    holds(before, model.weight, 0)
  end)
end)

describe("a checkpoint", function()
  local function make(kind)
    ml.seed(3)
    local model = nn.Sequential { nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1) }
    local opt = ({
      SGD = function(p) return ml.optim.SGD(p, { lr = 0.05, momentum = 0.9, nesterov = true, weight_decay = 1e-3 }) end,
      Adam = function(p) return ml.optim.Adam(p, { lr = 1e-2 }) end,
      AdamW = function(p) return ml.optim.AdamW(p, { lr = 1e-2, weight_decay = 0.1 }) end,
    })[kind](model:parameters())
    return model, opt
  end

  local function train(model, opt, first, last)
    for step = first, last do
      local x = ml.randn { 16, 4 } -- from the default random numbers
      opt.lr = 0.01 / step
      opt:minimize(nn.mse(model(x), x:sum(2, true):sin()))
    end
  end

  for _, kind in ipairs { "SGD", "Adam", "AdamW" } do
    it("goes on to the bit: " .. kind, function()
      local model, opt = make(kind)
      train(model, opt, 1, 20)
      local whole = model:state()

      local first, first_opt = make(kind)
      train(first, first_opt, 1, 8)
      ml.save_checkpoint(at "run.ckpt", { model = first, opt = first_opt, step = 8 })
      ml.seed(99)
      local second, second_opt = make(kind)
      ml.seed(99)
      local rest = ml.load_checkpoint(at "run.ckpt", { model = second, opt = second_opt })
      assert.equal(8, rest.step)
      assert.equal(second, rest.model)
      assert.equal(8, second_opt.steps)
      train(second, second_opt, rest.step + 1, 20)
      for name, p in second:named_parameters() do assert.same(whole[name]:tolist(), p:tolist(), name) end
      assert.same(opt:state().parameters[1].steps, second_opt:state().parameters[1].steps)
      holds(ml.randn({ 3 }):tolist(), (function() ml.seed(3); make(kind); for _ = 1, 20 do ml.randn { 16, 4 } end
        return ml.randn { 3 } end)(), 0)
    end)
  end

  it("keeps values as they are", function()
    local state = {
      i = 3, f = 3.0, tiny = 0.1, huge = math.huge, minus = -math.huge, big = math.maxinteger, low = math.mininteger,
      text = "ä\n\"\\\0", yes = true, no = false, list = { 1, 2.5, "x", { ml.arange(2) } }, empty = {}, ["a.b"] = ml.ones { 1 },
      a = { b = ml.zeros { 1 } }, tensor = "no tensor", ["{}"] = { tensor = "x" },
    }
    ml.save_checkpoint(at "values.ckpt", state)
    local got = ml.load_checkpoint(at "values.ckpt")
    for _, name in ipairs { "i", "f", "tiny", "huge", "minus", "big", "low", "text", "yes", "no", "tensor" } do
      assert.equal(state[name], got[name], name)
      assert.equal(math.type(state[name]), math.type(got[name]), name)
    end
    assert.same({ 1, 2.5, "x" }, { table.unpack(got.list, 1, 3) })
    holds({ 1, 2 }, got.list[4][1])
    assert.same({}, got.empty)
    holds({ 1 }, got["a.b"])
    holds({ 0 }, got.a.b)
    assert.same({ tensor = "x" }, got["{}"])
    ml.save_checkpoint(at "nan.ckpt", { x = 0 / 0 })
    local nan = ml.load_checkpoint(at "nan.ckpt").x
    assert.is_true(nan ~= nan)
  end)

  it("is refused when anything in it is not as it was written", function()
    local model, opt = make "Adam"
    train(model, opt, 1, 2)
    ml.save_checkpoint(at "good.ckpt", { model = model, opt = opt })
    local bytes = get "good.ckpt"
    local header = string.unpack("<I8", bytes)
    for place = 9, #bytes, 97 do
      local changed = bytes:sub(1, place - 1) .. string.char(bytes:byte(place) ~ 1) .. bytes:sub(place + 1)
      put("bad.ckpt", changed)
      local good, message = pcall(ml.load_checkpoint, at "bad.ckpt")
      assert(not good or bytes:sub(place, place) == " " and place > header - 8, ("byte %d: %s"):format(place, tostring(message)))
    end
    put("short.ckpt", bytes:sub(1, -2))
    fails(function() ml.load_checkpoint(at "short.ckpt") end, "short.ckpt', byte %d+: .*beyond the end of the file")
    ml.save(at "plain.safetensors", { x = ml.ones { 1 } })
    fails(function() ml.load_checkpoint(at "plain.safetensors") end, "plain.safetensors' is no checkpoint")
    ml.save(at "later.safetensors", { x = ml.ones { 1 } }, { metadata = { ["moonlab.checkpoint"] = "2" } })
    fails(function() ml.load_checkpoint(at "later.safetensors") end, "is of another version, 2")
  end)

  it("changes all or nothing", function()
    local model, opt = make "Adam"
    train(model, opt, 1, 2)
    ml.save_checkpoint(at "good.ckpt", { model = model, opt = opt })
    local other = make "Adam"
    local sgd = ml.optim.SGD(other:parameters(), {})
    local before = other[1].weight:tolist()
    ml.seed(5)
    fails(function() ml.load_checkpoint(at "good.ckpt", { model = other, opt = sgd }) end,
      "^load_checkpoint: load_state: this is the state of Adam, not of SGD")
    assert.same(before, other[1].weight:tolist())
    fails(function() ml.load_checkpoint(at "good.ckpt", { modle = other }) end, "there is no 'modle' in it")
    fails(function() ml.load_checkpoint(at "good.ckpt", { model = 3 }) end, "'model' must be a model, an optimizer")
    local first = ml.randn { 1 }
    ml.seed(5)
    assert.equal(first:item(), ml.randn({ 1 }):item())
    fails(function() ml.save_checkpoint(at "x.ckpt", { f = print }) end, "^save_checkpoint: 'f' is a function; a checkpoint")
    fails(function() ml.save_checkpoint(at "x.ckpt", { t = { 1, x = 1 } }) end, "the keys of 't' must be names, or 1 to n")
    fails(function() opt:load_state {} end, "it has no kind")
    fails(function() opt:load_state(3) end, "it has no kind")
  end)
end)

describe("json", function()
  local json = require "moonlab.json"

  it("reads what it writes", function()
    local value = { a = { 1, 2.5, "x\"\\\n\t\1é", true, {} }, b = -7 }
    assert.same(value, json.decode(json.encode(value)))
    assert.same({ "\u{1F600}é/" }, json.decode ' [ "\\ud83d\\ude00\\u00e9\\/" ] ')
    assert.equal("float", math.type(json.decode "1e2"))
    assert.equal("integer", math.type(json.decode "-0"))
  end)

  it("refuses what is no JSON", function()
    for _, text in ipairs {
      "", "{", "[1,]", "{\"a\":1,}", "{\"a\":1,\"a\":2}", "01", "1.", "1.e3", ".5", "+1", "nan", "null", "'a'",
      "\"\n\"", "\"\\x\"", "\"\\ud800\"", "[1] 2", "{1:2}", ("["):rep(300) .. ("]"):rep(300) } do
      assert.is_false(pcall(json.decode, text), text)
    end
  end)
end)

describe("published data", function()
  local real = source .. "/../shared/data"
  local there = io.open(real .. "/mnist/t10k-images-idx3-ubyte.gz")
  if there then there:close() else io.stderr:write("io: no " .. real .. ": the real MNIST is not tested\n") end

  it("reads the real digits, known by their checksums", function()
    if not there then return end
    local test = ml.data.mnist({ path = real, only = "test" }).test
    assert.same({ 10000, 1, 28, 28 }, test.x.shape)
    assert.equal("f32", test.x.dtype)
    assert.same({ 0, 1 }, { test.x:min():item(), test.x:max():item() })
    local counts = {} -- of the digits 0 to 9 among the published test labels
    for digit = 0, 9 do counts[digit + 1] = test.y:eq(digit + 1):cast("i64"):sum():item() end
    assert.same({ 980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009 }, counts)
    assert.equal(8, test.y[1]:item()) -- the first digit is a 7
    local bytes = ml.data.mnist({ path = real .. "/mnist", only = "test", dtype = "u8", verify = false }).test
    assert.equal("u8", bytes.x.dtype)
    local sum = bytes.x:cast("i64"):sum():item()
    assert.is_true(math.abs(test.x:cast("f64"):sum():item() * 255 - sum) < 1e-7 * sum)
  end)

  it("reads MNIST-1D by ml.load", function()
    if not there then return end
    local x, y = ml.load(real .. "/mnist1d/x.npy"), ml.load(real .. "/mnist1d/y.npy")
    assert.same({ 4000, 40 }, x.shape)
    assert.equal("f32 u8 4000 9", ("%s %s %d %d"):format(x.dtype, y.dtype, #y, y:max():item()))
  end)

  local function idx(dims, bytes)
    return string.pack(">BBBB" .. ("I4"):rep(#dims), 0, 0, 8, #dims, table.unpack(dims)) .. bytes
  end

  it("says what to download, and from whom", function()
    fails(function() ml.data.mnist { path = folder } end,
      "^data.mnist: train%-images%-idx3%-ubyte.gz is not in .*Download .*t10k%-labels%-idx1%-ubyte.gz from https://.*LeCun")
    fails(function() ml.data.cifar10 { path = folder, only = "test" } end,
      "^data.cifar10: test_batch.bin is not in .*cifar%-10%-binary.tar.gz .*cs.toronto.edu")
    fails(function() ml.data.fashion_mnist { path = folder, only = "train" } end,
      "^data.fashion_mnist: train%-images%-idx3%-ubyte.gz is not in .*https://github.com/zalandoresearch/fashion%-mnist")
    fails(function() ml.data.cifar100 { path = folder } end,
      "^data.cifar100: train.bin is not in .*cifar%-100%-binary.tar.gz %(md5 03b5dce01913d631647c71ecec9e9cb8%)")
    fails(function() ml.data.mnist { path = folder, only = "both" } end, "only must be \"train\" or \"test\", got 'both'")
    fails(function() ml.data.mnist { paht = folder } end, "did you mean 'path'%?")
    local output, good = support.run("local ml = require 'moonlab'\nml.data.cifar10 {}\n", "MOONLAB_DATA=")
    assert.is_false(good)
    assert(output:find(":2: data.cifar10: ", 1, true) and output:find("Download", 1, true), output)
  end)

  it("knows files that are others, or damaged", function()
    put("t10k-images-idx3-ubyte", idx({ 2, 28, 28 }, ("\1"):rep(2 * 784)))
    put("t10k-labels-idx1-ubyte", idx({ 2 }, "\0\9"))
    fails(function() ml.data.mnist { path = folder, only = "test" } end,
      "^data.mnist: '.*t10k%-images%-idx3%-ubyte' is not the published file %(md5 %x+, not 2646ac647ad5339dbf082846283269ea%)")
    fails(function() ml.data.fashion_mnist { path = folder, only = "test" } end, "not 8181f5470baa50b63fa0f6fddb340f0a%)")
    assert.equal("Bag", ml.data.fashion_mnist({ path = folder, only = "test", verify = false }).classes[9])
    assert.is_true(ml.data.has("mnist", { path = folder, only = "test" }))
    assert.is_false(ml.data.has("mnist", { path = folder }) or ml.data.has("cifar10", { path = folder .. "/nowhere" }))
    fails(function() ml.data.has "mnits" end, "^data.has: there is no published set 'mnits'; it knows cifar10, ")
    local small = ml.data.mnist({ path = folder, only = "test", verify = false }).test
    holds({ 1, 10 }, small.y)
    assert.same({ 2, 1, 28, 28 }, small.x.shape)
    put("t10k-labels-idx1-ubyte", idx({ 2 }, "\0\10"))
    fails(function() ml.data.mnist { path = folder, only = "test", verify = false } end, "has a label 10; they are 0 to 9")
    put("t10k-labels-idx1-ubyte", idx({ 3 }, "\0\9\9"))
    fails(function() ml.data.mnist { path = folder, only = "test", verify = false } end, "must hold 2 u8 labels, got u8 %(3%)")
    put("t10k-images-idx3-ubyte", idx({ 2, 2, 2 }, ("\1"):rep(8)))
    fails(function() ml.data.mnist { path = folder, only = "test", verify = false } end, "must hold u8 images of 28 x 28")
  end)

  it("reads CIFAR's binary files", function()
    local image, fine = {}, {}
    for i = 1, 10 do
      image[i] = string.char(i - 1) .. string.char(i):rep(3072)
      fine[i]  = string.char(i) .. string.char(10 * i - 1) .. string.char(i):rep(3072)
    end
    put("test_batch.bin", table.concat(image))
    put("test.bin", table.concat(fine))
    for name, file in pairs { cifar10 = "test_batch", cifar100 = "test" } do
      fails(function() ml.data[name] { path = folder, only = "test" } end,
        "^data." .. name .. ": '.*" .. file .. ".bin' is not the published file %(md5 %x+, not %x+%)")
    end
    local data = ml.data.cifar10 { path = folder, only = "test", verify = false, dtype = "u8" }
    assert.same({ 10, 3, 32, 32 }, data.test.x.shape)
    assert.equal("cat", data.classes[data.test.y[4]:item()])
    assert.equal(4, data.test.x[{ 4, 2, 5, 6 }]:item())
    data = ml.data.cifar100 { path = folder, only = "test", verify = false }
    assert.same({ 10, 3, 32, 32 }, data.test.x.shape)
    assert.equal("bottle", data.classes[data.test.y[1]:item()])
    assert.equal("fish", data.coarse_classes[data.test.coarse[1]:item()])
    assert.equal("worm vehicles_2", data.classes[100] .. " " .. data.coarse_classes[20])
    assert.is_true(math.abs(data.test.x[{ 4, 2, 5, 6 }]:item() - 4 / 255) < 1e-7)
  end)
end)

---@meta
-- What the C part gives to Lua, for lua-language-server. The operations are in ops.lua, made from their table.
-- luacheck: ignore 212 241 631

---@alias moonlab.dtype "f32"|"f64"|"i64"|"u8"|"bool"
---@alias moonlab.shape integer|integer[]  a list of sizes, {3, 4}; or the first of some numbers

---@class moonlab.MakingOptions
---@field dtype?         moonlab.dtype  (default "f32")
---@field requires_grad? boolean        a leaf that wants its gradient (default false)

---@class moonlab.RandomOptions: moonlab.MakingOptions
---@field seed? integer|moonlab.Tensor  of this draw alone (a tensor: of each of a batch); else the next stream of ml.seed

---@class moonlab.UniformOptions: moonlab.RandomOptions
---@field low?  number  (default 0)
---@field high? number  not reached (default 1)

---@class moonlab.NormalOptions: moonlab.RandomOptions
---@field mean? number  (default 0)
---@field std?  number  (default 1)

---@class moonlab.LogspaceOptions: moonlab.MakingOptions
---@field base? number  (default 10)

---@class moonlab.BackwardOptions
---@field seed?         moonlab.Tensor  gradient of the result, of its shape; needed unless it is a single number
---@field keep_graph?   boolean         the graph may be used again; else it is freed
---@field create_graph? boolean         the gradients are recorded themselves: for higher derivatives

--- tensors ---------------------------------------------------------------------------------------------------------

--- An n-dimensional array. Positions and dimensions count from 1, or from -1 at the end.
---
--- `x[2]` second row; `x[{1, 3}]` element, of shape (); `x[{{1, 10}, 2}]` rows 1 to 10 of column 2; `x[{{}, 2}]` all of
--- column 2; `x[{{1, 10, 3}}]` every third row. These are views. `x[ids]` rows at the positions in an i64 tensor, `x[{{}, ids}]`
--- columns, `x[{a, b}]` one element for each pair of positions; `x[x:gt(0)]` the values where a bool tensor holds, `x[mask]`
--- the rows when the mask has one entry each. All can be mixed, as in NumPy, and the same places can be assigned to.
---@class moonlab.Tensor
---@field shape         integer[]            sizes of its dimensions
---@field dtype         moonlab.dtype
---@field grad          moonlab.Tensor?      of a leaf after backward; may be set to nil
---@field requires_grad boolean              it, or what it was computed from, wants a gradient; may be set on leaves
---@field is_leaf       boolean              not the result of a recorded operation
---@field [any]         moonlab.Tensor
---@operator add(moonlab.Tensor|number): moonlab.Tensor
---@operator sub(moonlab.Tensor|number): moonlab.Tensor
---@operator mul(moonlab.Tensor|number): moonlab.Tensor
---@operator div(moonlab.Tensor|number): moonlab.Tensor
---@operator idiv(moonlab.Tensor|number): moonlab.Tensor
---@operator mod(moonlab.Tensor|number): moonlab.Tensor
---@operator pow(moonlab.Tensor|number): moonlab.Tensor
---@operator unm: moonlab.Tensor
---@operator len: integer
local Tensor = {}

--- Its only value, as a number or boolean of Lua.
---@return number|boolean
function Tensor:item() end

--- All values, as nested lists; a number or boolean for shape ().
---@return any
function Tensor:tolist() end

--- The size of one dimension, or all sizes.
---@param dim? integer
---@return integer|integer[]
function Tensor:size(dim) end

--- How many values it has.
---@return integer
function Tensor:numel() end

--- How many dimensions it has.
---@return integer
function Tensor:dim() end

--- A copy outside the graph.
---@return moonlab.Tensor
function Tensor:clone() end

--- The same values outside the graph: a view.
---@return moonlab.Tensor
function Tensor:detach() end

--- Adds the derivative of this tensor to the gradient of every leaf that it depends on.
---@param opts? moonlab.BackwardOptions
function Tensor:backward(opts) end

--- Marks a leaf as wanting its gradient, or not.
---@param on? boolean  (default true)
---@return moonlab.Tensor self
function Tensor:requires_grad_(on) end

--- Drops the gradient.
---@return moonlab.Tensor self
function Tensor:zero_grad() end

--- ml ------------------------------------------------------------------------------------------------------------------

---@class moonlab
---@field version string
local ml = {}

--- A tensor of zeros: ml.zeros { 3, 4 }.
---@param shape moonlab.shape
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.zeros(shape, opts) end

---@param shape moonlab.shape
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.ones(shape, opts) end

--- A tensor filled with one value.
---@param shape integer[]
---@param value number
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.full(shape, value, opts) end

--- Zeros of the shape of x, and of its dtype unless told otherwise; the other functions that end in _like alike.
---@param x     moonlab.Tensor
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.zeros_like(x, opts) end

--- Ones of the shape of x.
---@param x     moonlab.Tensor
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.ones_like(x, opts) end

--- One value in the shape of x.
---@param x     moonlab.Tensor
---@param value number
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.full_like(x, value, opts) end

--- Uniform in [low, high), which are 0 and 1 unless told otherwise.
---@param shape moonlab.shape
---@param opts? moonlab.UniformOptions
---@return moonlab.Tensor
function ml.rand(shape, opts) end

--- Normal with mean and std, which are 0 and 1 unless told otherwise.
---@param shape moonlab.shape
---@param opts? moonlab.NormalOptions
---@return moonlab.Tensor
function ml.randn(shape, opts) end

--- Uniform in [low, high), of the shape of x; f32 when x holds integers.
---@param x     moonlab.Tensor
---@param opts? moonlab.UniformOptions
---@return moonlab.Tensor
function ml.rand_like(x, opts) end

--- Normal with mean and std, of the shape of x; f32 when x holds integers.
---@param x     moonlab.Tensor
---@param opts? moonlab.NormalOptions
---@return moonlab.Tensor
function ml.randn_like(x, opts) end

--- 1 with probability p, else 0: of a shape, ml.bernoulli(0.3, { 3, 4 }), or for each probability in a tensor. f32 unless told
--- otherwise, or the dtype of p.
---@param p      number|moonlab.Tensor
---@param shape? moonlab.shape|moonlab.RandomOptions  with a tensor: the options
---@param opts?  moonlab.RandomOptions
---@return moonlab.Tensor
function ml.bernoulli(p, shape, opts) end

--- Whole numbers low..high, both included, as i64.
---@param low integer
---@param high integer
---@param shape moonlab.shape
---@param opts? moonlab.RandomOptions
---@return moonlab.Tensor
function ml.randint(low, high, shape, opts) end

--- The numbers 1..n in random order, as i64.
---@param n integer
---@param opts? moonlab.RandomOptions
---@return moonlab.Tensor
function ml.randperm(n, opts) end

--- ml.arange(n): 1..n. ml.arange(start, stop, step): as `for i = start, stop, step`, both ends included.
--- i64 from whole numbers, else f32.
---@param start number
---@param stop? number|moonlab.MakingOptions
---@param step? number|moonlab.MakingOptions
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.arange(start, stop, step, opts) end

--- n numbers from start to stop, evenly apart, both included.
---@param start number
---@param stop number
---@param n integer
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.linspace(start, stop, n, opts) end

--- n numbers from base^start to base^stop, the exponents evenly apart.
---@param start number
---@param stop  number
---@param n     integer
---@param opts? moonlab.LogspaceOptions
---@return moonlab.Tensor
function ml.logspace(start, stop, n, opts) end

--- Ones on the diagonal, zeros elsewhere: the identity matrix, or rows x columns of it.
---@param rows     integer
---@param columns? integer|moonlab.MakingOptions  (default rows)
---@param opts?    moonlab.MakingOptions
---@return moonlab.Tensor
function ml.eye(rows, columns, opts) end

--- From a number, a boolean or nested lists of them; from a tensor, a copy. Whole numbers give i64, others f32.
---@param values number|boolean|table|moonlab.Tensor
---@param opts? moonlab.MakingOptions
---@return moonlab.Tensor
function ml.tensor(values, opts) end

---@param value any
---@return boolean
function ml.is_tensor(value) end

---@class moonlab.Largest
---@field bytes integer
---@field shape integer[]
---@field dtype moonlab.dtype
---@field site? string  "script.lua:12"

--- Seeds the random numbers that have no seed of their own. With a tensor that is one of a batch, each of it with its own.
---@param seed integer|moonlab.Tensor
function ml.seed(seed) end

--- The number of threads that kernels use; with n, sets it. Results do not depend on it.
---@param n? integer  1..256
---@return integer
function ml.threads(n) end

--- Seconds from some moment on; never goes back.
---@return number
function ml.clock() end

--- Bytes of tensors: in use, most so far, kept for reuse, allowed (0 = no limit; MOONLAB_MEMORY=64M sets one). And the
--- largest tensor in use with the script's line that made it, if there is one of a MiB or more.
---@return { live: integer, peak: integer, cached: integer, cap: integer, largest: moonlab.Largest? }
function ml.memory() end

--- The table of operations, as data.
---@return { name: string, doc: string, inputs: integer, options: { name: string, kind: string, default: any }[] }[]
function ml.ops() end

--- With it on, the first operation whose result or derivative has a NaN or an infinity is an error that names it and the
--- script's line. Returns what it was.
---@param on boolean
---@return boolean
function ml.detect_anomaly(on) end

--- A function that returns what fn returns, where chains of pointwise operations take one pass over memory. fn is called
--- every time, with tensors on which such operations wait until values are needed: by its end, by an operation of another
--- kind, by item() or print. So it may do what any function may. Faster for 10,000 elements and more; what is recorded for
--- a derivative, is inside vmap or has whole numbers is computed at once, as without fuse.
--- Assigning to elements of a tensor inside fn makes an earlier result that reads it, and still waits, an error.
---@generic F
---@param fn F
---@return F
function ml.fuse(fn) end

---@class moonlab.autograd
local autograd = {}

--- The derivative of y by x, as a result; x may be a list, then so is the result. Leaves' own gradients are left alone.
---@param y moonlab.Tensor
---@param x moonlab.Tensor|moonlab.Tensor[]
---@param opts? moonlab.BackwardOptions
---@return moonlab.Tensor|moonlab.Tensor[]
function autograd.grad(y, x, opts) end

--- Are operations recorded? With a value, sets it and returns what it was; ml.no_grad puts it back by itself.
---@param on? boolean
---@return boolean
function autograd.recording(on) end

--- layers ---------------------------------------------------------------------------------------------------------------

--- "zeros", "constant", "uniform", "normal"; by the fan: "fan_in_uniform" and "lecun_uniform", "lecun_normal" (LeCun et al. 1998),
--- "glorot_uniform", "glorot_normal" (Glorot & Bengio 2010), "he_uniform", "he_normal" (He et al. 2015); of matrices, a convolution's
--- weight being (outputs, all others): "orthogonal" (Saxe et al. 2013), "identity", "sparse" (Martens 2010). Or a table with more:
--- { name, scale = number, gain = "relu", fan = "in"|"out"|"mean", connections = integer of each row of sparse (15) }.
---@alias moonlab.initialiser string|table

---@class moonlab.LinearOptions
---@field bias?        boolean              (default true)
---@field weight_init? moonlab.initialiser  (default: uniform in +-1/sqrt(inputs), as PyTorch)
---@field bias_init?   moonlab.initialiser
---@field dtype?       moonlab.dtype

---@class moonlab.EmbeddingOptions
---@field init?  moonlab.initialiser  (default: standard normal)
---@field dtype? moonlab.dtype

---@class moonlab.ConvOptions
---@field stride?       integer|integer[]          one number, or two for rows and columns (default 1)
---@field padding?      integer|integer[]|"same"|"valid"  "same" keeps the size, "valid" is 0 (default 0)
---@field padding_mode? "zeros"|"reflect"|"replicate"|"circular"  what is there: as ml.pad (default "zeros")
---@field dilation?     integer|integer[]          (default 1)
---@field groups?       integer                    (default 1)
---@field bias?         boolean                    (default true)
---@field weight_init?  moonlab.initialiser        (default: fan_in_uniform)
---@field bias_init?    moonlab.initialiser        (default: fan_in_uniform, by the fan of the weight)
---@field dtype?        moonlab.dtype

---@class moonlab.ConvTransposeOptions
---@field stride?         integer|integer[]    (default 1)
---@field padding?        integer|integer[]    cut off at each end (default 0)
---@field output_padding? integer|integer[]    so much larger at the end (default 0)
---@field dilation?       integer|integer[]    (default 1)
---@field groups?         integer              (default 1)
---@field bias?           boolean              (default true)
---@field weight_init?    moonlab.initialiser
---@field bias_init?      moonlab.initialiser
---@field dtype?          moonlab.dtype

---@class moonlab.LocalOptions
---@field stride?       integer|integer[]          (default 1)
---@field padding?      integer|integer[]|"same"|"valid"  (default 0)
---@field padding_mode? "zeros"|"reflect"|"replicate"|"circular"  (default "zeros")
---@field bias?         boolean                    (default true)
---@field weight_init?  moonlab.initialiser        (default: fan_in_uniform)
---@field bias_init?    moonlab.initialiser
---@field dtype?        moonlab.dtype

---@class moonlab.GroupConvOptions
---@field group?        "p4"|"p4m"                 quarter turns; or these and the mirror (default "p4")
---@field stride?       integer                    (default 1)
---@field padding?      integer|"same"|"valid"     (default 0)
---@field padding_mode? "zeros"|"reflect"|"replicate"|"circular"  (default "zeros")
---@field dilation?     integer                    (default 1)
---@field bias?         boolean                    (default true)
---@field weight_init?  moonlab.initialiser        (default: fan_in_uniform)
---@field bias_init?    moonlab.initialiser
---@field dtype?        moonlab.dtype

---@class moonlab.PoolOptions
---@field stride?            integer|integer[]  (default: the kernel)
---@field padding?           integer|integer[]  at most half of the kernel (default 0)
---@field count_include_pad? boolean            means: padding counts as zeros (default true)

---@class moonlab.NormOptions
---@field eps?    number   (default 1e-5)
---@field affine? boolean  with weight, at first 1, and bias, at first 0 (default true)
---@field dtype?  moonlab.dtype

---@class moonlab.BatchNormOptions : moonlab.NormOptions
---@field momentum? number   running = (1 - momentum) running + momentum batch (default 0.1)
---@field tracking? boolean  keeps running statistics, and uses them in evaluation (default true)

---@class moonlab.RecurrentOptions
---@field layers?        integer  each reads what the one before it gives (default 1)
---@field bidirectional? boolean  each layer also from the end; its outputs stand behind the others' (default false)
---@field bias?          boolean  (default true)
---@field dropout?       number   in training, between layers (default 0)
---@field output?        "all"|"last"  every output (n, t, ...), or the last one of each direction (n, ...) (default "all")
---@field dtype?         moonlab.dtype

---@class moonlab.RNNOptions : moonlab.RecurrentOptions
---@field nonlinearity? "tanh"|"relu"  (default "tanh")

---@class moonlab.AttentionOptions
---@field causal?  boolean  (default false)
---@field dropout? number   in training, of the weights (default 0)
---@field bias?    boolean  (default true)
---@field rotary?  boolean  queries and keys turned by their positions, Su et al. 2021 (default false)
---@field dtype?   moonlab.dtype

---@class moonlab.TransformerOptions : moonlab.AttentionOptions
---@field mlp?        integer  width of its hidden layer; 0: attention alone (default 4 dim)
---@field activation? "relu"|"gelu"  of the mlp (default "relu")
---@field norm?       "layer"|"rms"|"none"  (default "layer")
---@field norm_first? boolean  before attention and mlp; false: behind each sum, as in 2017 (default true)
---@field output?     "all"|"last"  every position, or the last one alone (n, dim), for which the others' queries and mlp are not computed (default "all")

---@class moonlab.PositionalOptions
---@field init?  moonlab.initialiser  (default: normal with scale 0.02)
---@field dtype? moonlab.dtype

--- A layer or a chain of them: `model(x)`, `model[1]`, `#model`, `tostring(model)`.
---@class moonlab.Module
---@field weight moonlab.Tensor
---@field bias   moonlab.Tensor
---@field [integer] moonlab.Module
---@overload fun(x: moonlab.Tensor): moonlab.Tensor
---@operator len: integer
local Module = {}

--- The parameters, in the order of the layers.
---@return moonlab.Tensor[]
function Module:parameters() end

--- for name, p in model:named_parameters() do: "1.weight", ...
---@return fun(): string?, moonlab.Tensor?
function Module:named_parameters() end

--- What the layers keep beside their parameters, the running statistics of BatchNorm, in the order of the layers.
---@return moonlab.Tensor[]
function Module:buffers() end

--- for name, b in model:named_buffers() do: "2.running_mean", ...
---@return fun(): string?, moonlab.Tensor?
function Module:named_buffers() end

--- The model as a pure function: with these parameters in place of its own, and these buffers, which it gives back as they become.
--- Nothing in the model changes, so every transform may go through it. Without buffers the model's own are read.
---@param params moonlab.Tensor[]  as model:parameters() lists them
---@param buffers moonlab.Tensor[]  as model:buffers() lists them; may be left out
---@param x moonlab.Tensor
---@param opts? { train?: boolean, seed?: integer }  train: else as the model is; seed: what dropout draws, else the default stream
---@return moonlab.Tensor y
---@return moonlab.Tensor[] new_buffers  when buffers were given
---@overload fun(self: moonlab.Module, params: moonlab.Tensor[], x: moonlab.Tensor, opts?: { train?: boolean, seed?: integer }): moonlab.Tensor
function Module:apply(params, buffers, x, opts) end

--- Runs a recurrent layer with a state given and handed back, so that a sequence may be read in pieces. The state is (modules, n,
--- hidden), where the modules are the layers, in each its directions; of LSTM (2, modules, n, hidden): h, then c. Nothing in the
--- layer changes: with params it is a pure function, as apply.
---@param x moonlab.Tensor        (n, t, inputs)
---@param state? moonlab.Tensor   (default 0)
---@param opts? { params?: moonlab.Tensor[], train?: boolean, seed?: integer }
---@return moonlab.Tensor outputs
---@return moonlab.Tensor state   after the last step
function Module:scan(x, state, opts) end

--- Where MultiHeadAttention looks: (n, heads, t, t), from each position (row) at each (column); rows sum to 1.
---@param x moonlab.Tensor  (n, t, dim)
---@param opts? { params?: moonlab.Tensor[] }
---@return moonlab.Tensor
function Module:pattern(x, opts) end

--- Training, as a new model is: BatchNorm by the statistics of the batch, dropout drops. Of the model and all its layers.
---@param on? boolean  (default true)
---@return moonlab.Module
function Module:train(on) end

--- Evaluation: BatchNorm by its running statistics, no dropout. The same as model:train(false).
---@return moonlab.Module
function Module:eval() end

--- Is the model in training?
---@return boolean
function Module:training() end

--- A model like it, with the same values in parameters and buffers of its own; layers that stand twice do so in the copy too.
---@return moonlab.Module
function Module:clone() end

--- for name, layer in model:named_children() do: "1", "2", ...; "inner", "shortcut"; the names of a module of your own.
---@return fun(): string?, moonlab.Module?
function Module:named_children() end

--- "Linear", "Sequential", "ReLU", ...
---@return string
function Module:kind() end

--- A line about the layer itself: "Linear(256 -> 97)".
---@return string
function Module:describe() end

---@class moonlab.nn
---@field init moonlab.nn.init
local nn = {}

--- Initialisers by their names, each init.he_normal(w, { scale =, gain =, seed =, ... }): fills w, a leaf, and returns it. A seed settles
--- the values; else they come from the default stream. fan, connections and groups as in moonlab.initialiser.
---@class moonlab.nn.init
---@field [string] fun(w: moonlab.Tensor, opts?: { scale?: number, gain?: string, fan?: string, connections?: integer, groups?: integer, seed?: integer }): moonlab.Tensor
local init = {}

--- The scale that keeps the variance through an activation, behind an initialiser of variance 1 / fan: 1 for "linear", "sigmoid" and
--- "sin", 5/3 for "tanh", sqrt(2) for "relu", sqrt(2 / (1 + slope^2)) for "leaky_relu" (He et al. 2015), 3/4 for "selu".
---@param activation string
---@param slope? number  of leaky_relu (default 0.01)
---@return number
function init.gain(activation, slope) end

--- x (..., inputs) -> x weight^T + bias (..., outputs).
---@param inputs integer
---@param outputs integer
---@param opts? moonlab.LinearOptions
---@return moonlab.Module
function nn.Linear(inputs, outputs, opts) end

--- x (..., in1 + in2), two vectors a and b side by side -> (..., outputs): a^T W b + bias for each output. weight (outputs, in1, in2).
---@param in1 integer
---@param in2 integer
---@param outputs integer
---@param opts? moonlab.LinearOptions
---@return moonlab.Module
function nn.Bilinear(in1, in2, outputs, opts) end

--- ids (...), counted from 1 -> rows of the weight (..., dim).
---@param rows integer
---@param dim integer
---@param opts? moonlab.EmbeddingOptions
---@return moonlab.Module
function nn.Embedding(rows, dim, opts) end

--- x (n, inputs, length) -> (n, outputs, length'). weight (outputs, inputs/groups, kernel). With one input its dimension may be missing:
--- (n, length).
---@param inputs integer
---@param outputs integer
---@param kernel integer
---@param opts? moonlab.ConvOptions
---@return moonlab.Module
function nn.Conv1d(inputs, outputs, kernel, opts) end

--- x (n, inputs, height, width) -> (n, outputs, height', width'). weight (outputs, inputs/groups, rows, columns). With one input its
--- dimension may be missing: (n, height, width).
---@param inputs integer
---@param outputs integer
---@param kernel integer|integer[]
---@param opts? moonlab.ConvOptions
---@return moonlab.Module
function nn.Conv2d(inputs, outputs, kernel, opts) end

--- A convolution with other weights at each place: of images of that size alone. weight (places, outputs, inputs, rows, columns), bias
--- (outputs, height', width').
---@param inputs integer
---@param outputs integer
---@param kernel integer|integer[]
---@param size integer|integer[]  of its images
---@param opts? moonlab.LocalOptions
---@return moonlab.Module
function nn.LocallyConnected2d(inputs, outputs, kernel, size, opts) end

--- The same of one dimension: weight (places, outputs, inputs, kernel), bias (outputs, length').
---@param inputs integer
---@param outputs integer
---@param kernel integer
---@param size integer  the length of its input
---@param opts? moonlab.LocalOptions
---@return moonlab.Module
function nn.LocallyConnected1d(inputs, outputs, kernel, size, opts) end

--- A convolution that sees the image in each symmetry of a group: (n, inputs, height, width) -> (n, outputs, 4 or 8, height', width').
--- When the image turns, the result turns and its symmetries change places. Symmetry 4 m + t + 1 mirrors columns (m = 1), then makes t
--- quarter turns against the clock. The kernel is square; weight (outputs, inputs, kernel, kernel). Cohen & Welling 2016.
---@param inputs integer
---@param outputs integer
---@param kernel integer
---@param opts? moonlab.GroupConvOptions
---@return moonlab.Module
function nn.LiftConv2d(inputs, outputs, kernel, opts) end

--- A convolution over places and symmetries, behind LiftConv2d: (n, inputs, 4 or 8, height, width) -> (n, outputs, 4 or 8, height',
--- width'). weight (outputs, inputs, 4 or 8, kernel, kernel). Activations, BatchNorm2d and pools of places keep the equivariance.
---@param inputs integer
---@param outputs integer
---@param kernel integer
---@param opts? moonlab.GroupConvOptions
---@return moonlab.Module
function nn.GroupConv2d(inputs, outputs, kernel, opts) end

--- The largest value of all symmetries, or their mean: (n, channels, 4 or 8, height, width) -> (n, channels, height, width).
---@param kind? "max"|"mean"  (default "max")
---@return moonlab.Module
function nn.GroupPool(kind) end

--- The adjoint of a convolution as a layer: a stride makes its result larger. weight (inputs, outputs/groups, rows, columns).
---@param inputs integer
---@param outputs integer
---@param kernel integer|integer[]
---@param opts? moonlab.ConvTransposeOptions
---@return moonlab.Module
function nn.ConvTranspose2d(inputs, outputs, kernel, opts) end

--- The same of one dimension: weight (inputs, outputs/groups, kernel).
---@param inputs integer
---@param outputs integer
---@param kernel integer
---@param opts? moonlab.ConvTransposeOptions
---@return moonlab.Module
function nn.ConvTranspose1d(inputs, outputs, kernel, opts) end

--- The largest value of each window: (..., height, width).
---@param kernel integer|integer[]
---@param opts? moonlab.PoolOptions
---@return moonlab.Module
function nn.MaxPool2d(kernel, opts) end

--- The largest value of each window: (..., channels, length).
---@param kernel integer
---@param opts? moonlab.PoolOptions
---@return moonlab.Module
function nn.MaxPool1d(kernel, opts) end

--- The mean of each window: (..., height, width).
---@param kernel integer|integer[]
---@param opts? moonlab.PoolOptions
---@return moonlab.Module
function nn.AvgPool2d(kernel, opts) end

--- The mean of each window: (..., channels, length).
---@param kernel integer
---@param opts? moonlab.PoolOptions
---@return moonlab.Module
function nn.AvgPool1d(kernel, opts) end

--- Means of so many equal parts, whatever the size of the image: (..., height, width) -> (..., size).
---@param size integer|integer[]
---@return moonlab.Module
function nn.AdaptiveAvgPool2d(size) end

--- The same of one dimension: (..., channels, length) -> (..., channels, size).
---@param size integer
---@return moonlab.Module
function nn.AdaptiveAvgPool1d(size) end

--- The largest value of each of so many equal parts: (..., height, width) -> (..., size).
---@param size integer|integer[]
---@return moonlab.Module
function nn.AdaptiveMaxPool2d(size) end

--- The same of one dimension: (..., channels, length) -> (..., channels, size).
---@param size integer
---@return moonlab.Module
function nn.AdaptiveMaxPool1d(size) end

--- The mean of each channel: (n, channels, ...) -> (n, channels).
---@return moonlab.Module
function nn.GlobalAvgPool() end

--- The largest value of each channel: (n, channels, ...) -> (n, channels).
---@return moonlab.Module
function nn.GlobalMaxPool() end

--- Batch normalisation of (n, channels) or (n, channels, length). Ioffe & Szegedy 2015.
---@param channels integer
---@param opts? moonlab.BatchNormOptions
---@return moonlab.Module
function nn.BatchNorm1d(channels, opts) end

--- Batch normalisation of (n, channels, height, width), or (n, channels, symmetries, height, width).
---@param channels integer
---@param opts? moonlab.BatchNormOptions
---@return moonlab.Module
function nn.BatchNorm2d(channels, opts) end

--- Mean 0 and variance 1 over the last dimensions, of these sizes, of each sample. Ba, Kiros & Hinton 2016.
---@param sizes integer|integer[]
---@param opts? moonlab.NormOptions
---@return moonlab.Module
function nn.LayerNorm(sizes, opts) end

--- Mean square 1 over the last dimensions, of these sizes, of each sample. Zhang & Sennrich 2019.
---@param sizes integer|integer[]
---@param opts? moonlab.NormOptions
---@return moonlab.Module
function nn.RMSNorm(sizes, opts) end

--- Mean 0 and variance 1 over each group of channels of a sample: (n, channels, ...). Wu & He 2018.
---@param groups integer
---@param channels integer
---@param opts? moonlab.NormOptions
---@return moonlab.Module
function nn.GroupNorm(groups, channels, opts) end

--- In training each value is 0 with probability p, the others are 1 / (1 - p) times as large. Srivastava et al. 2014.
---@param p? number  (default 0.5)
---@return moonlab.Module
function nn.Dropout(p) end

--- x (n, t, inputs), samples first, then steps -> every state h (n, t, hidden): h = tanh(W_ih x + b_ih + W_hh h + b_hh). Elman 1990.
---@param inputs integer
---@param hidden integer
---@param opts? moonlab.RNNOptions
---@return moonlab.Module
function nn.RNN(inputs, hidden, opts) end

--- x (n, t, inputs), samples first, then steps -> every state h (n, t, hidden). Cho et al. 2014, by PyTorch's formulas:
--- r = sigmoid(W_ir x + b_ir + W_hr h + b_hr), z likewise, m = tanh(W_im x + b_im + r (W_hm h + b_hm)), h = (1 - z) m + z h.
--- weight_ih (3 hidden, inputs), weight_hh (3 hidden, hidden), bias_ih, bias_hh; their rows are those of r, z, m.
---@param inputs integer
---@param hidden integer
---@param opts? moonlab.RecurrentOptions
---@return moonlab.Module
function nn.GRU(inputs, hidden, opts) end

--- x (n, t, inputs), samples first, then steps -> every state h (n, t, hidden). Hochreiter & Schmidhuber 1997, with a forget gate:
--- c = sigmoid(f) c + sigmoid(i) tanh(g), h = sigmoid(o) tanh(c); the rows of weights and biases are those of i, f, g, o, as PyTorch's.
---@param inputs integer
---@param hidden integer
---@param opts? moonlab.RecurrentOptions
---@return moonlab.Module
function nn.LSTM(inputs, hidden, opts) end

--- x (n, t, dim), samples first, then positions -> the same shape. Each head looks from every position at all of them, causal: at
--- itself and those before it. in_proj_weight (3 dim, dim): queries, keys, values. Vaswani et al. 2017.
---@param dim integer
---@param heads integer
---@param opts? moonlab.AttentionOptions
---@return moonlab.Module
function nn.MultiHeadAttention(dim, heads, opts) end

--- x + attention(norm(x)), then x + mlp(norm(x)): (n, t, dim) -> the same shape. Its layers are the norm, the attention, the norm and
--- the two Linear of the mlp, those of them that it has.
---@param dim integer
---@param heads integer
---@param opts? moonlab.TransformerOptions
---@return moonlab.Module
function nn.TransformerBlock(dim, heads, opts) end

--- x (..., t, dim) + the first t rows of the weight (positions, dim), which is learned.
---@param positions integer  the most that there may be
---@param dim integer
---@param opts? moonlab.PositionalOptions
---@return moonlab.Module
function nn.PositionalEmbedding(positions, dim, opts) end

--- x (..., t, dim) + sin and cos, side by side, of position times 10000^(-2i/dim), positions from 0. Vaswani et al. 2017.
---@param dim integer  even
---@return moonlab.Module
function nn.SinusoidalEmbedding(dim) end

--- (n, ...) -> (n, product).
---@return moonlab.Module
function nn.Flatten() end

--- Layers one after the other.
---@param layers moonlab.Module[]
---@return moonlab.Module
function nn.Sequential(layers) end

--- x + scale inner(x), or shortcut(x) + scale inner(x) where the inner layers change the shape; `model.inner`, `model.shortcut`.
--- He et al. 2016.
---@param inner moonlab.Module
---@param opts? { shortcut?: moonlab.Module, scale?: number }  scale: default 1
---@return moonlab.Module
function nn.Residual(inner, opts) end

--- Branches on one input, put together: along a dimension (by default 2, the channels), as a sum, or along a new dimension.
---@param branches moonlab.Module[]
---@param opts? { merge?: "concat"|"sum"|"stack", dim?: integer }  (default "concat", 2)
---@return moonlab.Module
function nn.Parallel(branches, opts) end

---@return moonlab.Module
function nn.ReLU() end
---@return moonlab.Module
function nn.Tanh() end
---@return moonlab.Module
function nn.Sigmoid() end
---@return moonlab.Module
function nn.Softplus() end
---@return moonlab.Module
function nn.Sin() end
---@return moonlab.Module
function nn.Cos() end
---@return moonlab.Module
function nn.Erf() end
---@return moonlab.Module
function nn.Exp() end
---@return moonlab.Module
function nn.Abs() end
---@return moonlab.Module
function nn.Square() end
--- x for x > 0, else slope x.
---@param slope? number|{ slope?: number }  (default 0.01)
---@return moonlab.Module
function nn.LeakyReLU(slope) end
--- x for x > 0, else alpha (e^x - 1). Clevert et al. 2015.
---@param alpha? number|{ alpha?: number }  (default 1)
---@return moonlab.Module
function nn.ELU(alpha) end
--- 1.0507 ELU(x) with alpha 1.6733, which keeps mean 0 and variance 1. Klambauer et al. 2017.
---@return moonlab.Module
function nn.SELU() end
--- x times the normal distribution function at x; tanh: its approximation. Hendrycks & Gimpel 2016.
---@param tanh? boolean|{ tanh?: boolean }  (default false)
---@return moonlab.Module
function nn.GELU(tanh) end
--- x sigmoid(x).
---@return moonlab.Module
function nn.SiLU() end
--- x tanh(softplus(x)).
---@return moonlab.Module
function nn.Mish() end
--- x / (1 + |x|).
---@return moonlab.Module
function nn.Softsign() end
--- log sigmoid(x).
---@return moonlab.Module
function nn.LogSigmoid() end
--- e^x / sum e^x along dim.
---@param dim? integer|{ dim?: integer }  (default -1)
---@return moonlab.Module
function nn.Softmax(dim) end
--- log of Softmax.
---@param dim? integer|{ dim?: integer }  (default -1)
---@return moonlab.Module
function nn.LogSoftmax(dim) end
--- x, but at least min and at most max.
---@param min? number|{ min?: number, max?: number }
---@param max? number
---@return moonlab.Module
function nn.Clamp(min, max) end
--- sin(w0 x): what SIREN is made of, Sitzmann et al. 2020. Its weights start as { "he_uniform", scale = 1 / w0 }; those of the first
--- layer as { "uniform", scale = 1 / inputs }.
---@param w0? number  (default 30)
---@return moonlab.Module
function nn.Sine(w0) end
--- The largest of each `pieces` neighbours along dim: (..., pieces k) -> (..., k). Behind a Linear, or along 2 behind a convolution, the
--- activation of Goodfellow et al. 2013.
---@param pieces integer
---@param opts? { dim?: integer }  (default -1)
---@return moonlab.Module
function nn.Maxout(pieces, opts) end

---@alias moonlab.Reduction "mean"|"sum"|"none"

---@class moonlab.CrossEntropyOptions
---@field weight?          moonlab.Tensor  (classes) of each class; the mean is weighted too
---@field label_smoothing? number   share of the label that goes to all classes alike (default 0)
---@field reduction?       moonlab.Reduction  (default "mean")
---@field ignore?          integer  rows with this label do not count, whether it is a class or not (default -100)

--- Mean over rows of -log softmax(x)[label].
---@param x moonlab.Tensor       (n, classes)
---@param labels moonlab.Tensor  (n), counted from 1
---@param opts? moonlab.CrossEntropyOptions
---@return moonlab.Tensor
function nn.cross_entropy(x, labels, opts) end

--- Mean of (x - y)^2.
---@param x moonlab.Tensor
---@param y moonlab.Tensor  of the same shape
---@param opts? { reduction?: moonlab.Reduction }
---@return moonlab.Tensor
function nn.mse(x, y, opts) end

--- Binary cross entropy of sigmoid(x) and y in 0..1: -(pos_weight y log s + (1 - y) log(1 - s)), without overflow.
---@param x moonlab.Tensor  logits
---@param y moonlab.Tensor  of their shape
---@param opts? { pos_weight?: number|moonlab.Tensor, reduction?: moonlab.Reduction }  a tensor: one for each, by broadcasting
---@return moonlab.Tensor
function nn.bce_with_logits(x, y, opts) end

--- max(0, margin - x y), y is -1 or 1.
---@param x moonlab.Tensor
---@param y moonlab.Tensor
---@param opts? { margin?: number, reduction?: moonlab.Reduction }  margin 1
---@return moonlab.Tensor
function nn.hinge(x, y, opts) end

--- log(1 + e^(-x y)), y is -1 or 1.
---@param x moonlab.Tensor
---@param y moonlab.Tensor
---@param opts? { reduction?: moonlab.Reduction }
---@return moonlab.Tensor
function nn.logistic_loss(x, y, opts) end

--- e^(-x y), y is -1 or 1.
---@param x moonlab.Tensor
---@param y moonlab.Tensor
---@param opts? { reduction?: moonlab.Reduction }
---@return moonlab.Tensor
function nn.exponential_loss(x, y, opts) end

--- (x - y)^2 / 2 up to a distance of delta, delta (|x - y| - delta / 2) beyond (Huber 1964).
---@param x moonlab.Tensor
---@param y moonlab.Tensor
---@param opts? { delta?: number, reduction?: moonlab.Reduction }  delta 1
---@return moonlab.Tensor
function nn.huber(x, y, opts) end

--- nn.huber with delta = beta, over beta: far away |x - y| - beta / 2.
---@param x moonlab.Tensor
---@param y moonlab.Tensor
---@param opts? { beta?: number, reduction?: moonlab.Reduction }  beta 1; 0: |x - y|
---@return moonlab.Tensor
function nn.smooth_l1(x, y, opts) end

--- Divergence of q from p, both given by their logarithms along the last dimension: sum of p (log p - log q) for each row, and the
--- mean over rows. PyTorch's "mean" divides by all elements; this is its "batchmean".
---@param log_q moonlab.Tensor  (..., classes), of the model: nn.cross_entropy with p instead of a label, but for p's own entropy
---@param log_p moonlab.Tensor  of the same shape; -inf is a p of 0
---@param opts? { reduction?: moonlab.Reduction }
---@return moonlab.Tensor
function nn.kl_div(log_q, log_p, opts) end

--- Hinge of many classes: sum over the others of max(0, margin - x[label] + x[other])^p, over the number of classes.
---@param x moonlab.Tensor       (n, classes)
---@param labels moonlab.Tensor  (n), counted from 1
---@param opts? { margin?: number, p?: integer, reduction?: moonlab.Reduction }  margin 1, p 1 or 2 (default 1)
---@return moonlab.Tensor
function nn.multi_margin(x, labels, opts) end

--- How far the label's score lies above the largest other one, for each row; negative: the row is misclassified.
---@param x moonlab.Tensor       (n, classes)
---@param labels moonlab.Tensor  (n), counted from 1
---@return moonlab.Tensor        (n)
function nn.margin(x, labels) end

--- optimizers -------------------------------------------------------------------------------------------------------------

---@class moonlab.SGDOptions
---@field lr?           number|moonlab.Tensor   inside replicas it may be one for each (default 1e-2)
---@field momentum?     number   (default 0)
---@field nesterov?     boolean  (default false)
---@field weight_decay? number|moonlab.Tensor   L2: g += weight_decay w (default 0)
---@field decoupled?    boolean  the weights shrink by lr weight_decay themselves instead (default false)

---@class moonlab.AdamOptions
---@field lr?           number|moonlab.Tensor    inside replicas it may be one for each (default 1e-3)
---@field betas?        number[]  (default { 0.9, 0.999 })
---@field eps?          number    (default 1e-8)
---@field weight_decay? number|moonlab.Tensor    Adam: L2, default 0. AdamW: decoupled, default 1e-2

---@class moonlab.RMSpropOptions
---@field lr?           number|moonlab.Tensor    (default 1e-2)
---@field alpha?        number    of the running mean square (default 0.99)
---@field eps?          number    (default 1e-8)
---@field momentum?     number    (default 0)
---@field centered?     boolean   over the standard deviation (default false)
---@field weight_decay? number|moonlab.Tensor    L2 (default 0)
---@field decoupled?    boolean   as in SGD (default false)

---@class moonlab.AdagradOptions
---@field lr?           number|moonlab.Tensor    (default 1e-2)
---@field lr_decay?     number    lr / (1 + lr_decay (step - 1)) (default 0)
---@field initial_sum?  number    of squares, before the first step (default 0)
---@field eps?          number    (default 1e-10)
---@field weight_decay? number|moonlab.Tensor    L2 (default 0)
---@field decoupled?    boolean   as in SGD (default false)

---@class moonlab.LionOptions
---@field lr?           number|moonlab.Tensor    (default 1e-4)
---@field betas?        number[]  (default { 0.9, 0.99 })
---@field weight_decay? number|moonlab.Tensor    decoupled (default 0)

---@class moonlab.MuonOptions
---@field lr?           number|moonlab.Tensor    (default 0.02)
---@field momentum?     number    (default 0.95)
---@field nesterov?     boolean   (default true)
---@field weight_decay? number|moonlab.Tensor    decoupled (default 0)
---@field ns_steps?     integer   Newton-Schulz steps (default 5)
---@field adam_lr?      number    of what is no matrix; follows lr in proportion (default 3e-4)
---@field adam_betas?   number[]  (default { 0.9, 0.95 })
---@field adam_eps?     number    (default 1e-10)
---@field adam_weight_decay? number  (default 0)

--- Options that every optimizer has.
---@class moonlab.OptimizerOptions
---@field clip_norm?  number   longest that all gradients together may be
---@field clip_value? number   largest that an element of one may be
---@field schedule?   fun(step: integer): number  see opt:set_schedule

---@class moonlab.LBFGSOptions
---@field lr?               number   first step tried on a line (default 1)
---@field max_iter?         integer  lines a call (default 20)
---@field max_evals?        integer  losses a call (default 5/4 of max_iter)
---@field history?          integer  steps remembered (default 10)
---@field tolerance_grad?   number   done when no element of the gradient is larger (default 1e-7)
---@field tolerance_change? number   or when the loss, or parameters, change less (default 1e-9)
---@field line_search?      boolean  strong Wolfe conditions; false: steps of lr (default true)

---@class moonlab.GradientFlowOptions
---@field span?      number   time that a call goes on by; 0: one step (default 0)
---@field rtol?      number   error of a step, relative to each weight (default 1e-5)
---@field atol?      number   and absolute (default 1e-8)
---@field max_evals? integer  losses a call (default 100000)

--- Parameters with options of their own: those that are not given are the optimizer's. Another rule may step them,
--- optimizer = "SGD", with that one's options.
---@class moonlab.ParameterGroup: moonlab.SGDOptions, moonlab.AdamOptions, moonlab.RMSpropOptions, moonlab.AdagradOptions, moonlab.LionOptions, moonlab.MuonOptions
---@field params     moonlab.Tensor[]
---@field lr_scale?  number   its lr counts so often (default 1)
---@field optimizer? string   (default: that of the whole)

---@class moonlab.OptimizerGroup
---@field kind         string
---@field lr           number|moonlab.Tensor   may be set
---@field weight_decay number|moonlab.Tensor   may be set

---@class moonlab.Optimizer
---@field lr           number|moonlab.Tensor   may be set: the rates of groups change in proportion
---@field lr_now       number|moonlab.Tensor   of the next step: lr as the schedule has it
---@field weight_decay number|moonlab.Tensor   may be set: that of a group which had another stays
---@field groups       moonlab.OptimizerGroup[]  opt.groups[2].lr = 1e-4
---@field clip_norm    number   longest that all gradients together may be: longer ones are made so long; may be set, math.huge: any
---@field clip_value   number   the same for each element
---@field steps        integer  made so far
---@field time         number   that GradientFlow has reached
---@field kind         string   "SGD", "AdamW", ...
local Optimizer = {}

--- zero_grad, backward, step. With a function instead of a loss it is called for the loss, where the parameters are then: LBFGS,
--- GradientFlow and SAM need that, as they look at several places.
---@param loss moonlab.Tensor|fun(): moonlab.Tensor
---@return moonlab.Optimizer self
---@return number? first  of a function: the loss before the step; NaN inside replicas
function Optimizer:minimize(loss) end

--- A step from the gradients that the parameters hold.
---@return moonlab.Optimizer self
function Optimizer:step() end

---@return moonlab.Optimizer self
function Optimizer:zero_grad() end

--- From now on all rates of learning count what the function gives of the steps made since, 0 at first: one of ml.optim.schedule, or
--- any other. The state keeps where it began; the function itself is the script's. It is an option of every optimizer too.
---@param schedule (fun(step: integer): number)?  nil: none
---@return moonlab.Optimizer self
function Optimizer:set_schedule(schedule) end

--- What the next steps depend on besides the parameters and the options: kind, steps, lr, weight_decay, those of groups, and for each
--- parameter its steps and tensors (copies). For ml.save_checkpoint, and to try something and go back.
---@return { kind: string, steps: integer, lr: number, weight_decay: number, groups: table[], parameters: table[] }
function Optimizer:state() end

--- Goes on from such a state, to the bit, lr and weight_decay included. Of another kind or other parameters: an error, and
--- nothing has changed.
---@param state table  as opt:state() gives it
---@return moonlab.Optimizer self
function Optimizer:load_state(state) end

---@class moonlab.optim
local optim = {}

---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.SGDOptions
---@return moonlab.Optimizer
function optim.SGD(params, opts) end

---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.AdamOptions
---@return moonlab.Optimizer
function optim.Adam(params, opts) end

---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.AdamOptions
---@return moonlab.Optimizer
function optim.AdamW(params, opts) end

--- The gradient over the root of its running mean square (Tieleman & Hinton 2012).
---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.RMSpropOptions
---@return moonlab.Optimizer
function optim.RMSprop(params, opts) end

--- The gradient over the root of the sum of its squares so far (Duchi et al. 2011).
---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.AdagradOptions
---@return moonlab.Optimizer
function optim.Adagrad(params, opts) end

--- The sign of a running mean: every element moves by lr (Chen et al. 2023).
---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.LionOptions
---@return moonlab.Optimizer
function optim.Lion(params, opts) end

--- Momentum made nearly orthogonal, for matrices and kernels (Jordan 2024). Parameters of one dimension are stepped by AdamW, in
--- a group of their own; embeddings and the last layer may be put there too: { params = {...}, optimizer = "AdamW" }.
---@param params moonlab.Tensor[]|moonlab.ParameterGroup[]
---@param opts? moonlab.MuonOptions
---@return moonlab.Optimizer
function optim.Muon(params, opts) end

--- L-BFGS with a line search (Liu & Nocedal 1989), for losses without chance in them: opt:minimize(function() return loss end). In f64.
---@param params moonlab.Tensor[]
---@param opts? moonlab.LBFGSOptions
---@return moonlab.Optimizer
function optim.LBFGS(params, opts) end

--- dw/dt = -dL/dw, by Runge-Kutta steps as long as the error allows (Dormand & Prince 1980): what gradient descent becomes when lr
--- goes to 0. opt.time tells how far it has come; opt:minimize(function() return loss end).
---@param params moonlab.Tensor[]
---@param opts? moonlab.GradientFlowOptions
---@return moonlab.Optimizer
function optim.GradientFlow(params, opts) end

--- Makes an optimizer sharpness-aware (Foret et al. 2021): its steps follow the gradient where the loss is worst within a radius, two
--- losses a step: opt:minimize(function() return loss end).
---@param opt moonlab.Optimizer
---@param opts? { rho?: number, adaptive?: boolean }  rho 0.05, 0: no more; adaptive: in units of each weight (Kwon et al. 2021)
---@return moonlab.Optimizer opt
function optim.SAM(opt, opts) end

--- Makes the gradients that parameters hold shorter, so that all together are no longer than `most`.
---@param params moonlab.Tensor[]
---@param most number  math.huge only measures
---@return moonlab.Tensor norm  before: of shape (), f64
function optim.clip_grad_norm(params, most) end

--- Makes each element of the gradients that parameters hold no larger than `most`.
---@param params moonlab.Tensor[]
---@param most number
function optim.clip_grad_value(params, most) end

--- data ---------------------------------------------------------------------------------------------------------------------

---@class moonlab.ModularOptions
---@field p?              integer            modulus, 2..4096 (default 97)
---@field op?             "+"|"-"|"*"|"/"    (default "+")
---@field train_fraction? number             in (0, 1) (default 0.5)
---@field seed?           integer            of the split (default 1)

---@class moonlab.data
local data = {}

--- All pairs (a, b) and a op b modulo p, split at random; ids and labels count from 1.
---@param opts? moonlab.ModularOptions
---@return { train: moonlab.Dataset, test: moonlab.Dataset }
function data.modular(opts) end

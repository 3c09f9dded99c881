-- Functions of functions, against closed forms, loops and each other.
local ml           = require "moonlab"
local support      = dofile(os.getenv "MOONLAB_SOURCE" .. "/tests/lua/support.lua")
local holds, fails = support.holds, support.fails
local nn           = ml.nn

local function f64(values) return ml.tensor(values, { dtype = "f64" }) end
local function randn(shape, seed) return ml.randn(shape, { dtype = "f64", seed = seed }) end

local function same(expected, got, tolerance)
  holds(expected:tolist(), got, tolerance or 1e-10)
  assert.same(expected.shape, got.shape)
end

local function stacked(list) -- of tensors of one shape
  local rows = {}
  for i, t in ipairs(list) do rows[i] = t:reshape { 1, table.unpack(t.shape) } end
  return ml.cat(rows, 1)
end

local function outer(a) return a:reshape(-1, 1):matmul(a:reshape(1, -1)) end

-- A network of two layers with control flow in Lua: how many times the middle is applied depends on an argument.
local params = { w = { randn({ 3, 4 }, 1), randn({ 4, 4 }, 2) }, b = randn({ 4 }, 3), scale = 0.5 }
local function network(p, x, times)
  local h = x:matmul(p.w[1]) + p.b
  for _ = 1, times or 2 do h = (h:matmul(p.w[2]) * p.scale):tanh() end
  return h
end
local function loss(p, x) return network(p, x):square():sum() end

describe("grad", function()
  it("of nested tables gives such tables, with what is no tensor carried along", function()
    local g = ml.grad(loss)(params, randn({ 3 }, 4))
    assert.same({ 3, 4 }, g.w[1].shape)
    assert.same({ 4 }, g.b.shape)
    assert.equal(0.5, g.scale)
    assert.is_false(g.b.requires_grad)
    assert.is_false(params.b.requires_grad)
  end)

  it("equals the tape's", function()
    local x, leaf = randn({ 3 }, 4), randn({ 4 }, 3):requires_grad_()
    local y = loss({ w = params.w, b = leaf, scale = 0.5 }, x)
    same(ml.autograd.grad(y, leaf), ml.grad(loss)(params, x).b)
  end)

  it("takes positions, and gives the value and more along", function()
    local function f(a, b, name) return (a * b ^ 2):sum(), { name = name, twice = a * 2 } end
    local a, b = f64 { 1, 2 }, f64 { 3, 4 }
    local gb, aux = ml.grad(f, 2, { has_aux = true })(a, b, "here")
    holds({ 6, 16 }, gb)
    assert.equal("here", aux.name)
    holds({ 2, 4 }, aux.twice)
    assert.is_false(aux.twice.requires_grad)
    local value, both, more = ml.value_and_grad(f, { 2, 1 }, { has_aux = true })(a, b)
    holds(41, value)
    assert.is_false(value.requires_grad)
    holds({ 6, 16 }, both[1])
    holds({ 9, 16 }, both[2])
    holds({ 2, 4 }, more.twice)
    holds({ 9, 16 }, (ml.grad(f, { has_aux = true })(a, b)))
  end)

  it("nests: derivatives of a polynomial", function()
    local function f(x) return x ^ 4 end
    local x, d = f64(2), f
    for _, expected in ipairs { 32, 48, 48, 24, 0 } do
      d = ml.grad(d)
      holds(expected, d(x))
    end
  end)

  it("sees through closures: inner and outer derivatives are not confused", function()
    -- d/dx (x * d/dy (x + y)) = 1, where a careless system gives 2
    local function f(x) return x * ml.grad(function(y) return x + y end)(f64(1)) end
    holds(1, ml.grad(f)(f64(1)))
    -- d/dx (x * d/dy (x y^2)) = d/dx (2 x^2 y) = 4 x y
    local function g(x) return x * ml.grad(function(y) return x * y * y end)(f64(3)) end
    holds(24, ml.grad(g)(f64(2)))
    holds(12, ml.grad(ml.grad(g))(f64(2)))
  end)

  it("leaves the graph to a leaf outside", function()
    local w = f64({ 1, 2 }):requires_grad_()
    local g = ml.grad(function(x) return (x * x * w):sum() end)(f64 { 3, 4 }) -- 2 x w: a gradient penalty
    assert.is_true(g.requires_grad)
    g:square():sum():backward() -- 4 x^2 w^2 -> 8 x^2 w
    holds({ 72, 256 }, w.grad)
  end)

  it("takes a module as the list of its parameters", function()
    local model, x = nn.Sequential { nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1) }, ml.randn { 4, 2 }
    local g = ml.grad(function(p) return model:apply(p, x):square():sum() end)(model)
    model(x):square():sum():backward()
    for i, p in ipairs(model:parameters()) do same(p.grad, g[i], 1e-6) end
  end)

  it("detach and stop_gradient make constants, at every level", function()
    local x = f64(3)
    holds(3, ml.grad(function(v) return v * v:detach() end)(x))
    holds(0, ml.grad(ml.grad(function(v) return v * v:detach() end))(x))
    local function f(p) return (p.a * ml.stop_gradient(p).b):sum() end
    local g = ml.grad(f) { a = f64(2), b = f64(5) }
    holds(5, g.a)
    holds(0, g.b)
    holds(0, ml.grad(function(v) return ml.no_grad(function() return v * v end) end)(x))
  end)

  it("inside no_grad still works, and records nothing for outside", function()
    local w = f64(3):requires_grad_()
    local g = ml.no_grad(function() return ml.grad(function(x) return x * x * w end)(f64(2)) end)
    holds(12, g)
    assert.is_false(g.requires_grad)
  end)

  it("with anomaly detection names the line inside", function()
    ml.detect_anomaly(true)
    local good, message = pcall(ml.grad(function(x) return x:sqrt():sum() end), f64 { 0, 1 })
    ml.detect_anomaly(false)
    assert.is_false(good)
    assert.truthy(message:find("transforms_spec.lua:%d+: sqrt: the derivative made an infinity"))
  end)
end)

describe("vjp and jvp", function()
  it("are transposes of each other", function()
    local x, v, u = randn({ 3 }, 5), randn({ 3 }, 6), randn({ 4 }, 7)
    local function f(t) return network(params, t) end
    local value, pullback = ml.vjp(f, x)
    local again, derivative = ml.jvp(f, { x }, { v })
    same(f(x), value)
    same(value, again)
    same((u * derivative):sum(), (pullback(u) * v):sum())
    same(pullback(u), pullback(u)) -- as often as one likes
  end)

  it("take and give trees", function()
    local function f(p, x) return { y = p.a * x, { p.b * p.b } } end
    local p, x = { a = f64 { 1, 2 }, b = f64(3) }, f64 { 5, 7 }
    local value, pullback = ml.vjp(f, p, x)
    holds({ 5, 14 }, value.y)
    local dp, dx = pullback { y = f64 { 1, 10 }, { f64(2) } }
    holds({ 5, 70 }, dp.a)
    holds(12, dp.b)
    holds({ 1, 20 }, dx)
    local _, d = ml.jvp(f, { p, x }, { { a = f64 { 1, 1 }, b = f64(1) }, false })
    holds({ 5, 7 }, d.y)
    holds(6, d[1][1])
    local _, none, third = ml.vjp(function(a, n, b) return (a * b):sum() * n end, f64 { 1, 2 }, 3, f64 { 4, 5 })
    assert.is_function(none)
    assert.is_nil(third)
  end)

  it("several results at once: one twice, one that leads to another, the argument itself, a constant", function()
    local x, w = randn({ 3, 2 }, 1), randn({ 3, 2 }, 2)
    local function f(z)
      local a = z:tanh()
      local b = a * z + w
      return { a, a, b, b:exp():sum(), z, w * 2, z:sum() }
    end
    local value, pullback = ml.vjp(f, x)
    local seeds = ml.tree.randn_like(value)
    local expected = ml.grad(function(z)
      local sum = ml.zeros({}, { dtype = "f64" })
      for i, y in ipairs(f(z)) do sum = sum + (y * seeds[i]):sum() end
      return sum
    end)(x)
    same(expected, pullback(seeds))
    -- and differentiated: the pullback as a function of x and of the seeds
    local v = randn({ 3, 2 }, 5)
    local function pulled(z) return (select(2, ml.vjp(f, z))(seeds) * v):sum() end
    local h = 1e-5
    local step = (pulled(x + v * h) - pulled(x - v * h)) / (2 * h)
    assert.near(step:item(), (ml.grad(pulled)(x) * v):sum():item(), 1e-6)
  end)

  it("jvp of jvp is the second derivative", function()
    local function cube(x) return x ^ 3 end
    local function once(x) return select(2, ml.jvp(cube, { x }, { f64(1) })) end
    holds(18, select(2, ml.jvp(once, { f64(3) }, { f64(1) })))
    holds(18, select(2, ml.jvp(ml.grad(cube), f64(3), f64(1))))
    holds(18, ml.grad(once)(f64(3)))
  end)
end)

describe("jacobian, hessian, hvp", function()
  it("have closed forms for linear and quadratic functions", function()
    local a, x = randn({ 4, 3 }, 8), randn({ 3 }, 9)
    same(a, ml.jacobian(function(v) return a:matmul(v) end)(x))
    local function quadratic(v) return v:matmul(a:transpose():matmul(a)):matmul(v) end
    same(a:transpose():matmul(a) * 2, ml.hessian(quadratic)(x))
    local v = randn({ 3 }, 10)
    same(a:transpose():matmul(a):matmul(v) * 2, ml.hvp(quadratic, x, v))
    same(ml.zeros({ 3, 3 }, { dtype = "f64" }), ml.hessian(function(t) return t:sum() end)(x))
  end)

  it("of trees are trees of trees; hvp is the Hessian times the vector", function()
    local x, v = randn({ 3 }, 4), ml.tree.randn_like(params, { seed = 5 })
    local h = ml.hessian(loss)(params, x)
    assert.same({ 4, 4, 3, 4 }, h.w[2].w[1].shape)
    local hv = ml.hvp(loss, params, v, x)
    local row = h.b
    local expected = row.b:matmul(v.b)
    for i = 1, 2 do expected = expected + row.w[i]:reshape(4, -1):matmul(v.w[i]:reshape(-1)) end
    same(expected, hv.b, 1e-9)
    same(hv.b, ml.jvp and select(2, ml.jvp(ml.grad(loss), { params, x }, { v })).b, 1e-9)
    local j = ml.jacobian(function(p) return { out = network(p, x), { p.b * 2 } } end)(params)
    assert.same({ 4, 4, 4 }, j.out.w[2].shape)
    same(ml.eye(4, { dtype = "f64" }) * 2, j[1][1].b)
  end)

  it("a jacobian of a gradient is the Hessian, whatever the order of the two", function()
    local x = randn({ 3 }, 4)
    local function f(v) return network(params, v, 3):exp():sum() end
    local h = ml.hessian(f)(x)
    same(h, ml.jacobian(ml.grad(f))(x))
    same(h, ml.jacobian(ml.jacobian(f))(x))
    local rows = {}
    for i = 1, 3 do rows[i] = ml.hvp(f, x, ml.eye(3, { dtype = "f64" })[i]) end
    same(h, stacked(rows))
    local columns = ml.vmap(function(e) return ml.hvp(f, x, e) end)(ml.eye(3, { dtype = "f64" }))
    same(h, columns)
    same(h, ml.vmap(function(e) return select(2, ml.jvp(ml.grad(f), { x }, { e })) end)(ml.eye(3, { dtype = "f64" })))
  end)
end)

describe("vmap", function()
  it("equals the loop, with whole and nested arguments and other dimensions", function()
    local x = randn({ 3, 5 }, 1) -- five columns
    local rows = {}
    for i = 1, 5 do rows[i] = network(params, x[{ {}, i }]) end
    same(stacked(rows), ml.vmap(network, { nil, 2 })(params, x))
    same(stacked(rows), ml.vmap(network, { false, -1 })(params, x))
    same(stacked(rows):transpose(), ml.vmap(network, { nil, 2 }, 2)(params, x))
    local many = { w = params.w, b = randn({ 5, 4 }, 2), scale = 0.5 } -- five biases
    for i = 1, 5 do rows[i] = network({ w = params.w, b = many.b[i], scale = 0.5 }, x[{ {}, i }]) end
    same(stacked(rows), ml.vmap(network, { { b = 1 }, 2 })(many, x))
    local a, b = ml.vmap(function(v) return { v * 2, sum = v:sum() }, v:max() end)(x)
    same(x * 2, a[1])
    same(x:sum(2), a.sum)
    same(x:max(2), b)
  end)

  it("repeats what does not depend on the batch, and passes on what is no tensor", function()
    local one, text = ml.vmap(function() return f64 { 1, 2 }, "text" end)(f64 { 1, 2, 3 })
    holds({ { 1, 2 }, { 1, 2 }, { 1, 2 } }, one)
    assert.equal("text", text)
  end)

  it("of grad gives gradients for each sample", function()
    local x = randn({ 6, 3 }, 3)
    local per = ml.vmap(ml.grad(loss), { nil, 1 })(params, x)
    for i = 1, 6 do
      local g = ml.grad(loss)(params, x[i])
      same(g.w[1], per.w[1][i])
      same(g.b, per.b[i])
    end
    local sum = ml.grad(function(p) return ml.vmap(loss, { nil, 1 })(p, x):sum() end)(params)
    same(sum.w[2], per.w[2]:sum(1)) -- grad of vmap
    local value, grads = ml.vmap(ml.value_and_grad(loss), { nil, 1 })(params, x)
    same(per.b, grads.b)
    same(loss(params, x[2]), value[2])
  end)

  it("runs the design's example: a cross entropy of one sample", function()
    local p = { w1 = ml.randn { 5, 8 }, b1 = ml.zeros { 8 }, w2 = ml.randn { 8, 3 } }
    local function ce(q, x, y) return nn.cross_entropy((x:matmul(q.w1) + q.b1):relu():matmul(q.w2), y) end
    local x, y = ml.randn { 7, 5 }, ml.randint(1, 3, { 7 })
    local J = ml.vmap(ml.grad(ce), { nil, 1, 1 })(p, x, y)
    same(ml.grad(ce)(p, x, y).w1, J.w1:mean(1), 1e-5)
    same(ml.grad(ce)(p, x[3], y[3]).w2, J.w2[3], 1e-5)
  end)

  it("inside vmap, and of everything else", function()
    local x, y = randn({ 4, 3 }, 1), randn({ 5, 3 }, 2)
    local function dot(a, b) return a:matmul(b) end
    same(x:matmul(y:transpose()), ml.vmap(ml.vmap(dot, { nil, 1 }), { 1 })(x, y))
    local function f(v) return (v:matmul(v) ^ 2) end -- Hessian 4 |v|^2 I + 8 v v^T
    local h = ml.vmap(ml.hessian(f))(x)
    for i = 1, 4 do
      same(ml.eye(3, { dtype = "f64" }) * (x[i]:square():sum() * 4) + outer(x[i]) * 8, h[i])
    end
    local v = randn({ 4, 3 }, 7)
    local hv = ml.vmap(function(a, b) return ml.hvp(f, a, b) end)(x, v)
    for i = 1, 4 do same(h[i]:matmul(v[i]), hv[i]) end
    local jacobians = ml.vmap(ml.jacobian(function(t) return t * t end))(x)
    for i = 1, 4 do holds({ 2 * x[{ i, 1 }]:item(), 0, 0 }, jacobians[i][1], 1e-12) end
    -- the Jacobian of a vmap is block diagonal
    local j = ml.jacobian(ml.vmap(function(t) return (t * t):sum() end))(x)
    assert.same({ 4, 4, 3 }, j.shape)
    holds({ 0, 0, 0 }, j[{ 1, 2 }])
    same(x[2] * 2, j[{ 2, 2 }])
  end)

  it("of the empirical tangent kernel of a linear network is X X^T", function()
    local x, w = randn({ 4, 3 }, 1), randn({ 3 }, 2)
    local function kernel(a, b) -- by a pullback inside a jvp inside two vmaps
      local _, pullback = ml.vjp(function(p) return a:matmul(p) end, w)
      return select(2, ml.jvp(function(p) return b:matmul(p) end, { w }, { pullback(f64(1)) }))
    end
    same(x:matmul(x:transpose()), ml.vmap(ml.vmap(kernel, { nil, 1 }), { 1 })(x, x))
  end)

  it("does what other systems once failed at", function()
    -- the Hessian of a trace, in a batch (functorch#501)
    local m = randn({ 2, 4, 4 }, 1)
    local eye = ml.eye(4, { dtype = "f64" })
    local function trace(a) return (a * eye):sum() end
    local j = ml.vmap(ml.jacobian(trace))(m)
    same(eye, j[1])
    local h = ml.vmap(ml.jacobian(ml.jacobian(trace)))(m)
    assert.same({ 2, 4, 4, 4, 4 }, h.shape)
    holds(0, h:abs():sum())
    -- a batch of Hessians of a residual (functorch#597)
    local x, a = randn({ 8, 10, 2 }, 2), randn({ 8, 2, 2 }, 3) * 0.1
    local function residual(p, t) return (t - p:matmul(t:transpose()):transpose()):square():sum() end
    local hess = ml.vmap(ml.hessian(residual))(a, x)
    assert.same({ 8, 2, 2, 2, 2 }, hess.shape)
    same(x[3]:transpose():matmul(x[3]) * 2, hess[3][{ 1, {}, 1, {} }])
    same(ml.hessian(residual)(a[5], x[5]), hess[5])
    -- a derivative with one tangent for all inside two vmaps (functorch#842)
    local dummy, y, t = randn({ 4, 1 }, 4), randn({ 5, 2 }, 5), randn({ 2 }, 6)
    local function push(_, v) return select(2, ml.jvp(function(s) return outer(s) end, { v }, { t })) end
    local d = ml.vmap(ml.vmap(push, { nil, 1 }), { 1, nil })(dummy, y)
    assert.same({ 4, 5, 2, 2 }, d.shape)
    same(y[2]:reshape(-1, 1):matmul(t:reshape(1, -1)) + t:reshape(-1, 1):matmul(y[2]:reshape(1, -1)), d[{ 3, 2 }])
  end)

  it("a batch of nothing has results of nothing", function()
    local empty = ml.zeros({ 0, 3 }, { dtype = "f64" })
    assert.same({ 0 }, ml.vmap(function(v) return (v * 2):sum() end)(empty).shape)
    assert.same({ 0, 3 }, ml.vmap(ml.grad(function(v) return v:square():sum() end))(empty).shape)
  end)

  it("writes in place into what is one of the batch", function()
    local x = randn({ 3, 2 }, 1)
    local y = ml.vmap(function(v)
      local c = v:clone()
      c[1] = c[2] * 2
      return c
    end)(x)
    same(x[{ {}, 2 }] * 2, y[{ {}, 1 }])
    local masked = ml.vmap(function(v) -- each with its own mask
      local c = v:clone()
      c[c:lt(0)] = 0
      c[ml.tensor { 2 }] = v:sum()
      return c
    end)(x)
    same(x[{ {}, 1 }]:relu(), masked[{ {}, 1 }])
    same(x:sum(2), masked[{ {}, 2 }])
    fails(function()
      ml.vmap(function(v)
        local c = f64 { 0, 0 }
        c[1] = v[1]
        return c
      end)(x)
    end, "^assign: a tensor from outside the vmap cannot take a value for each of the batch")
  end)

  it("picks from its own table alone", function()
    local tables, ids = randn({ 2, 3 }, 1), ml.tensor { { 4 }, { 1 } } -- 4 would be the first of the second table
    for name, pick in pairs { embedding = ml.embedding, take = ml.take, index_select = ml.index_select } do
      local good, message = pcall(function() return ml.vmap(function(t, i) return pick(t, i) end)(tables, ids) end)
      assert.is_false(good, name)
      assert.truthy(message:find "must be 1..3, found 4", message)
    end
  end)

  it("accumulates gradients of leaves outside as a loop does", function()
    local x = randn({ 4, 3 }, 1)
    local one, two = randn({ 3 }, 2):requires_grad_(), randn({ 3 }, 2):requires_grad_()
    ml.vmap(function(v) (v * one):square():sum():backward() end)(x)
    for i = 1, 4 do (x[i] * two):square():sum():backward() end
    same(two.grad, one.grad)
  end)
end)

describe("random numbers inside vmap", function()
  local x = f64 { 1, 2, 3 }

  it("are refused until one says what they mean", function()
    fails(function() ml.vmap(function(v) return v + ml.randn({ 2 }) end)(x) end,
      '^vmap: random numbers are drawn inside; .*randomness = "different".*"same"')
    fails(function() ml.vmap(function(v) return v + ml.randperm(3) end)(x) end, "^vmap: random numbers are drawn inside")
    fails(function() ml.vmap(function(v) return nn.Linear(1, 1)(v:reshape(1):cast "f32") end)(x) end,
      "^vmap: random numbers are drawn inside")
    ml.vmap(function(v) return v + ml.randn({ 2 }, { seed = 3 }) end)(x) -- no chance in this
  end)

  it("are different for each, as in a loop, or the same for all", function()
    local function noise(v) return v * 0 + ml.randn({ 2 }, { dtype = "f64" }) end
    ml.seed(3)
    local rows = { noise(x[1]), noise(x[2]), noise(x[3]) }
    ml.seed(3)
    same(stacked(rows), ml.vmap(noise, 1, 1, { randomness = "different" })(x))
    ml.seed(3)
    local all = ml.vmap(noise, 1, 1, { randomness = "same" })(x)
    same(rows[1], all[1])
    same(rows[1], all[3])
    local p = ml.vmap(function() return ml.randperm(5) end, 1, 1, { randomness = "different" })(x)
    holds({ 15, 15, 15 }, p:sum(2))
    assert.not_same(p[1]:tolist(), p[2]:tolist())
  end)

  it("mix levels: each of the outer, the same for the inner", function()
    local y = ml.zeros({ 2, 3 }, { dtype = "f64" })
    local inner = ml.vmap(function(v) return v + ml.randn({}, { dtype = "f64" }) end, 1, 1, { randomness = "same" })
    local got = ml.vmap(inner, 1, 1, { randomness = "different" })(y):tolist()
    assert.equal(got[1][1], got[1][3])
    assert.not_equal(got[1][1], got[2][1])
  end)

  it("a refused draw does not move the stream", function()
    ml.seed(7)
    local expected = ml.randn({ 2 }):tolist()
    ml.seed(7)
    pcall(ml.vmap(function(v) return v + ml.randn({ 2 }) end), x)
    assert.same(expected, ml.randn({ 2 }):tolist())
  end)
end)

describe("errors of transforms", function()
  local x = f64 { 1, 2 }

  it("say what the function must return", function()
    fails(function() ml.grad(function(v) return v end)(x) end,
      "^grad: the function must return one number, got shape %(2%); reduce it %(sum, mean%), or use jacobian")
    fails(function() ml.grad(function() return 3 end)(x) end,
      "^grad: the function must return one number, as a tensor, got number")
    fails(function() ml.grad(function() end)(x) end, "^grad: the function returned nothing")
    fails(function() ml.grad(function(v) return v:sum(), 1 end)(x) end,
      "^grad: the function returned 2 results; { has_aux = true } passes the others on")
    fails(function() ml.hvp(function(v) return v end, x, x) end, "^hvp: the function must return one number")
    fails(function() ml.vjp(function() end, x) end, "^vjp: the function returned nothing")
    fails(function() ml.jacobian(function() return "text" end)(x) end, "^jacobian: the function must return a tensor or a tree")
    fails(function() ml.jacobian(function(v) return v:gt(0) end)(x) end, "^jacobian: a result is bool; only f32 and f64")
  end)

  it("say what the arguments must be", function()
    fails(function() ml.grad(3) end, "^grad: takes a function, got number")
    fails(function() ml.grad(loss)() end, "^grad: argument 1 is to be differentiated, but 0 were given")
    fails(function() ml.grad(loss, 2)(params) end, "^grad: argument 2 is to be differentiated, but 1 was given")
    fails(function() ml.grad(loss)(3, x) end, "^grad: argument 1 must be a tensor or a tree of them, got number")
    fails(function() ml.grad(loss)({ a = { n = ml.tensor { 1, 2 } } }, x) end,
      "^grad: argument 1%.a%.n is i64; only f32 and f64 have derivatives")
    fails(function() ml.grad(loss, 0) end, "^grad: an argument is named by its position, 1 or more, got 0")
    fails(function() ml.grad(loss, 1, { aux = true }) end, "^grad: unknown option 'aux'; it knows has_aux")
    fails(function() ml.jvp(loss, { params, x }, {}) end, "^jvp: no tangent was given for any of the 2 arguments")
    fails(function() ml.jvp(loss, { params, x }, { { b = x } }) end, "^jvp: argument 1 and its tangent differ at scale: missing")
    fails(function() ml.jvp(loss, { params, x }, { nil, f64 { 1 } }) end,
      "^jvp: argument 2 and its tangent differ: shape %(2%) and %(1%)")
    fails(function() ml.hvp(loss, params, { w = params.w, b = f64 { 1 }, scale = 0.5 }, randn({ 3 }, 1)) end,
      "^hvp: the parameters and the vector differ at b: shape %(4%) and %(1%)")
    fails(function() select(2, ml.vjp(function(v) return v * 2 end, x))() end,
      "^vjp: the value is not one number; the pullback takes a tree like it")
  end)

  it("of vmap name argument, dimension and sizes", function()
    local f = ml.vmap(function(a, b) return a * b end, { 1, 3 })
    fails(function() f(x, x) end, "^vmap: argument 2 has no dimension 3: its shape is %(2%)")
    fails(function() ml.vmap(function(a, b) return a * b end)(x, f64 { 1, 2, 3 }) end,
      "^vmap: sizes differ: argument 2 has 3 in dimension 1, argument 1 has 2")
    fails(function() ml.vmap(loss, { { w = 1, c = 1 } })(params, x) end, "^vmap: in_dims names argument 1%.c, which is not there")
    fails(function() ml.vmap(loss, { nil, 1, 1 })(params, x) end, "^vmap: in_dims has an entry for argument 3, 2 were given")
    fails(function() ml.vmap(loss, { nil })(params, x) end, "^vmap: no argument is mapped over")
    fails(function() ml.vmap(loss, { 1 })(3) end, "^vmap: argument 1 is no tensor and has no dimension 1; give it nil")
    fails(function() ml.vmap(loss, { "first" })(params) end, "^vmap: in_dims for argument 1%.b must be a dimension, .* got first")
    fails(function() ml.vmap(loss, "1") end, "^vmap: in_dims must be a dimension, or a table of them, got string")
    fails(function() ml.vmap(loss, 1, 1, { randomness = "some" }) end, '^vmap: randomness must be "error", "different" or "same"')
    fails(function() ml.vmap(function(v) return v end)(f64(1)) end, "^vmap: argument 1 has no dimension 1: its shape is %(%)")
    fails(function() ml.vmap(function(v) return v:matmul(f64 { { 1, 2, 3 } }) end)(randn({ 4, 2 }, 1)) end,
      "^matmul: inner sizes differ: %(2%) x %(1, 3%)") -- of one, without the batch
  end)

  it("say that one of a batch has no value", function()
    for _, f in ipairs {
      function(v) return v:item() end, function(v) return v > 0 and v or -v end,
      function(v) return v:tolist() end, function(v) return 0 < v end,
    } do
      local good, message = pcall(ml.vmap(f), x)
      assert.is_false(good)
      assert.truthy(message:find("_spec%.lua:%d+: item: inside vmap a tensor stands for one of a batch .* use ml%.where"))
    end
  end)

  it("refuse a tensor that escaped from a vmap that has ended", function()
    local escaped
    ml.vmap(function(v) escaped = v * 2 return v end)(x)
    fails(function() return escaped + 1 end, "^vmap: a tensor from inside a vmap that has ended was used; return it")
    fails(function() ml.vmap(function(v) return v + escaped end)(x) end, "^vmap: a tensor from inside a vmap that")
    fails(function() ml.vmap(function() return escaped end)(x) end, "^vmap: a tensor from inside a vmap that has ended")
    assert.is_string(tostring(escaped))
  end)

  it("unwind every level, recording and all", function()
    local function explode() error("stop", 0) end
    local nested = ml.vmap(function(v) return ml.grad(function(u) return ml.vmap(explode)(u:reshape(1)) end)(v) end)
    for _ = 1, 40 do -- more than levels there can be
      local good, message = pcall(ml.no_grad, nested, x)
      assert.is_false(good)
      assert.equal("stop", message)
    end
    assert.is_true(ml.autograd.recording())
    holds({ 2, 4 }, ml.vmap(ml.grad(function(v) return v * v end))(x))
    assert.is_true((f64({ 1 }):requires_grad_() * 2).requires_grad)
  end)

  it("a coroutine cannot leave in the middle, but may run inside", function()
    local going = coroutine.wrap(function() return ml.vmap(function(v) coroutine.yield(v) return v end)(x) end)
    assert.has_error(going, "attempt to yield across a C-call boundary")
    local quiet = coroutine.wrap(function() return ml.no_grad(function() coroutine.yield(1) end) end)
    assert.has_error(quiet, "attempt to yield across a C-call boundary")
    assert.is_true(ml.autograd.recording())
    local g = ml.grad(function(v)
      local parts = coroutine.wrap(function() for i = 1, 2 do coroutine.yield(v[i] * i) end end)
      return parts() + parts()
    end)(x)
    holds({ 1, 2 }, g)
    local inside = coroutine.wrap(function() coroutine.yield(ml.grad(function(v) return (v * v):sum() end)(x)) end)
    holds({ 2, 4 }, inside())
  end)

  it("with too many levels is an error", function()
    local function deep(n) return n == 0 and x or ml.vmap(function() return deep(n - 1) end)(x) end
    assert.has_error(function() deep(32) end) -- a repeated result has no room for so many dimensions
    local good, message = pcall(deep, 40)
    assert.is_false(good)
    assert.truthy(message:find "vmap: more than 32 inside each other")
    holds({ 2 }, ml.vmap(function(v) return v * 2 end)(f64 { 1 }))
  end)
end)

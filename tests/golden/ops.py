#!/usr/bin/python3
"""Writes ops.txt: values and gradients of every operation as PyTorch computes them in f64, for tests/c/test_golden.c.

    /usr/bin/python3 tests/golden/ops.py          # Debian's python3-torch

One line an item, an empty line after each case:
    op NAME [option=value ...]     lists with commas, dimensions and positions from 0, flags 0 or 1
    in DTYPE (SIZES) VALUES        one line an input
    out DTYPE (SIZES) VALUES
    dy (SIZES) VALUES              when the operation has a derivative
    dx I VALUES                    for each input I that has a gradient
Numbers are written so that they read back exactly. Inputs have four decimals, which keeps the file small.
"""
import os
import torch
import torch.nn.functional as F

F64, I64, BOOL = torch.float64, torch.int64, torch.bool
NAMES = {F64: "f64", I64: "i64", BOOL: "bool", torch.float32: "f32"}


def numbers(t):
    return " ".join(repr(v) if isinstance(v, float) else str(int(v)) for v in t.detach().reshape(-1).tolist())


def sizes(t):
    return "(" + ",".join(str(n) for n in t.shape) + ")"


def floats(*shape, low=-2.0, high=2.0):
    return torch.round((low + (high - low) * torch.rand(shape, dtype=F64)) * 1e4) / 1e4


def given(*values):
    return torch.tensor(values, dtype=F64)


def ints(high, *shape):
    return torch.randint(high, shape)


def bools(*shape):
    return torch.rand(shape) < 0.5


# --- what is compared: name, options, function of the inputs, inputs --------------------------------------------------
CASES = []


def case(name, f, *inputs, fixed=None, **options):  # fixed: the input whose gradient is not asked for
    CASES.append((name, options, f, inputs, fixed))


def unary(name, f, low=-2.0, high=2.0, edge=()):
    case(name, f, floats(2, 3, low=low, high=high))
    case(name, f, floats(low=low, high=high))
    for x in edge:  # each on its own: tolerances are relative to the largest value
        case(name, f, given(x))


torch.manual_seed(20)
unary("neg", torch.neg)
unary("abs", torch.abs, edge=(0.0, -3.0))
unary("sign", torch.sign, edge=(0.0, -3.0))
unary("exp", torch.exp, edge=(-700.0, 0.0, 700.0))
unary("expm1", torch.expm1, edge=(-40.0, 1e-12, 30.0))
unary("log", torch.log, low=0.1, edge=(1e-300, 1.0, 1e300))
unary("log1p", torch.log1p, low=-0.9, edge=(1e-12, 1e10))
unary("sqrt", torch.sqrt, low=0.1, edge=(1e-300, 1e300))
unary("rsqrt", torch.rsqrt, low=0.1, edge=(1e-100, 1e100))
unary("square", torch.square)
unary("reciprocal", torch.reciprocal, low=0.2, edge=(-0.5, 1e100))
unary("sin", torch.sin, edge=(100.0, -1e6))
unary("cos", torch.cos, edge=(100.0, -1e6))
unary("tanh", torch.tanh, edge=(-30.0, 1e-8, 10.0))
unary("sigmoid", torch.sigmoid, edge=(-700.0, -40.0, 40.0))
unary("erf", torch.erf, edge=(-6.0, 1e-8, 3.0))
unary("softplus", lambda x: F.softplus(x, threshold=1e9), edge=(-40.0, 0.0, 40.0))
unary("relu", torch.relu, edge=(0.0, -1.0, 1.0))
unary("step", lambda x: torch.heaviside(x.detach(), torch.zeros((), dtype=F64)), edge=(0.0, 1.0))
unary("floor", lambda x: torch.floor(x.detach()), edge=(-1.5, 2.0))
unary("ceil", lambda x: torch.ceil(x.detach()), edge=(-1.5, 2.0))
unary("round", lambda x: torch.round(x.detach()), edge=(0.5, 1.5, 2.5, -0.5, -1.5))
unary("exp2", torch.exp2, edge=(-1000.0, 0.0, 1000.0))
unary("log2", torch.log2, low=0.1, edge=(1e-300, 8.0, 1e300))
unary("log10", torch.log10, low=0.1, edge=(1e-300, 100.0, 1e300))
unary("tan", torch.tan, edge=(1.5, 100.0, -1e6))
unary("asin", torch.asin, low=-0.9, high=0.9, edge=(1e-9, 0.97))
unary("acos", torch.acos, low=-0.9, high=0.9, edge=(1e-9, 0.97))
unary("atan", torch.atan, edge=(-1e8, 1e-9, 1e3))
unary("sinh", torch.sinh, edge=(-700.0, 1e-9, 20.0))
unary("cosh", torch.cosh, edge=(-700.0, 1e-9, 20.0))
unary("asinh", torch.asinh, edge=(-1e8, 1e-9, 1e3))
unary("acosh", torch.acosh, low=1.1, high=4.0, edge=(1.03, 1e8))
unary("atanh", torch.atanh, low=-0.9, high=0.9, edge=(1e-9, 0.97))
unary("erfc", torch.erfc, edge=(-6.0, 1e-8, 5.0))
unary("erfinv", torch.erfinv, low=-0.95, high=0.95, edge=(1e-9, 0.97))
unary("trunc", lambda x: torch.trunc(x.detach()), edge=(-1.5, 2.0))
unary("frac", torch.frac, edge=(-1.5, 2.25))
unary("leaky_relu", F.leaky_relu, edge=(0.0, -100.0))
unary("elu", F.elu, edge=(0.0, -40.0, 40.0))
case("leaky_relu", lambda x: F.leaky_relu(x, 0.3), floats(2, 3), slope=0.3)
case("elu", lambda x: F.elu(x, 0.7), floats(2, 3), alpha=0.7)
unary("gelu", F.gelu, edge=(-3.0, 1e-8, 8.0))
case("gelu", lambda x: F.gelu(x, approximate="tanh"), floats(2, 3), tanh=1)
case("gelu", lambda x: F.gelu(x, approximate="tanh"), given(2.5), tanh=1)
unary("silu", F.silu, edge=(-40.0, 0.0, 40.0))
unary("mish", F.mish, edge=(-30.0, 0.0, 40.0))
unary("log_sigmoid", F.logsigmoid, edge=(-700.0, 0.0, 40.0))
unary("softsign", F.softsign, edge=(-1e2, 0.0, 1e-8))
case("clamp", lambda x: torch.clamp(x, -1, 1), given(-2, -1, 0.5, 1, 3), min=-1, max=1)
case("clamp", lambda x: torch.clamp(x, min=0.5), floats(2, 3), min=0.5)
case("clamp", lambda x: torch.clamp(x, 2, 1), floats(4), min=2, max=1)
case("clamp", lambda x: torch.clamp(x, -1, 2), ints(5, 6) - 2, min=-1, max=2)
ODD = given(float("nan"), float("inf"), -float("inf"), 1.5, 0)
case("nan_to_num", torch.nan_to_num, ODD)
case("nan_to_num", lambda x: torch.nan_to_num(x, 1, 2, 3), ODD, nan=1, posinf=2, neginf=3)
for name in ("isnan", "isinf", "isfinite", "logical_not"):
    case(name, getattr(torch, name), ODD)
    case(name, getattr(torch, name), ints(2, 4))
case("cast", lambda x: x.to(torch.float32), floats(2, 3), dtype="f32")
case("cast", lambda x: x.detach().to(I64), given(-2.7, -0.5, 0.0, 3.9), dtype="i64")


def binary(name, f, low=-2.0, high=2.0):
    case(name, f, floats(2, 3, low=low, high=high), floats(2, 3, low=low, high=high))
    case(name, f, floats(2, 1, low=low, high=high), floats(1, 3, low=low, high=high))
    case(name, f, floats(low=low, high=high), floats(3, 2, low=low, high=high))


binary("add", torch.add)
binary("sub", torch.sub)
binary("mul", torch.mul)
binary("div", torch.div, low=0.3)
binary("pow", torch.pow, low=0.3)
case("pow", torch.pow, given(-2.0, 0.0, 1.5), given(2.0, 2.0, 0.0), fixed=1)
case("pow", torch.pow, given(0.0, 0.0, 2.0), given(2.0, 0.0, 0.0))
binary("maximum", torch.maximum)
binary("minimum", torch.minimum)
case("maximum", torch.maximum, given(1, 2, 3), given(1, 3, 2))
case("minimum", torch.minimum, given(1, 2, 3), given(1, 3, 2))
binary("remainder", torch.remainder, low=0.3)
case("remainder", torch.remainder, given(5.5, -5.5, 5.5, -5.5, 6), given(2, 2, -2, -2, 3))
case("remainder", torch.remainder, ints(9, 6) - 4, torch.tensor([2, 3, -2, -3, 5, -5]))
binary("hypot", torch.hypot)
binary("atan2", torch.atan2)
case("atan2", torch.atan2, given(1, 0, -1, 1e-9), given(-1, 2, -3, -1))
binary("logaddexp", torch.logaddexp)
case("logaddexp", torch.logaddexp, given(1000, -1000, 3), given(999, 1000, 3))
for name in ("logical_and", "logical_or", "logical_xor"):
    case(name, getattr(torch, name), given(1, 0, -2, 0), given(3, 3, 0, 0))
    case(name, getattr(torch, name), bools(4), bools(4))
    case(name, getattr(torch, name), ints(2, 4), bools(4))
case("lerp", torch.lerp, floats(2, 3), floats(2, 3), floats(2, 3))
case("lerp", torch.lerp, floats(2, 1), floats(1, 3), floats(2, 3, low=0))
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    case(name, getattr(torch, name), given(1, 2, 3), given(2, 2, 2))
case("where", torch.where, bools(2, 3), floats(2, 3), floats(2, 3))
case("where", torch.where, bools(3), floats(2, 1), floats(1))

DIMS = [((3, 4), (), 0), ((3, 4), (0,), 0), ((3, 4), (-1,), 1), ((2, 3, 4), (0, 2), 0), ((2, 3, 4), (1, 0, 2), 1), ((), (), 0)]
for name, f in (("sum", torch.sum), ("mean", torch.mean), ("max", torch.amax), ("min", torch.amin)):
    for shape, dims, keep in DIMS:
        every = dims or tuple(range(len(shape)))
        case(name, lambda x, f=f, d=every, k=keep: f(x, dim=d, keepdim=bool(k)), floats(*shape), dims=dims, keepdim=keep)
case("max", lambda x: torch.amax(x, dim=(0,)), given(1, 3, 3, 2), dims=(0,))
case("min", lambda x: torch.amin(x, dim=(0,)), given(1, 3, 1, 1), dims=(0,))
for name in ("argmax", "argmin"):
    for dim, keep in ((-1, 0), (0, 1)):
        case(name, lambda x, f=getattr(torch, name), d=dim, k=keep: f(x, dim=d, keepdim=bool(k)), floats(3, 4), dim=dim, keepdim=keep)
for dim, keep in ((-1, 0), (0, 1), (1, 0)):
    case("logsumexp", lambda x, d=dim, k=keep: torch.logsumexp(x, d, bool(k)), floats(2, 3, 4), dim=dim, keepdim=keep)
case("logsumexp", lambda x: torch.logsumexp(x, 0), given(1000, 999, -1000), dim=0)

for shape, dims, keep in DIMS:
    every = dims or tuple(range(len(shape)))
    for name, f in (("any", torch.any), ("all", torch.all)):
        def over(x, f=f, d=every, k=keep):
            for dim in sorted((i % max(x.dim(), 1) for i in d), reverse=True):
                x = f(x, dim, keepdim=bool(k))
            return x
        case(name, over, bools(*shape), dims=dims, keepdim=keep)
        case(name, over, ints(2, *shape), dims=dims, keepdim=keep)
    case("count_nonzero", lambda x, d=every, k=keep: (x != 0).sum(d or None, keepdim=bool(k)) if d else (x != 0).sum(), ints(3, *shape), dims=dims, keepdim=keep)
    if shape:
        for name, f in (("var", torch.var), ("std", torch.std)):
            for n in (1, 0):
                case(name, lambda x, f=f, d=every, k=keep, n=n: f(x, dim=d, correction=n, keepdim=bool(k)), floats(*shape),
                     dims=dims, keepdim=keep, correction=n)
    for p in (2.0, 1.0, 3.0, 0.5, 0.0, float("inf"), -float("inf")):
        case("norm", lambda x, p=p, d=every, k=keep: torch.linalg.vector_norm(x, p, d or None, bool(k)), floats(*shape),
             p=p, dims=dims, keepdim=keep)
for x in (given(0, 0, 0), given(3, 0, -4)):
    for p in (2.0, 1.0, 3.0, 0.0):
        case("norm", lambda x, p=p: torch.linalg.vector_norm(x, p), x, p=p)
case("std", lambda x: torch.std(x, dim=0), given(2, 2, 2))


def prod(x, dims, keep):
    for dim in sorted((i % x.dim() for i in dims), reverse=True):
        x = torch.prod(x, dim, keepdim=bool(keep))
    return x


for shape, dims, keep in DIMS[:-1]:
    every = dims or tuple(range(len(shape)))
    case("prod", lambda x, d=every, k=keep: prod(x, d, k), floats(*shape), dims=dims, keepdim=keep)
for x in (given(2, 0, 3), given(0, 2, 0, 3), given(-2.5)):
    case("prod", lambda x: torch.prod(x, 0), x)
    case("cumprod", lambda x: torch.cumprod(x, 0), x)
case("prod", lambda x: torch.prod(x), ints(5, 4) + 1)
for dim in (0, 1, -1):
    case("cumsum", lambda x, d=dim: torch.cumsum(x, d), floats(2, 4, 3), dim=dim)
    case("cumsum", lambda x, d=dim: torch.cumsum(x.flip(d), d).flip(d), floats(2, 4, 3), dim=dim, reverse=1)
    case("cumprod", lambda x, d=dim: torch.cumprod(x, d), floats(2, 4, 3), dim=dim)
    case("cummax", lambda x, d=dim: torch.cummax(x, d)[0], floats(2, 4, 3), dim=dim)
    for keep in (0, 1):
        case("kthvalue", lambda x, d=dim, k=keep: torch.kthvalue(x, 2, d, bool(k))[0], floats(2, 5, 3), k=2, dim=dim, keepdim=keep)
        case("median", lambda x, d=dim, k=keep: torch.median(x, d, bool(k))[0], floats(2, 5, 4), dim=dim, keepdim=keep)
        for q in (0.0, 0.3, 0.5, 1.0):
            case("quantile", lambda x, d=dim, k=keep, q=q: torch.quantile(x, q, d, bool(k)), floats(2, 5, 4), q=q, dim=dim, keepdim=keep)
case("cumsum", lambda x: torch.cumsum(x, 0), ints(5, 4), dim=0)
case("median", lambda x: torch.median(x, 0)[0], given(1, float("nan"), 2), fixed=0, dim=0)
case("histogram", lambda x: torch.histc(x, 4, -1, 1), floats(50), bins=4, low=-1, high=1)
case("histogram", lambda x: torch.histc(x, 10), floats(50))
case("histogram", lambda x: torch.histc(x, 3), given(2, 2, 2), bins=3)

case("reshape", lambda x: x.reshape(3, 2), floats(2, 3), shape=(3, -1))
case("expand", lambda x: x.expand(4, 2, 3), floats(2, 1), shape=(4, 2, 3))
case("sum_to", lambda x: x.sum(0, keepdim=True), floats(4, 3), shape=(1, 3))
case("sum_to", lambda x: x.sum((0, 1)), floats(2, 4, 3), shape=(3,))
case("permute", lambda x: x.permute(2, 0, 1), floats(2, 3, 4), dims=(2, 0, 1))
case("transpose", lambda x: x.transpose(0, 2), floats(2, 3, 2), dim1=0, dim2=2)
case("slice", lambda x: x[:, 1:5:2], floats(2, 6), dim=1, start=1, stop=5, step=2)
case("slice", lambda x: x[-2:], floats(4, 2), dim=0, start=-2)


def unslice(x):
    y = torch.zeros(8, 2, dtype=F64)
    return y.index_copy(0, torch.tensor([1, 3, 5]), x)


case("unslice", unslice, floats(3, 2), dim=0, start=1, size=8, step=2)
case("cat", lambda *x: torch.cat(x, 1), floats(2, 3), floats(2, 1), floats(2, 2), dim=1)
case("view", lambda x: x.view(3, 2), floats(2, 3), shape=(3, -1))
case("movedim", lambda x: x.movedim(0, 2), floats(2, 3, 2), source=0, destination=-1)
case("movedim", lambda x: x.movedim(-1, 0), floats(2, 3, 2), source=-1, destination=0)
case("squeeze", lambda x: x.squeeze(), floats(1, 3, 1))
case("squeeze", lambda x: x.squeeze(0).squeeze(0), floats(1, 1, 2, 1), dims=(0, 1))
case("unsqueeze", lambda x: x.unsqueeze(1), floats(2, 3), dim=1)
case("unsqueeze", lambda x: x.unsqueeze(-1), floats(2, 3), dim=-1)
case("flatten", lambda x: x.flatten(), floats(2, 3, 2))
case("flatten", lambda x: x.flatten(1, 2), floats(2, 3, 2, 2), start_dim=1, end_dim=2)
for dim in (0, 1, -1):
    case("stack", lambda *x, d=dim: torch.stack(x, d), floats(2, 3), floats(2, 3), floats(2, 3), dim=dim)
case("flip", lambda x: x.flip(0, 1), floats(2, 3))
case("flip", lambda x: x.flip(1), floats(2, 3, 2), dims=(1,))
case("roll", lambda x: x.roll(2), floats(2, 3), shifts=(2,))
case("roll", lambda x: x.roll((-4, 1), (1, 0)), floats(3, 3), shifts=(-4, 1), dims=(1, 0))
case("tile", lambda x: x.tile(2, 3), floats(2, 3), repeats=(2, 3))
case("tile", lambda x: x.tile(2), floats(2, 3), repeats=(2,))
case("tile", lambda x: x.tile(2, 1, 3), floats(2, 3), repeats=(2, 1, 3))
case("repeat_interleave", lambda x: x.repeat_interleave(2, 0), floats(2, 3), repeats=2, dim=0)
case("repeat_interleave", lambda x: x.repeat_interleave(3, -1), floats(2, 3), repeats=3, dim=-1)
case("pad", lambda x: F.pad(x, (1, 2)), floats(2, 3), pad=(1, 2))
case("pad", lambda x: F.pad(x, (1, -1, 2, 0), value=1.5), floats(2, 3), pad=(1, -1, 2, 0), value=1.5)
case("pad", lambda x: F.pad(x, (2, 1, 1, 0), mode="reflect"), floats(1, 2, 2, 3), pad=(2, 1, 1, 0), mode="reflect")
case("pad", lambda x: F.pad(x, (2, 4), mode="replicate"), floats(1, 2, 3), pad=(2, 4), mode="replicate")
case("pad", lambda x: F.pad(x, (3, 1, 1, 2), mode="circular"), floats(1, 2, 2, 3), pad=(3, 1, 1, 2), mode="circular")
case("diagonal", lambda x: x.diagonal(), floats(3, 4))
case("diagonal", lambda x: x.diagonal(2), floats(3, 4), offset=2)
case("diagonal", lambda x: x.diagonal(-1, 2, 0), floats(4, 2, 3), offset=-1, dim1=2, dim2=0)
case("diag_embed", lambda x: x.diag_embed(), floats(2, 3))
case("diag_embed", lambda x: x.diag_embed(-2, 0, 2), floats(2, 3), offset=-2, dim1=0, dim2=2)
for name in ("tril", "triu"):
    for k in (-2, -1, 0, 1, 5):
        case(name, lambda x, f=getattr(torch, name), k=k: f(x, k), floats(3, 4), diagonal=k)
    case(name, lambda x, f=getattr(torch, name): f(x), floats(2, 3, 2))
case("unfold", lambda x: x.unfold(1, 3, 2), floats(2, 6), dim=1, size=3, step=2)
case("unfold", lambda x: x.unfold(0, 2, 1), floats(4, 2), dim=0, size=2, step=1)


def overlap_add(x):  # (2, 3, 2): three windows of 2, a step of 1
    return F.pad(x[:, 0], (0, 3)) + F.pad(x[:, 1], (1, 2)) + F.pad(x[:, 2], (2, 1))


case("overlap_add", overlap_add, floats(2, 3, 2), dim=1, size=5, step=1)
case("contiguous", lambda x: x.contiguous(), floats(2, 3))

case("embedding", lambda x, i: F.embedding(i, x), floats(4, 3), ints(4, 2, 3))
case("embedding", lambda x, i: F.embedding(i - 1, x), floats(4, 2), ints(4, 5) + 1, base=1)
case("scatter_rows", lambda x, i: torch.zeros(5, 3, dtype=F64).index_add(0, i, x), floats(6, 3), ints(5, 6), rows=5)
case("scatter_rows", lambda x, i: torch.zeros(2, 5, dtype=F64).index_add(1, i, x), floats(2, 6), ints(5, 6), rows=5, dim=1)
case("index_select", lambda x, i: x.index_select(1, i), floats(2, 4, 3), ints(4, 5), dim=1)
case("index_select", lambda x, i: x[:, i - 1], floats(2, 4), ints(4, 2, 3) + 1, dim=-1, base=1)
case("gather", lambda x, i: x.gather(1, i), floats(2, 4), ints(4, 2, 3), dim=1)
case("gather", lambda x, i: x.gather(0, i - 1), floats(3, 4, 2), ints(3, 5, 2, 1) + 1, dim=0, base=1)
case("scatter_add", lambda x, i, z: x.scatter_add(1, i, z), floats(2, 4), ints(4, 2, 6), floats(2, 6), dim=1)
case("scatter_add", lambda x, i, z: x.scatter_add(0, i - 1, z), floats(3, 4), ints(3, 5, 2) + 1, floats(5, 2), dim=0, base=1)
unique = torch.stack([torch.randperm(5)[:3] for _ in range(2)])  # PyTorch does not say which of several stays
case("scatter", lambda x, i, z: x.scatter(1, i, z), floats(2, 5), unique, floats(2, 3), dim=1)
case("scatter", lambda x, i, z: x.scatter(0, i - 1, z), floats(5, 3), unique.T.contiguous() + 1, floats(3, 2), dim=0, base=1)
case("take", lambda x, i: x.take(i), floats(2, 4), ints(8, 3, 2))
case("masked_select", torch.masked_select, floats(3, 4), bools(3, 4))
case("masked_select", lambda x, m: x[m], floats(5, 2, 2), bools(5))
case("nonzero", torch.nonzero, bools(3, 4))
case("nonzero", lambda x: torch.nonzero(x.detach()) + 1, given(0.0, -1.0, 2.0, -0.0, float("nan")), base=1)
case("sort", lambda x: x.sort()[0], floats(2, 5))
case("sort", lambda x: x.sort(0, True)[0], floats(4, 3), dim=0, descending=1)
case("sort", lambda x: x.sort()[0], given(2, 1, 2, -1, 1, 2))
case("argsort", lambda x: x.detach().argsort(), floats(2, 5))
case("argsort", lambda x: x.detach().sort(dim=0, descending=True, stable=True)[1] + 1, floats(4, 3), dim=0, descending=1, base=1)
case("argsort", lambda x: x.detach().sort(stable=True)[1], given(2, 1, 2, float("inf"), 1, float("nan"), -0.0, 0.0, float("-inf")))
case("argtopk", lambda x: x.detach().topk(3)[1], floats(2, 6), k=3)
case("argtopk", lambda x: x.detach().topk(2, 0, False)[1] + 1, floats(4, 3), k=2, dim=0, largest=0, base=1)
case("searchsorted", torch.searchsorted, given(-1, 0, 0, 2), given(-2, -1, 0, 1, 2, 3))
case("searchsorted", lambda x, y: torch.searchsorted(x, y, right=True) + 1, given(-1, 0, 0, 2, -1, 1, 1, 1).view(2, 4), floats(2, 3), right=1, base=1)
case("bincount", torch.bincount, ints(5, 12))
case("bincount", lambda i: torch.bincount(i - 1, minlength=7), ints(5, 12) + 1, classes=7, base=1)
case("one_hot", lambda i: F.one_hot(i, 4).to(torch.float32), ints(4, 2, 2), classes=4)

for a, b in (((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((2, 1, 2, 3), (3, 3, 2)), ((3,), (2, 3, 2)), ((2, 2, 3), (3,))):
    case("matmul", torch.matmul, floats(*a), floats(*b))

case("bmm", torch.bmm, floats(2, 3, 2), floats(2, 2, 4))
case("dot", torch.dot, floats(4), floats(4))
case("outer", torch.outer, floats(2), floats(3))
for a, b in (((2, 3), (3, 2)), ((2,), (2, 1, 3)), ((), (2, 2))):
    case("kron", torch.kron, floats(*a), floats(*b))
case("trace", torch.trace, floats(3, 3))
case("trace", torch.trace, floats(2, 4))
case("trace", lambda x: x.diagonal(dim1=-2, dim2=-1).sum(-1), floats(2, 3, 2))
for equation, *shapes in (
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,kj", (2, 3), (4, 3)), ("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->ji", (2, 2, 3)), ("ij->ji", (2, 3)),
        ("ij->", (2, 3)), ("i,i->", (3,), (3,)), ("i,j->ji", (2,), (3,)), ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("...ij,...jk->...ik", (2, 1, 2, 3), (3, 3, 2)),
        ("i...,i...->...", (3, 2), (3, 2)), ("...,...", (2, 3), (3,)), ("ab,bc,cd->ad", (2, 3), (3, 2), (2, 4)), ("ab,b,bc", (2, 3), (3,), (3, 2)),
        ("bhqd,bhkd->bhqk", (2, 2, 3, 2), (2, 2, 4, 2)), ("ba", (2, 3)), ("Za,aB", (2, 3), (3, 2)), ("ij,ij->ij", (2, 3), (2, 3)), ("ik,jk->", (2, 3), (4, 3)),
        (",i->i", (), (3,)), ("iji,j->i", (2, 3, 2), (3,)), ("a,b,c,d->dcba", (2,), (3,), (2,), (2,))):
    case("einsum", lambda *x, e=equation: torch.einsum(e, *x), *(floats(*s) for s in shapes), equation=equation)

ACTS = {"none": lambda z: z, "relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}
for act, g in ACTS.items():
    case("linear", lambda x, w, b, g=g: g(F.linear(x, w, b)), floats(4, 3), floats(2, 3), floats(2), act=act)
    case("token_linear", lambda i, v, w, b, g=g: g(F.linear(F.embedding(i, v).flatten(1), w, b)),
         ints(4, 3, 2), floats(4, 3), floats(2, 6), floats(2), act=act)
case("linear", F.linear, floats(2, 2, 3), floats(4, 3), floats(4))
case("linear", F.linear, floats(3), floats(4, 3), floats(4))
for name, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
    for dim in (-1, 0):
        case(name, lambda x, f=f, d=dim: f(x, d), floats(2, 3, 2), dim=dim)
    case(name, lambda x, f=f: f(x, 0), given(1000, 999, -1000), dim=0)
case("cross_entropy", F.cross_entropy, floats(5, 4), ints(4, 5))
case("cross_entropy", lambda x, y: F.cross_entropy(x, y - 1), floats(5, 4), ints(4, 5) + 1, base=1)
case("mse", F.mse_loss, floats(2, 3), floats(2, 3))


# --- linear algebra ------------------------------------------------------------------------------------------------------
def general(*shape):  # singular values far from 0 and from each other
    return torch.round((0.6 * torch.rand(shape, dtype=F64) - 0.3 + torch.diag_embed(torch.arange(1.0, max(shape[-2:]) + 1, dtype=F64))[..., :shape[-2], :shape[-1]]) * 1e4) / 1e4


def sym(x):
    return (x + x.mT) / 2


def signs(v):  # the largest component of each column positive, among equally large ones the first
    size = v.detach().abs()
    first = (size >= size.amax(-2, keepdim=True) * (1 - 1e-6)).to(torch.int8).argmax(-2, keepdim=True)
    return torch.where(v.detach().gather(-2, first) < 0, -1.0, 1.0).to(F64)


def eigh_parts(x):
    w, v = torch.linalg.eigh(sym(x))
    return torch.cat((w.unsqueeze(-2), v * signs(v)), -2)


def svd_parts(x):
    u, s, vh = torch.linalg.svd(x, full_matrices=False)
    return torch.cat((u * signs(u), s.unsqueeze(-2), vh.mT * signs(u)), -2)


def qr_parts(x):
    q, r = torch.linalg.qr(x)
    sign = torch.sign(torch.diagonal(r.detach(), dim1=-2, dim2=-1)).unsqueeze(-2)
    return torch.cat((q * sign, r.mT * sign), -2)


def cofactor(x):
    return torch.linalg.det(x)[..., None, None] * torch.linalg.inv(x).mT


for shape in ((3, 3), (2, 2, 2), (1, 1), (5, 5)):
    case("eigh_parts", eigh_parts, general(*shape))
    case("eigvalsh", lambda x: torch.linalg.eigvalsh(sym(x)), general(*shape))
    case("cholesky", lambda x: torch.linalg.cholesky(sym(x)), general(*shape))
    case("inv", torch.linalg.inv, general(*shape))
    case("det", torch.linalg.det, general(*shape))
    if shape != (1, 1):  # there the gradient is 0, this formula's is a rounding error
        case("cofactor", cofactor, general(*shape))
    case("slogdet", lambda x: torch.stack(torch.linalg.slogdet(x), -1), -general(*shape))
    case("expm", torch.linalg.matrix_exp, floats(*shape))
    for n in (0, 1, 3, -2):
        case("matrix_power", lambda x, n=n: torch.linalg.matrix_power(x, n), general(*shape), n=n)
case("expm", torch.linalg.matrix_exp, floats(4, 4, low=-20, high=0))



def expm_frechet(x, y):
    n = x.shape[-1]
    whole = torch.cat((torch.cat((x, y), -1), torch.cat((torch.zeros_like(x), x), -1)), -2)
    return torch.linalg.matrix_exp(whole)[..., :n, n:]


case("expm_frechet", expm_frechet, floats(3, 3), floats(3, 3))
case("expm", torch.linalg.matrix_exp, given(0, 1, 0, 0).reshape(2, 2))
for shape in ((4, 3), (3, 4), (3, 3), (2, 3, 2), (1, 3), (3, 1)):
    case("svd_parts", svd_parts, general(*shape))
    case("svdvals", torch.linalg.svdvals, general(*shape))
    case("qr_parts", qr_parts, general(*shape))
    case("pinv", torch.linalg.pinv, general(*shape))
    case("matrix_rank", lambda x: torch.linalg.matrix_rank(x.detach()), general(*shape))
rank_2 = torch.tensor([[1, 2, 0], [2, 4, 0], [0, 0, 3], [1, 2, 3]], dtype=F64)
case("pinv", torch.linalg.pinv, rank_2, fixed=0)
case("matrix_rank", lambda x: torch.linalg.matrix_rank(x.detach()), rank_2)
case("matrix_rank", lambda x: torch.linalg.matrix_rank(x.detach(), rtol=0.9), general(3, 3), rcond=0.9)
case("lstsq", lambda a, b: torch.linalg.lstsq(a, b).solution, general(4, 3), floats(4, 2))
case("lstsq", lambda a, b: torch.linalg.pinv(a) @ b, general(3, 4), floats(3))
case("lstsq", lambda a, b: torch.linalg.pinv(a, rtol=0.5) @ b, general(3, 3), floats(3, 2), fixed=0, rcond=0.5)
case("solve", torch.linalg.solve, general(3, 3), floats(3, 2))
case("solve", torch.linalg.solve, general(3, 3), floats(3))
case("solve", torch.linalg.solve, general(2, 1, 3, 3), floats(2, 3, 1))
for upper in (0, 1):
    for unit in (0, 1):
        for t in (0, 1):
            case("solve_triangular", lambda a, b, u=upper, t=t, i=unit: torch.linalg.solve_triangular(a.mT if t else a, b, upper=bool(u) != bool(t), unitriangular=bool(i)),
                 general(3, 3), floats(3, 2), upper=upper, transpose=t, unitriangular=unit)

for x, w, o in (((2, 3, 5, 4), (2, 3, 3, 2), {}), ((1, 2, 5, 6), (3, 2, 3, 2), dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2))),
                ((2, 4, 5, 5), (6, 2, 2, 3), dict(stride=(1, 3), padding=(0, 1), groups=2)), ((1, 3, 4, 4), (3, 1, 3, 3), dict(padding=(1, 1), groups=3)),
                ((1, 2, 3, 3), (2, 2, 1, 1), dict(stride=(2, 2)))):
    case("conv2d", lambda x, w, o=o: F.conv2d(x, w, **o), floats(*x), floats(*w), **o)
    y = F.conv2d(torch.zeros(x), torch.zeros(w), **o).shape
    case("conv2d_dx", lambda y, w, o=o, x=x: torch.nn.grad.conv2d_input(x, w, y, **o), floats(*y), floats(*w), size=x[2:], **o)
    case("conv2d_dw", lambda x, y, o=o, w=w: torch.nn.grad.conv2d_weight(x, w, y, **o), floats(*x), floats(*y), kernel=w[2:], **o)
for act, g in ACTS.items():
    case("conv2d_bias", lambda x, w, b, g=g: g(F.conv2d(x, w, b, padding=1)), floats(2, 2, 3, 4), floats(3, 2, 3, 3), floats(3), padding=(1, 1), act=act)

for shape, o in (((2, 3, 4, 6), {}), ((1, 2, 5, 5), dict(kernel=(3, 2), stride=(2, 1), padding=(1, 1))), ((3, 4, 4), dict(kernel=(2, 2), stride=(1, 3)))):
    of = dict(kernel_size=o.get("kernel", 2), stride=o.get("stride"), padding=o.get("padding", 0))
    case("max_pool2d", lambda x, of=of: F.max_pool2d(x, **of), floats(*shape), **o)
    case("max_pool2d_positions", lambda x, of=of: F.max_pool2d(x.detach(), return_indices=True, **of)[1], floats(*shape), **o)
    for counted in (0, 1):
        case("avg_pool2d", lambda x, of=of, c=counted: F.avg_pool2d(x, count_include_pad=bool(c), **of), floats(*shape), count_include_pad=counted, **o)
case("max_pool2d", lambda x: F.max_pool2d(x, 2), torch.ones(1, 1, 2, 4, dtype=F64))
for size in ((1, 1), (2, 3), (7, 2)):
    case("adaptive_avg_pool2d", lambda x, s=size: F.adaptive_avg_pool2d(x, s), floats(2, 2, 5, 7), size=size)
case("layer_norm", lambda x, w, b: F.layer_norm(x, (5,), w, b), floats(2, 3, 5), floats(5), floats(5))
case("layer_norm", lambda x, w, b: F.layer_norm(x, (3, 5), w, b, 1e-3), floats(2, 3, 5), floats(3, 5), floats(3, 5), ndim=2, eps=1e-3)
case("layer_norm", lambda x, w, b: F.layer_norm(x, (4,), w, b), given(10, 11, 12, 13), floats(4), floats(4))
case("rms_norm", lambda x, w: x / torch.sqrt(x.square().mean(-1, keepdim=True) + 1e-5) * w, floats(3, 5), floats(5))
case("rms_norm", lambda x, w: x / torch.sqrt(x.square().mean((-1, -2), keepdim=True) + 1e-3) * w, floats(3, 2, 5), floats(2, 5), ndim=2, eps=1e-3)
for shape, groups in (((2, 4, 3, 2), 2), ((3, 6), 2), ((2, 3, 4), 3), ((2, 3, 4), 1)):
    case("group_norm", lambda x, w, b, g=groups: F.group_norm(x, g, w, b), floats(*shape), floats(shape[1]), floats(shape[1]), groups=groups)
for shape in ((5, 3), (2, 3, 4), (2, 3, 4, 5)):
    case("batch_norm", lambda x, w, b: F.batch_norm(x, None, None, w, b, True), floats(*shape), floats(shape[1]), floats(shape[1]))
    for act, f in (("relu", torch.relu), ("tanh", torch.tanh), ("sigmoid", torch.sigmoid)):
        case("batch_norm", lambda x, w, b, f=f: f(F.batch_norm(x, None, None, w, b, True)), floats(*shape), floats(shape[1]), floats(shape[1]), act=act)
    case("channel_moments", lambda x: torch.stack([x.transpose(0, 1).flatten(1).mean(1), x.transpose(0, 1).flatten(1).var(1, unbiased=False)]), floats(*shape))
case("dropout", lambda x: F.dropout(x, 0.0), floats(2, 3), p=0.0)  # between, the draws differ: tests/c/test_nn.c
case("dropout", lambda x: F.dropout(x, 1.0), floats(2, 3), p=1.0)

for act, g in ACTS.items():
    case("linear", lambda x, w, b, g=g: g(torch.baddbmm(b[:, None], x, w.mT)), floats(2, 4, 3), floats(2, 5, 3), floats(2, 5), act=act)
case("cross_entropy", F.cross_entropy, floats(4), ints(4, 1)[0])
case("cross_entropy", lambda x, y: F.cross_entropy(x, y, reduction="none").reshape(3, 2).mean(1), floats(6, 4), ints(4, 6), groups=3)
case("act_dx", lambda dy, y: dy * (1 - y * y), floats(2, 3), floats(2, 3), act="tanh")
case("act_dx", lambda dy, y: dy * y * (1 - y), floats(2, 3), floats(3), act="sigmoid")
case("act_dx", lambda dy, y: dy * (y > 0), floats(2, 3), floats(2, 3), act="relu")


for n in (1, 2, 3, 4, 5, 8, 12, 30, 97, 101, 127, 206):  # primes on both sides of the border, and twice one
    case("rfft", lambda x: torch.view_as_real(torch.fft.rfft(x)), floats(n))
    case("irfft", lambda y, n=n: torch.fft.irfft(torch.view_as_complex(y), n), floats(n // 2 + 1, 2), n=n)
case("rfft", lambda x: torch.view_as_real(torch.fft.rfft(x)), floats(2, 2, 7))
case("irfft", lambda y: torch.fft.irfft(torch.view_as_complex(y)), floats(2, 4, 2))


def recurrent(kind, reverse, x, w, b, s):
    """PyTorch's cell over what the input has already become: its own weight is the identity, without a bias."""
    step = getattr(torch, kind + "_cell")
    identity, none = torch.eye(w.shape[0], dtype=F64), torch.zeros_like(b)
    states = []
    for x_t in (x.flip(1) if reverse else x).unbind(1):
        s = step(x_t, s.unbind(0) if kind == "lstm" else s, identity, w, none, b)
        s = torch.stack(s) if kind == "lstm" else s
        states.append(s)
    return torch.stack(states[::-1] if reverse else states, -2)


for kind, op, gates in (("rnn_tanh", "rnn", 1), ("rnn_relu", "rnn", 1), ("gru", "gru", 3), ("lstm", "lstm", 4)):
    for reverse in (0, 1):
        for n, t, h in ((2, 4, 3), (1, 1, 2)):
            first = (2, n, h) if kind == "lstm" else (n, h)
            case(op, lambda x, w, b, s, k=kind, r=reverse: recurrent(k, r, x, w, b, s), floats(n, t, gates * h), floats(gates * h, h),
                 floats(gates * h), floats(*first), reverse=reverse, **(dict(act=kind[4:]) if op == "rnn" else {}))


def attention(q, k, v, causal=0, scale=0.0):
    scores = q @ k.mT * (scale or q.shape[-1] ** -0.5)
    if causal:
        hidden = torch.triu(torch.ones(q.shape[-2], k.shape[-2]), k.shape[-2] - q.shape[-2] + 1).bool()
        scores = scores.masked_fill(hidden, -torch.inf)
    return scores.softmax(-1) @ v


def self_attention(x, heads=1, **o):
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(-3, -2) for part in x.chunk(3, -1))
    return attention(q, k, v, **o).transpose(-3, -2).flatten(-2)


def cross_attention(x, y, heads=1, **o):
    q, k, v = (part.unflatten(-1, (heads, -1)).transpose(-3, -2) for part in (x, *y.chunk(2, -1)))
    return attention(q, k, v, **o).transpose(-3, -2).flatten(-2)


for q, k, v, o in (((2, 3, 4), (2, 5, 4), (2, 5, 3), {}), ((3, 2), (4, 2), (4, 1), dict(causal=1)), ((2, 1, 3, 2), (3, 3, 2), (3, 2), dict(scale=0.3)),
                   ((3, 18), (3, 18), (3, 17), dict(causal=1)), ((17, 2), (20, 2), (20, 3), dict(causal=1))):
    case("attention", lambda q, k, v, o=o: attention(q, k, v, **o), floats(*q), floats(*k), floats(*v), **o)
for x, o in (((2, 3, 12), dict(heads=2)), ((4, 6), {}), ((1, 3, 12), dict(heads=4, causal=1, scale=0.7))):
    case("self_attention", lambda x, o=o: self_attention(x, **o), floats(*x), **o)
for x, y, o in (((2, 3, 4), (2, 5, 8), dict(heads=2)), ((1, 3), (2, 6), {}), ((2, 4), (3, 8), dict(heads=4, causal=1, scale=0.7))):
    case("cross_attention", lambda x, y, o=o: cross_attention(x, y, **o), floats(*x), floats(*y), **o)


# --- writing ------------------------------------------------------------------------------------------------------------

for r in ("mean", "sum", "none"):
    sides = torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0]], dtype=F64)
    rows = {"mean": lambda t: t.mean(), "sum": lambda t: t.sum(), "none": lambda t: t}[r]
    case("weighted_cross_entropy", lambda x, y, w, r=r: F.cross_entropy(x, y, w.detach(), reduction=r), floats(5, 4), ints(4, 5), floats(4, low=0.5), fixed=2, reduction=r)
    case("weighted_cross_entropy", lambda x, y, w, r=r: F.cross_entropy(x, y, w.detach(), reduction=r, label_smoothing=0.3), floats(5, 4), ints(4, 5),
         floats(4, low=0.5), fixed=2, reduction=r, label_smoothing=0.3)
    case("bce_with_logits", lambda x, y, r=r: F.binary_cross_entropy_with_logits(x, y.detach(), reduction=r), floats(2, 3), floats(2, 3, low=0, high=1), fixed=1, reduction=r)
    case("bce_with_logits", lambda x, y, r=r: F.binary_cross_entropy_with_logits(x, y.detach(), reduction=r, pos_weight=given(2.5)[0]), floats(2, 3, low=-30, high=30),
         floats(2, 3, low=0, high=1), fixed=1, reduction=r, pos_weight=2.5)
    case("hinge", lambda x, y, f=rows: f((0.7 - x * y).clamp(min=0)), floats(2, 3), sides, fixed=1, reduction=r, margin=0.7)
    case("logistic_loss", lambda x, y, r=r: F.soft_margin_loss(x, y.detach(), reduction=r), floats(2, 3), sides, fixed=1, reduction=r)
    case("exponential_loss", lambda x, y, f=rows: f(torch.exp(-x * y)), floats(2, 3), sides, fixed=1, reduction=r)
    case("huber", lambda x, y, r=r: F.huber_loss(x, y, reduction=r, delta=0.8), floats(2, 3), floats(2, 3), fixed=1, reduction=r, delta=0.8)
    case("smooth_l1", lambda x, y, r=r: F.smooth_l1_loss(x, y, reduction=r, beta=0.8), floats(2, 3), floats(2, 3), fixed=1, reduction=r, beta=0.8)
    case("kl_div", lambda x, y, f=rows: f(F.kl_div(x, y, reduction="none", log_target=True).sum(-1)), F.log_softmax(floats(2, 3), -1), F.log_softmax(floats(2, 3), -1), reduction=r)
    case("multi_margin", lambda x, y, r=r: F.multi_margin_loss(x, y, reduction=r, margin=0.9), floats(5, 4), ints(4, 5), reduction=r, margin=0.9)
    case("multi_margin", lambda x, y, r=r: F.multi_margin_loss(x, y, p=2, reduction=r), floats(5, 4), ints(4, 5), reduction=r, p=2)
case("smooth_l1", F.l1_loss, floats(2, 3), floats(2, 3), beta=0)
case("margin", lambda x, y: torch.stack([r[k] - torch.cat([r[:k], r[k + 1:]]).max() for r, k in zip(x, y)]), floats(5, 4), ints(4, 5))


def option_text(value):
    if isinstance(value, tuple):
        return "(" + ",".join(str(v) for v in value) + ")"
    return str(value)


def write(out, name, options, f, inputs, fixed):
    leaves = [x.clone().requires_grad_(True) if x.dtype == F64 and i != fixed else x for i, x in enumerate(inputs)]
    y = f(*leaves)
    out.write("op " + " ".join([name] + [k + "=" + option_text(v) for k, v in options.items()]) + "\n")
    for x in inputs:
        out.write(f"in {NAMES[x.dtype]} {sizes(x)} {numbers(x)}\n")
    out.write(f"out {NAMES[y.dtype]} {sizes(y)} {numbers(y)}\n")
    if y.requires_grad:
        dy = floats(*y.shape)
        y.backward(dy.to(y.dtype))
        out.write(f"dy {sizes(dy)} {numbers(dy)}\n")
        for i, x in enumerate(leaves):
            if x.requires_grad:
                out.write(f"dx {i} {numbers(torch.zeros_like(x) if x.grad is None else x.grad)}\n")
    out.write("\n")


path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.txt")
with open(path, "w") as out:
    out.write(f"# written by ops.py with PyTorch {torch.__version__}\n\n")
    for c in CASES:
        write(out, *c)

#!/usr/bin/python3
"""Writes layers.lua: what PyTorch gives for every kind of layer, forward and backward, for tests/lua/golden_layers_spec.lua.

    /usr/bin/python3 tests/golden/layers.py        # Debian's python3-torch

A case is the Lua expression that makes the layer (nn and dtype are given), its parameters and buffers in their order, an input x, a
slope dy of the result, and what comes out: the result, the buffers, the slopes of x and of each parameter. Everything is computed in
f64. Layers that PyTorch does not have are written out here from their definitions, with NumPy for the group of symmetries.
"""
import os
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import stateless

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
cases = []
draws = np.random.default_rng(11)


def values(*shape, low=-2.0, high=2.0):
    """Numbers with two digits: short to write, and the same in f32 up to its rounding."""
    return torch.tensor(np.round(draws.uniform(low, high, shape), 2))


def distinct(*shape):
    """The same, no two alike: where the largest counts."""
    n = int(np.prod(shape))
    return torch.tensor(np.round(draws.permutation(n).reshape(shape) * (4.0 / n) - 2, 3))


def add(make, run, x, params=(), buffers=(), mode="train", ids=False):
    """run(x, params, buffers) -> y, or (y, new buffers)."""
    params = [p.clone().requires_grad_(True) for p in params]
    given = [b.clone() for b in buffers]
    x = x.clone() if ids else x.clone().requires_grad_(True)
    out = run(x, params, [b.clone() for b in buffers])
    y, after = out if isinstance(out, tuple) else (out, given)
    dy = values(*y.shape)
    slopes = torch.autograd.grad((y * dy).sum(), params + ([] if ids else [x]), allow_unused=False)
    cases.append(dict(make=make, mode=mode, params=[p.detach() for p in params], buffers=given, after=after, x=x.detach() + 1 if ids else x.detach(),
                      ids=ids, dy=dy, y=y.detach(), dparams=list(slopes[:len(params)]), dx=None if ids else slopes[-1]))


def module(make, layer, x, mode="train"):
    """A layer of PyTorch, its parameters and buffers taken from it in its own order."""
    for p in layer.parameters():
        p.data = values(*p.shape)
    names = [n for n, b in layer.named_buffers() if b.is_floating_point()]
    state = [values(*dict(layer.named_buffers())[n].shape, low=0.3, high=2) for n in names]
    layer.train(mode == "train")
    listed = [n for n, _ in layer.named_parameters()]

    def run(x, params, buffers):
        held = dict(zip(names, buffers))
        y = stateless.functional_call(layer, {**dict(zip(listed, params)), **held}, (x,))
        return y, [held[n].detach() for n in names]  # functional_call changes what it is given in place
    add(make, run, x, [p.data for p in layer.parameters()], state, mode)


# --- linear ------------------------------------------------------------------------------------------------------------------
module("nn.Linear(3, 4, { dtype = dtype })", nn.Linear(3, 4), values(5, 3))
module("nn.Linear(3, 2, { bias = false, dtype = dtype })", nn.Linear(3, 2, bias=False), values(2, 4, 3))
add("nn.Bilinear(2, 3, 4, { dtype = dtype })", lambda x, p, b: F.bilinear(x[..., :2], x[..., 2:], *p), values(5, 5), [values(4, 2, 3), values(4)])
add("nn.Bilinear(3, 1, 2, { bias = false, dtype = dtype })", lambda x, p, b: F.bilinear(x[..., :3].contiguous(), x[..., 3:].contiguous(), p[0]),
    values(2, 3, 4), [values(2, 3, 1)])
add("nn.Embedding(6, 3, { dtype = dtype })", lambda x, p, b: F.embedding(x, p[0]), torch.tensor([[0, 5, 2], [2, 2, 1]]), [values(6, 3)], ids=True)
add("nn.Flatten()", lambda x, p, b: x.flatten(1), values(2, 3, 2))

# --- containers -----------------------------------------------------------------------------------------------------------------
module("nn.Sequential { nn.Linear(3, 4, { dtype = dtype }), nn.ReLU(), nn.Linear(4, 2, { dtype = dtype }) }",
       nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), values(5, 3))
module("nn.Sequential { nn.Conv2d(2, 3, 3, { dtype = dtype }), nn.BatchNorm2d(3, { dtype = dtype }), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten() }",
       nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()), distinct(2, 2, 6, 6))

# --- convolutions -----------------------------------------------------------------------------------------------------------------
for options, python in (("", {}), ("stride = 2, padding = 1, bias = false, ", dict(stride=2, padding=1, bias=False)),
                        ("dilation = 2, groups = 2, ", dict(dilation=2, groups=2)), ('padding = "same", ', dict(padding="same")),
                        ('padding = 2, padding_mode = "circular", ', dict(padding=2, padding_mode="circular")),
                        ('padding = 2, padding_mode = "reflect", ', dict(padding=2, padding_mode="reflect")),
                        ('padding = 1, padding_mode = "replicate", ', dict(padding=1, padding_mode="replicate"))):
    module(f"nn.Conv1d(2, 4, 3, {{ {options}dtype = dtype }})", nn.Conv1d(2, 4, 3, **python), values(2, 2, 7))
    module(f"nn.Conv2d(2, 4, 3, {{ {options}dtype = dtype }})", nn.Conv2d(2, 4, 3, **python), values(2, 2, 6, 5))
module("nn.Conv2d(2, 3, { 3, 2 }, { stride = { 1, 2 }, padding = { 0, 1 }, dtype = dtype })", nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=(0, 1)), values(2, 2, 5, 6))
module('nn.Conv2d(2, 3, { 4, 2 }, { padding = "same", dtype = dtype })', nn.Conv2d(2, 3, (4, 2), padding="same"), values(2, 2, 5, 6))
for options, python in (("", {}), ("stride = 2, padding = 1, output_padding = 1, ", dict(stride=2, padding=1, output_padding=1)),
                        ("dilation = 2, groups = 2, bias = false, ", dict(dilation=2, groups=2, bias=False))):
    module(f"nn.ConvTranspose1d(2, 4, 3, {{ {options}dtype = dtype }})", nn.ConvTranspose1d(2, 4, 3, **python), values(2, 2, 5))
    module(f"nn.ConvTranspose2d(2, 4, 3, {{ {options}dtype = dtype }})", nn.ConvTranspose2d(2, 4, 3, **python), values(2, 2, 4, 3))


def local(x, w, b, stride, padding):
    """w (places, out, in, kh, kw), b (out, h', w')"""
    n, (kh, kw) = x.shape[0], w.shape[3:]
    columns = F.unfold(x, (kh, kw), stride=stride, padding=padding)  # (n, in kh kw, places)
    y = torch.einsum("nkp,pok->nop", columns, w.flatten(2))
    y = y.reshape(n, w.shape[1], (x.shape[2] + 2 * padding[0] - kh) // stride[0] + 1, -1)
    return y if b is None else y + b


add("nn.LocallyConnected2d(2, 3, { 3, 2 }, { 5, 4 }, { stride = { 2, 1 }, padding = { 1, 0 }, dtype = dtype })",
    lambda x, p, b: local(x, *p, (2, 1), (1, 0)), values(2, 2, 5, 4), [values(9, 3, 2, 3, 2), values(3, 3, 3)])
add("nn.LocallyConnected2d(1, 2, 2, 3, { bias = false, dtype = dtype })",
    lambda x, p, b: local(x, p[0], None, (1, 1), (0, 0)), values(2, 1, 3, 3), [values(4, 2, 1, 2, 2)])
add("nn.LocallyConnected1d(2, 3, 3, 7, { stride = 2, dtype = dtype })",
    lambda x, p, b: local(x[:, :, None], p[0][:, :, :, None], None, (1, 2), (0, 0))[:, :, 0] + p[1], values(2, 2, 7), [values(3, 3, 2, 3), values(3, 3)])


# --- symmetries: from the definition y[g](x) = sum over h, u of f[h](x + u) w[g^-1 h, g^-1 u], in matrices over centred places ----------
TURN, MIRROR = np.array([[0, -1], [1, 0]]), np.array([[1, 0], [0, -1]])


def group(size):
    return [np.linalg.matrix_power(TURN, g % 4) @ np.linalg.matrix_power(MIRROR, g // 4) for g in range(size)]


def kernels(w, size):
    """w (out, in, from, k, k), from = 1 or size -> (out size, in from, k, k)"""
    elements, k, origins = group(size), w.shape[-1], w.shape[2]
    index = {e.tobytes(): g for g, e in enumerate(elements)}
    bank = []
    for e in elements:
        inverse = np.round(np.linalg.inv(e)).astype(int)
        planes = []
        for h in range(origins):
            source = index[(inverse @ elements[h]).tobytes()] if origins > 1 else 0
            rows = []
            for i in range(k):
                for j in range(k):
                    a, c = inverse @ (2 * np.array([i, j]) - (k - 1))  # twice the place from the centre: whole numbers
                    rows.append(w[:, :, source, (a + k - 1) // 2, (c + k - 1) // 2])
            planes.append(torch.stack(rows, -1).reshape(*w.shape[:2], k, k))
        bank.append(torch.stack(planes, 2))  # (out, in, from, k, k)
    bank = torch.stack(bank, 1)
    return bank.reshape(w.shape[0] * size, w.shape[1] * origins, k, k)


def symmetric(x, w, b, size, **options):
    y = F.conv2d(x.reshape(x.shape[0], -1, *x.shape[-2:]), kernels(w, size), None if b is None else b.repeat_interleave(size), **options)
    return y.reshape(x.shape[0], w.shape[0], size, *y.shape[-2:])


add("nn.LiftConv2d(2, 2, 3, { dtype = dtype })", lambda x, p, b: symmetric(x, p[0][:, :, None], p[1], 4), values(1, 2, 5, 4), [values(2, 2, 3, 3), values(2)])
add('nn.LiftConv2d(1, 2, 2, { group = "p4m", stride = 2, padding = 1, bias = false, dtype = dtype })',
    lambda x, p, b: symmetric(x, p[0][:, :, None], None, 8, stride=2, padding=1), values(1, 1, 4, 4), [values(2, 1, 2, 2)])
add('nn.GroupConv2d(1, 2, 3, { padding = "same", dtype = dtype })', lambda x, p, b: symmetric(x, *p, 4, padding=1),
    values(1, 1, 4, 4, 3), [values(2, 1, 4, 3, 3), values(2)])
add('nn.GroupConv2d(1, 1, 2, { group = "p4m", dtype = dtype })', lambda x, p, b: symmetric(x, *p, 8), values(1, 1, 8, 3, 3), [values(1, 1, 8, 2, 2), values(1)])
add("nn.GroupPool()", lambda x, p, b: x.amax(2), distinct(2, 2, 4, 2, 2))
add('nn.GroupPool "mean"', lambda x, p, b: x.mean(2), values(2, 2, 8, 2, 2))

# --- pools ---------------------------------------------------------------------------------------------------------------------------
module("nn.MaxPool1d(2)", nn.MaxPool1d(2), distinct(2, 2, 7))
module("nn.MaxPool1d(3, { stride = 2, padding = 1 })", nn.MaxPool1d(3, 2, 1), distinct(2, 2, 7))
module("nn.MaxPool2d(2)", nn.MaxPool2d(2), distinct(2, 2, 5, 4))
module("nn.MaxPool2d({ 3, 2 }, { stride = { 2, 1 }, padding = { 1, 0 } })", nn.MaxPool2d((3, 2), (2, 1), (1, 0)), distinct(2, 2, 5, 4))
module("nn.AvgPool1d(3, { stride = 2, padding = 1 })", nn.AvgPool1d(3, 2, 1), values(2, 2, 7))
module("nn.AvgPool2d(2)", nn.AvgPool2d(2), values(2, 2, 5, 4))
module("nn.AvgPool2d(3, { stride = 2, padding = 1, count_include_pad = false })", nn.AvgPool2d(3, 2, 1, count_include_pad=False), values(2, 2, 5, 4))
module("nn.AdaptiveAvgPool1d(3)", nn.AdaptiveAvgPool1d(3), values(2, 2, 7))
module("nn.AdaptiveAvgPool2d({ 2, 3 })", nn.AdaptiveAvgPool2d((2, 3)), values(2, 2, 5, 4))
module("nn.AdaptiveMaxPool1d(3)", nn.AdaptiveMaxPool1d(3), distinct(2, 2, 7))
module("nn.AdaptiveMaxPool2d({ 2, 3 })", nn.AdaptiveMaxPool2d((2, 3)), distinct(2, 2, 5, 4))
add("nn.GlobalAvgPool()", lambda x, p, b: x.mean((2, 3)), values(2, 2, 3, 2))
add("nn.GlobalMaxPool()", lambda x, p, b: x.amax((2, 3)), distinct(2, 2, 3, 2))

# --- normalisation --------------------------------------------------------------------------------------------------------------------
for mode in ("train", "eval"):
    module("nn.BatchNorm1d(3, { dtype = dtype })", nn.BatchNorm1d(3), values(5, 3), mode)
    module("nn.BatchNorm1d(3, { dtype = dtype, momentum = 0.3, eps = 1e-2 })", nn.BatchNorm1d(3, momentum=0.3, eps=1e-2), values(2, 3, 4), mode)
    module("nn.BatchNorm2d(3, { dtype = dtype })", nn.BatchNorm2d(3), values(2, 3, 3, 2), mode)
    module("nn.BatchNorm2d(2, { dtype = dtype, affine = false })", nn.BatchNorm2d(2, affine=False), values(2, 2, 3, 2), mode)
module("nn.BatchNorm2d(2, { dtype = dtype, tracking = false })", nn.BatchNorm2d(2, track_running_stats=False), values(2, 2, 3, 2), "eval")
module("nn.BatchNorm2d(2, { dtype = dtype })", nn.BatchNorm3d(2), values(2, 2, 4, 3, 2))
module("nn.LayerNorm(4, { dtype = dtype })", nn.LayerNorm(4), values(3, 4))
module("nn.LayerNorm({ 2, 3 }, { dtype = dtype, eps = 1e-2 })", nn.LayerNorm((2, 3), eps=1e-2), values(2, 2, 3))
module("nn.GroupNorm(2, 4, { dtype = dtype })", nn.GroupNorm(2, 4), values(2, 4, 3))
add("nn.RMSNorm(4, { dtype = dtype, eps = 1e-3 })", lambda x, p, b: x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-3) * p[0], values(3, 4), [values(4)])
module("nn.Dropout(0.5)", nn.Dropout(0.5), values(3, 4), "eval")
module("nn.Dropout(0)", nn.Dropout(0), values(3, 4), "train")

# --- activations ------------------------------------------------------------------------------------------------------------------------
for make, layer in {
    "nn.ReLU()": nn.ReLU(), "nn.LeakyReLU()": nn.LeakyReLU(), "nn.LeakyReLU(0.3)": nn.LeakyReLU(0.3), "nn.ELU()": nn.ELU(), "nn.ELU { alpha = 0.7 }": nn.ELU(0.7),
    "nn.SELU()": nn.SELU(), "nn.GELU()": nn.GELU(), "nn.GELU(true)": nn.GELU("tanh"), "nn.SiLU()": nn.SiLU(), "nn.Mish()": nn.Mish(),
    "nn.Softplus()": nn.Softplus(threshold=1e9), "nn.Softsign()": nn.Softsign(), "nn.Tanh()": nn.Tanh(), "nn.Sigmoid()": nn.Sigmoid(),
    "nn.LogSigmoid()": nn.LogSigmoid(), "nn.Softmax()": nn.Softmax(-1), "nn.Softmax(1)": nn.Softmax(0), "nn.LogSoftmax()": nn.LogSoftmax(-1),
    "nn.LogSoftmax { dim = 1 }": nn.LogSoftmax(0), "nn.Clamp(-1.255, 0.735)": nn.Hardtanh(-1.255, 0.735),
}.items():
    module(make, layer, distinct(3, 4) + 0.0005)
for make, function in {
    "nn.Sin()": torch.sin, "nn.Cos()": torch.cos, "nn.Erf()": torch.erf, "nn.Exp()": torch.exp, "nn.Abs()": torch.abs, "nn.Square()": torch.square,
    "nn.Sine(2.5)": lambda x: torch.sin(2.5 * x), "nn.Sine()": lambda x: torch.sin(30 * x), "nn.Clamp { max = 0.735 }": lambda x: x.clamp(max=0.735),
    "nn.Maxout(2)": lambda x: x.unflatten(-1, (2, 2)).amax(-1), "nn.Maxout(3, { dim = 1 })": lambda x: x.unflatten(0, (1, 3)).amax(1),
}.items():
    add(make, lambda x, p, b, f=function: f(x), distinct(3, 4) + 0.0005)


# --- writing ------------------------------------------------------------------------------------------------------------------------------
def number(v):
    return repr(int(v)) if isinstance(v, int) else f"{v:.12g}"


def tensor(t):
    return "{ { %s }, { %s } }" % (", ".join(map(str, t.shape)), ", ".join(number(v) for v in t.flatten().tolist()))


def tensors(ts):
    return "{ %s }" % ", ".join(map(tensor, ts))


def main():
    lines = ["-- Made by layers.py beside it. Not to be edited.", "-- luacheck: ignore 631", "return {"]
    for c in cases:
        lines.append(f"  {{ make = [[{c['make']}]], train = {'true' if c['mode'] == 'train' else 'false'}, ids = {'true' if c['ids'] else 'false'},")
        for name in ("x", "dy", "y"):
            lines.append(f"    {name} = {tensor(c[name])},")
        if c["dx"] is not None:
            lines.append(f"    dx = {tensor(c['dx'])},")
        for name in ("params", "dparams", "buffers", "after"):
            lines.append(f"    {name} = {tensors(c[name])},")
        lines.append("  },")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.lua")
    with open(path, "w") as f:
        f.write("\n".join(lines + ["}"]) + "\n")


main()

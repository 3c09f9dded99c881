#!/usr/bin/python3
"""Writes optim.txt: what other implementations do to a small network in 100 steps, for tests/c/test_optim.c.

    /usr/bin/python3 tests/golden/optim.py        # Debian's python3-torch and python3-numpy

The problem: loss = mean((tanh(x w1 + b) w2 - y)^2) with 8 rows, 3 inputs, 5 hidden units, 2 outputs. The steps are PyTorch's
where it has the optimizer, else those of the NumPy below, written from the papers; the gradients are PyTorch's always.
Numbers are written so that they read back exactly. A block is a word, a count, and that many numbers.
"""
import os

import numpy as np
import torch

STEPS = 100
SHOWN = (1, 2, 10, 100)


# --- what PyTorch does not have: parameters and gradients are lists of arrays, changed in place ------------------------------
class Lion:
    def __init__(self, params, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
        self.lr, self.betas, self.decay = lr, betas, weight_decay
        self.m = [np.zeros_like(p) for p in params]

    def step(self, params, grads):
        for p, g, m in zip(params, grads, self.m):
            p *= 1 - self.lr * self.decay
            p -= self.lr * np.sign(self.betas[0] * m + (1 - self.betas[0]) * g)
            m[...] = self.betas[1] * m + (1 - self.betas[1]) * g


class AdamW:
    def __init__(self, params, lr, betas, eps, weight_decay):
        self.lr, self.betas, self.eps, self.decay, self.t = lr, betas, eps, weight_decay, 0
        self.m, self.v = [np.zeros_like(p) for p in params], [np.zeros_like(p) for p in params]

    def step(self, params, grads):
        self.t += 1
        for p, g, m, v in zip(params, grads, self.m, self.v):
            m[...] = self.betas[0] * m + (1 - self.betas[0]) * g
            v[...] = self.betas[1] * v + (1 - self.betas[1]) * g * g
            p *= 1 - self.lr * self.decay
            p -= self.lr * (m / (1 - self.betas[0] ** self.t)) / (np.sqrt(v / (1 - self.betas[1] ** self.t)) + self.eps)


class Muon:
    def __init__(self, params, lr=0.02, momentum=0.95, nesterov=True, weight_decay=0.0, ns_steps=5,
                 adam_lr=3e-4, adam_betas=(0.9, 0.95), adam_eps=1e-10, adam_weight_decay=0.0):
        self.lr, self.mu, self.nesterov, self.decay, self.ns_steps = lr, momentum, nesterov, weight_decay, ns_steps
        self.m = [np.zeros_like(p) for p in params]
        self.ratio = adam_lr / lr
        self.adam = AdamW([p for p in params if p.ndim < 2], adam_lr, adam_betas, adam_eps, adam_weight_decay)

    def orthogonal(self, x):
        if x.shape[0] > x.shape[1]:
            return self.orthogonal(x.T).T
        x = x / (np.linalg.norm(x) + 1e-7)
        for _ in range(self.ns_steps):
            s = x @ x.T
            x = 3.4445 * x - 4.7750 * s @ x + 2.0315 * s @ s @ x
        return x

    def step(self, params, grads):
        for p, g, m in zip(params, grads, self.m):
            if p.ndim < 2:
                continue
            m[...] = self.mu * m + (1 - self.mu) * g
            u = self.mu * m + (1 - self.mu) * g if self.nesterov else m
            p *= 1 - self.lr * self.decay
            p -= self.lr * max(1, p.shape[0] / p.shape[1]) ** 0.5 * self.orthogonal(u)
        self.adam.lr = self.lr * self.ratio
        self.adam.step([p for p in params if p.ndim < 2], [g for p, g in zip(params, grads) if p.ndim < 2])


NUMPY = dict(Lion=Lion, Muon=Muon)

# No case may oscillate around its minimum: there a difference of one rounding grows until no tolerance holds it.
# name, kind, options; then: b_sits_out: every how many steps, from the first on, b has no gradient; factor: of lr after each step
CASES = [
    ("sgd",                   "SGD",   dict(lr=0.1)),
    ("sgd_decay",             "SGD",   dict(lr=0.1, weight_decay=0.05)),
    ("sgd_momentum",          "SGD",   dict(lr=0.05, momentum=0.9)),
    ("sgd_momentum_decay",    "SGD",   dict(lr=0.05, momentum=0.5, weight_decay=0.05)),
    ("sgd_nesterov",          "SGD",   dict(lr=0.05, momentum=0.9, nesterov=True)),
    ("sgd_nesterov_decay",    "SGD",   dict(lr=0.05, momentum=0.7, nesterov=True, weight_decay=0.1)),
    ("sgd_momentum_sits_out", "SGD",   dict(lr=0.05, momentum=0.9), dict(b_sits_out=3)),
    ("adam",                  "Adam",  dict(lr=1e-3)),
    ("adam_betas",            "Adam",  dict(lr=1e-2, betas=(0.8, 0.95))),
    ("adam_betas_zero",       "Adam",  dict(lr=1e-3, betas=(0.0, 0.9))),
    ("adam_eps",              "Adam",  dict(lr=1e-2, eps=1e-2)),
    ("adam_decay",            "Adam",  dict(lr=1e-2, weight_decay=0.1)),
    ("adam_sits_out",         "Adam",  dict(lr=1e-2), dict(b_sits_out=3)),
    ("adamw",                 "AdamW", dict(lr=1e-3)),
    ("adamw_grokking",        "AdamW", dict(lr=5e-3, betas=(0.9, 0.98), weight_decay=1.0)),
    ("adamw_no_decay",        "AdamW", dict(lr=1e-2, weight_decay=0.0)),
    ("adamw_schedule",        "AdamW", dict(lr=1e-2, weight_decay=0.1), dict(b_sits_out=2, factor=0.97)),
    ("rmsprop",               "RMSprop", dict(lr=1e-3)),
    ("rmsprop_alpha_eps",     "RMSprop", dict(lr=2e-3, alpha=0.9, eps=1e-2)),
    ("rmsprop_decay",         "RMSprop", dict(lr=1e-3, weight_decay=0.1)),
    ("rmsprop_momentum",      "RMSprop", dict(lr=1e-4, momentum=0.9)),
    ("rmsprop_centered",      "RMSprop", dict(lr=1e-3, centered=True, eps=1e-3)),
    ("rmsprop_all",           "RMSprop", dict(lr=1e-4, centered=True, eps=1e-3, momentum=0.8, weight_decay=0.1), dict(b_sits_out=3)),
    ("adagrad",               "Adagrad", dict(lr=1e-2)),
    ("adagrad_decay",         "Adagrad", dict(lr=5e-2, weight_decay=0.1, lr_decay=0.01)),
    ("adagrad_sum",           "Adagrad", dict(lr=5e-2, initial_sum=0.5, eps=1e-3), dict(b_sits_out=2)),
    ("lion",                  "Lion",  dict(lr=1e-3)),
    ("lion_decay",            "Lion",  dict(lr=1e-3, betas=(0.8, 0.95), weight_decay=0.5)),
    ("muon",                  "Muon",  dict(lr=2e-3, adam_lr=1e-3)),
    ("muon_plain_decay",      "Muon",  dict(lr=5e-3, momentum=0.8, nesterov=False, weight_decay=0.3, ns_steps=3, adam_weight_decay=0.2,
                                            adam_betas=(0.8, 0.9), adam_eps=1e-4), dict(factor=0.98)),
]
NAMES = dict(initial_sum="initial_accumulator_value")  # PyTorch's


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


def block(word, tensor):
    return f"{word} {tensor.numel()} {numbers(tensor.flatten())}"


class Wrapped:
    """A NumPy optimizer as PyTorch's are called."""

    def __init__(self, kind, params, options):
        self.params, self.inner = params, NUMPY[kind]([p.detach().numpy() for p in params], **options)
        self.param_groups = [self.inner.__dict__]

    def zero_grad(self, set_to_none):
        for p in self.params:
            p.grad = None

    def step(self):
        self.inner.step([p.detach().numpy() for p in self.params], [p.grad.numpy() for p in self.params])


def run(kind, options, dtype, data, b_sits_out=0, factor=1):
    x, y = (data[k].to(dtype) for k in ("x", "y"))
    params = [data[k].to(dtype).clone().requires_grad_(True) for k in ("w1", "b", "w2")]
    w1, b, w2 = params
    if kind in NUMPY:
        opt = Wrapped(kind, params, options)
    else:
        opt = getattr(torch.optim, kind)(params, **{NAMES.get(k, k): v for k, v in options.items()})
    lines = []
    for step in range(1, STEPS + 1):
        opt.zero_grad(set_to_none=True)
        (((x @ w1 + b).tanh() @ w2 - y) ** 2).mean().backward()
        if b_sits_out and step % b_sits_out == 1 % b_sits_out:
            b.grad = None
        opt.step()
        for group in opt.param_groups:
            group["lr"] *= factor
        if step in SHOWN:
            lines.append(block(f"{step}", torch.cat([p.detach().flatten() for p in params])))
    return lines


def words(options):
    parts = []
    for name, value in options.items():
        parts.append(f"{name} {numbers(value if isinstance(value, tuple) else (value,))}")
    return " ".join([str(len(options))] + parts)


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    shapes = dict(x=(8, 3), y=(8, 2), w1=(3, 5), b=(5,), w2=(5, 2))
    data = {k: torch.randn(*s, dtype=torch.float64) for k, s in shapes.items()}
    out = [block(k, v) for k, v in data.items()]
    out.append(f"cases {len(CASES)}")
    for name, kind, options, *more in CASES:
        extra = dict(b_sits_out=0, factor=1.0)
        extra.update(*more)
        out.append(f"case {name} {kind} {extra['b_sits_out']} {numbers((extra['factor'],))} {words(options)}")
        for word, dtype in (("f64", torch.float64), ("f32", torch.float32)):
            out.append(word)
            out.extend(run(kind, options, dtype, data, **extra))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.txt")
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


main()

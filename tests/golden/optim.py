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


class SAM:
    """The gradient of another optimizer's step, taken at the worst place within rho: params and grads are lists of arrays."""

    def __init__(self, rho, adaptive):
        self.rho, self.adaptive = rho, adaptive

    def ascent(self, params, grads):
        if self.adaptive:
            norm = np.sqrt(sum(np.sum((np.abs(p) * g) ** 2) for p, g in zip(params, grads)))
            return [self.rho * p * p * g / (norm + 1e-12) for p, g in zip(params, grads)]
        norm = np.sqrt(sum(np.sum(g * g) for g in grads))
        return [self.rho * g / (norm + 1e-12) for g in grads]


class GradientFlow:
    """The classical Runge-Kutta method, with so many steps of one length that its own error does not show."""

    def __init__(self, params, span=0, rtol=0, atol=0):
        self.span = span

    def step(self, params, gradients):
        h = self.span / 40
        for _ in range(40):
            start = [p.copy() for p in params]
            total = [np.zeros_like(p) for p in params]
            for part, weight in ((0.5, 1), (0.5, 2), (1, 2), (None, 1)):
                k = gradients()
                for p, s, t, g in zip(params, start, total, k):
                    t += weight * g
                    p[...] = s - h * part * g if part else s - h / 6 * t


NUMPY = dict(Lion=Lion, Muon=Muon, GradientFlow=GradientFlow)

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
    ("sgd_decoupled",         "SGD",   dict(lr=0.05, momentum=0.7, weight_decay=0.5, decoupled=True)),
    ("sgd_plain_decoupled",   "SGD",   dict(lr=0.1, weight_decay=0.5, decoupled=True)),
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
    ("rmsprop_decoupled",     "RMSprop", dict(lr=1e-3, weight_decay=2.0, decoupled=True)),
    ("adagrad",               "Adagrad", dict(lr=1e-2)),
    ("adagrad_decoupled",     "Adagrad", dict(lr=5e-2, weight_decay=0.3, decoupled=True)),
    ("adagrad_decay",         "Adagrad", dict(lr=5e-2, weight_decay=0.1, lr_decay=0.01)),
    ("adagrad_sum",           "Adagrad", dict(lr=5e-2, initial_sum=0.5, eps=1e-3), dict(b_sits_out=2)),
    ("lion",                  "Lion",  dict(lr=1e-3)),
    ("lion_decay",            "Lion",  dict(lr=1e-3, betas=(0.8, 0.95), weight_decay=0.5), dict(tolerance=(1e-12, 4e-6))),
    ("muon",                  "Muon",  dict(lr=2e-3, adam_lr=1e-3)),
    ("muon_plain_decay",      "Muon",  dict(lr=5e-3, momentum=0.8, nesterov=False, weight_decay=0.3, ns_steps=3, adam_weight_decay=0.2,
                                            adam_betas=(0.8, 0.9), adam_eps=1e-4), dict(factor=0.98)),
    ("sam",                   "SGD",   dict(lr=0.05, momentum=0.5), dict(rho=0.1)),
    ("sam_adaptive",          "SGD",   dict(lr=0.02), dict(rho=0.2, adaptive=True)),
    ("sam_adamw",             "AdamW", dict(lr=1e-3), dict(rho=0.05)),
    ("clip_norm",             "SGD",   dict(lr=0.1, momentum=0.5), dict(clip_norm=0.3)),
    ("clip_value",            "Adam",  dict(lr=1e-3, weight_decay=0.1), dict(clip_value=0.1)),
    ("lbfgs",                 "LBFGS", dict(max_iter=1, history=10), dict(tolerance=(1e-8, 0))),
    ("lbfgs_short_history",   "LBFGS", dict(lr=0.5, max_iter=3, history=3), dict(tolerance=(1e-8, 0), steps=10)),
    ("lbfgs_no_search",       "LBFGS", dict(lr=0.1, max_iter=2, history=5, line_search=False), dict(tolerance=(1e-7, 0))),
    ("gradient_flow",         "GradientFlow", dict(span=0.1, rtol=1e-10, atol=1e-12), dict(tolerance=(1e-8, 0))),
]
NAMES = dict(initial_sum="initial_accumulator_value", history="history_size")  # PyTorch's
TOLERANCE = (1e-12, 1e-6)  # in f64 and f32, relative to the largest value; 0: not compared


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


def block(word, tensor):
    return f"{word} {tensor.numel()} {numbers(tensor.flatten())}"


def torch_optimizer(kind, params, options):
    options = {NAMES.get(k, k): v for k, v in options.items()}
    if options.pop("decoupled", False):
        options.pop("weight_decay")
    if "line_search" in options or kind == "LBFGS":
        options["line_search_fn"] = "strong_wolfe" if options.pop("line_search", True) else None
    return getattr(torch.optim, kind)(params, **options)


def run(kind, options, dtype, data, extra):
    x, y = (data[k].to(dtype) for k in ("x", "y"))
    params = [data[k].to(dtype).clone().requires_grad_(True) for k in ("w1", "b", "w2")]
    w1, b, w2 = params
    arrays = [p.detach().numpy() for p in params]
    opt = NUMPY[kind](arrays, **options) if kind in NUMPY else torch_optimizer(kind, params, options)
    sam = SAM(extra["rho"], extra["adaptive"]) if extra["rho"] else None

    def closure():
        for p in params:
            p.grad = None
        loss = (((x @ w1 + b).tanh() @ w2 - y) ** 2).mean()
        loss.backward()
        return loss

    def gradients():
        closure()
        return [p.grad.numpy() for p in params]

    lines = []
    for step in range(1, STEPS + 1):
        if step > extra["steps"]:
            pass
        elif kind == "LBFGS":
            opt.step(closure)
        elif kind == "GradientFlow":
            opt.step(arrays, gradients)
        else:
            g = gradients()
            if sam:
                start = [a.copy() for a in arrays]
                for a, e in zip(arrays, sam.ascent(arrays, g)):
                    a += e
                closure()
                for a, s in zip(arrays, start):
                    a[...] = s
            if extra["b_sits_out"] and step % extra["b_sits_out"] == 1:
                b.grad = None
            if extra["clip_norm"]:
                torch.nn.utils.clip_grad_norm_(params, extra["clip_norm"])
            if extra["clip_value"]:
                torch.nn.utils.clip_grad_value_(params, extra["clip_value"])
            if options.get("decoupled"):
                for a in arrays:
                    a *= 1 - options["lr"] * options["weight_decay"]
            if kind in NUMPY:
                opt.step(arrays, [p.grad.numpy() for p in params])
            else:
                opt.step()
            for group in [opt.__dict__] if kind in NUMPY else opt.param_groups:
                group["lr"] *= extra["factor"]
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
        extra = dict(tolerance=TOLERANCE, steps=STEPS, b_sits_out=0, factor=1.0, rho=0, adaptive=False, clip_norm=0, clip_value=0)
        extra.update(*more)
        plain = (*extra["tolerance"], *(extra[k] for k in ("steps", "b_sits_out", "factor", "rho", "adaptive", "clip_norm", "clip_value")))
        out.append(f"case {name} {kind} {numbers(plain)} {words(options)}")
        for word, dtype, tolerance in (("f64", torch.float64, extra["tolerance"][0]), ("f32", torch.float32, extra["tolerance"][1])):
            if tolerance:
                out.append(word)
                out.extend(run(kind, options, dtype, data, extra))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.txt")
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


main()

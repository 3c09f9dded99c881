#!/usr/bin/python3
"""Writes optim.txt: what PyTorch's optimizers do to a small network in 100 steps, for tests/c/test_optim.c.

    /usr/bin/python3 tests/golden/optim.py        # Debian's python3-torch

The problem: loss = mean((tanh(x w1 + b) w2 - y)^2) with 8 rows, 3 inputs, 5 hidden units, 2 outputs.
Numbers are written so that they read back exactly. A block is a word, a count, and that many numbers.
"""
import os
import torch

STEPS = 100
SHOWN = (1, 2, 10, 100)

# No case may oscillate around its minimum: there a difference of one rounding grows until no tolerance holds it.
# name, class, options, every how many steps, from the first on, b has no gradient (0: it always has one), factor of lr after each step
CASES = [
    ("sgd",                   "SGD",   dict(lr=0.1), 0, 1),
    ("sgd_decay",             "SGD",   dict(lr=0.1, weight_decay=0.05), 0, 1),
    ("sgd_momentum",          "SGD",   dict(lr=0.05, momentum=0.9), 0, 1),
    ("sgd_momentum_decay",    "SGD",   dict(lr=0.05, momentum=0.5, weight_decay=0.05), 0, 1),
    ("sgd_nesterov",          "SGD",   dict(lr=0.05, momentum=0.9, nesterov=True), 0, 1),
    ("sgd_nesterov_decay",    "SGD",   dict(lr=0.05, momentum=0.7, nesterov=True, weight_decay=0.1), 0, 1),
    ("sgd_momentum_sits_out", "SGD",   dict(lr=0.05, momentum=0.9), 3, 1),
    ("adam",                  "Adam",  dict(lr=1e-3), 0, 1),
    ("adam_betas",            "Adam",  dict(lr=1e-2, betas=(0.8, 0.95)), 0, 1),
    ("adam_betas_zero",       "Adam",  dict(lr=1e-3, betas=(0.0, 0.9)), 0, 1),
    ("adam_eps",              "Adam",  dict(lr=1e-2, eps=1e-2), 0, 1),
    ("adam_decay",            "Adam",  dict(lr=1e-2, weight_decay=0.1), 0, 1),
    ("adam_sits_out",         "Adam",  dict(lr=1e-2), 3, 1),
    ("adamw",                 "AdamW", dict(lr=1e-3), 0, 1),
    ("adamw_grokking",        "AdamW", dict(lr=5e-3, betas=(0.9, 0.98), weight_decay=1.0), 0, 1),
    ("adamw_no_decay",        "AdamW", dict(lr=1e-2, weight_decay=0.0), 0, 1),
    ("adamw_schedule",        "AdamW", dict(lr=1e-2, weight_decay=0.1), 2, 0.97),
]


def numbers(values):
    return " ".join(repr(float(v)) for v in values)


def block(word, tensor):
    return f"{word} {tensor.numel()} {numbers(tensor.flatten())}"


def run(name, kind, options, sits_out, factor, dtype, data):
    x, y = (data[k].to(dtype) for k in ("x", "y"))
    params = [data[k].to(dtype).clone().requires_grad_(True) for k in ("w1", "b", "w2")]
    w1, b, w2 = params
    opt = getattr(torch.optim, kind)(params, **options)
    lines = []
    for step in range(1, STEPS + 1):
        opt.zero_grad(set_to_none=True)
        (((x @ w1 + b).tanh() @ w2 - y) ** 2).mean().backward()
        if sits_out and step % sits_out == 1:
            b.grad = None
        opt.step()
        for group in opt.param_groups:
            group["lr"] *= factor
        if step in SHOWN:
            lines.append(block(f"{step}", torch.cat([p.detach().flatten() for p in params])))
    return lines


def main():
    torch.manual_seed(1)
    torch.set_num_threads(1)
    shapes = dict(x=(8, 3), y=(8, 2), w1=(3, 5), b=(5,), w2=(5, 2))
    data = {k: torch.randn(*s, dtype=torch.float64) for k, s in shapes.items()}
    out = [block(k, v) for k, v in data.items()]
    out.append(f"cases {len(CASES)}")
    for name, kind, options, sits_out, factor in CASES:
        o = dict(lr=0, momentum=0, nesterov=False, betas=(0, 0), eps=1e-8, weight_decay=0.01 if kind == "AdamW" else 0)
        if kind != "SGD":
            o["betas"] = (0.9, 0.999)
        o.update(options)
        plain = (o["lr"], o["momentum"], o["nesterov"], *o["betas"], o["eps"], o["weight_decay"], factor)
        out.append(f"case {name} {kind} {sits_out} {numbers(plain)}")
        for word, dtype in (("f64", torch.float64), ("f32", torch.float32)):
            out.append(word)
            out.extend(run(name, kind, options, sits_out, factor, dtype, data))
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "optim.txt")
    with open(path, "w") as f:
        f.write("\n".join(out) + "\n")


main()

#!/usr/bin/python3
"""Writes schedules.txt: what PyTorch's schedulers make of a rate of 1, for tests/lua/schedules_spec.lua.

    /usr/bin/python3 tests/golden/schedules.py    # Debian's python3-torch

A line is a name, options as key=value (a list with commas), a colon, and the rates of steps 0, 1, ...
"""
import os
import warnings

import torch
from torch.optim import lr_scheduler as s

STEPS = 50
CASES = [
    ("cosine", dict(steps=40, final=0.1), lambda o: s.CosineAnnealingLR(o, 40, 0.1), 41),
    ("linear", dict(steps=30, final=0.25), lambda o: s.LinearLR(o, 1.0, 0.25, 30), STEPS),
    ("polynomial", dict(steps=30, power=2.5), lambda o: s.PolynomialLR(o, 30, 2.5), STEPS),
    ("exponential", dict(gamma=0.93), lambda o: s.ExponentialLR(o, 0.93), STEPS),
    ("step", dict(every=7, gamma=0.3), lambda o: s.StepLR(o, 7, 0.3), STEPS),
    ("multistep", dict(at=(5, 6, 30), gamma=0.5), lambda o: s.MultiStepLR(o, [5, 6, 30], 0.5), STEPS),
    ("one_cycle", dict(steps=50, rise=0.3), lambda o: s.OneCycleLR(o, 1.0, 50, cycle_momentum=False), STEPS),
    ("one_cycle", dict(steps=40, rise=0.5, start=0.1, final=0.01),
     lambda o: s.OneCycleLR(o, 1.0, 40, pct_start=0.5, div_factor=10, final_div_factor=10, cycle_momentum=False), 40),
]


def text(value):
    return ",".join(repr(v) for v in value) if isinstance(value, tuple) else repr(value)


def main():
    warnings.simplefilter("ignore")  # the optimizer makes no steps here
    lines = []
    for name, options, make, n in CASES:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler, rates = make(optimizer), []
        for _ in range(n):
            rates.append(optimizer.param_groups[0]["lr"])
            if len(rates) < n:
                scheduler.step()
        words = " ".join(f"{k}={text(v)}" for k, v in options.items())
        lines.append(f"{name} {words} : {' '.join(repr(float(r)) for r in rates)}")
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "schedules.txt")
    with open(path, "w") as f:
        f.write("\n".join(lines) + "\n")


main()

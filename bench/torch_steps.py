"""A training loop in PyTorch, timed: what the scripts beside this one share."""
import time
from torch import nn


def step_of(model, opt, x, y):
    def step():
        loss = nn.functional.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()

    return step


def times(run, warm_up, count):
    """The seconds of each of so many calls."""
    for _ in range(warm_up):
        run()
    seconds = []
    for _ in range(count):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return seconds


def microseconds_a_step(model, opt, x, y, warm_up, steps):
    return sum(times(step_of(model, opt, x, y), warm_up, steps)) / steps * 1e6

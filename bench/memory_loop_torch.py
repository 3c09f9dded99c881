"""Tensors of 4 MB made and dropped, against one that is filled again; prints microseconds a turn, best of 15, and 1."""
import time
import torch

torch.set_num_threads(2)
n, turns = 1000, 20
kept = torch.zeros(n, n)
fresh = reused = 1e9


def measure(f):
    began = time.perf_counter()
    for i in range(turns):
        f(float(i))
    return (time.perf_counter() - began) / turns * 1e6


for _ in range(15):
    fresh = min(fresh, measure(lambda i: torch.full((n, n), i).sum()))
    reused = min(reused, measure(lambda i: kept.fill_(i).sum()))
print(fresh, reused, 1)

#!/usr/bin/python3
"""Writes kernels.lua: NNGP and NTK of infinitely wide networks with NumPy, for tests/lua/kernels_spec.lua.

    /usr/bin/python3 tests/golden/kernels.py

Nothing here is a closed form: the expectations over pairs of normal numbers are integrals on a grid (for ReLU over the
angle, the radius being exact; for erf by Gauss-Hermite), and convolutions are loops over every two places and the
filter's own, with the covariance of every two places also where a flattened network needs only equal ones.
"""
import math
import os
import numpy as np

ANGLES = (np.arange(400000) + 0.5) * (2 * math.pi / 400000)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(80)
WEIGHTS = WEIGHTS / WEIGHTS.sum()
ERF = np.vectorize(math.erf)


def expectations(kind, k, a, b):
    """E[phi(u) phi(v)] and E[phi'(u) phi'(v)] of normal u, v with variances a, b and covariance k."""
    rho = k / math.sqrt(a * b)
    rest = math.sqrt(max(0.0, 1 - rho * rho))
    if kind == "relu":  # u, v = r cos(t), r (rho cos(t) + rest sin(t)): E[r^2] = 2
        u, v = np.cos(ANGLES), rho * np.cos(ANGLES) + rest * np.sin(ANGLES)
        both = np.mean(np.maximum(u, 0) * np.maximum(v, 0)) * 2 * math.sqrt(a * b)
        return both, np.mean((u > 0) & (v > 0))
    u = math.sqrt(a) * NODES[:, None] + 0 * NODES[None, :]
    v = math.sqrt(b) * (rho * NODES[:, None] + rest * NODES[None, :])
    w = WEIGHTS[:, None] * WEIGHTS[None, :]
    slope = 4 / math.pi * np.exp(-u * u - v * v)
    return np.sum(w * ERF(u) * ERF(v)), np.sum(w * slope)


def place(i, j, size, circular):
    (h, w) = size
    if circular:
        return (i % h, j % w)
    return (i, j) if 0 <= i < h and 0 <= j < w else None


class Pair:
    """Covariances of every two places of two inputs: dictionaries from (i, j, k, l)."""
    def __init__(self, x, y):
        c, h, w = x.shape
        self.size = (h, w)
        places = [(i, j) for i in range(h) for j in range(w)]
        self.k = {p + q: float(x[:, p[0], p[1]] @ y[:, q[0], q[1]]) / c for p in places for q in places}
        self.t = None

    def conv(self, wv, bv, kernel, padding, circular):
        h, w = self.size
        out = (h + 2 * padding - kernel + 1, w + 2 * padding - kernel + 1)

        def through(values, add):
            result = {}
            for i in range(out[0]):
                for j in range(out[1]):
                    for k in range(out[0]):
                        for m in range(out[1]):
                            total = 0.0
                            for di in range(kernel):
                                for dj in range(kernel):
                                    p = place(i + di - padding, j + dj - padding, self.size, circular)
                                    q = place(k + di - padding, m + dj - padding, self.size, circular)
                                    if p and q:
                                        total += values[p + q]
                            result[i, j, k, m] = wv * total / kernel ** 2 + add
            return result

        new = through(self.k, bv)
        old = through(self.t, 0.0) if self.t else None
        self.k, self.size = new, out
        self.t = {p: new[p] + (old[p] if old else 0.0) for p in new}

    def linear(self, wv, bv):
        new = {p: wv * v + bv for p, v in self.k.items()}
        self.t = {p: new[p] + (wv * self.t[p] if self.t else 0.0) for p in new}
        self.k = new

    def readout(self, everything):
        keys = [p for p in self.k if everything or p[:2] == p[2:]]
        for name in "kt":
            values = getattr(self, name)
            setattr(self, name, {(0, 0, 0, 0): sum(values[p] for p in keys) / len(keys)} if values else None)
        self.size = (1, 1)


def run(layers, x, y):
    pairs = [Pair(x, x), Pair(y, y), Pair(x, y)]
    for name, *opts in layers:
        if name in ("relu", "erf"):
            xx, yy, xy = pairs
            moments = {p: expectations(name, v, xx.k[p[:2] * 2], yy.k[p[2:] * 2]) for p, v in xy.k.items()}
            for pair in (xx, yy):  # in themselves, every two places of one input
                own = {p: expectations(name, v, pair.k[p[:2] * 2], pair.k[p[2:] * 2])[0] for p, v in pair.k.items()}
                pair.k, pair.t = own, None
            xy.k = {p: m[0] for p, m in moments.items()}
            xy.t = {p: xy.t[p] * m[1] for p, m in moments.items()} if xy.t else None
        else:
            for pair in pairs:
                getattr(pair, name)(*opts)
    return pairs[2].k[0, 0, 0, 0], pairs[2].t[0, 0, 0, 0]


def lua(value):
    if isinstance(value, (list, tuple, np.ndarray)):
        return "{" + ", ".join(lua(v) for v in value) + "}"
    return repr(value) if isinstance(value, str) else repr(float(value))


def numbers(rng, *shape):
    return np.round(rng.normal(size=shape), 3)


CASES = [
    # name, layers for Lua, layers here, shape of an input
    ("relu, two hidden layers", '{ { "linear", weight_var = 2, bias_var = 0.1 }, "relu", { "linear", weight_var = 1.5 }, "relu", '
     '{ "linear", weight_var = 0.7, bias_var = 0.3 } }',
     [("linear", 2, .1), ("relu",), ("linear", 1.5, 0), ("relu",), ("linear", .7, .3)], (5,)),
    ("erf, two hidden layers", '{ { "linear", weight_var = 1.3, bias_var = 0.2 }, "erf", { "linear", weight_var = 4 }, "erf", "linear" }',
     [("linear", 1.3, .2), ("erf",), ("linear", 4, 0), ("erf",), ("linear", 1, 0)], (4,)),
    ("convolutions, flattened", '{ { "conv", kernel = 3, padding = 1, weight_var = 2, bias_var = 0.1 }, "relu", '
     '{ "conv", kernel = 2, weight_var = 1.5 }, "relu", "flatten", { "linear", weight_var = 1.2, bias_var = 0.1 } }',
     [("conv", 2, .1, 3, 1, False), ("relu",), ("conv", 1.5, 0, 2, 0, False), ("relu",), ("readout", False), ("linear", 1.2, .1)],
     (2, 4, 3)),
    ("convolutions, pooled", '{ { "conv", kernel = 3, padding = 1, weight_var = 2, bias_var = 0.1 }, "relu", '
     '{ "conv", kernel = 3, padding = 1, weight_var = 1.5 }, "relu", "global_avg_pool", "linear", "erf", { "linear", bias_var = 0.2 } }',
     [("conv", 2, .1, 3, 1, False), ("relu",), ("conv", 1.5, 0, 3, 1, False), ("relu",), ("readout", True), ("linear", 1, 0),
      ("erf",), ("linear", 1, .2)], (2, 3, 3)),
    ("circular convolutions, pooled", '{ { "conv", kernel = 3, padding = 1, circular = true, weight_var = 1.7 }, "erf", '
     '{ "conv", kernel = 3, padding = 1, circular = true, bias_var = 0.1 }, "erf", "global_avg_pool", "linear" }',
     [("conv", 1.7, 0, 3, 1, True), ("erf",), ("conv", 1, .1, 3, 1, True), ("erf",), ("readout", True), ("linear", 1, 0)],
     (1, 3, 4)),
]

if __name__ == "__main__":
    rng = np.random.default_rng(5)
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.lua")
    with open(path, "w") as out:
        out.write(f"-- Written by kernels.py with NumPy {np.__version__}.\n-- luacheck: ignore 631\nreturn {{\n")
        for name, layers, own, shape in CASES:
            x, y = numbers(rng, 2, *shape), numbers(rng, 3, *shape)
            y[0] = x[0]  # the same input twice: the edge of acos
            as_image = (lambda v: v.reshape(-1, 1, 1)) if len(shape) == 1 else (lambda v: v)
            results = [[run(own, as_image(a), as_image(b)) for b in y] for a in x]
            nngp, ntk = [[r[0] for r in row] for row in results], [[r[1] for r in row] for row in results]
            out.write(f'  {{ name = "{name}", layers = {layers},\n    x = {lua(x)},\n    y = {lua(y)},\n'
                      f"    nngp = {lua(nngp)},\n    ntk = {lua(ntk)} }},\n")
        out.write("}\n")

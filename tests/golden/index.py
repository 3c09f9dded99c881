#!/usr/bin/python3
"""Writes index.lua: what NumPy reads with a key and what it leaves after writing with it, for tests/lua/index_spec.lua.

    /usr/bin/python3 tests/golden/index.py        # Debian's python3-numpy

Each case is { key, result, its shape, x after x[key] = -1, x after x[key] = value, the value }. x holds 1, 2, 3, ... in the
shape of its group. Keys are Lua source; tensors of positions in them are I(...), masks M{...}. No position is picked twice, as what
stays then is nobody's promise.
"""
import os
import numpy as np

rng = np.random.default_rng(7)
SHAPES = [(5,), (4, 3), (3, 4, 5), (2, 3, 2, 3)]


def lua(a):
    a = np.asarray(a)
    if a.ndim == 0:
        return str(a.item()).lower()
    return "{" + ", ".join(lua(v) for v in a) + "}"


def position(n):
    i = int(rng.integers(n))
    return (i, str(i + 1)) if rng.random() < 0.6 else (i - n, str(i - n))


def span(n):
    if rng.random() < 0.4:
        return slice(None), "{}"
    start = int(rng.integers(n))
    stop = int(rng.integers(start, n)) + 1
    step = int(rng.integers(1, 4))
    return slice(start, stop, step), "{%d, %d, %d}" % (start + 1, stop, step)


def positions(n, shape):
    count = int(np.prod(shape))
    if count > n:
        return None
    a = rng.permutation(n)[:count].reshape(shape)
    b = np.where(rng.random(a.shape) < 0.3, a - n, a + 1)  # some from the end
    return a, "I(" + lua(b) + ")"


def mask(shape):
    m = rng.random(shape) < 0.5
    return m, "M" + lua(m)


def random_key(shape):
    """A key, as NumPy's and as Lua's; None when what was drawn does not go together."""
    key, text, d, tensors = [], [], 0, 0
    kinds = rng.choice(["at", "span", "ids", "mask", "mask2"], size=len(shape), p=[0.2, 0.35, 0.25, 0.1, 0.1])
    together = [(2,), (1, 2), (2, 1), ()][int(rng.integers(4))]
    for kind in kinds:
        if d == len(shape) or (d > 0 and rng.random() < 0.1):
            break
        if kind == "mask2" and d + 1 < len(shape):
            part, width = mask(shape[d:d + 2]), 2
        elif kind == "mask":
            part, width = mask(shape[d:d + 1]), 1
        elif kind == "ids":
            part, width = positions(shape[d], [(2,), (2, 2), (), together][int(rng.integers(4))]), 1
        else:
            part, width = (position if kind == "at" else span)(shape[d]), 1
        if part is None:
            return None
        tensors += kind not in ("at", "span")
        key.append(part[0])
        text.append(part[1])
        d += width
    return tuple(key), text, tensors


def repeats(x, key):
    places = np.arange(x.size).reshape(x.shape)[key].reshape(-1)
    return len(set(places.tolist())) != places.size


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "index.lua"), "w") as out:
    out.write(f"-- Written by index.py with NumPy {np.__version__}.\n-- luacheck: ignore 631\nlocal I, M = ...\nreturn {{\n")
    for shape in SHAPES:
        x = np.arange(1, 1 + np.prod(shape)).reshape(shape)
        out.write(f"  {{ shape = {lua(shape)},\n")
        done = 0
        while done < 12 * len(shape):
            drawn = random_key(shape)
            if drawn is None:
                continue
            key, text, tensors = drawn
            try:
                y = x[key]
            except IndexError:  # tensors that do not broadcast
                continue
            if y.size == 0 or repeats(x, key):
                continue
            if tensors == 0 and done > 8 and rng.random() < 0.7:
                continue
            filled, written = x.copy(), x.copy()
            filled[key] = -1
            value = -np.arange(1, 1 + y.size).reshape(y.shape)
            if y.ndim > 0 and rng.random() < 0.3:
                value = value[..., :1]
            written[key] = value
            source = text[0] if len(text) == 1 and text[0][0] != "{" else "{" + ", ".join(text) + "}"
            out.write(f"    {{ {source}, {lua(y)}, {lua(y.shape) if y.ndim else '{}'}, {lua(filled)}, {lua(written)}, {lua(value)} }},\n")
            done += 1
        out.write("  },\n")
    out.write("}\n")

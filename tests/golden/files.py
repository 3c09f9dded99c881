#!/usr/bin/python3
"""Writes files.txt: small files as NumPy writes them, in hexadecimal, and what is in them.

    /usr/bin/python3 tests/golden/files.py > tests/golden/files.txt

A line a file: its name, its bytes; then a line a tensor in it: its name ("-": it has none), the dtype that it becomes, its sizes
("-": none), its values in row-major order ("-": none).
"""
import io
import numpy as np

BECOMES = {"b": "bool", "i": "i64", "f": "f32"}


def dtype_of(a):
    return {"u1": "u8", "f8": "f64"}.get(a.dtype.str[1:], BECOMES.get(a.dtype.kind, "i64"))


def words(values):
    return ",".join(values) or "-"


def tell(name, data, tensors):
    print("file", name, data.hex())
    for key, a in tensors.items():
        values = [repr(int(v)) if a.dtype.kind in "iub" else float(v).hex() for v in a.flatten()]
        print("tensor", key, dtype_of(a), words(map(str, a.shape)), words(values))


def npy(name, a, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, a, version=version, allow_pickle=False)
    tell(name, out.getvalue(), {"-": a})


def values(code, shape):
    a = np.arange(np.prod(shape)).reshape(shape)
    if code[-2] == "b":
        return (a % 2).astype(code)
    if code[-2] == "f":
        return (a * 0.375 - 0.5).astype(code)
    return (a * 3 - (0 if code[-2] == "u" else 5)).astype(code)


for code in ["|b1", "|u1", "|i1"] + [order + c for c in "u2 i2 u4 i4 u8 i8 f2 f4 f8".split() for order in "<>"]:
    npy(code.replace("<", "little-").replace(">", "big-").replace("|", "") + ".npy", values(code, (2, 2)))
npy("fortran.npy", np.asfortranarray(values("<f4", (2, 3, 2))))
npy("fortran-big.npy", np.asfortranarray(values(">i2", (3, 2))))
npy("scalar.npy", np.float64(-2.5))
npy("empty.npy", np.zeros((0, 3), "<f4"))
npy("version-2.npy", values("<f4", (3,)), (2, 0))
npy("version-3.npy", values("<f4", (3,)), (3, 0))
npy("special.npy", np.array([0.0, -0.0, 2.0**-149, -(2.0**127), 1 / 3], "<f4"))
npy("half-special.npy", np.array([65504, 6e-8, 6.1e-5, -0.0, 1 / 3], "<f2"))
for name, save in [("plain.npz", np.savez), ("packed.npz", np.savez_compressed)]:
    out, tensors = io.BytesIO(), {"a": values("<f4", (2, 2)), "b.1": values(">i4", (3,)), "ä": values("|u1", (1,)), "zeros": np.zeros(50)}
    save(out, **tensors)
    tell(name, out.getvalue(), tensors)

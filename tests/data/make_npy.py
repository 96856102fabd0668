"""Writes the files in tests/data/npy by NumPy itself: python3 tests/data/make_npy.py

Elements of every type are 0, 1, ... times -1 where the type has a sign; the tests know.
"""
import io
import os

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npy")
TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"]


def values(kind):
    n = np.arange(6).reshape(2, 3)
    return n % 2 if kind[0] == "b" else -n if kind[0] in "fi" else n


def save(name, array, version=None):
    with open(os.path.join(FOLDER, name + ".npy"), "wb") as f:
        np.lib.format.write_array(f, array, version=version)


os.makedirs(FOLDER, exist_ok=True)
for kind in TYPES:
    save("little_" + kind, values(kind).astype("<" + kind))
    save("big_" + kind, values(kind).astype(">" + kind))
save("fortran", np.asfortranarray(np.arange(24, dtype="<f4").reshape(2, 3, 4)))
save("scalar", np.array(2.5, "<f8"))
save("empty", np.zeros((3, 0), "<i8"))
save("version2", np.arange(4, dtype="<i4"), (2, 0))
save("version3", np.arange(4, dtype="<i4"), (3, 0))
save("complex", np.zeros(2, "<c8"))
save("text", np.array(["ab", "c"]))
save("structured", np.zeros(2, [("a", "<f4"), ("b", "<i4")]))

arrays = {"x": np.arange(6, dtype="<f4").reshape(2, 3), "ids": np.array([7, -8], "<i8")}
arrays["many"] = np.zeros((40, 50), "<f8")
np.savez(os.path.join(FOLDER, "stored.npz"), x=arrays["x"], ids=arrays["ids"])
np.savez_compressed(os.path.join(FOLDER, "deflated.npz"), **arrays)

"""Reads the sample that tests/unit/test_store_safetensors.c left with the `safetensors` library; and writes the same
tensors with it, whose file must be the same byte for byte in its data.

usage: safetensors_file.py SAMPLE
"""
import json
import struct
import sys

import numpy
from safetensors import safe_open
from safetensors.numpy import save


def expect(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: found {found!r}, expected {expected!r}")


def parts(content):
    size = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + size]), content[8 + size :]


content = open(sys.argv[1], "rb").read()
header, data = parts(content)
with safe_open(sys.argv[1], framework="numpy") as file:
    expect("metadata", file.metadata(), {"format": "pt", "note": "two\nlines \u00e9"})
    names = sorted(file.keys())
    expect("names", names, ["a.weight", "b.flags", "empty", "half", "numbers", "scalar"])
    tensors = {name: file.get_tensor(name) for name in names if name != "half"}
expect("a.weight", tensors["a.weight"].tolist(), numpy.float32([[1, -2, 3.5], [0, 1e-20, 6]]).tolist())
expect("flags", tensors["b.flags"].tolist(), [True, False, True])
expect("numbers", tensors["numbers"].tolist(), [-1, 2**63 - 1, 5])
expect("scalar", (tensors["scalar"].shape, float(tensors["scalar"])), ((), 3.5))
expect("empty", tensors["empty"].shape, (0, 7))
expect("half", header["half"]["dtype"], "BF16")

half = header.pop("half")
begin, end = half["data_offsets"]
theirs, their_data = parts(save(tensors))
for name in theirs:
    expect(f"type and shape of {name}", [header[name][key] for key in ("dtype", "shape")],
           [theirs[name][key] for key in ("dtype", "shape")])
expect("data in the order of the library", data[:begin] + data[end:], their_data)
print("the safetensors library reads it, and lays the same tensors out in the same way")

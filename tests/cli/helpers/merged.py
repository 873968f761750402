"""merged.py check BASE MERGED ADAPTER[:WEIGHT]...: MERGED is BASE + weight * scale * B A, computed here in double precision; what has no adapter is the
same bytes, order and metadata are the base's. BASE and MERGED are folders of one network, ADAPTER a folder in PEFT's form.
merged.py bf16 FOLDER: its f32 matrices become bf16. merged.py shard FOLDER: its weights become two files and an index.
merged.py scale FOLDER FACTOR TEXT: every tensor whose name holds TEXT is multiplied."""
import json
import math
import os
import struct
import sys
from array import array

SIZES = {"F32": 4, "BF16": 2}


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    return header.pop("__metadata__", {}), [
        (name, e["dtype"], e["shape"], data[e["data_offsets"][0]:e["data_offsets"][1]]) for name, e in header.items()]


def write(path, metadata, tensors):
    header, at = {"__metadata__": metadata} if metadata else {}, 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(t[3] for t in tensors))


def files(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".safetensors")]


def numbers(dtype, data):
    if dtype == "F32":
        return array("f", data)
    return array("f", b"".join(b"\0\0" + data[i:i + 2] for i in range(0, len(data), 2)))


def to_bf16(values):
    out = bytearray()
    for bits in array("I", array("f", values).tobytes()):
        out += struct.pack("<H", ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) & 0xFFFF)
    return bytes(out)


def adapter(text):
    path, weight = (text.rsplit(":", 1) + ["1"])[:2] if ":" in text else (text, "1")
    config = json.load(open(os.path.join(path, "adapter_config.json")))
    scale = config["lora_alpha"] / (math.sqrt(config["r"]) if config.get("use_rslora") else config["r"])
    layers = {}
    for name, dtype, shape, data in read(os.path.join(path, "adapter_model.safetensors"))[1]:
        layer, part = name.removeprefix("base_model.model.").rsplit(".lora_", 1)
        layers.setdefault(layer, {})[part[0]] = (shape, numbers(dtype, data))
    return float(weight) * scale, layers


def expected(values, columns, layer, adapters):
    values = [float(v) for v in values]
    for scale, layers in adapters:
        if layer not in layers:
            continue
        (rank, _), a = layers[layer]["A"]
        (rows, _), b = layers[layer]["B"]
        for i in range(rows):
            for j in range(columns):
                values[i * columns + j] += scale * sum(b[i * rank + r] * a[r * columns + j] for r in range(rank))
    return values


def check(base, merged, adapters):
    adapters, touched, apart = [adapter(a) for a in adapters], 0, 0
    assert [os.path.basename(f) for f in files(base)] == [os.path.basename(f) for f in files(merged)]
    for path in files(base):
        (before, old), (after, new) = read(path), read(os.path.join(merged, os.path.basename(path)))
        assert before.items() <= after.items() and {"lofi.base_sha256", "lofi.adapters", "lofi.program"} <= after.keys()
        assert [t[:3] for t in old] == [t[:3] for t in new], "names, types, shapes or order"
        for (name, dtype, shape, data), (_, _, _, out) in zip(old, new):
            layer = name.removesuffix(".weight")
            if not any(layer in layers for _, layers in adapters) or not name.endswith(".weight"):
                assert data == out, f"{name} was changed"
                continue
            touched += 1
            want, have = expected(numbers(dtype, data), shape[-1], layer, adapters), numbers(dtype, out)
            assert data != out or list(want) == list(numbers(dtype, data)), f"{name} was not changed"
            largest = max(abs(v) for v in want)
            step, floor = (2.0 ** -8, 1e-3) if dtype == "BF16" else (1e-6, 0.1)
            for w, h in zip(want, have):
                assert abs(w - h) <= step * max(abs(w), floor * largest), (name, w, h)
                apart += dtype == "BF16" and numbers("BF16", to_bf16([w]))[0] != h
    assert touched > 8 and apart <= 20, (touched, apart)  # a sum in f32 may round the other way, rarely


def rewrite(folder, change):
    for path in files(folder):
        metadata, tensors = read(path)
        write(path, metadata, [change(*t) for t in tensors])


action, folder, rest = sys.argv[1], sys.argv[2], sys.argv[3:]
if action == "check":
    check(folder, rest[0], rest[1:])
elif action == "bf16":
    rewrite(folder, lambda n, d, s, v: (n, "BF16", s, to_bf16(numbers(d, v))) if len(s) > 1 else (n, d, s, v))
elif action == "scale":
    rewrite(folder, lambda n, d, s, v: (n, d, s, array("f", [float(rest[0]) * x for x in array("f", v)]).tobytes()) if rest[1] in n else (n, d, s, v))
elif action == "shard":
    path = files(folder)[0]
    metadata, tensors = read(path)
    stem, index = path.removesuffix(".safetensors"), {}
    for i, part in enumerate((tensors[:len(tensors) // 2], tensors[len(tensors) // 2:])):
        name = f"{stem}-0000{i + 1}-of-00002.safetensors"
        write(name, metadata, part)
        index |= {t[0]: os.path.basename(name) for t in part}
    os.remove(path)
    json.dump({"metadata": {}, "weight_map": index}, open(path + ".index.json", "w"))
else:
    sys.exit(f"merged.py: no action {action}")

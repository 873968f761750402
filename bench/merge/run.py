#!/usr/bin/env python3
"""How long `lofi merge` takes beside copying the same file, and how much memory: one run, in turns.

usage: bench/merge/run.py LOFI MODEL [--rank 256] [--rounds 3] [--work DIR]

MODEL is a base model folder (`lofi model init --preset full DIR` makes one of full size with random weights). The adapter is
made here: random factors for every layer that the default configuration of training adapts. `cp` copies the transformer's
weights with a sync at its end, as merging does. Prints one JSON object.
"""
import argparse
import json
import os
import platform
import random
import shutil
import statistics
import struct
import subprocess
import sys
import time
from array import array

TARGETS = ("linear_q", "linear_k", "linear_v", "speaker_embedder", "to_q", "to_k", "to_v", "to_out.0")


def adapted_layers(weights):
    with open(weights, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    for name, entry in header.items():
        layer = name.removesuffix(".weight")
        if name.endswith(".weight") and any(layer == t or layer.endswith("." + t) for t in TARGETS):
            yield layer, entry["shape"]


def make_adapter(path, weights, rank):
    """Factors of one block of random numbers, over and over: what the numbers are does not matter to the time."""
    noise = array("f", (random.Random(1).gauss(0, 0.01) for _ in range(1 << 16))).tobytes()
    header, at, sizes = {}, 0, []
    for layer, (out, width) in adapted_layers(weights):
        for part, shape in (("lora_A", [rank, width]), ("lora_B", [out, rank])):
            size = 4 * shape[0] * shape[1]
            header[f"transformer.{layer}.{part}.weight"] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
            sizes.append(size)
            at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for size in sizes:
            file.write(noise * (size // len(noise)) + noise[:size % len(noise)])


def timed(command):
    """Seconds of wall and processor, peak resident MB of the process."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("lofi"), parser.add_argument("model")
    parser.add_argument("--rank", type=int, default=256), parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", default=".")
    options = parser.parse_args()
    weights = os.path.join(options.model, "ace_step_transformer", "diffusion_pytorch_model.safetensors")
    adapter, copy, merged = (os.path.join(options.work, name) for name in ("adapter.safetensors", "copy", "merged"))
    make_adapter(adapter, weights, options.rank)
    runs = {"merge": [], "cp": []}
    for _ in range(options.rounds):
        runs["cp"].append(timed(["sh", "-c", f"cp '{weights}' '{copy}' && sync '{copy}'"]))
        os.remove(copy)
        runs["merge"].append(timed([options.lofi, "merge", "--quiet", "--base-model", options.model, "--lora-checkpoint",
                                    adapter, "--output-dir", merged]))
        shutil.rmtree(merged)
    result = {"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "rank": options.rank,
              "weights_mb": round(os.path.getsize(weights) / 1e6), "adapter_mb": round(os.path.getsize(adapter) / 1e6)}
    for name, values in runs.items():
        result[name] = {"wall_s": [round(v[0], 1) for v in values], "processor_s": [round(v[1], 1) for v in values],
                        "peak_mb": round(max(v[2] for v in values))}
    result["wall_ratio"] = round(statistics.median(m[0] / c[0] for m, c in zip(runs["merge"], runs["cp"])), 2)
    os.remove(adapter)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()

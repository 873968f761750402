#!/usr/bin/env python3
"""How time and memory grow with the length of a song: training steps, a run of the transformer, encoding, decoding, targets.

usage: bench/long_songs/run.py BUILD_FOLDER [--seconds 30,60,120,240] [--parts PART,...] [--blocks 2] [--threads N] [--rounds 1]
                               [--before COMMAND] [--work DIR]

Every measurement is a process of its own (long_songs.c), on networks of the real width with random weights and --blocks blocks of
the transformer; of several rounds the fastest counts. For each part: a line by least squares, and how far the measured values are
from it, as a share of the largest. Networks lie in DIR (2.4 GB), by default a temporary folder. --before is put before each
measurement (`flock -x FILE`). Memory is the largest resident size, with the mapped weights, which do not grow.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

PARTS = ("train", "train-checkpointing", "sample", "encode", "decode", "mert", "m-hubert")
VALUES = (("seconds", 1, "s"), ("processor_seconds", 1, "processor s"), ("activation_bytes", 1e6, "activations MB"),
          ("peak_bytes", 1e6, "resident MB"))


def measure(options, model, part, seconds):
    """The fastest of the rounds, and the largest memory."""
    best = None
    for _ in range(options.rounds):
        command = options.before.split() + [os.path.join(options.build, "bench", "long_songs"), part, model, str(seconds),
                                            str(options.threads)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode:
            sys.exit(f"failed: {' '.join(command)}")
        result = json.loads(done.stdout)
        if best:
            for key, _, _ in VALUES:
                result[key] = (max if key.endswith("bytes") else min)(result[key], best[key])
        best = result
    print(part, seconds, best, file=sys.stderr, flush=True)
    return best


def line(xs, ys):
    """Slope and start of the line of least squares, and the largest distance from it as a share of the largest value."""
    n, mx, my = len(xs), sum(xs) / len(xs), sum(ys) / len(ys)
    spread = sum((x - mx) ** 2 for x in xs)
    slope = sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / spread if n > 1 else 0
    start = my - slope * mx
    residual = max(abs(start + slope * x - y) for x, y in zip(xs, ys)) / max(ys)
    return slope, start, residual


def print_part(part, lengths, results):
    for key, unit, name in VALUES:
        values = [results[s][key] / unit for s in lengths]
        slope, start, residual = line(lengths, values)
        row = [part, name] + [f"{v:.4g}" for v in values] + [f"{slope:.4g}", f"{start:.4g}", f"{100 * residual:.1f} %"]
        print("| " + " | ".join(row) + " |", flush=True)


def run(options, model):
    lengths = [int(s) for s in options.seconds.split(",")]
    header = ["part", "of"] + [f"{s} s" for s in lengths] + ["per second of music", "at 0 s", "farthest from the line"]
    print("| " + " | ".join(header) + " |\n" + "|" + "---|" * len(header), flush=True)
    for part in options.parts.split(","):
        print_part(part, lengths, {s: measure(options, model, part, s) for s in lengths})


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("build"), parser.add_argument("--seconds", default="30,60,120,240")
    parser.add_argument("--parts", default=",".join(PARTS)), parser.add_argument("--blocks", default="2")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0))), parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--before", default=""), parser.add_argument("--work")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        model = os.path.join(options.work or temporary, f"networks-{options.blocks}")
        if not os.path.isdir(model):
            subprocess.run([os.path.join(options.build, "bench", "random_model"), model, options.blocks], check=True)
        run(options, model)


if __name__ == "__main__":
    main()

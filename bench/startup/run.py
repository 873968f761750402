#!/usr/bin/env python3
"""How long a command takes that has nothing to do, and which libraries it loads.

usage: bench/startup/run.py LOFI [--rounds 50]

Runs each command in an empty folder, all of them in turn, ROUNDS times: median and spread of the clock, and the number of shared
libraries that the loader has started (of the program and of what it loads itself). Beside it: a C program that does
nothing, built here, and 'import torch' in the Python that LOFI_BENCH_PYTHON names. Then the size of the program without its
symbols.
"""
import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = [["--help"], ["--version"], ["train", "--help"], ["styles", "list"], ["tracks", "list"], ["doctor"]]


def run(command, folder, **more):
    return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, **more)


def clock(command, folder):
    begin = time.perf_counter()
    run(command, folder)
    return (time.perf_counter() - begin) * 1000


def libraries(command, folder):
    """Those that the loader calls the beginnings of; the kernel's own is none of them."""
    said = run(command, folder, env={**os.environ, "LD_DEBUG": "files"}).stderr.decode(errors="replace")
    return len({name for name in re.findall(r"calling init: (/\S+)", said)})


def trivial(folder):
    """A C program that returns, or None where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, program = os.path.join(folder, "nothing.c"), os.path.join(folder, "nothing")
    with open(source, "w") as file:
        file.write("int main(void) {\n    return 0;\n}\n")
    subprocess.run([compiler, "-O2", "-o", program, source], check=True)
    return [program]


def has_torch(python):
    return python and subprocess.run([python, "-c", "import torch"], capture_output=True).returncode == 0


def stripped_bytes(program, folder):
    strip, small = shutil.which("strip"), os.path.join(folder, "stripped")
    if strip is None:
        return None
    subprocess.run([strip, "-o", small, program], check=True)
    return os.path.getsize(small)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("lofi")
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    program = os.path.abspath(options.lofi)
    with tempfile.TemporaryDirectory() as tools, tempfile.TemporaryDirectory() as folder:
        cases = [("lofi " + " ".join(words), [program, *words]) for words in COMMANDS]
        nothing, python = trivial(tools), os.environ.get("LOFI_BENCH_PYTHON")
        if nothing is not None:
            cases.append(("a C program that does nothing", nothing))
        if has_torch(python):
            cases.append(("python, import torch", [python, "-c", "import torch"]))
        else:
            print("left out: torch (LOFI_BENCH_PYTHON names no Python that has it)", file=sys.stderr)
        times = {name: [] for name, _ in cases}
        for round_number in range(options.rounds + 1):
            for name, command in cases:
                taken = clock(command, folder)
                if round_number > 0:  # the first brings the files into memory
                    times[name].append(taken)
        print(f"{'':32} {'median ms':>10} {'least':>8} {'most':>8} {'libraries':>10}")
        for name, command in cases:
            print(f"{name:32} {statistics.median(times[name]):10.2f} {min(times[name]):8.2f} {max(times[name]):8.2f} "
                  f"{libraries(command, folder):10}")
        size = stripped_bytes(program, tools)
        if size is not None:
            print(f"the program without its symbols: {size / 1e6:.2f} MB")


main()

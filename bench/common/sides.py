"""What measurements with two sides share: processes that stay open and take turns, spreads, the machine, results.

A side is a program that answers lines of standard input with one JSON line each. Its first line, sent when it is ready, holds
opening_peak_bytes; the answer to "quit" is its last.
"""
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys


class Side:
    def __init__(self, name, command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.opening = self.read()["opening_peak_bytes"]

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"run.py: the side '{self.name}' stopped:\n{self.process.stderr.read()}")
        return json.loads(line)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def close(self):
        end = self.ask("quit")
        self.process.stdin.close()
        self.process.wait()
        return end


def prepare(folder, command, what):
    """What `command` prints in its last line as JSON, made once and kept in `folder`."""
    os.makedirs(folder, exist_ok=True)
    kept = os.path.join(folder, "prepared.json")
    if os.path.exists(kept):
        with open(kept, encoding="utf-8") as file:
            return json.load(file)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"run.py: cannot make the case '{what}':\n{done.stderr}")
    prepared = json.loads(done.stdout.splitlines()[-1])
    with open(kept, "w", encoding="utf-8") as file:
        json.dump(prepared, file)
    return prepared


def spread(values):
    return dict(median=statistics.median(values), min=min(values), max=max(values))


def megabytes(value):
    return f"{value / 1e6:.0f}"


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def machine():
    def first(path, pattern):
        with open(path, encoding="utf-8") as file:
            found = re.search(pattern, file.read(), re.M)
        return found.group(1).strip() if found else None

    flags = (first("/proc/cpuinfo", r"^flags\s*:(.*)$") or "").split()
    return dict(processor=first("/proc/cpuinfo", r"^model name\s*:(.*)$"), processors=os.cpu_count(),
                vector=[f for f in ("avx2", "fma", "avx512f", "avx512_bf16") if f in flags],
                memory_bytes=int(first("/proc/meminfo", r"^MemTotal:\s*(\d+)")) * 1024, system=platform.platform())


def save(report, folder, measurement):
    """One file per measurement, day and machine; what was measured earlier that day stays in it."""
    name = re.sub(r"[^a-z0-9]+", "-", f"{report['machine']['processor']} {report['machine']['processors']}".lower()).strip("-")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{measurement}-{now()[:10]}-{name}.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            earlier = json.load(file)["cases"]
        cases = {case: dict(values, runs=list(values["runs"])) for case, values in earlier.items()}
        for case, values in report["cases"].items():
            cases[case] = dict(values, runs=cases.get(case, dict(runs=[]))["runs"] + values["runs"])
        report["cases"] = cases
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    return path


def print_table(header, rows):
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for r in rows:
        print("| " + " | ".join(r) + " |", flush=True)

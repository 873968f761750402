"""Training steps of lofi beside the same steps under PyTorch: milliseconds, memory, and whether both compute the same.

usage: run.py --upstream ACE_STEP --program TRAIN_STEP [--python PYTHON] [--model DIR] [--cases small,real,real-bf16]
              [--work DIR] [--rounds 5] [--threads N] [--checkpointing off,on] [--results DIR]

ACE_STEP: a checkout of ace-step/ACE-Step (the original network). TRAIN_STEP: the program of train_step.c. PYTHON: one with torch,
diffusers, peft and safetensors. --model: the transformer folder of the small reference model; without it one of the same
sizes is made. --work keeps the made models (3 GB for the real widths).

Both sides stay open in processes of their own and take turns, so that whatever else the machine does hits both. The first
steps of each (two, one with real widths) are not counted. Processor time is what all threads of a side used; it says more than the clock on a busy machine.
Memory is the largest resident size during the steps, and during opening. Losses and gradient norms of every step are compared.
"""
import argparse
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "common"))
import sides as common

PEER = os.path.join(HERE, "peer.py")
LIMIT = 1e-5
RATE = 1e-4


class Side(common.Side):
    def __init__(self, name, command):
        super().__init__(name, command)
        self.steps = []

    def take(self, count):
        self.steps += self.ask(f"step {count}")["steps"]


def summary(side, warm_up, end):
    counted = side.steps[warm_up:]
    return dict(ms=common.spread([s["ms"] for s in counted]), cpu_ms=common.spread([s["cpu_ms"] for s in counted]), steps=len(counted),
                opening_peak_bytes=side.opening, **end)


def largest_difference(a, b, key):
    return max(abs(x[key] - y[key]) / abs(y[key]) for x, y in zip(a.steps, b.steps))


def measure(options, prepared, checkpointing):
    arguments = [prepared["model"], prepared["inputs"], str(prepared["rank"]), str(prepared["alpha"]), str(RATE), "1" if checkpointing else "0",
              str(options.threads)]
    sides = [Side("lofi", [options.program] + arguments), Side("torch", [options.python, PEER, "serve", options.upstream] + arguments)]
    large = prepared["parameters"] > 1e8
    warm_up, per_turn = (1, 1) if large else (2, 4)
    for side in sides:
        side.take(warm_up)
    for turn in range(options.rounds):
        for side in sides if turn % 2 == 0 else sides[::-1]:
            side.take(per_turn)
    load = os.getloadavg()
    lofi, torch = sides
    differences = {key: largest_difference(lofi, torch, key) for key in ("loss", "norm")}
    profile = sides[0].ask("profile")
    result = {side.name: summary(side, warm_up, side.close()) for side in sides}
    result.update(measured=common.now(), checkpointing=checkpointing, load_average=load, relative_difference=differences, profile=profile,
                  speed_ratio=result["torch"]["ms"]["median"] / result["lofi"]["ms"]["median"],
                  cpu_ratio=result["torch"]["cpu_ms"]["median"] / result["lofi"]["cpu_ms"]["median"],
                  memory_ratio=result["lofi"]["peak_bytes"] / result["torch"]["peak_bytes"])
    return result


def prepare(options, case, folder):
    command = [options.python, PEER, "prepare", options.upstream, case, folder]
    if case == "small" and options.model:
        command += ["--model", options.model]
    return common.prepare(folder, command, case)


def row(case, result):
    l, t = result["lofi"], result["torch"]
    time = lambda s: f"{s['ms']['median']:.0f} ({s['ms']['min']:.0f}-{s['ms']['max']:.0f})"
    return [case, "on" if result["checkpointing"] else "off", time(l), time(t), f"{result['speed_ratio']:.2f}",
            f"{l['cpu_ms']['median']:.0f}", f"{t['cpu_ms']['median']:.0f}", f"{result['cpu_ratio']:.2f}", common.megabytes(l["peak_bytes"]),
            common.megabytes(t["peak_bytes"]), f"{result['memory_ratio']:.2f}", str(l["allocations_after_first_step"]),
            f"{result['relative_difference']['loss']:.1e}"]


HEADER = ["case", "checkpointing", "lofi ms", "torch ms", "times faster", "lofi cpu ms", "torch cpu ms", "less cpu", "lofi MB", "torch MB",
          "memory ratio", "allocations after step 1", "loss differs by"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--model")
    parser.add_argument("--cases", default="small,real,real-bf16")
    parser.add_argument("--checkpointing", default="off,on")
    parser.add_argument("--work")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--results")
    options = parser.parse_args()
    temporary = None if options.work else tempfile.TemporaryDirectory()
    work = options.work or temporary.name
    report = dict(machine=common.machine(), threads=options.threads, cases={})
    rows, failed = [], False
    for case in options.cases.split(","):
        prepared = prepare(options, case, os.path.join(work, case))
        report["cases"][case] = dict(sizes={k: v for k, v in prepared.items() if k not in ("model", "inputs")}, runs=[])
        for checkpointing in options.checkpointing.split(","):
            result = measure(options, prepared, checkpointing == "on")
            report["cases"][case]["runs"].append(result)
            rows.append(row(case, result))
            print(" ".join(f"{h}: {c}," for h, c in zip(HEADER, rows[-1])), file=sys.stderr, flush=True)
            failed |= max(result["relative_difference"].values()) > LIMIT or result["lofi"]["allocations_after_first_step"] > 0
    common.print_table(HEADER, rows)
    if options.results:
        print("written:", common.save(report, options.results, "train_step"))
    if failed:
        print(f"FAIL: the sides differ by more than {LIMIT}, or a step after the first allocated memory")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

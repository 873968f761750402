"""Every network of lofi beside the original under PyTorch: milliseconds, memory, operations, and how far lofi is from the machine's limits.

usage: run.py --upstream ACE_STEP --build BUILD_FOLDER [--python PYTHON] [--cases A,B] [--work DIR] [--rounds 5] [--threads N] [--results DIR]
       run.py --upstream ACE_STEP --build BUILD_FOLDER --work DIR --prepare        (only makes the models)
       run.py --print RESULTS.json [--first N]

ACE_STEP: a checkout of ace-step/ACE-Step. BUILD_FOLDER: holds bench/networks and bench/machine_peaks. PYTHON: see peer.py for what it
needs. --work keeps the made models (about 7 GB for all). --print gives the tables of what was measured before.

Same weights, inputs and threads. Both sides stay open in processes of their own and take turns, so that whatever else the machine
does hits both; the first runs are not counted. Memory is the largest resident size while running. The results of both are compared:
a relative error above the limit fails. Operations and bytes are counted from the graph: the products and one per number of every other
result; every node's inputs, weights and results once. The floor of a node is its operations at the speed of large products, or its
bytes at the speed of copying, whichever is longer; a node whose tensors stay in the caches can be faster than the latter. The time of
a node is that of its fastest turn.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "common"))
import sides as common

PEER = os.path.join(HERE, "peer.py")
LIMIT = 3e-5  # of lofi's results against PyTorch's, each in single precision
TURN_SECONDS = 0.5
KEPT_GROUPS = 12


class Side(common.Side):
    def __init__(self, name, command):
        super().__init__(name, command)
        self.runs = []

    def take(self, count):
        self.runs += self.ask(f"run {count}")["runs"]

    def summary(self, end):
        return dict(ms=common.spread([r["ms"] for r in self.runs]), cpu_ms=common.spread([r["cpu_ms"] for r in self.runs]), runs=len(self.runs),
                    opening_peak_bytes=self.opening, **end)


# ---- measuring ----


def warm_up(side):
    """Runs what is not counted, and returns how many runs make a turn."""
    side.take(1)
    if side.runs[-1]["ms"] < TURN_SECONDS * 1e3:
        side.take(1)
    count = math.ceil(TURN_SECONDS * 1e3 / side.runs[-1]["ms"])
    side.runs.clear()
    return max(1, min(20, count))


def compare(lofi, torch):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "output.safetensors")
        lofi.ask(f"save {path}")
        return torch.ask(f"compare {path}")["relative_error"]


def measure(options, case, prepared):
    threads = str(options.threads)
    lofi = Side("lofi", [os.path.join(options.build, "bench", "networks"), prepared["network"], prepared["model"], prepared["inputs"], threads])
    torch = Side("torch", [options.python, PEER, "serve", options.upstream, case, options.work, threads])
    turns = {side: warm_up(side) for side in (lofi, torch)}
    lofi.ask("profile")
    profiles = []
    for turn in range(options.rounds):
        for side in (lofi, torch) if turn % 2 == 0 else (torch, lofi):
            side.take(turns[side])
        profiles.append(lofi.ask("profile")["nodes"])
    load, error = os.getloadavg(), compare(lofi, torch)
    result = {side.name: side.summary(side.close()) for side in (lofi, torch)}
    result.update(measured=common.now(), load_average=load, relative_error=error, nodes=best_times(profiles),
                  speed_ratio=result["torch"]["ms"]["median"] / result["lofi"]["ms"]["median"],
                  cpu_ratio=result["torch"]["cpu_ms"]["median"] / result["lofi"]["cpu_ms"]["median"],
                  memory_ratio=result["lofi"]["peak_bytes"] / result["torch"]["peak_bytes"])
    return result


def best_times(profiles):
    """Every node with the milliseconds of its fastest turn: other work on the machine makes turns longer, never shorter."""
    return [(*turns[0][:2], *turns[0][4:], min(seconds / calls for _, _, calls, seconds, *_ in turns) * 1e3) for turns in zip(*profiles)]


def machine_peaks(options, earlier):
    """What the machine can do, the best so far: asked again beside every network, since other work only takes away from it."""
    now = json.loads(ask([os.path.join(options.build, "bench", "machine_peaks"), str(options.threads)]))
    return {key: max(value, earlier.get(key, 0)) for key, value in now.items()}


def account(nodes, peaks):
    """Operations, bytes and floor of one run; where its time goes, by operator and by operator with shapes."""
    total = dict(operations=0, bytes=0, floor_ms=0.0, nodes_ms=0.0)
    operators, shapes = {}, {}
    for operator, shape, operations, size, ms in nodes:
        floor = max(operations / (peaks["product_gflops"] * 1e6), size / (peaks["copy_gb_per_s"] * 1e6))
        for group in (total, operators.setdefault(operator, dict(operator=operator)), shapes.setdefault((operator, shape), dict(operator=operator, shape=shape))):
            for key, value in dict(operations=operations, bytes=size, floor_ms=floor, nodes_ms=ms, nodes=1).items():
                group[key] = group.get(key, 0) + value
    largest = lambda groups: sorted(groups.values(), key=lambda g: -g["nodes_ms"])[:KEPT_GROUPS]
    return dict(total, operators=largest(operators), shapes=largest(shapes))


# ---- telling ----

HEADER = ["network", "lofi ms", "PyTorch ms", "times faster", "processor ms, lofi / PyTorch", "MB, lofi / PyTorch", "GFLOP", "GFLOP/s", "GFLOP a processor s", "floor ms",
          "times floor", "results differ by"]
OPERATOR_HEADER = ["network", "operator", "nodes", "ms", "share %", "GFLOP/s", "GB/s", "times floor"]
SHAPE_HEADER = ["network", "operator", "shapes", "nodes", "ms", "share %", "GFLOP/s", "GB/s", "times floor"]


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def row(case, result):
    l, t = result["lofi"], result["torch"]
    clock = lambda s: f"{number(s['ms']['median'])} ({number(s['ms']['min'])}-{number(s['ms']['max'])})"
    ms = l["ms"]["median"]
    return [case, clock(l), clock(t), f"{result['speed_ratio']:.2f}", f"{number(l['cpu_ms']['median'])} / {number(t['cpu_ms']['median'])}",
            f"{common.megabytes(l['peak_bytes'])} / {common.megabytes(t['peak_bytes'])}", number(result["operations"] * 1e-9),
            f"{result['operations'] / ms * 1e-6:.0f}", f"{result['operations'] / l['cpu_ms']['median'] * 1e-6:.0f}", number(result["floor_ms"]), f"{ms / result['floor_ms']:.2f}", f"{result['relative_error']:.0e}"]


def group_cells(group, result):
    ms = max(group["nodes_ms"], 1e-9)
    return [str(group["nodes"]), number(ms), f"{100 * ms / result['nodes_ms']:.1f}", f"{group['operations'] / ms * 1e-6:.0f}",
            f"{group['bytes'] / ms * 1e-6:.1f}", f"{ms / max(group['floor_ms'], 1e-9):.1f}"]


def tell(report, first):
    last = {case: values["runs"][-1] for case, values in report["cases"].items()}
    peak = lambda key, digits: "-".join(sorted({f"{pick(r['peaks'][key] for r in last.values()):.{digits}f}" for pick in (min, max)}, key=float))
    print(f"{list(last.values())[0]['peaks']['threads']} threads: {peak('register_gflops', 0)} GFLOP/s in registers, {peak('product_gflops', 0)} GFLOP/s in "
          f"products of 1024 x 1024 matrices, copying reads and writes {peak('copy_gb_per_s', 0)} GB/s.\n")
    common.print_table(HEADER, [row(case, result) for case, result in last.items()])
    print()
    common.print_table(OPERATOR_HEADER, [[case, g["operator"]] + group_cells(g, r) for case, r in last.items() for g in r["operators"][:first]])
    print()
    common.print_table(SHAPE_HEADER, [[case, g["operator"], g["shape"]] + group_cells(g, r) for case, r in last.items() for g in r["shapes"][:first]])


def ask(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"run.py: '{' '.join(command)}' failed:\n{done.stderr}")
    return done.stdout


def measure_all(options, prepared):
    report, peaks = dict(machine=common.machine(), cases={}), {}
    for case, made in prepared.items():
        peaks = machine_peaks(options, peaks)
        report["cases"][case] = dict(what=made["what"], sizes=made["sizes"], runs=[measure(options, case, made)])
    peaks = machine_peaks(options, peaks)
    results = [values["runs"][0] for values in report["cases"].values()]
    for result in results:
        result.update(peaks=peaks, **account(result.pop("nodes"), peaks))
    tell(report, options.first)
    if options.results:
        print("written:", common.save(report, options.results, "networks"))
    if any(not r["relative_error"] <= LIMIT or r["lofi"]["allocations_after_first_run"] > 0 for r in results):
        print(f"FAIL: the sides differ by more than {LIMIT}, or a run after the first allocated memory")
        return 1
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream")
    parser.add_argument("--build")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--cases")
    parser.add_argument("--work")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--results")
    parser.add_argument("--print", dest="printed", metavar="RESULTS")
    parser.add_argument("--first", type=int, default=4, help="how many operators and shapes of each network are shown (kept: 12)")
    parser.add_argument("--prepare", action="store_true", help="only make the models and inputs")
    options = parser.parse_args()
    if options.printed:
        with open(options.printed, encoding="utf-8") as file:
            tell(json.load(file), options.first)
        return 0
    if not options.upstream or not options.build:
        parser.error("--upstream and --build are needed")
    temporary = None if options.work else tempfile.TemporaryDirectory()
    options.work = options.work or temporary.name
    prepared = {}
    for case in (options.cases or ask([options.python, PEER, "cases"])).replace(",", " ").split():
        folder = os.path.join(options.work, "cases", case)
        prepared[case] = common.prepare(folder, [options.python, PEER, "prepare", options.upstream, case, options.work], case)
    if options.prepare:
        return 0
    return measure_all(options, prepared)


if __name__ == "__main__":
    sys.exit(main())

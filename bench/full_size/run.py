#!/usr/bin/env python3
"""The released sizes on this machine: how long making a model, checking it, training and generating take, and how much memory.

usage: bench/full_size/run.py LOFI --work DIR [--seconds 60] [--steps 2] [--ranks 64,256] [--threads 0] [--before COMMAND] [--keep]

Makes a model of the full size with random weights (8.3 GB), a song of --seconds and a dataset of it in DIR, which needs 14 GB; a
model that an earlier run left there with --keep is used again. Then `lofi model check`, `lofi train` of each rank with the options
that the command has by itself (gradient checkpointing on), first with an empty cache, and one sampling step of `lofi generate`
with decoding. --before is put before each command (`flock -x FILE`).

Memory is the largest resident size of the process, and what of it was its own (anonymous) and what mapped files when it was
largest: the weights, which are read-only and which the system can drop at any time. Prints one JSON object.
"""
import argparse
import json
import math
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from array import array

LYRICS = "[verse]\n" + "the rain is falling on the window and the night is long\n" * 8
PROMPT = "lofi, chill, piano, mellow, rain, 80 bpm"


def make_song(folder, seconds):
    """A tone that comes and goes, in noise."""
    os.makedirs(folder)
    noise, samples = random.Random(1), array("h")
    for i in range(48000 * seconds):
        tone = 8000 * math.sin(i * 2 * math.pi * 220 / 48000) * math.sin(i * math.pi / 24000)
        samples.extend(int(tone + noise.uniform(-6000, 6000)) for _ in range(2))
    with wave.open(os.path.join(folder, "tone.wav"), "wb") as file:
        file.setnchannels(2), file.setsampwidth(2), file.setframerate(48000)
        file.writeframes(samples.tobytes())
    for name, text in (("tone_prompt.txt", PROMPT), ("tone_lyrics.txt", LYRICS)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)


def resident(process):
    """Megabytes: the largest so far, and of the present the process's own and those of mapped files."""
    values = {}
    try:
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            for line in file:
                name, _, rest = line.partition(":")
                if name in ("VmHWM", "RssAnon", "RssFile", "VmRSS"):
                    values[name] = int(rest.split()[0]) * 1024 / 1e6
    except (FileNotFoundError, ProcessLookupError):
        pass
    return values


def program_of(process, name):
    """The process of that name: the child itself, or what a command put before it has started."""
    for line in [process] + children_of(process):
        try:
            with open(f"/proc/{line}/comm", encoding="ascii") as file:
                if file.read().strip() == name:
                    return line
        except (FileNotFoundError, ProcessLookupError):
            pass
    return None


def children_of(process):
    try:
        with open(f"/proc/{process}/task/{process}/children", encoding="ascii") as file:
            return [int(child) for child in file.read().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def timed(command, before):
    name, largest, own, mapped, begun = os.path.basename(command[0])[:15], 0, 0, 0, None
    with tempfile.TemporaryFile("w+") as messages:
        child = subprocess.Popen(before + command, stdout=subprocess.DEVNULL, stderr=messages)
        ended = 0
        while not ended:
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
            values = resident(program_of(child.pid, name) or 0)
            begun = begun or (values and time.monotonic())
            largest = max(largest, values.get("VmHWM", 0))
            if values.get("RssAnon", 0) + values.get("RssFile", 0) > own + mapped:
                own, mapped = values["RssAnon"], values["RssFile"]
            time.sleep(0.05)
        child.returncode = os.waitstatus_to_exitcode(status)
        messages.seek(0)
        if child.returncode:
            sys.exit(f"failed: {' '.join(command)}\n{messages.read()}")
    return {"wall_s": round(time.monotonic() - (begun or time.monotonic()), 1),
            "processor_s": round(usage.ru_utime + usage.ru_stime, 1), "peak_mb": round(largest), "own_mb": round(own),
            "mapped_mb": round(mapped)}


def step_seconds(folder):
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
        return [round(entry["seconds"], 1) for entry in map(json.loads, file) if "seconds" in entry]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    parser.add_argument("lofi"), parser.add_argument("--work", required=True), parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--steps", type=int, default=2), parser.add_argument("--ranks", default="64,256")
    parser.add_argument("--threads", default="0"), parser.add_argument("--before", default="")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    below = lambda name: os.path.join(options.work, name)
    lofi, before, threads = options.lofi, options.before.split(), ["--threads", options.threads]
    model, runs, results = below("model"), below("runs"), {}
    os.makedirs(options.work, exist_ok=True)
    for name in ("song", "metadata", "dataset", "cache", "runs"):
        shutil.rmtree(below(name), ignore_errors=True)

    def measure(name, *words):
        results[name] = timed([lofi, *words], before)
        print(name, results[name], file=sys.stderr, flush=True)

    if not os.path.isdir(model):
        measure("model init", "model", "init", "--quiet", "--preset", "full", "--seed", "1", model)
    measure("model check", "model", "check", "--quiet", model)
    make_song(below("song"), options.seconds)
    os.makedirs(below("metadata"))
    with open(os.path.join(below("metadata"), "style_mapping.json"), "w", encoding="utf-8") as file:
        file.write("{}\n")
    subprocess.run([lofi, "dataset", "--quiet", "--data-dir", below("song"), "--metadata-dir", below("metadata"), "--output-dir",
                    below("dataset"), "--validation-split", "0", "--allow-unlicensed"], check=True, stdout=subprocess.DEVNULL)
    common = ["train", "--quiet", "--dataset", below("dataset"), "--checkpoint-dir", model, "--logger-dir", runs, "--cache-dir",
              below("cache"), *threads]
    measure("songs encoded", *common, "--exp-name", "encoded", "--lora-rank", "1", "--dry-run")
    for rank in filter(None, options.ranks.split(",")):
        measure(f"train, rank {rank}", *common, "--exp-name", rank, "--lora-rank", rank, "--max-steps", str(options.steps))
        results[f"train, rank {rank}"]["step_s"] = step_seconds(os.path.join(runs, rank))
        shutil.rmtree(runs)
    measure("generate, one step", "generate", "--quiet", "--checkpoint-dir", model, "--prompt", PROMPT, "--lyrics", LYRICS,
            "--duration", str(options.seconds), "--steps", "1", "--seed", "1", "--output", below("song.wav"), *threads)
    print(json.dumps({"machine": platform.processor() or platform.machine(), "cores": os.cpu_count(), "seconds": options.seconds,
                      "threads": options.threads, "results": results}, indent=1))
    if not options.keep:
        shutil.rmtree(options.work)


if __name__ == "__main__":
    main()

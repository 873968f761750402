#!/usr/bin/env python3
"""Preparing songs: lofi audio process beside ffmpeg, beside the way people script it, and beside LAME alone.

bench/audio/run.py LOFI [--songs FOLDER] [--seconds 90] [--count 8] [--rounds 5] [--results FOLDER]

The songs are taken as they are (every format), cut to --seconds without encoding again where that can be. In each round all ways run in turn over
the same files, one process at a time per way and file for the processor time, then each with two at a time for the time on the clock:

    lofi          all checks and measures on, one batch with two workers
    ffmpeg        decode, resample by soxr (28 bits) to 48 kHz stereo, libmp3lame with the same bit rate and quality
    ffmpeg, swr   the same with ffmpeg's own resampler, its default
    librosa       librosa.load at 48 kHz, peak, soundfile to WAV, ffmpeg to MP3: needs a Python with librosa (LOFI_BENCH_PYTHON)
    lame alone    ffmpeg encoding 48 kHz WAV files that are ready: the floor of every way

Prints medians and the spread of the rounds, ratios, files a minute on two processors, and where lofi's time goes by library (perf, where there is one).
"""
import argparse
import os
import platform
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

QUALITY, RATE = "7", "320k"
SCRIPT = """
import sys, librosa, numpy, soundfile, subprocess
for source, target in zip(sys.argv[1::2], sys.argv[2::2]):
    y, rate = librosa.load(source, sr=48000, mono=False)
    if y.ndim == 1: y = numpy.stack([y, y])
    clipped, silent = (abs(y) >= 0.99).mean(), (abs(y) < 0.01).mean()
    y = y / abs(y).max() * 10 ** (-1 / 20)
    soundfile.write(target + ".wav", y.T, rate)
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", target + ".wav", "-c:a", "libmp3lame", "-b:a", "320k",
                    "-compression_level", "7", target], check=True)
"""


def timed(run):
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    run()
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, ended - begun


def both(commands):
    """Two at a time."""
    running = []
    for command in commands:
        if len(running) == 2:
            running.pop(0).wait()
        running.append(subprocess.Popen(command))
    for process in running:
        if process.wait():
            sys.exit(f"{process.args[0]} failed")


def ffmpeg(source, target, resampler):
    return ["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", source, "-map", "0:a", "-ac", "2", *resampler, "-c:a", "libmp3lame", "-b:a", RATE,
            "-compression_level", QUALITY, target]


def prepare(lofi, songs, seconds, count, folder):
    """Songs of one length that are accepted, in the formats that they have and in others."""
    os.mkdir(f"{folder}/raw")
    songs = [song for song in songs if subprocess.run([lofi, "audio", "validate", "--quiet", "--min-duration", "0", "--file", song],
                                                      check=False).returncode == 0]
    kinds = [("copy", None), ("mp3", ["-c:a", "libmp3lame", "-b:a", "192k", "-ar", "44100"]), ("flac", ["-ar", "44100"]),
             ("m4a", ["-c:a", "aac", "-b:a", "192k"])]
    for i, song in enumerate(songs[:count]):
        kind, options = kinds[i % len(kinds)]
        ending = os.path.splitext(song)[1] if kind == "copy" else "." + kind
        options = ["-c", "copy"] if kind == "copy" else options
        subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i", song, "-map", "0:a", "-map_metadata", "-1",
                        "-t", str(seconds), *options, f"{folder}/raw/{i:02d}{ending}"], check=True)
    return [f"{folder}/raw/{name}" for name in sorted(os.listdir(f"{folder}/raw"))]


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = re.search(r"model name\s*: (.*)", file.read()).group(1)
    version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
    return f"{model}, {os.cpu_count()} processors, {platform.platform()}; {version}"


def where_time_goes(lofi, folder, say):
    if not shutil.which("perf"):
        return
    shutil.rmtree(f"{folder}/lofi", ignore_errors=True)
    data = f"{folder}/perf.data"
    done = subprocess.run(["perf", "record", "-q", "-F", "500", "-o", data, *lofi, "--workers", "1"], capture_output=True, check=False)
    if done.returncode:
        return
    table = subprocess.run(["perf", "report", "-i", data, "--sort", "dso", "--stdio"], capture_output=True, text=True, check=False).stdout
    say("where lofi's processor time goes, by library:")
    for line in table.splitlines():
        found = re.match(r"\s+([\d.]+)%\s+(\S+)", line)
        if found and float(found.group(1)) >= 0.3:
            say(f"    {found.group(2):28} {found.group(1):>6} %")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lofi")
    parser.add_argument("--songs", default="/usr/share/games/singularity/music")
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--results")
    arguments = parser.parse_args()
    python = os.environ.get("LOFI_BENCH_PYTHON", sys.executable)
    songs = sorted(os.path.join(place, name) for place, _, names in os.walk(arguments.songs) for name in names
                   if re.search(r"\.(ogg|mp3|flac|wav|m4a|opus)$", name))
    lines = []

    def say(text):
        print(text, flush=True)
        lines.append(text)

    with tempfile.TemporaryDirectory() as folder:
        raw = prepare(arguments.lofi, songs, arguments.seconds, arguments.count, folder)
        os.mkdir(f"{folder}/other")
        names = [f"{folder}/other/{i}.mp3" for i in range(len(raw))]
        ready = [f"{folder}/other/{i}.ready.wav" for i in range(len(raw))]
        for source, target in zip(raw, ready):
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", source, "-ac", "2", "-ar", "48000", target], check=True)
        lofi = [arguments.lofi, "audio", "process", "--quiet", "--mp3-quality", QUALITY, "--min-duration", "1", "--max-duration", "3600",
                "--input-dir", f"{folder}/raw", "--output-dir", f"{folder}/lofi/out"]
        soxr = ["-af", "aresample=48000:resampler=soxr:precision=28"]

        def run_lofi():
            shutil.rmtree(f"{folder}/lofi", ignore_errors=True)
            if subprocess.run([*lofi, "--workers", "2"], check=False).returncode:
                sys.exit("lofi failed, or rejected a song: the comparison would not be fair")

        ways = {"lofi": run_lofi,
                "ffmpeg": lambda: both([ffmpeg(a, b, soxr) for a, b in zip(raw, names)]),
                "ffmpeg, swr": lambda: both([ffmpeg(a, b, ["-ar", "48000"]) for a, b in zip(raw, names)]),
                "lame alone": lambda: both([ffmpeg(a, b, []) for a, b in zip(ready, names)])}
        if subprocess.run([python, "-c", "import librosa, soundfile"], capture_output=True, check=False).returncode == 0:
            half = len(raw) // 2
            parts = [[word for pair in list(zip(raw, names))[i:j] for word in pair] for i, j in ((0, half), (half, len(raw)))]
            ways["librosa"] = lambda: both([[python, "-W", "ignore", "-c", SCRIPT, *part] for part in parts if part])
        else:
            say("librosa left out: no Python with librosa and soundfile (set LOFI_BENCH_PYTHON)")
        say(machine())
        say(f"{len(raw)} files of {arguments.seconds} s ({', '.join(sorted({os.path.splitext(p)[1][1:] for p in raw}))}), MP3 {RATE} quality "
            f"{QUALITY}, two at a time, {arguments.rounds} rounds in turn")
        times = {way: [] for way in ways}
        for _ in range(arguments.rounds):
            for way, run in ways.items():
                times[way].append(timed(run))
        median = {way: [statistics.median(t[i] for t in taken) for i in (0, 1)] for way, taken in times.items()}
        say(f"{'':14} {'processor s a file':>20} {'spread':>15} {'clock s in all':>15} {'files a minute':>15} {'processor / ffmpeg':>19}")
        for way, (processor, clock) in median.items():
            each = [t[0] / len(raw) for t in times[way]]
            ratio = statistics.median(a[0] / b[0] for a, b in zip(times[way], times["ffmpeg"]))
            say(f"{way:14} {processor / len(raw):20.3f} {min(each):7.3f}-{max(each):.3f} {clock:15.2f} {60 * len(raw) / clock:15.1f} {ratio:19.3f}")
        where_time_goes(lofi, folder, say)
    if arguments.results:
        with open(arguments.results, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")


main()

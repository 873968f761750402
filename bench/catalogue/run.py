#!/usr/bin/env python3
"""How long commands take on a catalogue of many tracks.

usage: bench/catalogue/run.py LOFI [--tracks 10000] [--seconds 90] [--rounds 5] [--keep DIR]

Makes a metadata folder of that many tracks (styles, sources, scores, prompts, lyrics, and what 'lofi audio process' would have
on record of songs of that length, with made-up fingerprints) and small files in place of the audio, then times each command:
median and spread of the rounds. 'lofi dataset' is also timed at 500 tracks and 200 repeats.
"""
import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

STYLES = [f"{kind}-{i:02d}" for kind, count in (("CORE", 7), ("SEASON", 9), ("THEME", 10), ("INST", 7), ("VOCAL", 5))
          for i in range(1, count + 1)]


def save(path, value):
    with open(path, "w") as file:
        json.dump(value, file)


def wander(count, rng):
    """Words of which each differs from the one before in about five bits, as those of music do."""
    word, words = rng.getrandbits(32), []
    for _ in range(count):
        for _ in range(rng.randrange(2, 9)):
            word ^= 1 << rng.randrange(32)
        words.append(word)
    return words


def fingerprint(lofi_words):
    """Chromaprint's packed form."""
    import base64
    normal, exceptional = [], []
    last = 0
    for word in lofi_words:
        changed, bit, before = word ^ last, 1, 0
        while changed:
            if changed & 1:
                gap = bit - before
                if gap >= 7:
                    normal.append(7)
                    exceptional.append(gap - 7)
                else:
                    normal.append(gap)
                before = bit
            changed >>= 1
            bit += 1
        normal.append(0)
        last = word
    def pack(values, bits):
        out, held, count = bytearray(), 0, 0
        for value in values:
            held |= value << count
            count += bits
            while count >= 8:
                out.append(held & 255)
                held >>= 8
                count -= 8
        if count:
            out.append(held & 255)
        return bytes(out)
    head = bytes([1]) + len(lofi_words).to_bytes(3, "big")
    return base64.urlsafe_b64encode(head + pack(normal, 3) + pack(exceptional, 5)).rstrip(b"=").decode()


def make(folder, tracks, seconds, seed=1):
    rng = random.Random(seed)
    final, metadata = os.path.join(folder, "final"), os.path.join(folder, "metadata")
    os.makedirs(final)
    os.makedirs(metadata)
    records, mapping, scores, ledger, ids = [], {}, [], [], []
    words = int(seconds / 0.124)
    for i in range(tracks):
        name = f"track {i:05d}"
        ids.append(name)
        style = rng.choice(STYLES)
        mapping[name] = rng.sample(STYLES, 2) if i % 3 == 0 else style
        audio = os.path.join(final, name + ".mp3")
        with open(audio, "wb") as file:
            file.write(b"audio %d" % i)
        with open(os.path.join(final, name + "_prompt.txt"), "w") as file:
            file.write("lofi hip hop, chill, mellow, boom bap drums, piano, rhodes, bass guitar, 80 bpm, laid-back tempo, "
                       "vinyl crackle, jazz samples, tape saturation, analog warmth, late night, instrumental\n")
        with open(os.path.join(final, name + "_lyrics.txt"), "w") as file:
            file.write("[Instrumental]\n")
        info = os.stat(audio)
        ledger.append({"track": f"../final/{name}.mp3", "source": f"../raw/{name}.wav", "settings": "x", "status": "success",
                       "duration": float(seconds), "quality_score": 90, "content": "0" * 64,
                       "measures": {"tempo_bpm": 80.0, "tempo_confidence": 0.5},
                       "fingerprint": fingerprint(wander(words, rng)),
                       "sha256": hashlib.sha256(b"audio %d" % i).hexdigest(), "bytes": info.st_size,
                       "modified_ns": info.st_mtime_ns})
        if i % 2 == 0:
            scores.append({"track_id": name, "score": float(rng.randrange(101)), "scorer": "Mara", "date": "2026-01-02"})
    for name in ids:
        styles = mapping[name]
        records.append({"track_id": name, "filename": name + ".mp3", "audio_path": f"../final/{name}.mp3",
                        "prompt_path": f"../final/{name}_prompt.txt", "lyrics_path": f"../final/{name}_lyrics.txt",
                        "duration": float(seconds), "sample_rate": 48000, "quality_score": 90.0,
                        "style_ids": styles if isinstance(styles, list) else [styles], "source_id": "bench",
                        "human_verified": False, "split": None})
    save(os.path.join(metadata, "tracks.json"), {"tracks": records})
    save(os.path.join(metadata, "style_mapping.json"), mapping)
    save(os.path.join(metadata, "quality_scores.json"), {"scores": scores})
    save(os.path.join(metadata, "sources.json"), {"sources": [
        {"source_id": "bench", "track_ids": ids, "source_type": "royalty_free", "provider": "nobody", "license_type": "none",
         "ai_training_permitted": True, "date_acquired": "2026-01-02"}]})
    with open(os.path.join(metadata, "audio.jsonl"), "w") as file:
        for record in ledger:
            file.write(json.dumps(record, separators=(",", ":")) + "\n")
    return final, metadata


def timed(command, rounds):
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True)
        times.append(time.perf_counter() - started)
        if done.returncode not in (0, 3):
            sys.exit(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.decode()[-500:]}")
    return times


def show(title, times):
    print(f"{title:<44} {statistics.median(times):7.3f} s   {min(times):7.3f} .. {max(times):7.3f}")


def bench_commands(lofi, folder, tracks, seconds, rounds):
    final, metadata = make(folder, tracks, seconds)
    place = ["--metadata-dir", metadata]
    table, dataset = os.path.join(folder, "table.csv"), os.path.join(folder, "dataset")
    commands = [
        ("tracks list", ["tracks", "list", *place]),
        ("tracks list --json", ["tracks", "list", "--json", *place]),
        ("tracks stats --picture", ["tracks", "stats", "--picture", os.path.join(folder, "stats.svg"), *place]),
        ("tracks review", ["tracks", "review", *place]),
        ("tracks verify", ["tracks", "verify", *place]),
        ("tracks verify --by (all)", ["tracks", "verify", "*", "--by", "Mara", *place]),
        ("tracks assign (one)", ["tracks", "assign", "track 00077", "--style", "CORE-02", *place]),
        ("tracks assign (all)", ["tracks", "assign", "*", "--style", "CORE-02", *place]),
        ("tracks source (all)", ["tracks", "source", "bench", "*", "--notes", "x", *place]),
        ("tracks score (one)", ["tracks", "score", "track 00077", "--score", "50", "--scorer", "Lee", *place]),
        ("tracks add (all, known)", ["tracks", "add", final, *place]),
        ("tracks export", ["tracks", "export", table, *place]),
        ("tracks import", ["tracks", "import", table, *place]),
        ("tracks organize --dry-run", ["tracks", "organize", "--dry-run", "--output-dir", os.path.join(folder, "sorted"),
                                       *place]),
        ("prompt generate", ["prompt", "generate", "--audio-dir", final, "--style-mapping",
                             os.path.join(metadata, "style_mapping.json"), "--output-dir", os.path.join(folder, "texts")]),
        ("dataset, 1 repeat", ["dataset", "--data-dir", final, "--output-dir", dataset, "--repeat-count", "1", *place]),
        ("dataset info", ["dataset", "info", dataset]),
        ("dataset diff", ["dataset", "diff", dataset, dataset]),
    ]
    print(f"{tracks} tracks of {seconds} s")
    for title, arguments in commands:
        show(title, timed([lofi, *arguments], rounds))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lofi")
    parser.add_argument("--tracks", type=int, default=10000)
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", help="folder that is made and left there")
    given = parser.parse_args()
    folder = given.keep or tempfile.mkdtemp(prefix="lofi-catalogue-")
    os.makedirs(folder, exist_ok=True)
    try:
        bench_commands(os.path.abspath(given.lofi), os.path.join(folder, "many"), given.tracks, given.seconds, given.rounds)
        final, metadata = make(os.path.join(folder, "500"), 500, given.seconds, seed=2)
        command = [os.path.abspath(given.lofi), "dataset", "--data-dir", final, "--metadata-dir", metadata, "--output-dir",
                   os.path.join(folder, "500", "dataset"), "--repeat-count", "200"]
        print("500 tracks")
        show("dataset, 200 repeats", timed(command, given.rounds))
    finally:
        if not given.keep:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()

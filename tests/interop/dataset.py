"""Opens a dataset that `lofi dataset` wrote with the `datasets` library, as the original trainer does, and compares.

usage: dataset.py ROOT DATASET MANIFEST_JSON REPEAT
ROOT: the songs with their texts. Exits with 1 and a sentence when something differs.
"""
import json
import os
import sys

import datasets


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def expect(what, found, expected):
    if found != expected:
        sys.exit(f"{what}: found {found!r}, expected {expected!r}")


def check_split(rows, tracks, root, repeat):
    expect("rows", len(rows), len(tracks) * repeat)
    expect(
        "columns",
        rows.column_names,
        ["keys", "filename", "tags", "speaker_emb_path", "norm_lyrics", "recaption", "track_id", "prompt", "style_ids",
         "duration", "source_id"],
    )
    for index in range(len(rows)):
        row, track = rows[index], tracks[index % len(tracks)]
        stem = os.path.join(root, os.path.splitext(os.path.relpath(row["filename"], root))[0])
        expect("key", row["keys"], track["track_id"])
        expect("track id", row["track_id"], track["track_id"])
        expect("audio is there", os.path.isfile(row["filename"]), True)
        expect("file name", os.path.basename(stem), track["track_id"])
        prompt = read(stem + "_prompt.txt")
        expect("prompt", row["prompt"], prompt)
        expect("tags", row["tags"], prompt.split(", "))
        lyrics = read(stem + "_lyrics.txt") if os.path.exists(stem + "_lyrics.txt") else "[Instrumental]"
        expect("lyrics", row["norm_lyrics"], lyrics)
        expect("recaption", row["recaption"], {})
        expect("speaker", row["speaker_emb_path"], "")
        expect("styles", row["style_ids"], track["style_ids"])
        expect("source", row["source_id"], track["source_id"])
        expect("duration", row["duration"], track["duration"])


def main():
    root, folder, manifest_path, repeat = sys.argv[1:]
    root = os.path.realpath(root)
    manifest = json.load(open(manifest_path, encoding="utf-8"))
    whole = datasets.load_from_disk(folder)
    splits = whole if isinstance(whole, datasets.DatasetDict) else {"train": whole}
    for name, rows in splits.items():
        tracks = [track for track in manifest["tracks"] if track["split"] == name]
        check_split(rows, tracks, root, int(repeat))
        shuffled = rows.shuffle(seed=1).select(range(min(3, len(rows))))
        expect("rows after a shuffle", len(list(shuffled)), min(3, len(rows)))
    expect("splits", sorted(splits), sorted({track["split"] for track in manifest["tracks"]}))
    if isinstance(whole, datasets.DatasetDict):
        check_split(datasets.load_from_disk(os.path.join(folder, "train")),
                    [track for track in manifest["tracks"] if track["split"] == "train"], root, int(repeat))
    print(f"datasets {datasets.__version__}: {', '.join(f'{name} {len(rows)} rows' for name, rows in splits.items())}")


main()

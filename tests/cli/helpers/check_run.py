"""check_run.py RUN STEPS: whether a finished run's folder is as it should be.

Metrics hold the steps 1 to STEPS once each and in order; the manifest lists exactly the checkpoints that are there, each with
the sizes and hashes of its files; nothing else lies about.
"""
import hashlib
import json
import os
import sys

run, steps = sys.argv[1], int(sys.argv[2])
with open(f"{run}/metrics.jsonl") as file:
    lines = [json.loads(line) for line in file]
found = [line["step"] for line in lines if "loss" in line]
assert found == list(range(1, steps + 1)), f"steps in metrics.jsonl: {found}"
measured = [line["step"] for line in lines if "validation_loss" in line]
assert measured == sorted(set(measured)), f"held-out measurements: {measured}"

checkpoints = f"{run}/checkpoints"
with open(f"{checkpoints}/manifest.json") as file:
    listed = json.load(file)["checkpoints"]
there = sorted(name for name in os.listdir(checkpoints) if not name.startswith("manifest.json"))
assert sorted(entry["path"] for entry in listed) == there, f"listed {[e['path'] for e in listed]}, there {there}"
assert [entry["step"] for entry in listed] == sorted(entry["step"] for entry in listed)
for entry in listed:
    folder = f"{checkpoints}/{entry['path']}"
    assert entry["is_valid"] is True
    with open(f"{folder}/checkpoint.json") as file:
        assert json.load(file) == entry, folder
    assert sorted(os.listdir(folder)) == sorted([file["name"] for file in entry["files"]] + ["checkpoint.json"]), folder
    for file in entry["files"]:
        with open(f"{folder}/{file['name']}", "rb") as stream:
            content = stream.read()
        assert len(content) == file["size"] and hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]
extra = set(os.listdir(run)) - {"metrics.jsonl", "loss.svg", "checkpoints", "superseded"}
assert not extra, f"left over: {extra}"
assert os.path.exists(f"{run}/loss.svg")

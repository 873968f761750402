"""Reads a dataset of the original conversion script and one of ours with `datasets`: same type for each common column.

usage: compare_original.py ORIGINAL OURS
"""
import sys

import datasets

original, ours = (datasets.load_from_disk(path) for path in sys.argv[1:])
if isinstance(ours, datasets.DatasetDict):
    ours = ours["train"]
for name, feature in original.features.items():
    if name not in ours.features:
        sys.exit(f"our dataset lacks the column {name}")
    if ours.features[name] != feature:
        sys.exit(f"the column {name} is {ours.features[name]}, in the original {feature}")
    left, right = original.data.schema.field(name).type, ours.data.schema.field(name).type
    if left != right:
        sys.exit(f"the column {name} is {right} in Arrow, in the original {left}")
print(f"{len(original.features)} columns of the same type")

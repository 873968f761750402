#!/usr/bin/env python3
"""The schema files by a standard validator, and our cases of schemas by it, too.

usage: tests/interop/schemas.py SOURCE [--metadata DIR]...     needs the package jsonschema

DIR: a metadata folder, or the checkpoints folder of a run.

Every config/schemas/*.schema.json is a valid schema of draft 2020-12; the verdicts of tests/data/schema_cases.json, which the
unit test of our validator expects, are those of jsonschema; and the files of metadata folders and runs keep the schemas.
"""
import glob
import json
import os
import sys

import jsonschema

passed = failed = 0


def check(what, right):
    global passed, failed
    passed, failed = passed + right, failed + (not right)
    if not right:
        print(f"FAILED  {what}")


def validator(schema):
    return jsonschema.Draft202012Validator(schema)


def check_metadata(folder, schemas):
    lists = {"sources.json": ("sources", "source_record"), "tracks.json": ("tracks", "track"),
             "quality_scores.json": ("scores", "quality_score"), "style_mapping.json": (None, "style_mapping"),
             "dataset_manifest.json": (None, "dataset"), "manifest.json": ("checkpoints", "checkpoint")}
    for name, (member, entity) in lists.items():
        path = os.path.join(folder, name)
        if not os.path.exists(path):
            continue
        document = json.load(open(path))
        for entry in document[member] if member else [document]:
            faults = [error.message for error in validator(schemas[entity]).iter_errors(entry)]
            check(f"{path}: {faults[:1]}", not faults)


def main():
    source, folders = sys.argv[1], [value for flag, value in zip(sys.argv[2:], sys.argv[3:]) if flag == "--metadata"]
    schemas = {}
    for path in sorted(glob.glob(os.path.join(source, "config/schemas/*.schema.json"))):
        schema = json.load(open(path))
        schemas[os.path.basename(path).split(".")[0]] = schema
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
            check(path, True)
        except jsonschema.SchemaError as fault:
            check(f"{path}: {fault.message}", False)
    for case in json.load(open(os.path.join(source, "tests/data/schema_cases.json"))):
        for value, verdict in case["values"]:
            check(f"{case['schema']} with {value!r}", validator(case["schema"]).is_valid(value) == verdict)
    for folder in folders:
        check_metadata(folder, schemas)
    for preset in json.load(open(os.path.join(source, "config/tag_vocabulary.json")))["categories"]:
        check(f"tag_vocabulary.json: {preset['category']}", validator(schemas["tag_category"]).is_valid(preset))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not schemas else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Compares the program's token ids with those of Hugging Face's `tokenizers` library on random multilingual strings.

usage: compare_tokenizer.py TEST_PROGRAM TOKENIZER_JSON [--count N] [--seed N] [--max-tokens N] [--variants]

TEST_PROGRAM is the built unit test `test_text_tokenizer`; it is run with LOFI_TEST_TOKENIZER (the file) and
LOFI_TEST_TOKENIZER_PAIRS (texts and the library's ids) and fails when an id differs. --variants repeats the comparison
with changed copies of the tokenizer: every pre-tokenizer, normalizer and option of an added token that is supported.
Needs the Python package `tokenizers`.
"""
import argparse
import copy
import json
import os
import random
import subprocess
import sys
import tempfile
import unicodedata

import tokenizers

WORDS = ("rain night coffee window piano lofi beats chill hop jazz mellow 85 bpm don't late-night drive café naïve Straße señor "
         "дождь джаз 雨の夜 カフェ 东京 음악 비가 เพลง संगीत موسيقى מוזיקה kırmızı Ærø").split()
RANGES = [(0x20, 0x7e), (0xa0, 0x17f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0xdff), (0xe00, 0xeff), (0x1100, 0x11ff),
          (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2070, 0x24ff), (0x2500, 0x27bf), (0x3000, 0x30ff), (0x3130, 0x33ff), (0x4e00, 0x9fff),
          (0xac00, 0xd7a3), (0xf900, 0xfaff), (0xfb00, 0xfdff), (0xfe00, 0xffef), (0x1d400, 0x1d7ff), (0x1f1e6, 0x1f1ff), (0x1f300, 0x1faff), (0x20000, 0x2a6df)]
SPECIAL = ["</s>", "<unk>", "<pad>", "<s>", "\u2581", "\u2581\u2581", "  ", "   ", "\t", "\n", "\r\n", "\u3000", "\u00a0", "\u200b", "\u200d", "\ufe0f", "\u00ad", "\ufeff",
           "e\u0301", "o\u0308\u0304", "\u1100\u1161\u11a8", "\u0915\u094d\u0937", "\U0001f469\u200d\U0001f3a4", "\U0001f1e9\U0001f1ea", "ﬁ", "①", "㈱", "ｶﾞ", "½", "…", "™", "<tag>", "<Tag>", " <tag> ", "x<tag>y"]


def character(rng):
    low, high = rng.choice(RANGES)
    while True:
        c = chr(rng.randint(low, high))
        if unicodedata.category(c) not in ("Cs", "Cn"):
            return c


def text(rng):
    parts = []
    for _ in range(rng.randint(0, 24)):
        kind = rng.random()
        if kind < 0.35:
            parts.append(rng.choice(WORDS) + rng.choice(["", " ", ", ", "\n"]))
        elif kind < 0.55:
            parts.append(rng.choice(SPECIAL))
        elif kind < 0.75:
            parts.append("".join(character(rng) for _ in range(rng.randint(1, 4))))
        else:
            parts.append(rng.choice("abcdefgXYZ0123456789.,!?'-() ") * rng.randint(1, 3))
    return "".join(parts)


def variants(base):
    yield "as it is", base
    mark = "\u2581"
    pre = [{"type": "Metaspace", "replacement": mark, "prepend_scheme": s, "split": b} for s in ("always", "first", "never") for b in (True, False)]
    pre += [{"type": "Metaspace", "replacement": mark, "add_prefix_space": False, "prepend_scheme": "never"}, {"type": "WhitespaceSplit"}, {"type": "Whitespace"}, None]
    for p in pre:
        yield "pre_tokenizer " + json.dumps(p), {**base, "pre_tokenizer": p}
    norms = [None] + [{"type": t} for t in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")]
    norms += [{"type": "Strip", "strip_left": a, "strip_right": b} for a, b in ((True, False), (False, True), (True, True), (False, False))]
    norms += [{"type": "Prepend", "prepend": mark}, {"type": "Replace", "pattern": {"String": " "}, "content": mark}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
              {"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""}, {"type": "Replace", "pattern": {"Regex": "\\s{3,}"}, "content": "-"},
              {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, {"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True}]}]
    for n in norms:
        yield "normalizer " + json.dumps(n), {**base, "normalizer": n}
    for flags in range(16):
        d = copy.deepcopy(base)
        next_id = max([len(d["model"]["vocab"])] + [t["id"] + 1 for t in d["added_tokens"]])
        options = {k: bool(flags >> i & 1) for i, k in enumerate(("single_word", "lstrip", "rstrip", "normalized"))}
        known = {p[0] for p in d["model"]["vocab"]} if isinstance(d["model"]["vocab"], list) else set(d["model"]["vocab"])
        for i, content in enumerate(c for c in ("<tag>", "<Tag>", "lofi", "\u96e8", "\u96e8\u306e", "rain") if c not in known):
            d["added_tokens"].append({"id": next_id + i, "content": content, **options, "special": False})
        yield f"added tokens with {options}", d
    if base["model"]["type"] == "Unigram":
        d = copy.deepcopy(base)
        d["model"]["vocab"] += [[f"<0x{b:02X}>", 0.0] for b in range(256)]
        d["model"]["byte_fallback"] = True
        yield "byte fallback", d


def compare(program, document, texts, max_tokens):
    with tempfile.TemporaryDirectory() as folder:
        path, pairs = os.path.join(folder, "tokenizer.json"), os.path.join(folder, "pairs.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(document, f, ensure_ascii=False)
        library = tokenizers.Tokenizer.from_file(path)
        library.no_padding()
        library.enable_truncation(max_tokens)
        with open(pairs, "w", encoding="utf-8") as f:
            json.dump({"max_tokens": max_tokens, "pairs": [[t, library.encode(t).ids] for t in texts]}, f, ensure_ascii=False)
        env = {**os.environ, "LOFI_TEST_TOKENIZER": path, "LOFI_TEST_TOKENIZER_PAIRS": pairs}
        return subprocess.run([program], env=env, capture_output=True, text=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("tokenizer")
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--variants", action="store_true")
    args = parser.parse_args()
    with open(args.tokenizer, encoding="utf-8") as f:
        base = json.load(f)
    rng = random.Random(args.seed)
    texts = [text(rng) for _ in range(args.count)]
    failed = 0
    for name, document in variants(base) if args.variants else [("as it is", base)]:
        result = compare(args.program, document, texts, args.max_tokens)
        print(("equal    " if result.returncode == 0 else "DIFFERENT"), f"{len(texts)} texts:", name)
        if result.returncode != 0:
            failed += 1
            print(result.stdout[-2000:], result.stderr[-2000:])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

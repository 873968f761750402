#!/usr/bin/env python3
"""Compares the program's number words with those of the num2words package, language by language.

usage: compare_number_words.py TEST_PROGRAM [--upstream ACE_STEP_DIR] [--languages "de fr"] [--random N] [--seed N]
       compare_number_words.py --write FILE [--upstream ACE_STEP_DIR]

TEST_PROGRAM is the built unit test `test_text_numbers`; it is run with LOFI_TEST_NUMBERS, a file of cases, prints what
differs and fails when something does. Cases: cardinals and ordinals of 0 to 20,000, powers of ten up to 10^70 and their
neighbours, random integers; decimals and amounts of money as upstream's patterns pass them. With --upstream (a checkout of
ACE-Step) also whole lines through its multilingual_cleaners. --write makes the small recording of tests/data/text.
Needs the Python package num2words 0.5.14; --upstream needs what ACE-Step's lyric_tokenizer.py imports.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile

from num2words import num2words

LANGUAGES = "en es fr de it pt pl cs ru nl tr hu ar ko".split()
CUTS = {"en": ", ", "es": " con ", "fr": " et ", "de": " und ", "pt": " e ", "it": " e "}
WORDS = "la noche, Dr. 1.000 & % # $ £ ° \" St. x y. ünï 3. дом 밤 ليل co. 5% p. m. & – 2ª 1er 3rd 4th 5de 7번째 9-й 8º 1a 6. 10.".split(" ")


def asked(language):
    return language if language != "cs" else "cz"


def words(language, kind, text):
    try:
        if kind == "cardinal":
            return num2words(int(text), lang=asked(language))
        if kind == "ordinal":
            return num2words(int(text), ordinal=True, lang=asked(language))
        if kind == "decimal":
            return num2words(float(text), lang=asked(language))
        amount = float(text)
        spelled = num2words(amount, to="currency", currency=kind, lang=asked(language))
        cut = spelled.rfind(CUTS.get(language, ", "))
        return spelled[:cut] if amount.is_integer() and cut != -1 else spelled
    except Exception:
        return None


def integers(rng, count, small):
    yield from range(small)
    for power in range(4, 71):
        yield from (10 ** power - 1, 10 ** power, 10 ** power + 1, 2 * 10 ** power, 21 * 10 ** power, 101 * 10 ** power, 180 * 10 ** power)
    for _ in range(count):
        yield int(10 ** rng.uniform(4, 12))
    for _ in range(count // 5):
        yield int(10 ** rng.uniform(12, 18))
        yield rng.choice((1, 2, 11, 80, 200)) * 1000 ** rng.randint(1, 5) + rng.choice((0, 1, 2, 21, 80, 100, 1000, 23000))


def decimals(rng, count):
    yield from ("0.5", "1.0", "2.50", "0.0", "0.05", "12.345", "0.00001", "100.01", "1000000.0", "12345678.0", "1.9999", "3.999", "1.001", "21.21", "11.11", "2.02")
    for _ in range(count):
        yield "%d.%0*d" % (int(10 ** rng.uniform(0, 7)), rng.randint(1, 5), rng.randint(0, 99999) % 10 ** rng.randint(1, 5))


def cases(rng, count, languages, small):
    for language in languages:
        for value in integers(rng, count, small):
            for kind in ("cardinal", "ordinal"):
                yield language, kind, str(value)
        for number in decimals(rng, count // 5):
            if language != "tr":
                yield language, "decimal", number
            for kind in ("USD", "GBP", "EUR"):
                yield language, kind, number
                yield language, kind, number.split(".")[0]


def line(rng):
    parts = []
    for _ in range(rng.randint(1, 7)):
        kind = rng.random()
        number = str(int(10 ** rng.uniform(0, 6)))
        if kind < 0.4:
            parts.append(rng.choice(WORDS))
        elif kind < 0.7:
            parts.append(number + rng.choice(["", "", ".", ",", "%", "º", "er", "e", "th", "°"]))
        elif kind < 0.85:
            parts.append(number + rng.choice(".,") + str(rng.randint(0, 999)))
        else:
            parts.append(rng.choice("$£€") + number + rng.choice(["", ".50", ",5", ".00"]))
    return " ".join(parts)


def upstream_lines(rng, folder, languages, count):
    sys.path.insert(0, folder)
    from acestep.models.lyrics_utils.lyric_tokenizer import multilingual_cleaners
    for language in languages:
        for _ in range(count):
            text = line(rng)
            yield [language, "line", text, multilingual_cleaners(text, language)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?")
    parser.add_argument("--upstream")
    parser.add_argument("--languages", default=" ".join(LANGUAGES))
    parser.add_argument("--random", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    languages = options.languages.split()
    count, small = (40, 32) if options.write else (options.random, 20001)
    made = [[l, k, t, words(l, k, t)] for l, k, t in cases(rng, count, languages, small)]
    if options.upstream:
        made += list(upstream_lines(rng, options.upstream, languages, 20 if options.write else 2000))
    if options.write:
        made = [c for c in made if c[1] == "line" or int(c[2].split(".")[0]) < 32 or rng.random() < 0.12]
        with open(options.write, "w", encoding="utf-8") as out:
            out.write("[\n" + ",\n".join(json.dumps(c, ensure_ascii=False) for c in made) + "\n]\n")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cases.json")
        with open(path, "w", encoding="utf-8") as out:
            json.dump(made, out)
        return subprocess.run([options.program], env=dict(os.environ, LOFI_TEST_NUMBERS=path)).returncode


sys.exit(main())

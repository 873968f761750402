#!/usr/bin/env python3
"""Reads a dataset that `lofi dataset` wrote with the original trainer's own reader, Text2MusicDataset, and looks at every row.

tests/interop/upstream_dataset.py LOFI CHECKOUT [--workers 2] [--keep NEW_FOLDER]

CHECKOUT is a copy of the repository ace-step/ACE-Step; its acestep/text2music_dataset.py is imported, nothing of it is here. Needs what that file
imports (docs/interoperability.md lists the packages). Makes songs with awkward names, of several rates, with and without lyrics; prepares
them, writes their prompts and the dataset with LOFI; opens the train split as the checkout's trainer.py does; compares sound, tags and lyrics with what
was made. The reader puts another row in the place of one that it cannot read, so names and its error log are looked at too.
Closes with 'N passed, N failed'; exit status 1 when one failed, 2 when a package or the checkout is missing.
"""
import argparse
import collections
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import wave

PACKAGES = "docs/interoperability.md lists the packages"


def missing(sentence):
    print(f"upstream_dataset.py: {sentence}", file=sys.stderr)
    sys.exit(2)


try:
    import datasets
    import loguru
    import numpy as np
    import torch
    import torchaudio
except ImportError as error:
    missing(f"this Python lacks a package: {error}; {PACKAGES}")

RATE, REPEATS, HELD_OUT = 48000, 3, 0.2
ALIKE = 0.999  # MP3 at 320 kbit/s of sounds below 9 kHz
PLAIN = "[Instrumental]"
ENGLISH = """[Intro]
[Verse]
I don't mind the rain on my window tonight
Nothing but the kettle and a flickering light
[Chorus]
Slow down, slow down, let the record play
We'll be here until the break of day

[Outro]
Slow down"""
SPANISH = """[Verse]
La lluvia cae despacio sobre el corazón
Mañana volverás, canción de la niñez
[Chorus]
No te vayas, no te vayas todavía"""
# name, seconds, rate, channels, lyrics, style
SONGS = [
    ("plain", 31.0, 48000, 1, None, "THEME-02"),
    ("Rain on 5th, \"take 2\"", 33.5, 44100, 2, ENGLISH, "VOCAL-01"),
    ("when it's João's Café", 35.25, 48000, 2, None, "CORE-02"),
    ("canción de cuna (final) 100% #1", 32.0, 48000, 2, SPANISH, "VOCAL-02"),
    ("夜の雨 — ночь", 40.0, 44100, 1, None, "SEASON-06"),
    ("über  two spaces & more", 31.5, 32000, 2, None, "INST-03"),
]


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, good, found=""):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'ok    ' if good else 'FAILED'}  {what}{f': {found}' if found != '' else ''}", flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


# ---- what LOFI is given, and makes of it ----

def sound(number, rate, seconds, channels):
    """A song of many tones below 9 kHz that swell one by one: the same at every rate, and unlike every other song. (samples, channels)"""
    draw = np.random.default_rng(number)
    time = np.arange(round(seconds * rate)) / rate
    made = np.zeros((len(time), channels))
    for _ in range(48):
        tone, swell, phase = 60 * 150 ** draw.random(), 0.1 + 3 * draw.random(), 6.28 * draw.random(2)
        made += (np.sin(6.283185307 * tone * time + phase[0]) * (1.1 + np.sin(swell * time + phase[1])))[:, None] * (
            draw.random(2)[:channels] / np.sqrt(tone / 60))
    return 0.6 * made / np.abs(made).max()


def write_song(path, samples, rate):
    with wave.open(path, "wb") as file:
        file.setnchannels(samples.shape[1]), file.setsampwidth(2), file.setframerate(rate)
        file.writeframes((samples * 32767).round().astype("<i2").tobytes())


def write_json(path, document):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False)


def make_dataset(lofi, work):
    """Folders of the tracks and of the dataset."""
    raw, tracks, notes, out = (os.path.join(work, name) for name in ("raw songs", "final", "metadata", "dataset"))
    for folder in (raw, tracks, notes):
        os.makedirs(folder)
    for number, (name, seconds, rate, channels, lyrics, _) in enumerate(SONGS):
        write_song(os.path.join(raw, name + ".wav"), sound(number, rate, seconds, channels), rate)
        if lyrics:
            with open(os.path.join(tracks, name + "_lyrics.txt"), "w", encoding="utf-8") as file:
                file.write(lyrics + "\n")
    write_json(os.path.join(notes, "style_mapping.json"), {name: style for name, *_, style in SONGS})
    write_json(os.path.join(notes, "sources.json"), {"sources": [
        {"source_id": "tones", "track_ids": [name for name, *_ in SONGS], "source_type": "creative_commons", "provider": "made for the check",
         "license_type": "CC0-1.0", "ai_training_permitted": True, "date_acquired": "2024-05-01"}]})
    for command in (["audio", "process", "--input-dir", raw, "--output-dir", tracks, "--metadata-dir", notes],
                    ["prompt", "generate", "--audio-dir", tracks, "--style-mapping", os.path.join(notes, "style_mapping.json"), "--include-lyrics"],
                    ["dataset", "--data-dir", tracks, "--metadata-dir", notes, "--output-dir", out, "--repeat-count", str(REPEATS),
                     "--validation-split", str(HELD_OUT)]):
        subprocess.run([lofi, *command, "--quiet"], check=True)
    return tracks, out, json.loads(read(os.path.join(notes, "dataset_manifest.json")))


# ---- what the original reads ----

def open_upstream(checkout):
    if not os.path.isfile(os.path.join(checkout, "acestep", "text2music_dataset.py")):
        missing(f"'{checkout}' is no checkout of ace-step/ACE-Step: acestep/text2music_dataset.py is not in it")
    sys.path.insert(0, os.path.abspath(checkout))
    sys.dont_write_bytecode = True
    try:
        from acestep.text2music_dataset import Text2MusicDataset
    except ImportError as error:
        missing(f"the reader in '{checkout}' cannot be imported: {error}; {PACKAGES}")
    return Text2MusicDataset


def alike(left, right):
    return min(float(np.corrcoef(a, b)[0, 1]) for a, b in zip(left, right))


def decode(path):
    """The track as FFmpeg's program decodes it: 2 channels at the track's own rate. (2, samples)"""
    run = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-c:a", "pcm_f32le", "-"], check=True, stdout=subprocess.PIPE)
    return np.frombuffer(run.stdout, "<f4").reshape(-1, 2).T


def check_sound(tally, row, features, tracks):
    wav, (number, song) = features["target_wavs"][0].numpy(), next((i, s) for i, s in enumerate(SONGS) if s[0] == row["keys"])
    name, seconds, _, channels, *_ = song
    loaded, rate = torchaudio.load(row["filename"])
    tally.check(f"{name}: the track is 48 kHz stereo, so that nothing is resampled", (rate, len(loaded)) == (RATE, 2), f"{rate} Hz, {len(loaded)} channels")
    length = round(seconds * RATE)
    tally.check(f"{name}: length of the tensor, and wav_length", wav.shape == (2, length) and features["wav_lengths"][0] == length,
                f"{tuple(wav.shape)}, made {length / RATE:g} s")
    if wav.shape != (2, length):
        return
    made = sound(number, RATE, seconds, channels).T
    found = alike(wav, made if channels == 2 else np.repeat(made, 2, 0))
    tally.check(f"{name}: correlation with the song that was made", found >= ALIKE, f"{found:.6f}")
    decoded = decode(os.path.join(tracks, name + ".mp3"))
    found = alike(wav, decoded) if decoded.shape == wav.shape else 0
    tally.check(f"{name}: correlation with the track as ffmpeg decodes it", found >= ALIKE, f"{found:.6f}")


def check_lyrics(tally, reader, row, features, tracks):
    name, ids = row["keys"], features["lyric_token_ids"][0].tolist()
    lyrics = next(song[4] for song in SONGS if song[0] == name)
    on_disk = read(os.path.join(tracks, name + "_lyrics.txt"))
    tally.check(f"{name}: lyrics", row["norm_lyrics"] == on_disk == (lyrics or PLAIN), repr(row["norm_lyrics"][:40]))
    again, mask = reader.tokenize_lyrics(on_disk), features["lyric_masks"][0]
    tally.check(f"{name}: lyric ids are those of the reader for that text", ids == again and len(mask) == len(ids),
                f"{len(ids)} ids{'' if lyrics else ' ' + str(ids)}")
    if lyrics:
        text = reader.lyric_tokenizer.decode(np.array(ids)).lower()
        words = [word.strip("[],.'").lower() for word in lyrics.split()]
        lost = [word for word in words if word not in text]
        tally.check(f"{name}: every word is in the ids, none unknown", not lost and 1 not in ids and len(ids) > len(words), lost or f"{len(words)} words")


def faults(row, features, tracks):
    """What is wrong with a row as read, besides sound and lyrics."""
    name = row["keys"]
    if features["keys"] != [name]:
        return [f"read as {features['keys']}"]
    found, speaker = [], features["speaker_embs"][0]
    if sorted(features["prompts"][0].split(", ")) != sorted(read(os.path.join(tracks, name + "_prompt.txt")).split(", ")):
        found.append(f"other tags: {features['prompts'][0]!r}")
    if speaker.shape != (512,) or speaker.any():
        found.append("a speaker")
    return found


def check_features(tally, reader, rows, tracks):
    """Every row by its number: one look at the first row of each song, then the others against that. Returns the first ones."""
    first, wrong = {}, []
    for index in range(len(reader)):
        row, features = rows[index], reader[index]
        name, found = row["keys"], faults(row, features, tracks)
        if not found and name not in first:
            first[name] = features
            check_sound(tally, row, features, tracks)
            tally.check(f"{name}: the tags of its prompt, in any order", True, features["prompts"][0])
            check_lyrics(tally, reader, row, features, tracks)
        elif not found and not same(features, first[name], 0):
            found = ["differs from its first row"]
        wrong += [f"row {index}, '{name}': {fault}" for fault in found]
    tally.check(f"all {len(reader)} rows: the right song, its tags, the same sound and ids in each repeat", not wrong, "; ".join(wrong))
    return first


def same(features, first, at):
    """Whether example `at` of a batch, without its padding, is the song that was seen before."""
    wav, ids = first["target_wavs"][0], first["lyric_token_ids"][0]
    return (torch.equal(features["target_wavs"][at][:, :wav.shape[1]], wav) and not features["target_wavs"][at][:, wav.shape[1]:].any()
            and torch.equal(features["lyric_token_ids"][at][:len(ids)], ids) and not features["lyric_token_ids"][at][len(ids):].any()
            and int(features["lyric_masks"][at].sum()) == len(ids) and int(features["wav_lengths"][at]) == wav.shape[1])


def check_loader(tally, reader, first, prompts, expected, size, workers):
    """One pass as the trainer takes it (size 1), or of larger batches, which its collate_fn pads."""
    loader = torch.utils.data.DataLoader(reader, batch_size=size, shuffle=True, num_workers=workers, pin_memory=torch.cuda.is_available(),
                                         collate_fn=reader.collate_fn)
    seen, bad, batches = collections.Counter(), [], 0
    for batch in loader:
        batches += 1
        for at, name in enumerate(batch["keys"]):
            seen[name] += 1
            if name not in first or not same(batch, first[name], at) or sorted(batch["prompts"][at].split(", ")) != prompts[name]:
                bad.append(name)
    tally.check(f"DataLoader, batches of {size}, {workers} processes: every row once, unchanged but for padding", seen == expected and not bad,
                f"{batches} batches, {sum(seen.values())} rows of {len(seen)} songs" + (f", wrong {bad}" if bad else ""))


def check_lofi_ids(tally, lofi, checkout, work, first):
    """The ids that LOFI's own tokenizer gives, asked through its self-test with the reader's ids as the reference."""
    folder, computed = os.path.join(work, "reference"), os.path.join(work, "computed")
    os.makedirs(os.path.join(folder, "model")), os.makedirs(os.path.join(folder, "cases"))
    os.symlink(os.path.abspath(os.path.join(checkout, "acestep", "models", "lyrics_utils", "vocab.json")), os.path.join(folder, "model", "lyric_vocab.json"))
    lyrics = {name: next(song[4] for song in SONGS if song[0] == name) or PLAIN for name in first}
    write_json(os.path.join(folder, "cases", "lyrics.json"),
               {"what": "lyrics and their ids", "pairs": [[lyrics[name], first[name]["lyric_token_ids"][0].tolist()] for name in first]})
    model = os.path.join(os.path.dirname(importlib.util.find_spec("py3langid").origin), "data", "model.plzma")
    subprocess.run([lofi, "selftest", "--reference", folder, "--only", "lyrics", "--save-outputs", computed], check=False,
                   stdout=subprocess.DEVNULL, env={**os.environ, "LOFI_LANGID_MODEL": model})
    answer = os.path.join(computed, "lyrics.json")
    if not os.path.exists(answer):
        return tally.check("LOFI tokenizes the lyrics", False, "lofi selftest wrote no ids; it needs liblzma to hear languages as the reader does")
    pairs = json.loads(read(answer))["pairs"]
    for name, (text, ids) in zip(first, pairs):
        theirs = first[name]["lyric_token_ids"][0].tolist()
        tally.check(f"{name}: LOFI's tokenizer gives the same ids", text == lyrics[name] and ids == theirs,
                    f"{len(ids)} ids" if ids == theirs else f"{ids}, the reader {theirs}")


def check_all(tally, options, reader_class, work):
    tracks, out, manifest = make_dataset(os.path.abspath(options.lofi), work)
    errors = os.path.join(work, "errors.log")
    loguru.logger.remove(), loguru.logger.add(errors, level="ERROR")
    train = [track["track_id"] for track in manifest["tracks"] if track["split"] == "train"]
    held_out = [track["track_id"] for track in manifest["tracks"] if track["split"] != "train"]
    reader = reader_class(train=True, train_dataset_path=os.path.join(out, "train"))  # as trainer.py, train_dataloader
    rows, expected = reader.pretrain_ds, collections.Counter({name: REPEATS for name in train})
    tally.check("rows are tracks times repeats", len(reader) == len(rows) == len(train) * REPEATS, f"{len(reader)} = {len(train)} x {REPEATS}")
    tally.check("the songs are those of the manifest, none held out", collections.Counter(rows["keys"]) == expected and held_out,
                f"{len(train)} in train, {len(held_out)} held out, {len(SONGS)} made")
    tally.check("songs with and without lyrics are among them", {bool(song[4]) for song in SONGS if song[0] in train} == {True, False})
    first = check_features(tally, reader, rows, tracks)
    tally.check("every song was read", sorted(first) == sorted(train))
    prompts = {name: sorted(read(os.path.join(tracks, name + "_prompt.txt")).split(", ")) for name in train}
    for size, workers in ((1, options.workers), (4, 0)):
        check_loader(tally, reader, first, prompts, expected, size, workers)
    tally.check("the reader logged no error", os.path.getsize(errors) == 0, read(errors)[:2000])
    check_lofi_ids(tally, os.path.abspath(options.lofi), options.checkout, work, first)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("lofi"), parser.add_argument("checkout")
    parser.add_argument("--workers", type=int, default=2), parser.add_argument("--keep")
    options = parser.parse_args()
    if not os.access(options.lofi, os.X_OK):
        missing(f"'{options.lofi}' is no program")
    if not shutil.which("ffmpeg"):
        missing("the program ffmpeg is not here; the tracks are decoded with it to compare")
    if options.keep and os.path.exists(options.keep):
        missing(f"'{options.keep}' is there already")
    reader_class = open_upstream(options.checkout)
    print(f"torch {torch.__version__}, torchaudio {torchaudio.__version__}, datasets {datasets.__version__}, numpy {np.__version__}", flush=True)
    tally = Tally()
    with tempfile.TemporaryDirectory() as work:
        try:
            check_all(tally, options, reader_class, options.keep or work)
        except subprocess.CalledProcessError as error:
            tally.check(f"'{' '.join(error.cmd[:3])}' ends well", False, f"status {error.returncode}")
    print(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(tally.failed > 0)


if __name__ == "__main__":
    main()

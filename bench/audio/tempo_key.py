#!/usr/bin/env python3
"""Tempo and key of songs by lofi audio validate, aubio and librosa, side by side.

bench/audio/tempo_key.py LOFI [SONG...] (by default Debian's singularity-music); needs ffmpeg, aubio (aubio-tools) and a Python with librosa.
librosa's key: the mean of chroma_cqt beside the profiles of Krumhansl and Kessler.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

import librosa
import numpy

NAMES = "C C# D D# E F F# G G# A A# B".split()
PROFILES = {"major": [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88],
            "minor": [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]}


def key_of(samples, rate):
    chroma = librosa.feature.chroma_cqt(y=samples, sr=rate).mean(axis=1)
    fits = [(numpy.corrcoef(chroma, numpy.roll(profile, tonic))[0, 1], f"{NAMES[tonic]} {mode}")
            for mode, profile in PROFILES.items() for tonic in range(12)]
    return max(fits)[1]


def main():
    lofi = sys.argv[1]
    songs = sys.argv[2:] or sorted(glob.glob("/usr/share/games/singularity/music/**/*.ogg", recursive=True))
    with tempfile.TemporaryDirectory() as folder:
        wav = f"{folder}/song.wav"
        for song in songs:
            report = subprocess.run([lofi, "audio", "validate", "--json", "--quiet", "--file", song], capture_output=True, check=False)
            ours = json.loads(report.stdout)["measures"]
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-t", "240", "-i", song, "-ac", "1", wav], check=True)
            aubio = subprocess.run(["aubio", "tempo", wav], capture_output=True, text=True, check=True).stdout.strip().split("\n")[-1]
            samples, rate = librosa.load(wav, sr=22050)
            tempo = float(numpy.atleast_1d(librosa.beat.beat_track(y=samples, sr=rate)[0])[0])
            print(f"{os.path.basename(song)[:24]:24}  {ours['tempo_bpm'] or 0:6.1f} ({ours['tempo_confidence']:.2f})  aubio {aubio:>10}  librosa {tempo:6.1f}"
                  f"   {ours['key']} ({ours['key_confidence'] or 0:.2f})  librosa {key_of(samples, rate)}", flush=True)


main()

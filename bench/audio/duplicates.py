#!/usr/bin/env python3
"""How well duplicates are found: altered copies of the songs of an album among the album, and false alarms among its songs.

bench/audio/duplicates.py LOFI [--songs FOLDER] (by default Debian's singularity-music); needs ffmpeg.

Each song gets one copy: MP3 at 64 kbit/s; AAC at 96 kbit/s from second 7.37 on; mono at 22,050 Hz and -14 dB; 31 s of Opus at 48 kbit/s from second
33.061 on; or an equalizer and a compressor, MP3 at 128 kbit/s from second 1.06 on.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

COPIES = [("64k.mp3", [], ["-b:a", "64k"]), ("cut.m4a", ["-ss", "7.37"], ["-b:a", "96k"]),
          ("quiet.wav", [], ["-af", "volume=-14dB", "-ar", "22050", "-ac", "1"]),
          ("short.opus", ["-ss", "33.061", "-t", "31"], ["-c:a", "libopus", "-b:a", "48k"]),
          ("equalized.mp3", ["-ss", "1.06"], ["-af", "equalizer=f=200:t=h:w=200:g=4,acompressor", "-b:a", "128k"])]


def process(lofi, folder, name):
    done = subprocess.run([lofi, "audio", "process", "--json", "--input-dir", f"{folder}/{name}", "--output-dir", f"{folder}/{name}-out",
                           "--metadata-dir", f"{folder}/{name}-metadata"], capture_output=True, check=False)
    if done.returncode not in (0, 2):
        sys.exit(done.stdout.decode())
    return json.loads(done.stdout)


def origin(path):
    return os.path.splitext(os.path.basename(path))[0].split(" - ")[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lofi")
    parser.add_argument("--songs", default="/usr/share/games/singularity/music")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(arguments.songs, f"{folder}/album")
        album = process(arguments.lofi, folder, "album")
        print(f"album: {album['processed']} tracks, {album['pairs_compared']} pairs, {len(album['duplicates'])} false alarms")
        os.mkdir(f"{folder}/both")
        accepted = [result["source"] for result in album["results"] if result["status"] == "success"]
        for i, song in enumerate(accepted):
            ending, before, options = COPIES[i % len(COPIES)]
            shutil.copy(song, f"{folder}/both/")
            subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *before, "-i", song, *options,
                            f"{folder}/both/{os.path.splitext(os.path.basename(song))[0]} - {ending}"], check=True)
        both = process(arguments.lofi, folder, "both")
        right = [pair for pair in both["duplicates"] if origin(pair["first"]) == origin(pair["second"])]
        copies = [result for result in both["results"] if " - " in result["source"]]
        usable = sum(result["status"] == "success" for result in copies)
        print(f"with {len(copies)} copies, {usable} of them accepted: {both['pairs_compared']} pairs, {len(right)} copies found, "
              f"{min(pair['similarity'] for pair in right):.3f} to {max(pair['similarity'] for pair in right):.3f} alike, "
              f"{len(both['duplicates']) - len(right)} false alarms")


main()

#!/usr/bin/env python3
"""What LAME's quality level does to songs at 320 kbit/s: time, and how far the decoded track is from the song.

bench/audio/mp3_quality.py [SONG...] (by default four of Debian's singularity-music); needs ffmpeg and a Python with numpy and librosa.

For each level: processor time for a minute of music; signal to noise in dB; the root mean square difference of the log-mel spectrogram (2,048 samples,
128 bands, in dB, of what is above -80 dB): what a model that learns from the song is shown.
"""
import glob
import resource
import subprocess
import sys
import tempfile

import librosa
import numpy

SECONDS = 60


def decode(path):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "f32le", "-ac", "2", "-ar", "48000", "-"], capture_output=True, check=True).stdout
    return numpy.frombuffer(raw, dtype="<f4").reshape(-1, 2).astype("f8")


def log_mel(samples):
    mel = librosa.feature.melspectrogram(y=samples[:, 0], sr=48000, n_fft=2048, hop_length=1024, n_mels=128)
    return librosa.power_to_db(mel, ref=numpy.max, top_db=80.0)


def main():
    songs = sys.argv[1:] or sorted(glob.glob("/usr/share/games/singularity/music/*.ogg"))[:4]
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for song in songs:
            wav = f"{folder}/song.wav"
            subprocess.run(["ffmpeg", "-v", "error", "-y", "-ss", "30", "-t", str(SECONDS), "-i", song, "-ac", "2", "-ar", "48000", "-af",
                            "volume=-2dB", "-c:a", "pcm_f32le", wav], check=True)
            original = decode(wav)
            mel = log_mel(original)
            for quality in (0, 2, 3, 5, 7, 9):
                before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
                subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", wav, "-c:a", "libmp3lame", "-b:a", "320k", "-compression_level", str(quality),
                                f"{folder}/song.mp3"], check=True)
                spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
                track = decode(f"{folder}/song.mp3")
                count = min(len(track), len(original))
                noise = ((track[:count] - original[:count]) ** 2).mean()
                difference = log_mel(track[:len(original)])[:, :mel.shape[1]] - mel[:, :]
                rows.setdefault(quality, []).append((spent * 60 / SECONDS, 10 * numpy.log10((original[:count] ** 2).mean() / noise),
                                                     numpy.sqrt((difference ** 2).mean())))
    print(f"{len(songs)} songs, {SECONDS} s of each; means\nquality  s a minute  SNR dB  log-mel dB")
    for quality, found in rows.items():
        spent, ratio, mel = numpy.mean(found, axis=0)
        print(f"{quality:7} {spent:11.2f} {ratio:7.2f} {mel:11.3f}")


main()

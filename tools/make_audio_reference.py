#!/usr/bin/env python3
"""Makes tests/data/audio: what torchaudio's Resample and a log-mel of torch compute, as raw little-endian float32.

Needs torch and torchaudio. Usage: make_audio_reference.py tests/data/audio
index.txt has one line per case:
    resample NAME CHANNELS LENGTH FROM TO OUT_LENGTH
    log_mel NAME LENGTH RATE N_FFT WINDOW HOP N_MELS F_MIN F_MAX FRAMES
and NAME.in.f32, NAME.out.f32 beside it. original.* is not made here: it is the beginning of the case audio_to_latent of the
reference data (9,600 of its samples at 48 kHz, the 14 log-mel frames that depend on nothing behind them).
"""
import sys
from pathlib import Path

import torch
import torchaudio

RESAMPLE = [(48000, 44100, 3001), (48000, 24000, 1500), (48000, 16000, 1501), (44100, 48000, 2000), (22050, 48000, 700),
            (7, 5, 300), (8000, 11025, 513), (48000, 48000, 64)]
LOG_MEL = [(8192, 44100, 2048, 2048, 512, 128, 40.0, 16000.0), (4096, 44100, 2048, 2048, 512, 40, 0.0, 0.0),
           (3000, 24000, 1024, 600, 150, 24, 30.0, 11000.0)]


def music(channels, length):
    time = torch.arange(length) / 1000.0
    tone = torch.sin(2 * torch.pi * (20 + 30 * time) * time) * torch.exp(-time)
    return 0.4 * tone + 0.05 * torch.randn(channels, length)


def log_mel(x, rate, n_fft, window, hop, n_mels, f_min, f_max):
    scale = torchaudio.transforms.MelScale(n_mels, rate, f_min, f_max or rate // 2, n_fft // 2 + 1, "slaney", "slaney")
    padded = torch.nn.functional.pad(x[None], ((window - hop) // 2, (window - hop + 1) // 2), mode="reflect")[0]
    bins = torch.stft(padded, n_fft, hop, window, torch.hann_window(window), center=False, return_complex=True)
    parts = torch.view_as_real(bins)
    return torch.log(torch.clamp(scale(torch.sqrt((parts ** 2).sum(-1) + 1e-6)), min=1e-5))


def main(folder):
    torch.manual_seed(7)
    lines = []

    def save(name, given, made):
        (folder / f"{name}.in.f32").write_bytes(given.numpy().astype("<f4").tobytes())
        (folder / f"{name}.out.f32").write_bytes(made.contiguous().numpy().astype("<f4").tobytes())

    for source, target, length in RESAMPLE:
        x = music(2, length)
        y = torchaudio.transforms.Resample(source, target)(x)
        save(f"resample_{source}_{target}", x, y)
        lines.append(f"resample resample_{source}_{target} 2 {length} {source} {target} {y.shape[1]}")
    for number, (length, *settings) in enumerate(LOG_MEL):
        x = music(1, length)[0]
        y = log_mel(x, *settings)
        save(f"log_mel_{number}", x, y)
        lines.append(f"log_mel log_mel_{number} {length} {' '.join(str(s) for s in settings)} {y.shape[1]}")
    (folder / "index.txt").write_text("\n".join(lines) + "\n")


main(Path(sys.argv[1]))

#!/usr/bin/env python3
"""Plays a bundle as the player does, call by call, and compares its sound with that of `lofi generate` for the same noise.

tests/interop/player.py LOFI MODEL [--precision fp32|fp16] [--seconds 5] [--steps 8] [--limit L]

Needs numpy, onnx, onnxruntime, tokenizers and safetensors (make test-python). MODEL is a base model folder. What the player does: the tokenizer of the
bundle, one padding lyric token with a mask of zero, a batch of 1, times of its own scheduler (Euler, shift 3), 128 frames at a time into the
autoencoder, one channel at a time into the vocoder, no scaling of anything. Also: onnx.checker with full shape inference on each file.
Closes with 'N passed, N failed'; exit status 1 when one failed.
"""
import argparse
import math
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import save_file
from tokenizers import Tokenizer

PROMPT = "lofi hip hop, rhodes, rainy night, 80 bpm"
FRAMES_AT_ONCE = 128


class Bundle:
    def __init__(self, folder):
        self.folder = folder
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        names = ["text_encoder", "transformer_encoder", "transformer_decoder", "dcae_decoder", "vocoder"]
        self.sessions = {n: onnxruntime.InferenceSession(os.path.join(folder, n + ".onnx"), options,
                                                         providers=["CPUExecutionProvider"]) for n in names}
        self.tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))

    def text(self, prompt):
        ids = np.array([self.tokenizer.encode(prompt).ids], dtype=np.int64)
        session = self.sessions["text_encoder"]
        first, second = (i.name for i in session.get_inputs())
        return session.run(None, {first: ids, second: np.ones_like(ids)})[0]

    def condition(self, prompt):
        states = self.text(prompt)
        return self.sessions["transformer_encoder"].run(
            ["encoder_hidden_states", "encoder_hidden_mask"],
            {"encoder_text_hidden_states": states, "text_attention_mask": np.ones(states.shape[:2], np.int64),
             "speaker_embeds": np.zeros((1, 512), np.float32), "lyric_token_idx": np.zeros((1, 1), np.int64),
             "lyric_mask": np.zeros((1, 1), np.int64)})

    def sample(self, noise, condition, steps):
        states, mask = condition
        latents, (sigmas, omega) = noise.copy(), (schedule(steps), 0.9 + 0.2 / (1 + math.exp(-1.0)))
        for now, then in zip(sigmas[:-1], sigmas[1:]):
            slope, = self.sessions["transformer_decoder"].run(
                ["sample"], {"hidden_states": latents, "attention_mask": np.ones((1, noise.shape[3]), np.float32),
                             "encoder_hidden_states": states, "encoder_hidden_mask": mask,
                             "timestep": np.array([now * np.float32(1000)], np.float32)})
            step = np.float32(then - now) * slope
            mean = step.mean(dtype=np.float64).astype(np.float32)
            latents = latents + ((step - mean) * np.float32(omega) + mean)
        return latents

    def sound(self, latents):
        mels = [self.sessions["dcae_decoder"].run(["mel_spectrogram"], {"latents": latents[..., at:at + FRAMES_AT_ONCE]})[0]
                for at in range(0, latents.shape[3], FRAMES_AT_ONCE)]
        mel, session = np.concatenate(mels, axis=3), self.sessions["vocoder"]
        name = session.get_inputs()[0].name
        return np.stack([session.run(None, {name: mel[:, channel]})[0].reshape(-1) for channel in range(2)])


def schedule(steps):
    """Flow matching with shift 3, from 1 to the level of the last training step, then 0."""
    times = np.linspace(1.0, 3 * 0.001 / (1 + 2 * 0.001), steps)
    return np.append(3 * times / (1 + 2 * times), 0).astype(np.float32)


def resample(x, up=160, down=147, width=6, rolloff=0.99):
    """44.1 to 48 kHz with a windowed sinc, as torchaudio's default; see src/audio/resample_sinc.h."""
    base = rolloff * min(up, down)
    reach = math.ceil(width * down / base)
    k = np.arange(-reach, reach + down) / down
    t = np.clip((k[None] + (-np.arange(up) / up).astype(np.float32).astype(np.float64)[:, None]) * base, -width, width)
    taps = np.sinc(t) * np.cos(t * math.pi / width / 2) ** 2 * base / down
    padded = np.pad(x.astype(np.float64), (reach, reach + down))
    blocks = np.lib.stride_tricks.sliding_window_view(padded, taps.shape[1])[::down]
    return (blocks @ taps.T).reshape(-1)[:math.ceil(len(x) * up / down)].astype(np.float32)


def read_wav(path):
    data = open(path, "rb").read()
    at = data.index(b"data") + 8
    return np.frombuffer(data[at:len(data) - (len(data) - at) % 8], np.float32).reshape(-1, 2).T


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("lofi"), parser.add_argument("model")
    parser.add_argument("--precision", default="fp32"), parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--steps", type=int, default=8), parser.add_argument("--limit", type=float)
    o = parser.parse_args()
    limit = o.limit or (1e-4 if o.precision == "fp32" else 2e-2)
    failed = passed = 0
    with tempfile.TemporaryDirectory() as work:
        path = lambda name: os.path.join(work, name)
        subprocess.run([o.lofi, "export", "--quiet", "--model", o.model, "--output", path("bundle"), "--precision", o.precision], check=True)
        for name in sorted(os.listdir(path("bundle"))):
            if name.endswith(".onnx"):
                onnx.checker.check_model(os.path.join(path("bundle"), name), full_check=True)
                passed += 1
        frames = int(o.seconds * 44100 / 512 / 8)
        noise = np.random.default_rng(3).standard_normal((1, 8, 16, frames), np.float32)
        save_file({"noise": noise}, path("noise.safetensors"))
        subprocess.run([o.lofi, "generate", "--quiet", "--checkpoint-dir", o.model, "--prompt", PROMPT, "--duration", str(o.seconds), "--steps",
                        str(o.steps), "--scheduler", "euler", "--guidance-type", "cfg", "--guidance-scale", "1", "--erg", "none", "--init-noise",
                        path("noise.safetensors"), "--output", path("lofi.wav")], check=True)
        ours, bundle = read_wav(path("lofi.wav")), Bundle(path("bundle"))
        latents = bundle.sample(noise, bundle.condition(PROMPT), o.steps)
        theirs = np.stack([resample(channel) for channel in bundle.sound(latents)])
        error = float(np.linalg.norm(theirs - ours) / np.linalg.norm(ours)) if theirs.shape == ours.shape else math.inf
        print(f"{o.precision}, {frames} frames, {o.steps} steps, ONNX Runtime {onnxruntime.__version__}: "
              f"the player's sound differs by {error:.2e} (limit {limit:g})")
        passed, failed = passed + (error <= limit), failed + (not error <= limit)
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

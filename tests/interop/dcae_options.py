#!/usr/bin/env python3
"""Random configs of diffusers' AutoencoderDC: what diffusers computes with each, compared by `lofi selftest`.

tests/interop/dcae_options.py LOFI [--count 40] [--seed 1]

Needs torch, diffusers and safetensors (make test-python WITH_PEFT=1). Every option that the config may name is drawn: stages, sizes,
blocks, scales, both kinds of steps, shortcuts, norms and activations. Closes with 'N passed, N failed'; exit status 1 when one failed.
"""
import argparse
import inspect
import json
import os
import random
import subprocess
import sys
import tempfile

import torch
from diffusers import AutoencoderDC
from safetensors.torch import save_file

SCALES = [(), (3,), (5,), (3, 5)]
KEYS = inspect.signature(AutoencoderDC.__init__).parameters  # older versions have fewer
ACTIVATIONS = ["silu", "swish", "relu", "gelu", "mish"]


def half(draw, stages, first):
    """Blocks, widths, layers and scales of one half. A first stage without layers makes its neighbour a step."""
    width, doubled = draw.choice([16, 32]), draw.random() < 0.7
    layers = [draw.choice([1, 2]) for _ in range(stages)]
    if first and stages > 2:
        layers[0] = 0
    return {
        "block_types": [draw.choice(["ResBlock", "EfficientViTBlock"]) for _ in range(stages)],
        "block_out_channels": [width * 2 ** (i if doubled else 0) for i in range(stages)],  # shortcuts need whole multiples
        "layers_per_block": layers,
        "qkv_multiscales": [draw.choice(SCALES) for _ in range(stages)],
    }


def draw_config(draw):
    stages = draw.choice([2, 3, 4])
    config = {"in_channels": draw.choice([1, 2, 3]), "latent_channels": draw.choice([4, 8]), "attention_head_dim": draw.choice([8, 16])}
    for name in ("encoder", "decoder"):
        made = half(draw, stages, draw.random() < 0.3)
        config.update({f"{name}_{key}": value for key, value in made.items()})
    config["decoder_norm_types"] = draw.choice(["rms_norm", "batch_norm", [draw.choice(["rms_norm", "batch_norm"]) for _ in range(stages)]])
    config["decoder_act_fns"] = draw.choice([draw.choice(ACTIVATIONS), [draw.choice(ACTIVATIONS) for _ in range(stages)]])
    config["decoder_conv_act_fn"] = draw.choice(ACTIVATIONS)
    config["downsample_block_type"] = draw.choice(["Conv", "pixel_unshuffle"])
    config["upsample_block_type"] = draw.choice(["interpolate", "pixel_shuffle"])
    config["encoder_out_shortcut"] = draw.random() < 0.5
    config["decoder_in_shortcut"] = draw.random() < 0.5
    return {key: value for key, value in config.items() if key in KEYS}, stages


def fill(model, seed):
    """Random weights of moderate size; statistics of batch norms away from 0 and 1."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if not tensor.is_floating_point():
            continue
        noise = torch.randn(tensor.shape, generator=generator)
        if name.endswith("running_var"):
            tensor.copy_(0.5 + noise.abs())
        elif tensor.dim() == 1:
            tensor.copy_(0.2 * noise + (1.0 if name.endswith("norm.weight") or name.endswith("norm_out.weight") else 0.0))
        else:
            tensor.copy_(noise / tensor[0].numel() ** 0.5)


def record(folder, config, stages, seed):
    model = AutoencoderDC(**config).eval()
    with torch.no_grad():
        fill(model, seed)
        side = 2 ** (stages - 1)
        mel = torch.randn(1, config["in_channels"], 4 * side, 5 * side, generator=torch.Generator().manual_seed(seed + 1))
        latent = model.encode(mel).latent
        decoded = model.decode(latent).sample
    model.save_pretrained(os.path.join(folder, "model", "music_dcae_f8c8"))
    os.makedirs(os.path.join(folder, "cases"))
    save_file({"mel": mel, "latent": latent.contiguous(), "decoded": decoded.contiguous()}, os.path.join(folder, "cases", "dcae.safetensors"))


def compare(lofi, folder):
    done = subprocess.run([lofi, "selftest", "--reference", folder, "--only", "dcae", "--json"], capture_output=True, text=True)
    report = json.loads(done.stdout or "{}")
    worst = max((row["relative_error"] or float("inf") for row in report.get("results", [])), default=float("inf"))
    good = done.returncode == 0 and report.get("passed") == 2
    return good, worst, "" if good else done.stderr.strip() or done.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lofi")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    passed, refused, worst = 0, 0, 0.0
    draw = random.Random(options.seed)
    for number in range(options.count):
        config, stages = draw_config(draw)
        with tempfile.TemporaryDirectory() as folder:
            try:
                record(folder, config, stages, number)
            except Exception as error:  # a config that diffusers itself cannot run
                refused += 1
                print(f"{number}: diffusers cannot run it ({error})")
                continue
            good, error, message = compare(options.lofi, folder)
        passed += good
        worst = max(worst, error)
        if not good:
            print(f"{number}: {error:.3g} {message}\n  {json.dumps(config)}")
    failed = options.count - refused - passed
    print(f"{passed} passed, {failed} failed, {refused} left out; largest relative error {worst:.2g}")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())

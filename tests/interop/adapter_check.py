"""Loads an adapter of `lofi train` into the original network with the libraries that others use, and compares the output.

usage: adapter_check.py --upstream ACE_STEP --model DIR --adapter DIR (--program PROGRAM | --lofi-output FILE --inputs FILE)
                        [--write-inputs FILE] [--strength 1.0] [--limit 1e-5]

ACE_STEP: a checkout of ace-step/ACE-Step. DIR of --model: a checkpoint folder or its ace_step_transformer. --adapter: a folder
with pytorch_lora_weights.safetensors, adapter_model.safetensors and adapter_config.json. PROGRAM: adapter_output of the
build folder (cmake --build build/release --target adapter_output); it is called for each of the two files. Or its output for one of
them can be given. Inputs are random numbers of a fixed seed unless --inputs is given.

Four ways to load, all at the same strength:
  diffusers file, diffusers folder   load_lora_adapter(..., prefix=None), then set_weights_and_activate_adapters, as ACE-Step's pipeline
  peft                               PeftModel.from_pretrained of the folder
  alpha                              W + strength * alpha / rank * B A with the .alpha of every layer, as ComfyUI merges it
Prints the relative error (l2) of each; exits with 1 when one is over the limit, when what a library holds is not what the file
holds, or when the adapter changes nothing.
"""
import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import types
import warnings

import torch
from safetensors.torch import load_file, save_file

FILE = "pytorch_lora_weights.safetensors"
PEFT_FILE = "adapter_model.safetensors"


def original_class(upstream, config):
    """The original's class; the lyric encoder's size, fixed in its code, comes from the config where that has it."""
    sys.path.insert(0, upstream)
    for name in ("cutlet", "fugashi"):  # tokenizers that it imports and the network does not need
        sys.modules.setdefault(name, types.ModuleType(name))
    import acestep.models.ace_step_transformer as module
    from acestep.models.lyrics_utils.lyric_encoder import ConformerEncoder

    module.LyricEncoder = functools.partial(
        ConformerEncoder,
        output_size=config["lyric_hidden_size"],
        attention_heads=config.get("lyric_encoder_attention_heads", 16),
        linear_units=config.get("lyric_encoder_linear_units", 4096),
        num_blocks=config.get("lyric_encoder_num_blocks", 6),
    )
    return module.ACEStepTransformer2DModel


def make_inputs(config):
    generator = torch.Generator().manual_seed(1)
    channels, height = config["in_channels"], config.get("max_height", 16)
    frames, text, lyrics = [57, 40], [9, 6], [33, 17]
    normal = lambda *shape: torch.randn(*shape, generator=generator)
    mask = lambda lengths: torch.tensor([[float(i < n) for i in range(max(lengths))] for n in lengths])
    return dict(
        hidden_states=normal(2, channels, height, max(frames)), attention_mask=mask(frames),
        text_states=normal(2, max(text), config["text_embedding_dim"]), text_mask=mask(text),
        speaker=normal(2, config["speaker_embedding_dim"]),
        lyric_token_ids=torch.randint(0, config["lyric_encoder_vocab_size"], (2, max(lyrics)), generator=generator),
        lyric_mask=mask(lyrics), timestep=torch.tensor([941.0, 287.5]),
    )


def forward(model, inputs):
    with torch.no_grad():
        return model(
            hidden_states=inputs["hidden_states"], attention_mask=inputs["attention_mask"],
            encoder_text_hidden_states=inputs["text_states"], text_attention_mask=inputs["text_mask"], speaker_embeds=inputs["speaker"],
            lyric_token_idx=inputs["lyric_token_ids"], lyric_mask=inputs["lyric_mask"], timestep=inputs["timestep"],
        ).sample


def layers_in_file(adapter):
    return sorted(k[: -len(".lora_A.weight")] for k in load_file(os.path.join(adapter, FILE)) if k.endswith(".lora_A.weight"))


def factors_of_file(path):
    values = load_file(path)
    return {k.removeprefix("base_model.model.").removesuffix(".weight"): v for k, v in values.items() if ".lora_" in k}


def factors_of_model(model):
    """What the library holds: "transformer_blocks.0.attn.to_q.lora_B" and so on."""
    found = {n: p for n, p in model.named_parameters() if ".lora_" in n}
    return {".".join(n.removeprefix("base_model.model.").split(".")[:-2]): p for n, p in found.items()}


def wrong_layers(model, path):
    expected, found = factors_of_file(path), factors_of_model(model)
    return sorted(k for k in expected.keys() | found.keys() if k not in expected or k not in found or not torch.equal(expected[k], found[k]))


def by_diffusers(model, path, strength):
    from diffusers.utils.peft_utils import set_weights_and_activate_adapters

    model.load_lora_adapter(path, adapter_name="ace_step_lora", with_alpha=True, prefix=None)
    set_weights_and_activate_adapters(model, ["ace_step_lora"], [strength])
    return model


def by_diffusers_folder(model, path, strength):
    from diffusers.utils.peft_utils import set_weights_and_activate_adapters

    model.load_lora_adapter(path, weight_name=FILE, adapter_name="ace_step_lora", prefix=None)
    set_weights_and_activate_adapters(model, ["ace_step_lora"], [strength])
    return model


def by_peft(model, path, strength):
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer

    loaded = PeftModel.from_pretrained(model, path)
    for module in loaded.modules():
        if isinstance(module, LoraLayer):
            module.scale_layer(strength)
    return loaded


def by_alpha(model, path, strength):
    values = load_file(os.path.join(path, FILE))
    weights = dict(model.named_parameters())
    with torch.no_grad():
        for layer in layers_in_file(path):
            a, b, alpha = values[layer + ".lora_A.weight"], values[layer + ".lora_B.weight"], values[layer + ".alpha"]
            weights[layer + ".weight"] += strength * (float(alpha) / b.shape[1]) * (b @ a)
    return model


def lofi_output(options, folder, adapter, inputs_file):
    if options.lofi_output:
        return load_file(options.lofi_output)["output"]
    with tempfile.TemporaryDirectory() as temporary:
        out = os.path.join(temporary, "output.safetensors")
        subprocess.run([options.program, folder, adapter, str(options.strength), inputs_file, out], check=True)
        return load_file(out)["output"]


def difference(ours, theirs):
    return float((ours.double() - theirs.double()).norm() / theirs.double().norm())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--program")
    parser.add_argument("--lofi-output")
    parser.add_argument("--inputs")
    parser.add_argument("--write-inputs")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--limit", type=float, default=1e-5)
    options = parser.parse_args()
    if not options.program and not (options.lofi_output and options.inputs) and not options.write_inputs:
        parser.error("give --program, or --lofi-output with --inputs")
    warnings.filterwarnings("ignore")
    import diffusers
    import peft

    diffusers.logging.set_verbosity(diffusers.logging.CRITICAL)
    inside = os.path.join(options.model, "ace_step_transformer")
    folder = inside if os.path.isdir(inside) else options.model
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    inputs = load_file(options.inputs) if options.inputs else make_inputs(config)
    if options.write_inputs:
        save_file(inputs, options.write_inputs)
        return 0
    network = original_class(options.upstream, config)
    load = lambda: network.from_pretrained(folder).float().eval()

    with tempfile.TemporaryDirectory() as temporary:
        inputs_file = os.path.join(temporary, "inputs.safetensors")
        save_file(inputs, inputs_file)
        ours_peft = lofi_output(options, folder, options.adapter, inputs_file)
        ours_file = lofi_output(options, folder, os.path.join(options.adapter, FILE), inputs_file)
        base = forward(load(), inputs)
    effect = difference(ours_peft, base)
    print(f"torch {torch.__version__}, diffusers {diffusers.__version__}, peft {peft.__version__}")
    print(f"model: {folder}\nadapter: {options.adapter}, {len(layers_in_file(options.adapter))} layers, strength {options.strength}")
    print(f"the adapter moves the output by {effect:.3e} of its norm")
    failures = 0 if effect > 100 * options.limit else 1
    if failures:
        print("FAIL: the adapter changes too little for this to be a test")
    ways = [
        ("diffusers, file", by_diffusers, os.path.join(options.adapter, FILE), ours_file),
        ("diffusers, folder", by_diffusers_folder, options.adapter, ours_file),
        ("peft", by_peft, options.adapter, ours_peft),
        ("alpha / rank, merged", by_alpha, options.adapter, ours_file),
    ]
    for name, way, path, ours in ways:
        model = way(load(), path, options.strength)
        error = difference(ours, forward(model, inputs))
        written = os.path.join(options.adapter, PEFT_FILE if way is by_peft else FILE)
        wrong = [] if way is by_alpha else wrong_layers(model, written)
        verdict = "ok" if error <= options.limit and not wrong else "FAIL"
        failures += verdict == "FAIL"
        print(f"{verdict:4}  {name:22} relative error {error:.3e}" + (f"; not as in the file: {wrong}" if wrong else ""))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

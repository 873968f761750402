"""The original network under PyTorch: makes the models and inputs of the measurement, and takes the same steps as train_step.c.

usage: peer.py prepare UPSTREAM CASE FOLDER [--model DIR]
       peer.py serve UPSTREAM TRANSFORMER_FOLDER INPUTS RANK ALPHA LEARNING_RATE CHECKPOINTING THREADS

UPSTREAM is a checkout of ACE-Step. `prepare` writes FOLDER/model (a transformer with random weights; for the case `small`
DIR's, when given) and FOLDER/inputs.safetensors (one song and the adapter's start). `serve` answers as train_step.c does.
Needs torch, diffusers, peft, safetensors and what ACE-Step's transformer imports.
"""
import functools
import json
import os
import sys
import time
import types

import torch
from safetensors.torch import load_file, save_file

TARGETS = ["speaker_embedder", "linear_q", "linear_k", "linear_v", "to_q", "to_k", "to_v", "to_out.0"]
COMMON = dict(in_channels=8, mlp_ratio=2.5, out_channels=8, max_position=32768, rope_theta=1000000.0, speaker_embedding_dim=512,
              ssl_names=["mert", "m-hubert"], patch_size=[16, 1], max_height=16, max_width=32768)
LYRIC_KEYS = ("lyric_encoder_attention_heads", "lyric_encoder_linear_units", "lyric_encoder_num_blocks")
CASES = {
    "small": dict(config=dict(num_layers=3, num_attention_heads=4, attention_head_dim=16, text_embedding_dim=32, lyric_hidden_size=48,
                              lyric_encoder_vocab_size=320, ssl_encoder_depths=[1, 1], ssl_latent_dims=[24, 16]),
                  lyric=(4, 80, 2), bf16=False, rank=8, alpha=4, frames=646, text=64, lyrics=512),
    "real": dict(config=dict(num_layers=2, num_attention_heads=20, attention_head_dim=128, text_embedding_dim=768, lyric_hidden_size=1024,
                             lyric_encoder_vocab_size=6693, ssl_encoder_depths=[0, 0], ssl_latent_dims=[1024, 768]),
                 lyric=(16, 4096, 6), bf16=False, rank=64, alpha=32, frames=646, text=64, lyrics=512),
}
CASES["real-bf16"] = dict(CASES["real"], bf16=True)


def original(upstream, lyric):
    """The original's transformer class, with the lyric encoder's size (fixed in its code) as an argument."""
    sys.path.insert(0, upstream)
    for name in ("cutlet", "fugashi"):  # tokenizers that it imports and the network does not need
        sys.modules.setdefault(name, types.ModuleType(name))
    import acestep.models.ace_step_transformer as module
    from acestep.models.lyrics_utils.lyric_encoder import ConformerEncoder

    heads, units, blocks, width = lyric
    module.LyricEncoder = functools.partial(ConformerEncoder, output_size=width, attention_heads=heads, linear_units=units, num_blocks=blocks)
    return module.ACEStepTransformer2DModel


def open_original(upstream, folder):
    with open(os.path.join(folder, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    defaults = dict(zip(LYRIC_KEYS, (16, 4096, 6)))
    model = original(upstream, [config.get(k, defaults[k]) for k in LYRIC_KEYS] + [config["lyric_hidden_size"]])
    return model.from_pretrained(folder).float()


def add_adapter(model, rank, alpha):
    from peft import LoraConfig

    model.add_adapter(LoraConfig(r=rank, lora_alpha=alpha, target_modules=TARGETS, use_rslora=True), adapter_name="bench")
    return {n.replace(".bench", ""): p for n, p in model.named_parameters() if "lora_" in n}


def prepare(upstream, name, folder, model_folder=None):
    case = CASES[name]
    torch.manual_seed(7)
    if model_folder is None:
        model_folder = os.path.join(folder, "model")
        config = dict(COMMON, **case["config"], inner_dim=case["config"]["num_attention_heads"] * case["config"]["attention_head_dim"])
        model = original(upstream, (*case["lyric"], config["lyric_hidden_size"]))(**config)
        model.register_to_config(**dict(zip(LYRIC_KEYS, case["lyric"])))
        (model.to(torch.bfloat16) if case["bf16"] else model).save_pretrained(model_folder)
        del model
    model = open_original(upstream, model_folder)
    c = model.config
    frames, text, lyrics = case["frames"], case["text"], case["lyrics"]
    sigma = torch.tensor([0.6])
    inputs = dict(latents=torch.randn(1, c.in_channels, c.max_height, frames), noise=torch.randn(1, c.in_channels, c.max_height, frames),
                  attention_mask=torch.ones(1, frames), text_states=torch.randn(1, text, c.text_embedding_dim), text_mask=torch.ones(1, text),
                  lyric_token_ids=torch.randint(3, c.lyric_encoder_vocab_size, (1, lyrics)), lyric_mask=torch.ones(1, lyrics),
                  speaker=torch.randn(1, c.speaker_embedding_dim), sigma=sigma, timestep=sigma * 1000)
    for key, p in add_adapter(model, case["rank"], case["alpha"]).items():
        value = torch.randn_like(p) * (p.shape[1] ** -0.5 if "lora_A" in key else 0.02)
        inputs["start." + key] = value
    save_file({k: v.detach().contiguous() for k, v in inputs.items()}, os.path.join(folder, "inputs.safetensors"))
    print(json.dumps(dict(model=model_folder, inputs=os.path.join(folder, "inputs.safetensors"), rank=case["rank"], alpha=case["alpha"],
                          parameters=sum(p.numel() for n, p in model.named_parameters() if "lora_" not in n),
                          frames=frames, text_tokens=text, lyric_tokens=lyrics, config={k: v for k, v in dict(c).items() if not k.startswith("_")})))


class Trainer:
    def __init__(self, upstream, folder, inputs, rank, alpha, learning_rate, checkpointing):
        self.model = open_original(upstream, folder)
        values = load_file(inputs)
        self.adapter = add_adapter(self.model, rank, alpha)
        with torch.no_grad():
            for key, p in self.adapter.items():
                p.copy_(values.pop("start." + key))
        self.inputs = values
        self.model.train()
        if checkpointing:
            self.model.enable_gradient_checkpointing()
        for module in self.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        self.trainable = [p for p in self.model.parameters() if p.requires_grad]
        assert len(self.trainable) == len(self.adapter)
        self.optimizer = torch.optim.AdamW(self.trainable, lr=learning_rate, betas=(0.8, 0.9), weight_decay=1e-2)

    def loss(self):
        i = self.inputs
        clean, sigma = i["latents"], i["sigma"].reshape(-1, 1, 1, 1)
        noisy = sigma * i["noise"] + (1.0 - sigma) * clean
        output = self.model(hidden_states=noisy, attention_mask=i["attention_mask"], encoder_text_hidden_states=i["text_states"],
                            text_attention_mask=i["text_mask"], speaker_embeds=i["speaker"], lyric_token_idx=i["lyric_token_ids"],
                            lyric_mask=i["lyric_mask"], timestep=i["timestep"]).sample
        mask = i["attention_mask"][:, None, None, :].expand_as(clean)
        error = torch.nn.functional.mse_loss((output * -sigma + noisy) * mask, clean * mask, reduction="none").flatten(1)
        return (error.mean(1) * mask.flatten(1).mean(1)).mean()

    def step(self):
        start, processor = time.perf_counter(), time.process_time()
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.trainable, 0.5)
        self.optimizer.step()
        return dict(ms=(time.perf_counter() - start) * 1e3, cpu_ms=(time.process_time() - processor) * 1e3, loss=float(loss.detach()), norm=float(norm))


def peak_bytes():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def answer(value):
    print(json.dumps(value), flush=True)


def serve(upstream, folder, inputs, rank, alpha, learning_rate, checkpointing, threads):
    torch.set_num_threads(int(threads))
    trainer = Trainer(upstream, folder, inputs, int(rank), float(alpha), float(learning_rate), checkpointing == "1")
    answer(dict(ready=True, opening_peak_bytes=peak_bytes()))
    with open("/proc/self/clear_refs", "w") as f:  # opening is measured apart from the steps
        f.write("5")
    for line in sys.stdin:
        words = line.split()
        if words[:1] != ["step"]:
            break
        answer(dict(steps=[trainer.step() for _ in range(int(words[1]))]))
    answer(dict(peak_bytes=peak_bytes(), adapter_parameters=sum(p.numel() for p in trainer.trainable), torch=torch.__version__))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["prepare"]:
        prepare(arguments[1], arguments[2], arguments[3], arguments[5] if "--model" in arguments else None)
    elif arguments[:1] == ["serve"] and len(arguments) == 9:
        serve(*arguments[1:])
    else:
        sys.exit(__doc__)

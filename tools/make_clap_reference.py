"""Writes tests/data/clap_fused: a small fused CLAP with random weights, and what transformers computes with it for a sound that is
longer than a clip and for one that is shorter. Crops are taken from the middle of each third, as this program takes them.

usage: make_clap_reference.py DIR     (needs torch, transformers 4.50, safetensors)
"""
import json
import os
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

out = sys.argv[1]
gen = torch.Generator().manual_seed(6)
randn = lambda *s: torch.randn(s, generator=gen)
np.random.choice = lambda values: values[len(values) // 2]
np.random.randint = lambda low, high: low
torch.manual_seed(6)

config = ClapConfig(
    text_config=dict(vocab_size=50, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=24,
                     max_position_embeddings=40, projection_dim=12),
    audio_config=dict(patch_embeds_hidden_size=8, hidden_size=64, depths=[2, 1, 2, 1], num_attention_heads=[2, 2, 4, 4], projection_dim=12,
                      enable_fusion=True, fusion_type="aff_2d", num_mel_bins=64, spec_size=128, window_size=4, aff_block_r=2),
    projection_dim=12)
model = ClapModel(config)
with torch.no_grad():
    for name, p in sorted(model.named_parameters()):
        if p.dim() < 2:
            p.copy_((1.0 if p.numel() and bool((p == 1).all()) else 0.0) + 0.2 * randn(*p.shape))
        else:
            p.copy_(randn(*p.shape) / np.sqrt(p[0].numel()))
    model.logit_scale_a.fill_(2.0)
    for name, b in sorted(model.named_buffers()):
        if name.endswith("batch_norm.running_mean"):
            b.copy_(3 * randn(*b.shape) - 20)
        elif name.endswith("batch_norm.running_var"):
            b.copy_(200 + 20 * randn(*b.shape))
        elif name.endswith("running_mean"):
            b.copy_(0.3 * randn(*b.shape))
        elif name.endswith("running_var"):
            b.copy_(1 + 0.2 * randn(*b.shape).abs())
model.eval()
folder = os.path.join(out, "model")
model.save_pretrained(folder)
extractor = ClapFeatureExtractor(truncation="fusion", padding="repeatpad", max_length_s=1)
extractor.save_pretrained(folder)
ids = torch.tensor([[0, 7, 9, 30, 2], [0, 5, 2, 1, 1]])
mask = (ids != 1).long()
for name, seconds in (("long", 1.63), ("short", 0.37)):
    t = np.arange(int(48000 * seconds)) / 48000
    audio = (0.3 * np.sin(2 * np.pi * (220 + 300 * t) * t) + 0.03 * randn(len(t)).numpy()).astype(np.float32)
    features = extractor(audio, sampling_rate=48000, return_tensors="pt")
    mel, longer = features["input_features"], features["is_longer"]
    longer = torch.tensor([[name == "long"]])  # the extractor calls every lone sound longer
    with torch.no_grad():
        full = model(input_ids=ids, attention_mask=mask, input_features=mel, is_longer=longer)
        case = dict(audio_48k=torch.from_numpy(audio), mel=mel, is_longer=longer.long(), input_ids=ids, attention_mask=mask,
                    audio_embedding=model.get_audio_features(input_features=mel, is_longer=longer),
                    text_embedding=model.get_text_features(input_ids=ids, attention_mask=mask), logits_per_audio=full.logits_per_audio)
    save_file({k: v.contiguous() for k, v in case.items()}, os.path.join(out, name + ".safetensors"))

"""A self-supervised network with random weights, as small as its width lets it be: no layers behind its convolutions.

usage: make_ssl.py FOLDER WIDTH NORM     (NORM: layer, as MERT, or group, as mHuBERT)
"""
import array
import json
import os
import random
import struct
import sys

folder, width, norm = sys.argv[1], int(sys.argv[2]), sys.argv[3]
channels, kernels, strides = [8, 8, 8, 8, 8, 8, 8], [10, 3, 3, 3, 3, 2, 2], [5, 2, 2, 2, 2, 2, 2]
config = {
    "architectures": ["HubertModel"], "conv_dim": channels, "conv_kernel": kernels, "conv_stride": strides, "conv_bias": norm == "layer",
    "feat_extract_norm": norm, "do_stable_layer_norm": norm == "layer", "hidden_size": width, "intermediate_size": 8,
    "num_hidden_layers": 0, "num_attention_heads": 4, "num_conv_pos_embeddings": 2, "num_conv_pos_embedding_groups": 16,
}
shapes = {"feature_projection.layer_norm.weight": [8], "feature_projection.layer_norm.bias": [8],
          "feature_projection.projection.weight": [width, 8], "feature_projection.projection.bias": [width],
          "encoder.pos_conv_embed.conv.bias": [width],
          "encoder.pos_conv_embed.conv.parametrizations.weight.original0": [1, 1, 2],
          "encoder.pos_conv_embed.conv.parametrizations.weight.original1": [width, width // 16, 2],
          "encoder.layer_norm.weight": [width], "encoder.layer_norm.bias": [width]}
for i in range(7):
    name = f"feature_extractor.conv_layers.{i}."
    shapes[name + "conv.weight"] = [8, channels[i - 1] if i else 1, kernels[i]]
    if norm == "layer":
        shapes[name + "conv.bias"] = [8]
    if norm == "layer" or i == 0:
        shapes[name + "layer_norm.weight"] = shapes[name + "layer_norm.bias"] = [8]

draw = random.Random(width)
header, data = {}, array.array("f")
for name, shape in sorted(shapes.items()):
    count = 1
    for size in shape:
        count *= size
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [4 * len(data), 4 * (len(data) + count)]}
    data.extend(draw.uniform(0.1, 0.9) - (0.5 if len(shape) > 1 else 0) for _ in range(count))
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
os.makedirs(folder)
with open(os.path.join(folder, "config.json"), "w") as file:
    json.dump(config, file)
with open(os.path.join(folder, "model.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text)
    data.tofile(file)

"""noise.py FILE NAME SHAPE [VALUE]: a .safetensors file with one tensor of pseudo-random or equal f32 numbers; SHAPE is 1,8,16,21."""
import json
import random
import struct
import sys

path, name, shape = sys.argv[1], sys.argv[2], [int(n) for n in sys.argv[3].split(",")]
count = 1
for n in shape:
    count *= n
source = random.Random(5)
values = [float(sys.argv[4])] * count if len(sys.argv) > 4 else [source.gauss(0, 1) for _ in range(count)]
header = json.dumps({name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * count]}}).encode()
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + struct.pack(f"<{count}f", *values))

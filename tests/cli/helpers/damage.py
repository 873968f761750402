"""damage.py ACTION FILE [NAME...]: changes a safetensors file in a way that must not go unnoticed.

drop NAME: the tensor is gone. reshape NAME: another first dimension, twice the rows. overlap NAME OTHER: the bytes of OTHER. dtype NAME: an
integer type of the same size. negative NAME: an offset below zero. huge NAME: a shape whose size does not fit 64 bits. unknown NAME: a type that
does not exist. twice NAME: the name stands there two times. nan NAME: its first number is not a number.
"""
import json
import struct
import sys

action, path, names = sys.argv[1], sys.argv[2], sys.argv[3:]
with open(path, "rb") as file:
    content = file.read()
size = struct.unpack("<Q", content[:8])[0]
header, data = json.loads(content[8:8 + size]), bytearray(content[8 + size:])
entry = header[names[0]]
begin, end = entry["data_offsets"]
extra = ""
if action in ("drop", "reshape"):  # the only two that leave a file without holes
    keep, kept = {}, bytearray()
    for name, other in header.items():
        if name == names[0] and action == "drop":
            continue
        if name != "__metadata__":
            part = data[other["data_offsets"][0]:other["data_offsets"][1]]
            if name == names[0]:
                other["shape"][0] *= 2
                part *= 2
            other["data_offsets"] = [len(kept), len(kept) + len(part)]
            kept += part
        keep[name] = other
    header, data = keep, kept
elif action == "overlap":
    entry["data_offsets"] = header[names[1]]["data_offsets"]
elif action == "dtype":
    entry["dtype"] = "I32"
elif action == "negative":
    entry["data_offsets"] = [-4, end - begin - 4]
elif action == "huge":
    entry["shape"] = [2**40, 2**40]
elif action == "unknown":
    entry["dtype"] = "F31"
elif action == "twice":
    extra = f', {json.dumps(names[0])}: {json.dumps(entry)}'
elif action == "nan":
    data[begin:begin + 4] = struct.pack("<f", float("nan"))
else:
    sys.exit(f"damage.py: no action {action}")
text = json.dumps(header)
text = (text[:-1] + extra + "}").encode()
text += b" " * (-len(text) % 8)
with open(path, "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data)

"""Writes tests/data/pickle: small files as torch.save writes them, and hostile ones made byte by byte.

usage: make_pickle_files.py DIR     (needs torch 2.5; what each file holds is asserted in tests/unit/test_store_torch.c)
"""
import collections
import os
import struct
import sys
import warnings
import zipfile

import torch

warnings.simplefilter("ignore")
out = sys.argv[1]
os.makedirs(out, exist_ok=True)
path = lambda name: os.path.join(out, name)

# ---- as torch.save writes them ----
ramp = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
torch.save(collections.OrderedDict(
    plain=ramp, half=ramp.half(), brain=ramp.bfloat16(), double=ramp.double(), long=torch.arange(3), flags=torch.tensor([True, False]),
    transposed=ramp[0].t(), column=ramp[:, 1], tail=ramp.flatten()[20:], single=torch.tensor(7.5), empty=torch.zeros(0, 3),
    parameter=torch.nn.Parameter(ramp[1])), path("kinds.pth"))
torch.save({"state_dict": {"layer": {"weight": ramp[0], "bias": ramp[1, 0]}}, "epoch": 3, "loss": 0.25, "name": "x", "none": None,
            "betas": (0.8, 0.9), "dtype": torch.float32, "size": torch.Size([2])}, path("nested.pt"))
torch.save({"a": ramp, "big": 1 << 40, "minus": -5}, path("protocol4.bin"), pickle_protocol=4)
torch.save({"a": ramp}, path("old.bin"), _use_new_zipfile_serialization=False)
net = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
torch.save(net.state_dict(), path("module.bin"))
torch.save({"a": torch.zeros(2).to(torch.float8_e5m2)}, path("float8.bin"))
torch.save({"a": torch.zeros(1).expand(4)}, path("expanded.bin"))


# ---- made by hand ----
def archive(name, program, members=(("data/0", bytes(range(96))),), compress=False, prefix="x/", order=b"little"):
    with zipfile.ZipFile(path(name), "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED) as z:
        z.writestr(prefix + "data.pkl", program)
        z.writestr(prefix + "byteorder", order)
        for member, data in members:
            z.writestr(prefix + member, data)


text = lambda s: b"X" + struct.pack("<I", len(s)) + s.encode()
number = lambda n: b"\x8a\x08" + struct.pack("<q", n)
tuple_of = lambda *items: b"(" + b"".join(items) + b"t"
storage = lambda count, kind="FloatStorage": tuple_of(text("storage"), f"ctorch\n{kind}\n".encode(), text("0"), text("cpu"), number(count)) + b"Q"
tensor = lambda count, offset, size, stride, kind="FloatStorage": (
    b"ctorch._utils\n_rebuild_tensor_v2\n" + tuple_of(storage(count, kind), number(offset), tuple_of(*map(number, size)),
                                                      tuple_of(*map(number, stride)), b"\x89", b"}") + b"R")
program = lambda body: b"\x80\x02" + body + b"."
state = lambda *pairs: program(b"}(" + b"".join(text(k) + v for k, v in pairs) + b"u")

archive("system.bin", program(b"cos\nsystem\n" + tuple_of(text("touch executed")) + b"R"))
archive("eval.bin", program(text("builtins") + text("eval") + b"\x93" + tuple_of(text("1")) + b"R"))
archive("object.bin", program(b"ccollections\nOrderedDict\n)\x81"))
archive("beyond.bin", state(("a", tensor(24, 20, [5], [1]))))
archive("offset.bin", state(("a", tensor(24, 1 << 62, [1], [1]))))
archive("strides.bin", state(("a", tensor(24, 0, [2, 1 << 40], [1 << 40, 1]))))
archive("negative.bin", state(("a", tensor(24, 0, [-1], [1]))))
archive("count.bin", state(("a", tensor((1 << 62) - 1, 0, [4], [1]))))
archive("rank.bin", state(("a", tensor(24, 0, [1] * 9, [1] * 9))))
archive("storage.bin", state(("a", tensor(24, 0, [4], [1]))), members=())
archive("twice.bin", state(("a", tensor(24, 0, [4], [1])), ("a", tensor(24, 0, [4], [1]))))
archive("loop.bin", program(b"}q\x00(" + text("a") + b"h\x00u"))
archive("memo.bin", program(b"h\x07"))
archive("mark.bin", program(b"(((("))
archive("early.bin", b"\x80\x02}(")
archive("protocol.bin", b"\x80\x09}.")
archive("long_text.bin", program(b"X\xff\xff\xff\xff"))
archive("list.bin", program(b"]"))
archive("called.bin", program(b"ctorch\nFloatStorage\n)R"))
archive("compressed.bin", state(("a", tensor(24, 0, [4], [1]))) + b"\0" * 200, compress=True)
archive("big_endian.bin", state(("a", tensor(24, 0, [4], [1]))), order=b"big")
archive("no_pickle.bin", b"", prefix="x/", members=())
with zipfile.ZipFile(path("no_pickle.bin"), "w") as z:
    z.writestr("x/readme", "nothing")
with zipfile.ZipFile(path("member_twice.bin"), "w") as z:
    z.writestr("x/data.pkl", state(("a", tensor(24, 0, [4], [1]))))
    z.writestr("x/data/0", bytes(96))
    z.writestr("x/data/0", bytes(range(96)))
whole = open(path("kinds.pth"), "rb").read()
open(path("cut.pth"), "wb").write(whole[: len(whole) // 2])
at = whole.rindex(b"PK\x05\x06")
open(path("directory.pth"), "wb").write(whole[: at + 16] + struct.pack("<I", 0x7FFFFFF0) + whole[at + 20:])
entry = whole.index(b"PK\x01\x02")
open(path("member.pth"), "wb").write(whole[: entry + 24] + struct.pack("<I", 0x7FFFFFF0) * 1 + whole[entry + 28:])
open(path("text.pth"), "wb").write(b"no archive at all\n")
open(path("nothing.pth"), "wb").close()

# ---- shards ----
folder = path("sharded")
os.makedirs(folder, exist_ok=True)
torch.save({"a": ramp[0]}, os.path.join(folder, "pytorch_model-00001-of-00002.bin"))
torch.save({"b": ramp[1]}, os.path.join(folder, "pytorch_model-00002-of-00002.bin"))
open(os.path.join(folder, "pytorch_model.bin.index.json"), "w").write(
    '{"metadata": {}, "weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}}\n')
for root, _, files in os.walk(out):
    for name in files:
        print(os.path.getsize(os.path.join(root, name)), os.path.relpath(os.path.join(root, name), out))

"""same_sound.py A.wav B.wav LIMIT: the samples of two files of 32-bit floats are as many, and differ by LIMIT at most (relative, l2)."""
import struct
import sys


def samples(path):
    with open(path, "rb") as file:
        data = file.read()
    at = data.index(b"data") + 8
    return struct.unpack(f"<{(len(data) - at) // 4}f", data[at:len(data) - (len(data) - at) % 4])


a, b = (samples(path) for path in sys.argv[1:3])
assert len(a) == len(b) > 1000, (len(a), len(b))
distance = sum((x - y) ** 2 for x, y in zip(a, b)) ** 0.5 / sum(x * x for x in a) ** 0.5
assert distance <= float(sys.argv[3]), distance

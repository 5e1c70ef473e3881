"""How the seeds are written of the fuzzers whose input is a list of steps
(harness.h)."""

import os
import struct

here = os.path.dirname(os.path.abspath(__file__))


def u8(n):
    return struct.pack("=B", n)


def u16(n):
    return struct.pack("=H", n)


def u32(n):
    return struct.pack("=I", n)


def u64(n):
    return struct.pack("=Q", n)


def be(n, size):
    return n.to_bytes(size, "big")


def s(text):
    if isinstance(text, str):
        text = text.encode()
    return u32(len(text)) + text


def ranges(*pairs):
    return u32(len(pairs)) + b"".join(u32(a) + u32(b) for a, b in pairs)


def step(what, *parts):
    data = b"".join(parts)
    return u8(what) + struct.pack("<H", len(data)) + data


def seed(target, name, *steps):
    folder = os.path.join(here, target + "_seeds")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(b"".join(steps))

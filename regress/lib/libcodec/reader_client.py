"""Packs chunks with libcodec (codec_pipe) and opens them with the reader."""
import base64
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../reader"))
import chunks  # noqa: E402

WORDS = b"from the page alone a stranger opens what another has written".split()


def text(r, n):
    out = b""
    while len(out) < n:
        out += b" ".join(r.choice(WORDS) for _ in range(9)) + b"\r\n"
    return out[:n]


def lines(data, width=76, end=b"\r\n"):
    letters = base64.b64encode(data)
    return b"".join(letters[i:i + width] + end
                    for i in range(0, len(letters), width))


def shapes(r):
    rows = b"".join(b"%d;%d\n" % (i, i * i) for i in range(9000))
    yield text(r, 300)
    yield text(r, 65536)
    yield text(r, 400) + lines(r.randbytes(40000)) + b"--end--\r\n"
    yield (text(r, 1500) + lines(rows))[:65536]
    yield lines(r.randbytes(60000))[31:65536]
    yield lines(rows)[2:65538]
    for width in (36, 40, 60, 64, 72, 76, 128, 996, 1000, 1020):
        yield text(r, 99) + lines(r.randbytes(9000), width)
    for n in (1, 56, 57, 58, 59, 60, 570, 571, 572):
        yield b"A: b\r\n\r\n" + lines(r.randbytes(n))
    yield b"".join(lines(r.randbytes(45), 60) + text(r, 20) + b"\r\n"
                   for _ in range(400))
    yield b"".join(lines(r.randbytes(200), r.randrange(40, 200, 4))
                   for _ in range(150))
    yield lines(r.randbytes(9000), 76, b"\n")
    yield lines(r.randbytes(9000)).replace(b"A", b"-")
    yield lines(bytes(45000))
    yield r.randbytes(65536)


def main():
    r = random.Random(4648)
    count = apart = 0
    for plain in shapes(r):
        for codec in (chunks.DEFLATE, chunks.ZSTD, chunks.MAIL):
            packed = subprocess.run([sys.argv[1], str(codec)], input=plain,
                                    capture_output=True, check=True).stdout
            if not packed:
                continue
            if len(packed) >= len(plain):
                sys.exit("%d octets became %d" % (len(plain), len(packed)))
            if chunks.inflate(codec, packed) != plain:
                sys.exit("another chunk of codec %d: %r" % (codec, plain[:80]))
            count += 1
            apart += codec == chunks.MAIL and packed[0] == 1
    print("%d opened, %d of them with lines apart" % (count, apart))


main()

"""Chunks of blobs as sealstore(5) describes them, opened: with zlib, libzstd
and Python's base64."""
import base64
import ctypes
import struct
import zlib

CHUNK = 65536
DEFLATE, ZSTD, MAIL = 1, 2, 3


class Malformed(Exception):
    pass


class Zstd:
    library = None

    @classmethod
    def inflate(cls, data):
        if cls.library is None:
            cls.library = ctypes.CDLL("libzstd.so.1")
            cls.library.ZSTD_decompress.restype = ctypes.c_size_t
            cls.library.ZSTD_decompress.argtypes = [
                ctypes.c_char_p, ctypes.c_size_t,
                ctypes.c_char_p, ctypes.c_size_t]
            cls.library.ZSTD_isError.argtypes = [ctypes.c_size_t]
        out = ctypes.create_string_buffer(CHUNK)
        n = cls.library.ZSTD_decompress(out, CHUNK, data, len(data))
        if cls.library.ZSTD_isError(n):
            raise Malformed("no frame of zstd")
        return out.raw[:n]


def deflated(data):
    z = zlib.decompressobj()
    try:
        plain = z.decompress(data, CHUNK)
    except zlib.error:
        raise Malformed("no stream of zlib") from None
    if not z.eof or z.unused_data:
        raise Malformed("more or less than a stream of zlib")
    return plain


def put_together(data):
    """Text and lines of base64, each in its place again."""
    if len(data) < 5:
        raise Malformed("cut short")
    _, flags, n, text_len = struct.unpack(">BBBH", data[:5])
    at = 5 + 5 * n
    if flags > 3 or len(data) < at + text_len:
        raise Malformed("a head without its parts")
    runs = struct.iter_unpack(">HHB", data[5:at])
    text, octets = data[at:at + text_len], data[at + text_len:]
    if flags & 1:
        text = Zstd.inflate(text)
    if flags & 2:
        octets = Zstd.inflate(octets)
    out = b""
    for before, lines, groups in runs:
        if before > len(text) or lines * groups * 3 > len(octets) or \
                not lines or not groups:
            raise Malformed("a run of more than there is")
        out, text = out + text[:before], text[before:]
        for _ in range(lines):
            out += base64.b64encode(octets[:3 * groups]) + b"\r\n"
            octets = octets[3 * groups:]
    out += text
    if octets or len(out) > CHUNK:
        raise Malformed("more than its runs")
    return out


def inflate(codec, data):
    """The plain octets of a chunk that is compressed by the codec."""
    if codec == DEFLATE:
        return deflated(data)
    if codec == MAIL and data[:1] == b"\1":
        return put_together(data)
    if codec in (ZSTD, MAIL):
        return Zstd.inflate(data)
    raise Malformed("codec %d" % codec)

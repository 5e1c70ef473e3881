"""
What sessions of the model have beside views: compression (RFC 4978), and a
search whose result the server keeps up to date (RFC 5267).
"""

import re
import zlib


class Squeezed:
    """The file and the socket of a session that compresses."""

    def __init__(self, file, sock):
        self.file, self.sock = file, sock
        self.pack = zlib.compressobj(wbits=-15)
        self.unpack = zlib.decompressobj(wbits=-15)
        self.buf = b""

    def fill(self):
        data = self.file.read1(65536)
        self.buf += self.unpack.decompress(data)
        return bool(data)

    def readline(self):
        while b"\n" not in self.buf:
            if not self.fill():
                return self.buf
        at = self.buf.index(b"\n") + 1
        line, self.buf = self.buf[:at], self.buf[at:]
        return line

    def read(self, n):
        while len(self.buf) < n and self.fill():
            pass
        out, self.buf = self.buf[:n], self.buf[n:]
        return out

    def sendall(self, data):
        self.sock.sendall(self.pack.compress(data) +
                          self.pack.flush(zlib.Z_SYNC_FLUSH))

    def close(self):
        self.sock.close()


def expand(text):
    out = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


class Live:
    """The UIDs that a search by keyword finds, as they are told."""

    def __init__(self, tag, line):
        self.tag = tag
        found = re.search(r" ALL (\S+)", line)
        self.uids = set(expand(found[1])) if found else set()

    def told(self, text):
        """False: it is of another search."""
        if not text.startswith('ESEARCH (TAG "%s") UID ' % self.tag):
            return False
        for word, pairs in re.findall(r"(ADDTO|REMOVEFROM) \(([^)]*)\)", text):
            for numbers in pairs.split()[1::2]:
                for uid in expand(numbers):
                    if (uid in self.uids) != (word == "REMOVEFROM"):
                        raise AssertionError(word, uid, self.uids)
                    (self.uids.add if word == "ADDTO" else
                     self.uids.remove)(uid)
        return True

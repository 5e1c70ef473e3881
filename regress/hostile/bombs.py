#!/usr/bin/env python3
"""Little that becomes much, and clients that fall silent.

usage: bombs.py SERVER.JSON [long] [ATTACK...]

As hostile.py, whose watch and memory it uses; the suite's idle-timeout is
IDLE_SECONDS.  Beside each attack an honest session asks and is answered.
"""
import os
import subprocess
import sys
import time
import zlib

import hostile as h
import edges

IDLE_SECONDS = 5  # limit idle-timeout, of hostile_test.sh
FORGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                     "usr.sbin", "sealimapd", "engine", "forge")
MIB = 1 << 20


class Squeezed(h.Imap):
    """A session with COMPRESS=DEFLATE (RFC 4978)."""

    def __init__(self, n):
        super().__init__(n)
        self.do("COMPRESS DEFLATE")
        self.down = zlib.decompressobj(-15)
        self.up = zlib.compressobj(9, zlib.DEFLATED, -15)

    def line(self):
        if not hasattr(self, "down"):
            return super().line()
        while b"\n" not in self.buf:
            part = self.s.recv(65536)
            if not part:
                raise EOFError("closed: %r" % self.buf)
            self.buf += self.down.decompress(part)
        line, self.buf = self.buf.split(b"\n", 1)
        return line + b"\n"

    def send(self, text):
        if not hasattr(self, "up"):
            super().send(text)
            return
        data = text if isinstance(text, bytes) else text.encode()
        self.s.sendall(self.up.compress(data) +
                       self.up.flush(zlib.Z_SYNC_FLUSH))


def ended(c, seconds=20):
    """What it says until it closes; None if it does not."""
    said, end = b"", time.monotonic() + seconds
    c.s.settimeout(seconds)
    try:
        while time.monotonic() < end:
            said += c.line()
    except (EOFError, ConnectionError, h.ssl.SSLError):
        return said
    except OSError:
        return None
    return None


def attack_endless_line():
    """256 MiB of one line, in 256 KiB; again and again."""
    n, end = 0, time.monotonic() + h.full(2, 60)
    while time.monotonic() < end and n < h.full(30, 300):
        c = Squeezed(1)
        try:
            for _ in range(64):
                c.send(b"a" * (4 * MIB))
        except OSError:
            pass
        said = ended(c)
        if said is None:
            h.fail("an endless line: it stays")
        n += 1
    return "%d times %s" % (n, h.short(said or b""))


def attack_many_commands():
    """Commands that need no more than a bit each, their answers not read."""
    n = h.full(100000, 1000000)
    c = Squeezed(1)
    c.send(b"".join(b"p%d NOOP\r\n" % i for i in range(n)))
    time.sleep(1)
    for i in range(n):
        line = c.line()
        if not line.startswith(b"p%d OK" % i):
            h.fail("squeezed NOOP %d: %r" % (i, line))
            break
    c.send(b"z LOGOUT\r\n")
    return "%d answers" % n


def attack_literals():
    """A literal that is not wanted, and is not taken for commands."""
    n, end = 0, time.monotonic() + h.full(2, 60)
    while time.monotonic() < end and n < h.full(60, 600):
        c = Squeezed(1)
        c.send(b"a APPEND INBOX {%d+}\r\n" % (1 << 32))
        try:
            for _ in range(16):
                c.send(b"x NOOP\r\n" * (MIB // 8))
        except OSError:
            pass
        said = ended(c, 10)
        if said is not None and b"x OK" in said:
            h.fail("a literal was read as commands: %r" % said[:100])
        c.s.close()
        n += 1
    return "%d times %s" % (n, h.short(said or b"nothing"))


def attack_message_of_zeros():
    """A message of 40 MiB that is 40 KiB on its way; kept as any other."""
    c = Squeezed(1)
    size = 40 * MIB
    head = b"Subject: zeros\r\n\r\n"
    c.send(b"a APPEND INBOX {%d+}\r\n" % size + head)
    left, line = size - len(head), b"0" * 998 + b"\r\n"
    while left > 0:
        c.send((line * 1000)[:left])
        left -= 1000 * len(line)
    c.send(b"\r\n")
    while True:
        got = c.line()
        if got.startswith(b"a "):
            break
    c.do("SELECT INBOX")
    return h.short(got)


def attack_no_compression():
    """What is not DEFLATE ends the session, and no other."""
    n, end = 0, time.monotonic() + h.full(2, 60)
    while time.monotonic() < end and n < h.full(400, 4000):
        for data in (b"a NOOP\r\n" * 100, b"\0" * 100, b"\xff" * 70000,
                     os.urandom(5000)):
            c = h.Imap(1)
            c.do("COMPRESS DEFLATE")
            try:
                c.s.sendall(data)
            except OSError:
                pass
            if h.everything(c.s, 10) is None:
                h.fail("no compression: it stays")
            n += 1
    return "%d ended" % n


def attack_forged_blobs():
    """Chunks that claim 64 KiB and give 48 MiB, or less, or are none."""
    account = h.SUITE["user_pattern"] % 2
    message = os.path.join(h.RUN, "forged.eml")
    with open(message, "wb") as f:
        f.write(b"From: a@b.c\r\nSubject: x\r\n\r\n" + b"hello\r\n" * 9)
    kinds = ("true", "deflate", "zstd", "less", "packed")
    for kind in kinds:
        subprocess.run([FORGE, h.SUITE["data_dir"], account, message, kind],
                       check=True)
    # The first login of theirs: their vault takes in what lies there.
    c = h.Imap(2)
    end = time.monotonic() + 60
    while b"MESSAGES %d)" % len(kinds) not in b"".join(
            c.do("STATUS INBOX (MESSAGES)")):
        if time.monotonic() > end:
            h.fail("forged messages are not taken in")
            return ""
        time.sleep(0.1)
    c.do("SELECT INBOX")
    said = []
    for n, kind in enumerate(kinds, 1):
        for item in ("RFC822.SIZE", "ENVELOPE", "BODYSTRUCTURE",
                     "BODY.PEEK[]", "BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]",
                     "BODY.PEEK[1]<0.10>", "PREVIEW"):
            c.tag += 1
            c.send("t%d FETCH %d %s\r\n" % (c.tag, n, item))
            octets = 0
            try:
                while True:
                    line = c.line()
                    octets += len(line)
                    if line.startswith(b"t%d " % c.tag):
                        break
            except EOFError:
                line = b"t BYE"
                c = h.Imap(2)
                c.do("SELECT INBOX")
            if octets > 300000:
                h.fail("%s: %s gave %d octets" % (kind, item, octets))
            if kind == "true" and not line.split()[1] == b"OK":
                h.fail("a good message: %r" % line)
            said.append(line.split()[1].decode())
        c.tag += 1
        c.send("t%d SEARCH TEXT hello\r\n" % c.tag)
        while not (line := c.line()).startswith(b"t%d " % c.tag):
            pass
    c.do("LOGOUT")
    return " ".join(said)


def attack_silence():
    """RFC 9051 5.4: who says nothing for too long, in IDLE or not, goes; and
    an octet now and then is no command."""
    said, conns = [], []
    for name, text in (("IDLE", b"a IDLE\r\n"), ("nothing", b""),
                       ("half", b"a NO"), ("literal", b"a LIST {9}\r\n")):
        c = h.Imap(1)
        c.do("SELECT INBOX")
        c.send(text)
        conns.append((name, c))
    c = h.Imap(1)
    begin = time.monotonic()
    try:
        while time.monotonic() - begin < 10 * IDLE_SECONDS:
            c.send(b"a")
            time.sleep(0.3)
    except OSError:
        pass
    took = time.monotonic() - begin
    if took >= 10 * IDLE_SECONDS:
        h.fail("an octet now and then: it stays")
    if took < IDLE_SECONDS - 0.5:
        h.fail("an octet now and then: gone after %.1f s" % took)
    for name, c in conns:
        got = ended(c, 10 * IDLE_SECONDS)
        if got is None:
            h.fail("silence after %s: it stays" % name)
        elif b"* BYE" not in got:
            h.fail("silence after %s: %r" % (name, got))
        said.append(name)
    return "%s: gone by %.0f s" % (", ".join(said), took)


# As in hostile.py: KiB that all daemons may grow by, log lines.
h.ATTACKS = [
    (attack_endless_line, 8192, 200), (attack_many_commands, 4096, 20),
    (attack_literals, 4096, 400), (attack_message_of_zeros, 8192, 20),
    (attack_no_compression, 4096, 4000), (attack_forged_blobs, 16384, 200),
    (attack_silence, 4096, 50),
] + edges.ATTACKS


def prepare():
    for n in (1, 3):
        h.Imap(n).s.close()


if __name__ == "__main__":
    h.prepare = prepare
    h.main()

#!/usr/bin/env python3
"""Writes the seeds of the fuzzers whose input is a list of steps (harness.h):
what an engine, a vault and others say in a few ordinary sessions.  They are
committed; this is how they were made, and how to make more."""

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


ALL = 0xFFFFFFFF
# The order of kinds[] in vault_fuzz.c.
(SELECT, UNSELECT, LIST, STATUS, CREATE, DELETE, RENAME, SUBSCRIBE, APPEND,
 CHUNK, APPEND_END, APPEND_ABORT, FETCH, BODY, STORE, COPY, EXPUNGE, SEARCH,
 NOOP, IDLE, CANCEL, SET, DELETED, UNDELETE, SLOTS, TRY, SESSION, MANAGE,
 VERDICTS, NEED, DONE) = range(31)
EOF_, RAW, SECOND, TOGETHER = 0x3F, 0x3E, 0x80, 0x40
select = step(SELECT, u8(3), s("INBOX"), u8(0))
append = (
    step(APPEND, u8(3), s("INBOX"), u64(1), u16(1), s("$Junk"), u64(0),
         u16(0), u64(5), u8(0)) +
    step(CHUNK, u8(0), u8(0), u32(5), b"hello") +
    step(CHUNK, u8(1), u8(0), u32(3), b"sum"))


def be(n, size):
    return n.to_bytes(size, "big")


def text(kind, *strings):
    return u8(kind) + b"".join(be(len(t), 2) + t for t in strings)


def program(*nodes):
    """As search_encode() packs one."""
    return b"\1\0" + be(len(nodes), 2) + b"".join(nodes)


SEARCH_SENT = program(u8(25) + be(1, 8))
SEARCH_FLAGS = program(
    u8(11) + be(1, 8), text(13, b"$Junk"), u8(3), u8(2),
    u8(14) + be(1, 2) + be(1, 4) + be(ALL, 4), u8(1))
SEARCH_TEXT = program(
    text(40, b"Subject", b"a"), text(41, b"a"), u8(1),
    u8(43) + be(1700000000, 8), u8(2))


def vault():
    seed("vault", "select", select,
         step(FETCH, u8(3), u8(0x11), ranges((1, ALL))),
         step(BODY, u32(2), u32(0), u32(ALL)), step(UNSELECT, u8(1)))
    seed("vault", "bodies", select,
         step(FETCH, u8(7), u8(0x03), ranges((1, ALL))),
         step(FETCH, u8(7), u8(0x08), ranges((1, 2), (3, 3))))
    seed("vault", "list", step(LIST, u8(1)), step(STATUS, s("A")),
         step(SUBSCRIBE, u8(1), s("B")), step(LIST, u8(0)))
    seed("vault", "boxes", step(CREATE, u16(4), s("B/C")),
         step(RENAME, u32(2), s("B/C"), s("D"), s("A"), s("E")),
         step(RENAME, u32(1), s("INBOX"), s("old")), step(DELETE, s("D")),
         step(CREATE, u16(0), s("D")))
    seed("vault", "append", select, append, step(APPEND_END, u64(5), u8(0)),
         append, step(APPEND_END, u64(5), u8(1)), append,
         step(APPEND_END, u64(5), u8(0)), append, step(APPEND_ABORT))
    seed("vault", "store", select,
         step(STORE, u8(3), u8(1), u64(9), u16(2), s("a"), s("$b"),
              u64(2**64 - 1), ranges((1, 2))),
         step(STORE | SECOND, u8(0), u8(0), u64(0), u16(0), u64(0),
              ranges((1, ALL))))
    seed("vault", "copy", select, step(COPY, u8(3), u8(0), s("A"),
         ranges((1, ALL))),
         step(COPY, u8(3), u8(1), s("A"), ranges((2, 2))),
         step(EXPUNGE, u8(3), ranges()))
    seed("vault", "expunge", select, step(SELECT | SECOND, u8(3), s("INBOX"),
         u8(0)), step(IDLE | SECOND, u8(1)),
         step(STORE, u8(3), u8(1), u64(8), u16(0), u64(2**64 - 1),
              ranges((1, 1))),
         step(EXPUNGE, u8(7), ranges((1, ALL))), step(NOOP, u8(3)),
         step(IDLE | SECOND, u8(0)), step(DELETED))
    seed("vault", "undelete", step(DELETED),
         step(UNDELETE, u32(1), bytes(16)), step(SLOTS))
    seed("vault", "set", select, step(SET, ranges((1, 1), (2, 3))),
         step(FETCH, u8(7), u8(0), ranges((1, 4))),
         step(SET, ranges((0, 0))),
         step(SEARCH, u8(7), u8(1), SEARCH_SENT), step(FETCH, u8(3), u8(0),
         ranges((0, 0))))
    seed("vault", "search", select,
         step(SEARCH, u8(7), u8(7), SEARCH_FLAGS),
         step(FETCH, u8(3), u8(0), ranges((0, 0))))
    seed("vault", "text", select,
         step(SEARCH, u8(7), u8(0), SEARCH_TEXT),
         step(NEED, u32(1), u32(0), u32(ALL)),
         step(NEED, u32(2), u32(0), u32(1)),
         step(VERDICTS, u32(1), u8(1), u32(2), u8(0), u32(3), u8(1)),
         step(CANCEL), step(DONE, u8(0)))
    seed("vault", "opener", step(TRY, s("secret"), u8(1)),
         step(SESSION, u32(1), u8(7), u8(1), bytes(32), u64(1), s("")))
    seed("vault", "manage", step(TRY, s(""), u8(3)),
         step(MANAGE, u32(1), u64(1), bytes(32), u8(2), u16(1), u32(0),
              s("phone"), s(""), bytes(32)))
    seed("vault", "deleted_box", step(SELECT, u8(3), s("A"), u8(0)),
         step(DELETE | SECOND, s("A")), step(NOOP, u8(3)))
    seed("vault", "together", select, step(NOOP | TOGETHER, u8(3)),
         step(FETCH | TOGETHER, u8(7), u8(1), ranges((1, ALL))),
         step(EXPUNGE | TOGETHER, u8(3), ranges()),
         step(LIST, u8(1)), step(EOF_))
    seed("vault", "raw", step(RAW, u32(118), u32(0), u8(3)),
         step(RAW | SECOND, u32(9999), u32(7)))


if __name__ == "__main__":
    vault()

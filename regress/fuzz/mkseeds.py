#!/usr/bin/env python3
"""Writes the seeds of the fuzzers whose input is a list of steps (harness.h):
what an engine, a vault and others say in a few ordinary sessions.  They are
committed; this is how they were made, and how to make more."""

import base64
import hashlib
import hmac
import os
import struct
import zlib

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
 VERDICTS, NEED, DONE, SORT, FIND, SORTED, THREADED, GLANCE, PEEK, REPLACE,
 LIMIT, SETTINGS, SETTINGS_SET) = range(41)
EOF_, RAW, SECOND, TOGETHER = 0x3F, 0x3E, 0x80, 0x40
select = step(SELECT, u8(3), s("INBOX"), u8(0), u8(0))
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


SEARCH_SENT = program(u8(25) + be(2 << 8 | 1, 8))
SEARCH_FLAGS = program(
    u8(11) + be(1, 8), text(13, b"$Junk"), u8(3), u8(2),
    u8(14) + be(1, 2) + be(1, 4) + be(ALL, 4), u8(1))
SEARCH_TEXT = program(
    text(40, b"Subject", b"a"), text(41, b"a"), u8(1),
    u8(43) + be(1700000000, 8), u8(2))


def vault():
    seed("vault", "select", select,
         step(FETCH, u8(3), u8(0x11), u64(0), ranges((1, ALL))),
         step(BODY, u32(2), u32(0), u32(ALL)), step(UNSELECT, u8(1)))
    seed("vault", "bodies", select,
         step(FETCH, u8(7), u8(0x03), u64(0), ranges((1, ALL))),
         step(FETCH, u8(7), u8(0x08), u64(0), ranges((1, 2), (3, 3))))
    seed("vault", "glance", select, step(GLANCE, s("A"), u32(0)),
         step(FETCH, u8(4), u8(0x81), u64(0), ranges((1, 9))),
         step(PEEK, u32(2), u32(0), u32(ALL)), step(GLANCE, s("A"), u32(1)),
         step(GLANCE, s("INBOX"), u32(0)), step(PEEK, u32(2), u32(0), u32(3)),
         step(DELETE, s("A")), step(PEEK, u32(2), u32(0), u32(3)),
         step(GLANCE, s(""), u32(0)), step(PEEK, u32(2), u32(0), u32(3)))
    seed("vault", "limit", select, step(LIMIT, u32(1)),
         step(FETCH, u8(7), u8(0), u64(0), ranges((1, ALL))),
         step(COPY, u8(4), u8(0), s("A"), ranges((1, ALL))),
         step(COPY, u8(4), u8(1), s("A"), ranges((1, ALL))),
         step(SORT, u8(4), u8(1), u8(0), u8(0), u8(0), u32(0), u32(0),
              b"\1\0\0\1\x0a"),
         step(EXPUNGE, u8(4), ranges((1, 9))))
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
         u8(0), u8(0)), step(IDLE | SECOND, u8(1)),
         step(STORE, u8(3), u8(1), u64(8), u16(0), u64(2**64 - 1),
              ranges((1, 1))),
         step(EXPUNGE, u8(7), ranges((1, ALL))), step(NOOP, u8(3)),
         step(IDLE | SECOND, u8(0)), step(DELETED))
    seed("vault", "undelete", step(DELETED),
         step(UNDELETE, s("A"), u32(1), bytes(16)), step(SLOTS))
    seed("vault", "set", select, step(SET, ranges((1, 1), (2, 3))),
         step(FETCH, u8(7), u8(0), u64(0), ranges((1, 4))),
         step(SET, ranges((1, 1), (3, ALL))),
         step(SEARCH, u8(7), u8(1), SEARCH_SENT), step(FETCH, u8(3), u8(0), u64(0),
         ranges((0, 0))))
    seed("vault", "search", select,
         step(SEARCH, u8(7), u8(7), SEARCH_FLAGS),
         step(FETCH, u8(3), u8(0), u64(0), ranges((0, 0))))
    seed("vault", "text", select,
         step(SEARCH, u8(7), u8(0), SEARCH_TEXT),
         step(NEED, u32(1), u32(0), u32(ALL)),
         step(NEED, u32(2), u32(0), u32(1)),
         step(VERDICTS, u32(1), u8(1), u32(2), u8(0), u32(3), u8(1)),
         step(CANCEL), step(DONE, u8(0)))
    seed("vault", "sort", select,
         step(SORT, u8(7), u8(9), u8(1), u8(2), u8(6), u8(0x83), u8(2), u32(1),
              u32(2), SEARCH_FLAGS),
         step(SORTED, u32(2), u32(1), u32(3)), step(DONE, u8(0)),
         step(SORT, u8(3), u8(0), u8(2), u8(0), u8(0), u32(0), u32(0),
              SEARCH_FLAGS),
         step(THREADED, u32(0), u32(1), u32(1), u32(2), u32(2), u32(2),
              u32(3), u32(0)), step(DONE, u8(0)),
         step(FIND, u8(4), u8(0), u64(1), u8(1), u8(1), u8(4), u8(0), u32(0),
              u32(0), SEARCH_TEXT),
         step(VERDICTS, u32(1), u8(1)), step(CANCEL))
    seed("vault", "opener", step(TRY, s("secret"), u8(1)),
         step(SESSION, u32(1), u8(7), u8(1), bytes(32), u64(1), s("")))
    seed("vault", "manage", step(TRY, s(""), u8(3)),
         step(MANAGE, u32(1), u64(1), bytes(32), u8(2), u16(1), u32(0),
              s("phone"), s(""), bytes(32)))
    seed("vault", "deleted_box", step(SELECT, u8(3), s("A"), u8(0), u8(0)),
         step(DELETE | SECOND, s("A")), step(NOOP, u8(3)))
    seed("vault", "together", select, step(NOOP | TOGETHER, u8(3)),
         step(FETCH | TOGETHER, u8(7), u8(1), u64(0), ranges((1, ALL))),
         step(EXPUNGE | TOGETHER, u8(3), ranges()),
         step(LIST, u8(1)), step(EOF_))
    seed("vault", "resync",
         step(EXPUNGE, u8(7), ranges((1, ALL))), step(SET, ranges((1, 9))),
         step(SELECT, u8(0), s("INBOX"), u8(0), u8(1), u32(1), u64(1), u32(2),
              u32(1), u32(1), u32(2), u32(2), ranges((20, 30))),
         step(FETCH, u8(0x37), u8(0x20), u64(1), ranges((1, ALL))),
         step(STORE, u8(0x13), u8(1), u64(9), u16(0), u64(2),
              ranges((1, ALL))))
    seed("vault", "raw", step(RAW, u32(118), u32(0), u8(3)),
         step(RAW | SECOND, u32(9999), u32(7)))


# The order of kinds[] in engine_fuzz.c, and its other steps.
(SELECTED, BOX, KEYWORDS, ROWS, ECHUNK, EXISTS, EXPUNGED, APPENDED, COPIED,
 FOUND, EDONE, BYE, SLOT, EDELETED, MODIFIED, VANISHED, MODSEQ,
 FOUND_MODSEQ, ETHREADED, COUNT, PROGRESS) = range(21)
(CLIENT, LEAVE, STALL, ROW, REFUSE, OPENER, EEOF, ERAW, ANEW) = range(32, 41)
NEWS = 0x80


def client(line):
    return step(CLIENT, line.encode() if isinstance(line, str) else line)


def done(result=0):
    return step(EDONE, u8(result), s(""))


selected = (client("b SELECT INBOX\r\n") +
            step(SELECTED, u64(1), u32(7), u32(5), u64(9), u32(2), u32(1),
                 u8(0), u16(1), s("$Junk")) + done())


def box(name, numbers=True):
    data = u64(3) + u16(4) + u8(1) + u8(1) + s(name) + u8(numbers)
    if numbers:
        data += u32(2) + u32(5) + u32(7) + u32(1) + u32(0) + u64(99) + u64(9)
    return step(BOX, data)


def row(uid, flags=1, follows=0, ids=False):
    data = (u32(uid) + u32(uid) + u64(flags) + u64(3) + u64(1700000000) +
            u16(60) + u64(40) + bytes(16) + u8(0))
    if ids:
        data += bytes(16) + u32(1700000000)
    return data + u8(follows)


def chunk(text, kind=0):
    return step(ECHUNK, u32(1), u8(kind), u8(0), u8(1), u32(0),
                u32(len(text)), text)


def forged(name):
    with open(os.path.join(here, "mime_seeds", name), "rb") as f:
        return step(ROW, f.read()[1:])


def one(name, *steps):
    seed("engine", name, u8(0), *steps)


def engine():
    seed("engine", "before", u8(1), client("a CAPABILITY\r\na NOOP\r\n"),
         client("a LOGIN anna secret\r\n"), step(REFUSE, u8(1)),
         client("a AUTHENTICATE PLAIN AGFubmEAc2VjcmV0\r\n"),
         step(OPENER, u32(11), u8(1)))
    seed("engine", "starttls", u8(1), client("a STARTTLS\r\n"),
         client("a AUTHENTICATE PLAIN\r\n"), client("*\r\n"),
         client("b ID NIL\r\n"), client("c LOGOUT\r\n"))
    one("select", selected, client("c CLOSE\r\n"), done(), selected)
    for name in ("summary_nested", "summary_groups", "summary_mixed_related"):
        one("fetch_" + name, selected,
            client("c UID FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY)\r\n"),
            forged(name), done())
    one("fetch_parts", selected,
        client("c FETCH 1 (BODY[1] BODY[HEADER.FIELDS (Subject)] "
               "BINARY.SIZE[1] BODY[1.MIME]<3.9>)\r\n"),
        forged("summary_mixed_related"), chunk(b"a" * 900), done())
    one("fetch_body", selected, client("c FETCH 1 (RFC822.SIZE BODY[])\r\n"),
        step(ROWS, row(1)), chunk(b"From: a\r\n\r\nhello, this is forty octets"),
        done())
    one("fetch_text", selected, client("c FETCH 1:2 (UID BODY.PEEK[TEXT])\r\n"),
        forged("summary_groups"), chunk(b"From: a\r\n\r\nhi"), done(8),
        client("d NOOP\r\n"), done())
    one("fetch_flags", selected, client("c FETCH 1:* (FLAGS EMAILID)\r\n"),
        step(ROWS, row(1, 0x1ff, 0, True), row(2, 0, 0, True)), done())
    one("store", selected, client("c STORE 1:2 +FLAGS (\\Seen $Junk new)\r\n"),
        step(KEYWORDS, u16(2), s("$Junk"), s("new")),
        step(ROWS, row(1, 0x301), row(2)), done(),
        client("d UID STORE 2 FLAGS.SILENT ()\r\n"), done())
    one("copy", selected, client("c COPY 1:2 A\r\n"),
        step(COPIED, u32(7), ranges((1, 2)), ranges((5, 6))), done(),
        client("d UID MOVE 1 B\r\n"),
        step(COPIED, u32(7), ranges((1, 1)), ranges((7, 7))),
        step(EXPUNGED, u32(1), u32(1), u32(1)), done(),
        client("e EXPUNGE\r\n"), step(EXPUNGED, u32(1), u32(1), u32(1)), done())
    one("list", client('c LIST (SUBSCRIBED) "" (% A/%) RETURN (CHILDREN '
                       'STATUS (MESSAGES UIDNEXT SIZE))\r\n'),
        box("INBOX"), box("A"), box("A/\u00e4", False), done(),
        client("d STATUS A (MESSAGES UNSEEN MAILBOXID)\r\n"), box("A"), done())
    one("boxes", client("c CREATE A/B (USE (\\Junk))\r\n"),
        done(), step(EDONE, u8(0), s("12")), client("d RENAME A/B C\r\n"),
        box("A/B"), box("A/B/D"), done(), done(),
        client("e DELETE C\r\n"), done(5), client("f SUBSCRIBE D\r\n"), done())
    one("search", selected,
        client("c SEARCH RETURN (MIN MAX COUNT ALL SAVE) OR SEEN "
               "SUBJECT {1}\r\n"), client("a\r\n"),
        step(FOUND, u32(2), u32(1), u32(2)), done(),
        client("d UID SEARCH $ NOT 1:2\r\n"), step(FOUND, u32(0)), done(),
        client("e FETCH $ UID\r\n"), done())
    one("sort", selected,
        client("c SORT RETURN (PARTIAL -1:-3 COUNT UPDATE (FLAGS)) "
               "(REVERSE DATE) UTF-8 ALL\r\n"),
        step(PROGRESS, u32(1), u32(9)), step(COUNT, u32(2), u32(2), u32(1)),
        step(FOUND, u32(2), u32(2), u32(1)), done(),
        step(EXPUNGED | NEWS, u32(1), u32(1), u32(1)),
        step(EXISTS | NEWS, u32(2), u32(5), u32(5)), client("d NOOP\r\n"),
        done(), step(FOUND, u32(1), u32(2)), done(),
        client('e CANCELUPDATE "c"\r\n'))
    one("thread", selected, client("c THREAD REFERENCES UTF-8 ALL\r\n"),
        step(COUNT, u32(3), u32(1), u32(3)),
        step(ETHREADED, u32(4), u32(0), u32(1), u32(1), u32(2), u32(2), u32(3),
             u32(9), u32(20)), done())
    one("multi", client("c ESEARCH IN (subtree-one (A B) subscribed) RETURN "
                        "(MIN) BODY a\r\n"),
        box("INBOX"), box("A"), box("A/B"), done(),
        step(COUNT, u32(1), u32(7), u32(7)), done(), done())
    one("append", selected, client("c APPEND A (\\Seen) {5}\r\n"),
        client("hello"), client(" {3+}\r\nabc\r\n"),
        step(APPENDED, u32(7), u32(9)), step(APPENDED, u32(7), u32(10)),
        done(), client("d APPEND B {4}\r\n"), done(2))
    one("catenate", selected,
        client("c APPEND A CATENATE (URL /A/;UID=1/;SECTION=1 TEXT {5}\r\n"),
        step(ROWS, row(1)), done(), chunk(b"x" * 300), done(),
        client("hello URL ;UID=3/;PARTIAL=5.100 URL {1}\r\n"), client("x)\r\n"),
        step(ROWS, row(3)), done(), chunk(b"x" * 300), done(),
        client("d APPEND A CATENATE (URL /A/;UID=1/;SECTION=HEADER.FIELDS%20(A))"
               "\r\n"), step(ROWS, row(1)), done(), chunk(b"x: 1\r\n\r\n"),
        done(), step(APPENDED, u32(7), u32(9)), done())
    one("idle", selected, client("c IDLE\r\n"), done(),
        step(EXISTS | NEWS, u32(3)), step(ROWS | NEWS, row(1)),
        step(EXPUNGED | NEWS, u32(2), u32(1), u32(1), u32(1), u32(2)),
        client("DONE\r\n"), done())
    one("stall", selected, step(STALL, b"1"), client("c FETCH 1 BODY[]\r\n"),
        step(ROWS, row(1)), chunk(b"x" * 30000), chunk(b"x" * 30000),
        step(STALL), done(), step(LEAVE))
    one("manage", client("c XSEALMAIL SLOTS\r\n"),
        step(SLOT, u32(1), u8(2), u16(1), u64(1700000000), s("phone")), done(),
        client("d XSEALMAIL DELETED\r\n"),
        step(EDELETED, bytes(16), u64(1), u64(0), u64(2), u64(3), s("A"),
             u8(0), u8(0)), done())
    one("bye", selected, client("c NOOP\r\n"), step(BYE, u8(3)))
    one("raw", selected, step(ERAW, u32(204), u32(0), bytes(20)),
        step(EEOF))
    one("anew", step(ANEW), client("c NOOP\r\n"), done())
    one("resync", client("c ENABLE QRESYNC\r\n"),
        client("d SELECT INBOX (QRESYNC (7 3 1:9 (1:2 1:2)))\r\n"),
        step(SELECTED, u64(1), u32(7), u32(5), u64(9), u32(2), u32(1),
             u8(0), u16(1), s("$Junk")), step(VANISHED, ranges((3, 4), (6, 6))),
        step(ROWS, row(1)), done(),
        client("e STORE 1:2 (UNCHANGEDSINCE 2) +FLAGS.SILENT (\\Seen)\r\n"),
        step(MODIFIED, u32(1), u32(2)), step(ROWS, row(1)), done(),
        client("f UID SEARCH RETURN (MIN) MODSEQ 2\r\n"),
        step(FOUND, u32(1), u32(1)), step(FOUND_MODSEQ, u64(3), u64(3), u64(3)),
        step(MODSEQ | NEWS, u64(5)), done(), client("g EXPUNGE\r\n"),
        step(EXPUNGED | NEWS, u32(2), u32(1), u32(1), u32(1), u32(2)),
        step(EDONE, u8(0), s("9")))
    one("replace", selected, client("c REPLACE 2 A (\\Draft) {5}\r\n"),
        client("hello\r\n"), step(APPENDED, u32(7), u32(9)),
        step(EXPUNGED, u32(1), u32(2), u32(2)), done(),
        client("d UID REPLACE * INBOX {3+}\r\nabc\r\n"), done(8))
    one("utf8", client("c ENABLE UTF8=ACCEPT\r\n"),
        client("d APPEND \"\u00e4\" UTF8 (~{9}\r\n"), client("a: \u00e4\r\n\r\n)\r\n"),
        step(APPENDED, u32(7), u32(9)), done(), selected,
        client("e UID FETCH 1:* (ENVELOPE BODYSTRUCTURE PREVIEW (LAZY))\r\n"),
        forged("summary_nested"), done())
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    squeezed = [deflate.compress(x) + deflate.flush(zlib.Z_SYNC_FLUSH)
                for x in (b"d NOOP\r\nd NOOP\r\n", b"e NAMESPACE\r\n",
                          b"f UNAUTHENTICATE\r\n")]
    one("squeeze", client("c COMPRESS DEFLATE\r\n"), client(squeezed[0]),
        client(squeezed[1][:9]), client(squeezed[1][9:]),
        client(squeezed[2] + b"g CAPABILITY\r\n"),
        client("h LOGIN anna secret\r\n"), step(REFUSE, u8(1)))
    one("rev2", client("c ENABLE IMAP4rev2\r\n"), selected,
        client("d LIST \"\" *\r\n"), box("\u00e4", False), done())


def keys():
    digest = bytes(range(32))
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    for name, what, how, data in (
            ("ecdsa", 1, 3, digest), ("pkcs1", 2, 1, info),
            ("raw", 2, 2, b"\0" + bytes(255)), ("wrong_use", 1, 1, info),
            ("unknown", 0, 3, digest), ("empty", 1, 3, b""),
            ("how", 1, 9, digest)):
        seed("keys", name, step(what, u8(how), bytes(32), s(data)))
    seed("keys", "type", step(0x81, u8(3), bytes(32), s(digest)))
    seed("keys", "short", step(1, u8(3), bytes(9)))


def deliver():
    envelope = (u8(1) + s("a@example.net") + u8(1) + u64(1700000000) +
                bytes(16))
    anna = u8(2) + s("anna@example.org") + s("anna@example.org") + s("tag")
    body = u8(3) + u8(0) + u8(0) + u32(5) + s("hello")
    summary = u8(3) + u8(1) + u8(0) + u32(3) + s("sum")
    commit = u8(4) + u16(0)
    seed("deliver", "check", step(1, s("anna@example.org"), u64(9)),
         step(1, s("nobody@example.org"), u64(0)),
         step(1, s("../../etc"), u64(0)))
    seed("deliver", "put", step(0, envelope, anna, body, summary, commit))
    seed("deliver", "pieces", step(0, envelope), step(0, anna, anna),
         step(0, body), step(0, summary), step(0, u8(4), u16(1), u16(0)))
    seed("deliver", "two", step(0, envelope, anna),
         step(8, envelope, anna, body), step(0, body, summary),
         step(0x48, summary, commit), step(0, commit))
    seed("deliver", "abort", step(0, envelope, anna, body, u8(5)))
    seed("deliver", "nobody", step(0, envelope, u8(2) +
         s("nobody@example.org") + s("x@y") + s(""), body, summary, commit))
    seed("deliver", "order", step(0, envelope, anna, summary, body))
    seed("deliver", "gone", step(0, envelope, anna, body), step(3))
    seed("deliver", "no_target", step(0, envelope, body, summary, commit))


def worker():
    with open(os.path.join(here, "mime_seeds", "summary_nested"), "rb") as f:
        summary = f.read()[1:]
    with open(os.path.join(here, "mime_seeds", "nested.eml"), "rb") as f:
        mail = f.read()
    nodes = 5
    head = (u32(1) + u64(len(mail)) + u64(1700000000) + u8(0) + u16(nodes) +
            u8(2) * nodes)
    search = step(0, program(
        text(40, b"Subject", b"hall"), text(41, b"bob"), u8(1),
        u8(43) + be(1800000000, 8), u8(2)))
    bare = search + step(1, head, u8(0), u8(0))
    seed("worker", "summary", search,
         step(1, head, u8(1), u8(0), u32(len(summary)), s(summary), u8(0)),
         step(2, u32(1), u8(0), u8(0), u8(1), u32(0), u32(len(mail)), mail),
         step(4))
    seed("worker", "inline", search,
         step(1, head, u8(1), u8(0), u32(len(summary)), s(summary),
              u8(1), u8(0), u32(len(mail)), s(mail)), step(4))
    seed("worker", "parse", bare,
         step(2, u32(1), u8(0), u8(0), u8(1), u32(0), u32(len(mail)), mail),
         step(4))
    seed("worker", "pieces", search, step(1, head, u8(2), u8(0)),
         step(2, u32(1), u8(1), u8(0), u8(0), u32(0), u32(100),
              summary[:100]),
         step(2, u32(1), u8(1), u8(0), u8(1), u32(1),
              u32(len(summary) - 100), summary[100:]))
    for how, keys in ((1, u8(6) + u8(0x83) + u8(8)), (2, b""), (3, b"")):
        seed("worker", "sort%d" % how,
             step(8, u8(how), u8(len(keys)), keys),
             step(9, u32(1), u64(len(mail)), u64(5), u8(0), u8(1), u8(0),
                  u32(len(summary)), s(summary), u32(2), u64(9), u64(6), u8(0),
                  u8(0), u32(3), u64(len(mail)), u64(7), u8(0), u8(3)),
             step(2, u32(3), u8(0), u8(0), u8(1), u32(0), u32(len(mail)),
                  mail), step(10))
    seed("worker", "gone", bare, step(3, u32(1)), step(4))
    seed("worker", "cancel", bare, step(5), search, step(4))
    seed("worker", "damaged", bare,
         step(2, u32(1), u8(0), u8(1), u8(1), u32(0), u32(65536), b"xyz"))


def smtpd():
    def two(name, *steps):
        seed("smtpd", "smtp_" + name, u8(0), *steps)
        seed("smtpd", "lmtp_" + name, u8(1), *steps)

    def say(line):
        return step(0, line.encode())

    def submits(name, *steps):
        seed("smtpd", "submission_" + name, u8(2), say("STARTTLS\r\n"),
             say("EHLO a\r\n"), *steps)

    go = step(8, u32(0))
    submits("wrong", say("AUTH PLAIN AGFubmEAeA==\r\n"), step(9, u8(1)))
    submits("login", say("AUTH LOGIN\r\n"), say("YW5uYQ==\r\n"),
            say("eA==\r\n"), step(11), step(10),
            say("AUTH PLAIN\r\n*\r\n"))
    submits("scram", say("AUTH SCRAM-SHA-256 bixhPWEsbj1hLHI9ZnlrbwA=\r\n"),
            say("AUTH SCRAM-SHA-256\r\nbiwsbj1hbm5hLHI9ZnlrbwA=\r\n"),
            say("AUTH SCRAM-SHA-256 biwsbj1hbm5hLHI9ZnlrbzE=\r\n"),
            step(9, u8(3)))
    envelope = (say("MAIL FROM:<anna@example.org> AUTH=<>\r\n") +
                say("RCPT TO:<anna+x@example.org>\r\n") + go +
                step(1, u8(0)))
    for name, head in (
            ("mail", "From: \"A. B\" (c (d)) <anna@example.org>\r\n"
             "Bcc: x@y.z\r\nUser-Agent: a\r\n b\r\n"),
            ("two", "From: anna@example.org,\r\n\tA B <anna+b@example.org>"
             "\r\nSender: all@example.org\r\n"),
            ("other", "From: <ben@example.org>\r\n"),
            ("malformed", "From : <@a:b@[1.2.3.4]>, \"x\r\n")):
        submits(name, step(12), envelope, say("DATA\r\n"),
                say(head + "\r\nbody\r\n.\r\n"), step(2, u16(1), u8(0)),
                say("QUIT\r\n"))
    submits("paced", step(12), say("MAIL FROM:<anna@example.org>\r\n"),
            say("RCPT TO:<anna@example.org>\r\n"), step(8, u32(77)),
            say("RCPT TO:<anna@example.org>\r\n"), step(11))
    submits("notice", step(12), say("MAIL FROM:<>\r\n"),
            say("RCPT TO:<anna@example.org>\r\n"), go, step(1, u8(0)),
            say("BDAT 122 LAST\r\nFrom: anna@example.org\r\n"
                "Content-Type: multipart/report; "
                "report-type=disposition-notification;\r\n boundary=a"
                "\r\n\r\n"), step(2, u16(1), u8(0)))
    hello = say("EHLO a\r\nLHLO a\r\n")
    rcpt = (say("MAIL FROM:<a@b.c> SIZE=9\r\n") +
            say("RCPT TO:<anna+tag@example.org>\r\n") + step(1, u8(0)))
    two("mail", hello, rcpt, say("DATA\r\n"),
        say("Subject: a\r\n\r\n..b\r\n.\r\n"), step(2, u16(1), u8(0)),
        say("QUIT\r\n"))
    two("bdat", hello, rcpt, say("BDAT 5\r\nhello"),
        say("BDAT 3 LAST\r\nabc"), step(2, u16(1), u8(5)))
    two("alias", hello, say("MAIL FROM:<> BODY=8BITMIME\r\n"
                            "RCPT TO:<all@example.org>\r\n"),
        step(1, u8(0)), step(1, u8(1)), say("RSET\r\nNOOP\r\n"))
    two("pipeline", say("EHLO a\r\nLHLO a\r\nMAIL FROM:<a@b>\r\n"
                        "RCPT TO:<anna@example.org>\r\nDATA\r\n"),
        step(1, u8(0)), say("x\r\n.\r\nQUIT\r\n"),
        step(2, u16(1), u8(3)))
    two("refused", hello, say("MAIL FROM:<a@b>\r\nRCPT TO:<x@y.z>\r\n"
                              "RCPT TO:<ben@example.org>\r\n"),
        step(1, u8(1)), say("DATA\r\nVRFY a\r\nHELP\r\nSTARTTLS\r\n"))
    two("anew", hello, rcpt, say("DATA\r\nabc\r\n"), step(3),
        say(".\r\n"))
    two("gone", hello, rcpt, say("DATA\r\nabc\r\n"), step(6),
        say(".\r\n"))
    two("garbage", say("\0\r\n\n\rGET / HTTP/1.1\r\n" + "x" * 3000 + "\r\n"))
    two("utf8", hello, say("MAIL FROM:<\u00e4@b> SMTPUTF8\r\n"
                           "RCPT TO:<\"a b\"@example.org> NOTIFY=NEVER\r\n"))


def store():
    FRAME, WHOLE, SEALED, FILE = (n << 5 for n in range(4))
    for flags, name in ((0, "snapshot"), (1, "log"), (3, "log_good"),
                        (2, "good"), (7, "other")):
        seed("store", name, u8(flags))
        for n in range(3):
            seed("store", "%s_frame%d" % (name, n), u8(flags),
                 step(FRAME | n, u16(8), bytes([n + 1] * 4)))
            seed("store", "%s_box%d" % (name, n), u8(flags),
                 step(SEALED | n, u16(8 * n), b"\xff" * 4))
            seed("store", "%s_file%d" % (name, n), u8(flags),
                 step(FILE | n, u16(24 + 4 * n), b"\xff\xff"))
        seed("store", name + "_whole", u8(flags),
             step(WHOLE | 1, bytes(range(1, 40))))


def master():
    def login(name, whom=0, service=1):
        return step(whom << 4, u64(1), u8(service), s(name))

    def says(n, *parts, whom=0):
        return step(4 + n | whom << 4, *parts)

    anna = login("anna@example.org")
    up = says(2) + says(5, u32(77))
    seed("master", "login", anna, says(0), says(1, u8(1)), up,
         says(7, u32(1)), step(2 | 2 << 4, s("anna@example.org")), says(9),
         says(8))
    seed("master", "wrong", anna, says(0), says(1, u8(0)), says(4))
    seed("master", "second", anna, says(0), says(1, u8(1)), up,
         login("anna@example.org", 1, 2), says(2, whom=1), says(3, whom=1),
         says(6, *[u64(3)] * 8))
    seed("master", "many", anna, anna, anna, login("ben@example.org", 1),
         says(0), says(0, whom=1), says(0, whom=2), step(1),
         step(0x80 | 4), step(0x80 | 4 | 1 << 4))
    seed("master", "gone", anna, says(0), step(0x80), says(1, u8(1)), up)
    seed("master", "lies", anna, says(5, u32(1)), says(8), says(9),
         login("x"), says(10, s("anna@example.org"), whom=1), step(3, u32(1)))
    seed("master", "ended", anna, says(0), says(1, u8(1)), up, says(8),
         says(0), says(2), anna, says(2, whom=1))


def sealmail():
    def answers(name, kind, *lines):
        seed("sealmail", name, u8(kind), "\r\n".join(
            lines + ("",)).encode("utf-8", "surrogateescape"))

    box = ('* LIST () "/" INBOX', '* LIST (\\HasChildren) "/" "a/b"',
           '* LIST () "/" {3}', "x&-", "s OK listed")
    mail = ("* 1 FETCH (UID 1 FLAGS (\\Seen $Junk) INTERNALDATE "
            '"01-Jan-2024 10:00:00 +0100" BODY[] {12}', "From: a", "", "b)",
            "s OK fetched")
    chosen = ("* OK [UIDVALIDITY 7] ok", "s OK [READ-ONLY] examined")
    found = ("* 1 FETCH (UID 1)", "* 2 FETCH (UID 4)", "s OK fetched")
    for kind in (0, 2):
        answers("export%d" % kind, kind, *box, *chosen, *found, *mail,
                *chosen, *found, "s NO refused", "s NO gone")
    answers("names", 0, '* LIST () "/" "../../etc"', '* LIST () "/" "."',
            '* LIST () NIL ""', '* LIST (\\Noselect) "/" c', "s OK listed",
            *chosen, *found, *mail)
    for kind in (1, 3):
        answers("undelete%d" % kind, kind,
                "* XSEALMAIL UNDELETE " + "ab" * 16 + " 1700000000 1700000000 "
                '77 0 "INBOX" "a subject" "b@c"',
                "* XSEALMAIL UNDELETE " + "cd" * 16 +
                ' 1 2 3 9 "a\\"b" {3}', "abc", "s OK listed")
    answers("no", 1, "s NO [CONTACTADMIN] no\x01")
    answers("closed", 0, '* LIST () "/" {99999999999}')


def opener():
    (AUTH, RAW, VRAW, KNOWN, UNKNOWN, TAKEN, MRAW, GO, BUSY, VAULT,
     BE) = range(11)
    (IMAP, SUBMISSION, MANAGE) = (1, 2, 3)

    def auth(secret, mechanism=1, *change):
        return step(AUTH, u32(2), u8(mechanism), s(secret), *change)

    def change(op, fresh="", label="", scope=0, slot=0):
        return u8(op) + s(fresh) + s(label) + u16(scope) + u32(slot)

    right = "secret"
    known = step(KNOWN, u32(1), u8(7))
    unknown = step(UNKNOWN, bytes(32))
    taken = step(TAKEN)
    for name, set_, *steps in (
            ("right", IMAP, auth(right)),
            ("wrong", IMAP | 8, auth("wrong")),
            ("nobody", IMAP | 16, auth(right)),
            ("raise", IMAP | 32, auth(right)),
            ("submission", SUBMISSION, auth(right)),
            ("code", IMAP, auth("0000-0000-0000-0000-0000-0000-0000-0000")),
            ("known", IMAP | 4, auth(right), known, taken),
            ("doubts", IMAP | 4, auth(right), unknown, taken),
            ("submits", SUBMISSION | 4, auth("other"), known),
            ("gone", IMAP | 4, auth(right), unknown),
            ("passwd", MANAGE, auth(right, 1, change(1, "new secret"))),
            ("app", MANAGE | 4, auth(right, 1, change(2, "", "phone", 1)),
             unknown, taken),
            ("revoke", MANAGE, auth(right, 1, change(3, slot=3))),
            ("recover", MANAGE, auth("wrong", 1, change(4, "new"))),
            ("rekey", MANAGE | 4, auth(right, 1, change(5)), unknown, taken),
            ("purge", MANAGE, auth(right, 1, change(7))),
            ("ask", IMAP, auth("", 2)),
            ("ask_nobody", IMAP | 16, auth("", 2)),
            ("prove", IMAP, auth("n=,r=a,r=ab,s=c,i=4096,c=biws,r=ab", 3,
                                 bytes(32))),
            ("busy", IMAP, auth(right), step(BUSY)),
            ("go", IMAP, auth(right), step(VAULT), unknown, step(GO),
             step(BE)),
            ("raw", IMAP, step(RAW, u32(99), b"abc"),
             step(VRAW, u32(44)), step(MRAW, u32(35))),
            ("none", IMAP)):
        seed("opener", name, u8(set_), *steps)


def clerk():
    (ADD, DEL, LIST, SHOW, LIMIT, RENAME, SWEEP, KICK, CONFIRM) = range(9)
    anna = "anna@example.org"

    def ask(kind, account, *rest):
        return step(kind, u32(2), s(account), *rest)

    limit = [ask(LIMIT, anna, u8(what), u64(1000)) for what in (1, 2, 3)]
    for name, set_, *steps in (
            ("add", 1, ask(ADD, "bob@example.org", s("word"), u64(0)),
             ask(ADD, "eve@example.org", s(""), u64(1)),
             ask(ADD, anna, s("x"), u64(0)), ask(LIST, "")),
            ("add_escrow", 9, ask(ADD, "bob@example.org", s(""), u64(0))),
            ("add_nowhere", 5, ask(ADD, "bob@example.net", s(""), u64(0))),
            ("del", 1, ask(DEL, anna), ask(SHOW, anna)),
            ("look", 0, ask(LIST, "example.org"), ask(SHOW, anna),
             ask(DEL, anna), *limit),
            ("limit", 1, *limit, ask(SHOW, anna)),
            ("rename", 1, ask(RENAME, anna, s("b@example.org")),
             ask(RENAME, "b@example.org", s("../x"))),
            ("sweep", 1, ask(SWEEP, "", u32(0)), ask(SWEEP, anna, u32(7))),
            ("kick", 1, ask(KICK, anna), ask(CONFIRM, anna),
             ask(CONFIRM, "no@example.org")),
            ("daily", 2),
            ("raw", 1, step(0x80, u32(99)), step(0x80, u32(60)))):
        seed("clerk", name, u8(set_), *steps)


def parent():
    (READY, CLOSED, COUNTS, CERT, PRAW, DIES, STARTS, COMES, ASKS, CRAW, GOES,
     WCOMES, WASKS, WGOES, SAYS, ENGINE) = range(16)
    (HELLO, PROCESSES, STOP, RELOAD, LOG, CONNECT, STATS, CERTS) = range(8)
    FD = 0x80

    def who(n, kind):
        return n << 4 | kind

    def row(name, label, value):
        return u8(0) + s(name) + s(label) + s("help") + u64(value)

    ready = b"".join(step(who(n, READY), u8(2)) for n in range(4))
    counts = step(COUNTS, u32(1), row("a_total", "", 5),
                  row("b", 'kind="x"', 2**64 - 1))
    cert = u32(1) + s("a") + u8(1) + u8(0) + u64(2000000000) + bytes(32)
    everything = [step(who(1, ASKS), u8(kind), *rest) for kind, rest in (
        (HELLO, (u32(2),)), (PROCESSES, ()), (STOP, ()), (RELOAD, ()),
        (LOG, (u8(1),)), (CERTS, ()), (STATS, ()))]
    connect = [step(who(1, ASKS) | fd, u8(CONNECT), s(role), u32(n))
               for fd, role, n in ((FD, "worker", 1), (0, "worker", 0),
                                   (FD, "keeper", 0), (FD, "nobody", 9))]
    seed("parent", "roles", ready, counts, step(who(1, CLOSED), u64(1)),
         step(CERT, cert, s("")), step(who(1, CERT), cert, s("bad\x01")),
         step(who(2, CERT), cert, s("")))
    seed("parent", "bad", ready, step(READY, u8(2)), step(STARTS),
         step(who(1, READY), u8(1)), step(who(2, PRAW), u32(9)),
         step(who(3, COUNTS), u32(0), b"x"))
    seed("parent", "dies", ready, step(DIES), step(who(3, DIES)),
         step(STARTS), step(READY, u8(2)))
    seed("parent", "root", ready, step(who(1, COMES)), *everything)
    seed("parent", "reader", ready, step(who(2, COMES)),
         *[b[:0] + u8(b[0] & 0x0f | 0x20) + b[1:] for b in everything])
    seed("parent", "connect", ready, step(who(1, COMES)), *connect)
    seed("parent", "stats", ready, step(who(1, COMES)),
         step(who(1, ASKS), u8(STATS)), step(who(1, ASKS), u8(STATS)),
         *[step(who(n, COUNTS), u32(1), row("a", "", n)) for n in range(4)])
    seed("parent", "gone", ready, step(who(1, COMES)),
         step(who(1, ASKS), u8(STATS)), step(who(1, GOES)), counts,
         step(who(0, COMES)), step(CRAW, u32(99)))
    seed("parent", "abroad", step(WCOMES),
         step(WASKS, u32(1), s("deliver"), u32(0), s("keeper")),
         step(WASKS, u32(1), s("deliver"), u32(1), s("worker")),
         step(who(2, DIES)), step(who(2, STARTS)), step(WASKS, u32(2)))
    kick = u8(1), u32(2)
    seed("parent", "engine", *(
        x for n in (0, 1) for x in (
            step(who(n, ENGINE), u8(0), u32(2)),
            step(who(n, ENGINE), *kick, u8(1), u64(7), s("")),
            step(who(n, ENGINE), *kick, u8(2), u64(0), s("a@example.org")),
            step(who(n, ENGINE), *kick, u8(3), u64(0), s("192.0.2.1")),
            step(who(n, ENGINE), u8(9)), step(who(n, ENGINE)))))
    seed("parent", "peer", step(who(1, SAYS) | FD, u8(2)),
         step(who(3, SAYS) | FD, u8(2)), step(who(1, SAYS), u8(3)),
         step(who(0, SAYS) | FD, u8(2)))


def resolver():
    (MX, ADDRESS, TLSA, TXT, PTR, EOF5, PACKET, RRAW) = range(8)
    SECURE = 8

    def name(text):
        return b"".join(bytes([len(p)]) + p.encode()
                        for p in text.split(".") if p) + b"\0"

    def record(kind, data, owner=b"\xc0\x0c", ttl=300):
        return (owner + be(kind, 2) + be(1, 2) + be(ttl, 4) +
                be(len(data), 2) + data)

    def packet(qname, kind, *records, code=0):
        return (be(1, 2) + be(0x8180 | code, 2) + be(1, 2) +
                be(len(records), 2) + bytes(4) + name(qname) + be(kind, 2) +
                be(1, 2) + b"".join(records))

    mx = packet("example.org", 15,
                record(15, be(10, 2) + b"\3mx1\xc0\x0c"),
                record(15, be(5, 2) + name("mx2.example.net")),
                record(15, be(7, 2) + b"\0"))
    alias = packet("a.org", 1, record(5, name("b.org")),
                   record(1, bytes([192, 0, 2, 1]), name("b.org")))
    loop = packet("a.org", 15, record(5, b"\xc0\x0c"),
                  record(15, be(1, 2) + b"\xc0\xff"))
    seed("resolver", "mx", step(MX, s("example.org")),
         step(PACKET | SECURE, mx))
    seed("resolver", "both", step(ADDRESS, s("a.org"), u8(3)),
         step(PACKET | SECURE, alias),
         step(PACKET, packet("a.org", 28, record(28, bytes(16)))))
    seed("resolver", "tlsa", step(TLSA, s("mx.example.org"), u16(25)),
         step(PACKET | SECURE, packet("_25._tcp.mx.example.org", 52,
              record(52, b"\3\1\1" + bytes(32)))))
    seed("resolver", "txt", step(TXT, s("_mta-sts.example.org")),
         step(PACKET, packet("_mta-sts.example.org", 16,
              record(16, b"\x0av=STSv1; i\4d=1;"), record(16, b"\xff"))))
    for n, address in enumerate(("192.0.2.1", "2001:db8::1", "no")):
        seed("resolver", "ptr%d" % n, step(PTR, s(address)),
             step(PACKET, packet("1.2.0.192.in-addr.arpa", 12,
                  record(12, name("mx.example.org")))))
    seed("resolver", "loop", step(MX, s("a.org")), step(PACKET, loop),
         step(MX | 0x80, s("a.org")), step(PACKET, packet("a.org", 15,
              code=3)))
    seed("resolver", "gone", step(MX, s("a.org")), step(MX, s("..")),
         step(ADDRESS, s("a.org"), u8(3)), step(EOF5),
         step(RRAW | 0x80, u32(7)))


# The order of enum step_kind in queue_fuzz.c.
(QPUT, QCHECK, QSIGN, QREPORTED, QWANT, QTOOK, QSTOP, QREADY, QOUTCOME,
 QUNREACHABLE, QMEMORY, QRAW, QGOES, QCOMES, QASKER, QASKS, QASKER_GOES, QTIME,
 QRESTART, QFRAME, QSPOIL_LOG, QSPOIL_MSG) = range(22)
RELAY = 0x40


def qenvelope(sender="anna@example.org", ret=0, envid="", arrival=1700000000,
              flags=0, codec=0):
    return (u8(1) + s(sender) + s("anna@example.org") + u8(flags) +
            u8(codec) + s(envid) + u8(ret) + u64(arrival) + u32(0) +
            s("t1"))


def qrcpt(address, dest="example.net", orcpt="", notify=0):
    return u8(2) + s(address) + s(dest) + s(orcpt) + u8(notify)


def qdata(kind, octets, flags=0):
    return u8(3) + u8(kind) + u8(flags) + u32(len(octets)) + s(octets)


def qput(*records, ident=1):
    return step(QPUT, u8(ident), *records)


def qmessage(*rcpts, ident=1, **envelope):
    return qput(qenvelope(**envelope), *rcpts, qdata(1, b"body\r\n"),
                qdata(0, b"From: a\r\n\r\n"), u8(4), ident=ident)


def qoutcome(*rows, job=0):
    return step(QOUTCOME | RELAY, u8(job), u16(len(rows)), *(
        u16(i) + u8(what) + u16(code) + s("5.1.1") + s("mx.example.net") +
        s("said so") for i, what, code in rows))


def qask(question, *fields, ident="", dest="", sender="", rcpt=""):
    return step(QASKS, u8(question), u32(1), s(ident), s(dest), s(sender),
                s(rcpt), *fields)


def qid(n):
    return bytes([n]) + bytes(15)


def be_str(text):
    return be(len(text), 4) + text.encode()


def queue():
    none, forged = u8(0), u8(1)
    ready = step(QREADY | RELAY, u32(5))
    two = qmessage(qrcpt("b@example.net"), qrcpt("c@example.net", notify=3,
                   orcpt="rfc822;c@example.net"), ret=1, envid="e1")
    seed("queue", "sent", none, two, ready, step(QWANT | RELAY, u8(0),
         u64(1 << 40)), step(QTOOK | RELAY, u8(0)),
         qoutcome((0, 1, 250), (1, 2, 250)), step(QWANT, u64(100)),
         step(QTOOK), step(QREPORTED, u8(1)), step(QRESTART))
    seed("queue", "failed", none, ready, two, step(QWANT | RELAY, u8(0),
         u64(0)), step(QSTOP | RELAY, u8(0)), qoutcome((0, 4, 550)),
         qoutcome((1, 3, 450)), step(QREPORTED, u8(0)),
         step(QTIME, u32(600)), step(QRESTART), step(QREPORTED, u8(1)))
    seed("queue", "unreachable", none, ready, two,
         step(QUNREACHABLE | RELAY, u8(0), u32(60), s("4.4.1"), s("mx"),
              s("no")), step(QTIME, u32(14400)), step(QWANT, u64(0)),
         step(QREPORTED, u8(1)), step(QTIME, u32(6 * 86400)),
         step(QREPORTED, u8(1)))
    seed("queue", "memory", none, step(QMEMORY | RELAY, s("example.net"),
         s("tls")), two, step(QRESTART), ready, qoutcome((0, 1, 250)))
    seed("queue", "null", none, ready, qmessage(qrcpt("b@example.net"),
         sender=""), qoutcome((0, 4, 550)))
    seed("queue", "arrival", none, qmessage(qrcpt("b@example.net"),
         arrival=2**63 - 1), step(QTIME, u32(600)))
    seed("queue", "pieces", none, qput(qenvelope(codec=1, flags=7)),
         qput(qrcpt("b@example.net")), qput(qdata(1, b"x" * 300, 1)),
         qput(u8(6) + u8(2)), qput(qdata(0, b"h")), qput(u8(4)),
         qput(qenvelope(), qrcpt("c@x.org", "x.org"), ident=2),
         qput(u8(5), ident=2), step(QCHECK, u64(7)),
         step(QSIGN, s("example.org"), s("s1"), b"d" * 32),
         step(QSIGN, s("example.com"), s("s1"), b"d" * 32))
    seed("queue", "gone", none, ready, two, step(QGOES | RELAY),
         qput(qenvelope(), ident=3), step(QGOES), step(QCOMES),
         step(QCOMES | RELAY), ready, step(QTIME, u32(300)),
         qoutcome((0, 4, 550), (1, 4, 550)), step(QGOES))
    seed("queue", "list", none, two, step(QASKER), qask(0),
         qask(0, dest="example.net"), qask(4, u8(1)), qask(6),
         step(QASKS, u8(7), u32(1)))
    seed("queue", "asked", none, ready, two, step(QASKER | 0x20),
         qask(2, rcpt="b@example.net"), qask(5, u64(1800000000)), qask(1),
         qask(2), qask(0), step(QRESTART), step(QASKER | 0x20), qask(3),
         qask(2, dest="example.com"), qask(6), qask(4, u8(1), ident="t1"),
         step(QREPORTED, u8(1)), step(QASKER_GOES))
    seed("queue", "late", none, two, step(QASKER | 0x20),
         qask(5, u64(2**63 - 1)), ready)
    many = b"".join(qrcpt("r%d@example.net" % n, "d%d.net" % (n % 7))
                    for n in range(120))
    seed("queue", "many", none, qmessage(many), ready,
         qoutcome(*((n, 4, 550) for n in range(0, 120, 7))))
    seed("queue", "compacted", none, *(
         qmessage(qrcpt("b%d@example.net" % n), ident=n)
         for n in range(1, 9)), ready, *(
         qoutcome((0, 1, 250), job=n) for n in range(2)), step(QRESTART))
    enter = (u8(1) + qid(1) + be_str("a@b") + be_str("") + be_str("") +
             be_str("t") + be(40, 8) * 3 + be(9, 4) + be(1700000000, 8) * 2 +
             b"\0\0\0" + be(2, 2))
    rcpt = (u8(2) + qid(1) + be_str("c@d") + be_str("d") + be_str("") +
            u8(0))
    change = (u8(3) + qid(1) + be(1, 2) + u8(2) + be(3, 2) + u8(7) +
              be(1700000000, 8) + u8(1) + be(1700000000, 8) + be(550, 2) +
              be_str("5.0.0") + be_str("h") + be_str("no"))
    dest = (u8(5) + be_str("d") + be(0, 8) + be(3, 2) + u8(1) + be(3, 4) +
            b"mem")
    whole = u8(7) + qid(1)
    seed("queue", "frame", none, step(QFRAME, u8(6), enter, rcpt, rcpt,
         change, dest, whole), step(QRESTART), ready,
         step(QWANT | RELAY, u8(0), u64(100)), step(QFRAME, u8(2), u8(6),
         u8(1), u8(4), qid(1)), step(QRESTART))
    seed("queue", "frames", none, two, step(QFRAME, u8(2), enter, rcpt),
         step(QRESTART), step(QFRAME, u8(1), u8(4) + qid(1)),
         step(QFRAME, u8(9), whole), step(QRESTART), two)
    seed("queue", "torn", none, two, step(QSPOIL_LOG, b"\x40\0zzzz"), two,
         step(QRESTART), two, ready, step(QRESTART))
    seed("queue", "forged", forged, ready, two,
         step(QSPOIL_MSG, b"\x18\0" + b"\1\0\0\0" + be(65536, 4) +
              be(6, 4)), step(QWANT | RELAY, u8(0), u64(1 << 40)),
         step(QTOOK | RELAY, u8(0)))


# The order of enum step_kind in relay_fuzz.c.
(LGIVES, LSENDS, LQSAYS, LQGOES, LANSWERS, LDNS_GOES, LSAYS, LENDS, LSTALLS,
 LTLS, LTIMEOUT, LTIME, LRELOAD, LREFUSE) = range(14)


def job(*rcpts, dest="example.net", flags=0, codec=0, head=12, body=8,
        memory=b"", ret=1, sender="anna@example.org"):
    return step(LGIVES, s(dest), s(sender), s("t1"), u8(flags), u8(codec),
                u32(head), u64(body), s("e1"), u8(ret), s(memory),
                u32(len(rcpts)), *(u16(n) + s(r) + s("rfc822;" + r) + u8(6)
                                   for n, r in enumerate(rcpts)))


def sends(kind, octets, last=False, flags=0, plain=None):
    return step(LSENDS, u8(0), u8(kind), u8(flags | 2 * last),
                u32(len(octets) if plain is None else plain), s(octets))


def answer(status, *records, secure=0, name="mx.example.net"):
    return step(LANSWERS, u8(status), u8(secure), u32(60), s(name),
                u32(len(records)), *records)


def said(*lines):
    return step(LSAYS, "".join(x + "\r\n" for x in lines).encode())


def ehlo(*words):
    lines = ("mx.example.net",) + words
    return said(*("250%s%s" % (" " if n == len(lines) - 1 else "-", x)
                  for n, x in enumerate(lines)))


def scram(binding, rounds=4096):
    """A server's two words to a client that logs in as user, secret."""
    nonce = base64.b64encode(b"n" * 18) + b"server"
    salt = b"salt" * 4
    first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), rounds)
    head, channel = {"exporter": (b"p=tls-exporter,,", b"c" * 32),
                     "offered": (b"y,,", b"")}[binding]
    sent = b"n=user,r=%s,%s,c=%s,r=%s" % (
        base64.b64encode(b"n" * 18), first, base64.b64encode(head + channel),
        nonce)
    key = hashlib.pbkdf2_hmac("sha256", b"secret", salt, rounds)
    server = hmac.digest(key, b"Server Key", "sha256")
    proof = b"v=" + base64.b64encode(hmac.digest(server, sent, "sha256"))
    return tuple(said("334 " + base64.b64encode(x).decode())
                 for x in (first, proof))


def relay():
    none, direct, verify = u8(0), u8(1), u8(2)
    mx = u16(10) + s("mx.example.net")
    four = u8(4) + bytes([192, 0, 2, 1])
    six = u8(6) + bytes.fromhex("20010db8" + "00" * 11 + "01")
    found = (answer(1), answer(0, mx, secure=1), answer(0, four, six))
    message = (sends(0, b"From: a\r\n\r\n"), sends(1, b".x\r\n.\r\ny", True))
    full = ("PIPELINING", "SIZE 1000", "8BITMIME", "SMTPUTF8", "DSN",
            "STARTTLS", "REQUIRETLS", "AUTH PLAIN LOGIN")
    tls = (said("220 go"), step(LTLS, u8(0)), ehlo(*full))
    b, c = "b@example.net", "c@example.net"
    seed("relay", "sent", none, job(b, c), *found, said("220 hello"),
         ehlo(*full), *tls, said("250 ok", "250 2.1.5 ok", "550 5.1.1 no"),
         said("354 go"), *message, said("250 2.0.0 done"),
         job(b), said("250 ok"), said("250 ok"), said("354 go"), *message,
         said("452 4.3.1 full"), step(LRELOAD), said("221 bye"))
    seed("relay", "plain", direct, job(b, flags=1), answer(0, mx),
         answer(0, four), said("220-hello", "220 there"), said("502 what"),
         said("250 mx"), job(b, c), answer(1), answer(0, six),
         said("220 x"), ehlo(), said("250 ok"), said("451 no"),
         said("250 ok"), said("354 go"), *message, said("250 ok"))
    seed("relay", "bdat", none, job(b, head=11, body=9), *found,
         said("220 hello"), ehlo("CHUNKING", "PIPELINING"),
         said("250 ok", "250 ok"), *message, said("502 what is BDAT"))
    seed("relay", "early", none, job(b), *found, said("220 x"), ehlo(),
         said("250 ok"), said("250 ok"), said("354 go"), message[0],
         said("552 5.3.4 too long"), job(b), *found[1:], said("421 later"))
    seed("relay", "refused", none, job(b, c), *found, said("220 x"),
         ehlo("PIPELINING"), said("550 5.7.1 not you", "503 x", "503 x"),
         said("221 bye"), step(LENDS), job(c), *found[1:], said("554 go"))
    seed("relay", "dane", none, job(b), answer(1), answer(0, mx, secure=1),
         answer(0, four, secure=1), answer(
             0, u8(3) + u8(1) + u8(1) + s(b"h" * 32), secure=1),
         said("220 x"), ehlo(*full), said("220 go"), step(LTLS, u8(4)))
    seed("relay", "dane_useless", verify, job(b, flags=4), answer(1),
         answer(0, mx, secure=1), answer(0, four, secure=1), answer(
             0, u8(0) + u8(1) + u8(1) + s(b"h" * 32), secure=1),
         said("220 x"), ehlo(*full), said("220 go"), step(LTLS, u8(0)),
         ehlo(*full), said("250 ok"))
    sts = s(b"v=STSv1; id=20261121;")
    policy = (b"version: STSv1\r\nmode: enforce\r\nmx: *.example.net\r\n"
              b"max_age: 604800\r\n")
    http = (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
            b"Content-Length: %d\r\n\r\n" % len(policy))
    seed("relay", "sts", none, job(b), answer(0, sts), answer(0, four),
         step(LTLS, u8(0)), step(LSAYS, http), step(LSAYS, policy),
         answer(0, mx), answer(0, four), said("220 x"), ehlo(*full),
         said("220 go"), step(LTLS, u8(0)), ehlo(*full), said("250 ok"))
    seed("relay", "sts_chunked", none, job(b), answer(0, sts),
         answer(0, six, four), step(LTLS, u8(1)), answer(0, mx),
         answer(0, four), step(LTIME, u32(86400)), job(c), answer(0, sts),
         answer(0, four), step(LTLS, u8(0)), step(
             LSAYS, b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n"
             b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(policy) +
             policy + b"\r\n0\r\n\r\n"), step(LENDS))
    seed("relay", "auth", none, job(b, dest="auth.test"), answer(0, four),
         said("220 x"), ehlo(*full), said("220 go"), step(LTLS, u8(0)),
         ehlo(*full), said("235 in"), said("250 ok", "250 ok", "354 go"),
         *message, said("250 ok"), job(b, dest="first.test"),
         step(LTLS, u8(0)), said("220 x"), ehlo(*full), said("535 no"))
    for name, words, binding in (
            ("scram", "AUTH SCRAM-SHA-256 PLAIN", "offered"),
            ("scram_plus", "AUTH SCRAM-SHA-256 SCRAM-SHA-256-PLUS",
             "exporter")):
        offers = full[:-1] + (words,)
        one, two = scram(binding)
        begin = (none, job(b, dest="auth.test"), answer(0, four),
                 said("220 x"), ehlo(*offers), said("220 go"),
                 step(LTLS, u8(0)), ehlo(*offers))
        seed("relay", name, *begin, one, two, said("235 in"),
             said("250 ok", "250 ok", "354 go"), *message, said("250 ok"))
        seed("relay", name + "_unsure", *begin, one, said("235 in"))
        seed("relay", name + "_liar", *begin, one, scram("offered", 4097)[1],
             said("235 in"))
        seed("relay", name + "_rounds", *begin, scram(binding, 4095)[0])
    seed("relay", "auth_plain", none, job(b, dest="plain.test"), said("220 x"),
         ehlo(*full), job(b, dest="may.test"), said("220 x"), ehlo(*full),
         said("220 go"), step(LTLS, u8(2)), ehlo(*full), said("250 ok"),
         job(b, dest="secure.test"), answer(0, six), said("220 x"),
         ehlo("PIPELINING"))
    seed("relay", "gone", none, job(b), answer(1), step(LDNS_GOES), job(c),
         step(LQGOES), job(b), answer(2), step(LREFUSE | 0x20), *found,
         step(LTIMEOUT), step(LTIMEOUT), said("220 x"), step(LQGOES))
    seed("relay", "remembered", none,
         job(b, memory=b"\1\2" + (1699990000).to_bytes(8, "big")),
         *found, said("220 x"), ehlo(), job(b, dest="[192.0.2.9]"),
         said("220 x"), ehlo("STARTTLS"), said("454 not now"),
         said("250 ok"), step(LTIMEOUT))
    seed("relay", "null", none, job(b), answer(1), answer(0, u16(0) + s("")),
         job(c), answer(0, u16(9) + s("relay.test"), u16(10) + s("mx.a")),
         job(b), answer(3), job(b, sender=""), answer(4))


def told(kind, *parts, last=False, other=False):
    """What a daemon answers: sealctl_fuzz.c."""
    return step(kind, u8(last | 2 * other), *parts)


def over(result=0, reason=""):
    return told(103, u8(result), s(reason), last=True)


def origin():
    def lines(name, kind, *text):
        seed("origin", name, u8(kind), "\n".join(text).encode())
    lines("spf", 0, "mx.a.test", "x+y", "a.test",
          "1v=spf1 a/24 mx:b.test//64 ip4:1.2.3.0/24 include:%{ir}.c.test "
          "exists:%{l1r+-}.%{d2} ptr -all", "11111", "1b.test", "!")
    lines("spf_include", 0, "mx.a.test", "6", "a.test",
          "1v=spf1 include:%{o} redirect=b.test", "1v=spf1 redirect=%{d}",
          "?")
    lines("spf_ptr", 0, "[1.2.3.4]", "s", "a.test",
          "1v=spf1 exists:%{p}.%{S}.x.test ptr:a.test ~all", "0a.test",
          "01111", "?")
    lines("spf_wrong", 0, "h", "", "", "2v=spf1 all", "1v=spf1 a:%{")
    lines("dmarc", 1, "a.b.test", "c.b.test", "b.test",
          "1v=DMARC1; p=reject; sp=none; adkim=s; aspf=r; pct=50; psd=n",
          "?", "1v=DMARC1; p=none; psd=y; t=y; rua=mailto:x@y", "!")
    signature = ("DKIM-Signature: v=1; a=%s; c=%s; d=a.test; s=s1;\r\n"
                 "\tt=1699999999; x=1800000000; l=3; i=@x.a.test;\r\n"
                 "\th=from:to:from; bh=" + "A" * 43 + "=;\r\n\tb=" +
                 "B" * 86 + "==\r\n")
    rest = "From: a@a.test\r\nTo: b\r\n \tc\r\n"
    lines("dkim", 2, "1v=DKIM1; k=ed25519; t=y:s; h=sha256; s=email; p=" +
          "A" * 43 + "=", signature % ("ed25519-sha256", "relaxed/simple") +
          signature % ("rsa-sha256", "simple") + rest)
    lines("dkim_rsa", 2, "1p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTz"
          "WRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91"
          "y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZy"
          "VYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
          signature % ("rsa-sha256", "relaxed/relaxed") + rest)
    lines("authres", 3, ' (a (b)) "mx.te\\st" 1; spf=pass', "c\rd",
          'e"f\\', "")


def sealctl():
    def one(name, command, *answers, raw=0, json=False):
        seed("sealctl", name, u8(command | 0x80 * json), u8(raw), *answers)
        if not json:
            seed("sealctl", name + "_j", u8(command | 0x80), u8(raw),
                 *answers)
    process = told(101, s("imap-engine"), u32(1), u32(77), u32(50001), u32(3),
                   u8(0), u64(1700000000), u32(9))
    one("processes", 0, process, process, over(), process, over(3, "no"))
    one("by_hand", 0, told(100, s("sealimapd"), s("1"), u32(7), u64(1),
                           u8(1)), over(), process, over(), raw=1)
    session = told(210, u64(5), s("imap"), s("192.0.2.1"),
                   s("a@example.org"), s("TLSv1.3"), s("idle"),
                   u64(1700000000), u64(1700000001), u64(8), u64(9), u64(10))
    one("sessions", 1, session, session, over(), session, over())
    count = told(102, s("imap-engine"), u32(0), u8(1), s("commands"),
                 s("verb=x"), s("in all"), u64(5))
    one("stats", 2, count, over(), count, over())
    one("prometheus", 3, count, count, over(), count, over())
    one("version", 4)
    certificate = told(120, s("mx"), u8(1), u8(2), u64(1800000000),
                       b"k" * 32, s("too \x1b[31mlate"))
    one("certificates", 5, certificate, over(), certificate, over())
    user = told(64, s("a@example.org"), s("active"), u64(1 << 30), u64(5),
                u32(1), u32(77), u64(1700000000), u64(0))
    end = told(66, u8(0), s(""), last=True)
    wrong = told(66, u8(1), s("there is no such account"), last=True)
    one("users", 6, user, user, end)
    one("user", 7, told(64, s("b"), other=True), user, end)
    one("added", 8, told(65, s("word word"), s("ABCD-EFGH")), end)
    for n, what in enumerate(("del", "disable", "quota", "confirm",
                              "rename")):
        one(what, 9 + n, end if n % 2 else wrong)
    row = told(60, bytes(range(16)), s("t1"), s("a@example.org"),
               s("b@example.net"), s("example.net"), u8(1), u64(1700000000),
               u64(1700432000), u64(1700000300), u16(2), u64(5000), u16(450),
               s("4.2.1"), s("mx.example.net"), s("later\x07 please"))
    ended = told(61, u8(0), u32(2), last=True)
    one("queue", 14, row, row, ended)
    one("queue_counts", 15, told(62, *(u64(n) for n in range(5)), u8(1),
                                 last=True))
    one("queue_show", 16, row, ended)
    packed = zlib.compress(b"hello " * 100)
    one("message", 17, told(63, u8(1)), told(11, u8(0), u8(0), u32(3),
                                             s("a: ")),
        told(11, u8(1), u8(3), u32(600), s(packed)), ended)
    one("flush", 18, ended)
    one("remove", 19, told(61, u8(2), u32(0), last=True))
    one("reschedule", 20, told(61, u8(4), u32(0), last=True))
    kicked = told(211, u32(1))
    one("kick", 21, kicked, over(), end, kicked, over())
    one("kick_session", 22, kicked, over(), over(1))
    one("log", 23, over(), over())
    one("reload", 24, over(), certificate, over(), over(3, "line 7"))
    one("stop", 25, over(), over())
    one("sweep", 26, told(68, u32(3), u32(1), u64(9), u64(8)), end)
    one("verify", 27, told(115, *(u64(n) for n in (1, 2, 3, 0))),
        told(115, *(u64(n) for n in (2, 2, 3, 1))), end)
    hello = told(1, u32(1), last=True)
    one("dns", 28, hello, *(
        told(16, u8(0), u8(1), u32(60), s("x"), u32(1), s("v=spf1 mx -all"),
             last=n == 9) for n in range(10)))


def out():
    header = ("From: a@example.org\r\nTo:  b@example.net,\r\n\tc@x.org \r\n"
              "Subject: \r\nDATE : x\r\n")
    seed("out", "dkim", u8(0), u8(3), header.encode())
    seed("out", "dkim_body", u8(0), u8(7),
         (header + "\r\nx  \t y \r\n\r\n \r\n").encode())
    seed("out", "dkim_bare", u8(0), u8(0),
         b"From: a\nb\rc\0\r\n" + b"Received: z\r\n" * 40)
    seed("out", "reply", u8(1), u8(4),
         b"250-mx.example.org\r\n250-SIZE 1\r\n250 DSN\r\n"
         b"550 5.7.1 no \xff\x01\n421\r\n354 \r\n999 x\r\n")


if __name__ == "__main__":
    parent()
    resolver()
    queue()
    relay()
    origin()
    sealctl()
    out()
    clerk()
    opener()
    vault()
    engine()
    keys()
    deliver()
    worker()
    smtpd()
    store()
    master()
    sealmail()

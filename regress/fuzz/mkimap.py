"""Seeds of imap-engine, imap-store's processes and imap-worker: what an engine,
a vault and others say in a few ordinary sessions."""

import os
import zlib

from seedsteps import be, here, ranges, s, seed, step, u8, u16, u32, u64

ALL = 0xFFFFFFFF
# The order of kinds[] in vault_fuzz.c.
(SELECT, UNSELECT, LIST, STATUS, CREATE, DELETE, RENAME, SUBSCRIBE, APPEND,
 CHUNK, APPEND_END, APPEND_ABORT, FETCH, BODY, STORE, COPY, EXPUNGE, SEARCH,
 NOOP, IDLE, CANCEL, SET, DELETED, UNDELETE, SLOTS, TRY, SESSION, MANAGE,
 VERDICTS, NEED, DONE, SORT, FIND, SORTED, THREADED, GLANCE, PEEK, REPLACE,
 LIMIT, SETTINGS, SETTINGS_SET, REINDEX, AUDIT, QUOTA, SETQUOTA, NOTIFY,
 EVENTS, META, SETMETA, PAGES, POSSIBLE, PAGE, HINT) = range(53)
EOF_, RAW, INDEX, SECOND, TOGETHER = 0x3F, 0x3E, 0x3D, 0x80, 0x40
select = step(SELECT, u8(3), s("INBOX"), u8(0), u8(0))
append = (
    step(APPEND, u8(3), s("INBOX"), u64(1), u16(1), s("$Junk"), u64(0),
         u16(0), u64(5), u8(0)) +
    step(CHUNK, u8(0), u8(0), u32(5), b"hello") +
    step(CHUNK, u8(1), u8(0), u32(3), b"sum"))


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
    anna = s("anna@example.org")
    seed("vault", "quota", step(SETQUOTA, anna, u64(1 << 20), u64(4)),
         step(QUOTA, s("")), step(QUOTA, anna), step(QUOTA, s("x@y.z")),
         append, step(APPEND_END, u64(5), u8(0)),
         step(SETQUOTA, anna, u64(0), u64(0)), step(QUOTA, anna))
    seed("vault", "notify", select, step(NOTIFY, u8(0x3b), u8(7)),
         step(CREATE | SECOND, u16(0), s("N")),
         step(RENAME | SECOND, u32(1), s("N"), s("M")), step(EVENTS, u8(0)),
         append, step(APPEND_END, u64(5), u8(0)),
         step(SUBSCRIBE | SECOND, u8(1), s("M")), step(EVENTS, u8(255)),
         step(SETMETA | SECOND, s("A"), u16(1), s("/private/comment"), u8(1),
              s("x")), step(DELETE | SECOND, s("M")), step(EVENTS, u8(0)),
         step(NOTIFY, u8(0), u8(0)))
    seed("vault", "meta", step(SETMETA, s(""), u16(2), s("/private/a"), u8(1),
         s("b" * 300), s("/shared/a/b"), u8(1), s("")),
         step(SETMETA, s("A"), u16(1), s("/private/a"), u8(0)),
         step(META, s(""), u8(1), u8(255), u64(100), u16(2), s("/private/a"),
              s("/shared")), step(META, s("A"), u8(0), u8(0), u64(0), u16(0)))
    seed("vault", "audit", step(AUDIT), step(NOOP, u8(3)), step(REINDEX),
         step(CANCEL))
    seed("vault", "index", select,
         step(SEARCH, u8(7), u8(0), SEARCH_TEXT),
         step(PAGES, u16(2), u32(0), u32(9)),
         step(POSSIBLE, u32(0), u16(1), u16(1), b"\xff"),
         step(SEARCH, u8(7), u8(0), SEARCH_TEXT), step(PAGE, b"p" * 99),
         step(HINT, b"abc"), step(SORTED, u32(1)))
    # "Many": 264 messages with even UIDs.
    made = [step(VERDICTS | SECOND, *(u32(uid) + u8(1) for uid in
                                      range(i, i + 16, 2)))
            for i in range(2, 530, 16)]
    seed("vault", "index_made", step(INDEX), step(INDEX), *made,
         step(PAGE | SECOND, b"page"), step(HINT | SECOND, b"hint"),
         step(DONE | SECOND, u8(0)),
         step(SELECT, u8(3), s("Many"), u8(0), u8(0)),
         step(SEARCH, u8(7), u8(0), SEARCH_TEXT), step(PAGES, u16(1), u32(0)),
         step(POSSIBLE, u32(1), u16(1), u16(1), b"\xff" * 33),
         step(INDEX), step(REINDEX | SECOND))
    seed("vault", "index_left", step(INDEX), step(INDEX),
         step(VERDICTS | SECOND, u32(2), u8(0), u32(4), u8(2)),
         step(NEED | SECOND, u32(6), u32(0), u32(ALL)),
         step(DELETE, s("Many")), step(PAGE | SECOND, b"page"),
         step(HINT | SECOND, b"hint"), step(INDEX))
    seed("vault", "raw", step(RAW, u32(118), u32(0), u8(3)),
         step(RAW | SECOND, u32(9999), u32(7)))


# The order of kinds[] in engine_fuzz.c, and its other steps.
(SELECTED, BOX, KEYWORDS, ROWS, ECHUNK, EXISTS, EXPUNGED, APPENDED, COPIED,
 FOUND, EDONE, BYE, SLOT, EDELETED, MODIFIED, VANISHED, MODSEQ,
 FOUND_MODSEQ, ETHREADED, COUNT, PROGRESS, ESETTINGS, REINDEXED, AUDITED,
 FAULT, LIMITED, EQUOTA, NUDGE, EVENT, EMETA) = range(30)
(CLIENT, LEAVE, STALL, ROW, REFUSE, OPENER, EEOF, ERAW, ANEW) = range(32, 41)
NEWS = 0x80


def client(line):
    return step(CLIENT, line.encode() if isinstance(line, str) else line)


def done(result=0):
    return step(EDONE, u8(result), s(""))


selected = (client("b SELECT INBOX\r\n") +
            step(SELECTED, u64(1), u32(7), u32(5), u64(9), u32(2), u32(1),
                 u8(0), u16(8), u8(1), u16(1), s("$Junk")) + done())


def box(name, numbers=True):
    data = u64(3) + u16(4) + u8(1) + u8(1) + s(name) + u8(numbers)
    if numbers:
        data += (u32(2) + u32(5) + u32(7) + u32(1) + u32(0) + u64(99) +
                 u64(9) + u64(0))
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
    one("fetch_binary", selected,
        client("c FETCH 1:3 (BINARY[1] BINARY.SIZE[1.2])\r\n"),
        forged("summary_mixed_related"), forged("summary_groups"),
        step(ROWS, row(3)), done(8),
        forged("summary_mixed_related"), chunk(b"From: a\r\n\r\nhi"), done(),
        step(ROWS, row(3)), done(), done(), client("d NOOP\r\n"), done())
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
             u8(0), u16(8), u8(1), u16(1), s("$Junk")),
        step(VANISHED, ranges((3, 4), (6, 6))),
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
    one("quota", client("c GETQUOTAROOT INBOX\r\n"),
        step(EQUOTA, s("a@b"), u64(5), u64(1 << 20), u64(2), u64(4)), done(),
        client('d SETQUOTA "a@b" (STORAGE 5 MESSAGE 2)\r\n'),
        step(EQUOTA, s("a\r\nb"), u64(5), u64(5120), u64(2), u64(3)), done())
    one("metadata", client('c GETMETADATA (MAXSIZE 9 DEPTH infinity) "" '
                           "(/private/a)\r\n"),
        step(EMETA, u64(0), s("/private/a"), u8(1), s("b\r\n")),
        step(EMETA, u64(0), s("/private/b"), u8(0)),
        step(EDONE, u8(0), s("99")),
        client('d SETMETADATA A (/private/a ~{3+}\r\nx\0y /shared/b NIL)\r\n'),
        done(), client('e LIST "" * RETURN (METADATA (/private/a))\r\n'),
        box("INBOX"), done(), step(EMETA, u64(3), s("/private/a"), u8(1),
                                   s("z")), done())
    named = u8(1) + box("\u00e4\r")[3:]
    one("notify", client("c NOTIFY SET STATUS (SELECTED (MessageNew (FLAGS) "
                         "MessageExpunge)) (PERSONAL (MailboxName "
                         "SubscriptionChange MailboxMetadataChange))\r\n"),
        done(), step(NUDGE | NEWS), step(EVENT, u8(8), s("b"), named),
        step(EVENT, u8(0x20), s("/private/a"), u8(0), box("A")[3:]), done(),
        step(NUDGE | NEWS), step(EVENT, u8(0x80)), done(),
        client("d NOTIFY NONE\r\n"), done())
    one("audit", client("c XSEALMAIL VERIFY\r\n"),
        step(AUDITED, *(u64(n) for n in (1, 2, 3, 0))),
        step(FAULT, s("A\n"), u32(2), s("no \"such\" chunk")), done(),
        client("d XSEALMAIL REINDEX\r\n"),
        step(REINDEXED, u32(1), u64(2), u32(3)), done(), selected,
        client("e UID STORE 1:9 +FLAGS (\\Seen)\r\n"), step(LIMITED, u32(3)),
        done(6))
    one("rev2", client("c ENABLE IMAP4rev2\r\n"), selected,
        client("d LIST \"\" *\r\n"), box("\u00e4", False), done())


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
    INDEX, SEGMENT, PAGE, CANCEL, TOGETHER = 11, 12, 13, 5, 0x40
    doc = [u32(n) + u64(len(mail)) + u64(5) + u8(0) + u16(1) + u8(2) + u8(0) +
           u8(1) + u8(0) + u32(len(mail)) + s(mail) for n in (1, 2, 3)]
    seed("worker", "index", step(INDEX), step(1, *doc), step(4))
    seed("worker", "index_late", step(INDEX), step(1, *doc),
         step(4 | TOGETHER), step(3 | TOGETHER, u32(1)), step(2, u32(2), u8(0),
              u8(0), u8(1), u32(0), u32(3), b"abc"))
    seed("worker", "index_left", step(INDEX), step(1, *doc),
         step(4 | TOGETHER), step(CANCEL), search, step(4))
    seed("worker", "index_more", step(INDEX), step(1, doc[0]),
         step(4 | TOGETHER), step(1, doc[1]))
    # Of a page: how far to the next trigram, octets << 1 | bitmap, numbers.
    plain = b"\0\x03\xff\1" + b"\xf6\x1b\4\3\1"
    seed("worker", "segment", search,
         step(SEGMENT, u32(7), u32(9), u32(2), s(b"bal" + b"hob")),
         step(PAGE, u32(0), s(u8(0) + be(len(plain), 2) + plain)),
         step(1, head, u8(0), u8(0)), step(4))
    seed("worker", "segment_odd", search,
         step(SEGMENT, u32(7), u32(9), u32(1), s("\0\0\0")),
         step(PAGE, u32(0), s(u8(1) + be(40000, 2) + b"zzzz")),
         step(SEGMENT, u32(8), u32(4096), u32(2), s("bob")), step(4))
    seed("worker", "gone", bare, step(3, u32(1)), step(4))
    seed("worker", "cancel", bare, step(5), search, step(4))
    seed("worker", "damaged", bare,
         step(2, u32(1), u8(0), u8(1), u8(1), u32(0), u32(65536), b"xyz"))


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

    def raw(kind, *parts, whom=0, peer=0):
        return step(15 | whom << 4, u8(peer), u32(kind), *parts)

    name = s("anna@example.org")
    SPEND, CLERK, AUDIT, AUDITED, SESSIONS = 100, 80, 110, 113, 75
    seed("master", "spend", *[raw(SPEND, name, u32(1), u32(60), whom=1, peer=1)
                              for _ in range(3)],
         raw(SPEND, s("x" * 400), u32(1), u32(1), whom=1, peer=1),
         raw(SPEND, name, u32(1), u32(1), peer=1), raw(SPEND, name))
    told = [*(u64(n) for n in (1, 2, 3, 0))]
    seed("master", "audit", anna, says(0), says(1, u8(1)), up, raw(CLERK),
         raw(AUDIT, name), raw(AUDIT, name, whom=1),
         raw(SESSIONS, name, whom=1), raw(AUDITED, u8(0), *told),
         raw(AUDITED, u8(1), *told), raw(AUDITED, u8(1), *told), says(8))


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


def forker():
    CHILD, PAUSE, FRAW, ENDS, NONE, OTHER = 0, 1, 2, 3, 0x40, 0x80

    def child(number, kind=1, flags=0):
        return step(CHILD | flags, u8(kind), u32(number))

    def pause(number, stop=1, flags=0):
        return step(PAUSE | flags, u32(number), u8(stop))

    seed("forker", "stops", child(7), child(8, 2), pause(7), pause(8),
         pause(7), pause(8, 0), pause(9), step(ENDS, u8(0)), pause(7, 0),
         pause(8))
    seed("forker", "ends", *(child(n) for n in range(10)),
         *(pause(n) for n in range(10)), step(ENDS | OTHER, u8(3)),
         step(ENDS, u8(3)), step(ENDS, u8(9)), pause(3, 0), child(3))
    seed("forker", "twice", child(1), pause(1), child(1))
    seed("forker", "kind", child(1), pause(1), child(2, 3))
    seed("forker", "no_wire", child(1, 1, NONE))
    seed("forker", "wire", child(1), pause(1, 1, NONE))
    seed("forker", "raw", child(1), step(FRAW, u32(99), b"x"))
    seed("forker", "none")


def write():
    vault()
    engine()
    worker()
    store()
    master()
    opener()
    clerk()
    forker()

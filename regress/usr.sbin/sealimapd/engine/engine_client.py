#! /usr/bin/env python3
"""
Speaks IMAP to a running suite octet by octet.

usage: engine_client.py server.json CASE

Every case is a class; its methods named t_* run in order.  The section of
RFC 9051 (or the RFC) that a check stands for is named beside it.
"""

import base64
import json
import os
import random
import re
import socket
import ssl
import subprocess
import sys
import time

SERVER = json.load(open(sys.argv[1], encoding="utf-8"))
PASSWORD = SERVER["password"].encode()
DOMAIN = SERVER["domain"].encode()


class Client:
    """A connection that reads whole responses, literals included."""

    def __init__(self, user=None, box=None):
        context = ssl.create_default_context(cafile=SERVER["cafile"])
        context.check_hostname = False
        sock = socket.create_connection((SERVER["host"], SERVER["imaps_port"]))
        sock.settimeout(20)
        self.sock = context.wrap_socket(sock)
        self.buf = b""
        self.count = 0
        self.greeting = self.line()
        if user is not None:
            self.ok(b"LOGIN user%04d@%s %s" % (user, DOMAIN, PASSWORD))
        if box is not None:
            self.ok(b"SELECT " + box)

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(self.buf)
        self.buf += data

    def line(self):
        out = b""
        while True:
            while b"\n" not in self.buf:
                self.fill()
            at = self.buf.index(b"\n") + 1
            line, self.buf = self.buf[:at], self.buf[at:]
            out += line
            literal = re.search(rb"\{(\d+)\}\r\n$", line)
            if literal is None:
                return out
            size = int(literal.group(1))
            while len(self.buf) < size:
                self.fill()
            out += self.buf[:size]
            self.buf = self.buf[size:]

    def send(self, data):
        self.sock.sendall(data)

    def command(self, text):
        """All lines up to the tagged one, or a continuation."""
        self.count += 1
        tag = b"a%d" % self.count
        self.send(tag + b" " + text + b"\r\n")
        return self.until(tag)

    def until(self, tag):
        lines = []
        while True:
            lines.append(self.line())
            if lines[-1].startswith((tag + b" ", b"+")):
                return lines

    def expect(self, text, condition):
        lines = self.command(text)
        what = lines[-1].split(b" ", 1)[-1]
        assert what.startswith(condition), (text[:80], lines[-1])
        return lines

    def ok(self, text):
        return self.expect(text, b"OK")

    def append(self, box, message, more=b""):
        # What holds NUL is no text: literal8 (RFC 3516 section 4.4).
        binary = b"~" if b"\0" in message else b""
        return self.ok(b"APPEND %s %s%s{%d+}\r\n%s" %
                       (box, more, binary, len(message), message))

    def fetch(self, number, items):
        """The one FETCH response, and its literals."""
        lines = self.ok(b"FETCH %d %s" % (number, items))
        rows = [x for x in lines if re.match(rb"\* \d+ FETCH ", x)]
        assert len(rows) == 1, (items, lines)
        return rows[0], literals(rows[0])


def literals(row):
    out = []
    at = 0
    while True:
        found = re.search(rb"\{(\d+)\}\r\n", row[at:])
        if found is None:
            return out
        begin = at + found.end()
        size = int(found.group(1))
        out.append(row[begin:begin + size])
        at = begin + size


SMALL = (b"From: a@example.net\r\nTo: b@example.net\r\nSubject: small\r\n"
         b"X-Mine: one\r\n\r\nbody\r\n")


class States:
    def t_before_login(self):
        """9051 3.1: what is not allowed before login is BAD"""
        c = Client()
        assert b"IMAP4rev1" in c.greeting and b"AUTH=PLAIN" in c.greeting
        c.ok(b"CAPABILITY")
        c.ok(b"NOOP")
        c.ok(b"ID NIL")
        for text in (b"SELECT INBOX", b'LIST "" *', b"FETCH 1 FLAGS", b"IDLE",
                     b"ENABLE IMAP4rev2", b"FOO", b"NOOP x", b"STARTTLS"):
            c.expect(text, b"BAD")

    def t_after_login(self):
        """9051 3.2: what wants a mailbox, and another login, is BAD"""
        c = Client(1)
        for text in (b"FETCH 1 FLAGS", b"STORE 1 FLAGS ()", b"EXPUNGE",
                     b"SEARCH ALL", b"CLOSE", b"CHECK", b"COPY 1 x",
                     b"LOGIN a b", b"AUTHENTICATE PLAIN AAAA"):
            c.expect(text, b"BAD")
        assert c.ok(b"ENABLE X-NONE")[0] == b"* ENABLED\r\n"  # 6.3.1
        assert c.ok(b"NAMESPACE")[0] == \
            b'* NAMESPACE (("" "/")) NIL NIL\r\n'

    def t_select_leaves(self):
        """9051 3.3, 6.3.2: a SELECT that fails leaves none selected."""
        c = Client(1, b"INBOX")
        c.expect(b"SELECT nowhere", b"NO")
        c.expect(b"FETCH 1 FLAGS", b"BAD")
        c.ok(b"EXAMINE INBOX")
        c.expect(b"STORE 1:* FLAGS (\\Seen)", b"NO")
        c.expect(b"EXPUNGE", b"NO")
        c.ok(b"CLOSE")

    def t_numbers(self):
        """9051 4.1.1: sets by number and by UID"""
        c = Client(1)
        c.ok(b"CREATE numbers")
        c.ok(b"SELECT numbers")
        c.expect(b"FETCH 1 FLAGS", b"BAD")  # no such message
        c.ok(b"UID FETCH 1 FLAGS")
        c.append(b"numbers", SMALL)
        c.expect(b"FETCH 2 FLAGS", b"BAD")
        c.expect(b"FETCH 0 FLAGS", b"BAD")
        assert len(c.ok(b"FETCH *:1 FLAGS")) == 2
        assert len(c.ok(b"UID FETCH 4000000000:* FLAGS")) == 2  # 6.4.9
        assert len(c.ok(b"UID FETCH 4000000000 FLAGS")) == 1

    def t_logout(self):
        """9051 3.4, 7.1.5: BYE, OK, and the end"""
        c = Client(1)
        lines = c.ok(b"LOGOUT")
        assert lines[0].startswith(b"* BYE")
        assert c.sock.recv(10) == b""


class Login:
    def t_wrong(self):
        c = Client()
        begin = time.time()
        for text in (b"LOGIN user0001 wrong", b"LOGIN nobody wrong"):
            lines = c.expect(text, b"NO [AUTHENTICATIONFAILED]")
            assert len(lines) == 1
        assert time.time() - begin > 1
        c.ok(b"LOGIN USER0001 " + PASSWORD)  # the default domain

    def t_plain(self):
        good = base64.b64encode(b"\0user0001\0" + PASSWORD)
        c = Client()
        c.ok(b"AUTHENTICATE PLAIN " + good)  # RFC 4959
        c = Client()
        assert c.command(b"authenticate plain")[-1] == b"+ \r\n"
        c.send(good + b"\r\n")
        assert c.line().startswith(b"a1 OK [CAPABILITY")
        c = Client()
        c.command(b"AUTHENTICATE PLAIN")
        c.send(b"*\r\n")  # 6.2.2: cancelled
        assert c.line().startswith(b"a1 BAD")
        c.expect(b"AUTHENTICATE PLAIN !!!!", b"BAD")
        c.expect(b"AUTHENTICATE FOO", b"NO")
        other = base64.b64encode(b"root\0user0001\0" + PASSWORD)
        c.expect(b"AUTHENTICATE PLAIN " + other, b"NO [AUTHORIZATIONFAILED]")
        c.ok(b"NOOP")

    def t_literals(self):
        c = Client()
        c.send(b"a LOGIN {8}\r\n")
        assert c.line().startswith(b"+ ")
        c.send(b"user0001 {%d+}\r\n%s\r\n" % (len(PASSWORD), PASSWORD))
        assert c.line().startswith(b"a OK")

    def t_pipelined(self):
        c = Client()
        c.send(b"a LOGIN user0001 %s\r\nb SELECT INBOX\r\nc CHECK\r\n"
               b"d LOGOUT\r\n" % PASSWORD)
        for tag in (b"a", b"b", b"c", b"d"):
            assert c.until(tag)[-1].startswith(tag + b" OK")


class Append:
    def t_forms(self):
        c = Client(1, b"INBOX")
        lines = c.append(b"INBOX", SMALL, b"(\\Seen \\Draft kw) "
                         b'" 7-Feb-1994 21:52:25 -0800" ')
        assert b"[APPENDUID " in lines[-1]  # RFC 4315
        assert b"* 1 EXISTS\r\n" in lines
        row, _ = c.fetch(1, b"(FLAGS INTERNALDATE RFC822.SIZE)")
        assert b"\\Seen \\Draft kw" in row, row
        assert b'" 7-Feb-1994 21:52:25 -0800"' in row, row
        assert b"RFC822.SIZE %d" % len(SMALL) in row, row
        c.send(b"x APPEND {5}\r\n")
        assert c.line().startswith(b"+ ")
        c.send(b"INBOX {3}\r\n")
        assert c.line().startswith(b"+ ")
        c.send(b"abc\r\n")
        assert c.until(b"x")[-1].startswith(b"x OK")

    def t_refused(self):
        c = Client(1)
        c.expect(b"APPEND nowhere {3+}\r\nabc", b"NO [TRYCREATE]")
        c.expect(b"APPEND INBOX {0+}\r\n", b"NO")
        lines = c.command(b"APPEND INBOX {99999999999}")
        assert b"NO [TOOBIG]" in lines[-1], lines
        c.expect(b"APPEND INBOX {3+}\r\nabc x", b"BAD")
        assert b"MESSAGES 2" in c.ok(b"STATUS INBOX (MESSAGES)")[0]

    def t_nul(self):
        """9051 9: NUL is not CHAR8, no literal but literal8 has it."""
        c = Client(1)
        c.ok(b"CREATE nul")
        c.ok(b"SELECT nul")
        for text in (b"APPEND nul {3+}\r\na\0b", b"APPEND nul {1+}\r\n\0",
                     b"APPEND nul {1+}\r\nx {3+}\r\na\0b",
                     b"APPEND nul {3+}\r\na\0b {1+}\r\nx",
                     b"APPEND nul {3+}\r\na\0b (\\Seen) {1+}\r\nx x",
                     b"APPEND nul {90000+}\r\n" + b"x" * 89999 + b"\0",
                     b"CREATE {3+}\r\na\0b", b"SEARCH TEXT {1+}\r\n\0",
                     b'CREATE "a\0b"', b"CREATE a\0b"):
            lines = c.expect(text, b"BAD")
            assert len(lines) == 1, (text[:40], lines)
        c.send(b"x APPEND nul {3}\r\n")
        assert c.line().startswith(b"+ ")
        c.send(b"a\0b {3}\r\n")
        assert c.line().startswith(b"x BAD")
        assert b"MESSAGES 0" in c.ok(b"STATUS nul (MESSAGES)")[0]
        c.ok(b"APPEND nul ~{3+}\r\na\0b")
        assert c.fetch(1, b"BINARY.PEEK[]")[1] == [b"a\0b"]

    def t_octets(self):
        """Bodies come back identical, whatever they are."""
        c = Client(1)
        c.ok(b"ENABLE UTF8=ACCEPT")  # headers are not all ASCII
        c.ok(b"CREATE octets")
        c.ok(b"SELECT octets")
        rand = random.Random(1)
        bodies = [b"x", b"\n", b"\r\n\r\n", bytes(range(256)) * 300,
                  b"\0" * 70000, rand.randbytes(200000),
                  b"A: b\r\n\r\n" + b"q" * (65536 - 8),
                  b"A: b\r\n\r\n" + b"q" * (131072 - 8),
                  b"A: b\r\n\r\n" + b"q" * (131072 - 7)]
        for n, body in enumerate(bodies, 1):
            c.append(b"octets", body)
            assert c.fetch(n, b"BODY.PEEK[]")[1] == [body], n
            for first, count in ((0, 10), (65530, 20), (65536, 65536),
                                 (1, 200000), (len(body) - 1, 9)):
                want = body[first:first + count]
                row, got = c.fetch(n, b"BODY.PEEK[]<%d.%d>" % (first, count))
                assert b"BODY[]<%d>" % first in row
                assert got == ([want] if want else []), (n, first, count)


MIXED = (
    b"From: a@example.net\r\nSubject: mixed\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=q\r\n\r\npreamble\r\n"
    b"--q\r\nContent-Type: text/plain\r\nX-Part: 1\r\n\r\nhello\r\nworld"
    b"\r\n--q\r\nContent-Type: message/rfc822\r\n\r\n"
    b"Subject: inner\r\nFrom: i@example.net\r\n"
    b"Content-Type: multipart/alternative; boundary=r\r\n\r\n"
    b"--r\r\n\r\nplain\r\n--r\r\nContent-Type: text/html\r\n\r\n<p>\r\n--r--"
    b"\r\n--q--\r\nepilogue\r\n")
INNER = MIXED[MIXED.index(b"Subject: inner"):MIXED.index(b"\r\n--q--")]


class Sections:
    def t_all(self):
        """6.4.5: BODY[...] in all forms."""
        c = Client(1)
        c.ok(b"CREATE sections")
        c.ok(b"SELECT sections")
        c.append(b"sections", MIXED)
        head = MIXED[:MIXED.index(b"\r\n\r\n") + 4]
        inner_head = INNER[:INNER.index(b"\r\n\r\n") + 4]
        cases = {
            b"BODY[]": MIXED,
            b"BODY[HEADER]": head,
            b"BODY[TEXT]": MIXED[len(head):],
            b"BODY[1]": b"hello\r\nworld",
            b"BODY[1.MIME]": b"Content-Type: text/plain\r\nX-Part: 1\r\n\r\n",
            b"BODY[2]": INNER,
            b"BODY[2.MIME]": b"Content-Type: message/rfc822\r\n\r\n",
            b"BODY[2.HEADER]": inner_head,
            b"BODY[2.TEXT]": INNER[len(inner_head):],
            b"BODY[2.1]": b"plain",
            b"BODY[2.2]": b"<p>",
            b"BODY[2.2.MIME]": b"Content-Type: text/html\r\n\r\n",
            b"BODY[2.HEADER.FIELDS (FROM)]": b"From: i@example.net\r\n\r\n",
            b"BODY[HEADER.FIELDS (SUBJECT X-NONE)]":
                b"Subject: mixed\r\n\r\n",
            b"BODY[HEADER.FIELDS (X-NONE)]": b"\r\n",
            b"BODY[HEADER.FIELDS.NOT (SUBJECT)]":
                head.replace(b"Subject: mixed\r\n", b""),
            b"RFC822": MIXED,
            b"RFC822.HEADER": head,
            b"RFC822.TEXT": MIXED[len(head):],
        }
        for item, want in cases.items():
            row, got = c.fetch(1, item)
            assert got == [want], (item, row)
            assert item + b" " in row, (item, row)
            if item.startswith(b"BODY"):
                row, got = c.fetch(1, item.replace(b"BODY", b"BODY.PEEK") +
                                   b"<3.4>")
                want = want[3:7]
                assert got == ([want] if want else []), (item, row)
        for item in (b"BODY[3]", b"BODY[1.1.1]", b"BODY[1.HEADER]"):
            row, got = c.fetch(1, item)
            assert item + b" NIL" in row, row

    def t_seen(self):
        """\\Seen is set by what is not PEEK, and told."""
        c = Client(1)
        c.ok(b"CREATE seen")
        c.ok(b"SELECT seen")
        c.append(b"seen", SMALL)
        for item in (b"BODY.PEEK[]", b"RFC822.HEADER", b"ENVELOPE", b"BODY",
                     b"RFC822.SIZE", b"BODYSTRUCTURE"):
            c.fetch(1, item)
            assert b"\\Seen" not in c.fetch(1, b"FLAGS")[0], item
        c.ok(b"EXAMINE seen")
        c.fetch(1, b"BODY[]")
        assert b"\\Seen" not in c.fetch(1, b"FLAGS")[0]
        c.ok(b"SELECT seen")
        assert b"FLAGS (\\Seen)" in c.fetch(1, b"BODY[TEXT]")[0]
        assert b"\\Seen" in c.fetch(1, b"FLAGS")[0]

    def t_structure_agrees(self):
        c = Client(1, b"sections")
        row, _ = c.fetch(1, b"(BODYSTRUCTURE ENVELOPE)")
        assert b'"text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 12 1' in row, row
        assert b'"message" "rfc822" NIL NIL NIL "7BIT" %d' % len(INNER) \
            in row, row
        for macro, items in ((b"FAST", 3), (b"ALL", 4), (b"FULL", 5)):
            row, _ = c.fetch(1, macro)
            for item in (b"FLAGS ", b"INTERNALDATE ", b"RFC822.SIZE ",
                         b"ENVELOPE ", b"BODY ")[:items]:
                assert item in row, (macro, row)


class Large:
    def t_parts(self):
        """Sections beyond the first chunk, overlapping, in any order."""
        one = b"\r\n".join(b"line %d" % i for i in range(20000))
        two = base64.encodebytes(os.urandom(300000)).replace(b"\n", b"\r\n")
        head = (b"From: a@b.c\r\nSubject: big\r\n"
                b"Content-Type: multipart/mixed; boundary=qq\r\n\r\n")
        big = (head + b"--qq\r\nContent-Type: text/plain\r\n\r\n" + one +
               b"\r\n--qq\r\nContent-Type: application/octet-stream\r\n\r\n" +
               two + b"\r\n--qq--\r\n")
        c = Client(1)
        c.ok(b"CREATE large")
        c.ok(b"SELECT large")
        c.append(b"large", big)
        c.append(b"large", SMALL)
        assert c.fetch(1, b"BODY[]")[1] == [big]
        assert c.fetch(1, b"BODY[2]")[1] == [two]
        assert c.fetch(1, b"BODY[2]<70000.70000>")[1] == [two[70000:140000]]
        assert sorted(c.fetch(1, b"(BODY[1] BODY[2] BODY[HEADER])")[1]) == \
            sorted([one, two, head])
        row, got = c.fetch(1, b"(BODY[2] BODY[1] BODY[] FLAGS UID)")
        assert got == [two, one, big] and b"UID 2" in row
        rows = c.ok(b"FETCH 1:2 (UID BODY.PEEK[TEXT])")[:-1]
        assert sorted(len(literals(x)[0]) for x in rows) == \
            [6, len(big) - len(head)]


    def t_many_parts(self):
        """A summary of several chunks: its row comes in pieces."""
        part = (b"--q\r\nContent-Type: application/x-part; name=\"" +
                b"n" * 150 + b"\"\r\nContent-ID: <%d@example.net>\r\n\r\n"
                b"part %d\r\n")
        parts = b"".join(part % (i, i) for i in range(800))
        c = Client(1, b"large")
        c.append(b"large", b"Subject: many\r\nContent-Type: "
                 b"multipart/mixed; boundary=q\r\n\r\n" + parts + b"--q--\r\n")
        for items in (b"(BODYSTRUCTURE)", b"(ENVELOPE BODYSTRUCTURE BODY[7])",
                      b"(BODYSTRUCTURE BODY[800] BODY[1])"):
            row, _ = c.fetch(3, items)
            assert row.count(b'"x-part"') == 800, row[:500]
        assert c.fetch(3, b"BODY[800]")[1] == [b"part 799"]
        assert len(c.ok(b"FETCH 1:3 BODYSTRUCTURE")) == 4


class Headers:
    def t_long(self):
        """A header of several chunks is filtered without being held."""
        fields = [b"X-H%d: %s\r\n" % (i, b"z" * 70) for i in range(3000)]
        head = b"From: a@b.c\r\n" + b"".join(fields) + b"Subject: end\r\n\r\n"
        c = Client(1)
        c.ok(b"CREATE headers")
        c.ok(b"SELECT headers")
        c.append(b"headers", head + b"body\r\n")
        assert c.fetch(1, b"BODY[HEADER]")[1] == [head]
        assert c.fetch(1, b"BODY[HEADER.FIELDS (X-H2999 X-H5)]")[1] == \
            [fields[5] + fields[2999] + b"\r\n"]
        rest = head.replace(fields[5], b"")
        item = b"BODY[HEADER.FIELDS.NOT (X-H5)]"
        assert c.fetch(1, item)[1] == [rest]
        for first, count in ((0, 5), (100000, 5000), (65530, 10),
                             (len(rest) - 1, 9)):
            assert c.fetch(1, item + b"<%d.%d>" % (first, count))[1] == \
                [rest[first:first + count]]
        assert c.fetch(1, item + b"<9999999.5>")[1] in ([], [b""])


class Pipeline:
    def t_order(self):
        """Answers come in the order of the commands (5.5)."""
        c = Client(1)
        c.ok(b"CREATE pipe")
        c.ok(b"SELECT pipe")
        n = 300

        commands = [b"p%d APPEND pipe {%d+}\r\n%s\r\n" %
                    (i, len(SMALL), SMALL) for i in range(n)]
        commands += [b"p%d STORE %d +FLAGS (\\Flagged)\r\n" % (i, i - n + 1)
                     for i in range(n, 2 * n)]
        commands += [b"p%d FETCH %d (FLAGS BODY.PEEK[TEXT])\r\n" %
                     (i, i - 2 * n + 1) for i in range(2 * n, 3 * n)]
        # So many at a time: one thread reads and writes, since a TLS
        # connection of Python's is not for two.
        step = 50
        for first in range(0, 3 * n, step):
            c.send(b"".join(commands[first:first + step]))
            for i in range(first, first + step):
                lines = c.until(b"p%d" % i)
                assert lines[-1].startswith(b"p%d OK" % i), (i, lines)
                if i >= 2 * n:
                    assert b"\\Flagged" in lines[0] and b"body" in lines[0]

    def t_mixed(self):
        """What must wait does: state, then what depends on it."""
        c = Client(1)
        c.send(b"a SELECT pipe\r\nb FETCH 1 UID\r\nc CLOSE\r\n"
               b"d FETCH 1 UID\r\ne EXAMINE pipe\r\nf FETCH 1 UID\r\n"
               b"g IDLE\r\nDONE\r\nh NOOP\r\n")
        for tag, what in ((b"a", b"OK"), (b"b", b"OK"), (b"c", b"OK"),
                          (b"d", b"BAD"), (b"e", b"OK"), (b"f", b"OK")):
            assert c.until(tag)[-1].startswith(tag + b" " + what)
        assert c.line().startswith(b"+ ")
        assert c.line().startswith(b"g OK")
        assert c.line().startswith(b"h OK")


class News:
    def t_expunge_waits(self):
        """7.5.1: no EXPUNGE while FETCH, STORE, SEARCH are answered."""
        a, b = Client(2, b"INBOX"), Client(2, b"INBOX")
        for _ in range(3):
            a.append(b"INBOX", SMALL)
        assert b"* 3 EXISTS\r\n" in b.ok(b"NOOP")
        a.ok(b"STORE 2 +FLAGS (\\Deleted)")
        assert b"* 2 EXPUNGE\r\n" in a.ok(b"EXPUNGE")
        for text in (b"FETCH 1 FLAGS", b"STORE 1 FLAGS (\\Seen)",
                     b"SEARCH ALL"):
            lines = b.ok(text)
            assert not any(b"EXPUNGE" in x for x in lines[:-1]), lines
        assert b"* 2 EXPUNGE\r\n" in b.ok(b"UID FETCH 1:* FLAGS")
        assert len(b.ok(b"FETCH 1:* UID")) == 3

    def t_flags(self):
        a, b = Client(2, b"INBOX"), Client(2, b"INBOX")
        a.ok(b"STORE 1 FLAGS (\\Flagged $New)")
        lines = b.ok(b"NOOP")
        keywords = [i for i, x in enumerate(lines) if b"* FLAGS" in x]
        rows = [i for i, x in enumerate(lines) if b"FETCH" in x]
        assert b"$New" in lines[rows[0]] and keywords[0] < rows[0], lines
        # The asker of a silent STORE is told nothing.
        assert len(a.ok(b"STORE 1 -FLAGS.SILENT ($New)")) == 1
        assert any(b"FLAGS (\\Flagged)" in x for x in b.ok(b"CHECK"))

    def t_idle(self):
        a, b = Client(2, b"INBOX"), Client(2, b"INBOX")
        assert a.command(b"IDLE") == [b"+ idling\r\n"]
        b.append(b"INBOX", SMALL)
        assert a.line() == b"* 3 EXISTS\r\n"
        b.ok(b"STORE 3 +FLAGS.SILENT (\\Deleted)")
        assert a.line().startswith(b"* 3 FETCH (")
        b.ok(b"EXPUNGE")
        assert a.line() == b"* 3 EXPUNGE\r\n"
        a.send(b"done\r\n")
        assert a.line().startswith(b"a3 OK")
        a.command(b"IDLE")
        a.send(b"x NOOP\r\n")
        assert a.line().startswith(b"a4 BAD")
        a.ok(b"NOOP")

    def t_removed(self):
        a, b = Client(2), Client(2)
        a.ok(b"CREATE gone")
        a.append(b"gone", SMALL)
        b.ok(b"SELECT gone")
        a.ok(b"DELETE gone")
        try:
            b.command(b"FETCH 1 FLAGS")
        except EOFError:
            pass
        a.ok(b"NOOP")


def rss(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


class Hostile:
    def t_garbage(self):
        for data, what in (
                (b"\0\xff\r\n" * 50, b"* BYE"),
                (b"a LOGIN {2000000+}\r\n", b"* BYE"),
                (b"x y\r\n" * 50, b"* BYE"),
                (b"a LOGIN {1025}\r\n", b"a BAD"),
                (b"a LOGIN " + b"x" * 9000 + b"\r\n", b"a BAD"),
                (b"a LOGIN {1024}\r\n", b"+ ")):
            c = Client()
            c.send(data)
            got = b""
            while what not in got:
                c.fill()
                got += c.buf
                c.buf = b""
        Client(1).ok(b"NOOP")

    def t_commands(self):
        c = Client(1, b"INBOX")
        for text in (b"FETCH 1 BODY[" + b"1." * 500 + b"1]",
                     b"SEARCH " + b"(" * 5000, b"SEARCH " + b"NOT " * 5000,
                     b"FETCH " + b"1," * 9000 + b"1 FLAGS",
                     b"FETCH 1 (" + b"BODY[] " * 999 + b"UID)"):
            c.expect(text, b"BAD")
        c.ok(b'LIST "" "' + b"%a*" * 300 + b'"')

    def t_never_reads(self):
        """Unread answers cost little, and hold up nobody else."""
        pids = subprocess.check_output(SERVER["pids_cmd"], shell=True).split()
        c = Client(1)
        c.ok(b"CREATE slow")
        c.ok(b"SELECT slow")
        body = b"A: b\r\n\r\n" + os.urandom(3000000)
        c.append(b"slow", body)
        before = sum(rss(int(pid)) for pid in pids)
        c.sock.settimeout(1)
        try:
            for i in range(20000):
                c.send(b"z%d FETCH 1 BODY.PEEK[]\r\n" % i)
        except TimeoutError:
            pass
        # A sanitizer's allocator keeps what was freed.
        assert "SANITIZED" in os.environ or \
            sum(rss(int(pid)) for pid in pids) - before < 4096
        begin = time.time()
        Client(1, b"INBOX").ok(b"NOOP")
        assert time.time() - begin < 2


def vaults():
    """Their numbers."""
    out = subprocess.check_output(SERVER["pids_cmd"], shell=True)
    found = []
    for pid in out.decode().split():
        try:
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                if b"vault" in f.read():
                    found.append(pid)
        except OSError:
            pass  # it ended
    return found


def own_memory(pids):
    """KiB that are theirs alone, exactly: for root to see."""
    total = 0
    for pid in pids:
        with open("/proc/%s/smaps_rollup" % pid, encoding="ascii") as f:
            total += int(re.search(r"Private_Dirty:\s+(\d+)",
                                   f.read()).group(1))
    return total


class Rest:
    def t_memory(self):
        """A vault that is asked nothing gives memory back, and goes on."""
        # Of so few messages no index is made, for which memory is needed.
        if os.geteuid() != 0:
            print("not as a plain user: whose memory it is cannot be seen")
            return
        c = Client(1)
        c.ok(b"CREATE rest")
        body = b"A: b\r\n\r\n" + os.urandom(30000)
        for _ in range(10):
            c.append(b"rest", body)
        c.ok(b"SELECT rest")
        for _ in range(4):
            c.ok(b"COPY 1:* rest")
        time.sleep(5)  # upkeep after changes gives some back, too
        pids = vaults()
        for _ in range(10):
            rows = c.ok(b"FETCH 1,80,160 BODY.PEEK[]")[:-1]
            assert [literals(x) for x in rows] == [[body]] * 3
            busy = own_memory(pids)
            # Once more where a second went by before that.
            for _ in range(50):
                if busy - own_memory(pids) >= 32:
                    break
                time.sleep(0.1)
            else:
                continue
            break
        else:
            assert "SANITIZED" in os.environ, (busy, own_memory(pids))
        c.append(b"rest", body)
        assert c.fetch(161, b"BODY.PEEK[]")[1] == [body]


def run(cases):
    case = cases[sys.argv[2]]()
    for name in [x for x in type(case).__dict__ if x.startswith("t_")]:
        print(name, flush=True)
        getattr(case, name)()


if __name__ == "__main__":
    run(globals())

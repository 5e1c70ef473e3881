#! /usr/bin/env python3
"""
Speaks extensions that change how a session speaks to a running suite.

usage: more_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import random
import re
import subprocess
import zlib

from engine_client import SERVER, SMALL, Client, literals, run


class Squeezed(Client):
    """A client that may compress (RFC 4978)."""

    out = None
    into = None
    flush = zlib.Z_SYNC_FLUSH

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise EOFError(self.buf)
        self.buf += self.into.decompress(data) if self.into else data

    def pack(self, data):
        return self.out.compress(data) + self.out.flush(self.flush)

    def send(self, data):
        self.sock.sendall(self.pack(data) if self.out else data)

    def compress(self, level=6):
        self.ok(b"COMPRESS DEFLATE")
        assert self.buf == b""
        self.out = zlib.compressobj(level, zlib.DEFLATED, -15)
        self.into = zlib.decompressobj(-15)


def text(n):
    """n octets in lines that compress as mail does."""
    rand = random.Random(n)
    words = [bytes(rand.choice(b"abcdefghijklmnop") for _ in range(7))
             for _ in range(300)]
    return b"\r\n".join(b" ".join(rand.choice(words) for _ in range(9))
                        for _ in range(n // 73 + 1))


class Compress:
    def t_states(self):
        """4978 3, 5: after login; unknown and repeated is BAD"""
        c = Squeezed()
        assert b"COMPRESS" not in c.greeting
        c.expect(b"COMPRESS DEFLATE", b"BAD")
        c.ok(b"LOGIN user0001 " + SERVER["password"].encode())
        assert b" COMPRESS=DEFLATE" in c.ok(b"CAPABILITY")[0]
        c.expect(b"COMPRESS", b"BAD")
        c.expect(b"COMPRESS GZIP", b"BAD")
        c.expect(b"COMPRESS DEFLATE x", b"BAD")
        c.ok(b"NOOP")  # nothing was turned on
        c.compress()
        c.expect(b"COMPRESS DEFLATE", b"BAD")
        c.expect(b"compress deflate", b"BAD")
        assert b"COMPRESS=" not in c.ok(b"CAPABILITY")[0]
        c.ok(b"SELECT INBOX")
        lines = c.ok(b"LOGOUT")
        assert lines[0].startswith(b"* BYE")
        assert c.sock.recv(10) == b""

    def t_rev2(self):
        """9051: the same where it is enabled, and with a box selected"""
        c = Squeezed(2)
        c.ok(b"ENABLE IMAP4rev2")
        c.ok(b"SELECT INBOX")
        c.compress()
        assert c.ok(b"NOOP")

    def t_idle_and_literals(self):
        """2177, 7888, 3501 4.3 within it: continuations, news"""
        c = Squeezed(1)
        c.ok(b"CREATE squeeze")
        c.ok(b"SELECT squeeze")
        c.compress()
        c.append(b"squeeze", SMALL)
        assert c.command(b"APPEND squeeze {%d}" % len(SMALL))[-1][:1] == b"+"
        c.send(SMALL + b"\r\n")
        assert b" OK [APPENDUID" in c.until(b"a%d" % c.count)[-1]
        assert c.command(b"IDLE")[-1].startswith(b"+")
        other = Client(1)
        other.append(b"squeeze", SMALL)
        assert c.line().startswith(b"* 3 EXISTS")
        c.send(b"DONE\r\n")
        c.until(b"a%d" % c.count)
        assert c.fetch(3, b"BODY[]")[1] == [SMALL]

    def t_pieces(self):
        """However what is compressed comes: by octets, levels, flushes."""
        for level, flush in ((0, zlib.Z_SYNC_FLUSH), (1, zlib.Z_SYNC_FLUSH),
                             (9, zlib.Z_FULL_FLUSH), (6, zlib.Z_PARTIAL_FLUSH),
                             (6, zlib.Z_BLOCK)):
            c = Squeezed(1, b"squeeze")
            c.compress(level)
            # Z_BLOCK may keep bits of the last octet: more must follow.
            c.flush = flush
            for i in range(3):
                data = c.pack(b"x NOOP\r\ny NOOP\r\n")
                if flush == zlib.Z_BLOCK:
                    data += c.pack(b"z NOOP\r\n" * 2)
                for k in range(len(data)):
                    c.sock.sendall(data[k:k + 1])
                c.until(b"x")
                c.until(b"y")

    def t_large(self):
        """What is large either way, many at once, and the same octets"""
        c = Squeezed(1, b"squeeze")
        c.compress()
        body = b"Subject: large\r\n\r\n" + text(3000000)
        noise = b"Subject: noise\r\n\r\n" + \
            bytes(random.Random(7).choices(range(1, 256), k=300000))
        c.append(b"squeeze", body)
        c.append(b"squeeze", noise)
        for i in range(3):
            assert c.fetch(4, b"BODY.PEEK[]")[1] == [body]
            assert c.fetch(5, b"BODY.PEEK[]")[1] == [noise]
        c.send(b"".join(b"t%d FETCH 4 BODY.PEEK[]<0.100000>\r\n" % i
                        for i in range(50)))
        for i in range(50):
            assert literals(c.until(b"t%d" % i)[0]) == [body[:100000]]

    def t_two(self):
        """Two of them by turns: each has a stream of its own."""
        both = [Squeezed(n, b"INBOX") for n in (1, 2, 1)]
        for c in both:
            c.compress()
        for i in range(40):
            for c in both[:1 + i % 3]:
                assert len(c.ok(b'LIST "" "*"')) > 1
                c.ok(b"NOOP")

    def t_damage(self):
        """What is not compressed ends the session, and no other."""
        for data in (b"a NOOP\r\n", b"\xff" * 100, zlib.compress(b"x NOOP\r\n"),
                     zlib.compressobj(9, zlib.DEFLATED, -15).flush()):
            c = Squeezed(2)
            c.compress()
            c.sock.sendall(data)
            c.sock.sendall(b"b NOOP\r\n")
            try:
                while b"BYE" not in c.line():
                    pass
                raise AssertionError(data) if c.sock.recv(1) else EOFError
            except (EOFError, ConnectionError):
                pass
        Client(2).ok(b"NOOP")

    def t_bomb(self):
        """Octets that become a thousand: refused as the same in plain."""
        c = Squeezed(2)
        c.compress(9)
        c.sock.sendall(c.pack(b"x " + b"A" * 50000000))
        assert b"BYE" in c.line()
        c = Squeezed(2)
        c.compress(9)
        data = c.pack(b"x NOOP\r\n" * 30000)
        assert len(data) < 10000
        c.sock.sendall(data + c.pack(b"last NOOP\r\n"))
        other = Client(1)
        other.ok(b"NOOP")
        c.until(b"last")


class Unauthenticate:
    login = b"LOGIN user%04d " + SERVER["password"].encode()

    def t_states(self):
        """8437 3: only after login, no arguments, never NO"""
        c = Client()
        assert b"UNAUTHENTICATE" not in c.greeting
        c.expect(b"UNAUTHENTICATE", b"BAD")
        c.ok(self.login % 1)
        assert b" UNAUTHENTICATE" in c.ok(b"CAPABILITY")[0]
        c.expect(b"UNAUTHENTICATE x", b"BAD")
        c.ok(b"UNAUTHENTICATE")
        for text in (b"UNAUTHENTICATE", b'LIST "" *', b"SELECT INBOX",
                     b"NAMESPACE", b"COMPRESS DEFLATE", b"ENABLE CONDSTORE"):
            c.expect(text, b"BAD")
        assert b"AUTH=PLAIN" in c.ok(b"CAPABILITY")[0]
        c.expect(b"LOGIN user0002 wrong", b"NO")
        c.ok(self.login % 2)

    def t_other_user(self):
        """8437 8: the next one sees nothing of the first"""
        c = Client(1)
        c.ok(b"CREATE mine")
        c.append(b"mine", SMALL, b"(\\Deleted secretword) ")
        c.ok(b"SELECT mine")
        c.ok(b"SEARCH RETURN (SAVE) ALL")
        c.ok(b"UNAUTHENTICATE")
        c.ok(self.login % 2)
        c.expect(b"FETCH $ FLAGS", b"BAD")  # no box is selected
        assert not any(b"mine" in x for x in c.ok(b'LIST "" "*"'))
        lines = c.ok(b"SELECT INBOX")
        assert not any(b"secretword" in x for x in lines)
        assert len(c.ok(b"UID FETCH $ FLAGS")) == 1  # 4.1: SEARCHRES
        c.ok(b"UNAUTHENTICATE")
        c.ok(self.login % 1)
        # 3: no expunge at its leaving
        assert b"MESSAGES 1" in c.ok(b"STATUS mine (MESSAGES)")[0]

    def t_extensions(self):
        """8437 4.1: what was enabled is no more; and may be again"""
        c = Client(1)
        for i in range(2):
            lines = c.ok(b"ENABLE IMAP4rev2 CONDSTORE QRESYNC")
            assert lines[0] == b"* ENABLED IMAP4rev2 CONDSTORE QRESYNC\r\n"
            c.ok(b"SELECT mine")
            c.expect(b"CHECK", b"BAD")
            assert b"MODSEQ" in c.ok(b"STORE 1 FLAGS (\\Seen)")[0]
            c.ok(b"UNAUTHENTICATE")
            c.ok(self.login % 1)
            c.ok(b"SELECT mine")
            c.ok(b"CHECK")  # rev1
            assert b"MODSEQ" not in c.ok(b"STORE 1 FLAGS (\\Draft)")[0]

    def t_pipelined(self):
        """8437 3: with the next login in one round trip"""
        c = Client(1, b"mine")
        for i in range(3):
            c.send(b"a NOOP\r\nu UNAUTHENTICATE\r\nl " + self.login % 2 +
                   b"\r\nn NAMESPACE\r\n")
            for tag in (b"a", b"u", b"l", b"n"):
                assert c.until(tag)[-1].startswith(tag + b" OK"), tag

    def t_compressed(self):
        """8437 4.1: compression ends with the CRLF, either way"""
        for level in (0, 1, 6):
            for ends in (zlib.Z_SYNC_FLUSH, zlib.Z_FINISH):
                for at_once in (True, False):
                    self.compressed(level, ends, at_once)

    def compressed(self, level, ends, at_once):
        c = Squeezed(1, b"mine")
        for user in (2, 1, 2):
            c.compress(level)
            assert len(c.ok(b'LIST "" "*"')) > 1
            c.flush = ends
            data = c.pack(b"u UNAUTHENTICATE\r\n")
            c.flush = zlib.Z_SYNC_FLUSH
            c.out = None
            plain = b"l " + self.login % user + b"\r\n"
            if at_once:
                c.sock.sendall(data + plain)
            else:
                for k in range(len(data)):
                    c.sock.sendall(data[k:k + 1])
            # What is compressed ends with the tagged line.
            raw, out = b"", c.into
            c.into = None
            while b"u OK" not in raw or not raw.endswith(b"\r\n"):
                one = c.sock.recv(1)
                assert one
                raw += out.decompress(one)
            # The rest of the flush, before which nothing is plain
            tail = b""
            while not tail.endswith(b"\x00\x00\xff\xff"):
                tail += c.sock.recv(1)
                assert len(tail) < 8, tail
            if not at_once:
                c.sock.sendall(plain)
            assert c.until(b"l")[-1].startswith(b"l OK")
            assert b"COMPRESS=DEFLATE" in c.ok(b"CAPABILITY")[0]
            c.ok(b"NAMESPACE")

    def t_more_compressed(self):
        """Commands behind it within the compression end the session."""
        c = Squeezed(1)
        c.compress()
        c.sock.sendall(c.pack(b"u UNAUTHENTICATE\r\nx NOOP\r\n"))
        try:
            while b"x OK" not in c.line():
                pass
            raise AssertionError
        except (EOFError, ConnectionError, zlib.error):
            pass


EAI = ("From: J\u00f8rgen <j\u00f8rgen@bl\u00e5.example>\r\n"
       "To: plain@example.net, Gr\u00fc\u00dfe f\u00fcr <ok@example.net>\r\n"
       "Subject: one gr\u00fc\u00dfe \u00fcber two\r\n"
       "MIME-Version: 1.0\r\n"
       "Content-Type: text/plain; name=\"\u00e4 b.txt\"\r\n"
       "\r\nbody \u00e4\r\n").encode()


class Utf8:
    def t_enable(self):
        """6855 3, 5161: advertised, enabled, told in UTF-8"""
        c = Client(1)
        assert b" UTF8=ACCEPT" in c.ok(b"CAPABILITY")[0]
        c.expect('CREATE "b\u00fccher"'.encode(), b"BAD")  # before it
        c.ok(b"CREATE b&APw-cher")
        assert c.ok(b"ENABLE UTF8=ACCEPT")[0] == b"* ENABLED UTF8=ACCEPT\r\n"
        assert c.ok(b"ENABLE UTF8=ACCEPT")[0] == b"* ENABLED\r\n"
        lines = c.ok(b'LIST "" "*"')
        assert any('"b\u00fccher"'.encode() in x for x in lines), lines
        c.ok('SELECT "b\u00fccher"'.encode())
        c.ok('STATUS "b\u00fccher" (MESSAGES)'.encode())
        # LITERAL-quoted names are UTF-8 too; not modified UTF-7
        c.expect(b"SELECT b&APw-cher", b"NO")
        c.expect(b'CREATE "b\xfccher"', b"BAD")  # not UTF-8
        c.expect(b'CREATE "\xc0\xaf"', b"BAD")  # overlong
        c.expect(b'CREATE "a\xe2\x80\xa8b"', b"NO")  # U+2028
        c.expect(b'CREATE "a\xc2\x85b"', b"NO")  # U+0085
        c.ok(b'LSUB "" "*"')  # it is rev1 all the same
        other = Client(1)
        assert any(b"b&APw-cher" in x for x in other.ok(b'LIST "" "*"'))

    def t_append(self):
        """6855 4: 8-bit headers only after ENABLE, UTF8 (literal8)"""
        c = Client(1)
        c.ok(b"CREATE eai")
        n = len(EAI)
        for text in (b"{%d+}\r\n%s" % (n, EAI),
                     b"~{%d+}\r\n%s" % (n, EAI),
                     b"UTF8 (~{%d+}\r\n%s)" % (n, EAI),
                     b"{%d+}\r\n%s {%d+}\r\n%s" % (len(SMALL), SMALL,
                                                  n, EAI)):
            c.expect(b"APPEND eai " + text, b"NO")
        # an 8-bit body is no header
        c.append(b"eai", SMALL + b"\xc3\xa4\r\n")
        c.append(b"eai", b"\r\n\xc3\xa4: x\r\n")
        # UTF8 alone is allowed to all
        c.ok(b"APPEND eai UTF8 (~{%d+}\r\n%s)" % (len(SMALL), SMALL))
        # 9051 6.3.12: what 9755 does not extend, since it is in it
        r = Client(1)
        r.ok(b"ENABLE IMAP4rev2")
        r.ok(b"CREATE eai2")
        r.ok(b"APPEND eai2 {%d+}\r\n%s" % (n, EAI))
        r.ok(b"APPEND eai2 UTF8 (~{%d+}\r\n%s)" % (n, EAI))
        r.ok(b"SELECT eai2")
        assert r.fetch(2, b"BODY.PEEK[]")[1] == [EAI]
        c.ok(b"ENABLE UTF8=ACCEPT")
        for text in (b"UTF8 ({%d+}\r\n%s)", b"UTF8 (~{%d+}\r\n%s",
                     b"UTF8 (~{%d+}\r\n%s))", b"UTF8 (~{%d+}\r\n%s) x",
                     b"UTF8 ~{%d+}\r\n%s", b"UTF8 ((~{%d+}\r\n%s))"):
            c.expect(b"APPEND eai " + text % (n, EAI), b"BAD")
        assert b"MESSAGES 3" in c.ok(b"STATUS eai (MESSAGES)")[0]
        c.ok(b"APPEND eai (\\Seen) UTF8 (~{%d+}\r\n%s)" % (n, EAI))
        c.command(b"APPEND eai UTF8 (~{%d}" % n)
        c.send(EAI + b")\r\n")
        assert b" OK " in c.until(b"a%d" % c.count)[-1]
        two = b"UTF8 (~{%d+}\r\n%s)" % (n, EAI)
        c.ok(b"APPEND eai %s (\\Draft) %s {%d+}\r\n%s" %
             (two, two, len(SMALL), SMALL))
        assert b"MESSAGES 8" in c.ok(b"STATUS eai (MESSAGES)")[0]

    def t_envelope(self):
        """6855 7, 8; 6858 2: ASCII to whoever did not enable it; 9051 4.3.1,
        E: UTF-8 to whoever enabled that"""
        plain, rev2, utf8 = Client(1, b"eai"), Client(1), Client(1)
        rev2.ok(b"ENABLE IMAP4rev2")
        utf8.ok(b"ENABLE UTF8=ACCEPT")
        want = (
            b'("one =?UTF-8?B?Z3LDvMOfZSDDvGJlcg==?= two" ',
            b'(("=?UTF-8?B?SsO4cmdlbg==?=" NIL "invalid" '
            b'"internationalized-address.invalid"))',
            b'(NIL NIL "plain" "example.net")'
            b'("=?UTF-8?B?R3LDvMOfZSBmw7xy?=" NIL "ok" "example.net")')
        row, _ = plain.fetch(4, b"(ENVELOPE BODYSTRUCTURE)")
        assert all(x < 0x80 for x in row), row
        assert b"{" not in row, row
        assert want[0][1:] in row and want[1] in row and want[2] in row, row
        assert b' "name*" "utf-8\'\'%C3%A4%20b.txt"' in row, row
        assert plain.fetch(4, b"BODY.PEEK[]")[1] == [EAI]
        for c in (utf8, rev2):
            c.ok(b"SELECT eai")
            row, _ = c.fetch(4, b"(ENVELOPE BODYSTRUCTURE)")
            for text in ('"one gr\u00fc\u00dfe \u00fcber two"',
                         '"J\u00f8rgen" NIL "j\u00f8rgen" "bl\u00e5.example"',
                         ' "name" "\u00e4 b.txt"'):
                assert text.encode() in row, row
            assert c.fetch(4, b"BODY.PEEK[]")[1] == [EAI]

    def t_search(self):
        """6855 3: UTF-8 strings, and no CHARSET"""
        c = Client(1, b"eai")
        c.expect('SEARCH SUBJECT "gr\u00fc\u00dfe"'.encode(), b"BAD")
        c.ok(b"SEARCH CHARSET UTF-8 SUBJECT x")
        c.ok(b"ENABLE UTF8=ACCEPT")
        c.expect(b"SEARCH CHARSET UTF-8 SUBJECT x", b"BAD")
        c.expect(b"SEARCH CHARSET US-ASCII SUBJECT x", b"BAD")
        assert c.ok('SEARCH SUBJECT "gr\u00fc\u00dfe"'.encode())[0] == \
            b"* SEARCH 4 5 6 7\r\n"
        c.expect(b'SEARCH SUBJECT "\xff"', b"BAD")


class Preview:
    def t_text(self):
        """8970 3.2, 3.3, 4.1: a string, never NIL, no flag is set"""
        c = Client(1)
        c.ok(b"CREATE preview")
        assert b" PREVIEW" in c.ok(b"CAPABILITY")[0]
        head = b"Subject: x\r\nContent-Type: text/%s; charset=utf-8\r\n\r\n"
        long = "\u00e4\u00f6 x ".encode() * 200
        for message in (
                head % b"plain" + b"Lorem\r\n   ipsum\tdolor\r\n",
                head % b"html" + b"<p>some <b>bold</b> text</p>",
                head % b"calendar" + b"BEGIN:VCALENDAR",
                head % b"plain" + long,
                b"Subject: empty\r\n\r\n"):
            c.append(b"preview", message)
        c.ok(b"SELECT preview")
        for item in (b"PREVIEW", b"(PREVIEW)", b"(PREVIEW (LAZY))",
                     b"PREVIEW (LAZY)", b"(PREVIEW (LAZY LAZY) UID)"):
            rows = c.ok(b"FETCH 1:5 " + item)[:-1]
            assert len(rows) == 5 and not any(b"NIL" in x for x in rows)
            assert b'PREVIEW "Lorem ipsum dolor"' in rows[0], rows
            assert b'PREVIEW "some bold text"' in rows[1], rows
            assert b'PREVIEW ""' in rows[2] and b'PREVIEW ""' in rows[4]
            # not between quotes: UTF8=ACCEPT is not enabled
            preview = literals(rows[3])[0].decode()
            assert len(preview) <= 200 and preview.startswith("\u00e4\u00f6 x")
            assert not any(b"FLAGS" in x for x in rows)
        rows = c.ok(b"UID FETCH 1:* (PREVIEW (LAZY) ENVELOPE) (CHANGEDSINCE 1)")
        assert len([x for x in rows if b"PREVIEW" in x and b"MODSEQ" in x]) == 5
        assert len(c.ok(b"FETCH 1 PREVIEW (CHANGEDSINCE 1)")) == 2
        for item in (b"PREVIEW (BUSY)", b"(PREVIEW ())", b"(PREVIEW (LAZY )",
                     b"(PREVIEW (LAZY,LAZY))", b"PREVIEW (LAZY BUSY)"):
            c.expect(b"FETCH 1 " + item, b"BAD")
        c.ok(b"UNSELECT")
        c.ok(b"ENABLE IMAP4rev2 UTF8=ACCEPT")
        c.ok(b"SELECT preview")
        row, _ = c.fetch(4, b"PREVIEW")
        assert row.endswith(b'PREVIEW "' + preview.encode() + b'")\r\n'), row


def fill(c, box, n):
    c.ok(b"CREATE " + box)
    c.ok(b"SELECT " + box)
    for i in range(n):
        c.append(box, SMALL.replace(b"small", b"number %d" % (i + 1)),
                 b"(\\Seen old) ")


def uids(c):
    lines = c.ok(b"UID SEARCH ALL")
    return [int(x) for x in lines[0].split()[2:]]


class Replace:
    def t_numbers(self):
        """8508 3.2, 3.3, 4.3: by number and UID; the order of what is said"""
        c = Client(1)
        fill(c, b"replace", 4)
        assert b" REPLACE" in c.ok(b"CAPABILITY")[0]
        old = uids(c)
        for command, gone in ((b"REPLACE 2", 2), (b"UID REPLACE %d" % old[0], 1),
                              (b"REPLACE *", 4)):
            new = SMALL.replace(b"small", command)
            lines = c.ok(b"%s replace (\\Draft) {%d+}\r\n%s" %
                         (command, len(new), new))
            said = b"".join(lines)
            uid = int(re.match(rb"\* OK \[APPENDUID \d+ (\d+)\]",
                               lines[0]).group(1))
            assert b"* %d EXPUNGE" % gone in said, lines
            assert said.count(b"APPENDUID") == 1
            row, got = c.fetch(4, b"(UID FLAGS BODY.PEEK[])")
            assert b"UID %d " % uid in row and got == [new], row
            assert b"FLAGS (\\Draft)" in row, row  # 1: nothing is inherited
        assert len(uids(c)) == 4 and not set(old[:2]) & set(uids(c))
        # a synchronising literal
        assert c.command(b"UID REPLACE %d replace {%d}" %
                         (uids(c)[0], len(SMALL)))[-1][:1] == b"+"
        c.send(SMALL + b"\r\n")
        assert b" OK " in c.until(b"a%d" % c.count)[-1]

    def t_other_box(self):
        """8508 3.4: into another mailbox; CONDSTORE, QRESYNC 4.5"""
        c, other = Client(1, b"replace"), Client(1)
        c.ok(b"CREATE sent")
        other.ok(b"ENABLE QRESYNC")
        other.ok(b"SELECT replace")
        uid = uids(c)[1]
        c.ok(b"UID REPLACE %d sent (\\Seen) {%d+}\r\n%s" %
             (uid, len(SMALL), SMALL))
        assert b"MESSAGES 1" in c.ok(b"STATUS sent (MESSAGES)")[0]
        assert any(b"VANISHED %d" % uid in x for x in other.ok(b"NOOP"))
        lines = other.ok(b"UID REPLACE %d replace {%d+}\r\n%s" %
                         (uids(c)[0], len(SMALL), SMALL))
        assert b"[APPENDUID" in lines[0], lines
        assert any(b"* VANISHED" in x for x in lines)
        assert b"[HIGHESTMODSEQ" in lines[-1], lines
        assert any(b"EXPUNGE" in x for x in c.ok(b"NOOP"))

    def t_refused(self):
        """8508 3.2, 3.5: nothing changes"""
        c = Client(1, b"replace")
        before = uids(c)
        lit = b"{%d+}\r\n%s" % (len(SMALL), SMALL)
        for command, want in (
                (b"REPLACE 99 replace " + lit, b"BAD"),
                (b"UID REPLACE 99999 replace " + lit, b"NO"),
                (b"REPLACE 1 nowhere " + lit, b"NO [TRYCREATE]"),
                (b"REPLACE 1 replace {0+}\r\n", b"NO"),
                (b"REPLACE 1 replace", b"BAD"),
                (b"REPLACE 0 replace " + lit, b"BAD"),
                (b"REPLACE 1:2 replace " + lit, b"BAD"),
                (b"REPLACE 1,2 replace " + lit, b"BAD"),
                (b"REPLACE replace " + lit, b"BAD"),
                (b"REPLACE 1 replace " + lit + b" " + lit, b"BAD"),  # 4.7
                (b"REPLACE 1 replace (\\Recent) " + lit, b"BAD")):
            c.expect(command, want)
        assert uids(c) == before
        c.ok(b"EXAMINE replace")
        c.expect(b"REPLACE 1 replace " + lit, b"NO [READ-ONLY]")
        c.ok(b"UNSELECT")
        c.expect(b"REPLACE 1 replace " + lit, b"BAD")
        c.expect(b"REPLACE 1 replace {%d}" % len(SMALL), b"BAD")
        # what was refused does not stick to what comes next
        c.ok(b"SELECT replace")
        c.expect(b"REPLACE 1 nowhere " + lit, b"NO")
        c.append(b"replace", SMALL)
        assert uids(c)[:-1] == before

    def t_taken_away(self):
        """8508 3.4: gone while it came: neither is it replaced"""
        c, other = Client(1, b"replace"), Client(1, b"replace")
        uid = uids(c)[0]
        n = len(uids(c))
        assert c.command(b"UID REPLACE %d replace {%d}" %
                         (uid, len(SMALL)))[-1][:1] == b"+"
        other.ok(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
        other.ok(b"UID EXPUNGE %d" % uid)
        c.send(SMALL + b"\r\n")
        assert b" NO [EXPUNGEISSUED]" in c.until(b"a%d" % c.count)[-1]
        assert len(uids(Client(1, b"replace"))) == n - 1

    def t_quota(self):
        """8508 3.4: what counts is the difference"""
        c = Client(3)
        c.ok(b"CREATE full")
        c.ok(b"SELECT full")
        body = b"Subject: big\r\n\r\n" + \
            bytes(random.Random(9).choices(range(1, 256), k=300000))
        c.append(b"full", body)
        subprocess.check_call(
            SERVER["sealctl"].split() +
            ["user", "quota", "user0003@" + SERVER["domain"], "400K"])
        lit = b"{%d+}\r\n%s" % (len(body), body)
        c.expect(b"APPEND full " + lit, b"NO [OVERQUOTA]")
        for i in range(3):
            c.ok(b"REPLACE 1 full " + lit)
        assert len(uids(c)) == 1


class Isolated:
    def t_not_offered(self):
        """8437 3: BAD where it is not advertised"""
        c = Client(1)
        assert b"UNAUTHENTICATE" not in c.ok(b"CAPABILITY")[0]
        c.expect(b"UNAUTHENTICATE", b"BAD")
        c.ok(b"NAMESPACE")


class Uidonly:
    """RFC 9586: messages have UIDs and no numbers."""

    def begin(self, box, n=6, select=True):
        """A session of it, and one of the old kind beside it."""
        other = Client(1)
        other.ok(b"CREATE " + box)
        for _ in range(n):
            other.append(box, SMALL)
        other.ok(b"SELECT " + box)
        other.ok(b"STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        other.ok(b"EXPUNGE")  # so that numbers are no UIDs
        c = Client(1)
        assert c.ok(b"ENABLE UIDONLY")[0] == b"* ENABLED UIDONLY\r\n"
        if select:
            c.ok(b"SELECT " + box)
        uids = other.ok(b"UID SEARCH ALL")[0].split()[2:]
        assert len(uids) == n - 2 and uids[0] != b"1"
        return c, other, uids

    def numberless(self, lines):
        for line in lines:
            assert not re.match(rb"\* \d+ (FETCH|EXPUNGE)", line), line
        return lines

    def t_enable(self):
        """3.1: it is offered, enabled once, and forgotten at the end"""
        c = Client(1)
        assert b" UIDONLY" in c.ok(b"CAPABILITY")[0]
        c.ok(b"CREATE enable")
        c.append(b"enable", SMALL)
        c.ok(b"SELECT enable")
        c.ok(b"FETCH 1 FLAGS")
        assert c.ok(b"ENABLE UIDONLY CONDSTORE")[0] == \
            b"* ENABLED UIDONLY CONDSTORE\r\n"
        assert c.ok(b"ENABLE UIDONLY")[0] == b"* ENABLED\r\n"
        c.expect(b"FETCH 1 FLAGS", b"BAD [UIDREQUIRED]")
        # Right behind ENABLE on the wire, too.
        c = Client(1, b"enable")
        c.send(b"x ENABLE UIDONLY\r\ny FETCH 1 FLAGS\r\n")
        c.until(b"x")
        assert c.until(b"y")[-1].startswith(b"y BAD [UIDREQUIRED]")
        c.ok(b"UNAUTHENTICATE")
        c.ok(b"LOGIN user0001 " + SERVER["password"].encode())
        c.ok(b"SELECT enable")
        assert b"* 1 FETCH (" in c.ok(b"FETCH 1 FLAGS")[0]

    def t_refused(self):
        """3, 3.2, 3.5, 3.8: numbers are refused, nothing is done by them"""
        c, other, uids = self.begin(b"refused")
        for text in (b"FETCH 1 FLAGS", b"FETCH 1:* (FLAGS)", b"FETCH $ FLAGS",
                     b"STORE 1 FLAGS (\\Seen)", b"COPY 1 INBOX",
                     b"MOVE * INBOX", b"SEARCH ALL",
                     b"SEARCH RETURN (SAVE) ALL", b"SORT (DATE) UTF-8 ALL",
                     b"THREAD REFERENCES UTF-8 ALL", b"UID SEARCH 1",
                     b"UID SEARCH NOT 1:2", b"UID SEARCH OR (SEEN *) ALL",
                     b"UID SORT (DATE) UTF-8 1:*",
                     b"UID THREAD ORDEREDSUBJECT UTF-8 2",
                     b"ESEARCH 1:2", b"REPLACE 1 refused {3+}\r\nabc",
                     b"REPLACE 1 refused {3}"):
            c.expect(text, b"BAD [UIDREQUIRED]")
        c.ok(b"NOOP")
        assert other.ok(b"UID SEARCH UNSEEN")[0].split()[2:] == uids
        assert len(uids) == 4 == len(other.ok(b"FETCH 1:* FLAGS")) - 1

    def t_fetch(self):
        """3.3: UIDFETCH, and MODIFIED in UIDs"""
        c, _, uids = self.begin(b"fetch")
        lines = self.numberless(c.ok(b"UID FETCH 1:* (FLAGS BODY[TEXT])"))
        # What it marks as read may be told of once more.
        for uid in uids:
            assert any(x.startswith(b"* %s UIDFETCH (" % uid) and
                       literals(x) == [b"body\r\n"] for x in lines), lines
        lines = c.ok(b"UID FETCH %s (UID)" % uids[1])
        assert lines[0] == b"* %s UIDFETCH (UID %s)\r\n" % (uids[1], uids[1])
        lines = c.ok(b"UID STORE %s +FLAGS (\\Flagged)" % uids[0])
        assert lines[0] == \
            b"* %s UIDFETCH (FLAGS (\\Flagged \\Seen))\r\n" % uids[0], lines
        modseq = re.search(rb"HIGHESTMODSEQ (\d+)", b"".join(
            c.ok(b"STATUS fetch (HIGHESTMODSEQ)"))).group(1)
        lines = c.ok(b"UID STORE %s +FLAGS (\\Answered)" % uids[1])
        assert re.match(rb"\* %s UIDFETCH \(FLAGS \(.*\) MODSEQ \(\d+\)\)\r\n"
                        % uids[1], lines[0]), lines
        lines = c.ok(b"UID STORE %s:%s (UNCHANGEDSINCE %s) FLAGS.SILENT ()" %
                     (uids[0], uids[1], modseq))
        self.numberless(lines)
        assert b"[MODIFIED %s]" % uids[1] in lines[-1], lines

    def t_expunge(self):
        """3.4: VANISHED, without QRESYNC, of EXPUNGE, MOVE and REPLACE"""
        c, _, uids = self.begin(b"expunge", 8)
        c.ok(b"CREATE moved")
        c.ok(b"UID STORE %s,%s +FLAGS.SILENT (\\Deleted)" % (uids[0], uids[2]))
        lines = self.numberless(c.ok(b"UID EXPUNGE " + uids[2]))
        assert b"* VANISHED %s\r\n" % uids[2] in lines, lines
        lines = self.numberless(c.ok(b"EXPUNGE"))
        assert b"* VANISHED %s\r\n" % uids[0] in lines, lines
        lines = self.numberless(c.ok(b"UID MOVE %s moved" % uids[1]))
        assert b"* VANISHED %s\r\n" % uids[1] in lines, lines
        assert any(b"[COPYUID " in x for x in lines), lines
        lines = self.numberless(c.ok(
            b"UID REPLACE %s expunge {%d+}\r\n%s" %
            (uids[3], len(SMALL), SMALL)))
        assert b"* VANISHED %s\r\n" % uids[3] in lines, lines
        left = c.ok(b"UID SEARCH ALL")[0].split()[2:]
        assert left[:2] == uids[4:], (left, uids)
        # CLOSE tells nothing, as ever.
        c.ok(b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids[4])
        assert len(c.ok(b"CLOSE")) == 1

    def t_search(self):
        """3.5: UIDs and "$"; partial results, orders and threads"""
        c, _, uids = self.begin(b"search")
        assert c.ok(b"UID SEARCH UID 1:*")[0].split()[2:] == uids
        line = c.ok(b"UID SEARCH RETURN (MIN SAVE) ALL")[0]
        assert b" UID MIN %s" % uids[0] in line, line
        lines = c.ok(b"UID FETCH $ (FLAGS)")
        assert b"* %s UIDFETCH " % uids[0] in lines[0], lines
        assert c.ok(b"UID SEARCH $")[0].split()[2:] == uids[:1]
        assert c.ok(b"UID SEARCH UID $")[0].split()[2:] == uids[:1]
        line = c.ok(b"UID SEARCH RETURN (PARTIAL 1:2) ALL")[0]
        assert b" UID PARTIAL (1:2 " in line, line
        lines = c.ok(b"UID SORT (REVERSE ARRIVAL) UTF-8 ALL")
        assert sorted(lines[0].split()[2:]) == sorted(uids), lines
        lines = c.ok(b"UID THREAD ORDEREDSUBJECT UTF-8 ALL")
        assert sorted(re.findall(rb"\d+", lines[0])) == sorted(uids), lines
        lines = c.ok(b"UID FETCH 1:* (FLAGS) (PARTIAL -1:-1)")
        assert [x.split()[1] for x in lines[:-1]] == uids[-1:], lines
        # Updates of a result that was asked for by number have an end.
        c = Client(1, b"search")
        c.ok(b"SEARCH RETURN (UPDATE ALL) UNSEEN")
        tag = b"a%d" % c.count
        c.ok(b"UID SEARCH RETURN (UPDATE ALL) UNSEEN")
        kept = b"a%d" % c.count
        lines = c.ok(b"ENABLE UIDONLY")
        assert any(b'[NOUPDATE "%s"]' % tag in x for x in lines), lines
        assert not any(kept in x for x in lines[:-1]), lines
        c.ok(b"UID STORE %s +FLAGS.SILENT (\\Seen)" % uids[0])
        for _ in range(100):
            lines = c.ok(b"NOOP")
            if any(b"REMOVEFROM" in x for x in lines):
                break
        update = [x for x in lines if b"REMOVEFROM" in x]
        assert update and b'(TAG "%s") UID ' % kept in update[0], lines
        assert update[0].endswith(b" %s)\r\n" % uids[0]), update

    def t_unasked(self):
        """3.6: what others do is told by UID, in NOOP and in IDLE"""
        c, other, uids = self.begin(b"unasked")
        other.ok(b"STORE 2 +FLAGS (\\Answered)")
        other.append(b"unasked", SMALL)
        lines = self.numberless(c.ok(b"NOOP"))
        assert b"* %s UIDFETCH (FLAGS (\\Answered))\r\n" % uids[1] in lines, \
            lines
        assert b"* 5 EXISTS\r\n" in lines, lines
        c.send(b"i IDLE\r\n")
        assert c.line().startswith(b"+")
        other.ok(b"STORE 1,3 +FLAGS.SILENT (\\Deleted)")
        other.ok(b"EXPUNGE")
        seen = set()
        while b"* VANISHED %s,%s\r\n" % (uids[0], uids[2]) not in seen:
            seen.add(c.line())
            self.numberless(seen)
        c.send(b"DONE\r\n")
        self.numberless(c.until(b"i"))
        # The other one hears numbers, as it always did.
        c.ok(b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % uids[1])
        c.ok(b"EXPUNGE")
        assert b"* 1 EXPUNGE\r\n" in other.ok(b"NOOP")

    def t_notify(self):
        """3.6, 5465 5.3: what NOTIFY fetches of new mail"""
        c, other, _ = self.begin(b"notify")
        c.ok(b"NOTIFY SET (SELECTED (MessageNew (UID BODY[TEXT])"
             b" MessageExpunge FlagChange))")
        done = other.append(b"notify", SMALL)[-1]
        uid = re.search(rb"APPENDUID \d+ (\d+)", done).group(1)
        line = b""
        while b"FETCH" not in line:
            line = c.line()
            self.numberless([line])
        assert line.startswith(b"* %s UIDFETCH (" % uid), line
        assert literals(line) == [b"body\r\n"], line

    def t_qresync(self):
        """3.7, 3.8: with CONDSTORE and QRESYNC, but for pairs of numbers"""
        c, other, uids = self.begin(b"qresync", select=False)
        c.ok(b"ENABLE QRESYNC")
        lines = c.ok(b"SELECT qresync")
        validity = re.search(rb"UIDVALIDITY (\d+)", b"".join(lines)).group(1)
        modseq = re.search(rb"HIGHESTMODSEQ (\d+)", b"".join(lines)).group(1)
        assert not any(b"[UNSEEN" in x for x in lines), lines
        c.ok(b"CLOSE")
        other.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        other.ok(b"EXPUNGE")
        other.ok(b"STORE 2 +FLAGS.SILENT (\\Flagged)")
        c.expect(b"SELECT qresync (QRESYNC (%s %s 1:%s (1 %s)))" % (
            validity, modseq, uids[-1], uids[0]), b"BAD [UIDREQUIRED]")
        lines = self.numberless(c.ok(
            b"SELECT qresync (QRESYNC (%s %s))" % (validity, modseq)))
        assert b"* VANISHED (EARLIER) %s\r\n" % uids[0] in lines, lines
        assert any(x.startswith(b"* %s UIDFETCH (" % uids[2]) and
                   b"MODSEQ (" in x for x in lines), lines
        lines = c.ok(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %s VANISHED)" %
                     modseq)
        self.numberless(lines)
        assert any(b"VANISHED (EARLIER)" in x for x in lines), lines


run(globals())

#! /usr/bin/env python3
"""
What a running suite says of a message's parts against what it serves.

usage: mime_client.py server.json CASE

The structure is read from BODYSTRUCTURE alone; every part of it is then
fetched, and must have the octets and lines it was said to have (RFC 9051
sections 6.4.5 and 7.5.2).
"""

import glob
import os
import random
import re
import subprocess
import tempfile
import time

from engine_client import SERVER, Client, run

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = os.path.join(HERE, "../../../fuzz/mime_seeds")
FORGE = os.path.join(HERE, "forge")


def parse(text):
    """The value that begins text (lists, strings, atoms), and the rest."""
    stack = [[]]
    at = 0
    while True:
        c = text[at:at + 1]
        if c == b" ":
            at += 1
            continue
        if c == b"(":
            stack.append([])
            at += 1
            continue
        if c == b")":
            if len(stack) == 1:
                return stack[0], text[at:]
            done = stack.pop()
            stack[-1].append(done)
            at += 1
            if len(stack) == 1:
                return stack[0][0], text[at:]
            continue
        if c == b'"':
            found = re.compile(rb'"((?:[^"\\\r\n\0]|\\["\\])*)"').match(
                text, at)
            assert found, text[at:at + 80]
            stack[-1].append(found.group(1).decode("latin-1"))
        elif c == b"{":
            found = re.compile(rb"\{(\d+)\}\r\n").match(text, at)
            size = int(found.group(1))
            end = found.end() + size
            stack[-1].append(text[found.end():end].decode("latin-1"))
            at = end
            continue
        else:
            found = re.compile(rb"[^ ()\"{%\*\]\\\x00-\x1f]+").match(text, at)
            assert found, text[at:at + 80]
            word = found.group(0)
            stack[-1].append(None if word == b"NIL" else
                             int(word) if word.isdigit() else word)
        at = found.end()


def structure(c, n):
    row, _ = c.fetch(n, b"BODYSTRUCTURE")
    assert b"(BODYSTRUCTURE (" in row, row[:200]
    value, rest = parse(row[row.index(b"(BODYSTRUCTURE ") + 15:])
    assert rest == b")\r\n", rest[:100]
    return value


def parts(tree, path, top=True):
    """Path, kind and value of each part, without recursion."""
    todo = [(tree, path, top)]
    while todo:
        part, path, top = todo.pop()
        if isinstance(part[0], list):
            yield path, "multipart", part
            for i, child in enumerate(
                    [x for x in part if isinstance(x, list)], 1):
                if not isinstance(child[0], (list, str)) or \
                        i > count_children(part):
                    break
                todo.append((child, path + [i], False))
        else:
            own = path + [1] if top else path
            if part[0].lower() == "message" and \
                    part[1].lower() == "rfc822" and len(part) > 8 and \
                    isinstance(part[8], list):
                yield own, "message", part
                inner = part[8]
                todo.append((inner, own, not isinstance(inner[0], list)))
            else:
                yield own, "leaf", part


def count_children(part):
    n = 0
    while n < len(part) and isinstance(part[n], list):
        n += 1
    return n


def section(c, n, path, suffix=b""):
    name = b".".join(b"%d" % x for x in path)
    if suffix:
        name += b"." + suffix if name else suffix
    row, got = c.fetch(n, b"BODY.PEEK[%s]" % name)
    if b"[%s] NIL" % name in row:
        return None
    return got[0] if got else b""


def check(c, n, message, most=60):
    """Fetches the parts that the structure names; how many it has."""
    if c.fetch(n, b"RFC822.SIZE")[0].split(b" ")[-1] != \
            b"%d)\r\n" % len(message):
        raise AssertionError("size")
    assert section(c, n, []) == message
    head, text = section(c, n, [], b"HEADER"), section(c, n, [], b"TEXT")
    assert head + text == message
    all_parts = list(parts(structure(c, n), []))
    leaves = len(all_parts)
    if leaves > most:
        all_parts = random.Random(n).sample(all_parts, most)
    for path, kind, part in all_parts:
        if kind == "multipart":
            continue
        body = section(c, n, path)
        assert body is not None and len(body) == part[6], (path, part[:7])
        if kind == "message":
            assert body.count(b"\n") == part[9], (path, part[9])
            inner = section(c, n, path, b"HEADER")
            assert inner + section(c, n, path, b"TEXT") == body, path
        elif part[0].lower() == "text":
            assert body.count(b"\n") == part[7], (path, part[7])
        if len(path) > 1:
            mime = section(c, n, path, b"MIME")
            assert mime + body in message, path
        if part[5].lower() in ("7bit", "8bit", "binary"):
            row, got = c.fetch(n, b"(BINARY.PEEK[%s] BINARY.SIZE[%s])" % (
                (b".".join(b"%d" % x for x in path),) * 2))
            assert (got[0] if got else b"") == body
            assert b" %d" % len(body) in row
        last = path[:-1] + [path[-1] + 1000]
        assert section(c, n, last) is None
    row, _ = c.fetch(n, b"ENVELOPE")
    envelope, _ = parse(row[row.index(b"(ENVELOPE ") + 10:])
    assert len(envelope) == 10, envelope
    return leaves


class Fixtures:
    def t_all(self):
        """All fixtures of the parser, through APPEND and back."""
        c = Client(1)
        c.ok(b"ENABLE UTF8=ACCEPT")  # headers are not all ASCII
        c.ok(b"CREATE fixtures")
        c.ok(b"SELECT fixtures")
        n = 0
        names = sorted(glob.glob(SEEDS + "/*.eml"))
        assert len(names) >= 30, names
        for name in names:
            with open(name, "rb") as f:
                message = f.read()
            if message == b"":
                continue
            n += 1
            c.append(b"fixtures", message)
            try:
                check(c, n, message)
            except Exception:
                print(name)
                raise


class Malformed:
    def t_all(self):
        """Kept octet for octet, described the same each time, and soon."""
        def mixed(boundary, body):
            return (b"Content-Type: multipart/mixed; boundary=" + boundary +
                    b"\r\n\r\n" + body)
        deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
                        b"--b%d\r\n" % (i, i) for i in range(20000))
        forwarded = b"Content-Type: message/rfc822\r\n\r\n" * 20000
        cases = (
            mixed(b"q", b"--q\r\n\r\none\r\n--q\r\n\r\ntwo"),
            mixed(b"q", b"--q"), mixed(b"q", b""), mixed(b"q", b"--q--"),
            mixed(b'""', b"--\r\n\r\nx\r\n--"),
            mixed(b"q", b"--q\r\n\r\nx\r\n--q--\r\n--q\r\n\r\ny\r\n--q--"),
            mixed(b"q", b"--q \t\r\n\r\nx\n--q\n\ny\n--q-- \n"),
            b"Subject: \xff\xfe\x80 raw\r\nFrom: \xc3\xa4@\xe4\r\n\r\n\xff",
            b"Sub\0ject: \0\r\nFrom: a\0b@c\r\n\r\n\0\0",
            b"Subject: a\rb\nTo: c\r\r\n\nbody\r\r\n\r", b"\r", b"\n", b"\0",
            b"\r\n", b"a", b":", b": x\r\n\r\n", b"no colon\r\nx: y\r\n\r\nz",
            b"Subject: " + b"x" * 1000000 + b"\r\n\r\nbody",
            b"X-Long: " + b"y " * 500000 + b"\r\nSubject: after\r\n\r\nbody",
            b"Subject:" + b"\r\n x" * 200000 + b"\r\n\r\nbody",
            b"".join(b"H%d: v\r\n" % i for i in range(50000)) + b"\r\nb",
            mixed(b"q", b"--q\r\n\r\nx\r\n" * 20000 + b"--q--\r\n"),
            mixed(b"q", b"--q\r\n" * 20000), deep, forwarded,
            b"Content-Type: text/plain" + b"; a=b" * 50000 + b"\r\n\r\nx",
            b"To: " + b"a@b, " * 50000 + b"\r\n\r\nx",
            b"To: " + b"((((" * 50000 + b"\r\n\r\nx",
            b"Content-Type: message/rfc822\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\nU3ViamVjdA==\r\n",
        )
        c, d = Client(1), Client(1)
        c.ok(b"ENABLE UTF8=ACCEPT")  # headers are not all ASCII
        c.ok(b"CREATE malformed")
        c.ok(b"SELECT malformed")
        for n, message in enumerate(cases, 1):
            begin = time.time()
            c.append(b"malformed", message)
            c.fetch(n, b"(ENVELOPE BODYSTRUCTURE BODY)")
            taken = time.time() - begin
            try:
                assert taken < 5, taken
                check(c, n, message, 12)
                assert structure(c, n) == structure(c, n)
                c.ok(b"COPY %d malformed" % n) if n == 1 else None
                d.ok(b"NOOP")
            except Exception:
                print(n, message[:100])
                raise
            if n == 1:
                c.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
                c.ok(b"EXPUNGE")


class Maker:
    """Messages as nobody should write them."""

    def __init__(self, seed):
        self.rand = random.Random(seed)
        self.eol = self.rand.choice((b"\r\n", b"\r\n", b"\n"))

    def text(self):
        pick = self.rand.random()
        if pick < 0.1:
            return b""
        if pick < 0.2:
            return self.rand.randbytes(self.rand.randint(1, 300))
        words = (b"word", b"--", b"--b1", b"--b1--", b"\r", b"\n", b"\0", b".",
                 b"Content-Type: text/html", b"", b"=3D", b"\xc3\xa4", b"a" * 90)
        return self.eol.join(self.rand.choice(words)
                             for _ in range(self.rand.randint(1, 12)))

    def fields(self):
        all_fields = (
            b"Subject: =?utf-8?q?=C3=A4?= \xff", b"Subject:", b"From: a@b, c",
            b"To: g: a@b, c@d;, (x) <e@f>", b"Cc: \"q\\\"\" <@h:i@j>", b"X", b":",
            b"Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)", b" folded",
            b"Message-ID: <a@b>", b"Content-Transfer-Encoding: base64",
            b"Content-Transfer-Encoding: quoted-printable",
            b"Content-Transfer-Encoding: 8BIT",
            b"Content-Transfer-Encoding: odd", b"Content-ID: <x@y>",
            b"Content-Disposition: attachment; filename*=utf-8''%C3%A4",
            b"Content-Description: d\0d", b"Content-Language: de, en",
            b"MIME-Version: 1.0", b"Content-MD5: x==", b"Bcc:", b"no colon")
        n = self.rand.randint(0, 5)
        return [self.rand.choice(all_fields) for _ in range(n)]

    def part(self, depth):
        fields = self.fields()
        pick = self.rand.random()
        if depth > 0 and pick < 0.5:
            bound = self.rand.choice((b"b1", b"b", b"b1x", b"=_%d" % depth,
                                      b"a b", b"x" * 70))
            fields.append(b"Content-Type: multipart/%s; boundary=%s" % (
                self.rand.choice((b"mixed", b"digest", b"alternative", b"")),
                b'"%s"' % bound if self.rand.random() < 0.8 else bound))
            body = self.text() + self.eol if self.rand.random() < 0.3 else b""
            for _ in range(self.rand.randint(0, 4)):
                body += b"--" + bound + self.rand.choice(
                    (b"", b"", b" ", b"\t ", b"-")) + self.eol
                body += self.part(depth - 1) + self.eol
            if self.rand.random() < 0.8:
                body += b"--" + bound + b"--" + self.rand.choice(
                    (b"", self.eol, self.eol + self.text()))
        elif depth > 0 and pick < 0.65:
            fields.append(b"Content-Type: message/rfc822")
            body = self.part(depth - 1)
        else:
            fields.append(self.rand.choice((
                b"Content-Type: text/plain", b"Content-Type: image/png; a=b",
                b"Content-Type: text/html; charset=\"utf-8", b"X: y",
                b"Content-Type: a; b", b"Content-Type: message/partial",
                b"content-type:TEXT/plain;format=flowed;;x*0=1;x*1=2")))
            body = self.text()
        self.rand.shuffle(fields)
        return self.eol.join(fields) + self.eol * 2 + body

    def message(self):
        message = self.part(self.rand.randint(0, 6))
        pick = self.rand.random()
        if pick < 0.2:
            message = message[:self.rand.randint(1, len(message))]
        elif pick < 0.4:
            octets = bytearray(message)
            for _ in range(3):
                octets[self.rand.randrange(len(octets))] = \
                    self.rand.choice(b"\r\n\0-:; \t\xff\"(")
            message = bytes(octets)
        return message


class Made:
    def t_all(self):
        """9051 6.4.5, 7.5.2: what is said of made messages is so"""
        many = 2000 if os.environ.get("STRESS") else 80
        c = Client(1)
        c.ok(b"ENABLE UTF8=ACCEPT")  # headers are not all ASCII
        c.ok(b"CREATE made")
        c.ok(b"SELECT made")
        for n in range(1, many + 1):
            message = Maker(n).message()
            c.append(b"made", message)
            try:
                check(c, n, message, 15)
            except Exception:
                print("seed", n, message[:3000])
                raise
        # the same message is described in the same way
        c.append(b"made", Maker(7).message())
        items = b"(ENVELOPE BODYSTRUCTURE)"
        assert normal(c.fetch(7, items)[0]) == \
            normal(c.fetch(many + 1, items)[0])


def normal(row):
    return re.sub(rb"^\* \d+ ", b"", row)


class Forged:
    """A summary that does not hold together is made anew from the body."""

    def forge(self, user, message, kind, number=0):
        with tempfile.NamedTemporaryFile() as f:
            f.write(message)
            f.flush()
            subprocess.run(
                [FORGE, SERVER["data_dir"],
                 "user%04d@%s" % (user, SERVER["domain"]), f.name, kind,
                 str(number)], check=True)

    def wait(self, user, n):
        """The vault takes them in when the user logs in."""
        c = Client(user)
        for _ in range(100):
            if b"MESSAGES %d)" % n in c.ok(b"STATUS INBOX (MESSAGES)")[0]:
                c.ok(b"SELECT INBOX")
                return c
            time.sleep(0.1)
        raise AssertionError("not delivered: %d" % n)

    def t_forged(self):
        with open(SEEDS + "/mixed_related.eml", "rb") as f:
            message = f.read()
        kinds = ("true", "none", "garbage", "short", "long", "other", "zip")
        for kind in kinds:
            self.forge(2, message, kind)
        c = self.wait(2, len(kinds))
        sample = Client(1)
        sample.ok(b"CREATE sample")
        sample.ok(b"SELECT sample")
        sample.append(b"sample", message)
        for items in (b"(ENVELOPE BODY BODYSTRUCTURE RFC822.SIZE)",
                      b"(BODY.PEEK[1] BODY.PEEK[HEADER])",
                      b"(ENVELOPE BODY.PEEK[HEADER.FIELDS (SUBJECT TO)])"):
            want = normal(sample.fetch(1, items)[0])
            rows = c.ok(b"FETCH 1:* " + items)[:-1]
            assert len(rows) == len(kinds), rows
            for row in rows:
                assert normal(row) == want, (row, want)
        for n in range(1, len(kinds) + 1):
            check(c, n, message)

    def t_flipped(self):
        """What was changed at random is at worst wrong, never ill-formed."""
        with open(SEEDS + "/nested.eml", "rb") as f:
            message = f.read()
        many = 400 if os.environ.get("STRESS") else 60
        for seed in range(many):
            self.forge(3, message, "flip", seed)
        c = self.wait(3, many)
        for i in range(1, many + 1):
            row, _ = c.fetch(i, b"(ENVELOPE BODYSTRUCTURE)")
            value, rest = parse(row[row.index(b"(ENVELOPE"):])
            assert len(value) == 4 and len(value[1]) == 10, row
            assert rest == b"\r\n", row
            assert section(c, i, []) == message
            for path, kind, part in parts(value[3], []):
                if kind == "leaf":
                    body = section(c, i, path)
                    assert body is not None and len(body) == part[6], row


class Fields:
    def t_all(self):
        """Each octet of a summary, changed and its sum put right."""
        with open(SEEDS + "/nested.eml", "rb") as f:
            message = f.read()
        many = 3000 if os.environ.get("STRESS") else 150
        forged = Forged()
        for i in range(many):
            forged.forge(2, message, "set", i * 37)
        c = forged.wait(2, many)
        changed = set()
        for i in range(1, many + 1):
            row, _ = c.fetch(i, b"(ENVELOPE BODYSTRUCTURE)")
            value, rest = parse(row[row.index(b"(ENVELOPE"):])
            assert len(value) == 4 and len(value[1]) == 10, row
            assert rest == b"\r\n", row
            changed.add(normal(row))
            assert section(c, i, []) == message
            for path, kind, part in parts(value[3], []):
                body = section(c, i, path)
                if kind == "leaf":
                    assert body is not None and len(body) == part[6], row
                elif kind == "message":
                    assert len(body) == part[6], row
                    for suffix in (b"HEADER", b"TEXT", b"MIME"):
                        got = section(c, i, path, suffix)
                        assert got is None or got in message, row
        assert len(changed) > 1  # else nothing was forged


if __name__ == "__main__":
    run(globals())

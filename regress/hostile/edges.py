#!/usr/bin/env python3
"""Where a protocol's own sizes and turns have edges: literals and chunks that
announce more than there may be, answers that nobody reads, STARTTLS, HTTP.

A module of bombs.py.
"""
import re
import ssl
import time

import hostile as h

GIB4 = 1 << 32
PARTS = 1000
UNREAD_KIB = 2048  # what answers that nobody reads may cost


def user(n):
    return (h.SUITE["user_pattern"] % n).encode()


def ask(s, text, pattern=rb"(?m)^\d\d\d .*\r\n"):
    """What it answers to that, up to a line as the pattern says."""
    s.sendall(text)
    data = b""
    while not re.search(pattern, data):
        part = s.recv(65536)
        if not part:
            return data
        data += part
    return data


def flood(s, data, times):
    """Whether it took all of it."""
    try:
        for _ in range(times):
            s.sendall(data)
    except OSError:
        return False
    return True


def attack_announced():
    """Literals of 4 GiB and more: refused before they come, or never read as
    commands (RFC 7888 4)."""
    said = set()
    for start in ("APPEND INBOX ", "APPEND INBOX (\\Seen) ~",
                  "APPEND INBOX CATENATE (TEXT ", "NOSUCH ", "LOGIN ",
                  "SEARCH SUBJECT "):
        for size in (GIB4, GIB4 - 1, (1 << 63) - 1, 1 << 64, 10 ** 40):
            c = h.Imap(1)
            c.send("a %s{%d}\r\n" % (start, size))
            line = c.line()
            if not line.startswith((b"a NO", b"a BAD", b"* BYE")):
                h.fail("%s{%d}: %r" % (start, size, line))
            elif not line.startswith(b"* BYE"):
                c.do("NOOP")
            said.add(h.short(line.split(b" ", 1)[1][:14]))
            c.s.close()
            c = h.Imap(1)
            c.send("a %s{%d+}\r\n" % (start, size))
            flood(c.s, b"x NOOP\r\n" * 1000, 8)
            data = h.everything(c.s, 3)
            if b"x OK" in (data or b""):
                h.fail("%s{%d+}: read as commands" % (start, size))
            c.s.close()
    return "; ".join(sorted(said))


def attack_chunks():
    """BDAT (RFC 3030): every size that is none, too large, or out of turn."""
    said = []
    for name, connect in h.ports()[4:]:
        if name.startswith("subm"):
            continue
        hello = b"LHLO a\r\n" if name.startswith("lmtp") else b"EHLO a\r\n"
        start = (b"MAIL FROM:<>\r\n", b"RCPT TO:<%s>\r\n" % user(1))
        codes = []
        for size in (b"", b"-1", b"1x", b"0x10", b"+5", b"4294967296",
                     b"9223372036854775807", b"18446744073709551616",
                     b"9" * 300, b"0", b"0 LAST", b"0 LAST LAST", b"1 last"):
            s = connect()
            s.recv(4096)
            for line in (hello,) + start:
                ask(s, line)
            data = ask(s, b"BDAT " + size + b"\r\n" +
                       (b"x" if size == b"1 last" else b""))
            codes.append(data[:3].decode())
            if size.lower() in (b"0 last", b"0", b"1 last"):
                good = data[:1] == b"2"
            else:
                good = data[:1] in b"45"
                # What comes behind it is no command.
                if size.isdigit():
                    flood(s, b"NOOP\r\n" * 1000, 16)
                    rest = h.everything(s, 3) or b""
                    good = good and b"250" not in rest
            if not good:
                h.fail("%s: BDAT %s: %r" % (name, size, data))
            s.close()
        # Out of turn: the chunk is taken all the same.
        s = connect()
        s.recv(4096)
        ask(s, hello)
        data = ask(s, b"BDAT 12\r\nNOOP\r\nNOOP\r\nBDAT 6\r\nNOOP\r\nQUIT\r\n",
                   rb"(?m)^221 ")
        if re.findall(rb"(?m)^(\d)", data) != [b"5", b"5", b"2"]:
            h.fail("%s: BDAT out of turn: %r" % (name, data))
        s.close()
        said.append("%s %s" % (name, " ".join(codes)))
    return "; ".join(said)


def attack_base64():
    """AUTHENTICATE and AUTH with a word that does not end."""
    said, conns = [], []
    for name, connect, start, pattern in (
            ("imaps", lambda: h.Imap(0).s, b"a AUTHENTICATE PLAIN\r\n",
             rb"\+"),
            ("imaps/ir", lambda: h.Imap(0).s, b"a AUTHENTICATE PLAIN ", b""),
            ("submissions", lambda: h.tls(port="submissions_port"),
             b"EHLO a\r\nAUTH PLAIN\r\n", rb"(?m)^334"),
            ("submissions/ir", lambda: h.tls(port="submissions_port"),
             b"EHLO a\r\nAUTH PLAIN ", rb"(?m)^250 ")):
        s = connect()
        ask(s, start, pattern)
        flood(s, b"QUFB" * 16384, 256)
        conns.append((name, s))
    for name, s in conns:
        data = h.everything(s)
        if data is None:
            h.fail("endless base64 on %s: it stays" % name)
        said.append("%s: %s" % (name, h.short(data)))
        s.close()
    return "; ".join(said)


def attack_structure():
    """A message of a thousand parts, its structure asked for and not read."""
    c = h.Imap(1)
    c.do("CREATE parts", want="")
    part = b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: %s\r\n" \
        b"From: a@b.c\r\nTo: b@c.d, c@d.e\r\n\r\nx\r\n" % (b"s" * 60)
    c.append("parts", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
             part * PARTS + b"--b--\r\n")
    c.do("SELECT parts")
    whole = b"".join(c.do("FETCH 1 BODYSTRUCTURE"))
    c.do("FETCH 1 (%s)" % " ".join(
        "BODY.PEEK[%d.1]" % n for n in range(1, 30)))
    c.s.close()
    c = h.Imap(1, small=True)
    c.do("SELECT parts")
    before = h.memory()
    for n in range(1000):
        c.send("b%d FETCH 1 (BODYSTRUCTURE ENVELOPE)\r\n" % n)
    time.sleep(1)
    grown = {r: k - before.get(r, 0) for r, k in h.memory().items()}
    cost = sum(grown.get(r, 0) for r in ("imap-engine", "vault", "kernel"))
    if cost > UNREAD_KIB:
        h.fail_cost("structures that nobody reads cost %d KiB" % cost)
    c.s.close()
    return "%d octets, a thousand of them unread %d KiB" % (len(whole), cost)


def attack_unread():
    """Small commands with long answers, and nobody who reads them."""
    said = []
    c = h.Imap(1)
    for n in range(60):
        c.do("CREATE list/%s%d" % ("n" * 200, n), want="")
    c.s.close()
    for name, make in (
            ("LIST", lambda: h.Imap(1, small=True).s),
            ("EHLO", lambda: h.tcp(h.SUITE["smtp_port"], True)),
            ("CAPABILITY", lambda: h.tcp(h.PLAIN, True)),
            ("LHLO", lambda: h.tcp(h.SUITE["lmtp_port"], True))):
        s = make()
        text = {"LIST": b'a LIST "" *\r\n', "EHLO": b"EHLO a\r\n",
                "LHLO": b"LHLO a\r\n"}.get(name, b"a CAPABILITY\r\n")
        before = h.memory()
        s.settimeout(0.3)
        flood(s, text * 1000, 100)
        grown = {r: k - before.get(r, 0) for r, k in h.memory().items()}
        cost = sum(grown.get(r, 0) for r in
                   ("imap-engine", "smtp-engine", "vault"))
        if cost > UNREAD_KIB:
            h.fail_cost("answers to %s that nobody reads: %s" % (name, grown))
        said.append("%s %d KiB" % (name, cost))
        s.close()
    return " ".join(said)


def attack_deaf_idler():
    """Another session changes flags all the time; this one does not read."""
    other = h.Imap(1)
    other.do("CREATE deaf", want="")
    for n in range(20):
        other.append("deaf", b"Subject: %d\r\n\r\nx\r\n" % n)
    deaf = h.Imap(1, small=True)
    deaf.do("SELECT deaf")
    deaf.send("i IDLE\r\n")
    other.do("SELECT deaf")
    before = h.memory()
    n = h.full(100, 5000)
    for i in range(n):
        other.do("STORE 1:* %sFLAGS.SILENT (\\Flagged k%d)" % (
            "-+"[i % 2], i % 40))
    grown = {r: k - before.get(r, 0) for r, k in h.memory().items()}
    cost = sum(grown.get(r, 0) for r in ("imap-engine", "vault"))
    if cost > UNREAD_KIB:
        h.fail_cost("news that nobody reads: %s" % grown)
    deaf.s.close()
    return "%d times 20, %d KiB" % (n, cost)


def crumbs(record):
    """A TLS record as records of one octet each."""
    return b"".join(record[:3] + b"\0\1" + record[i:i + 1]
                    for i in range(5, len(record)))


def attack_octets():
    """TLS records of one octet: a handshake that begins so, which may be
    refused, and thousands of a session."""
    s = h.tcp(h.SUITE["imaps_port"])
    there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = h.CONTEXT.wrap_bio(there, here)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        s.sendall(crumbs(here.read()))
    there.write(s.recv(65536))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    except ssl.SSLError as error:
        if "ALERT" not in str(error):
            raise
    s.close()
    n = h.full(20000, 200000)
    c = h.Imap(1)
    text = b"".join(b"o%d NOOP\r\n" % i for i in range(n // 10))
    for i in range(len(text)):
        c.s.send(text[i:i + 1])
    for i in range(n // 10):
        if not c.line().startswith(b"o%d OK" % i):
            h.fail("records of one octet: NOOP %d" % i)
            break
    return "%d records" % len(text)


def attack_starttls():
    """STARTTLS with words behind it in the clear, and once more within."""
    said = []
    for name, port, first, again, bad in (
            ("imap", h.STARTTLS, b"a STARTTLS\r\n", b"c STARTTLS\r\n",
             rb"c (BAD|NO)"),
            ("smtp", h.SUITE["smtp_port"], b"EHLO a\r\nSTARTTLS\r\n",
             b"EHLO a\r\nSTARTTLS\r\n", rb"(?m)^5\d\d "),
            ("submission", h.SUITE["submission_port"],
             b"EHLO a\r\nSTARTTLS\r\n", b"EHLO a\r\nSTARTTLS\r\n",
             rb"(?m)^5\d\d ")):
        s = h.tcp(port)
        s.recv(4096)
        inject = b"b NOOP\r\n" if name == "imap" else b"NOOP\r\n"
        s.sendall(first + inject)
        data, end = b"", rb"a OK|(?m:^220 )"
        while not re.search(end, data):
            part = s.recv(4096)
            if not part:
                break
            data += part
        try:
            t = h.CONTEXT.wrap_socket(s)
            t.settimeout(1)
            try:
                got = t.recv(4096)
            except OSError:
                got = b""
            if got:
                h.fail("%s: what came before TLS is answered: %r" % (name, got))
            said.append(name + " dropped")
        except OSError:
            said.append(name + " closed")
        s.close()
        s = h.tcp(port)
        s.recv(4096)
        ask(s, first, end)
        t = h.CONTEXT.wrap_socket(s)
        t.settimeout(20)
        got = ask(t, again, bad)
        if not re.search(bad, got):
            h.fail("%s: STARTTLS within TLS: %r" % (name, got))
        t.close()
    return ", ".join(said)


def attack_http():
    """A browser that was sent here, with commands in what it posts."""
    body = b"a NOOP\r\nEHLO a\r\nLHLO a\r\nMAIL FROM:<>\r\nNOOP\r\n" * 20
    post = (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" %
            len(body)) + body
    said = []
    for name, connect in h.ports():
        s = connect()
        flood(s, post, 1)
        data = h.everything(s)
        if data is None:
            h.fail("HTTP on %s: it stays" % name)
        lines = (data or b"").count(b"\r\n")
        said.append("%s %d" % (name, lines))
        s.close()
    return "lines of answer: " + " ".join(said)


# As in hostile.py: KiB that all daemons may grow by, log lines.
ATTACKS = [
    (attack_announced, 8192, 600), (attack_chunks, 8192, 200),
    (attack_base64, 8192, 50), (attack_structure, 24000, 20),
    (attack_unread, 8192, 50), (attack_deaf_idler, 8192, 20),
    (attack_octets, 4096, 20), (attack_starttls, 8192, 50),
    (attack_http, 8192, 50),
]

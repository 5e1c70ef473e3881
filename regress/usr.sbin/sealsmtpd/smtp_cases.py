"""What sealsmtpd says to its clients; run by sealsmtpd_test.

smtp_cases.py CASE SMTP_PORT LMTP_PORT PID      exit status 1: it failed
"""
import os
import random
import select
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

HOST = "127.0.0.1"
PATIENCE = 100  # seconds, where a machine is slow


class Gone(Exception):
    """The server has closed the connection."""


class Client:
    def __init__(self, port, greet=True, path=None):
        if path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(20)
            self.sock.connect(path)
        else:
            self.sock = socket.create_connection((HOST, port), 20)
        self.file = self.sock.makefile("rb")
        self.port = port
        self.lines = []
        expect(self.reply(), "220")
        if greet:
            expect(self.say("LHLO x" if port == LMTP else "EHLO x"), "250")

    def reply(self):
        self.lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise Gone()
            self.lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                return self.lines[-1]

    def send(self, data):
        self.sock.sendall(data)

    def say(self, line):
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def to(self, *rcpts, sender="a@b.test"):
        expect(self.say("MAIL FROM:<%s>" % sender), "250")
        for r in rcpts:
            expect(self.say("RCPT TO:<%s>" % r), "250")

    def data(self, body):
        expect(self.say("DATA"), "354")
        self.send(body + b".\r\n")
        return self.reply()

    def gone(self):
        try:
            got = self.reply()
        except (Gone, ConnectionResetError):
            return
        fail("the connection lives: " + got)


def fail(text):
    raise AssertionError(text)


def expect(got, want):
    if not got.startswith(want):
        fail("expected %r, got %r" % (want, got))


ANNA = "anna@example.org"
BOB = "bob@example.org"


def case_relay():
    c = Client(SMTP)
    expect(c.say("MAIL FROM:<x@example.org>"), "250")
    for r in ("x@elsewhere.test", "@example.org:x@elsewhere.test",
              "x@[127.0.0.1]", "x@[IPv6:::1]", "x@sub.example.org",
              "x@example.org.elsewhere.test", "x@example"):
        expect(c.say("RCPT TO:<%s>" % r), "550 5.7.1")
    for r in ("x%elsewhere.test@example.org", "elsewhere.test!x@example.org",
              '"x@elsewhere.test"@example.org', "x@elsewhere.test@example.org",
              "x@example.org@elsewhere.test", "../anna@example.org",
              '"../../x"@example.org', "x"):
        got = c.say("RCPT TO:<%s>" % r)
        if got[:3] not in ("550", "501"):
            fail(r + " " + got)
    expect(c.say("RCPT TO:<ANNA@EXAMPLE.ORG>"), "250")
    c = Client(LMTP)
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("RCPT TO:<x@elsewhere.test>"), "550 5.7.1")


def case_commands():
    c = Client(SMTP, greet=False)
    expect(c.say("MAIL FROM:<a@b.test>"), "503")
    expect(c.say("LHLO x"), "500")
    expect(c.say("HELO x"), "250 mx.test")
    expect(c.say("EHLO <x>"), "501")
    expect(c.say("EHLO x"), "250")
    expect(c.say("RCPT TO:<%s>" % ANNA), "503")
    expect(c.say("DATA"), "503")
    c.to(ANNA)
    expect(c.say("MAIL FROM:<a@b.test>"), "503")
    expect(c.say("RSET"), "250")
    expect(c.say("RCPT TO:<%s>" % ANNA), "503")
    for line, want in (("NOOP x", "250"), ("VRFY anna", "252"),
                       ("EXPN x", "502"), ("HELP", "214"), ("", "500"),
                       ("AUTH PLAIN", "502"), ("FOO", "500")):
        expect(c.say(line), want)
    c = Client(SMTP)
    c.send(b"x" * 9000 + b"\r\n")
    expect(c.reply(), "500 5.5.2")
    c.send(b"NOOP\n")
    expect(c.reply(), "500 5.5.2")
    c.send(b"NOOP\x00\r\n")
    expect(c.reply(), "500 5.5.2")
    expect(c.say("NOOP"), "250")
    c.send(b"NOOP \r x\r\n")
    expect(c.reply(), "500")
    c = Client(SMTP)
    try:
        for i in range(200):
            expect(c.say("FOO"), "500")
    except AssertionError:
        pass
    if i < 5 or i > 100:
        fail("%d bad commands" % i)
    c.gone()
    c = Client(SMTP)
    for i in range(300):
        if c.say("NOOP")[:3] == "421":
            break
    else:
        fail("300 commands without mail")
    c.gone()
    c = Client(SMTP, greet=False)
    expect(c.say("GET / HTTP/1.1"), "421")
    c.gone()
    c = Client(SMTP)
    expect(c.say("QUIT"), "221")
    c.gone()


def case_pipelining():
    c = Client(SMTP)
    c.send(b"MAIL FROM:<a@b.test>\r\nRCPT TO:<anna@example.org>\r\n"
           b"RCPT TO:<no@example.org>\r\nDATA\r\n")
    for want in ("250", "250", "550 5.1.1", "354"):
        expect(c.reply(), want)
    c.send(b"Subject: x\r\n\r\ny\r\n.\r\nMAIL FROM:<>\r\n"
           b"RCPT TO:<bob@example.org>\r\nRSET\r\nQUIT\r\nNOOP\r\n")
    for want in ("250", "250", "250", "250", "221"):
        expect(c.reply(), want)
    c.gone()
    c = Client(SMTP)
    c.send(b"NOOP\r\n" * 50)
    for _ in range(50):
        expect(c.reply(), "250")
    # A byte at a time is the same.
    for b in b"MAIL FROM:<a@b.test>\r\n":
        c.send(bytes([b]))
    expect(c.reply(), "250")


def case_lmtp():
    c = Client(LMTP)
    expect(c.say("EHLO x"), "500")
    expect(c.say("HELO x"), "500")
    c.to(ANNA, BOB)
    expect(c.say("RCPT TO:<no@example.org>"), "550 5.1.1")
    expect(c.say("RCPT TO:<gone@example.org>"), "550 5.2.1")
    expect(c.data(b"Subject: x\r\n\r\ny\r\n"), "250 2.1.5 " + ANNA)
    expect(c.reply(), "250 2.1.5 " + BOB)
    expect(c.say("NOOP"), "250")
    c.to(ANNA, BOB)
    expect(c.data(b"x\ny\r\n"), "550 5.6.0")
    expect(c.reply(), "550 5.6.0")
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("DATA"), "503")
    expect(c.say("RSET"), "250")
    c.to(ANNA, BOB)
    c.send(b"BDAT 5\r\nabc\r\n")
    expect(c.reply(), "250 2.0.0")
    c.send(b"BDAT 3 LAST\r\nd\r\n")
    expect(c.reply(), "250 2.1.5 " + ANNA)
    expect(c.reply(), "250 2.1.5 " + BOB)
    c = Client(LMTP, path="r/lmtp.sock")
    c.to(ANNA)
    expect(c.data(b"x\r\n"), "250")


def case_chunking():
    c = Client(SMTP)
    if "250-CHUNKING" not in c.lines:
        fail("no CHUNKING")
    c.to(ANNA)
    body = b"X: y\r\n\r\n.\r\n.\r\n..\r\nno end of line"
    c.send(b"BDAT 9\r\n" + body[:9])
    expect(c.reply(), "250")
    expect(c.say("RCPT TO:<%s>" % BOB), "503")
    expect(c.say("DATA"), "503")
    c.send(b"BDAT %d\r\n" % (len(body) - 9) + body[9:] + b"BDAT 0 LAST\r\n")
    expect(c.reply(), "250")
    expect(c.reply(), "250 2.0.0 Ok")
    c.send(b"BDAT 6\r\nQUIT\r\n")
    expect(c.reply(), "503")
    expect(c.say("MAIL FROM:<a@b.test>"), "250")
    c.send(b"BDAT 6 LAST\r\nQUIT\r\n")
    expect(c.reply(), "503")
    expect(c.say("RSET"), "250")
    for chunk in (b"a\nb", b"a\rb", b"\n", b"a\r"):
        c.to(ANNA)
        c.send(b"BDAT %d LAST\r\n" % len(chunk) + chunk)
        expect(c.reply(), "550 5.6.0")
    c.to(ANNA)
    c.send(b"BDAT 2\r\na\r")
    expect(c.reply(), "250")
    c.send(b"BDAT 1 LAST\r\n\n")
    expect(c.reply(), "250 2.0.0 Ok")
    for bad in ("BDAT", "BDAT x", "BDAT -1", "BDAT 1 2"):
        c = Client(SMTP)
        expect(c.say(bad), "501")
        c.gone()
    c = Client(SMTP)
    expect(c.say("BDAT 99999999999"), "552 5.3.4")
    c.gone()


def case_smuggling():
    for bad in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n",
                b"\r\n.\rx", b"\r.\n", b"\n.\rx", b"\r\r\n.\r\r\n",
                b"\r\n\r.\r\n"):
        for port in (SMTP, LMTP):
            c = Client(port)
            c.to(ANNA)
            expect(c.say("DATA"), "354")
            c.send(b"Subject: x\r\n\r\ny" + bad + b"MAIL FROM:<x@y.test>\r\n"
                   b"RCPT TO:<bob@example.org>\r\nDATA\r\nz\r\n.\r\n")
            expect(c.reply(), "550 5.6.0")
            c.gone()
    for bad in (b"a\nb", b"a\rb", b"\n", b"a\r\r", b"a\n\r"):
        c = Client(SMTP)
        c.to(ANNA)
        expect(c.data(b"X: y\r\n\r\n" + bad + b"\r\n"), "550 5.6.0")
        expect(c.say("NOOP"), "250")
    for good in (b"a\r\n.\x00\r\nb", b"..\r\n", b"a\x85.\x85b", b". \r\n"):
        c = Client(SMTP)
        c.to(ANNA)
        expect(c.data(b"X: y\r\n\r\n" + good + b"\r\n"), "250 2.0.0")


def case_limits():
    c = Client(SMTP)
    if "250-SIZE %d" % (20 << 20) not in c.lines:
        fail("SIZE: %s" % c.lines)
    expect(c.say("MAIL FROM:<a@b.test> SIZE=%d" % ((20 << 20) + 1)),
           "552 5.3.4")
    expect(c.say("MAIL FROM:<a@b.test> SIZE=%d" % (20 << 20)), "250")
    expect(c.say("RCPT TO:<%s>" % ANNA), "250")
    line = b"x" * 1022 + b"\r\n"
    expect(c.data(line * (20 << 10)), "250 2.0.0")
    c.to(ANNA)
    expect(c.data(line * (20 << 10) + b"\r\n"), "552 5.3.4")
    expect(c.say("NOOP"), "250")
    c.to(ANNA)
    expect(c.data(b"x" * 3000000 + b"\r\n"), "250 2.0.0")
    c.to(ANNA)
    expect(c.data(b"Received: x\r\n" * 50 + b"\r\n"), "250 2.0.0")
    c.to(ANNA)
    expect(c.data(b"Received: x\r\n" * 51 + b"\r\n"), "554 5.4.6")
    c.to(ANNA)
    expect(c.data(b"X: y\r\n\r\n" + b"Received: x\r\n" * 60), "250 2.0.0")
    expect(c.say("MAIL FROM:<a@b.test>"), "250")
    for i in range(100):
        expect(c.say("RCPT TO:<anna+%d@example.org>" % (i % 3)), "250")
    expect(c.say("RCPT TO:<%s>" % ANNA), "452 4.5.3")
    expect(c.data(b"x\r\n"), "250 2.0.0")


OVER = 16 << 20  # what is read over before the door, by sealsmtpd(8)
MAX = 20 << 20


def pour(c):
    """Sends lines of a message until nobody takes them; how many octets."""
    block = (b"x" * 1022 + b"\r\n") * 64
    sent = 0
    c.sock.settimeout(PATIENCE)
    try:
        while sent < 8 * (MAX + OVER):
            sent += c.sock.send(block)
    except (BrokenPipeError, ConnectionResetError):
        pass
    return sent


def case_endless():
    """What is far too large is not read for ever."""
    for port, rcpts in ((SMTP, (ANNA,)), (LMTP, (ANNA, BOB))):
        c = Client(port)
        c.to(*rcpts)
        expect(c.say("DATA"), "354")
        sent = pour(c)
        if sent < MAX + OVER or sent >= 8 * (MAX + OVER):
            fail("%d octets" % sent)
        for _ in rcpts:
            expect(c.reply(), "552 5.3.4")
        expect(c.reply(), "421 4.3.4")
        c.gone()
    # Chunks that nobody gets: one that was sent too early is no crime.
    c = Client(SMTP)
    c.send(b"BDAT %d LAST\r\n" % MAX + b"x" * MAX)
    expect(c.reply(), "503 5.5.1")
    c.send(b"BDAT %d LAST\r\n" % OVER + b"x" * OVER)
    expect(c.reply(), "503 5.5.1")
    expect(c.say("BDAT 1"), "503 5.5.1")
    expect(c.reply(), "421 4.3.4")
    c.gone()
    # A message in between is a new beginning.
    c = Client(LMTP)
    for _ in range(2):
        c.send(b"BDAT %d LAST\r\n" % MAX + b"x" * MAX)
        expect(c.reply(), "503 5.5.1")
        c.to(ANNA)
        expect(c.data(b"X: y\r\n\r\nz\r\n"), "250 2.")
    # Of a message that comes in chunks, the one that goes too far is read.
    c.to(ANNA)
    c.send(b"BDAT %d\r\n" % MAX + b"x" * MAX)
    expect(c.reply(), "250")
    c.send(b"BDAT %d\r\n" % OVER + b"x" * OVER)
    expect(c.reply(), "552 5.3.4")
    c.to(ANNA)
    expect(c.data(b"X: y\r\n\r\nz\r\n"), "250 2.")


def tls_context():
    return ssl.create_default_context(cafile="cert.pem")


def case_starttls():
    c = Client(SMTP)
    if "250-STARTTLS" not in c.lines:
        fail("no STARTTLS")
    expect(c.say("STARTTLS x"), "501")
    c.to(ANNA)
    expect(c.say("STARTTLS"), "220")
    c.sock = tls_context().wrap_socket(c.sock, server_hostname="mx.test")
    c.file = c.sock.makefile("rb")
    expect(c.say("DATA"), "503")
    expect(c.say("MAIL FROM:<a@b.test>"), "503")
    expect(c.say("EHLO x"), "250")
    if "250-STARTTLS" in c.lines:
        fail("STARTTLS twice")
    expect(c.say("STARTTLS"), "503")
    c.to(ANNA)
    expect(c.data(b"Subject: safe\r\n\r\nx\r\n"), "250 2.0.0")
    big = b"X: y\r\n\r\n" + os.urandom(1 << 20).hex().encode() + b"\r\n"
    c.to(ANNA)
    expect(c.data(big), "250 2.0.0")
    expect(c.say("QUIT"), "221")
    # What comes in clear behind STARTTLS is never done.
    c = Client(SMTP)
    c.send(b"STARTTLS\r\nMAIL FROM:<x@y.test>\r\n")
    expect(c.reply(), "554 5.5.1")
    c.gone()
    # Rubbish instead of a handshake.
    c = Client(SMTP)
    expect(c.say("STARTTLS"), "220")
    c.send(b"EHLO x\r\n" * 10)
    try:
        while c.sock.recv(4096):
            pass
    except ConnectionResetError:
        pass
    c = Client(LMTP)
    expect(c.say("STARTTLS"), "503")


def case_states():
    for port in (SMTP, LMTP):
        c = Client(port)
        expect(c.say("MAIL FROM:<>"), "250")
        expect(c.say("RCPT TO:<no@example.org>"), "550 5.1.1")
        expect(c.say("RCPT TO:<no@other.test>"), "550 5.1.1")
        expect(c.say("RCPT TO:<gone@example.org>"), "550 5.2.1")
        expect(c.say("RCPT TO:<anna+any.thing@example.org>"), "250")
        expect(c.say("RSET"), "250")
    # Bounce addresses are longer than RFC 5321's 64 octets.
    c = Client(SMTP)
    c.to(ANNA, sender="b" * 255 + "@b.test")
    expect(c.data(b"x\r\n"), "250")
    expect(c.say("MAIL FROM:<%s@b.test>" % ("b" * 256)), "501 5.1.7")
    c = Client(LMTP)
    c.to("full@example.org")
    expect(c.data(b"x\r\n"), "250")
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("RCPT TO:<full@example.org>"), "452 4.2.2")
    expect(c.say("RSET"), "250")
    expect(c.say("MAIL FROM:<> SIZE=2000"), "250")
    expect(c.say("RCPT TO:<full@example.org>"), "452 4.2.2")
    # Who says nothing of the size, lies, or comes many at once.
    # Of what is sent, a half to two thirds is on the disk.
    big = b"X: y\r\n\r\n" + os.urandom(700000).hex().encode() + b"\r\n"
    mailtool("limits", "base", BOB, str(len(big) * 18 // 10))
    c = Client(LMTP)
    for size, code in (("", "250"), (" SIZE=10", "250"), ("", "452 4.2.2"),
                       (" SIZE=10", "452 4.2.2")):
        expect(c.say("MAIL FROM:<>" + size), "250")
        expect(c.say("RCPT TO:<%s>" % BOB), "250")
        expect(c.data(big), code)
    expect(c.say("MAIL FROM:<> SIZE=%d" % len(big)), "250")
    expect(c.say("RCPT TO:<%s>" % BOB), "452 4.2.2")
    # What is small has its place yet.
    expect(c.say("RSET"), "250")
    c.to(BOB)
    expect(c.data(b"x\r\n"), "250")
    mailtool("limits", "base", BOB, str(len(big) * 32 // 10))
    time.sleep(0.3)
    many = [Client(SMTP) for _ in range(6)]
    for c in many:
        c.to(BOB)
        expect(c.say("DATA"), "354")
        c.send(big[:len(big) // 2])
    for c in many:
        c.send(big[len(big) // 2:] + b".\r\n")
    got = [c.reply()[:9] for c in many]
    if got.count("452 4.2.2") < 3 or set(got) > {"452 4.2.2", "250 2.0.0"}:
        fail(repr(got))

    # Closed a moment ago: said now, or when all of the message is there.
    c = Client(SMTP)
    c.to(BOB)
    expect(c.data(b"x\r\n"), "250")
    mailtool("limits", "base", BOB, "0", "disabled")
    expect(c.say("MAIL FROM:<>"), "250")
    reply = c.say("RCPT TO:<%s>" % BOB)
    if reply.startswith("250"):
        reply = c.data(b"x\r\n")
    expect(reply, "550 5.2.1")
    time.sleep(0.3)
    expect(c.say("RSET"), "250")
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("RCPT TO:<%s>" % BOB), "550 5.2.1")
    mailtool("limits", "base", BOB, "0")


def case_utf8():
    c = Client(SMTP)
    expect(c.say("MAIL FROM:<\u00e9@b.test>"), "553 5.6.7")
    expect(c.say("MAIL FROM:<\u00e9@b.test> SMTPUTF8 BODY=8BITMIME"), "250")
    expect(c.say("RCPT TO:<jos\u00e9@example.org>"), "550 5.1.1")
    expect(c.say("RCPT TO:<%s>" % ANNA), "250")
    expect(c.data("Subject: \u00e9\r\n\r\n\u00e9\r\n".encode()), "250")
    c.send(b"MAIL FROM:<\xc3@b.test> SMTPUTF8\r\n")
    expect(c.reply(), "500")



def case_identity():
    rnd = random.Random(7)
    octets = bytes(x for x in range(256) if x not in (10, 13))
    bodies = {
        "plain": b"hello\r\n",
        "empty": b"",
        "dots": b".\r\n..\r\n...\r\n.a\r\n",
        "octets": octets + b"\r\n",
        "long": b"x" * 200000 + b"\r\n",
        "lines": b"\r\n" * 70000,
        "chunk": b"y" * 65536 * 3 + b"\r\n",
        "random": b"".join(
            bytes(rnd.choices(octets, k=rnd.randrange(200))) + b"\r\n"
            for _ in range(20000)),
    }
    os.mkdir("sent")
    for i, (name, body) in enumerate(sorted(bodies.items())):
        message = b"X-Case: %s\r\n\r\n" % name.encode() + body
        with open("sent/" + name, "wb") as f:
            f.write(message)
        c = Client((SMTP, LMTP)[i % 2])
        c.to(ANNA)
        # Not splitlines(): it takes a lone \x0b or \x85 for a line end.
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        expect(c.data(stuffed), "250")
    message = b"X-Case: bdat\r\n\r\n.\r\n" + bodies["random"] + b"no newline"
    with open("sent/bdat", "wb") as f:
        f.write(message)
    c = Client(SMTP)
    c.to(ANNA)
    for i in range(0, len(message), 70001):
        part = message[i:i + 70001]
        last = b" LAST" if i + 70001 >= len(message) else b""
        c.send(b"BDAT %d%s\r\n" % (len(part), last) + part)
        expect(c.reply(), "250")


def case_aliases():
    """anna gets 4, bob 7; see the test."""
    c = Client(SMTP)
    for r in ("both@example.org", "both+x@other.test", "chain@example.org"):
        c.to(r)
        expect(c.data(b"X: y\r\n\r\n"), "250")
        # anna@example.org is an alias for both, too: 1 each.
    c.to("postmaster")
    expect(c.data(b"x\r\n"), "250")             # bob
    c.to("Postmaster@OTHER.test", "postmaster")  # bob, once
    expect(c.data(b"x\r\n"), "250")
    c.to("half@example.org")                    # bob
    expect(c.data(b"x\r\n"), "250")
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("RCPT TO:<loop@example.org>"), "550")
    expect(c.say("RCPT TO:<x@elsewhere.test>"), "550 5.7.1")
    expect(c.say("RSET"), "250")
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("RCPT TO:<stranger@example.org>"), "550 5.1.1")
    expect(c.say("RCPT TO:<gone@example.org>"), "550 5.2.1")
    expect(c.say("RCPT TO:<stranger@other.test>"), "250")  # bob
    expect(c.data(b"x\r\n"), "250")
    c.to("bob+x@example.org")                   # anna alone, no bob
    expect(c.data(b"x\r\n"), "250")


def mailtool(*args):
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "mailtool")
    subprocess.run([tool, *args], check=True)


def case_partial():
    """bob is disabled between RCPT and DATA; anna gets it once, bob too."""
    body = b"X: y\r\n\r\nonce\r\n"
    c = Client(SMTP)
    c.to(ANNA, BOB)
    mailtool("limits", "base", BOB, "0", "disabled")
    expect(c.data(body), "451 4.3.0")
    mailtool("limits", "base", BOB, "0")
    c.to(ANNA, BOB)
    expect(c.data(body), "250 2.0.0")
    # The note has served: the same again is a new message.
    c.to(ANNA, BOB)
    expect(c.data(body), "250 2.0.0")
    # A client that tries again one by one.
    c.to(ANNA, BOB)
    mailtool("limits", "base", BOB, "0", "disabled")
    expect(c.data(body), "451 4.3.0")
    mailtool("limits", "base", BOB, "0")
    for r in (ANNA, BOB):
        c.to(r)
        expect(c.data(body), "250 2.0.0")
    # One recipient alone: its own error.
    c.to(BOB)
    mailtool("limits", "base", BOB, "0", "disabled")
    expect(c.data(body), "550 5.2.1")
    # LMTP: each recipient its own.
    mailtool("limits", "base", BOB, "0")
    c = Client(LMTP)
    c.to(ANNA, BOB)
    mailtool("limits", "base", BOB, "0", "disabled")
    expect(c.data(body), "250 2.1.5")
    expect(c.reply(), "550 5.2.1")
    c.to(ANNA)
    expect(c.data(body), "250 2.1.5")


def case_vanish():
    for octets in (0, 1, 1000, 100000, 3000000):
        for how in ("close", "reset"):
            c = Client(SMTP)
            c.to(ANNA, BOB)
            expect(c.say("DATA"), "354")
            c.send((os.urandom(38).hex().encode() + b"\r\n") *
                   (octets // 78))
            if how == "reset":
                c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  b"\x01\0\0\0\0\0\0\0")
            c.file.close()
            c.sock.close()
    time.sleep(0.5)
    c = Client(SMTP)
    c.to(ANNA)
    expect(c.data(b"x\r\n"), "250")


def case_silence():
    """command-timeout is 10: neither silence nor a half message lasts."""
    began = time.time()
    idle = Client(SMTP)
    amid = Client(SMTP)
    amid.to(ANNA)
    expect(amid.say("DATA"), "354")
    amid.send(b"X: y\r\n")
    busy = Client(SMTP)
    silent = [idle.sock, amid.sock]
    while silent or time.time() - began < 11:
        expect(busy.say("NOOP"), "250")
        for s in select.select(silent, [], [], 1)[0]:
            silent.remove(s)
            if time.time() - began < 9:
                fail("sent away too soon")
    expect(idle.reply(), "421 4.4.2")
    idle.gone()
    expect(amid.reply(), "421 4.4.2")
    amid.gone()
    expect(busy.say("NOOP"), "250")


def case_nospace():
    c = Client(SMTP)
    expect(c.say("MAIL FROM:<>"), "250")
    expect(c.say("RCPT TO:<%s>" % ANNA), "452 4.3.1")


def case_thousand():
    failures = []

    def work(first, port):
        try:
            c = Client(port)
            for i in range(first, first + 125):
                c.to(ANNA)
                expect(c.data(b"X-Id: %d\r\n\r\n" % i + b"z" * (i * 97 % 9000)
                              + b"\r\n"), "250")
        except Exception as e:  # pylint: disable=broad-except
            failures.append(repr(e))

    threads = [threading.Thread(target=work, args=(i * 125, (SMTP, LMTP)[i % 2]))
               for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failures:
        fail(str(failures))


def children(pid):
    found = []
    for p in os.listdir("/proc"):
        try:
            with open("/proc/%s/stat" % p, encoding="utf-8") as f:
                stat = f.read()
        except (OSError, ValueError):
            continue
        name = stat[stat.index("(") + 1:stat.rindex(")")]
        if p.isdigit() and stat[stat.rindex(")"):].split()[2] == str(pid):
            found.append((int(p), name))
    return found


def went_on(acked, n, end):
    """So many more had 250 before the end."""
    n += len(acked)
    while len(acked) < n:
        if time.time() > end:
            return False
        time.sleep(0.02)
    return True


def case_killed():
    lock = threading.Lock()
    acked = []
    numbers = iter(range(1000000))
    over = threading.Event()

    def work(port):
        while not over.is_set():
            try:
                c = Client(port)
                while not over.is_set():
                    with lock:
                        n = next(numbers)
                    c.to(ANNA)
                    body = b"X-Id: %d\r\n\r\n" % n + b"z" * (n * 31 % 99999)
                    if c.data(body + b"\r\n").startswith("250"):
                        with lock:
                            acked.append(n)
            except (OSError, Gone, AssertionError):
                time.sleep(0.05)

    threads = [threading.Thread(target=work, args=((SMTP, LMTP)[i % 2],))
               for i in range(6)]
    for t in threads:
        t.start()
    rnd = random.Random(3)
    killed = []
    end = time.time() + PATIENCE
    # Mail goes in between the deaths, and after the last one.
    while (len(killed) < 8 or
           not {"smtp-engine", "smtp-deliver"} <= set(killed) or
           not went_on(acked, 10, end)):
        if not went_on(acked, 15, end):
            fail("hardly anything goes in: %d, killed %s" % (
                len(acked), killed))
        pid, name = rnd.choice(children(PID))
        killed.append(name)
        os.kill(pid, signal.SIGKILL)
    over.set()
    for t in threads:
        t.join()
    with open("acked", "w", encoding="utf-8") as f:
        f.writelines("X-Id: %d\n" % n for n in acked)
    # It heals by itself.
    for _ in range(100):
        try:
            c = Client(SMTP)
            c.to(ANNA)
            expect(c.data(b"x\r\n"), "250")
            return
        except (OSError, Gone, AssertionError):
            time.sleep(0.1)
    fail("it does not come back")


def holds(pid, secrets):
    with open("/proc/%d/maps" % pid, encoding="utf-8") as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            where, perms = line.split()[:2]
            if perms[:2] != "rw":
                continue
            begin, end = [int(x, 16) for x in where.split("-")]
            try:
                mem.seek(begin)
                octets = mem.read(end - begin)
            except OSError:
                continue
            if any(s in octets for s in secrets):
                return True
    return False


def case_forgets():
    """What smtp-deliver agreed on with a recipient's key it soon forgets."""
    pids = [pid for pid, name in children(PID) if name == "smtp-deliver"]
    tool = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "mailtool")
    c = Client(LMTP)
    seen = False
    for _ in range(50):
        c.to(ANNA)
        expect(c.data(b"x\r\n"), "250")
        # Its second must not end while it is looked at.
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        out = subprocess.run([tool, "agreed", "base", ANNA], check=True,
                             stdout=subprocess.PIPE).stdout
        secrets = [bytes.fromhex(s.decode()) for s in out.split()]
        seen = any(holds(pid, secrets) for pid in pids)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        if seen:
            break
    if not seen:
        fail("never seen: the test looks at nothing")
    end = time.time() + 30
    while any(holds(pid, secrets) for pid in pids):
        if time.time() > end:
            fail("smtp-deliver still has what opens the mail")
        time.sleep(0.1)


if sys.argv[1] == "up":
    SMTP, LMTP = int(sys.argv[2]), -1
    try:
        Client(SMTP).to("bob@nowhere.test")
    except AssertionError as error:
        sys.exit("550 5.7.1" not in str(error))
    except (OSError, Gone):
        sys.exit(1)
else:
    SMTP, LMTP, PID = (int(x) for x in sys.argv[2:5])
    globals()["case_" + sys.argv[1]]()

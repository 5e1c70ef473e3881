"""What submission says to its clients; run by submission_test.

submission.py SERVER_JSON CASE [ARGUMENT ...]     exit status 1: it failed
"""
import base64
import hashlib
import hmac
import imaplib
import json
import os
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
import time

with open(sys.argv[1]) as f:
    S = json.load(f)
CONTEXT = ssl.create_default_context(cafile=S["cafile"])
DOMAIN = S["domain"]
PASSWORD = S["password"]


def user(n):
    return "user%04d@%s" % (n, DOMAIN)


def fail(text):
    raise AssertionError(text)


def expect(got, want):
    if not got.startswith(want):
        fail("expected %r, got %r" % (want, got))


def b64(text):
    if isinstance(text, str):
        text = text.encode()
    return base64.b64encode(text).decode()


class Client:
    """tls: "first" (submissions), "start" (submission), "none"."""

    def __init__(self, tls="first", address="127.0.0.1"):
        port = S["submissions_port" if tls == "first" else "submission_port"]
        self.sock = socket.create_connection(
            ("127.0.0.1", port), 60, (address, 0))
        if tls == "first":
            self.secure()
        self.file = self.sock.makefile("rb")
        expect(self.reply(), "220")
        self.hello()
        if tls == "start":
            expect(self.say("STARTTLS"), "220")
            self.secure()
            self.file = self.sock.makefile("rb")
            self.hello()

    def secure(self):
        self.sock = CONTEXT.wrap_socket(
            self.sock, server_hostname="localhost")

    def hello(self):
        expect(self.say("EHLO secret-host.test"), "250")
        self.offers = [line[4:] for line in self.lines]

    def reply(self):
        self.lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionResetError("closed")
            self.lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                return self.lines[-1]

    def send(self, text):
        self.sock.sendall(text.encode() + b"\r\n")

    def say(self, line):
        self.send(line)
        return self.reply()

    def plain(self, name=user(1), password=PASSWORD):
        return self.say("AUTH PLAIN " + b64("\0%s\0%s" % (name, password)))

    def login(self, name=user(1), password=PASSWORD):
        expect(self.plain(name, password), "235 2.7.0")
        return self

    def data(self, text):
        expect(self.say("DATA"), "354")
        self.sock.sendall(text.replace("\n", "\r\n").encode() + b".\r\n")
        return self.reply()

    def closed(self):
        try:
            got = self.reply()
        except (ConnectionResetError, ssl.SSLError):
            return
        fail("the connection lives: " + got)


def mailbox(n):
    """All messages of a user's INBOX, newest last."""
    m = imaplib.IMAP4_SSL("localhost", S["imaps_port"], ssl_context=CONTEXT)
    m.login(user(n), PASSWORD)
    n = int(m.select("INBOX", True)[1][0])
    got = [m.fetch(str(i + 1), "(BODY.PEEK[])")[1][0][1].decode()
           for i in range(n)]
    m.logout()
    return got


def mail(sender=user(1), to=user(2), more="", author=None):
    return "From: %s\nTo: %s\n%sSubject: a test\n\nbody\n" % (
        author if author is not None else sender, to, more)


def commands():
    c = Client("none")
    if any(o.startswith("AUTH") for o in c.offers):
        fail("AUTH in clear")
    if "STARTTLS" not in c.offers:
        fail("no STARTTLS")
    expect(c.plain(), "538 5.7.11")
    expect(c.say("MAIL FROM:<%s>" % user(1)), "530 5.7.0")
    expect(c.say("RCPT TO:<%s>" % user(1)), "503")
    expect(c.say("DATA"), "503")
    for tls in "start", "first":
        c = Client(tls)
        if "AUTH PLAIN LOGIN" not in c.offers or "STARTTLS" in c.offers:
            fail("offers %r" % c.offers)
        expect(c.say("STARTTLS"), "503")
        expect(c.say("MAIL FROM:<%s>" % user(1)), "530 5.7.0")
        expect(c.say("MAIL FROM:<>"), "530 5.7.0")
        expect(c.say("AUTH"), "501 5.5.4")
        expect(c.say("AUTH CRAM-MD5"), "504 5.5.4")
        expect(c.say("AUTH SCRAM-SHA-256"), "504 5.5.4")
        expect(c.say("AUTH PLAIN !!!!"), "501 5.5.2")
        expect(c.say("AUTH PLAIN " + b64("no zeros")), "501 5.5.2")
        expect(c.say("AUTH PLAIN ="), "501 5.5.2")
        expect(c.say("AUTH PLAIN"), "334 ")
        expect(c.say("*"), "501 5.7.0")
        expect(c.say("AUTH LOGIN"), "334 " + b64("Username:"))
        expect(c.say("*"), "501 5.7.0")
        expect(c.say("AUTH LOGIN"), "334")
        expect(c.say(b64("x")), "334 " + b64("Password:"))
        expect(c.say("*"), "501 5.7.0")
        # RFC 4954 4: 12,288 octets are a line, more are not.
        expect(c.say("AUTH PLAIN"), "334")
        expect(c.say("A" * 12284), "501 5.5.2")
        expect(c.say("AUTH PLAIN"), "334")
        expect(c.say("A" * 20000), "500 5.5.6")
        expect(c.say("NOOP"), "250")
        c = Client(tls)
        expect(c.say("AUTH PLAIN"), "334")
        expect(c.say(b64("\0%s\0%s" % (user(1), PASSWORD))), "235 2.7.0")
        expect(c.plain(), "503 5.5.1")
        expect(c.say("MAIL FROM:<%s> AUTH=<>" % user(1)), "250")
        expect(c.plain(), "503 5.5.1")
        expect(c.say("RCPT TO:<somebody@elsewhere.test>"), "550 5.7.1"
               if not relays() else "250")
        expect(c.say("RSET"), "250")
        expect(c.say("MAIL FROM:<%s> AUTH=x+ZZ" % user(1)), "501 5.5.4")
    # AUTH= is known where AUTH is.
    p = socket.create_connection(("127.0.0.1", S["smtp_port"]), 60)
    p.sendall(b"EHLO x\r\nAUTH PLAIN AAAA\r\n"
              b"MAIL FROM:<a@b.test> AUTH=<>\r\nQUIT\r\n")
    got = p.makefile("rb").read().decode()
    for want in "502 5.5.1", "555 5.5.4":
        if want not in got:
            fail(got)


def relays():
    return "relay_port" in S


def injected():
    for what in "AUTH PLAIN AAAA", "NOOP", "MAIL FROM:<%s>" % user(1):
        p = socket.create_connection(
            ("127.0.0.1", S["submission_port"]), 60)
        f = p.makefile("rb")
        f.readline()
        p.sendall(b"EHLO x\r\n")
        while f.readline()[3:4] == b"-":
            pass
        p.sendall(b"STARTTLS\r\n" + what.encode() + b"\r\n")
        expect(f.readline().decode(), "554 5.5.1")
        if f.read() != b"":
            fail("it went on after " + what)


class Bound(Client):
    """A connection of another's TLS, which tells its exporter's value."""

    def __init__(self, *options):
        self.p = subprocess.Popen(
            ["openssl", "s_client", "-connect",
             "localhost:%d" % S["submissions_port"], "-CAfile", S["cafile"],
             "-ign_eof", "-keymatexport", "EXPORTER-Channel-Binding",
             "-keymatexportlen", "32", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.channel, self.file = b"", self
        expect(self.reply(), "220")
        self.hello()

    def readline(self):
        """The next line that is SMTP; openssl says other things, too."""
        while True:
            line = self.p.stdout.readline()
            if b"Keying material:" in line:
                self.channel = bytes.fromhex(line.split(b":")[1].decode())
            if not line or line[:3].isdigit() and line[3:4] in b"- ":
                return line

    def send(self, text):
        self.p.stdin.write(text.encode() + b"\r\n")
        self.p.stdin.flush()

    def close(self):
        self.p.kill()
        self.p.wait()


def plus(name, password):
    """RFC 5802 section 6, RFC 9266"""
    bound = "p=tls-exporter,,"
    for header, channel, mechanism, want in (
            (bound, None, "SCRAM-SHA-256-PLUS", True),
            ("n,,", b"", "SCRAM-SHA-256", True),
            (bound, bytes(32), "SCRAM-SHA-256-PLUS", "501 5.5.2"),
            (bound, None, "SCRAM-SHA-256", "504 5.5.4"),
            ("p=tls-server-end-point,,", None, "SCRAM-SHA-256-PLUS",
             "504 5.5.4"),
            ("n,,", b"", "SCRAM-SHA-256-PLUS", "501 5.5.2"),
            ("y,,", b"", "SCRAM-SHA-256", "504 5.5.4")):
        c = Bound("-tls1_3")
        if not any("SCRAM-SHA-256-PLUS" in o for o in c.offers):
            fail("offers %r" % c.offers)
        if scram(c, name, password, header=header, mechanism=mechanism,
                 channel=c.channel if channel is None else channel,
                 refusal=want) is not (want is True):
            fail("%s %s" % (header, mechanism))
        c.close()
    c = Bound("-tls1_2")
    if any("PLUS" in o for o in c.offers):
        fail("offered with TLS 1.2")
    expect(c.say("AUTH SCRAM-SHA-256-PLUS"), "504 5.5.4")
    c.close()


def scram(c, name, password, spoil=False, initial=True, header="n,,",
          mechanism="SCRAM-SHA-256", channel=b"", refusal="535 5.7.8"):
    """RFC 5802; True: both sides have proved it."""
    first = "n=%s,r=%s" % (name, b64(os.urandom(12)))
    if initial:
        got = c.say("AUTH %s %s" % (mechanism, b64(header + first)))
    else:
        expect(c.say("AUTH " + mechanism), "334 ")
        got = c.say(b64(header + first))
    if not got.startswith("334"):
        expect(got, refusal)
        return False
    server = base64.b64decode(got[4:]).decode()
    parts = dict(p.split("=", 1) for p in server.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(),
                                 base64.b64decode(parts["s"]),
                                 int(parts["i"]))

    def mac(key, text):
        return hmac.new(key, text, "sha256").digest()

    last = "c=%s,r=%s" % (
        base64.b64encode(header.encode() + channel).decode(), parts["r"])
    auth = ",".join((first, server, last)).encode()
    key = mac(salted, b"Client Key")
    proof = bytes(a ^ b for a, b in zip(
        key, mac(hashlib.sha256(key).digest(), auth)))
    if spoil:
        proof = bytes(32)
    got = c.say(b64(last + ",p=" + b64(proof)))
    if not got.startswith("334"):
        expect(got, refusal)
        return False
    want = "v=" + b64(mac(mac(salted, b"Server Key"), auth))
    if base64.b64decode(got[4:]).decode() != want:
        fail("the server's signature is wrong")
    expect(c.say(""), "235 2.7.0")
    return True


def mechanisms():
    c = Client()
    if "AUTH PLAIN LOGIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS" not in c.offers:
        fail("offers %r" % c.offers)
    # Of the main password there is no SCRAM: as a wrong one, and as nobody's.
    if scram(c, user(1), PASSWORD) or scram(c, "nobody", "x"):
        fail("a proof of nothing")
    expect(c.say("AUTH SCRAM-SHA-256 " + b64("p=tls-exporter,,n=a,r=b")),
           "504 5.5.4")
    expect(c.say("AUTH SCRAM-SHA-256 " + b64("n,a=x,n=a,r=b")), "535")
    expect(c.say("AUTH SCRAM-SHA-256 " + b64("nonsense")), "501 5.5.2")
    c = Client()
    expect(c.say("AUTH LOGIN " + b64(user(1))), "334 " + b64("Password:"))
    expect(c.say(b64(PASSWORD)), "235")
    c = Client()
    expect(c.say("auth login"), "334")
    expect(c.say(b64("USER0001")), "334")
    expect(c.say(b64(PASSWORD)), "235")
    # Nobody's name and a wrong password sound alike.
    c = Client()
    said = {c.plain("nobody"), c.plain(user(1), "wrong")}
    if len(said) != 1:
        fail("%r" % said)
    expect(said.pop(), "535 5.7.8")
    # For another one than himself.
    expect(c.say("AUTH PLAIN " + b64(
        "%s\0%s\0%s" % (user(2), user(1), PASSWORD))), "535 5.7.8")
    c = Client()
    expect(c.say("AUTH PLAIN " + b64(
        "%s\0%s\0%s" % (user(1), user(1), PASSWORD))), "235")


def scopes(imap, submission, both):
    codes = []
    for name in imap, submission, both:
        with open(name) as f:
            codes.append(json.load(f)["password"])
    c = Client()
    expect(c.plain(user(1), codes[0]), "535 5.7.8")
    if scram(c, user(1), codes[0]):
        fail("SCRAM beyond its scope")
    for code in codes[1:]:
        Client().login(user(1), code)
        if not scram(Client(), user(1), code) or \
           not scram(Client(), "USER0001", code, initial=False):
            fail("no SCRAM with an app password")
        if scram(Client(), user(1), code, spoil=True):
            fail("SCRAM without a proof")
    plus(user(1), codes[1])
    # A living vault knows the same of them.
    m = imaplib.IMAP4_SSL("localhost", S["imaps_port"], ssl_context=CONTEXT)
    m.login(user(1), codes[0])
    expect(Client().plain(user(1), codes[0]), "535 5.7.8")
    Client().login(user(1), codes[1])
    Client().login()
    m.logout()


def envelope():
    c = Client().login()
    mine = [user(1), user(1).upper(), "user0001+any@" + DOMAIN,
            "info@" + DOMAIN, "INFO+x@" + DOMAIN, "both@" + DOMAIN, ]
    others = [user(2), "other@" + DOMAIN, "user0001+own@" + DOMAIN,
              "nobody@" + DOMAIN, "user0001@elsewhere.test",
              "\"user0001@%s\"@elsewhere.test" % DOMAIN, ]
    for a in mine:
        expect(c.say("MAIL FROM:<%s>" % a), "250")
        expect(c.say("RSET"), "250")
    for a in others:
        got = c.say("MAIL FROM:<%s>" % a)
        if not got.startswith("553 5.7.1"):
            fail("%s: %s" % (a, got))
    c = Client().login(user(2))
    expect(c.say("MAIL FROM:<user0001+own@%s>" % DOMAIN), "250")


def send(c, text, want, sender=user(1), to=user(2)):
    expect(c.say("MAIL FROM:<%s>" % sender), "250")
    expect(c.say("RCPT TO:<%s>" % to), "250")
    got = c.data(text)
    if not got.startswith(want):
        fail("%r: %s, not %s" % (text[:200], got, want))


def authors():
    c = Client().login()
    me, info, him = user(1), "info@" + DOMAIN, user(2)
    good = [
        me, "<%s>" % me, "Anna <%s>" % me, '"B, A." <%s>' % info,
        "A. U. Thor (really (he)) <%s>" % me.upper(), "%s (Anna)" % me,
        "=?utf-8?q?=C3=A4?= <%s>" % me, "a\n\t<%s>" % me,
        '"%s" <%s>' % (him, me), "%s+x@%s" % tuple(me.split("@")), ]
    for author in good:
        send(c, mail(author=author), "250 2.0.0")
    send(c, mail(author="%s, A <%s>" % (me, info), more="Sender: %s\n" % me),
         "250 2.0.0")
    send(c, mail(more="Sender: %s\n" % info), "250 2.0.0")
    c = Client().login()
    other = [him, "%s, %s" % (me, him),
             "x@elsewhere.test", '"%s" <%s>' % (me, him),
             "user0001+own@" + DOMAIN, "(%s) %s" % (me, him), ]
    for author in other:
        send(c, mail(author=author, more="Sender: %s\n" % me), "553 5.7.1")
    send(c, mail(more="Sender: %s\n" % him), "553 5.7.1")
    c = Client().login()
    for author in ("", "<>", "Anna", "<%s" % me, "%s>" % me, "a%s" % him[0],
                   "%s %s" % (me, him), "%s <%s>" % (me, him), "<%s> <%s>" % (me, him),
                   "<@x.test:%s>" % me, "Group: %s;" % me, "%s," % me,
                   "<%s>, " % me, '"%s' % me, "(%s" % me):
        send(c, mail(author=author), "550 5.6.0")
    c = Client().login()
    send(c, mail(author="%s, %s" % (me, info)), "550 5.6.0")
    send(c, mail(more="From: %s\n" % me), "550 5.6.0")
    send(c, mail(more="From : %s\n" % him), "550 5.6.0")
    send(c, mail(more="Sender: %s\nSender: %s\n" % (me, me)), "550 5.6.0")
    send(c, mail(more="Sender: %s, %s\n" % (me, info)), "550 5.6.0")
    send(c, "To: %s\nSubject: x\n\nFrom: %s\n" % (him, me), "550 5.6.0")
    send(c, "\nFrom: %s\n" % me, "550 5.6.0")
    # A line that ends the header for others ends it for us.
    send(c, "To: x\nno field\nFrom: %s\n\nx\n" % me, "550 5.6.0")
    # Nothing of what was refused has come.
    if any(him in m.split("\r\n\r\n")[0].split("From: ")[1].split("\r\n")[0]
           .replace('"%s"' % him, "") for m in mailbox(2)):
        fail("mail in his own name")


def notices():
    c = Client().login()
    report = ("Content-Type: multipart/report; boundary=b;\n"
              "\treport-type=disposition-notification\n")
    send(c, mail(more=report), "250", sender="")
    send(c, mail(), "553 5.7.1", sender="")
    send(c, mail(more="Content-Type: multipart/report\n"), "553", sender="")
    send(c, mail(author=user(2), more=report), "553 5.7.1", sender="")


def header():
    gone = ["Bcc: %s" % user(3), "BCC: secret@elsewhere.test,\n\tmore@x.test",
            "X-Originating-IP: [192.0.2.77]", "X-Client-IP: 192.0.2.77",
            "User-Agent: secret-agent 7", "X-Mailer: secret-mailer",
            "Return-Path: <secret@x.test>", "Delivered-To: secret@x.test"]
    kept = ["X-Other: kept", "Subject: folded\n kept", "MIME-Version: 1.0"]
    c = Client().login()
    more = "".join(line + "\n" for line in gone + kept)
    send(c, "From: %s\n%s\nbody\n" % (user(1), more), "250")
    # By BDAT, octet by octet, and with an empty body.
    text = ("From: %s\r\nBcc: secret@x.test\r\nX-N: 2\r\n\r\n" % user(1))
    expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
    expect(c.say("RCPT TO:<%s>" % user(2)), "250")
    for octet in text:
        c.sock.sendall(b"BDAT 1\r\n" + octet.encode())
        expect(c.reply(), "250")
    expect(c.say("BDAT 0 LAST"), "250 2.0.0")
    # A header that ends within its last field, which may be one that goes.
    for text in ("X-N: 3\r\nFrom: %s" % user(1),
                 "From: %s\r\nBcc: secret@x.test" % user(1)):
        expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
        expect(c.say("RCPT TO:<%s>" % user(2)), "250")
        c.sock.sendall(b"BDAT %d LAST\r\n" % len(text) + text.encode())
        expect(c.reply(), "250 2.0.0")
    date = "Date: Fri, 1 Jan 2021 00:00:00 +0000\n"
    send(c, mail(more=date + "Message-ID: <own@id>\n"), "250")
    got = mailbox(2)
    if len(got) != 5:
        fail("%d messages" % len(got))
    for m in got:
        if "\r\nFrom: %s\r\n" % user(1) not in m:
            fail("another From:\n" + m)
        if "secret" in m or "192.0.2" in m or "127.0.0.1" in m:
            fail("tells of the client:\n" + m)
        if "Received: from localhost\r\n\tby localhost with ESMTPSA id " \
                not in m:
            fail("trace:\n" + m)
        for name in "\r\nDate: ", "\r\nMessage-ID: <", "\r\n\r\n":
            if m.count(name) != 1:
                fail("%r in:\n%s" % (name, m))
    # They came within a moment: in which order is nobody's promise.
    first = [m for m in got if "X-Other: " in m][0]
    for line in kept:
        if line.replace("\n", "\r\n") + "\r\n" not in first:
            fail("%r is gone:\n%s" % (line, first))
    if not first.endswith("\r\n\r\nbody\r\n"):
        fail("body:\n" + first)
    own = [m for m in got if "Date: Fri, 1 Jan 2021" in m]
    if len(own) != 1 or "<own@id>" not in own[0]:
        fail("not his own")
    # Whoever is hidden is so for the others alone: Bcc is no envelope.
    if mailbox(3):
        fail("Bcc was followed")
    # Who is here has it from nobody's queue.
    stats = subprocess.check_output(S["sealctl"].split() + ["show", "stats"])
    entered = [line.split()[-1] for line in stats.decode().split("\n")
               if "queue_entered_total" in line and '"queued"' in line]
    if entered != ["0"]:
        fail("the queue has had %r" % entered)


def save_sent(n, on):
    """Says whether what a user sends is saved; what the server then says."""
    m = imaplib.IMAP4_SSL("localhost", S["imaps_port"], ssl_context=CONTEXT)
    m.login(user(n), PASSWORD)
    imaplib.Commands["XSEALMAIL"] = ("AUTH", "SELECTED")
    if on is not None and m.xatom("XSEALMAIL", "SET", "SAVE-SENT",
                                  "yes" if on else "NO")[0] != "OK":
        fail("SET")
    m.xatom("XSEALMAIL", "SETTINGS")
    got = m.response("XSEALMAIL")[1]
    for bad in ("SET", "SET SAVE-SENT", "SET SAVE-SENT maybe", "SET X YES",
                "SETTINGS x"):
        try:
            if m.xatom("XSEALMAIL", bad)[0] == "OK":
                fail(bad)
        except m.error:
            pass
    m.logout()
    return got[-1].decode()


def sent_box(n, name="Sent"):
    """(flags, text) of what lies there."""
    m = imaplib.IMAP4_SSL("localhost", S["imaps_port"], ssl_context=CONTEXT)
    m.login(user(n), PASSWORD)
    n = int(m.select(name, True)[1][0])
    got = [m.fetch(str(i + 1), "(FLAGS BODY.PEEK[])")[1] for i in range(n)]
    m.logout()
    return [(a[0][0].decode().split("FLAGS (")[1].split(")")[0],
             a[0][1].decode()) for a in got]


def sent():
    # Nobody has asked for it.
    c = Client().login()
    send(c, mail(), "250")
    if sent_box(1) != [] or save_sent(1, None) != "SETTING SAVE-SENT NO":
        fail("saved unasked")
    if save_sent(1, True) != "SETTING SAVE-SENT YES" or \
            save_sent(2, None) != "SETTING SAVE-SENT NO":
        fail("not set")
    # In the session that was there before, too; himself among those who get it.
    hidden = "Bcc: %s,\n\tx@hidden.test\nX-Mailer: m\nReturn-Path: <x@y.test>\n"
    send(c, mail(more=hidden % user(3), to=user(1)), "250", to=user(1))
    got = sent_box(1)
    if len(got) != 1 or got[0][0] != "\\Seen":
        fail("copy: %r" % got)
    text = got[0][1]
    if "\r\nBcc: %s,\r\n\tx@hidden.test\r\n" % user(3) not in text or \
            "Received:" in text or "X-Mailer" in text or \
            "Return-Path" in text or not text.endswith("\r\n\r\nbody\r\n"):
        fail("copy:\n" + text)
    his = mailbox(1)
    if len(his) != 1 or "hidden" in his[0] or "Received: " not in his[0]:
        fail("INBOX: %r" % his)

    def message_id(t):
        return t.split("\r\nMessage-ID: ")[1].split("\r\n")[0]
    if message_id(his[0]) != message_id(text):
        fail("two Message-IDs")
    # Of many chunks, by BDAT, to one elsewhere.
    body = "".join("%06d %s\r\n" % (i, "x" * 60) for i in range(5000))
    text = "From: %s\r\nBcc: h@x.test\r\nX-N: 2\r\n\r\n%s" % (user(1), body)
    expect(c.say("MAIL FROM:<%s> BODY=8BITMIME" % user(1)), "250")
    expect(c.say("RCPT TO:<somebody@relay.test>"), "250")
    text = text.encode()
    for at in range(0, len(text), 50000):
        piece = text[at:at + 50000]
        c.sock.sendall(b"BDAT %d%s\r\n" % (
            len(piece), b" LAST" if at + 50000 >= len(text) else b"") + piece)
        expect(c.reply(), "250")
    # The same on purpose is two messages.
    send(c, mail(more="X-Twice: 1\n"), "250")
    send(c, mail(more="X-Twice: 1\n"), "250")
    # A message that is refused leaves no copy, nor does RSET.
    send(c, mail(author=user(2), more="X-Refused: 1\n"), "553")
    expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
    expect(c.say("RCPT TO:<%s>" % user(2)), "250")
    expect(c.say("RSET"), "250")
    got = [t for _, t in sent_box(1)]
    # Those of one tick of the file system's clock are in any order.
    if len(got) != 4 or \
            sum(t.endswith(body) and "Bcc: h@x" in t for t in got) != 1:
        fail("%d copies" % len(got))
    # What strangers, and others of the house, address cannot get there.
    for port, to in ((S["smtp_port"], "user0001+Sent@" + DOMAIN),
                     (S["smtp_port"], '"user0001+\\\\Sent"@' + DOMAIN)):
        s = smtplib.SMTP("localhost", port)
        s.ehlo("x.test")
        s.docmd("MAIL FROM:<a@x.test>")
        s.docmd("RCPT TO:<%s>" % to)
        s.data("Subject: forged\r\n\r\nx\r\n")
        s.quit()
    send(Client().login(user(2)), mail(user(2), user(1)), "250", user(2),
         "user0001+Sent@" + DOMAIN)
    if len(sent_box(1)) != 4 or sent_box(2):
        fail("forged")
    # Where there is no such box, INBOX; and no more once he says so.
    m = imaplib.IMAP4_SSL("localhost", S["imaps_port"], ssl_context=CONTEXT)
    m.login(user(1), PASSWORD)
    m.delete("Sent")
    send(c, mail(more="X-Where: here\n"), "250")
    if "X-Where" not in sent_box(1, "INBOX")[-1][1]:
        fail("no box and no copy")
    m.create("Sent")
    send(c, mail(), "250")
    if len(sent_box(1)) != 1:
        fail("not by its name")
    save_sent(1, False)
    send(c, mail(), "250")
    if len(sent_box(1)) != 1 or save_sent(1, None) != "SETTING SAVE-SENT NO":
        fail("saved once more")
    m.logout()


def sent_away():
    """No vault lives, and the one that comes later finds the copy."""
    save_sent(1, True)
    c = Client().login()
    for i in range(3):
        send(c, mail(more="X-N: %d\n" % i), "250")
    got = sent_box(1)
    if sorted(t.split("X-N: ")[1][0] for _, t in got) != ["0", "1", "2"]:
        fail("%d copies" % len(got))


def sent_full():
    """No room for the copy: it is not sent."""
    save_sent(1, True)
    send(Client().login(user(2)), mail(user(2), user(1)), "250", user(2),
         user(1))
    c = Client().login()
    expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
    # His vault tells what he uses in its own time.
    end = time.monotonic() + 60
    while True:
        got = c.say("RCPT TO:<%s>" % user(2))
        if got.startswith("452 4.2.2 Your mailbox"):
            break
        if time.monotonic() > end:
            fail(got)
        time.sleep(.1)
        expect(c.say("RSET"), "250")
        expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
    save_sent(1, False)
    expect(c.say("RCPT TO:<%s>" % user(2)), "250")
    got = c.data(mail())
    expect(got, "250")


def agent():
    c = Client().login()
    send(c, mail(more="User-Agent: kept\nX-Mailer: kept\n"), "250")
    if mailbox(2)[0].count("kept") != 2:
        fail("the agent is gone")


def flood():
    """Five wrong ones and the door; twelve, and the address has to wait."""
    c = Client(address="127.0.0.2")
    for _ in range(4):
        expect(c.plain(user(1), "wrong"), "535 5.7.8")
    expect(c.plain(user(1), "wrong"), "535 5.7.8")
    expect(c.reply(), "421 4.7.0")
    c.closed()
    # From elsewhere the user gets in meanwhile.
    Client(address="127.0.0.3").login()
    wrong = 5
    while True:
        got = Client(("first", "start")[wrong % 2],
                     "127.0.0.2").plain(user(3), "wrong")
        if not got.startswith("535"):
            break
        wrong += 1
        if wrong > 20:
            fail("wrong passwords without end")
    expect(got, "454 4.7.0")
    # The allowance fills up again while a busy machine takes its time.
    if wrong < 12:
        fail("%d wrong passwords" % wrong)
    # Right ones of that address wait too; others are not concerned.
    for tls in "first", "start":
        expect(Client(tls, "127.0.0.2").plain(user(2)), "454 4.7.0")
    # Mistakes count wherever they were made.
    expect(imap_login("127.0.0.2", user(2)), "a NO [LIMIT]")
    expect(imap_login("127.0.0.3", user(2)), "a OK")
    Client(address="127.0.0.3").login(user(2))
    Client(address="127.0.0.3").login(user(1))


def imap_login(address, name):
    with socket.create_connection(("127.0.0.1", S["imaps_port"]), 60,
                                  (address, 0)) as plain:
        sock = CONTEXT.wrap_socket(plain, server_hostname="localhost")
        f = sock.makefile("rb")
        f.readline()
        sock.sendall(b'a LOGIN %s "%s"\r\n' % (name.encode(),
                                               PASSWORD.encode()))
        while True:
            line = f.readline().decode()
            if line[:2] in ("a ", ""):
                return line


def paced():
    clients = [Client().login() for _ in range(8)]
    sent = refused = 0
    for c in clients:
        expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
        got = c.say("RCPT TO:<%s>" % user(2))
        if got.startswith("450 4.7.1"):
            refused += 1
            expect(c.say("DATA"), "503")
        else:
            expect(got, "250")
            sent += 1
    if (sent, refused) != (4, 4):
        fail("sent %d refused %d" % (sent, refused))
    # Five recipients are left; one that does not exist costs as much.
    c = clients[0]
    expect(c.say("RCPT TO:<nobody@%s>" % DOMAIN), "550 5.1.1")
    for n in 1, 3, 1, 3:
        expect(c.say("RCPT TO:<%s>" % user(n)), "250")
    expect(c.say("RCPT TO:<%s>" % user(2)), "450 4.7.1")
    # Those who were taken get it; another user has an hour of his own.
    expect(c.data(mail()), "250")
    c = Client().login(user(2))
    expect(c.say("MAIL FROM:<%s>" % user(2)), "250")
    expect(c.say("RCPT TO:<%s>" % user(2)), "250")
    # LMTP and SMTP are not counted.
    p = socket.create_connection(("127.0.0.1", S["smtp_port"]), 60)
    p.sendall(b"EHLO x\r\nMAIL FROM:<a@b.test>\r\n" +
              b"RCPT TO:<%s>\r\n" % user(2).encode() * 20 + b"QUIT\r\n")
    if p.makefile("rb").read().count(b"250 2.1.5") != 20:
        fail("SMTP is counted")


def slow():
    """A hundred that say little, and one who works."""
    lazy = []
    for i in range(60):
        c = Client("none" if i % 2 else "first")
        c.sock.sendall(b"A")
        lazy.append(c)
    c = Client().login()
    stop = threading.Event()

    def drip():
        while not stop.wait(0.2):
            for each in lazy:
                each.sock.sendall(b"U")

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        begun = time.monotonic()
        for _ in range(20):
            expect(c.say("MAIL FROM:<%s>" % user(1)), "250")
            expect(c.say("RCPT TO:<%s>" % user(2)), "250")
            expect(c.data(mail()), "250")
        took = time.monotonic() - begun
    finally:
        stop.set()
        thread.join()
    if took > 20:
        fail("twenty messages took %.1f s" % took)


CASES = {f.__name__: f for f in (
    commands, injected, mechanisms, scopes, envelope, authors, notices,
    header, sent, sent_away, sent_full, agent, flood, paced, slow)}

if __name__ == "__main__":
    CASES[sys.argv[2]](*sys.argv[3:])

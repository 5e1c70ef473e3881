#!/usr/bin/env python3
"""
SCRAM-SHA-256 from the text of RFC 5802 and RFC 7677, against a running suite:
app passwords are proved; what is forged, replayed, malformed or not one of them
is refused.
"""
import base64
import hashlib
import hmac
import imaplib
import json
import os
import ssl
import subprocess
import sys
import time

BAD_NAME = "nobody"


def check(good, text):
    if not good:
        sys.exit("scram_client: " + text)


def mac(key, data):
    return hmac.digest(key, data, "sha256")


class Scram:
    """A client's exchange; each step may be spoilt."""

    def __init__(self, user, password, header="n,,", spoil=None, verify=True,
                 channel=b""):
        self.channel = channel
        self.user, self.password = user, password.encode()
        self.header, self.spoil, self.verify = header, spoil, verify
        self.step, self.server_first, self.good = 0, None, False
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = "n=%s,r=%s" % (
            name, base64.b64encode(os.urandom(18)).decode())

    def __call__(self, data):
        self.step += 1
        return (self.first, self.final, self.last)[self.step - 1](data)

    def first(self, _):
        return (self.header + self.bare).encode()

    def final(self, data):
        self.server_first = data.decode()
        parts = dict(p.split("=", 1) for p in self.server_first.split(","))
        check(parts["r"].startswith(self.bare.split("r=")[1]) and
              len(parts["r"]) > len(self.bare.split("r=")[1]) + 16,
              "the server's nonce")
        salt, rounds = base64.b64decode(parts["s"]), int(parts["i"])
        check(rounds >= 4096 and len(salt) >= 16, self.server_first)
        salted = hashlib.pbkdf2_hmac("sha256", self.password, salt, rounds)
        client = mac(salted, b"Client Key")
        nonce = parts["r"]
        if self.spoil == "nonce":
            nonce = nonce[:-1] + ("A" if nonce[-1] != "A" else "B")
        header = "y,," if self.spoil == "header" else self.header
        without = "c=%s,r=%s" % (
            base64.b64encode(header.encode() + self.channel).decode(),
            nonce)
        message = ",".join((self.bare, self.server_first, without)).encode()
        proof = bytes(a ^ b for a, b in zip(
            client, mac(hashlib.sha256(client).digest(), message)))
        if self.spoil == "proof":
            proof = bytes([proof[0] ^ 1]) + proof[1:]
        if self.spoil == "zeros":
            proof = bytes(32)
        self.signature = mac(mac(salted, b"Server Key"), message)
        if self.spoil == "cancel":
            return None
        if self.spoil == "garbage":
            return b"p=" + b"x" * 500
        return without.encode() + b",p=" + base64.b64encode(proof)

    def last(self, data):
        check(data == b"v=" + base64.b64encode(self.signature),
              "the server's signature is wrong")
        self.good = True
        return None if self.spoil == "late" else b""


def connect(server):
    context = ssl.create_default_context(cafile=server["cafile"])
    context.check_hostname = False
    return imaplib.IMAP4_SSL(server["host"], server["imaps_port"],
                             ssl_context=context)


def attempt(server, user, password, **how):
    """(logged in, the server's last words, the exchange)"""
    m = connect(server)
    scram = Scram(user, password, **how)
    try:
        m.authenticate("SCRAM-SHA-256", scram)
        m.select("INBOX")
        words, good = "OK", m.noop()[0] == "OK"
    except imaplib.IMAP4.error as why:
        words, good = str(why), False
    try:
        m.logout()
    except (imaplib.IMAP4.error, OSError):
        pass
    return good, words, scram


class Bound:
    """A connection of another's TLS, which tells its exporter's value."""

    def __init__(self, server, *options):
        self.p = subprocess.Popen(
            ["openssl", "s_client", "-connect",
             "%s:%d" % (server["host"], server["imaps_port"]),
             "-CAfile", server["cafile"], "-ign_eof", "-keymatexport",
             "EXPORTER-Channel-Binding", "-keymatexportlen", "32", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.channel = b""
        line = self.line("* OK")
        self.offered = "AUTH=SCRAM-SHA-256-PLUS" in line

    def line(self, *begin):
        """The next line that is IMAP; openssl says other things, too."""
        while True:
            line = self.p.stdout.readline().decode()
            check(line != "", "the connection has ended")
            if "Keying material:" in line:
                self.channel = bytes.fromhex(line.split(":")[1].strip())
            if line.startswith(begin):
                return line.rstrip("\r\n")

    def send(self, text):
        self.p.stdin.write(text.encode() + b"\r\n")
        self.p.stdin.flush()

    def attempt(self, scram, mechanism="SCRAM-SHA-256-PLUS"):
        self.send("1 AUTHENTICATE %s %s" % (
            mechanism, base64.b64encode(scram(b"")).decode()))
        while True:
            line = self.line("+", "1 ")
            if line.startswith("1 "):
                return line
            self.send(base64.b64encode(
                scram(base64.b64decode(line[2:]))).decode())

    def close(self):
        self.p.kill()
        self.p.wait()


def plus(server, user, code):
    """RFC 5802 section 6, RFC 9266"""
    exporter = "p=tls-exporter,,"
    for header, change, mechanism, want in (
            (exporter, None, "-PLUS", "1 OK"),
            ("p=tls-exporter,a=%s," % user, None, "-PLUS", "1 OK"),
            ("n,,", b"", "", "1 OK"),
            ("y,,", b"", "", "1 NO [CANNOT]"),  # it was offered
            (exporter, None, "", "1 NO [CANNOT]"),
            ("n,,", b"", "-PLUS", "1 BAD"),
            ("p=tls-unique,,", None, "-PLUS", "1 NO [CANNOT]"),
            (exporter, b"", "-PLUS", "1 BAD"),
            (exporter, bytes(32), "-PLUS", "1 BAD")):
        b = Bound(server, "-tls1_3")
        check(b.offered and len(b.channel) == 32, "not offered")
        scram = Scram(user, code, header=header,
                      channel=b.channel if change is None else change)
        line = b.attempt(scram, "SCRAM-SHA-256" + mechanism)
        check(line.startswith(want), "%s %s: %s" % (header, mechanism, line))
        check(scram.good == (want == "1 OK"), "signature")
        b.close()
    # The value of another connection is of no use.
    other = Bound(server, "-tls1_3")
    b = Bound(server, "-tls1_3")
    check(other.channel != b.channel, "the same value twice")
    line = b.attempt(Scram(user, code, header=exporter, channel=other.channel))
    check(line.startswith("1 BAD"), line)
    b.close()
    other.close()
    # Before TLS 1.3 there is no such binding, and none is offered.
    b = Bound(server, "-tls1_2")
    check(not b.offered, "offered with TLS 1.2")
    line = b.attempt(Scram(user, code, header=exporter, channel=b.channel))
    check(line.startswith("1 NO [CANNOT]"), line)
    b.close()


def change(server, user, words):
    """The tagged answer, and the untagged one's words."""
    m = connect(server)
    m.untagged_responses.pop("XSEALMAIL", None)
    try:
        kind, data = m.xatom("XSEALMAIL", "USER %s %s" % (user, words))
    except imaplib.IMAP4.error as why:
        kind, data = "BAD", [str(why).encode()]
    told = m.untagged_responses.get("XSEALMAIL", [b""])[-1].decode()
    m.logout()
    return kind + " " + data[-1].decode(), told.replace('"', "").split(" ")


def app_password(server, user, password=None):
    _, told = change(server, user, 'APP ADD "%s" phone imap' %
                     (password or server["password"]))
    return told[2], told[3]


def proved(server, user):
    """Which of what opens the account can be proved."""
    m = connect(server)
    m.login(user, server["password"])
    m.xatom("XSEALMAIL", "APP LIST")
    slots = [s.decode() for s in m.untagged_responses["XSEALMAIL"]]
    m.logout()
    return sorted(s.split(" ")[2] for s in slots if s.endswith('" SCRAM'))


def of_password(server, user):
    """The password itself, once its user has asked for it."""
    password, rounds = server["password"], "i=600000"
    _, before = app_password(server, user)
    good, _, scram = attempt(server, user, before)
    check(good and scram.server_first.endswith("i=4096"), "an app password")
    salt = scram.server_first.split(",s=")[1].split(",")[0]
    check(not attempt(server, user, password)[0], "without having asked")
    check(proved(server, user) == ["app"], "the list before")
    answer, _ = change(server, user, 'SCRAM ON "wrong"')
    check(answer.startswith("NO [AUTHENTICATIONFAILED]"), answer)
    answer, _ = change(server, user, 'SCRAM MAYBE "%s"' % password)
    check(answer.startswith("BAD"), answer)
    _, code = app_password(server, user)
    answer, _ = change(server, user, 'SCRAM ON "%s"' % code)
    check(answer.startswith("NO [AUTHENTICATIONFAILED]"), answer)
    answer, told = change(server, user, 'RECOVER "%s"' % password)
    recovery = told[2]
    answer, _ = change(server, user, 'SCRAM ON "%s"' % recovery)
    check(answer.startswith("NO [CANNOT]"), answer)
    for _ in range(2):  # asked twice: as once
        answer, told = change(server, user, 'SCRAM ON "%s"' % password)
        check(answer.startswith("OK") and told[:2] == ["SCRAM", "ON"], answer)
    check(proved(server, user) == ["main"], "the list")
    good, words, scram = attempt(server, user, password)
    check(good and rounds in scram.server_first, words)
    check(",s=%s," % salt in scram.server_first, "another salt than before")
    check(change(server, user, 'RECOVER "%s"' % password)[0][:2] == "OK", "")
    # Made before: by its text still, and proved no more.  From now on: both.
    check(not attempt(server, user, before)[0], "with fewer iterations")
    m = connect(server)
    m.login(user, before)
    m.logout()
    _, after = app_password(server, user)
    good, words, scram = attempt(server, user, after)
    check(good and rounds in scram.server_first, words)
    # It follows the password, whichever secret changes that.
    answer, _ = change(server, user, 'PASSWD "%s" "another one"' % password)
    check(answer.startswith("OK"), answer)
    check(not attempt(server, user, password)[0], "the old password")
    check(attempt(server, user, "another one")[0], "the new password")
    answer, told = change(server, user, 'RECOVER "another one"')
    answer, _ = change(server, user, 'PASSWD "%s" "%s"' % (told[2], password))
    check(answer.startswith("OK"), answer)
    check(not attempt(server, user, "another one")[0], "the second password")
    check(attempt(server, user, password)[0], "the third password")
    # What programs may prepare in two ways.
    m = connect(server)
    m.send(b'1 XSEALMAIL USER %s PASSWD "%s" {9+}\r\nna\303\257vete\r\n' %
           (user.encode(), password.encode()))
    answer = m.readline()
    check(answer.startswith(b"1 NO [CANNOT]"), answer)
    m.shutdown()
    answer, _ = change(server, user, 'REKEY "%s"' % password)
    check(answer.startswith("OK"), answer)
    check(proved(server, user) == ["main"], "the list after a rekey")
    check(attempt(server, user, password)[0], "after a rekey")
    check(not attempt(server, user, after)[0], "an app password of before")
    # Taken away: sessions stay, logins by it do not.
    m = connect(server)
    m.authenticate("SCRAM-SHA-256", Scram(user, password))
    answer, told = change(server, user, 'SCRAM OFF "%s"' % password)
    check(answer.startswith("OK") and told[:2] == ["SCRAM", "OFF"], answer)
    check(m.noop()[0] == "OK", "the session")
    m.logout()
    check(not attempt(server, user, password)[0], "taken away, and it opens")
    check(proved(server, user) == [], "the list at the end")
    answer, _ = change(server, user, 'SCRAM OFF "%s"' % password)
    check(answer.startswith("OK"), answer)


def main():
    with open(sys.argv[1]) as f:
        server = json.load(f)
    user = "user0001@" + server["domain"]
    imaplib.Commands["XSEALMAIL"] = ("NONAUTH", "AUTH")
    m = connect(server)
    check("AUTH=SCRAM-SHA-256" in m.capabilities, "not offered")
    m.logout()
    # Before there is any app password: as a name that nobody has.
    salts = {}
    for name in (user, BAD_NAME, user, BAD_NAME):
        good, words, scram = attempt(server, name, "x")
        check(not good and "AUTHENTICATIONFAILED" in words, words)
        salt = scram.server_first.split(",s=")[1]
        check(salts.setdefault(name, salt) == salt, "another salt each time")
    check(len(set(salts.values())) == 2, "one salt for all")
    slot, code = app_password(server, user)
    slot2, code2 = app_password(server, user)
    plus(server, user, code)
    for how in ({}, {"header": "n,a=%s," % user}):
        for text in (code, code2):
            good, words, scram = attempt(server, user, text, **how)
            check(good and scram.good, "%s: %s" % (how, words))
    # It is a session like others, at a living vault and at none.
    time.sleep(float(sys.argv[2]))
    good, words, _ = attempt(server, user, code)
    check(good, "the first login: " + words)
    for how, want in (
            ({"spoil": "proof"}, "AUTHENTICATIONFAILED"),
            ({"spoil": "zeros"}, "AUTHENTICATIONFAILED"),
            ({"spoil": "nonce"}, "BAD"), ({"spoil": "header"}, "BAD"),
            ({"spoil": "garbage"}, "BAD"), ({"spoil": "cancel"}, "BAD"),
            ({"spoil": "late"}, "BAD"),
            ({"header": "p=tls-unique,,"}, "CANNOT"),
            ({"header": "y,,"}, "CANNOT"),
            ({"header": "n,a=another,"}, "AUTHORIZATIONFAILED"),
            ({"header": "x,,"}, "BAD"), ({"header": "n,"}, "BAD")):
        good, words, _ = attempt(server, user, code, **how)
        check(not good and want in words, "%s: %s" % (how, words))
    # Not the main password, and not another's.
    near = code[:-1] + ("x" if code[-1] != "x" else "y")
    for name, text in ((user, server["password"]), (user, near),
                       ("user0002@" + server["domain"], code)):
        good, words, _ = attempt(server, name, text)
        check(not good and "AUTHENTICATIONFAILED" in words, words)
    # The same text by PLAIN, then revoked: neither.
    m = connect(server)
    m.login(user, code)
    m.logout()
    m = connect(server)
    scram = Scram(user, code)
    m.authenticate("SCRAM-SHA-256", scram)
    other = connect(server)
    other.xatom("XSEALMAIL", 'USER %s APP REVOKE "%s" %s' %
                (user, server["password"], slot))
    other.logout()
    try:
        m.noop()
        m.noop()
        check(False, "the session of what was revoked goes on")
    except (imaplib.IMAP4.error, OSError):
        pass
    check(not attempt(server, user, code)[0], "revoked, and it opens")
    check(attempt(server, user, code2)[0], "the other one is gone too")
    m = connect(server)
    m.login(user, server["password"])
    m.xatom("XSEALMAIL", "APP LIST")
    slots = [s.decode() for s in m.untagged_responses["XSEALMAIL"]]
    check(sum(" app " in s for s in slots) == 1 and
          [s.split(" ")[2] for s in slots if s.endswith(" SCRAM")] == ["app"],
          "the list: %s" % slots)
    m.logout()
    of_password(server, "user0002@" + server["domain"])
    print("done")


main()

"""Mail of strangers, and what DNS says of them; run by origin_test.

origin_cases.py dns ZONE          a name server; prints its port
origin_cases.py CASE SMTP_PORT    exit status 1: it failed

ZONE has lines "TYPE NAME TEXT"; TEXT "hang": no answer, "fail": SERVFAIL.  It
is read anew for each question.
"""
import base64
import glob
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

HOST = "127.0.0.1"
BOB = "bob@example.org"
PATIENCE = 100  # seconds, where a machine is slow
TYPES = {1: "A", 5: "CNAME", 15: "MX", 16: "TXT", 28: "AAAA", 12: "PTR"}


def fail(text):
    raise AssertionError(text)


def expect(got, want):
    if not got.startswith(want):
        fail("expected %r, got %r" % (want, got))


# ---- The name server ------------------------------------------------------

def wire_name(name):
    return b"".join(bytes([len(x)]) + x.encode()
                    for x in name.split(".") if x) + b"\0"


def rdata(kind, text):
    if kind == "A":
        return socket.inet_aton(text)
    if kind == "AAAA":
        return socket.inet_pton(socket.AF_INET6, text)
    if kind == "MX":
        return struct.pack(">H", 10) + wire_name(text)
    if kind in ("CNAME", "PTR"):
        return wire_name(text)
    raw = text.encode()
    return b"".join(bytes([len(raw[i:i + 255])]) + raw[i:i + 255]
                    for i in range(0, len(raw), 255))


def records(zone):
    with open(zone, encoding="utf-8") as f:
        return [line.rstrip("\n").split(" ", 2) for line in f if line.strip()]


def answer(zone, ask):
    labels, at = [], 12
    while ask[at]:
        labels.append(ask[at + 1:at + 1 + ask[at]].decode().lower())
        at += 1 + ask[at]
    name = ".".join(labels)
    kind = TYPES.get(struct.unpack(">H", ask[at + 1:at + 3])[0], "?")
    all_of = [r for r in records(zone) if r[1] == name]
    # An alias is one for every type.
    got = [r for r in all_of if r[0] in (kind, "CNAME")]
    if any(r[2] == "hang" for r in got):
        return None
    rcode = 0 if any(("." + r[1]).endswith("." + name)
                     for r in records(zone)) else 3
    if any(r[2] == "fail" for r in got):
        rcode, got = 2, []
    out = ask[:2] + struct.pack(">HHHHH", 0x8580 | rcode, 1, len(got), 0, 0)
    out += ask[12:at + 5]
    for r in got:
        data = rdata(r[0], r[2])
        number = next(n for n, k in TYPES.items() if k == r[0])
        out += wire_name(name) + struct.pack(">HHIH", number, 1, 300,
                                             len(data)) + data
    return out


def dns(zone):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((HOST, 0))
    print(s.getsockname()[1], flush=True)
    while True:
        ask, peer = s.recvfrom(4096)
        got = answer(zone, ask)
        if got is not None:
            s.sendto(got, peer)


# ---- The client -----------------------------------------------------------

class Client:
    def __init__(self, source=HOST, helo="mx.good.test"):
        self.sock = socket.create_connection((HOST, PORT), PATIENCE,
                                             (source, 0))
        self.file = self.sock.makefile("rb")
        expect(self.reply(), "220")
        expect(self.say("EHLO " + helo), "250")

    def reply(self):
        while True:
            line = self.file.readline()
            if not line:
                fail("the connection has ended")
            if line[3:4] != b"-":
                return line.decode().rstrip("\r\n")

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, sender, body, chunks=False):
        expect(self.say("MAIL FROM:<%s>" % sender), "250")
        expect(self.say("RCPT TO:<%s>" % BOB), "250")
        if chunks:
            half = len(body) // 2
            self.sock.sendall(b"BDAT %d\r\n" % half + body[:half])
            expect(self.reply(), "250")
            self.sock.sendall(b"BDAT %d LAST\r\n" % (len(body) - half) +
                              body[half:])
            return self.reply()
        expect(self.say("DATA"), "354")
        self.sock.sendall(re.sub(rb"(?m)^\.", b"..", body) + b".\r\n")
        return self.reply()


def text(number, sender="a@good.test", extra="", size=0):
    """A message that is found again by its number."""
    return ("%sX-Number: %s\r\nFrom: %s\r\nSubject: s\r\n\r\nHello.\r\n" %
            (extra, number, sender)).encode() + b"0123456789abcde\r\n" * size


def signed(domain, body, key="ed"):
    return subprocess.run([SIGNER, domain, key, key + ".pem"], input=body,
                          check=True, stdout=subprocess.PIPE).stdout


def case_up():
    """Each engine has its wire to the resolver."""
    end = time.monotonic() + PATIENCE
    row = 0
    while row < 8:
        with open("log", encoding="utf-8", errors="replace") as f:
            before = f.read().count("origin conn=")
        expect(Client().send("a@good.test", text("up")), "250")
        with open("log", encoding="utf-8", errors="replace") as f:
            row = row + 1 if f.read().count("origin conn=") > before else 0
        if time.monotonic() > end:
            fail("nobody looks where mail is from")


def at_once(works):
    """Calls of functions that may wait, all beside each other."""
    wrong = []

    def one(f, args):
        try:
            f(*args)
        except (OSError, AssertionError) as error:
            wrong.append("%r: %r" % (args, error))

    threads = [threading.Thread(target=one, args=(f, args))
               for f, *args in works]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if wrong:
        fail("\n".join(wrong))


def send_twice(name):
    sender, source, body, _ = SENT[name]
    c = Client(source)
    expect(c.send(sender, body(name)), "250")
    # Nothing of a message is left for the next.
    expect(c.send(sender, body(name + "-again"), chunks=True), "250")


def case_results():
    """spf, dkim and dmarc as SENT says; a name server without an answer."""
    at_once([(send_twice, name) for name in SENT] + [(send_slow, "slow")])


def send_slow(name):
    expect(Client().send("x@%s.test" % name, text(name, "a@%s.test" % name)),
           "250")


def many():
    """Signatures whose names are as long as they may be."""
    field = ("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
             "\td=%s.none.test;\r\n\ts=%s;\r\n\th=from; bh=%s; b=%s\r\n")
    long = ".".join(c * 60 for c in "abc")
    return "".join(field % (long, "s%d." % i + long[:10],
                            base64.b64encode(bytes(32)).decode(),
                            base64.b64encode(bytes(256)).decode())
                   for i in range(9))


def good(name):
    return text(name)


SENT = {
    "pass": ("a@good.test", HOST, lambda n: signed("good.test", text(n)),
             ("spf=pass smtp.mailfrom=good.test",
              "dkim=pass header.d=good.test header.s=ed",
              "dmarc=pass (p=reject dis=none) header.from=good.test")),
    "rsa": ("a@other.test", HOST,
            lambda n: signed("good.test", text(n), "rsa"),
            ("spf=softfail", "dkim=pass header.d=good.test header.s=rsa",
             "dmarc=pass")),
    "spf": ("b@sub.good.test", HOST, good,
            ("spf=pass", "dkim=none", "dmarc=pass")),
    "spoofed": ("x@other.test", "127.0.0.2", good,
                ("spf=fail", "dkim=none",
                 "dmarc=fail (p=reject dis=none)")),
    "changed": ("x@other.test", HOST,
                lambda n: signed("good.test", text(n)) + b"Buy!\r\n",
                ('dkim=fail reason="the body has changed"', "dmarc=fail")),
    "nokey": ("x@other.test", HOST,
              lambda n: signed("none.test", text(n, "a@none.test")),
              ('dkim=permerror reason="there is no key"', "dmarc=none")),
    "nothing": ("x@none.test", HOST, lambda n: text(n, "a@none.test"),
                ("spf=none", "dkim=none", "dmarc=none header.from=none.test")),
    "null": ("", HOST, good, ("spf=pass smtp.helo=mx.good.test",
                              "dmarc=pass")),
    "broken": ("x@broken.test", HOST, good,
               ("spf=permerror", "dmarc=fail")),
    "loop": ("x@loop.test", HOST, good, ("spf=", "dmarc=fail")),
    "trouble": ("x@trouble.test", HOST,
                lambda n: text(n, "a@trouble.test"),
                ("spf=temperror", "dmarc=temperror")),
    "two": ("x@good.test", HOST,
            lambda n: text(n, extra="From: b@evil.test\r\n"),
            ("spf=pass", "dmarc=permerror")),
    "liar": ("x@other.test", "127.0.0.2",
             lambda n: text(n, extra="Authentication-Results: MX.test;\r\n"
                            "\tdmarc=pass header.from=good.test\r\n"
                            "Authentication-results : mx.test; spf=pass\r\n"
                            "Authentication-Results: far.test; spf=pass\r\n"),
             ("spf=fail", "dmarc=fail")),
    "large": ("a@good.test", HOST,
              lambda n: signed("good.test", text(n, size=20000)),
              ("spf=pass smtp.mailfrom=good.test",
               "dkim=pass header.d=good.test", "dmarc=pass")),
    # Past what is kept back.
    "huge": ("a@good.test", HOST,
             lambda n: signed("good.test", text(n, size=80000)),
             ("spf=pass smtp.mailfrom=good.test",
              "dkim=pass header.d=good.test header.s=ed",
              "dmarc=pass (p=reject dis=none) header.from=good.test")),
    "huge-twice": ("x@other.test", HOST,
                   lambda n: signed("none.test", signed(
                       "good.test", text(n, size=80000), "rsa")),
                   ("spf=softfail",
                    'dkim=permerror reason="there is no key"',
                    "dkim=pass header.d=good.test header.s=rsa",
                    "dmarc=pass")),
    # The last octet counts, megabytes behind the field.
    "huge-changed": ("x@other.test", HOST,
                     lambda n: signed("good.test", text(n, size=80000)) +
                     b"Buy!\r\n",
                     ('dkim=fail reason="the body has changed"',
                      "dmarc=fail (p=reject dis=none)")),
    # More than a field has room for.
    "many": ("a@good.test", HOST, lambda n: text(n, extra=many()),
             ("spf=pass", 'dkim=permerror reason="there is no key"',
              "dmarc=pass")),
    "huge-many": ("a@good.test", HOST,
                  lambda n: text(n, extra=many(), size=80000),
                  ("spf=pass", 'dkim=permerror reason="there is no key"',
                   "dmarc=pass")),
}


def case_read():
    """What was delivered has one field of ours, on top, and no other."""
    found = {}
    for path in glob.glob("out/bob/*"):
        with open(path, "rb") as f:
            raw = f.read()
        number = re.search(rb"\r\nX-Number: (\S+)\r\n", raw)
        found[number.group(1).decode()] = raw
    for name, (_, _, body, want) in SENT.items():
        for n in (name, name + "-again"):
            check(n, found[n], body(n) if name in ("spf", "null") else None,
                  want)
    for n in ("slow", "stopped"):
        check(n, found[n], text(n, "a@%s.test" % n),
              ("spf=temperror", "dkim=none", "dmarc=temperror"))


def check(name, raw, body, want):
    head = raw[:raw.index(b"\r\n\r\n") + 2].decode()
    ours = re.findall(r"(?mi)^Authentication-Results\s*: [^\r]*"
                      r"(?:\r\n[ \t][^\r]*)*", head)
    ours = [re.sub(r"\s+", " ", x) for x in ours]
    mine = [x for x in ours if " mx.test;" in x.lower()]
    if len(mine) != 1:
        fail("%s: %r" % (name, ours))
    for w in want:
        if w not in mine[0]:
            fail("%s: no %r in %r" % (name, w, mine[0]))
    top = [x.split(":")[0] for x in head.split("\r\n") if x[:1] not in " \t"]
    if (top[:2] != ["Return-Path", "Authentication-Results"] or
            "Received" not in top[2:4]):
        fail("%s: %r" % (name, top))
    if name.startswith("liar") and not any("far.test" in x for x in ours):
        fail("a field of others has gone")
    if body is not None and not raw.endswith(body):
        fail("%s: the message has changed" % name)
    for line in head.split("\r\n")[:-1]:
        if len(line) > 998 or not line.strip():
            fail("%s: a line of %d: %r" % (name, len(line), line[:80]))
    size = {"large": 20000, "huge": 80000}.get(name.split("-")[0], 0)
    end = b"Buy!\r\n" if "-changed" in name else b""
    if raw.count(b"0123456789abcde\r\n") != size or (
            size and not raw.endswith(b"Hello.\r\n" +
                                      b"0123456789abcde\r\n" * size + end)):
        fail("%s: the body has changed" % name)


def case_enforce():
    c = Client("127.0.0.2")
    expect(c.send("x@other.test", text("spoofed")), "550 5.7.1")
    # The connection goes on, and is believed what can be proved.
    expect(c.send("x@other.test", signed("good.test", text("kept"))), "250")
    expect(c.send("x@other.test", text("large", size=80000)), "550 5.7.1")
    expect(c.send("x@other.test", text("bdat"), chunks=True), "550 5.7.1")
    two = text("two", extra="From: b@evil.test\r\n")
    expect(Client().send("x@good.test", two), "550 5.7.1")
    # Policies that do not want it, and what nobody can know.
    expect(c.send("x@other.test", text("mild", "a@mild.test")), "250")
    expect(c.send("x@other.test", text("sampled", "a@sampled.test")), "250")
    expect(c.send("x@other.test", text("mildest", "a@mildest.test")), "250")
    # Judged when the first part has left.
    expect(c.send("x@other.test", text("huge", "a@mild.test", size=80000)),
           "250")
    expect(c.send("x@trouble.test", text("kept", "a@trouble.test")), "250")
    expect(c.send("x@other.test", text("kept", "a@none.test")), "250")


def counts():
    out = subprocess.run([SEALCTL, "-f", "conf", "-j", "queue", "dmarc"],
                         check=True, stdout=subprocess.PIPE).stdout
    return json.loads(out)


def counted(want, **words):
    """Want messages have been counted in rows with these words."""
    end = time.monotonic() + PATIENCE
    while True:
        got = sum(row["messages"] for row in counts()
                  if all(row[k] == v for k, v in words.items()))
        if got == want:
            return
        if time.monotonic() > end:
            fail("%d instead of %d of %r: %r" % (got, want, words, counts()))
        time.sleep(0.2)


def case_counted():
    """What SENT came to, twice each, as the owner of good.test would see."""
    counted(4, **{"from": "good.test", "address": "127.0.0.2",
                  "policy": "reject", "disposition": "none", "dmarc": "fail",
                  "spf": "fail", "spf_domain": "other.test",
                  "spf_aligned": "no", "dkim": "none", "dkim_domain": "-",
                  "dkim_aligned": "no"})
    counted(4, **{"from": "good.test", "dkim_selector": "rsa",
                  "dkim": "pass", "dkim_aligned": "yes", "spf": "softfail",
                  "spf_aligned": "no", "dmarc": "pass",
                  "policy_domain": "good.test"})
    counted(4, dkim="fail", dkim_domain="good.test", dmarc="fail")
    counted(0, **{"from": "none.test"})
    counted(0, disposition="reject")


def case_refused():
    counted(3, **{"from": "good.test", "disposition": "reject",
                  "dmarc": "fail", "address": "127.0.0.2"})
    counted(2, **{"from": "mild.test", "policy": "quarantine",
                  "disposition": "quarantine"})
    counted(1, **{"from": "sampled.test", "policy": "reject",
                  "disposition": "quarantine"})
    counted(1, **{"from": "mildest.test", "policy": "quarantine",
                  "disposition": "none"})


def case_suspect():
    """Which were marked for the mailbox with spam, by bob.list."""
    found = []
    with open("out/bob.list", encoding="utf-8") as f:
        for line in f:
            words = line.split()
            with open("out/bob/" + words[1], "rb") as m:
                raw = m.read()
            number = re.search(rb"\r\nX-Number: (\S+)\r\n", raw).group(1)
            want = number in (b"mild", b"sampled", b"huge")
            if words[-1] != "suspect=%d" % want:
                fail(line)
            dis = b"dis=" + (b"quarantine" if want else b"none")
            if number in (b"mild", b"sampled", b"mildest", b"huge") and \
                    dis not in raw[:4096]:
                fail(repr(raw))
            found.append(number)
    if sorted(n for n in found if n != b"up") != [
            b"huge"] + [b"kept"] * 3 + [b"mild", b"mildest", b"sampled"]:
        fail(repr(found))


def case_stopped():
    """A resolver without an answer: no mail is lost."""
    pid = resolver()
    os.kill(pid, signal.SIGSTOP)
    try:
        send_slow("stopped")
    finally:
        os.kill(pid, signal.SIGCONT)


def resolver():
    """The process of that name below sealrelayd."""
    with open("relayd.pid", encoding="utf-8") as f:
        parent = int(f.read())
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as f:
                words = f.read()
            with open(os.path.dirname(stat) + "/cmdline", "rb") as f:
                if (b"smtp-resolver" in f.read() and
                        int(words.rpartition(")")[2].split()[1]) == parent):
                    return int(words.split()[0])
        except OSError:
            pass
    return fail("no resolver")


def case_off():
    """What pretends to be ours stays: nobody looks."""
    expect(Client("127.0.0.2").send("x@other.test", text("off")), "250")


def zone():
    """All names, with the keys that are in this folder."""
    lines = [
        "TXT good.test v=spf1 ip4:127.0.0.1 -all",
        "TXT mx.good.test v=spf1 ip4:127.0.0.1 -all",
        "TXT sub.good.test v=spf1 include:good.test -all",
        "TXT _dmarc.good.test v=DMARC1; p=reject",
        "TXT _dmarc.mild.test v=DMARC1; p=quarantine",
        "TXT _dmarc.sampled.test v=DMARC1; p=reject; pct=0",
        "TXT _dmarc.mildest.test v=DMARC1; p=quarantine; pct=0",
        "TXT other.test v=spf1 -ip4:127.0.0.2/32 ~all",
        "TXT broken.test v=spf1 ip4:127.0.0.999 -all",
        "TXT loop.test v=spf1 include:loop.test -all",
        "CNAME a.loop.test b.loop.test",
        "CNAME b.loop.test a.loop.test",
        "TXT trouble.test fail",
        "TXT _dmarc.trouble.test fail",
        "TXT slow.test hang",
        "TXT _dmarc.slow.test hang",
    ]
    for key, kind in (("ed", "ed25519"), ("rsa", "rsa")):
        der = subprocess.run(
            ["openssl", "pkey", "-in", key + ".pem", "-pubout", "-outform",
             "DER"], check=True, stdout=subprocess.PIPE).stdout
        lines.append("TXT %s._domainkey.good.test v=DKIM1; k=%s; p=%s" % (
            key, kind, base64.b64encode(
                der[-32:] if key == "ed" else der).decode()))
    print("\n".join(lines))


if sys.argv[1] == "dns":
    dns(sys.argv[2])
elif sys.argv[1] == "zone":
    zone()
else:
    PORT, SIGNER, SEALCTL = int(sys.argv[2]), sys.argv[3], sys.argv[4]
    globals()["case_" + sys.argv[1]]()

"""200 different messages leave a suite, signed; others' programs verify them,
with the keys that nsd has.  Run by signatures_test in namespaces of its own.

usage: unshare -m -n -p --fork --mount-proc python3 signatures.py MODULES DIR
MODULES is a folder of node_modules with mailauth, or "".  The last line is
"all is well", or what is not.
"""
import os
import random
import re
import subprocess
import sys
import time
import traceback

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, TOP + "/regress/sites")

from suite import Site  # noqa: E402
from world import DNS, Failed, Host, World, run, until  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
COUNT = 200
SINK = "198.18.0.25"
ME = "user0001@one.example"
BEGAN = time.monotonic()


def step(words):
    print("%6.1f %s" % (time.monotonic() - BEGAN, words), flush=True)


# ---- Messages

FROMS = (
    b"From: %s", b"From:%s", b"FROM: <%s>", b"from: Anna <%s>",
    b"From: \"Anna, the first\" <%s>", b"From:\t<%s>", b"From: Anna\r\n\t<%s>",
    b"From: (a comment (in it)) <%s> (and one)",
    b"From: =?utf-8?q?Ann=C3=A4?= <%s>", b"From:  Anna   B.  C.\r\n   <%s>  ",
    b"From: Ann\xc3\xa4 <%s>", b"From: Anna <%s>\r\nSender: <%s>")
SUBJECTS = (
    b"Subject: plain", b"Subject:", b"Subject: ", b"subject:no blank",
    b"SUBJECT:  two  blanks  and\ttabs\t ", b"Subject: folded\r\n here\r\n\tand"
    b" there", b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=", b"Subject: Gr\xc3\xbc",
    b"Subject: \xe4\xff raw", b"Subject: " + b"long " * 180,
    b"Subject: " + b"x" * 960, b"Subject: a: b; c=d; v=1; b=AAAA; h=from", b"")
OTHERS = (
    b"To: b@sink.example", b"To: undisclosed-recipients:;",
    b"To: a@x.example,\r\n b@y.example,\r\n\tc@z.example", b"CC: <c@x.example>",
    b"Reply-To: other@one.example", b"reply-to:(x) y@one.example",
    b"Message-ID: <%d@one.example>", b"message-id:<folded\r\n @one.example>",
    b"In-Reply-To: <a@b> <c@d>",
    b"References: <a@b>\r\n <c@d>\r\n\t<e@f>", b"X-Empty:", b"X-Blank:   ",
    b"X-Eight: \xf0\x9f\x90\x9f", b"X-Long: " + b"y" * 900,
    b"Received: from a by b; Sat, 21 Nov 2026 20:00:00 +0000",
    b"Resent-From: x@y.example", b"Resent-To: y@x.example",
    b"List-Id: A list <l.one.example>", b"List-Unsubscribe: <https://a.test/>",
    b"DKIM-Signature: v=1; a=rsa-sha256; d=old.example; s=x; h=from; bh=; b=",
    b"Authentication-Results: one.example; none", b"Autocrypt: addr=x;\r\n"
    b" keydata=AAAA\r\n BBBB", b"X-Twice: one\r\nX-Twice: two")
DATE = b"Sat, 21 Nov 2026 20:00:00 +0000"
MIME = (
    b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: 8bit",
    b"Mime-Version:1.0\r\ncontent-type: multipart/mixed;\r\n\tboundary=\"b\"",
    b"MIME-Version: 1.0 (a comment)\r\nContent-Type: text/html", b"")
BODIES = (
    b"", b"\r\n", b"\r\n\r\n\r\n\r\n", b" \r\n", b"\t \r\n \r\n\r\n",
    b"Text.\r\n", b"Text.\r\n" + b"\r\n" * 500, b"\r\n\r\nText.\r\n",
    b"a  b\tc \t \r\n d  \r\n", b"Text without an end", b"Text.\r\n \r\n\t\r\n",
    b".\r\n..\r\n.x\r\n...\r\n", b"From here on\r\n>From there\r\n",
    b"x" * 990 + b"\r\n", b"word " * 198 + b"\r\n",
    b"Gr\xc3\xbc\xc3\x9fe\r\n", bytes(range(128, 256)) + b"\r\n",
    b"--b\r\nContent-Type: text/plain\r\n\r\nOne\r\n--b\r\n\r\nTwo\r\n--b--\r\n",
    b"line\r\n" * 3000, b"   indented\r\n\ttoo\r\n", b"=20\r\n=3D\r\n soft=\r\n",
    b"\x0c\x0b\x01\x1b[0m\r\n", b"a" * 65535 + b"\r\n"[:0], b"0\r\n\r\n0\r\n")
# Lines have at most 998 octets; but for that, the long one without an end.
BODIES = [re.sub(rb"([^\r\n]{990})(?=[^\r\n])", rb"\1\r\n", b) for b in BODIES]


def messages(seed):
    r = random.Random(seed)
    for n in range(COUNT):
        who = r.choice(FROMS)
        head = [who.replace(b"%s", ME.encode()),
                r.choice(SUBJECTS), r.choice(MIME),
                *r.sample(OTHERS, r.randrange(5)), b"X-Id: %d" % n]
        r.shuffle(head)
        # The first two rounds have every body and every subject.
        head = [h for h in head if h and not h.lower().startswith(b"subject")]
        head.append(SUBJECTS[n % len(SUBJECTS)] or b"X-No-Subject: 1")
        # OpenDKIM takes no message without a date, nor fields of which there
        # may be one twice.
        head.insert(r.randrange(len(head)), b"Date: " + DATE)
        head = list({h.split(b":")[0].lower(): h for h in head}.values())
        head = [h.replace(b"%d", b"%d" % n) for h in head]
        yield b"\r\n".join(head) + b"\r\n\r\n" + BODIES[n % len(BODIES)]


# ---- Those who verify

def spoilt(text):
    """The same, but not as it was signed."""
    return text + b"more\r\n"


def without_rsa(text):
    """Signed by Ed25519 alone."""
    return re.sub(rb"DKIM-Signature: v=1; a=rsa-sha256;.*?\r\n(?=DKIM)", b"",
                  text, count=1, flags=re.S)


def dkimpy(texts):
    import dkim
    for text in texts:
        for i in range(2):
            try:
                why = None if dkim.DKIM(text).verify(idx=i) else "no"
            except dkim.DKIMException as e:
                why = e
            if why is not None:
                yield "%s: signature %d of %r" % (why, i, text[:1500])


def opendkim(texts):
    for text in texts:
        got = subprocess.run(["opendkim-testmsg"],
                             input=text.replace(b"\r\n", b"\n"),
                             stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, check=False)
        if got.returncode != 0 or got.stdout:
            yield "%d %r of %r" % (got.returncode, got.stdout, text[:1500])


def mailauth(texts, folder, modules):
    names = []
    for n, text in enumerate(texts):
        names.append("%s/m%d" % (folder, n))
        with open(names[-1], "wb") as f:
            f.write(text)
    out = run("node", HERE + "/signatures.js", modules, *names)
    for line in out.splitlines():
        name, *results = line.split()
        if sorted(results) != ["ed25519-sha256:pass", "rsa-sha256:pass"]:
            with open(name, "rb") as f:
                yield "%s of %r" % (results, f.read()[:1500])


def judge(who, texts, verify):
    """All are accepted, and none that was changed."""
    wrong = list(verify(texts))
    if wrong:
        raise Failed("%s refuses %d of %d: %s" % (who, len(wrong), len(texts),
                                                  wrong[0]))
    changed = [spoilt(t) for t in texts[:10]]
    if len(set(verify(changed))) < 10:
        raise Failed("%s accepts what was changed" % who)
    step("%s accepts %d messages" % (who, len(texts)))


def leave(world, seed):
    """Each message as it came to another host; seed says which."""
    run("ip", "addr", "add", SINK + "/32", "dev", "lo")
    sink = os.path.join(world.folder, "sink")
    subprocess.Popen([sys.executable, "-B", TOP + "/regress/usr.sbin/"
                      "sealrelayd/relay/sink.py", sink, "chunking",
                      "listen=%s:25" % SINK])
    world.names.zones["sink.example."] = [
        "sink.example. 300 MX 0 mx.sink.example.",
        "mx.sink.example. 300 A " + SINK]
    world.names.serve()
    one = Site(world, Host("one", 1), "one.example",
               more="relay tls none\n")
    one.ready()
    one.ctl("dkim", "new", one.domain)
    own, _ = one.zone()
    world.names.zones["one.example."] = own
    world.names.serve()
    step("seed %d" % seed)
    sent = list(messages(seed))
    with one.host.inside():
        m = one.smtp("localhost", one.server["smtp_port"])
    for text in sent:
        send(m, text)
    m.quit()
    ids = re.compile(rb"(?mi)^X-Id: (\d+)")

    def there():
        return len([x for x in os.listdir(sink) if x.endswith(".env")]
                   ) >= len(sent)
    until("all messages: " + one.ctl("queue", "list"), there)
    one.stop()
    got = {}
    for name in os.listdir(sink):
        if name.endswith(".eml"):
            with open(os.path.join(sink, name), "rb") as f:
                text = f.read()
            got[int(ids.search(text).group(1))] = text
    if sorted(got) != list(range(len(sent))):
        raise Failed("%d of %d came" % (len(got), len(sent)))
    for n, text in got.items():
        if text.count(b"d=one.example;") != 2:
            raise Failed("not signed twice: %r" % text[:1500])
        if not text.endswith(sent[n].partition(b"\r\n\r\n")[2]):
            raise Failed("another body: %r for %r" % (text, sent[n]))
    return list(got.values())


def send(m, text):
    """By BDAT, so that an end without a line's end stays one."""
    for code, words in (m.mail(ME, ["BODY=8BITMIME", "SMTPUTF8"]),
                        m.rcpt("b@sink.example"), bdat(m, text)):
        if code >= 300:
            raise Failed("%d %r for %r" % (code, words, text[:1500]))


def bdat(m, text):
    m.send(b"BDAT %d LAST\r\n" % len(text) + text)
    return m.getreply()


def main(modules, folder):
    world = World(folder)
    with open(folder + "/resolv.conf", "w", encoding="utf-8") as f:
        f.write("nameserver %s\n" % DNS)
    run("mount", "--bind", folder + "/resolv.conf", "/etc/resolv.conf")
    texts = leave(world, int(os.environ.get("SEED",
                                            random.randrange(100000))))
    judge("dkimpy", texts, dkimpy)
    judge("opendkim-testmsg", texts, opendkim)
    alone = [without_rsa(t) for t in texts[:5]]
    if not list(opendkim(alone)) and len(list(
            opendkim(map(spoilt, alone)))) == 5:
        step("also by Ed25519 alone")
    if modules:
        judge("mailauth", texts, lambda t: mailauth(t, folder, modules))


try:
    main(*sys.argv[1:3])
except (Failed, AssertionError, OSError) as e:
    traceback.print_exc()
    print(e)
    sys.exit(1)
print("all is well")

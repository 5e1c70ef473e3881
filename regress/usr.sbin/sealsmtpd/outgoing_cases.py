"""Mail that leaves, from the client's side; run by outgoing_test.

outgoing_cases.py CASE SMTP_PORT LMTP_PORT PID      exit status 1: it failed
"""
import email
import email.policy
import glob
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

HOST = "127.0.0.1"
ANNA = "anna@example.org"
AWAY = "x@elsewhere.test"
PATIENCE = 100  # seconds, where a machine is slow
JOBS = 20  # destination-jobs: messages on their way to the sink


class Gone(Exception):
    """The server has closed the connection."""


def fail(text):
    raise AssertionError(text)


def expect(got, want):
    if not got.startswith(want):
        fail("expected %r, got %r" % (want, got))


class Client:
    def __init__(self, port, source=HOST):
        self.sock = socket.create_connection((HOST, port), PATIENCE,
                                             (source, 0))
        self.file = self.sock.makefile("rb")
        expect(self.reply(), "220")
        expect(self.say("LHLO x" if port == LMTP else "EHLO x"), "250")
        self.offers = {line[4:].split()[0] for line in self.lines[1:]}

    def reply(self):
        self.lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise Gone()
            self.lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                return self.lines[-1]

    def say(self, line):
        self.sock.sendall(line.encode() + b"\r\n")
        return self.reply()

    def to(self, *rcpts, sender=ANNA, mail="", rcpt=""):
        expect(self.say("MAIL FROM:<%s>%s" % (sender, mail)), "250")
        for r in rcpts:
            expect(self.say("RCPT TO:<%s>%s" % (r, rcpt)), "250")

    def data(self, body):
        expect(self.say("DATA"), "354")
        self.sock.sendall(re.sub(rb"(?m)^\.", b"..", body) + b".\r\n")
        return self.reply()

    def bdat(self, *chunks):
        for i, c in enumerate(chunks):
            last = " LAST" if i == len(chunks) - 1 else ""
            self.sock.sendall(b"BDAT %d%s\r\n" % (len(c), last.encode()) + c)
            got = self.reply()
        return got


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(0.05)
    fail("in vain: " + what)


def sunk():
    """Envelope (lines) and text of each message that has left."""
    got = []
    for env in sorted(glob.glob("sink/*.env")):
        with open(env, encoding="utf-8") as f:
            lines = f.read().split("\n")
        with open(env[:-3] + "eml", "rb") as f:
            got.append((lines, re.sub(rb"(?m)^\.", b"", f.read())))
    return got


def rcpts(env):
    return "\n".join(line for line in env if line.startswith("RCPT"))


def arrived(n):
    until(lambda: len(sunk()) >= n, "%d messages" % n)
    got = sunk()
    if len(got) > n:
        fail("%d messages instead of %d" % (len(got), n))
    return got


def case_matrix():
    ways = (AWAY, "@example.org:" + AWAY, "x@[127.0.0.9]", "x@[IPv6:::1]",
            "x@sub.example.org", "x@example.org.elsewhere.test", "x@example",
            "postmaster@elsewhere.test")
    own = ("no@example.org", "x%elsewhere.test@example.org",
           "elsewhere.test!x@example.org", '"x@elsewhere.test"@example.org')
    c = Client(SMTP)
    if "DSN" not in c.offers:
        fail("no DSN")
    c.to(*ways, rcpt=" NOTIFY=NEVER")
    for r in own:
        expect(c.say("RCPT TO:<%s>" % r), "550 5.1.1")
    expect(c.say("RCPT TO:<x@\u00e4.test>"), "553")
    expect(c.say("RCPT TO:<%s.test>" % ("x@" + "a" * 64)), "501")
    # By a wall of labels: 63 octets of UTF-8 are more as an A-label.
    expect(c.say("RSET"), "250")
    expect(c.say("MAIL FROM:<> SMTPUTF8"), "250")
    expect(c.say("RCPT TO:<x@B\u00dcCHER.test>"), "250")
    for make, code in ((lambda: Client(SMTP, "127.0.0.2"), "550 5.7.1"),
                       (lambda: Client(LMTP), "550 5.7.1")):
        c = make()
        expect(c.say("MAIL FROM:<%s>" % ANNA), "250")
        for r in ways:
            expect(c.say("RCPT TO:<%s>" % r), code)
        for r in own:
            expect(c.say("RCPT TO:<%s>" % r), "550 5.1.1")
        expect(c.say("RCPT TO:<%s>" % ANNA), "250")
        expect(c.data(b"Subject: in\r\n\r\n"), "250")
    c = Client(SMTP, "127.0.0.2")
    if "DSN" in c.offers:
        fail("DSN for strangers")
    expect(c.say("MAIL FROM:<a@b.test> RET=FULL"), "555")
    expect(c.say("MAIL FROM:<a@b.test> ENVID=x"), "555")
    expect(c.say("MAIL FROM:<a@b.test>"), "250")
    expect(c.say("RCPT TO:<%s> NOTIFY=SUCCESS" % ANNA), "555")
    expect(c.say("RCPT TO:<%s> ORCPT=rfc822;a@b" % ANNA), "555")
    if "DSN" not in Client(LMTP).offers:
        fail("no DSN by LMTP")
    if sunk():
        fail("something left")


HEAD = b"From: a@b.test\r\nTo: x@elsewhere.test\r\nX-Case: %s\r\n"


def case_through():
    cases = {
        "plain": b"\r\nHello\r\n.\r\n..\r\n.x\r\n",
        "large": b"\r\n" + b"0123456789 " * 7 * 4000 + b"\r\n",
        "lines": b"\r\n" + b"line of a message\r\n" * 20000,
        "eight": b"\r\n\xc3\xa4\xff\r\n",
        "empty": b"\r\n",
        "fold": b"\tmore\r\n and more\r\n\r\nbody\r\n",
        "both": b"\r\nhere and there\r\n",
    }
    c = Client(SMTP)
    for name, rest in cases.items():
        c.to(AWAY, *([ANNA] if name == "both" else []))
        expect(c.data(HEAD % name.encode() + rest), "250")
    # An empty line is put where none was; a line of no field is the body.
    c.to(AWAY)
    expect(c.data(HEAD % b"missing" + b"no field\r\nx\r\n"), "250")
    cases["missing"] = b"\r\nno field\r\nx\r\n"
    c.to(AWAY)
    expect(c.data(HEAD % b"header"), "250")
    cases["header"] = b"\r\n"
    c.to(AWAY)
    expect(c.bdat(HEAD % b"bdat", b"\r", b"\nabc", b"def"), "250")
    cases["bdat"] = b"\r\nabcdef\r\n"
    c.to(AWAY, ANNA, mail=" RET=HDRS ENVID=e+2Bv BODY=8BITMIME",
         rcpt=" NOTIFY=FAILURE ORCPT=rfc822;o+2Bo@b.test")
    expect(c.data(HEAD % b"params" + b"\r\n"), "250")
    cases["params"] = b"\r\n"
    c.to("x@B\u00dcCHER.test", mail=" SMTPUTF8")
    expect(c.data(HEAD % b"idn" + b"\r\n"), "250")
    cases["idn"] = b"\r\n"
    # What must not leave.
    for body, want in (
            (HEAD % b"bare" + b"\r\nx\ny\r\n", "550 5.6.0"),
            (b"X: " + b"y" * 900 + b"\r\n" + b"Y: z\r\n" * 10000,
             "552 5.3.4"),
            (b"Received: x\r\n" * 60 + b"\r\n", "554 5.4.6")):
        c.to(AWAY, "bob@example.org")
        expect(c.data(body), want)
    got = arrived(len(cases))
    for env, text in got:
        name = re.search(rb"(?m)^X-Case: (\w+)", text).group(1).decode()
        m = re.match(rb"Received: from x \(\[127\.0\.0\.1\]\)\r\n"
                     rb"\tby mx\.test with (UTF8SMTP|ESMTP) id \S+"
                     rb"(\r\n\tfor <[^>]*>)?;"
                     rb"\r\n\t[^\r]*\r\n", text)
        if not m or text[m.end():] != HEAD % name.encode() + cases[name]:
            fail("%s: %r" % (name, text[:600]))
        if name == "params" and not (
                "RET=HDRS" in env[0] and "ENVID=e+2Bv" in env[0] and
                "NOTIFY=FAILURE" in rcpts(env) and
                "ORCPT=rfc822;o+2Bo@b.test" in rcpts(env)):
            fail("parameters: %s" % env)
        if name == "eight" and "BODY=8BITMIME" not in env[0]:
            fail("8 bit: %s" % env)
        if name == "idn" and "SMTPUTF8" not in env[0]:
            fail("SMTPUTF8: %s" % env)


def case_reports():
    text = b"From: %s\r\nSubject: s\r\nX-Case: %s\r\n\r\nBody.\r\n"
    c = Client(SMTP)

    def send(name, rcpts, sender=ANNA, mail="", rcpt=""):
        c.to(*rcpts, sender=sender, mail=mail, rcpt=rcpt)
        expect(c.data(text % (sender.encode(), name.encode())), "250")

    send("whole", ["never@a.test", AWAY], mail=" ENVID=a+2Bb",
         rcpt=" ORCPT=rfc822;q+2Br@s")
    send("head", ["never@a.test"], mail=" RET=HDRS")
    send("never", ["never@a.test"], rcpt=" NOTIFY=NEVER")
    send("null", ["never@a.test"], sender="")
    send("relayed", [AWAY], rcpt=" NOTIFY=SUCCESS")
    send("away", ["never@a.test"], sender="who@b.test")
    send("evil", ["evil@a.test"], sender="who@b.test")
    send("here", ["bob@example.org"], sender="who@b.test",
         rcpt=" NOTIFY=SUCCESS")
    # Neither who is no account, nor nobody, nor who did not ask.
    send("lost", ["never@a.test"], sender="no@example.org")
    send("quiet", ["bob@example.org"])
    # AWAY of "whole" and of "relayed"; reports to who@b.test of three.
    got = arrived(5)
    kinds = []
    for env, raw in got:
        if "FROM:<>" not in env[0]:
            continue
        expect(rcpts(env), "RCPT TO:<who@b.test>")
        kinds.append(check_report(raw))
        if re.search(rb"\r(?!\n)|(?<!\r)\n|[\0\x1b\x80-\xff]", raw):
            fail("what a server said goes on: %r" % raw)
    if sorted(kinds) != ["delivered", "failed", "failed"]:
        fail("reports: %s" % kinds)
    # All that may come of them has come: the queue is empty.
    until(lambda: not os.listdir("base/queue/msg"), "an empty queue")
    arrived(5)


def check_report(raw):
    """Its action, once it is what RFC 6522 and 3464 want."""
    m = email.message_from_bytes(raw, policy=email.policy.default)
    if (m.get_content_type() != "multipart/report" or
            m.get_param("report-type") != "delivery-status" or
            m["Auto-Submitted"] != "auto-replied" or m.defects or
            not m["Date"] or not m["Message-ID"]):
        fail("no report: %r" % raw)
    parts = list(m.iter_parts())
    if [p.get_content_type() for p in parts[:2]] != [
            "text/plain", "message/delivery-status"]:
        fail("parts of %r" % raw)
    per_message, per_rcpt = parts[1].get_payload()
    if per_message["Reporting-MTA"] != "dns; mx.test":
        fail("Reporting-MTA of %r" % raw)
    if not per_rcpt["Final-Recipient"].startswith("rfc822; "):
        fail("Final-Recipient of %r" % raw)
    action = per_rcpt["Action"]
    if per_rcpt["Status"][0] != {"failed": "5"}.get(action, "2"):
        fail("Status of %r" % raw)
    return action


def case_read():
    """Anna's: of "whole", "head" and "relayed"."""
    seen = {}
    for name in glob.glob(sys.argv[2] + "/*"):
        with open(name, "rb") as f:
            raw = f.read()
        m = email.message_from_bytes(raw, policy=email.policy.default)
        case = re.search(rb"(?m)^X-Case: (\w+)", raw).group(1).decode()
        seen[case] = check_report(raw)
        if not raw.startswith(b"Return-Path: <>\r\n"):
            fail("a report has a sender")
        third = list(m.iter_parts())[2]
        status = list(m.iter_parts())[1].get_payload()
        if case == "whole":
            if (status[0]["Original-Envelope-Id"] != "a+b" or
                    status[1]["Original-Recipient"] != "rfc822; q+r@s" or
                    status[1]["Final-Recipient"] != "rfc822; never@a.test" or
                    status[1]["Diagnostic-Code"] !=
                    "smtp; 550 5.1.1 no such user" or
                    len(status) != 2):
                fail("status: %r" % raw)
            if (third.get_content_type() != "message/rfc822" or
                    "Body." not in third.get_content().get_content()):
                fail("the message is not there: %r" % raw)
        elif third.get_content_type() != "text/rfc822-headers" or (
                b"Body." in raw):
            fail("more than the header: %r" % raw)
    if seen != {"whole": "failed", "head": "failed", "relayed": "relayed"}:
        fail("anna has %s" % seen)


def case_signed():
    c = Client(SMTP)
    for sender in ("anna@example.org", "x@EXAMPLE.ORG"):
        c.to(AWAY)
        expect(c.data(b"From: A (b <c@d>) <%s>\r\nSubject: s  t\r\n u\r\n\r\n"
                      b"Body  \r\n\r\n\r\n" % sender.encode()), "250")
    # Neither another's domain, nor one below, nor one that is only named.
    for n, sender in enumerate((b"x@other.test", b"x@sub.example.org",
                                b'"a@example.org" <x@other.test>')):
        c.to(AWAY)
        expect(c.data(b"From: %s\r\nX-Plain: %d\r\n\r\n" % (sender, n)),
               "250")
    for _, text in arrived(5):
        if (b"X-Plain" in text) == (b"DKIM-Signature" in text):
            fail("signed: %r" % text)


def case_signed_twice():
    """The second key comes with a reload."""
    def one():
        c = Client(SMTP)
        n = len(sunk())
        c.to(AWAY, ANNA)
        expect(c.data(b"From: %s\r\n\r\nBody\r\n" % ANNA.encode()), "250")
        return any(t.count(b"DKIM-Signature") == 2 for _, t in
                   arrived(n + 1))
    until(one, "two signatures")


def case_verify():
    import dkim
    records = {}
    for s, kind in (("e", "ed25519"), ("r", "rsa")):
        der = subprocess.run(["openssl", "pkey", "-in", s + ".pem", "-pubout",
                              "-outform", "DER"], stdout=subprocess.PIPE,
                             check=True).stdout
        if s == "e":
            der = der[-32:]
        key = subprocess.run(["openssl", "base64", "-A"], input=der,
                             stdout=subprocess.PIPE, check=True).stdout
        records[s + "._domainkey.example.org."] = (
            b"v=DKIM1; k=" + kind.encode() + b"; p=" + key)

    def dns(name, timeout=5):
        return records.get(name.decode() if isinstance(name, bytes) else name)

    n = 0
    for _, text in sunk():
        for i in range(text.count(b"DKIM-Signature:")):
            if not dkim.DKIM(text).verify(idx=i, dnsfunc=dns):
                fail("signature %d of %r" % (i, text))
            n += 1
    if n < 4:
        fail("%d signatures" % n)


def case_killed():
    """Engines, deliverers, queue and relay die; the client tries again."""
    acked, lock, over = [], threading.Lock(), threading.Event()

    def send(first):
        n = first
        while not over.is_set():
            n += 4
            while not over.is_set():
                try:
                    c = Client(SMTP)
                    c.sock.settimeout(PATIENCE)
                    c.to(ANNA, AWAY)
                    expect(c.data(b"From: %s\r\nX-Id: %d\r\n\r\n%s" % (
                        ANNA.encode(), n, b"line\r\n" * (n % 3 * 15000))),
                           "250")
                    with lock:
                        acked.append(n)
                    break
                except (OSError, Gone, AssertionError):
                    time.sleep(0.05)

    threads = [threading.Thread(target=send, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    names = ("smtp-queue", "smtp-engine", "smtp-relay", "smtp-deliver",
             "sealrelayd")
    for name in names * 2:
        count = len(acked)
        until(lambda c=count: len(acked) > c + 4, "mail before " + name)
        if name == "sealrelayd":
            os.kill(relayd(), signal.SIGKILL)
            # Until then its socket says that it runs.
            until(lambda: ended(relayd()), "the end of sealrelayd")
            subprocess.run(["sh", "./relayd.sh"], check=True)
            continue
        pid = until(lambda w=name: child(w), name)
        os.kill(pid, signal.SIGKILL)
    count = len(acked)
    until(lambda: len(acked) > count + 4, "mail at the end")
    over.set()
    for t in threads:
        t.join()
    with open("acked", "w", encoding="utf-8") as f:
        f.writelines("X-Id: %d\n" % n for n in acked)

    def all_there():
        have = set()
        for _, text in sunk():
            have.add(int(re.search(rb"(?m)^X-Id: (\d+)", text).group(1)))
        return set(acked) <= have
    until(all_there, "all that was accepted")


def told():
    """ENVIDs of the deliveries that who@b.test has heard of."""
    ids = []
    for env, raw in sunk():
        expect(rcpts(env), "RCPT TO:<who@b.test>")
        if check_report(raw) != "delivered" or b"\r\nX-Id: " not in raw:
            fail("another report: %r" % raw)
        ids.append(re.search(rb"Original-Envelope-Id: (\S+)", raw).group(1)
                   .decode())
    return ids


def deliver(client, n):
    client.to(ANNA, sender="who@b.test", mail=" ENVID=%s" % n,
              rcpt=" NOTIFY=SUCCESS")
    return client.data(b"From: who@b.test\r\nX-Id: %s\r\n\r\n%s" % (
        n.encode(), b"Body\r\n" * 20000))


def case_told():
    """A delivery that the sender is to hear of has 250 once he will."""
    expect(deliver(Client(SMTP), "first"), "250")
    until(lambda: told() == ["first"], "a report")
    # The account has the message; nobody knows yet that it is to be told.
    queue = until(lambda: child("smtp-queue"), "a queue")
    os.kill(queue, signal.SIGSTOP)
    c = Client(SMTP)
    c.sock.settimeout(1)
    try:
        fail("too early: " + deliver(c, "held"))
    except socket.timeout:
        pass
    for pid in children("smtp-engine"):
        os.kill(pid, signal.SIGKILL)
    os.kill(queue, signal.SIGCONT)
    acked = ["first"]
    for name in ("", "smtp-engine", "smtp-queue", "smtp-deliver") * 3:
        if name:
            os.kill(until(lambda w=name: child(w), name), signal.SIGKILL)
        for _ in range(3):
            n = "%d" % len(acked)
            until(lambda w=n: delivered(w), "a delivery after " + name)
            acked.append(n)
    with open("acked", "w", encoding="utf-8") as f:
        f.writelines("X-Id: %s\n" % n for n in acked)
    until(lambda: set(acked) <= set(told()), "all reports")


def delivered(n):
    try:
        return deliver(Client(SMTP), n).startswith("250")
    except (OSError, Gone, AssertionError):
        return False


def case_waiting():
    """One message more, which goes nowhere yet."""
    c = Client(SMTP)
    c.to(AWAY)
    expect(c.data(b"Subject: waits\r\n\r\n"), "250")


def case_sent():
    until(lambda: len(sunk()) == 2, "what had waited")


def listening(pids):
    """Where these processes wait for others: "tcp", paths, ..."""
    own = set()
    for pid in pids:
        for fd in glob.glob("/proc/%d/fd/*" % pid):
            try:
                own.add(os.readlink(fd))
            except OSError:
                pass
    found = []
    for kind in ("tcp", "tcp6", "udp", "udp6", "unix"):
        with open("/proc/net/" + kind, encoding="utf-8") as f:
            for words in (line.split() for line in f.readlines()[1:]):
                inode = words[6] if kind == "unix" else words[9]
                waits = words[3] == "00010000" if kind == "unix" else \
                    words[3] == "0A" or kind.startswith("udp")
                if waits and "socket:[%s]" % inode in own:
                    found.append(words[7] if kind == "unix" else kind)
    return sorted(found)


def copies():
    """{X-Id: when each of its copies came}."""
    times = {}
    for env in glob.glob("sink/*.env"):
        with open(env[:-3] + "eml", "rb") as f:
            n = int(re.search(rb"(?m)^X-Id: (\d+)", f.read()).group(1))
        times.setdefault(n, []).append(os.stat(env).st_mtime)
    return times


def case_relays():
    """sealrelayd and its processes die one after the other, under load."""
    acked, kills, over = [], [], threading.Event()

    def send():
        c = Client(SMTP)
        while not over.is_set():
            c.to(AWAY)
            expect(c.data(b"X-Id: %d\r\n\r\n%s" % (
                len(acked), b"line\r\n" * (len(acked) % 3 * 5000))), "250")
            acked.append(len(acked))
            # Some are under way, always, and not too many.
            while not over.is_set() and \
                    len(acked) > len(glob.glob("sink/*.env")) + 50:
                time.sleep(0.01)

    everybody = [relayd()] + [until(lambda w=w: child(w), w)
                              for w in ("smtp-relay", "smtp-resolver")]
    # Only root may look at what these processes have open.
    if os.path.exists("/proc/net/unix") and os.geteuid() == 0:
        here = os.path.realpath("r")
        if listening(everybody) != [here + "/sealrelayd.sock",
                                    here + "/sealrelayd.wire"]:
            fail("sealrelayd listens: %s" % listening(everybody))
        if listening(everybody[1:]):
            fail("a role listens: %s" % listening(everybody[1:]))
        # Who does listen is seen by that.
        if not listening([PID]).count("tcp"):
            fail("sealsmtpd does not listen?")
    thread = threading.Thread(target=send)
    thread.start()
    for name in ("smtp-relay", "smtp-resolver", "sealrelayd") * 2:
        count = len(sunk())
        until(lambda c=count: len(sunk()) > c + 10, "mail before " + name)
        pid = relayd() if name == "sealrelayd" else \
            until(lambda w=name: child(w), name)
        kills.append(time.time())
        os.kill(pid, signal.SIGKILL)
        if name == "sealrelayd":
            until(lambda p=pid: ended(p), "the end of sealrelayd")
            # The queue hears of it, and that it is there again.
            if len(kills) < 4:
                until(lambda: logged("there is no smtp-relay"), "a word of it")
            subprocess.run(["sh", "./relayd.sh"], check=True)
            if len(kills) < 4:
                until(lambda: logged("there is a smtp-relay again"), "a word")
        else:
            until(lambda p=pid, w=name: child(w) not in (None, p), "another")
    count = len(sunk())
    until(lambda: len(sunk()) > count + 10, "mail at the end")
    over.set()
    thread.join()
    until(lambda: set(acked) <= set(copies()), "all that was accepted")
    # Twice there is only what was under way when somebody died.
    twice = 0
    for n, times in copies().items():
        for first, second in zip(sorted(times), sorted(times)[1:]):
            twice += 1
            if not any(first - 1 <= k <= second for k in kills):
                fail("message %d went out twice, and nobody died" % n)
    if twice > len(kills) * JOBS:
        fail("%d messages went out twice" % twice)
    print("%d messages, %d twice, %d kills" % (len(acked), twice, len(kills)))


def logged(text):
    with open("log", encoding="utf-8", errors="replace") as f:
        return text in f.read()


def relayd():
    with open("relayd.pid", encoding="utf-8") as f:
        return int(f.read())


def ended(pid):
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def child(name):
    """A process of that name below the daemons."""
    return next(children(name), None)


def children(name):
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="utf-8", errors="replace") as f:
                words = f.read()
            if int(words.rpartition(")")[2].split()[1]) not in (PID, relayd()):
                continue
            with open(os.path.dirname(stat) + "/cmdline", "rb") as f:
                if name.encode() in f.read():
                    yield int(words.split()[0])
        except OSError:
            pass


if sys.argv[1] == "up":
    SMTP, LMTP = int(sys.argv[2]), -1
    try:
        # 451: no queue yet.
        Client(SMTP).to(AWAY)
    except (OSError, Gone, AssertionError):
        sys.exit(1)
elif sys.argv[1] in ("read", "verify"):
    globals()["case_" + sys.argv[1]]()
else:
    SMTP, LMTP, PID = (int(x) for x in sys.argv[2:5])
    globals()["case_" + sys.argv[1]]()

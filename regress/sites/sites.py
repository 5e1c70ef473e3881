"""Two suites in two networks send each other mail; run by sites_test.

usage: unshare -m -n -p --fork --mount-proc python3 sites.py CASE DIRECTORY
The last line is "all is well", or what is not.
"""
import re
import ssl
import sys
import time
import traceback

from letters import letter
from pair import Pair, arrives, exchange, report, ssh_records
from storm import storm
from world import Failed, Middle, until


def step(words):
    print("%6.1f %s" % (time.monotonic() - BEGAN, words), flush=True)


def zones_are_seen(p):
    """By dns -c, at either host."""
    for s in p.sites:
        out = s.ctl("dns", "-c")
        kinds = {line.split()[1] for line in out.splitlines()}
        want = {"A", "AAAA", "PTR", "MX", "TXT", "TLSA", "SRV", "CAA",
                "STS"}
        if not want <= kinds:
            raise Failed("no %s in %s" % (want - kinds, out))
        own = "\n".join(s.zone()[0])
        for record in ssh_records(s.name):
            if record not in own:
                raise Failed("no SSHFP %s in %s" % (record, own))


def policy_is_judged(p):
    """The web server's half of MTA-STS, by dns -c at its own host."""
    s, policies = p.one, p.world.web.policies
    own = "mta-sts." + s.domain
    was = policies[own]
    for text, state, todo in (
            (None, "missing", "has no policy there"),
            ("", "missing", "malformed"),
            (was.replace("mode: enforce", "mode: none"), "differs",
             "protects nobody"),
            (re.sub("mx: .*", "mx: *.two.example", was), "differs",
             'add the line "mx: %s"' % s.name),
            (re.sub("max_age: .*", "max_age: 86400", was), "differs",
             "make max_age"),
            (was.replace("mode: enforce", "mode: testing"), "ok",
             "enforce once"),
            (was, "ok", "")):
        policies[own] = text
        out = s.ctl("dns", "-c", s.domain, fails=state != "ok")
        line = next(x for x in out.splitlines() if " STS " in x)
        if line.split()[2] != state or todo not in line:
            raise Failed("not %s, %s: %s" % (state, todo, line))
    policies[own] = was


def case_both(folder):
    """Both ways, by DANE and by MTA-STS."""
    p = Pair(folder)
    step("started")
    p.publish(True)
    zones_are_seen(p)
    policy_is_judged(p)
    step("published")
    for a, b in p.ways():
        exchange(a, b, "dane", a is p.one)
        step("from %s by DANE" % a.domain)
    p.publish(False)
    for a, b in p.ways():
        exchange(a, b, "sts", a is p.two)
        step("from %s by MTA-STS" % a.domain)
    p.empty()
    for a, _ in p.ways():
        by = a.counted("relay_messages_total")
        if not by.get("dane") or not by.get("mta-sts") or any(
                by.get(x) for x in ("verified", "unverified", "none")):
            raise Failed("sent by %s" % by)
    p.stop()


class Attack:
    """Somebody on the way to two.example; with a certificate, or without."""

    def __init__(self, p, cert=None):
        self.p, self.context = p, None
        if cert is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*cert)

    def __enter__(self):
        self.middle = Middle(self.p.two.host, self.context)

    def __exit__(self, *_):
        self.middle.end()
        if self.middle.mail_came():
            raise Failed("mail was said to whom it was not for")


class Forgery:
    """two.example's zone says something else, signed or not as before."""

    def __init__(self, p, change, sign):
        self.p, self.change, self.sign = p, change, sign
        self.zone = p.two.domain + "."

    def forge(self, zone, path):
        if zone == self.zone and not self.sign:
            with open(path, encoding="utf-8") as f:
                lines = f.readlines()
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(map(self.change, lines))

    def __enter__(self):
        names = self.p.world.names
        self.was = names.zones[self.zone]
        if self.sign:
            names.zones[self.zone] = [self.change(x) for x in self.was]
        names.serve(self.forge)
        self.p.fresh()

    def __exit__(self, *_):
        self.p.world.names.zones[self.zone] = self.was
        self.p.world.names.serve()
        self.p.fresh()


def refused(p, name, attack, status, text):
    """What user 1 sends meanwhile waits for that reason, and comes later."""
    a, b = p.one, p.two
    a.ctl("reload")     # connections that wait for more are closed
    with attack:
        a.submit(1, [b.user(1)],
                 letter(a.user(1), b.user(1), name, b"Secret.\r\n"))
        until(lambda: "%s: %s in %s" % (name, text, a.json("queue", "show",
              "-r", b.user(1))), lambda: a.waits(
                  recipient=b.user(1), status=status, text=text))
        if b.has(1, name):
            raise Failed(name + " has come all the same")
    a.ctl("queue", "flush")
    arrives(b, 1, name)
    step(name)


def case_refused(folder):
    """Whoever is on the way gets nothing, and nothing is lost."""
    p = Pair(folder)
    ca = p.world.authority
    right = ca.make("right", "ca", p.two.name)
    wrong = ca.make("wrong", "ca", "mx.evil.example")
    p.world.names.zones["."].append("mx.evil.example. 300 A 198.18.0.9")

    def elsewhere(line):
        return line.replace("10 mx.two.example.", "10 mx.evil.example.")

    testing(p)
    p.publish(True)
    step("published")
    refused(p, "dane-stripped", Attack(p), "4.7.4", "offers no TLS")
    # Any authority may be mistaken or made to: DANE asks none.
    refused(p, "dane-certificate", Attack(p, right), "4.7.5",
            "no TLSA record matches")
    refused(p, "dane-forged", Forgery(p, elsewhere, False), "4.7.5",
            "signatures are wrong")
    p.publish(False)
    refused(p, "sts-stripped", Attack(p), "4.7.4", "offers no TLS")
    refused(p, "sts-certificate", Attack(p, wrong), "4.7.5", "mismatch")
    refused(p, "sts-elsewhere", Forgery(p, elsewhere, True), "4.7.5",
            "not in the domain's policy")
    tls_is_counted(p.one, p.two)
    p.stop()


class Seen(Attack):
    """Somebody takes TLS away, which the policy lets him."""

    def __exit__(self, *_):
        self.middle.end()
        if not self.middle.mail_came():
            raise Failed("by another way?")


def testing(p):
    """A policy that is tried out: it is counted, and keeps no mail back."""
    a, b = p.one, p.two
    p.publish(False)
    own = "mta-sts." + b.domain
    policy, zone = p.world.web.policies, p.world.names.zones
    was = policy[own], zone[b.domain + "."]
    policy[own] = was[0].replace("mode: enforce", "mode: testing")
    zone[b.domain + "."] = [re.sub("v=STSv1; id=\\w+", "v=STSv1; id=testing",
                                   x) for x in was[1]]
    p.world.names.serve()
    p.fresh()
    with Seen(p):
        a.submit(1, [b.user(1)],
                 letter(a.user(1), b.user(1), "testing", b""))
        arrives(b, 1, "testing")
    got = {(r["policy"], r["result"])
           for r in a.json("queue", "tls", "-d", b.domain)}
    if got != {("sts", "starttls-not-supported")}:
        raise Failed("counted: %s" % got)
    policy[own], zone[b.domain + "."] = was
    p.world.names.serve()
    # It asks for another policy an hour later, or so.
    a.restart("smtp-relay")
    step("testing")


def tls_is_counted(a, b):
    """What became of all that, for reports; of this domain and no other."""
    rows = a.json("queue", "tls", "-d", b.domain)
    got = {(r["policy"], r["result"]) for r in rows}
    want = {("tlsa", x) for x in (
        "success", "starttls-not-supported", "certificate-not-trusted",
        "dnssec-invalid")} | {("sts", x) for x in (
            "success", "starttls-not-supported", "certificate-host-mismatch",
            "validation-failure")}
    if not want <= got or any(
            not r["sessions"] or r["domain"] != b.domain or
            not re.match(r"\d{4}-\d\d-\d\d$", r["day"]) for r in rows):
        raise Failed("counted: %s, not %s" % (rows, sorted(want - got)))
    if a.json("queue", "tls", "-d", "no.example") != []:
        raise Failed("of another domain")


def rows(text):
    """Records of a table, without its head."""
    return [x.split() for x in text.splitlines()[1:] if x.strip()]


def case_queue(folder):
    """What an administrator does while the other host is away."""
    p = Pair(folder)
    a, b = p.one, p.two
    p.publish(True)
    him, other, third = b.user(1), b.user(2), b.user(3)
    b.host.cut()
    ids = {}
    for name, n, rcpts in (("both", 1, [him, other]), ("third", 1, [third]),
                           ("second", 2, [him]), ("quiet", 2, [third])):
        answer = a.submit(n, rcpts, letter(a.user(n), rcpts[0], name,
                                           name.encode() + b"\r\n"))
        ids[name] = answer.split()[-1]

    def listed(*args):
        """(sender, recipient): state, as list says to both kinds of reader."""
        got = {(r["sender"][:8], r["recipient"][:8]): r["state"]
               for r in a.json("queue", "list", *args)}
        plain = {(r[5][:8], r[6][:8]): r[1]
                 for r in rows(a.ctl("queue", "list", *args))}
        return got if got.keys() == plain.keys() else None

    def check(want, *args):
        """Those recipients; what is tried or waits is one here."""
        def held():
            got = listed(*args)
            return got is not None and {
                k: v if v == "held" else "waits"
                for k, v in got.items()} == want
        until(lambda: "%s: %s" % (want, listed(*args)), held)

    def change(n, *args):
        got = a.json("queue", *args)
        if got != [{"recipients": n}]:
            raise Failed("queue %s: %s" % (" ".join(args), got))

    one, two, three = ("user0001", "user0002", "user0003")
    every = {(one, one): "waits", (one, two): "waits", (one, three): "waits",
             (two, one): "waits", (two, three): "waits"}

    def only(test, word="waits"):
        return {k: word for k in every if test(*k)}

    # Filters, alone and together.
    check(every)
    check(every, "-d", b.domain)
    check({}, "-d", "three.example")
    check(only(lambda s, r: r == one), "-r", him)
    check(only(lambda s, r: s == two), "-s", a.user(2))
    check(only(lambda s, r: (s, r) == (two, three)), "-s", a.user(2), "-r",
          third, "-d", b.domain)
    check(only(lambda s, r: s == one and r != three), ids["both"])
    a.ctl("queue", "list", "no-such-id", fails=True)
    until("a reason", lambda: all(
        "unreach" in r["text"] or "route" in r["text"]
        for r in a.json("queue", "show", "-d", b.domain)))
    full = a.json("queue", "show", ids["third"])[0]
    if (full["trace"] != ids["third"] or full["destination"] != b.domain or
            full["expiry"] - full["arrival"] != 5 * 86400 or
            full["octets"] != len(a.ctl("queue", "message", full["id"],
                                        raw=True))):
        raise Failed("show: %s" % full)
    count = a.json("queue", "show")[0]
    if (count["messages"], count["recipients"], count["held"]) != (
            4, 5, False) and count["held"] != "no":
        raise Failed("show: %s" % count)
    text = a.ctl("queue", "message", ids["third"], raw=True)
    if not text.endswith(b"\r\n\r\nthird\r\n"):
        raise Failed("message: %r" % text)
    step("listed")
    # Held one by one, by destination, all; and no more.
    change(2, "pause", "-r", third)
    check(dict(every) | only(lambda s, r: r == three, "held"))
    change(1, "resume", "-r", third, "-s", a.user(1))
    check(dict(every) | {(two, three): "held"})
    change(1, "resume", "-r", third, "-s", a.user(2))
    a.ctl("queue", "pause", "-d", b.domain)
    check({k: "held" for k in every})
    a.restart("smtp-queue")
    check({k: "held" for k in every})
    a.ctl("queue", "resume", "-d", b.domain)
    a.ctl("queue", "pause")
    check({k: "held" for k in every})
    a.ctl("queue", "resume")
    check(every)
    a.ctl("queue", "pause", "-r", "nobody@three.example", fails=True)
    step("held and resumed")
    # Later; never.
    change(1, "reschedule", "-t", "+2h", ids["second"])
    until("two hours", lambda: 7000 < a.json("queue", "show", ids["second"])[
        0]["next"] - time.time() < 7300)
    a.ctl("queue", "reschedule", "-t", "yesterday", ids["second"], fails=True)
    change(1, "remove", "-r", third, "-s", a.user(1))
    change(1, "remove", "-n", "-r", third, "-s", a.user(2))
    check(only(lambda s, r: r != three))
    report(a, 1, "third", "failed", third, "by the administrator")
    b.host.mend()
    arrives(b, 1, "both")
    arrives(b, 2, "both")
    check(only(lambda s, r: s == two and r != three))
    change(1, "flush", "-s", a.user(2))
    arrives(b, 1, "second")
    p.empty()
    if a.messages(2) or b.messages(3):
        raise Failed("what was removed with -n was heard of")
    step("removed and flushed")
    # From the client to the other host's inbox, by what is logged.
    lines = a.trace(ids["both"])
    for word in ("login ", "message ", "queued ", "attempt ", "sent ",
                 "done "):
        if word not in lines:
            raise Failed("no %s in %s" % (word, lines))
    known = re.search(r" sent .* text=2.0.0.040Ok.040(\S+)", lines).group(1)
    lines = b.trace(known)
    if "from=" + a.user(1) not in lines or "result=done" not in lines:
        raise Failed("trace there: %s" % lines)
    p.stop()


def case_killed(folder):
    """Processes die and the link goes: nothing is lost, or twice."""
    p = Pair(folder, "limit destination-jobs 1\n", again=True)
    p.publish(True)
    step(storm(p, 1))
    p.stop()


def case_lapsed(folder):
    """Certificates that are over, policies that are gone; the end of it."""
    p = Pair(folder, "limit queue-warning 5s\nlimit queue-lifetime 60s\n"
             "limit certificate-check 0\n")
    a, b, ca = p.one, p.two, p.world.authority
    p.publish(True)
    # DANE does not ask how long a certificate is good (RFC 7672 3.1.1).
    good = b.read("cert.pem")
    cert, _ = ca.make("over", "ca", b.name, "localhost", days=-1,
                      key=b.path("key.pem"))
    date = b.certificate()
    b.in_date = False
    with open(cert, encoding="utf-8") as f:
        put(b, f.read())
    if b.certificate() == date:
        raise Failed("the certificate is still " + date)
    a.submit(1, [b.user(1)], letter(a.user(1), b.user(1), "dane-over", b""))
    arrives(b, 1, "dane-over")
    step("dane-over")
    p.publish(False)
    refused(p, "sts-over", Restored(b, good), "4.7.5", "expired")
    # The policy holds while its web server is gone, or is another's.
    for name, web in (("gone", None), ("false", ca.make(
            "false", None, "mta-sts." + b.domain))):
        policies = p.world.web.policies
        policies.pop("mta-sts." + b.domain, None)
        if web is not None:
            p.world.web.use(*web)
            policies["mta-sts." + b.domain] = (
                "version: STSv1\nmode: none\nmax_age: 86400\n")
        p.world.names.zones[b.domain + "."] = [
            re.sub("v=STSv1; id=\\w+", "v=STSv1; id=" + name, x)
            for x in p.world.names.zones[b.domain + "."]]
        p.world.names.serve()
        p.fresh()
        asked = len(p.world.web.asked)
        a.restart("smtp-relay")
        refused(p, "sts-web-" + name, Attack(p), "4.7.4", "offers no TLS")
        if web is None and len(p.world.web.asked) == asked:
            raise Failed("the policy was not asked for")
    # In the end it comes back, with the reason.
    a.ctl("reload")
    with Attack(p):
        a.submit(1, [b.user(1)], letter(a.user(1), b.user(1), "never", b""))
        report(a, 1, "never", "delayed", "Status: 4.7.4", "offers no TLS")
        step("delayed")
        report(a, 1, "never", "failed", "offers no TLS")
        step("returned")
    p.empty()
    if b.has(1, "never"):
        raise Failed("returned, and come")
    p.stop()


def put(site, cert):
    """Another certificate of its key."""
    with open(site.path("cert.pem"), "w", encoding="utf-8") as f:
        f.write(cert)
    site.ctl("reload")


class Restored:
    """No attack: the certificate is what it is, and then the good one."""

    def __init__(self, site, good):
        self.site, self.good = site, good

    def __enter__(self):
        pass

    def __exit__(self, *_):
        put(self.site, self.good)
        self.site.in_date = True


def case_storm(folder):
    """The same for longer."""
    p = Pair(folder, "limit destination-jobs 1\n", again=True)
    p.publish(True)
    step(storm(p, 12))
    p.stop()


BEGAN = time.monotonic()
try:
    globals()["case_" + sys.argv[1]](sys.argv[2])
except (Failed, AssertionError, OSError) as e:
    traceback.print_exc()
    print(e)
    sys.exit(1)
print("all is well")

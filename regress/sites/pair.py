"""Two suites, one.example and two.example, whose zones are what sealctl says,
and what users of one send to those of the other."""
import email
import email.policy
import os
import re
import shutil

from letters import digest, fields, ident, is_report, large, letter, split
from suite import Site
from world import Failed, Host, World, run, until

SSH_KEY = "/etc/ssh/ssh_host_ed25519_key"
BIG = 20 * 1000 * 1000


class Pair:
    def __init__(self, folder, more="", again=False):
        self.world = World(folder)
        ssh_keys()
        hosts = [Host("one", 1), Host("two", 2)]
        domains = ["one.example", "two.example"]
        self.world.names.serve()
        self.sites = [Site(self.world, h, d, more=more, again=again)
                      for h, d in zip(hosts, domains)]
        self.world.start_web(*["mta-sts." + d for d in domains])
        for s in self.sites:
            s.ready()
            s.ctl("dkim", "new", s.domain)
            own, others = s.zone()
            self.world.names.zones[s.domain + "."] = own
            self.world.names.zones["."] += others
        self.one, self.two = self.sites

    def publish(self, signed):
        """The domains have policies, and signed zones or not: DANE or none."""
        names = self.world.names
        names.signed = {"."}
        for s in self.sites:
            if signed:
                names.signed.add(s.domain + ".")
            self.world.web.policies["mta-sts." + s.domain] = s.policy()
        names.serve()
        self.fresh()

    def fresh(self):
        """Resolvers forget what they saw."""
        for s in self.sites:
            s.ctl("reload")

    def ways(self):
        return ((self.one, self.two), (self.two, self.one))

    def empty(self):
        def left():
            return [r for s in self.sites for r in s.json("queue", "show",
                    "-d", "one.example") + s.json("queue", "show", "-d",
                                                  "two.example")]
        until(lambda: "an empty queue: %s" % left(), lambda: not left())

    def stop(self):
        for s in self.sites:
            s.stop()
        for s in self.sites:
            for line in s.logs().splitlines():
                if re.search("signal=(?!9)|bad message|Sanitizer", line):
                    raise Failed(line)


def ssh_keys():
    """The machine has a key of ssh for the zone to name."""
    folder = os.path.dirname(SSH_KEY)
    if os.path.isdir(folder) and shutil.which("ssh-keygen"):
        run("mount", "-t", "tmpfs", "tmpfs", folder)
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", SSH_KEY)


def ssh_records(name):
    """What ssh's own program says of it, or nothing."""
    if not os.path.exists(SSH_KEY + ".pub"):
        return []
    return [x.split("SSHFP ")[1] for x in run(
        "ssh-keygen", "-r", name, "-f", SSH_KEY + ".pub").splitlines()
            if " SSHFP 4 2 " in x]


def arrives(site, n, name):
    """The one message of that name that user n has got."""
    got = until("%s for %s" % (name, site.user(n)),
                lambda: site.has(n, name))
    if len(got) != 1:
        raise Failed("%s: %d times" % (name, len(got)))
    return got[0]


def same(text, sent, way):
    """What has come is what was sent, signed, by that way."""
    if digest(split(text)[1]) != digest(split(sent)[1]):
        raise Failed("another body: %r" % text[:3000])
    for name in ("From", "To", "Subject"):
        if fields(text, name) != fields(sent, name):
            raise Failed("%s: %r" % (name, text[:3000]))
    received = fields(text, "Received")
    if len(received) != 2 or " with %s" % way not in received[0]:
        raise Failed("Received: %r" % received)
    if len(fields(text, "DKIM-Signature")) != 2:
        raise Failed("signatures: %r" % text[:3000])


def report(site, n, name, action, *words):
    """The report to user n about that message; it says what it should."""
    def there():
        return [t for t in site.messages(n) if is_report(t) and
                name.encode() in t and b"Action: " + action.encode() in t]
    got = until(lambda: "a report, %s of %s, among %s" % (
        action, name, [t for t in site.messages(n) if is_report(t)]), there)
    if len(got) != 1:
        raise Failed("%d reports of %s" % (len(got), name))
    m = email.message_from_bytes(got[0], policy=email.policy.default)
    status = [p for p in m.walk()
              if p.get_content_type() == "message/delivery-status"]
    text = " ".join(str(status[0]).split())
    if len(status) != 1 or any(w not in text for w in words):
        raise Failed("report: %s" % text)
    return m


def exchange(a, b, tag, big):
    """All kinds of messages from a's users to b's."""
    me, him, other = a.user(1), b.user(1), b.user(2)

    def name(kind):
        return "%s-%s-%s" % (tag, a.host.name, kind)

    sent = {}

    def send(kind, body, *more, rcpts=(him,), mail=(), rcpt=()):
        sent[kind] = letter(me, him, name(kind), body, *more)
        a.submit(1, list(rcpts), sent[kind], mail, rcpt)

    # Its own users, too: they do not go through the queue.
    send("several", b"Hello.\r\n.\r\n..\r\n",
         rcpts=(him, other, a.user(2), b.user(3)))
    send("eight", "Gr\u00fc\u00dfe\r\n".encode(), "MIME-Version: 1.0",
         "Content-Type: text/plain; charset=utf-8",
         "Content-Transfer-Encoding: 8bit", mail=("BODY=8BITMIME",))
    sent["utf8"] = ("From: Ann\u00e4 <%s>\r\nTo: J\u00fcrgen <%s>\r\n"
                    "Subject: \u65e5\u672c\u8a9e\r\nX-Id: %s\r\n\r\n"
                    "\u65e5\u672c\u8a9e\r\n" % (me, him, name("utf8"))
                    ).encode()
    a.submit(1, [him, "j\u00fcrgen@" + b.domain], sent["utf8"],
             ("SMTPUTF8", "BODY=8BITMIME"))
    send("relayed", b"Did it go?\r\n",
         mail=("ENVID=e+2Bv",), rcpt=("NOTIFY=SUCCESS,FAILURE",))
    send("nobody", b"Is he there?\r\n", rcpts=("nobody@" + b.domain, other),
         mail=("RET=HDRS",))
    send("empty", b"")
    if big:
        send("big", large(BIG))
    for kind, text in sent.items():
        way = "UTF8SMTPS" if kind == "utf8" else "ESMTPS"
        if kind == "nobody":
            same(arrives(b, 2, name(kind)), text, way)
        else:
            same(arrives(b, 1, name(kind)), text, way)
    arrives(b, 2, name("utf8"))     # of that alias
    for n, site in ((2, b), (3, b), (2, a)):
        arrives(site, n, name("several"))
    m = report(a, 1, name("relayed"), "relayed", "Status: 2.0.0",
               "Original-Envelope-Id: e+v", him)
    if m["From"] is None or a.name not in m.as_string():
        raise Failed("whose report? " + m.as_string())
    report(a, 1, name("nobody"), "failed", "550", "Status: 5.1.1",
           "nobody@" + b.domain, "Remote-MTA: dns; " + b.name)


def unique(site, n):
    """name: how often, of user n's messages that are no reports."""
    count = {}
    for text in site.messages(n, "BODY.PEEK[HEADER]"):
        name = ident(text + b"\r\n")
        if name is not None and not is_report(text):
            count[name] = count.get(name, 0) + 1
    return count

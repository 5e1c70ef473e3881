"""Mail goes both ways while processes are killed and the link is cut."""
import random
import smtplib
import ssl
import threading
import time

from letters import letter
from pair import unique
from world import Failed, until

ROLES = ("smtp-queue", "smtp-relay", "smtp-engine", "smtp-deliver",
         "smtp-resolver")
DAEMONS = ("sealsmtpd", "sealrelayd")   # each with all its processes
SETTLE = 200     # seconds for the rest, once all is whole again
RESENT = 2       # messages that a mishap may strike on their way, or whose
                 # outcome a killed queue had not yet written down


class Client(threading.Thread):
    """Sends until it is told to end; each message until it has 250."""

    def __init__(self, site, other, n):
        super().__init__(daemon=True)
        self.site, self.other, self.n = site, other, n
        self.taken, self.again = [], set()
        self.over = threading.Event()

    def run(self):
        count = 0
        while not self.over.is_set():
            count += 1
            name = "storm-%s-%d-%d." % (self.site.host.name, self.n, count)
            text = letter(self.site.user(1), self.other.user(1), name,
                          b"line\r\n" * (1 + count % 3 * 20000))
            while not self.over.is_set():
                try:
                    self.site.relay(self.site.user(1), [self.other.user(1)],
                                    text)
                    self.taken.append(name)
                    break
                except (OSError, smtplib.SMTPException, ssl.SSLError,
                        Failed):
                    # It may have been taken all the same.
                    self.again.add(name)
                    time.sleep(0.05)


def blow(p, r, kind, clients):
    """One mishap, and mail goes on after it."""
    def taken():
        return sum(len(c.taken) for c in clients)
    site = r.choice(p.sites)
    if kind == "link":
        site.host.cut()
        time.sleep(r.uniform(0.1, 1.5))
        site.host.mend()
    elif kind in DAEMONS:
        site.kill_daemon(kind)
    else:
        until("a " + kind, lambda: site.pids(kind))
        site.kill(kind)
    count = taken()
    until("mail after %s" % kind, lambda: taken() > count + 4)


def storm(p, rounds):
    seed = random.randrange(1000000)
    r = random.Random(seed)
    clients = [Client(a, b, n) for a, b in p.ways() for n in (1, 2)]
    for c in clients:
        c.start()
    kinds = [*ROLES, *DAEMONS, "link"] * rounds
    r.shuffle(kinds)
    for kind in kinds:
        blow(p, r, kind, clients)
    for c in clients:
        c.over.set()
    for c in clients:
        c.join()
    want = {x for c in clients for x in c.taken}
    again = {x for c in clients for x in c.again}
    for s in p.sites:
        s.patient("queue", "flush")
    have = {}

    def all_there():
        have.clear()
        for s in p.sites:
            have.update(unique(s, 1))
        return want <= have.keys()
    until(lambda: "seed %d: lost: %s" % (seed, sorted(want - have.keys())),
          all_there, SETTLE)
    p.empty()
    all_there()
    more = {x: n for x, n in have.items() if n > 1 and x not in again}
    may = RESENT * len(kinds)
    extra = sum(n - 1 for n in more.values())
    if extra > may:
        raise Failed("seed %d: twice without need: %s" % (seed, more))
    return "%d messages, %d mishaps, %d came twice (at most %d)" % (
        len(want), len(kinds), extra, may)

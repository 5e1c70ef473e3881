#!/usr/bin/env python3
"""One user with as many sessions as the configuration allows.

usage: crowd.py SERVER.JSON [long]

As hostile.py, whose watch and memory it uses: another user's session asks
beside it.  Every session hears of one delivery and of one change; the next one
is refused; when they have gone, nothing is left of them.
"""
import json
import os
import re
import select
import subprocess
import time

import hostile as h

WAIT_SECONDS = 120      # for all to have heard; ends when they have
SESSION_KIB = 64        # a session may cost: engine and vault
VAULT_SESSION_KIB = 16  # of which the vault's


def limit():
    """sessions-per-user of the suite that runs."""
    with open(os.path.join(h.RUN, "extra.conf")) as f:
        return int(re.search(r"sessions-per-user (\d+)", f.read())[1])


def deliver(account, subject):
    s = h.tcp(h.SUITE["lmtp_port"])
    f = s.makefile("rwb")

    def said(want):
        while True:
            line = f.readline()
            if not line.startswith(want):
                raise AssertionError("LMTP: %r" % line)
            if line[3:4] != b"-":
                return

    said(b"220")
    for text, want in (("LHLO x", b"250"), ("MAIL FROM:<x@example.net>", b"250"),
                       ("RCPT TO:<%s>" % account, b"250"), ("DATA", b"354"),
                       ("Subject: %s\r\n\r\nhello\r\n." % subject, b"250")):
        f.write(text.encode() + b"\r\n")
        f.flush()
        said(want)
    s.close()


def all_hear(conns, wanted):
    """Seconds until each of conns, {connection: pattern}, has got its line."""
    begin = time.monotonic()
    left = dict(conns)
    poll = select.poll()
    by_fd = {c.s.fileno(): c for c in left}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    while left and time.monotonic() - begin < WAIT_SECONDS:
        for fd, _ in poll.poll(1000):
            c = by_fd[fd]
            part = c.s.recv(65536)
            if not part:
                raise EOFError("a session of many has ended: %r" % c.buf)
            c.buf += part
            if c in left and re.search(left[c], c.buf):
                del left[c]
    if left:
        h.fail("%s: %d of %d do not hear of it: %r" % (
            wanted, len(left), len(conns), next(iter(left)).buf[-200:]))
    return time.monotonic() - begin


def sessions(account):
    """How many the daemon knows of."""
    out = subprocess.run("%s -j show sessions" % h.SUITE["sealctl"],
                         shell=True, check=True, stdout=subprocess.PIPE).stdout
    return sum(r.get("account") == account for r in json.loads(out))



def attack_crowd():
    n, account = limit(), h.SUITE["user_pattern"] % 1
    h.Imap(1).do("LOGOUT")
    before = h.memory()
    conns = []
    begin = time.monotonic()
    for _ in range(n):
        conns.append(h.Imap(1, sock=h.tcp(h.PLAIN)))
    took = time.monotonic() - begin
    try:
        h.Imap(1, sock=h.tcp(h.PLAIN))
        h.fail("one session more than the limit")
    except AssertionError as error:
        if "[LIMIT]" not in str(error):
            h.fail("one session more: %s" % error)
    h.Imap(2, sock=h.tcp(h.PLAIN)).do("LOGOUT")
    idle, told = conns[:n // 2], conns[n // 2:]
    for c in idle:
        c.do("SELECT INBOX")
        c.send("i IDLE\r\n")
        c.line()
    for c in told:
        c.do("NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")
    after = h.memory()
    vault = (after["vault"] - before["vault"]) / n
    engine = (after["imap-engine"] - before["imap-engine"]) / n
    if vault > VAULT_SESSION_KIB or vault + engine > SESSION_KIB:
        h.fail_cost("a session costs %.1f KiB of the engine, %.1f of the "
                    "vault" % (engine, vault))
    deliver(account, "one for all")
    wants = {c: rb"\* 1 EXISTS\r\n" for c in idle}
    wants.update((c, rb"\* STATUS INBOX \(.*MESSAGES 1[ )]") for c in told)
    heard = all_hear(wants, "a delivery")
    first = idle[0]
    first.send("DONE\r\n")
    while not first.line().startswith(b"i OK"):
        pass
    first.do(r"STORE 1 +FLAGS (\Flagged)")
    changed = all_hear({c: rb"\* 1 FETCH \(.*\\Flagged" for c in idle[1:]},
                       "a change")
    # They go in each way that there is, and at once.
    for i, c in enumerate(conns):
        if i % 2 == 0:
            c.send("DONE\r\nz LOGOUT\r\n" if c in wants and c in idle[1:]
                   else "z LOGOUT\r\n")
        c.s.close()
    end = time.monotonic() + WAIT_SECONDS
    while (left := sessions(account)) > 0:
        if time.monotonic() > end:
            h.fail("%d sessions are left" % left)
            break
        time.sleep(0.1)
    # The places are free again.
    h.Imap(1).do("LOGOUT")
    return ("%d in %.1fs, %.1f KiB each of the engine, %.1f of the vault; "
            "a delivery told in %.2fs, a change in %.2fs" % (
                n, took, engine, vault, heard, changed))


h.ATTACKS = [(attack_crowd, 32768, 2400)]


def prepare():
    h.Imap(3).s.close()


if __name__ == "__main__":
    h.prepare = prepare
    h.main()

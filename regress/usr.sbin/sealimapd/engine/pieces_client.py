#! /usr/bin/env python3
"""
Changes of very many messages in a running suite: made in pieces, between which
the user's other sessions have their turn.

usage: pieces_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import os
import re
import select
import signal
import smtplib
import time

from engine_client import DOMAIN, SERVER, SMALL, Client, run
from sort_client import vaults

MANY = 40000
LEAST = 3  # answers to others, of the many that there is time for


def number(lines, name):
    return int(re.search(rb"%s (\d+)" % name, b"".join(lines)).group(1))


def messages(c, box):
    return number(c.ok(b"STATUS %s (MESSAGES)" % box), b"MESSAGES")


def filled(user, box, n=MANY):
    """A new mailbox of n messages, selected."""
    c = Client(user)
    c.ok(b"CREATE " + box)
    c.ok(b"APPEND " + box + b" {%d+}\r\n%s" % (len(SMALL), SMALL) * 50)
    c.ok(b"SELECT " + box)
    have = 50
    while have < n:
        more = min(have, n - have)
        c.ok(b"COPY 1:%d %s" % (more, box))
        c.ok(b"NOOP")
        have += more
    assert messages(c, box) == n
    return c


def silent(c):
    """Has it said nothing so far?"""
    return not c.buf and not c.sock.pending() and \
        not select.select([c.sock], [], [], 0)[0]


def during(c, text, ask):
    """How often ask() was answered while the command was under way."""
    c.send(b"m " + text + b"\r\n")
    answers = 0
    while silent(c):
        ask()
        answers += 1
    lines = c.until(b"m")
    assert lines[-1].startswith(b"m OK"), lines[-1][:100]
    return answers, lines


class Copying:
    def t_others(self):
        """9051 6.4.7: all or nothing, for those who look meanwhile, too"""
        c = filled(1, b"from")
        other = Client(1, b"from")
        other.ok(b"CREATE to")
        other.append(b"to", SMALL)
        seen = set()

        def ask():
            lines = other.ok(b"STATUS to (MESSAGES UIDNEXT UNSEEN)")
            seen.add(tuple(number(lines, x)
                           for x in (b"MESSAGES", b"UNSEEN")))
            other.ok(b"FETCH 1 FLAGS")
            assert b"\\Flagged" in other.ok(b"STORE 1 +FLAGS (\\Flagged)")[0]
            other.ok(b"STORE 1 -FLAGS.SILENT (\\Flagged)")

        answers, lines = during(c, b"COPY 1:* to", ask)
        assert answers >= LEAST, answers
        assert seen <= {(1, 1), (1 + MANY, 1 + MANY)} and (1, 1) in seen, seen
        assert b"[COPYUID " in lines[-1]
        assert messages(other, b"to") == 1 + MANY

    def t_target(self):
        """Who has it selected hears of all of it at once."""
        c = Client(1, b"from")
        c.ok(b"CREATE watched")
        other = Client(1, b"watched")
        lines = []
        answers, _ = during(c, b"COPY 1:* watched",
                            lambda: lines.extend(other.ok(b"NOOP")))
        assert answers >= LEAST, answers
        lines += other.ok(b"NOOP")
        told = [x for x in lines if b"EXISTS" in x]
        assert told == [b"* %d EXISTS\r\n" % MANY], told

    def t_waits(self):
        """What comes into the target meanwhile comes behind."""
        c = Client(1, b"from")
        c.ok(b"CREATE both")
        other = Client(1, b"both")
        c.send(b"m COPY 1:* both\r\n")
        other.send(b"p APPEND both {%d+}\r\n%s\r\n" % (len(SMALL), SMALL))
        uid = number(other.until(b"p")[-1:], rb"APPENDUID \d+")
        lines = c.until(b"m")
        assert lines[-1].startswith(b"m OK"), lines[-1][:100]
        made = lines[-1].split(b"]")[0].split()[-1]
        uids = [int(x) for x in re.findall(rb"\d+", made)]
        assert uid < uids[0] or uid > uids[-1], (uid, uids[0], uids[-1])
        assert messages(c, b"both") == MANY + 1

    def t_delivered(self):
        """Mail that comes meanwhile is not waited for, and there after it."""
        c = Client(1, b"from")
        other = Client(1, b"INBOX")
        lmtp = smtplib.LMTP(SERVER["lmtp_unix"])
        chances = 0
        for i in range(5):
            c.ok(b"CREATE mail%d" % i)
            c.send(b"m COPY 1:* mail%d\r\n" % i)
            lmtp.sendmail("", "user0001@" + DOMAIN.decode(), SMALL)
            early = silent(c)
            answers = 0
            while silent(c):
                other.ok(b"NOOP")
                answers += 1
            assert c.until(b"m")[-1].startswith(b"m OK")
            assert messages(other, b"INBOX") == i + 1
            chances += early
            if answers > 1:
                return
        assert chances == 0, "one answer at most, each time"

    def t_goes(self):
        """Its client goes away: nothing, or all."""
        c = Client(1, b"from")
        c.ok(b"CREATE left")
        other = Client(1)
        c.send(b"m COPY 1:* left\r\n")
        time.sleep(0.05)
        c.sock.close()
        # What waits for the copy's end is answered.
        other.append(b"left", SMALL)
        n = messages(other, b"left")
        assert n in (1, 1 + MANY), n
        assert messages(other, b"from") == MANY


class Moving:
    def t_store(self):
        c = filled(1, b"store")
        other = Client(1, b"INBOX")
        _, lines = during(c, b"STORE 1:* +FLAGS (\\Flagged kw)",
                          lambda: other.ok(b"NOOP"))
        told = [x for x in lines if b" FETCH (" in x]
        assert len(told) == MANY, len(told)
        assert all(b"\\Flagged" in x and b"kw" in x for x in told)
        modseq = number(c.ok(b"STATUS store (HIGHESTMODSEQ)"),
                        b"HIGHESTMODSEQ")
        other.ok(b"SELECT store")
        other.ok(b"STORE 7 -FLAGS (kw)")
        # 7162 3.1.3: one of them was changed by somebody else
        lines = c.ok(b"STORE 1:* (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Seen)" %
                     modseq)
        assert b"[MODIFIED 7]" in lines[-1], lines[-1]
        assert number(c.ok(b"STATUS store (UNSEEN)"), b"UNSEEN") == 1

    def t_move(self):
        """6851 3.3: each message is in one place, and told where"""
        c = Client(1, b"store")
        c.ok(b"CREATE moved")
        other = Client(1)
        answers, lines = during(c, b"MOVE 2:* moved",
                                lambda: other.ok(b"NOOP"))
        assert answers >= LEAST, answers
        assert b"[COPYUID " in lines[0], lines[0][:100]
        gone = sum(b"EXPUNGE" in x for x in lines)
        assert gone == MANY - 1, gone
        assert messages(other, b"moved") == MANY - 1
        assert messages(other, b"store") == 1

    def t_expunge(self):
        c = Client(1, b"moved")
        c.ok(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        c.ok(b"STORE 3 -FLAGS.SILENT (\\Deleted)")
        other = Client(1)
        _, lines = during(c, b"EXPUNGE", lambda: other.ok(b"NOOP"))
        gone = sum(b"EXPUNGE" in x for x in lines)
        assert gone == MANY - 2, gone
        assert messages(other, b"moved") == 1
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"CLOSE")
        assert messages(other, b"moved") == 0


class Killed:
    def t_copy(self):
        """The vault is killed at some moment of the copy."""
        filled(1, b"from", 8000)
        c = Client(1)
        c.ok(b"CREATE to")
        c.append(b"to", SMALL)
        have = 1
        for i in range(8):
            c = Client(1, b"from")
            c.send(b"m COPY 1:* to\r\n")
            time.sleep(0.012 * i)
            for pid in vaults():
                os.kill(pid, signal.SIGKILL)
            try:
                told = c.until(b"m")[-1].startswith(b"m OK")
            except (EOFError, OSError):
                told = False
            c = Client(1)
            n = messages(c, b"to")
            assert n in (have, have + 8000), (i, n, have)
            assert n > have or not told, "was told, and is not there"
            assert messages(c, b"from") == 8000
            have = n
            # What comes behind stays.
            c.append(b"to", SMALL)
            have += 1
        c.ok(b"SELECT to")
        uids = [int(x) for x in c.ok(b"UID SEARCH ALL")[0].split()[2:]]
        assert len(uids) == have and uids == sorted(set(uids))


if __name__ == "__main__":
    run(globals())

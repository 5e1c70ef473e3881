#! /usr/bin/env python3
"""
Results that are kept up to date (RFC 5267 section 4), and searches of several
mailboxes (RFC 7377); section by section.

usage: context_client.py server.json CASE

As engine_client.py.
"""

import random
import re
import time

from engine_client import SMALL, Client, run
from extension_client import uids
from sort_client import box, day, esearch, mail
from sort_client import numbers as ordered


def expand(text):
    out = []
    for part in text.split(b","):
        first, _, last = part.partition(b":")
        out += range(int(first), int(last or first) + 1)
    return out


class Live:
    """A result as a client of RFC 5267 keeps it up to date."""

    def __init__(self, c, text, uid=True, ordered=False):
        self.c, self.ordered = c, ordered
        self.uid = b" UID" if uid else b""
        lines = c.ok((b"UID " if uid else b"") + text)
        self.tag = lines[-1].split()[0]
        self.refused = any(b"[NOUPDATE \"%s\"]" % self.tag in x
                           for x in lines)
        found = re.search(rb"\bALL (\S+)", esearch(lines))
        self.list = expand(found.group(1)) if found else []

    def take(self, line):
        begin = b'* ESEARCH (TAG "%s")%s ' % (self.tag, self.uid)
        if not line.startswith(begin):
            return False
        for word, pairs in re.findall(
                rb"(ADDTO|REMOVEFROM) \(([^)]*)\)", line[len(begin):]):
            pairs = pairs.split()
            for place, numbers in zip(pairs[::2], pairs[1::2]):
                self.change(word, int(place), expand(numbers))
        return True

    def change(self, word, place, numbers):
        assert (place > 0) == self.ordered, (word, place)
        for i, n in enumerate(numbers):
            if word == b"REMOVEFROM":
                if self.ordered:
                    assert self.list[place - 1] == n, (self.list, place, n)
                self.list.remove(n)
            else:
                assert n not in self.list, (self.list, n)
                self.list.insert(place - 1 + i if self.ordered else 0, n)
        if not self.ordered:
            self.list.sort()

    def expunged(self, seq):
        assert seq not in self.list, (seq, self.list)
        self.list = [x - (x > seq) for x in self.list]


def follow(c, lives, want):
    """Reads what comes until the first of the results is as wanted; the
    numbers of those that are not UIDs follow each EXPUNGE."""
    for turn in range(200):
        lines = c.ok(b"NOOP")
        for line in lines:
            for live in lives:
                live.take(line)
                found = re.match(rb"\* (\d+) EXPUNGE", line)
                if found and not live.uid:
                    live.expunged(int(found.group(1)))
        if lives[0].list == want:
            return
        time.sleep(0.02)
    assert False, (lives[0].list, want)


def told(lines, lives):
    for line in lines:
        for live in lives:
            live[0].take(line)


class Context:
    def t_updates(self):
        """5267 4.3: ADDTO and REMOVEFROM as others change the mailbox"""
        c, d = Client(1), Client(1)
        caps = c.ok(b"CAPABILITY")[0].split()
        assert b"CONTEXT=SEARCH" in caps and b"CONTEXT=SORT" in caps
        box(c, b"context", [SMALL] * 6)
        d.ok(b"SELECT context")
        u = uids(c)
        flagged = Live(c, b"SEARCH RETURN (UPDATE ALL) FLAGGED")
        other = Live(c, b"SEARCH RETURN (UPDATE ALL CONTEXT) SUBJECT small",
                     False)
        assert flagged.list == [] and other.list == [1, 2, 3, 4, 5, 6]
        assert not flagged.refused and not other.refused
        d.ok(b"STORE 2:4 +FLAGS.SILENT (\\Flagged)")
        follow(c, [flagged, other], u[1:4])
        # What the client itself changes, said or .SILENT
        c.ok(b"STORE 3 -FLAGS.SILENT (\\Flagged)")
        follow(c, [flagged, other], [u[1], u[3]])
        c.ok(b"STORE 6 +FLAGS (\\Flagged)")
        follow(c, [flagged, other], [u[1], u[3], u[5]])
        d.append(b"context", SMALL, b"(\\Flagged) ")
        d.append(b"context", SMALL.replace(b"small", b"large"))
        u = uids(d)
        follow(c, [flagged, other], [u[1], u[3], u[5], u[6]])
        follow(c, [other, flagged], [1, 2, 3, 4, 5, 6, 7])
        # 4.3.4: what is expunged goes before its number does
        d.ok(b"STORE 1,4,8 +FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        follow(c, [flagged, other], [u[1], u[5], u[6]])
        follow(c, [other, flagged], [1, 2, 3, 4, 5])
        # 4.3.5
        c.expect(b'CANCELUPDATE "none"', b"BAD")
        c.expect(b"CANCELUPDATE", b"BAD")
        c.expect(b'CANCELUPDATE "%s" "none"' % flagged.tag, b"BAD")
        c.ok(b'CANCELUPDATE "%s"' % flagged.tag)
        c.expect(b'CANCELUPDATE "%s"' % flagged.tag, b"BAD")
        d.ok(b"STORE 1 -FLAGS (\\Flagged)")
        d.append(b"context", SMALL)
        follow(c, [other, flagged], [1, 2, 3, 4, 5, 6])
        assert flagged.list == [u[1], u[5], u[6]]
        # They end with the mailbox
        c.ok(b"UNSELECT")
        c.ok(b"SELECT context")
        c.expect(b'CANCELUPDATE "%s"' % other.tag, b"BAD")

    def t_sort(self):
        """5267 4.3.3: the places of a sort"""
        c, d = Client(1), Client(1)
        box(c, b"sorted", [mail(day(n), b"s%d" % (n % 4))
                           for n in (5, 1, 9, 3, 7)])
        d.ok(b"SELECT sorted")
        live = Live(c, b"SORT RETURN (UPDATE ALL) (REVERSE DATE) UTF-8 UNSEEN",
                    True, True)
        rng = random.Random(5267)
        for turn in range(12):
            if rng.random() < 0.6:
                d.append(b"sorted", mail(day(rng.randrange(1, 28)), b"new"))
            n = len(uids(d))
            d.ok(b"STORE %d %sFLAGS.SILENT (\\Seen)" % (
                rng.randrange(1, n + 1), rng.choice((b"+", b"-"))))
            if rng.random() < 0.3:
                d.ok(b"STORE %d +FLAGS.SILENT (\\Deleted)"
                     % rng.randrange(1, n + 1))
                d.ok(b"EXPUNGE")
            want = ordered(d.ok(b"UID SORT (REVERSE DATE) UTF-8 UNSEEN"))
            follow(c, [live], want)

    def t_random(self):
        """Whatever changes: what was told is what a new search finds."""
        c, d = Client(1), Client(1)
        box(c, b"random", [mail(day(n), b"r%d" % n) for n in range(1, 20)])
        d.ok(b"SELECT random")
        rng = random.Random(4469)
        keys = (b"FLAGGED", b"UNSEEN OR FLAGGED SUBJECT r1", b"BODY body")
        lives = [(Live(c, b"SEARCH RETURN (UPDATE ALL) " + k, by_uid),
                  b"SEARCH " + k, by_uid) for k in keys
                 for by_uid in (True, False)]
        lives.append((Live(c, b"SORT RETURN (UPDATE ALL) (DATE) UTF-8 FLAGGED",
                           True, True), b"SORT (DATE) UTF-8 FLAGGED", True))
        assert not any(x[0].refused for x in lives)
        for turn in range(16):
            who = rng.choice((c, d, d))
            n = len(uids(d))
            one = rng.randrange(1, n + 1)
            action = rng.random()
            if action < 0.3:
                d.append(b"random", mail(day(rng.randrange(1, 28)), b"r1"),
                         rng.choice((b"", b"(\\Flagged) ")))
            elif action < 0.8:
                lines = who.ok(b"STORE %d:%d %sFLAGS%s (%s)" % (
                    one, min(n, one + rng.randrange(4)),
                    rng.choice((b"+", b"-")),
                    rng.choice((b"", b".SILENT")),
                    rng.choice((b"\\Seen", b"\\Flagged", b"other"))))
                if who is c:
                    told(lines, lives)
            elif action < 0.9:
                told(c.ok(b"FETCH %d BODY[TEXT]" % one), lives)
            elif n > 5:
                d.ok(b"STORE %d,%d +FLAGS.SILENT (\\Deleted)" % (
                    one, rng.randrange(1, n + 1)))
                d.ok(b"EXPUNGE")
            all_lives = [x[0] for x in lives]
            for live, search, by_uid in lives:
                line = d.ok((b"UID " if by_uid else b"") + search)[0]
                want = [int(x) for x in line.split()[2:]]
                follow(c, [live] + [x for x in all_lives if x is not live],
                       want)

    def t_text(self):
        """Of what is new the text is looked into, and of nothing else."""
        c, d = Client(1, b"random"), Client(1)
        live = Live(c, b"SEARCH RETURN (UPDATE ALL) BODY needle")
        assert not live.refused and live.list == []
        d.append(b"random", SMALL + b"a needle\r\n")
        follow(c, [live], [uids(Client(1, b"random"))[-1]])
        d.append(b"random", SMALL)
        c.ok(b"NOOP")
        assert len(live.list) == 1

    def t_many(self):
        """More changes at once than are remembered one by one"""
        c, d = Client(1), Client(1)
        box(c, b"lots", [SMALL] * 60)
        for _ in range(4):
            c.ok(b"COPY 1:* lots")
            c.ok(b"NOOP")
        d.ok(b"SELECT lots")
        live = Live(c, b"SEARCH RETURN (UPDATE COUNT) FLAGGED")
        text = Live(c, b"SEARCH RETURN (UPDATE COUNT) NOT BODY needle")
        assert not text.refused
        d.ok(b"STORE 1:700 +FLAGS.SILENT (\\Flagged)")
        u = uids(d)
        c.send(b"n NOOP\r\n")
        lines = c.until(b"n")
        while len(live.list) < 700:
            lines.append(c.line())
            live.take(lines[-1])
        assert live.list == u[:700]
        # All bodies are not looked into again.
        lines += c.ok(b"NOOP")
        assert any(b'[NOUPDATE "%s"]' % text.tag in x for x in lines)

    def t_idle(self):
        """4.3: without any further action by the client"""
        c, d = Client(1, b"context"), Client(1, b"context")
        u = uids(c)
        live = Live(c, b"SEARCH RETURN (UPDATE COUNT) KEYWORD idle")
        c.send(b"i IDLE\r\n")
        assert c.line().startswith(b"+")
        d.ok(b"STORE 2 +FLAGS.SILENT (idle)")
        while not live.take(c.line()):
            pass
        assert live.list == [u[1]]
        d.ok(b"STORE 2 -FLAGS.SILENT (idle)")
        while not live.take(c.line()):
            pass
        assert live.list == []
        c.send(b"DONE\r\n")
        assert c.until(b"i")[-1].startswith(b"i OK")

    def t_part(self):
        """4.4: PARTIAL beside UPDATE, which is about the whole result"""
        c, d = Client(1, b"context"), Client(1, b"context")
        u = uids(c)
        lines = c.ok(b"UID SEARCH RETURN (UPDATE PARTIAL -1:-2 COUNT) ALL")
        tag = lines[-1].split()[0]
        assert esearch(lines) == b"UID PARTIAL (-1:-2 %s) COUNT %d" % (
            b"%d:%d" % (u[-2], u[-1]) if u[-2] + 1 == u[-1] else
            b"%d,%d" % (u[-2], u[-1]), len(u)), lines
        d.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        lines = c.ok(b"NOOP")
        assert b'* ESEARCH (TAG "%s") UID REMOVEFROM (0 %d)\r\n' % (
            tag, u[0]) == lines[0], lines

    def t_refused(self):
        """4.3.1: NOUPDATE, and the result all the same"""
        c = Client(1, b"context")
        for text in (b"SORT RETURN (UPDATE ALL) (SIZE) UTF-8 BODY body",
                     b"SEARCH RETURN (UPDATE ALL) BODY body YOUNGER 999999",
                     b"SEARCH RETURN (UPDATE ALL) 1:*"):
            live = Live(c, text)
            assert live.refused and live.list, text
        some = [Live(c, b"SEARCH RETURN (UPDATE) SEEN") for _ in range(8)]
        assert not any(x.refused for x in some)
        assert Live(c, b"SEARCH RETURN (UPDATE) SEEN").refused
        c.ok(b"CANCELUPDATE " + b" ".join(b'"%s"' % x.tag for x in some))
        assert not Live(c, b"SEARCH RETURN (UPDATE) SEEN").refused

    def t_fetch(self):
        """5465 7: items to be fetched of what comes into the result"""
        c, d = Client(1, b"context"), Client(1, b"context")
        live = Live(c, b"SEARCH RETURN (UPDATE (FLAGS BODY.PEEK"
                    b"[HEADER.FIELDS (SUBJECT)]) COUNT) KEYWORD want")
        assert not live.refused
        d.ok(b"STORE 3 +FLAGS.SILENT (want)")
        c.send(b"i IDLE\r\n")
        seen = []
        while not any(b"Subject: small" in x for x in seen):
            seen.append(c.line())
        assert any(live.take(x) for x in seen)
        assert b"* 3 FETCH (" in seen[-1] and b"want" in seen[-1]
        c.send(b"DONE\r\n")
        c.until(b"i")
        for text in (b"UPDATE ()", b"UPDATE (FOO)", b"UPDATE UPDATE",
                     b"UPDATE(FLAGS)"):
            c.expect(b"SEARCH RETURN (%s) ALL" % text, b"BAD")


class Multi:
    def found(self, lines):
        """Mailbox -> what its ESEARCH says (RFC 7377 section 2.1)."""
        out = {}
        tag = lines[-1].split()[0]
        for line in lines:
            row = re.match(rb'\* ESEARCH \(TAG "%s" MAILBOX (\S+) UIDVALIDITY '
                           rb'(\d+)\) UID ?(.*)\r\n' % tag, line)
            if not line.startswith(b"* ESEARCH"):
                continue
            assert row and row.group(1) not in out, line
            out[row.group(1)] = (int(row.group(2)), row.group(3))
        return out

    def t_sources(self):
        """7377 2.2: which mailboxes are searched"""
        c = Client(1)
        assert b"MULTISEARCH" in c.ok(b"CAPABILITY")[0].split()
        for name in (b"m", b"m/a", b"m/a/b", b"m/c", b"mm"):
            c.ok(b"CREATE " + name)
            c.append(name, SMALL)
            c.append(name, mail(day(1), b"in " + name), b"(\\Flagged) ")
        c.ok(b"CREATE m/none")
        c.ok(b"SUBSCRIBE m/c")
        c.ok(b"SUBSCRIBE m/gone")
        all_of = {b"m", b"m/a", b"m/a/b", b"m/c", b"mm"}
        for text, want in (
                (b"mailboxes m/a", {b"m/a"}),
                (b"mailboxes (m/a mm)", {b"m/a", b"mm"}),
                (b"mailboxes (m/a m/a nowhere m/none)", {b"m/a"}),
                (b"subtree m", all_of - {b"mm"}),
                (b"subtree (m/a mm)", {b"m/a", b"m/a/b", b"mm"}),
                (b"subtree-one m", {b"m", b"m/a", b"m/c"}),
                (b"subscribed", {b"m/c"}),
                (b"personal", all_of), (b"inboxes", all_of),
                (b"subscribed subtree-one m/a mailboxes mm",
                 {b"m/c", b"m/a", b"m/a/b", b"mm"}),
                (b"mailboxes nowhere", set())):
            lines = c.ok(b"ESEARCH IN (%s) RETURN (ALL) FLAGGED" % text)
            got = self.found(lines)
            assert set(got) == want, (text, got)
        for name, (validity, what) in self.found(
                c.ok(b"ESEARCH IN (personal) RETURN () FLAGGED")).items():
            lines = c.ok(b"SELECT " + name)
            assert b"UIDVALIDITY %d]" % validity in b"".join(lines)
            assert what == b"ALL %d" % uids(c)[1], (name, what)
        c.ok(b"UNSELECT")
        # Text, sorted by nothing; what finds nothing has no line (2.1)
        got = self.found(c.ok(
            b'ESEARCH IN (subtree m) RETURN (COUNT MIN) SUBJECT "in m/a"'))
        assert set(got) == {b"m/a", b"m/a/b"}, got
        assert all(re.fullmatch(rb"MIN \d+ COUNT 1", x[1])
                   for x in got.values()), got
        got = self.found(c.ok(
            b"ESEARCH IN (subtree m) RETURN (PARTIAL -1:-1) BODY body"))
        assert len(got) == 4 and all(
            re.fullmatch(rb"PARTIAL \(-1:-1 \d+\)", x[1])
            for x in got.values()), got
        assert c.ok(b"ESEARCH IN (subtree m) RETURN (COUNT) SEEN")[:-1] == []
        c.ok(b"ESEARCH IN (mailboxes m) CHARSET UTF-8 ALL")
        c.expect(b"ESEARCH IN (mailboxes m) CHARSET KOI8-R ALL",
                 b"NO [BADCHARSET")

    def t_selected(self):
        """7377 2.2: the selected mailbox, also by default"""
        c = Client(1)
        c.expect(b"ESEARCH ALL", b"BAD")
        c.expect(b"ESEARCH IN (selected) ALL", b"BAD")
        c.ok(b"SELECT m/a")
        u = uids(c)
        for text in (b"", b" IN (selected)", b" IN (selected-delayed)"):
            got = self.found(c.ok(b"ESEARCH%s RETURN (ALL SAVE) 2" % text))
            assert {k: v[1] for k, v in got.items()} == {
                b"m/a": b"ALL %d" % u[1]}, got
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 2\r\n"
        got = self.found(c.ok(b"ESEARCH IN (selected mailboxes (m m/a)) ALL"))
        assert set(got) == {b"m", b"m/a"}, got
        for text in (b"2", b"NOT 1:*", b"$", b"UID $"):
            c.expect(b"ESEARCH IN (personal) " + text, b"BAD")
        c.expect(b"ESEARCH IN (personal) RETURN (SAVE) ALL", b"BAD")
        lines = c.ok(b"ESEARCH IN (personal) RETURN (UPDATE) ALL")
        assert any(b"[NOUPDATE " in x for x in lines)

    def t_grammar(self):
        """7377 3"""
        c = Client(1, b"m")
        for text in (b"ESEARCH", b"ESEARCH IN () ALL", b"ESEARCH IN ALL",
                     b"ESEARCH IN (foo) ALL", b"ESEARCH IN (mailboxes) ALL",
                     b"ESEARCH IN (subtree ()) ALL", b"ESEARCH IN (selected)",
                     b"ESEARCH IN (selected (foo)) ALL",
                     b"ESEARCH IN (personal selected ALL",
                     b"ESEARCH RETURN (ALL) IN (selected) ALL",
                     b"UID ESEARCH ALL"):
            c.expect(text, b"BAD")

    def t_others(self):
        """What is searched may change or go meanwhile"""
        c, d = Client(1), Client(1, b"m")
        c.send(b"".join(b"t%d ESEARCH IN (personal) RETURN (ALL) BODY body\r\n"
                        % i for i in range(5)))
        d.ok(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        d.ok(b"DELETE m/c")
        for i in range(5):
            assert c.until(b"t%d" % i)[-1].startswith(b"t%d OK" % i)
        assert set(self.found(c.ok(b"ESEARCH IN (subtree m) BODY body"))) == \
            {b"m/a", b"m/a/b"}

if __name__ == "__main__":
    run(globals())

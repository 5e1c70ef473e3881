#! /usr/bin/env python3
"""
CONDSTORE and QRESYNC: RFC 7162, section by section.

usage: condstore_client.py server.json CASE

As engine_client.py.
"""

import re

from engine_client import SMALL, Client, run
from rfc_client import box, code, status, uids


def rows(lines):
    """Number -> (UID, flags, MODSEQ) of the FETCH responses; None: not said."""
    out = {}
    for line in lines:
        found = re.match(rb"\* (\d+) FETCH \(", line)
        if not found:
            continue
        uid = re.search(rb"UID (\d+)", line)
        flags = re.search(rb"FLAGS \(([^)]*)\)", line)
        modseq = re.search(rb"MODSEQ \((\d+)\)", line)
        out[int(found.group(1))] = (
            uid and int(uid.group(1)), flags and flags.group(1),
            modseq and int(modseq.group(1)))
    return out


def vanished(lines, earlier=False):
    """All UIDs of the VANISHED responses of that form, in order."""
    out = []
    word = rb"\* VANISHED \(EARLIER\) (\S+)\r" if earlier else \
        rb"\* VANISHED (\d\S*)\r"
    for line in lines:
        found = re.match(word, line)
        for part in found.group(1).split(b",") if found else ():
            first, _, last = part.partition(b":")
            out += range(int(first), int(last or first) + 1)
    return out


def highest(c, name):
    return status(c, name, b"HIGHESTMODSEQ")


class Condstore:
    def t_select(self):
        """7162 3.1.1, 3.1.2.1, 3.1.8: HIGHESTMODSEQ at every SELECT"""
        c = Client(1)
        caps = c.ok(b"CAPABILITY")[0].split()
        assert b"CONDSTORE" in caps and b"QRESYNC" in caps
        lines = box(c, b"cond")
        first = int(code(lines, b"HIGHESTMODSEQ"))
        assert first > 0 and b"NOMODSEQ" not in b"".join(lines)
        c.append(b"cond", SMALL)
        c.append(b"cond", SMALL)
        lines = c.ok(b"EXAMINE cond (CONDSTORE)")
        second = int(code(lines, b"HIGHESTMODSEQ"))
        assert second > first
        assert b"* OK [CLOSED] " in lines[0]  # 3.2.11
        got = rows(c.ok(b"FETCH 1:2 MODSEQ"))
        # 3.1: each appended message is above all before it
        assert got[1][2] < got[2][2] == second, got
        assert highest(c, b"cond") == second
        for text in (b"(FOO)", b"()", b"(CONDSTORE", b"CONDSTORE",
                     b"(CONDSTORE) x", b"(CONDSTORE  CONDSTORE)"):
            c.expect(b"SELECT cond " + text, b"BAD")
        c.ok(b"FETCH 1 UID")  # a BAD leaves it selected
        assert b"HIGHESTMODSEQ %d" % second in b"".join(c.ok(
            b'LIST "" cond RETURN (STATUS (HIGHESTMODSEQ))'))

    def t_enabling(self):
        """7162 3.1: each enabling command tells HIGHESTMODSEQ, once; from
        then on every unsolicited FETCH has UID and MODSEQ (3.2.4)"""
        d = Client(1, b"cond")
        for text in (b"STATUS INBOX (HIGHESTMODSEQ)", b"FETCH 1 MODSEQ",
                     b"SEARCH MODSEQ 1", b"ENABLE CONDSTORE",
                     b"FETCH 1 UID (CHANGEDSINCE 1)",
                     b"STORE 1 (UNCHANGEDSINCE 1) +FLAGS ()",
                     b'LIST "" INBOX RETURN (STATUS (HIGHESTMODSEQ))'):
            c = Client(1, b"cond")
            assert b"HIGHESTMODSEQ" not in b"".join(c.ok(b"NOOP"))
            d.ok(b"STORE 2 -FLAGS.SILENT (\\Flagged)")
            d.ok(b"STORE 2 +FLAGS.SILENT (\\Flagged)")
            assert rows(c.ok(b"NOOP"))[2][2] is None
            lines = c.ok(text)
            assert sum(b"* OK [HIGHESTMODSEQ " in x for x in lines) == 1, \
                (text, lines)
            assert int(code(lines, b"HIGHESTMODSEQ")) == highest(d, b"cond")
            assert b"* OK [HIGHESTMODSEQ" not in b"".join(c.ok(text))
            d.ok(b"STORE 2 -FLAGS.SILENT (\\Flagged)")
            uid, flags, modseq = rows(c.ok(b"NOOP"))[2]
            assert uid and b"Flagged" not in flags
            assert modseq == highest(d, b"cond"), (text, modseq)

    def t_changes(self):
        """7162 3.1, 3.1.11: what changes raises it, what does not does not"""
        c = Client(1)
        box(c, b"changes", 3)
        c.ok(b"ENABLE CONDSTORE")
        before = rows(c.ok(b"FETCH 1:3 MODSEQ"))
        for text, changed in (
                (b"+FLAGS (\\Seen)", True), (b"+FLAGS (\\Seen)", False),
                (b"-FLAGS (\\Draft)", False), (b"FLAGS (\\Seen)", False),
                (b"FLAGS (kw)", True), (b"-FLAGS.SILENT (kw)", True)):
            got = rows(c.ok(b"STORE 2 " + text))
            assert (got[2][2] > before[2][2]) == changed, (text, got)
            assert got[2][0] is not None
            assert (got[2][1] is None) == (b"SILENT" in text)
            before[2] = got[2]
        # FETCH that sets \Seen tells it (3.2.4)
        got = rows(c.ok(b"FETCH 3 BODY[]"))
        assert got[3][0] and got[3][1] == b"\\Seen"
        assert got[3][2] > before[2][2]
        assert rows(c.ok(b"FETCH 3 BODY[]"))[3][2] == got[3][2]
        # one that says neither is left alone
        assert c.ok(b"FETCH 1 FLAGS")[0] == b"* 1 FETCH (FLAGS ())\r\n"
        # COPY: above all of its new box
        top = highest(c, b"changes")
        c.ok(b"COPY 1 changes")
        c.ok(b"NOOP")
        assert rows(c.ok(b"FETCH 4 MODSEQ"))[4][2] > top

    def t_unchangedsince(self):
        """7162 3.1.3: what has changed since stays, and is named"""
        c, d = Client(1), Client(1)
        box(c, b"since", 9)
        u = uids(c)
        d.ok(b"SELECT since")
        c.ok(b"ENABLE CONDSTORE")
        now = highest(c, b"since")
        d.ok(b"STORE 7,9 +FLAGS.SILENT (\\Seen)")
        lines = c.ok(b"STORE 7,5,9 (UNCHANGEDSINCE %d) +FLAGS.SILENT "
                     b"(\\Deleted)" % now)
        assert b"OK [MODIFIED 7,9] " in lines[-1], lines
        got = rows(lines)
        assert got[5][1] is None and got[5][2] > now, got
        # the others' flags come at once, without a NOOP
        assert got[7][1] == got[9][1] == b"\\Seen"
        assert rows(c.ok(b"FETCH 7 FLAGS"))[7][1] == b"\\Seen"
        # by UID
        lines = c.ok(b"UID STORE %d:%d (UNCHANGEDSINCE %d) +FLAGS (kw)" %
                     (u[3], u[8], now))
        assert b"OK [MODIFIED %s] " % b",".join(
            b"%d" % u[x] for x in (4, 6, 8)) in lines[-1] or \
            b"MODIFIED" in lines[-1], lines
        got = rows(lines)
        assert got[4][1] == b"kw" and got[6][1] == b"kw"
        # twice in the set is not changed since (its note)
        now = highest(c, b"since")
        lines = c.ok(b"STORE 1,1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT (x)"
                     % now)
        assert b"MODIFIED" not in lines[-1] and len(rows(lines)) == 2
        # 0 fails for all that is there
        lines = c.ok(b"STORE 1:2 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)")
        assert b"OK [MODIFIED 1:2]" in lines[-1], lines
        c.ok(b"STORE 1:2 (UNCHANGEDSINCE 9223372036854775807) +FLAGS ()")
        for text in (b"()", b"(UNCHANGEDSINCE)", b"(UNCHANGEDSINCE -1)",
                     b"(UNCHANGEDSINCE 9223372036854775808)", b"(FOO 1)",
                     b"(UNCHANGEDSINCE 1 FOO)", b"UNCHANGEDSINCE 1"):
            c.expect(b"STORE 1 %s +FLAGS (\\Seen)" % text, b"BAD")

    def t_race(self):
        """7162 3.1: of two who try the same one alone succeeds"""
        c, d = Client(1, b"since"), Client(1, b"since")
        now = highest(c, b"since")
        for x in (c, d):
            x.send(b"r STORE 3 (UNCHANGEDSINCE %d) +FLAGS.SILENT (r%d)\r\n" %
                   (now, x is d))
        ends = [x.until(b"r")[-1] for x in (c, d)]
        assert sum(b"MODIFIED 3]" in x for x in ends) == 1, ends

    def t_changedsince(self):
        """7162 3.1.4.1, 3.1.4.2: only what is newer, always with MODSEQ"""
        c = Client(1)
        box(c, b"newer", 5)
        all_rows = rows(c.ok(b"UID FETCH 1:* MODSEQ"))
        for n in range(1, 6):
            since = all_rows[n][2]
            got = rows(c.ok(b"FETCH 1:* (FLAGS) (CHANGEDSINCE %d)" % since))
            assert sorted(got) == list(range(n + 1, 6)), (n, got)
            assert all(x[2] for x in got.values())
        c.ok(b"STORE 2 +FLAGS.SILENT (\\Seen)")
        got = rows(c.ok(b"UID FETCH 1:* FLAGS (CHANGEDSINCE %d)" %
                        all_rows[5][2]))
        assert list(got) == [2] and got[2][0] == all_rows[2][0]
        lines = c.ok(b"FETCH 1:* (BODY.PEEK[TEXT]) (CHANGEDSINCE %d)" %
                     all_rows[4][2])
        assert sorted(rows(lines)) == [2, 5]
        for text in (b"(CHANGEDSINCE)", b"(CHANGEDSINCE 0)", b"()",
                     b"(CHANGEDSINCE x)", b"(CHANGEDSINCE 1 CHANGEDSINCE 1)",
                     b"(VANISHED)", b"(CHANGEDSINCE 1 VANISHED)", b"(FOO)",
                     b"CHANGEDSINCE 1", b"(CHANGEDSINCE 1) x"):
            c.expect(b"FETCH 1 FLAGS " + text, b"BAD")

    def t_search(self):
        """7162 3.1.5, 3.1.6, 3.1.10, RFC 4731 3.2: by MODSEQ"""
        c = Client(1)
        box(c, b"seek", 4)
        m = [x[2] for x in rows(c.ok(b"FETCH 1:4 MODSEQ")).values()]
        for text, want in (
                (b"MODSEQ %d" % m[2], b"* SEARCH 3 4 (MODSEQ %d)" % m[3]),
                (b"MODSEQ \"/flags/\\\\draft\" all %d" % m[1],
                 b"* SEARCH 2 3 4 (MODSEQ %d)" % m[3]),
                (b"MODSEQ 0 1:2", b"* SEARCH 1 2 (MODSEQ %d)" % m[1]),
                (b"MODSEQ %d" % (m[3] + 1), b"* SEARCH"),
                (b"OR NOT MODSEQ %d LARGER 50000" % m[1],
                 b"* SEARCH 1 (MODSEQ %d)" % m[0]),
                (b"RETURN (ALL) MODSEQ %d" % m[1], b"ALL 2:4 MODSEQ %d" % m[3]),
                (b"RETURN (MIN) MODSEQ %d" % m[1], b"MIN 2 MODSEQ %d" % m[1]),
                (b"RETURN (MAX) MODSEQ 1", b"MAX 4 MODSEQ %d" % m[3]),
                (b"RETURN (MIN MAX) MODSEQ 1",
                 b"MIN 1 MAX 4 MODSEQ %d" % m[3]),
                (b"RETURN (COUNT) MODSEQ %d" % m[2],
                 b"COUNT 2 MODSEQ %d" % m[3]),
                (b"RETURN (COUNT) MODSEQ %d" % (m[3] + 1), b"COUNT 0"),
                (b"RETURN () SEEN", b"")):
            line = [x for x in c.ok(b"SEARCH " + text)
                    if b"SEARCH" in x][0]
            if b"RETURN" in text:
                line = line.split(b") ", 1)[-1] if want else b"\r\n"
            assert line == want + b"\r\n", (text, line, want)
        for text in (b"MODSEQ", b"MODSEQ x", b"MODSEQ -1",
                     b"MODSEQ 9223372036854775808", b'MODSEQ "/flags/x" 1',
                     b'MODSEQ "/flags/x" some 1', b'MODSEQ "x" all 1',
                     b"MODSEQ all 1"):
            c.expect(b"SEARCH " + text, b"BAD")


class Qresync:
    def client(self, name=None):
        c = Client(1)
        assert c.ok(b"ENABLE QRESYNC CONDSTORE")[0] in (
            b"* ENABLED QRESYNC CONDSTORE\r\n",)
        if name:
            c.ok(b"SELECT " + name)
        return c

    def t_enable(self):
        """7162 3.2.3: without ENABLE QRESYNC its words are BAD"""
        c = Client(1)
        box(c, b"quick", 2)
        c.expect(b"SELECT quick (QRESYNC (1 1))", b"BAD")
        c.expect(b"UID FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)", b"BAD")
        c.ok(b"FETCH 1 UID")  # still selected
        assert b"* ENABLED QRESYNC\r\n" in c.ok(b"ENABLE QRESYNC")
        assert b"* ENABLED CONDSTORE\r\n" in c.ok(b"ENABLE CONDSTORE")
        assert b"* ENABLED\r\n" in c.ok(b"ENABLE QRESYNC CONDSTORE")
        c.expect(b"FETCH 1:* FLAGS (CHANGEDSINCE 1 VANISHED)", b"BAD")
        c.expect(b"UID FETCH 1:* FLAGS (VANISHED)", b"BAD")
        c.ok(b"UID FETCH 1:* FLAGS (VANISHED CHANGEDSINCE 1)")
        for text in (b"(QRESYNC)", b"(QRESYNC ())", b"(QRESYNC (1))",
                     b"(QRESYNC (0 1))", b"(QRESYNC (1 0))",
                     b"(QRESYNC (1 1 *))", b"(QRESYNC (1 1 1:*))",
                     b"(QRESYNC (1 1 $))", b"(QRESYNC (1 1 ()))",
                     b"(QRESYNC (1 1 (1 2:3)))", b"(QRESYNC (1 1 (1 *)))",
                     b"(QRESYNC (1 1 1 (1 2) 3))", b"(QRESYNC (1 1) x)",
                     b"(QRESYNC (1 1) QRESYNC (1 1))"):
            c.expect(b"SELECT quick " + text, b"BAD")
        c.ok(b"FETCH 1 UID")

    def t_vanished(self):
        """7162 3.2.7, 3.2.9, 3.2.10: VANISHED instead of EXPUNGE"""
        c = self.client()
        box(c, b"gone1", 8)
        d = self.client(b"gone1")
        plain = Client(1, b"gone1")
        u = uids(c)
        c.ok(b"STORE 2:3,6 +FLAGS.SILENT (\\Deleted)")
        lines = c.ok(b"EXPUNGE")
        assert vanished(lines) == [u[1], u[2], u[5]], lines
        assert sum(b"VANISHED" in x for x in lines) == 1
        assert not any(b"EXPUNGE\r" in x or b"EARLIER" in x for x in lines)
        assert int(code(lines[-1:], b"HIGHESTMODSEQ")) == highest(c, b"gone1")
        # not within FETCH, STORE, SEARCH; then HIGHESTMODSEQ stays below
        before = int(code(d.ok(b"FETCH 1 MODSEQ"), b"HIGHESTMODSEQ"))
        assert before < highest(c, b"gone1")
        assert vanished(d.ok(b"SEARCH ALL")) == []
        lines = d.ok(b"NOOP")
        assert vanished(lines) == [u[1], u[2], u[5]], lines
        assert int(code(lines, b"HIGHESTMODSEQ")) == highest(c, b"gone1")
        assert b"* 2 EXPUNGE\r\n" in plain.ok(b"NOOP")
        # UID EXPUNGE, MOVE
        c.ok(b"STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        lines = c.ok(b"UID EXPUNGE %d" % u[0])
        assert vanished(lines) == u[:1] and b"HIGHESTMODSEQ" in lines[-1]
        assert b"HIGHESTMODSEQ" not in c.ok(b"UID EXPUNGE 4000000000")[-1]
        c.ok(b"CREATE gone2")
        lines = c.ok(b"UID MOVE %d gone2" % u[4])
        assert lines[0].startswith(b"* OK [COPYUID ")
        assert vanished(lines) == [u[4]] and b"HIGHESTMODSEQ" in lines[-1]
        # what was never announced is never told
        d.ok(b"NOOP")
        c.append(b"gone1", SMALL)
        last = uids(c)[-1]
        c.ok(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % last)
        c.ok(b"UID EXPUNGE %d" % last)
        assert last not in vanished(d.ok(b"NOOP"))
        # 3.2.8: CLOSE says neither
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        top = highest(d, b"gone1")
        assert len(c.ok(b"CLOSE")) == 1
        assert highest(d, b"gone1") > top

    def t_fetch(self):
        """7162 3.2.6: UID FETCH tells what vanished since, first"""
        c = self.client()
        box(c, b"since1", 10)
        u = uids(c)
        start = highest(c, b"since1")
        c.ok(b"STORE 2,4 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXPUNGE")
        middle = highest(c, b"since1")
        c.ok(b"STORE 8 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXPUNGE")
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Seen)")

        def ask(which, since):
            lines = c.ok(b"UID FETCH %s (FLAGS) (CHANGEDSINCE %d VANISHED)" %
                         (which, since))
            kinds = [b"EARLIER" in x for x in lines
                     if b"EARLIER" in x or b" FETCH " in x]
            assert kinds == sorted(kinds, reverse=True), lines
            return vanished(lines, True), rows(lines)
        gone, changed = ask(b"1:*", start)
        assert gone == [u[1], u[3], u[9]], gone
        assert list(changed) == [1] and changed[1][0] == u[0]
        assert ask(b"1:*", middle)[0] == [u[9]]
        assert ask(b"%d:%d" % (u[0], u[2]), start)[0] == [u[1]]
        assert ask(b"%d,%d:4000000000" % (u[3], u[7]), start)[0] == \
            [u[3], u[9]]
        assert ask(b"1:*", highest(c, b"since1"))[0] == []
        # another session, for which they never were
        d = self.client(b"since1")
        lines = d.ok(b"UID FETCH 1:* FLAGS (VANISHED CHANGEDSINCE %d)" % start)
        assert vanished(lines, True) == [u[1], u[3], u[9]]

    def t_select(self):
        """7162 3.2.5, 3.2.5.1: what changed, at once with the SELECT"""
        c = self.client()
        lines = box(c, b"back", 12)
        validity = int(code(lines, b"UIDVALIDITY"))
        u = uids(c)
        since = highest(c, b"back")
        c.ok(b"STORE 3,5,11 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXPUNGE")
        c.ok(b"STORE 1,4 +FLAGS.SILENT (\\Seen)")
        c.append(b"back", SMALL)
        new = uids(c)[-1]

        def come(text, condition=b"OK [READ-WRITE]"):
            d = self.client()
            lines = d.expect(b"SELECT back (QRESYNC (%s))" % text, condition)
            for word in (b" EXISTS", b"[UIDVALIDITY ", b"[UIDNEXT ",
                         b"[HIGHESTMODSEQ "):
                assert word in b"".join(lines), lines
            return vanished(lines, True), rows(lines)
        gone, changed = come(b"%d %d" % (validity, since))
        assert gone == [u[2], u[4], u[10]], gone
        assert [x[0] for x in changed.values()] == [u[0], u[5], new], changed
        assert all(x[1] is not None and x[2] > since
                   for x in changed.values())
        gone, changed = come(b"%d %d %d:%d" % (validity, since, u[0], u[4]))
        assert gone == [u[2], u[4]] and list(changed) == [1]
        # 3.2.5: another UIDVALIDITY: nothing of it
        assert come(b"%d %d" % (validity + 1, since)) == ([], {})
        assert come(b"%d %d" % (validity, highest(c, b"back"))) == ([], {})
        # 3.2.5.2: what goes together is known
        text = b"%d %d %d:%d (%%s)" % (validity, since, u[0], u[11])
        assert come(text % b"1:2 %d:%d" % (u[0], u[0] + 1)
                    if u[1] == u[0] + 1 else
                    text % b"1,2 %d,%d" % (u[0], u[1]))[0] == \
            [u[2], u[4], u[10]]
        assert come(text % b"3 %d" % u[3])[0] == [u[4], u[10]]
        assert come(text % b"3,4 %d,%d" % (u[3], u[5]))[0] == [u[10]]
        assert come(text % b"3,4 %d,%d" % (u[2], u[5]))[0] == [u[10]]
        assert come(text % b"3,4 %d,%d" % (u[3], u[4]))[0] == [u[4], u[10]]
        assert come(text % b"1000:1001 5000000:5000001")[0] == \
            [u[2], u[4], u[10]]
        # EXAMINE too; a box that is not there
        d = self.client()
        lines = d.ok(b"EXAMINE back (CONDSTORE QRESYNC (%d %d))" %
                     (validity, since))
        assert len(vanished(lines, True)) == 3
        d.expect(b"SELECT nowhere (QRESYNC (%d %d))" % (validity, since),
                 b"NO [NONEXISTENT]")
        # IMAP4rev2 beside it
        d = Client(1)
        d.ok(b"ENABLE IMAP4rev2 QRESYNC")
        lines = d.ok(b"SELECT back (QRESYNC (%d %d))" % (validity, since))
        assert b'* LIST (\\HasNoChildren) "/" back\r\n' in lines
        assert len(vanished(lines, True)) == 3

    def t_sync(self):
        """7162 6: a client that comes back again and again has what there
        is"""
        import random
        rand = random.Random(5)
        c = self.client()
        lines = box(c, b"sync", 30)
        validity = int(code(lines, b"UIDVALIDITY"))
        known, since = {}, 1
        for _ in range(25):
            have = uids(c)
            for uid in rand.sample(have, min(3, len(have))):
                c.ok(b"UID STORE %d %sFLAGS.SILENT (%s)" % (
                    uid, rand.choice((b"+", b"-")),
                    rand.choice((b"\\Seen", b"\\Flagged", b"kw"))))
            if rand.random() < 0.6:
                for uid in rand.sample(have, min(2, len(have))):
                    c.ok(b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % uid)
                c.ok(b"EXPUNGE")
            for _ in range(rand.randint(0, 2)):
                c.append(b"sync", SMALL)
            c.ok(b"NOOP")
            d = self.client()
            pairs = b""
            if known and rand.random() < 0.5:
                order = sorted(known)
                pick = sorted(rand.sample(range(len(order)),
                                          min(4, len(order))))
                pairs = b" (%s %s)" % (
                    b",".join(b"%d" % (x + 1) for x in pick),
                    b",".join(b"%d" % order[x] for x in pick))
            lines = d.ok(b"SELECT sync (QRESYNC (%d %d%s))" %
                         (validity, since, pairs))
            for uid in vanished(lines, True):
                known.pop(uid, None)
            for uid, flags, _ in rows(lines).values():
                known[uid] = frozenset(flags.split())
            since = int(code(lines, b"HIGHESTMODSEQ"))
            want = {x[0]: frozenset(x[1].split()) for x in
                    rows(d.ok(b"FETCH 1:* (UID FLAGS)")).values()}
            assert known == want, (known, want)


if __name__ == "__main__":
    run(globals())

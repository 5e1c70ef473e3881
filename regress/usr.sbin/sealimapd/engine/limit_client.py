#! /usr/bin/env python3
"""
MESSAGELIMIT (RFC 9738) in a running suite whose commands deal with 1,000
messages at most.

usage: limit_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import re

from engine_client import SMALL, Client, run
from extension_client import untagged

LIMIT = 1000
MANY = 1010


def code(lines):
    """The UID of MESSAGELIMIT in the tagged response; None without one."""
    found = re.search(rb"\[MESSAGELIMIT %d(?: (\d+))?\]" % LIMIT, lines[-1])
    if found is None:
        return None
    return int(found.group(1)) if found.group(1) else 0


def rows(lines):
    """The UIDs of FETCH responses."""
    return [int(re.search(rb"UID (\d+)", x).group(1)) for x in lines
            if b" FETCH (" in x]


def filled(box, n=MANY):
    """A new mailbox, selected, of n messages; their UIDs."""
    c = Client(1)
    c.ok(b"CREATE " + box)
    one = b" {%d+}\r\n%s" % (len(SMALL), SMALL)
    for i in range(0, n, 100):
        c.ok(b"APPEND %s%s" % (box, one * min(100, n - i)))
    c.ok(b"SELECT " + box)
    line = untagged(c.ok(b"UID SEARCH RETURN (MIN MAX) UIDAFTER 1"),
                    b"ESEARCH")[0]
    last = int(re.search(rb"MAX (\d+)", line).group(1))
    uids = []
    while last > 0 and len(uids) < n:
        lines = c.ok(b"UID FETCH 1:%d UID" % last)
        got = rows(lines)
        uids = got + uids
        last = got[0] - 1
    assert len(uids) == n
    return c, uids


class Limited:
    def t_capability(self):
        """9738 3"""
        words = Client(1).ok(b"CAPABILITY")[0].split()
        assert b"MESSAGELIMIT=%d" % LIMIT in words
        assert not [x for x in words if x.startswith(b"SAVELIMIT")]

    def t_fetch(self):
        """9738 3.1: those with the highest UIDs, and how far it went"""
        c, u = filled(b"fetch")
        for text in (b"FETCH 1:* UID", b"UID FETCH 1:* UID",
                     b"UID FETCH 1:%d UID" % u[-1],
                     b"UID FETCH %d:%d,%d:* UID" % (u[0], u[6], u[7])):
            lines = c.ok(text)
            assert rows(lines) == u[-LIMIT:], text
            assert code(lines) == u[-LIMIT], (text, lines[-1])
        # The client goes on below it.
        lines = c.ok(b"UID FETCH 1:%d UID" % (u[-LIMIT] - 1))
        assert rows(lines) == u[:-LIMIT] and code(lines) is None
        for text in (b"UID FETCH %d:* UID" % u[-LIMIT],
                     b"FETCH 1:%d UID" % LIMIT):
            assert code(c.ok(text)) is None, text
        lines = c.ok(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1)")
        assert code(lines) == u[-LIMIT]

    def t_partial(self):
        """9394 with 9738 3.1: the range counts, not what the set names."""
        c, u = filled(b"partial")
        lines = c.ok(b"UID FETCH 1:* UID (PARTIAL 1:%d)" % LIMIT)
        assert rows(lines) == u[:LIMIT] and code(lines) is None
        lines = c.ok(b"UID FETCH 1:* UID (PARTIAL -1:-3)")
        assert rows(lines) == u[-3:] and code(lines) is None
        lines = c.expect(b"UID FETCH 1:* UID (PARTIAL -1:-%d)" % (LIMIT + 1),
                         b"NO [MESSAGELIMIT %d] " % LIMIT)
        assert not rows(lines)
        # A range that is larger than what there is
        few = filled(b"few", 3)[0]
        assert len(rows(few.ok(b"UID FETCH 1:* UID (PARTIAL 1:4294967295)"))) \
            == 3

    def t_seen(self):
        """What is not told is not marked."""
        c, u = filled(b"seen")
        lines = c.ok(b"FETCH 1:* BODY[TEXT]<0.1>")
        assert code(lines) == u[-LIMIT]
        c.ok(b"UNSELECT")
        assert b"UNSEEN %d" % (MANY - LIMIT) in \
            c.ok(b"STATUS seen (UNSEEN)")[0]
        # BINARY looks first at what it can decode, and no further.
        c.ok(b"SELECT seen")
        c.ok(b"STORE %d:* -FLAGS.SILENT (\\Seen)" % (MANY - LIMIT + 1))
        lines = c.ok(b"FETCH 1:* (UID BINARY[1]<0.1>)")
        assert code(lines) == u[-LIMIT] and rows(lines) == u[-LIMIT:]
        lines = c.ok(b"UID FETCH 1:* (BINARY[1]<0.1>) (PARTIAL 1:3)")
        assert rows(lines) == u[:3], lines
        c.ok(b"UNSELECT")
        assert b"UNSEEN %d" % (MANY - LIMIT - 3) in \
            c.ok(b"STATUS seen (UNSEEN)")[0]

    def t_store(self):
        """9738 3.1: STORE; another code is not displaced."""
        c, u = filled(b"store")
        lines = c.ok(b"UID STORE 1:* +FLAGS (\\Flagged)")
        assert code(lines) == u[-LIMIT]
        assert len([x for x in lines if b" FETCH (" in x]) == LIMIT
        assert code(c.ok(b"STORE 1:* +FLAGS.SILENT (\\Answered)")) == \
            u[-LIMIT]
        c.ok(b"ENABLE CONDSTORE")
        lines = c.ok(b"UID STORE 1:* (UNCHANGEDSINCE 1) +FLAGS (\\Draft)")
        assert b"[MODIFIED " in lines[-1], lines[-1]
        assert lines[-2].startswith(b"* NO [MESSAGELIMIT %d %d] " % (
            LIMIT, u[-LIMIT])), lines[-2]
        assert c.ok(b"UID SEARCH UIDBEFORE %d FLAGGED" %
                    u[-LIMIT])[0] == b"* SEARCH\r\n"

    def t_copy(self):
        """9738 3.1: COPY does all or nothing, MOVE what it may."""
        c, u = filled(b"copy")
        c.ok(b"CREATE copied")
        for text in (b"COPY 1:* copied", b"UID COPY 1:* copied"):
            c.expect(text, b"NO [MESSAGELIMIT %d %d] " % (LIMIT, u[-LIMIT]))
        assert b"MESSAGES 0" in c.ok(b"STATUS copied (MESSAGES)")[0]
        lines = c.ok(b"UID COPY %d:* copied" % u[-LIMIT])
        assert b"[COPYUID" in lines[-1]
        lines = c.ok(b"UID MOVE 1:* copied")
        assert code(lines) == u[-LIMIT], lines[-1]
        assert b"MESSAGES %d" % (2 * LIMIT) in \
            c.ok(b"STATUS copied (MESSAGES)")[0]
        lines = c.ok(b"UID MOVE 1:* copied")
        assert code(lines) is None
        c.ok(b"NOOP")
        assert c.ok(b"UID SEARCH ALL")[0] == b"* SEARCH\r\n"

    def t_expunge(self):
        """9738 3.1: UID EXPUNGE counts the deleted; EXPUNGE, CLOSE are free."""
        c, u = filled(b"expunge")
        c.ok(b"UID STORE %d:* +FLAGS.SILENT (\\Deleted)" % u[-LIMIT])
        c.ok(b"UID STORE 1:%d +FLAGS.SILENT (\\Deleted)" % u[3])
        lines = c.ok(b"UID EXPUNGE 1:*")
        assert code(lines) == u[-LIMIT], lines[-1]
        assert len(untagged(lines, b"")) >= LIMIT
        left = rows(c.ok(b"FETCH 1:* UID"))
        assert left == u[:-LIMIT], left
        lines = c.ok(b"UID EXPUNGE 1:*")
        assert code(lines) is None
        assert rows(c.ok(b"FETCH 1:* UID")) == u[4:-LIMIT]
        c, u = filled(b"free")
        c.ok(b"UID STORE %d:* +FLAGS.SILENT (\\Deleted)" % u[-LIMIT])
        c.ok(b"UID STORE 1:%d +FLAGS.SILENT (\\Deleted)" % (u[-LIMIT] - 1))
        lines = c.ok(b"EXPUNGE")
        assert code(lines) is None
        assert b"MESSAGES 0" in Client(1).ok(b"STATUS free (MESSAGES)")[0]


class Search:
    def t_search(self):
        """9738 3.1: so many are looked at, whatever is found; 3.4: $"""
        c, u = filled(b"search")
        low = u[-LIMIT]
        c.ok(b"UID STORE %d,%d +FLAGS.SILENT (\\Flagged)" % (u[2], u[-2]))
        lines = c.ok(b"UID SEARCH FLAGGED")
        assert lines[0] == b"* SEARCH %d\r\n" % u[-2]
        assert code(lines) == low, lines[-1]
        lines = c.ok(b"UID SEARCH SUBJECT small")
        assert len(lines[0].split()) == 2 + LIMIT and code(lines) == low
        lines = c.ok(b"UID SEARCH RETURN (MIN COUNT) ALL")
        assert b"MIN %d COUNT %d" % (low, LIMIT) in lines[0], lines
        assert code(lines) == low
        # 3.2: on below it, and what sets narrow is not counted
        lines = c.ok(b"UID SEARCH UIDBEFORE %d FLAGGED" % low)
        assert lines[0] == b"* SEARCH %d\r\n" % u[2] and code(lines) is None
        for text, want in ((b"UIDAFTER %d" % u[-3], u[-2:]),
                           (b"UIDBEFORE %d" % u[2], u[:2]),
                           (b"UIDBEFORE 1", []), (b"UIDAFTER 4294967295", []),
                           (b"UIDAFTER %d UIDBEFORE %d" % (u[0], u[3]),
                            u[1:3]), (b"NOT UIDAFTER %d" % u[1], u[:2]),
                           (b"1:2", u[:2]), (b"UID %d:%d" % (u[0], u[4]),
                                             u[:5])):
            lines = c.ok(b"UID SEARCH " + text)
            assert [int(x) for x in lines[0].split()[2:]] == want, text
            assert code(lines) is None, text
        lines = c.ok(b"UID SEARCH RETURN (SAVE) ALL")
        assert code(lines) == low
        lines = c.ok(b"UID FETCH $ UID")
        assert rows(lines) == u[-LIMIT:] and code(lines) is None
        lines = c.ok(b"UID SEARCH RETURN (PARTIAL 1:2) ALL")
        assert b"PARTIAL (1:2 %d" % low in lines[0] and code(lines) == low

    def t_sort(self):
        """9738 3.3: no order of a part"""
        c = Client(1, b"search")
        for text in (b"UID SORT (DATE) UTF-8 ALL",
                     b"THREAD REFERENCES UTF-8 ALL",
                     b"SORT (SIZE) UTF-8 FLAGGED"):
            c.expect(text, b"NO [MESSAGELIMIT %d] " % LIMIT)
        low = int(c.ok(b"UID SEARCH 11")[0].split()[-1])
        lines = c.ok(b"UID SORT (REVERSE ARRIVAL) UTF-8 UIDAFTER %d" % low)
        assert len(lines[0].split()) == 1 + MANY - 11 + 1, lines[0][:50]
        c.ok(b"THREAD REFERENCES UTF-8 1:3")

    def t_context(self):
        """5267 4.3.1: of a part no updates"""
        c = Client(1, b"search")
        lines = c.ok(b"UID SEARCH RETURN (UPDATE COUNT) ALL")
        assert any(b"[NOUPDATE" in x for x in lines), lines
        c.append(b"search", SMALL)
        assert not untagged(c.ok(b"NOOP"), b"ESEARCH")

    def t_append(self):
        """9738 3.1, 3502: all or none"""
        c = Client(1)
        one = b" {%d+}\r\n%s" % (len(SMALL), SMALL)
        before = c.ok(b"STATUS search (MESSAGES)")[0]
        c.expect(b"APPEND search" + one * 101, b"NO")
        assert c.ok(b"STATUS search (MESSAGES)")[0] == before


if __name__ == "__main__":
    run(globals())

#! /usr/bin/env python3
"""
SORT and THREAD (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 section
3), PARTIAL (RFC 9394); section by section, and against a model of its own.
What lasts says so, and ends with who asked for it (RFC 9585).

usage: sort_client.py server.json CASE

As engine_client.py.
"""

import os
import random
import re
import signal
import subprocess

from engine_client import SERVER, SMALL, Client, run
from extension_client import uids


def mail(date=None, subject=None, more=b"", body=b"body\r\n"):
    out = b""
    if date is not None:
        out += b"Date: %s\r\n" % date
    if subject is not None:
        out += b"Subject: %s\r\n" % subject
    return out + more + b"\r\n" + body


def box(c, name, mails):
    """A new box, selected, of these messages."""
    c.ok(b"CREATE " + name)
    c.ok(b"SELECT " + name)
    for message in mails:
        c.append(name, message)


def numbers(lines, word=b"SORT"):
    rows = [x for x in lines if x.startswith(b"* " + word)]
    assert len(rows) == 1, lines
    return [int(x) for x in rows[0].split(b"(")[0].split()[2:]]


def esearch(lines):
    """What the one ESEARCH says, without its tag."""
    rows = [x for x in lines if x.startswith(b"* ESEARCH")]
    assert len(rows) == 1, lines
    tag = lines[-1].split(b" ")[0]
    begin = b'* ESEARCH (TAG "%s")' % tag
    assert rows[0].startswith(begin), rows
    return rows[0][len(begin):].strip()


def day(n, hour=12, zone=b"+0000"):
    return b"%d Jan 2024 %02d:00:00 %s" % (n, hour, zone)


class Sort:
    def t_grammar(self):
        """5256 3, 5: what it does not allow is BAD"""
        c = Client(1)
        caps = c.ok(b"CAPABILITY")[0].split()
        for word in (b"SORT", b"SORT=DISPLAY", b"ESORT", b"THREAD=REFERENCES",
                     b"THREAD=ORDEREDSUBJECT"):
            assert word in caps, word
        c.expect(b"SORT (DATE) UTF-8 ALL", b"BAD")  # none is selected
        box(c, b"empty", [])
        assert c.ok(b"SORT (DATE) UTF-8 ALL")[0] == b"* SORT\r\n"
        assert c.ok(b"THREAD REFERENCES UTF-8 ALL")[0] == b"* THREAD\r\n"
        for text in (b"SORT", b"SORT DATE UTF-8 ALL", b"SORT () UTF-8 ALL",
                     b"SORT (DATE) ALL", b"SORT (DATE) UTF-8", b"SORT (DATE)",
                     b"SORT (REVERSE) UTF-8 ALL", b"SORT (BCC) UTF-8 ALL",
                     b"SORT (REVERSE REVERSE DATE) UTF-8 ALL",
                     b"SORT (DATE  TO) UTF-8 ALL",
                     b"SORT (" + b" ".join([b"DATE"] * 17) + b") UTF-8 ALL",
                     b"THREAD UTF-8 ALL", b"THREAD FOO UTF-8 ALL",
                     b"THREAD REFERENCES ALL", b"THREAD REFERENCES UTF-8"):
            c.expect(text, b"BAD")
        c.ok(b"SORT (" + b" ".join([b"REVERSE DATE"] * 16) + b") UTF-8 ALL")
        # 3: US-ASCII and UTF-8; others are named by BADCHARSET
        c.ok(b"SORT (DATE) US-ASCII ALL")
        c.ok(b'SORT (DATE) "utf-8" ALL')
        for word in (b"SORT (DATE)", b"THREAD REFERENCES"):
            lines = c.expect(word + b" KOI8-R ALL", b"NO [BADCHARSET (")
            assert b"UTF-8" in lines[-1]

    def t_keys(self):
        """5256 3: each criterion, REVERSE, and the order of what is equal"""
        c = Client(1)
        heads = (
            (b"From: Zoe <b@x>\r\nTo: c@x\r\nCc: y@x\r\n", b"Re: beta", 3),
            (b"From: a@x\r\nTo: \"C\"@x\r\n", b"Alpha", 1),
            (b"From: Adam <C@x>\r\nTo: a@x, b@x\r\nCc: Z@x\r\n", b"beta", 2),
            (b"To: friends: q@x, r@x;\r\nCc: x@x\r\n", b"[l] ALPHA (fwd)", 4),
            (b"", None, None))
        box(c, b"keys", [
            mail(n and day(n), s, h, b"x" * (900 - 100 * i))
            for i, (h, s, n) in enumerate(heads)])
        for text, want in (
                (b"(ARRIVAL)", [1, 2, 3, 4, 5]),
                (b"(FROM)", [4, 5, 2, 1, 3]),
                (b"(TO)", [5, 3, 1, 2, 4]),
                (b"(CC)", [2, 5, 4, 1, 3]),
                (b"(SUBJECT)", [5, 2, 4, 1, 3]),
                (b"(DATE)", [2, 3, 1, 4, 5]),  # 2.2: the last by arrival
                (b"(SUBJECT DATE)", [5, 2, 4, 3, 1]),
                (b"(SUBJECT REVERSE DATE)", [5, 4, 2, 1, 3]),
                (b"(REVERSE SUBJECT DATE)", [3, 1, 2, 4, 5]),
                (b"(REVERSE FROM)", [3, 1, 2, 4, 5]),
                # 5957 3: names, be they a group's, or addresses
                (b"(DISPLAYFROM)", [4, 5, 2, 3, 1]),
                (b"(DISPLAYTO)", [5, 3, 1, 2, 4])):
            got = numbers(c.ok(b"SORT %s UTF-8 ALL" % text))
            assert got == want, (text, got)
        sizes = numbers(c.ok(b"SORT (SIZE) UTF-8 ALL"))
        assert numbers(c.ok(b"SORT (REVERSE SIZE) UTF-8 ALL")) == sizes[::-1]
        u = uids(c)
        got = numbers(c.ok(b"UID SORT (DATE) UTF-8 1:3"))
        assert got == [u[1], u[2], u[0]], got
        # Search and sort both by text
        got = numbers(c.ok(b"SORT (REVERSE SUBJECT) UTF-8 SUBJECT alpha"))
        assert got == [2, 4], got

    def t_dates(self):
        """5256 2.2: by UTC; what has no date, by the internal one"""
        c = Client(1)
        c.ok(b"CREATE dates")
        c.ok(b"SELECT dates")
        for date, internal in (
                (day(2, 1, b"+0300"), b"05-Jan-2024 00:00:00 +0000"),
                (day(1, 23), b"04-Jan-2024 00:00:00 +0000"),
                (None, b"01-Jan-2024 22:30:00 +0000"),
                (b"rubbish", b"01-Jan-2024 23:30:00 +0000")):
            c.append(b"dates", mail(date, b"x"), b'"%s" ' % internal)
        assert numbers(c.ok(b"SORT (DATE) UTF-8 ALL")) == [1, 3, 2, 4]
        assert numbers(c.ok(b"SORT (ARRIVAL) UTF-8 ALL")) == [3, 4, 2, 1]

    def t_collation(self):
        """5255 4: i;unicode-casemap, also in encoded words"""
        c = Client(1)
        subjects = (b"zebra", b"=?utf-8?q?=C3=84rger?=", b"=?iso-8859-1?q?=E4pfel?=",
                    b"Apfel", b"=?utf-8?b?w4RSR0VS?=", b"=?utf-8?b?5Lit?=",
                    b"arger")
        box(c, b"collation", [mail(day(1), s) for s in subjects])
        got = numbers(c.ok(b"SORT (SUBJECT) UTF-8 ALL"))
        assert got == [4, 7, 3, 2, 5, 1, 6], got
        # 4.3: SEARCH by it too: what it calls equal is found
        assert b"I18NLEVEL=1" in c.ok(b"CAPABILITY")[0].split()
        for word, want in (("äRGER", [2, 5, 7]), ("A\u0308rGer", [2, 5, 7]),
                           ("apf", [4]), ("äpf", [3, 4])):
            word = word.encode()
            got = numbers(c.ok(b"SEARCH CHARSET UTF-8 SUBJECT {%d+}\r\n%s" % (
                len(word), word)), b"SEARCH")
            assert set(want) <= set(got) and not set(got) - {2, 3, 4, 5, 7}, \
                (word, got)

    def t_modseq(self):
        """7162 3.1.6: the highest MODSEQ beside the result"""
        c = Client(1, b"keys")
        c.ok(b"STORE 2 +FLAGS.SILENT (\\Flagged)")
        lines = c.ok(b"SORT (DATE) UTF-8 MODSEQ 1")
        highest = int(re.search(
            rb"\[HIGHESTMODSEQ (\d+)\]", b"".join(lines)).group(1))
        row = [x for x in lines if x.startswith(b"* SORT")][0]
        assert row == b"* SORT 2 3 1 4 5 (MODSEQ %d)\r\n" % highest, row
        assert c.ok(b"SORT (DATE) UTF-8 MODSEQ %d" % (highest + 1))[0] == \
            b"* SORT\r\n"

    def t_rev2(self):
        """9051 7.3.4 is about SEARCH: SORT is answered as ever"""
        c = Client(1)
        c.ok(b"ENABLE IMAP4rev2")
        c.ok(b"SELECT keys")
        assert numbers(c.ok(b"SORT (DATE) UTF-8 ALL")) == [2, 3, 1, 4, 5]
        assert esearch(c.ok(b"SORT RETURN (COUNT) (DATE) UTF-8 ALL")) == \
            b"COUNT 5"
        assert c.ok(b"THREAD ORDEREDSUBJECT UTF-8 1:2")[0] == \
            b"* THREAD (2)(1)\r\n"

    def t_esort(self):
        """5267 3: RETURN with SORT; ranges rise (3.2)"""
        c = Client(1, b"keys")
        u = uids(c)
        for options, want in (
                (b"", b"ALL 2:3,1,4:5"), (b"ALL", b"ALL 2:3,1,4:5"),
                (b"MIN", b"MIN 2"), (b"MAX", b"MAX 5"),
                (b"COUNT", b"COUNT 5"),
                (b"MIN COUNT ALL", b"ALL 2:3,1,4:5 MIN 2 COUNT 5")):
            got = esearch(c.ok(b"SORT RETURN (%s) (DATE) UTF-8 ALL" % options))
            assert got == want, (options, got)
        got = esearch(c.ok(b"UID SORT RETURN (MIN MAX) (DATE) UTF-8 ALL"))
        assert got == b"UID MIN %d MAX %d" % (u[1], u[4]), got
        assert esearch(c.ok(b"SORT RETURN (MIN) (DATE) UTF-8 SEEN")) == b""
        assert esearch(c.ok(b"SORT RETURN () (REVERSE DATE) UTF-8 ALL")) == \
            b"ALL 5,4,1,3,2"
        # 5182 2.1: what is saved is a set, whatever its order
        c.ok(b"SORT RETURN (SAVE MIN) (DATE) UTF-8 ALL")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 2\r\n"
        c.ok(b"SORT RETURN (SAVE) (REVERSE DATE) UTF-8 1:3")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 1 2 3\r\n"
        c.expect(b"SORT RETURN (SAVE) (DATE) KOI8-R ALL", b"NO")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH\r\n"


class Node:
    def __init__(self, number=None):
        self.number = number
        self.parent = None
        self.children = []

    def descends(self, other):
        node = self
        while node is not None:
            if node is other:
                return True
            node = node.parent
        return False

    def link(self, parent):
        if not parent.descends(self):
            self.parent = parent
            parent.children.append(self)

    def cut(self):
        if self.parent is not None:
            self.parent.children.remove(self)
            self.parent = None


def references(mails):
    """RFC 5256 section 3, word by word; mails: (id, refs, date, base, reply)
    by number from 1.  Returns the response's text."""
    ids, nodes = {}, []
    for number, (mid, refs, _, _, _) in enumerate(mails, 1):
        chain = []
        for ref in refs:
            if ref not in ids:
                ids[ref] = Node()
                nodes.append(ids[ref])
            chain.append(ids[ref])
        for parent, child in zip(chain, chain[1:]):
            if child.parent is None:
                child.link(parent)
        node = ids.get(mid) if mid else None
        if node is None or node.number is not None:
            node, fresh = Node(), mid and mid not in ids
            nodes.append(node)
            if fresh:
                ids[mid] = node
        node.number = number
        last = chain[-1] if chain else None
        if node.parent is not last:
            node.cut()
            if last is not None:
                node.link(last)
    root = Node()
    for node in nodes:
        if node.parent is None:
            node.link(root)

    def prune(node):
        for child in list(node.children):
            prune(child)
        for child in list(node.children):
            if child.number is not None:
                continue
            if child.children and node is root and len(child.children) > 1:
                continue
            node.children.remove(child)
            for grandchild in child.children:
                grandchild.parent = node
                node.children.append(grandchild)
    prune(root)

    def key(node):
        if node.number is not None:
            return mails[node.number - 1][2], node.number
        return min(key(x) for x in node.children)

    def info(node):
        if node.number is not None:
            return mails[node.number - 1][3:]
        return mails[min(node.children, key=key).number - 1][3], False
    root.children.sort(key=key)
    table = {}
    for node in root.children:
        base, reply = info(node)
        if not base:
            continue
        there = table.get(base)
        if there is None or there.number is not None and (
                node.number is None or info(there)[1] and not reply):
            table[base] = node
    for node in list(root.children):
        base, reply = info(node) if node.parent is root else ("", False)
        there = table.get(base)
        if not base or there is node:
            continue
        if there.number is None and node.number is None:
            for child in node.children:
                child.parent = there
                there.children.append(child)
            root.children.remove(node)
        elif there.number is None or reply and not info(there)[1]:
            node.cut()
            node.parent = there
            there.children.append(node)
        else:
            dummy = Node()
            for child in (node, there):
                child.cut()
                child.parent = dummy
                dummy.children.append(child)
            dummy.parent = root
            root.children.append(dummy)
            table[base] = dummy

    def text(node):
        node.children.sort(key=key)
        out = "" if node.number is None else str(node.number)
        if len(node.children) == 1:
            return out + " " + text(node.children[0])
        nested = "".join("(%s)" % text(x) for x in node.children)
        return out + (" " if out and nested else "") + nested
    root.children.sort(key=key)
    return "".join("(%s)" % text(x) for x in root.children)


class Thread:
    def t_example(self):
        """5256 4: the forms of the response"""
        c = Client(1)
        box(c, b"threads", [
            mail(day(1 + i), b"s%d" % i, b"Message-ID: <%d@x>\r\n%s" % (
                i, refs and b"References: %s\r\n" % refs))
            for i, refs in enumerate((
                b"", b"", b"<1@x>", b"<2@x>", b"<2@x> <3@x>", b"<2@x>",
                b"<99@x>", b"<99@x>"))])
        assert c.ok(b"THREAD REFERENCES UTF-8 ALL")[0] == \
            b"* THREAD (1)(2 3 (4 5)(6))((7)(8))\r\n"
        u = uids(c)
        assert c.ok(b"UID THREAD REFERENCES UTF-8 2:3")[0] == \
            b"* THREAD (%d %d)\r\n" % (u[1], u[2])
        # 3: a gap in what is searched is a message that is not there
        assert c.ok(b"THREAD REFERENCES UTF-8 2,4:6")[0] == \
            b"* THREAD (2)((4 5)(6))\r\n"

    def t_replies(self):
        """5256 3: the first id of In-Reply-To, without References"""
        c = Client(1)
        mid = b"Message-ID: <%d@x>\r\n"
        box(c, b"replies", [
            mail(day(1), b"a", mid % 1), mail(day(2), b"b", mid % 2),
            mail(day(3), b"c",
                 mid % 3 + b"In-Reply-To: your <2@x> of <1@x>\r\n"),
            mail(day(4), b"d", mid % 4 + b"In-Reply-To: <1@x>\r\n"
                 b"References: <2@x>\r\n"),
            mail(day(5), b"e", b"In-Reply-To: <1@x>\r\nReferences: none\r\n")])
        assert c.ok(b"THREAD REFERENCES UTF-8 ALL")[0] == \
            b"* THREAD (1 5)(2 (3)(4))\r\n"

    def t_ordered(self):
        """5256 3, ORDEREDSUBJECT"""
        c = Client(1)
        box(c, b"ordered", [
            mail(day(d), s) for d, s in (
                (3, b"b"), (5, b"a"), (1, b"Re: A"), (2, b"[l] a"), (4, b"c"),
                (6, b"fwd: b"))])
        assert c.ok(b"THREAD ORDEREDSUBJECT UTF-8 ALL")[0] == \
            b"* THREAD (3 (4)(2))(1 6)(5)\r\n"

    def t_model(self):
        """5256 3, REFERENCES: against a model"""
        c = Client(1)
        rng = random.Random(5256)
        for turn in range(6):
            mails, texts = [], []
            n = 60
            for i in range(n):
                mid = rng.choice([None, b"m%d@x" % rng.randrange(n)]) \
                    if rng.random() < 0.3 else b"m%d@x" % i
                refs = [b"m%d@x" % rng.randrange(n + 10)
                        for _ in range(rng.choice((0, 0, 1, 1, 2, 3, 5)))]
                date = rng.randrange(1, 29)
                base = rng.choice(("", "", "a", "b", "c", "d%d" % i))
                reply = bool(base) and rng.random() < 0.5
                mails.append((mid, refs, date, base, reply))
                more = b"Message-ID: <%s>\r\n" % mid if mid else b""
                if refs:
                    more += b"References: %s\r\n" % b"\r\n ".join(
                        b"<%s>" % x for x in refs)
                texts.append(mail(day(date), (
                    b"Re: " if reply else b"") + base.encode(), more))
            name = b"model%d" % turn
            c.ok(b"CREATE " + name)
            c.ok(b"SELECT " + name)
            c.ok(b"APPEND %s %s" % (name, b" ".join(
                b"{%d+}\r\n%s" % (len(x), x) for x in texts)))
            got = c.ok(b"THREAD REFERENCES UTF-8 ALL")[0]
            want = "* THREAD %s\r\n" % references(mails)
            assert got == want.encode(), (turn, got, want)


class Partial:
    def t_search(self):
        """9394 3.1: a part of the result, from either end"""
        c = Client(1)
        assert b"PARTIAL" in c.ok(b"CAPABILITY")[0].split()
        box(c, b"partial", [SMALL + b"x" * i for i in range(20)])
        c.ok(b"STORE 2,4:8,11,13:19 +FLAGS.SILENT (\\Flagged)")
        found = [2, 4, 5, 6, 7, 8, 11, 13, 14, 15, 16, 17, 18, 19]
        u = uids(c)
        for text, want in (
                (b"1:3", b"2,4:5"), (b"3:1", b"2,4:5"), (b"14:14", b"19"),
                (b"13:400", b"18:19"), (b"15:20", b"NIL"),
                (b"-1:-3", b"17:19"), (b"-3:-1", b"17:19"),
                (b"-14:-13", b"2,4"), (b"-14:-4000000000", b"2"),
                (b"-15:-16", b"NIL")):
            got = esearch(c.ok(
                b"SEARCH RETURN (PARTIAL %s) FLAGGED" % text))
            assert got == b"PARTIAL (%s %s)" % (text, want), got
        got = esearch(c.ok(
            b"UID SEARCH RETURN (COUNT PARTIAL 2:2 MIN MAX) FLAGGED"))
        assert got == b"UID PARTIAL (2:2 %d) MIN %d MAX %d COUNT 14" % (
            u[3], u[1], u[18]), got
        got = esearch(c.ok(
            b"SORT RETURN (PARTIAL -1:-2 COUNT) (REVERSE SIZE) UTF-8 "
            b"FLAGGED"))
        assert got == b"PARTIAL (-1:-2 4,2) COUNT 14", got
        for n in range(1, 15):
            got = esearch(c.ok(
                b"SEARCH RETURN (PARTIAL %d:%d) BODY body FLAGGED" % (n, n)))
            assert got == b"PARTIAL (%d:%d %d)" % (n, n, found[n - 1]), got

    def t_grammar(self):
        """9394 3.1, 4: no ALL beside it, one sign for both"""
        c = Client(1, b"partial")
        for text in (b"PARTIAL", b"PARTIAL 1", b"PARTIAL 0:1", b"PARTIAL 1:-1",
                     b"PARTIAL -1:1", b"PARTIAL -1:-0", b"PARTIAL 1:*",
                     b"ALL PARTIAL 1:2", b"PARTIAL 1:2 PARTIAL 3:4",
                     b"PARTIAL 1:2 ALL", b"PARTIAL 1:4294967296"):
            c.expect(b"SEARCH RETURN (%s) ALL" % text, b"BAD")

    def t_save(self):
        """9394 3.2: what PARTIAL tells is what is saved; with COUNT all"""
        c = Client(1, b"partial")
        every = c.ok(b"SEARCH FLAGGED")[0].strip()[len(b"* SEARCH "):]
        for options, want in (
                (b"PARTIAL 2:4", b"4 5 6"), (b"PARTIAL 20:30", b""),
                (b"PARTIAL 2:4 MIN", b"2 4 5 6"),
                (b"PARTIAL -2:-3 MAX", b"17 18 19"),
                (b"PARTIAL 2:2 MIN MAX", b"2 4 19"),
                (b"PARTIAL 2:2 COUNT", every), (b"PARTIAL 2:2 COUNT MIN MAX",
                                                every)):
            c.ok(b"SEARCH RETURN (SAVE %s) FLAGGED" % options)
            got = c.ok(b"SEARCH $")[0]
            assert got == (b"* SEARCH " + want).strip() + b"\r\n", got

    def t_modseq(self):
        """4731 3.2: the MODSEQ of what is told"""
        c = Client(1, b"partial")
        c.ok(b"STORE 13 +FLAGS.SILENT (kw)")
        got = esearch(c.ok(
            b"SEARCH RETURN (PARTIAL 1:3) MODSEQ 1 FLAGGED"))
        row = c.ok(b"FETCH 5 MODSEQ")[0]
        assert got.startswith(b"PARTIAL (1:3 2,4:5) MODSEQ "), got
        assert b"MODSEQ (%s)" % got.split()[-1] in row, (got, row)

    def t_fetch(self):
        """9394 3.2, 3.3: of a FETCH: by place among the set's messages,
        then those that have changed"""
        c = Client(1, b"partial")
        u = uids(c)

        def rows(text):
            got = [x for x in c.ok(text) if b" FETCH (" in x]
            return [int(x.split()[1]) for x in got]
        for text, want in (
                (b"1:* FLAGS (PARTIAL 1:3)", [1, 2, 3]),
                (b"1:* FLAGS (PARTIAL -1:-3)", [18, 19, 20]),
                (b"1:* (FLAGS) (PARTIAL -20:-100)", [1]),
                (b"1:* FLAGS (PARTIAL 21:22)", []),
                (b"1:* FLAGS (PARTIAL -21:-22)", []),
                (b"%d:%d FLAGS (PARTIAL 2:2)" % (u[4], u[9]), [6]),
                (b"%d,%d:%d,%d FLAGS (PARTIAL 2:4)" % (
                    u[0], u[4], u[5], u[9]), [5, 6, 10]),
                (b"%d,%d:%d,%d FLAGS (PARTIAL -1:-2)" % (
                    u[0], u[4], u[5], u[9]), [6, 10]),
                (b"4000000000 FLAGS (PARTIAL 1:2)", [20][:0])):
            assert rows(b"UID FETCH " + text) == want, text
        assert rows(b"FETCH 3:9 FLAGS (PARTIAL 2:3)") == [4, 5]
        modseq = max(int(re.search(rb"MODSEQ \((\d+)\)", x).group(1))
                     for x in c.ok(b"FETCH 1:* MODSEQ") if b" FETCH (" in x)
        c.ok(b"STORE 3,17,19 +FLAGS.SILENT (later)")
        for order in (b"PARTIAL -1:-3 CHANGEDSINCE %d",
                      b"CHANGEDSINCE %d PARTIAL -1:-3"):
            assert rows(b"UID FETCH 1:* FLAGS (%s)" % (order % modseq)) == \
                [19]
        # Only the messages of the part become \\Seen
        c.ok(b"UID FETCH 1:* BODY[] (PARTIAL 1:1)")
        assert c.ok(b"SEARCH SEEN")[0] == b"* SEARCH 1\r\n"
        # Places are of what is there: an expunged one has none
        c.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXPUNGE")
        assert rows(b"UID FETCH 1:* FLAGS (PARTIAL 2:2)") == [2]
        c.ok(b"ENABLE QRESYNC")
        lines = c.ok(b"UID FETCH 1:* FLAGS (PARTIAL 1:1 CHANGEDSINCE %d "
                     b"VANISHED)" % modseq)
        assert any(b"VANISHED (EARLIER) %d\r\n" % u[1] in x for x in lines)
        for text in (b"(PARTIAL)", b"(PARTIAL 1)", b"(PARTIAL 0:1)",
                     b"(PARTIAL 1:2 PARTIAL 3:4)", b"(PARTIAL 1:2 VANISHED)",
                     b"PARTIAL 1:2"):
            c.expect(b"UID FETCH 1:* FLAGS " + text, b"BAD")


def workers():
    """Processes of this suite that search for a user."""
    out = subprocess.run(SERVER["pids_cmd"], shell=True, check=True,
                         stdout=subprocess.PIPE).stdout
    pids = [int(x) for x in out.split()]
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="utf-8") as f:
                name, rest = f.read().rsplit(")", 1)
        except OSError:
            continue
        # The child of a role that is itself one of the suite
        if "(imap-worker" in name and int(rest.split()[1]) in pids and \
                "(imap-worker" in open("/proc/%s/stat" % rest.split()[1],
                                       encoding="utf-8").read():
            found.append(int(pid))
    return found


def vaults():
    """Processes of this suite that hold a user's keys."""
    out = subprocess.run(SERVER["pids_cmd"], shell=True, check=True,
                         stdout=subprocess.PIPE).stdout
    found = []
    for pid in out.split():
        try:
            with open("/proc/%d/cmdline" % int(pid), "rb") as f:
                if f.read().startswith(b"imap-store: vault"):
                    found.append(int(pid))
        except OSError:
            pass
    return found


class Progress:
    def stopped(self, user, name):
        """A search that waits for a worker that does nothing."""
        c = Client(user, name)
        c.ok(b"SEARCH BODY body")
        pids = workers()
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        return c, pids

    def t_inprogress(self):
        """9585 4: what lasts says so, and goes on"""
        c = Client(1)
        assert b"INPROGRESS" in c.ok(b"CAPABILITY")[0].split()
        box(c, b"progress", [SMALL] * 5)
        c, pids = self.stopped(1, b"progress")
        try:
            c.send(b"t1 SEARCH BODY body\r\nt2 NOOP\r\n")
            line = c.line()
            found = re.match(
                rb'\* OK \[INPROGRESS \("t1" (\d+) (\d+)\)\] ', line)
            assert found, line
            assert int(found.group(1)) < int(found.group(2))
            # The user's other sessions, and this search's numbers
            d = Client(1, b"progress")
            d.ok(b"STORE 2 +FLAGS (\\Flagged)")
            assert d.ok(b"SEARCH FLAGGED")[0] == b"* SEARCH 2\r\n"
            d.fetch(1, b"BODY[]")
            assert d.ok(b"SEARCH BODY body")[0] == b"* SEARCH 1 2 3 4 5\r\n"
            d.ok(b"SORT (SUBJECT) UTF-8 ALL")
            d.ok(b"LOGOUT")
            Client(2, b"INBOX").ok(b"SEARCH ALL")
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        lines = c.until(b"t1")
        assert b"* SEARCH 1 2 3 4 5\r\n" in lines, lines
        assert c.until(b"t2")[-1].startswith(b"t2 OK")
        # LOGOUT that comes along waits for the answer
        c.send(b"t3 SEARCH BODY body\r\nt4 LOGOUT\r\n")
        assert b"* SEARCH 1 2 3 4 5\r\n" in c.until(b"t3")
        assert c.until(b"t4")[-1].startswith(b"t4 OK")

    def t_changes(self):
        """9585 4: a change that lasts; how far it is nobody knows"""
        c = Client(1, b"progress")
        c.ok(b"STORE 1 FLAGS ()")
        pids = vaults()
        assert pids
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            c.send(b"t1 COPY 1 INBOX\r\nt2 STORE 1 FLAGS (\\Seen)\r\n")
            for tag in (b"t1", b"t2"):
                assert c.line().startswith(
                    b'* OK [INPROGRESS ("%s" NIL NIL)] ' % tag)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        for tag in (b"t1", b"t2"):
            lines = c.until(tag)
            assert lines[-1].startswith(tag + b" OK"), lines

    def t_interrupt(self):
        """LOGOUT, or the connection's end, ends a search that lasts"""
        # Each by a user without idle workers, which would be stopped too.
        waiting = []
        try:
            for user, gone in ((2, False), (3, True)):
                box(Client(user), b"progress", [SMALL] * 5)
                c, pids = self.stopped(user, b"progress")
                waiting.append((user, gone, c, pids))
                c.send(b"t1 SORT (DATE) UTF-8 BODY body\r\n")
            for user, gone, c, _ in waiting:
                assert b"INPROGRESS" in c.line()
                if gone:
                    c.sock.close()
                else:
                    c.send(b"t2 LOGOUT\r\n")
                    assert c.until(b"t1")[-1].startswith(b"t1 NO")
                    assert c.until(b"t2")[-1].startswith(b"t2 OK")
                # Others have a worker again, although that one still stands
                d = Client(user, b"progress")
                assert d.ok(b"SEARCH BODY body")[0] == \
                    b"* SEARCH 1 2 3 4 5\r\n"
                d.ok(b"LOGOUT")
        finally:
            for _, _, _, pids in waiting:
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGCONT)
                    except ProcessLookupError:
                        pass  # ended with the search that it was for


if __name__ == "__main__":
    run(globals())

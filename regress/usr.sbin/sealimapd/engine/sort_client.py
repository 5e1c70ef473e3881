#! /usr/bin/env python3
"""
SORT and THREAD (RFC 5256), SORT=DISPLAY (RFC 5957), ESORT (RFC 5267 section
3), PARTIAL (RFC 9394); section by section, and against a model of its own.

usage: sort_client.py server.json CASE

As engine_client.py.
"""

import os
import random
import re
import signal
import subprocess
import time

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
        for user, gone in ((2, False), (3, True)):
            box(Client(user), b"progress", [SMALL] * 5)
            c, pids = self.stopped(user, b"progress")
            try:
                c.send(b"t1 SORT (DATE) UTF-8 BODY body\r\n")
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
                for pid in pids:
                    os.kill(pid, signal.SIGCONT)


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
            want = numbers(d.ok(b"UID SORT (REVERSE DATE) UTF-8 UNSEEN"))
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

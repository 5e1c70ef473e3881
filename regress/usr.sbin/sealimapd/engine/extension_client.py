#! /usr/bin/env python3
"""
Speaks the extensions of IMAP, and IMAP4rev2, to a running suite.

usage: extension_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import base64
import os
import quopri
import re
import time

from engine_client import DOMAIN, MIXED, PASSWORD, SMALL, Client, literals, \
    run


def fill(c, box, n, flags=b""):
    """A new box, selected, of n messages."""
    c.ok(b"CREATE " + box)
    c.ok(b"SELECT " + box)
    for i in range(n):
        c.append(box, SMALL.replace(b"small", b"number %d" % (i + 1)), flags)


def untagged(lines, word):
    return [x for x in lines if x.startswith(b"* " + word)]


def uids(c):
    lines = c.ok(b"FETCH 1:* UID")[:-1]
    return [int(re.search(rb"UID (\d+)", x).group(1)) for x in lines]


class Strict:
    def t_grammar(self):
        """9051 9: what it does not allow is BAD, nothing changes."""
        c = Client(1)
        fill(c, b"strict", 2)
        for text in (
                b"NOOP ", b"NOOP x", b"CHECK x", b"CLOSE x", b"EXPUNGE 1",
                b"FETCH 0 FLAGS", b"FETCH 1:0 FLAGS", b"FETCH 01 FLAGS",
                b"FETCH 1, FLAGS", b"FETCH ,1 FLAGS", b"FETCH 1::2 FLAGS",
                b"FETCH 1 BODY[0]", b"FETCH 1 BODY[1.0]", b"FETCH 1 BODY[1.]",
                b"FETCH 1 BODY[MIME]", b"FETCH 1 BODY[]<0>",
                b"FETCH 1 BODY[]<0.0>", b"FETCH 1 ( FLAGS)", b"FETCH 1 (FLAGS  UID)", b"FETCH 1 ()",
                b"FETCH 1 (ALL)", b"FETCH 1  FLAGS", b"FETCH 1 FLAGS UID",
                b"FETCH 1 BODY[HEADER.FIELDS ()]", b"UID NOOP",
                b"STORE 1 FLAGS", b"STORE 1 FLAGS (\\Seen",
                b"STORE 1 +FLAGS (\\Recent)", b"STORE 0 +FLAGS (\\Seen)",
                b"STORE 1 FLAGS (\\Seen) (\\Draft)", b"STORE 1 * (\\Seen)",
                b"SEARCH", b"SEARCH ALL ", b"SEARCH ()", b"SEARCH NOT",
                b"SEARCH OR ALL", b"SEARCH SINCE 1-Feb-95",
                b"SEARCH SINCE 30-Feb-1995", b"SEARCH LARGER -1",
                b"SEARCH UID 0", b"COPY 0 strict", b"MOVE 1", b"LIST x",
                b"STATUS strict ()", b"STATUS strict MESSAGES",
                b"CREATE", b"RENAME strict", b"DELETE strict x",
                b"APPEND strict (\\Seen) \"1-Feb-95 00:00:00 +0000\" {1+}\r\nx",
                b"APPEND strict () () {1+}\r\nx", b"APPEND strict",
                b"FOO {3+}\r\nabc", b"FOO {3+}\r\nabc {2+}\r\nde x",
                b"NOOP {3+}\r\nabc", b"ENABLE", b"ID", b"ID (x)",
                b"IDLE x", b"UID EXPUNGE", b"EXAMINE strict strict"):
            c.expect(text, b"BAD")
            if b"FOO" in text or len(text) % 7 == 0:
                c.ok(b"NOOP")
                c = Client(1, b"strict")  # so many are too many for one
        c = Client(1, b"strict")
        assert b"MESSAGES 2" in c.ok(b"STATUS strict (MESSAGES)")[0]
        assert len([x for x in c.ok(b"FETCH 1:2 FLAGS")[:-1]
                    if b"FLAGS ()" in x]) == 2

    def t_tolerated(self):
        """Beyond the grammar, what clients are known to send"""
        c = Client(1, b"strict")
        for text in (b"FETCH 1 (FLAGS )", b"STORE 1 +FLAGS (\\Seen )",
                     b"STATUS strict (MESSAGES UIDNEXT  )",
                     b"FETCH 1 BODY.PEEK[HEADER.FIELDS (DATE )]",
                     b"SEARCH (SEEN )", b"SEARCH RETURN (COUNT ) (ALL ALL )",
                     b"SORT (DATE ) UTF-8 ALL", b"STORE 1 FLAGS ( )",
                     b'LIST "" (strict inbox )',
                     b'ID ("name" "x" )', b"SELECT strict (CONDSTORE )"):
            c.ok(text)
        # Commands that end in LF alone, and LOGIN by literals of any kind
        c.send(b"a NOOP\nb FETCH 1 FLAGS\nc NOOP\r\n")
        for tag in (b"a", b"b", b"c"):
            assert c.until(tag)[-1].startswith(tag + b" OK")
        c = Client()
        name = b"user0001@" + DOMAIN
        c.send(b"a LOGIN {%d}\r\n" % len(name))
        assert c.line().startswith(b"+")
        c.send(name + b" {%d}\r\n" % len(PASSWORD))
        assert c.line().startswith(b"+")
        c.send(PASSWORD + b"\r\n")
        assert c.until(b"a")[-1].startswith(b"a OK")
        c = Client()
        c.send(b"a LOGIN {%d+}\r\n%s {%d+}\r\n%s\r\n" % (
            len(name), name, len(PASSWORD), PASSWORD))
        assert c.until(b"a")[-1].startswith(b"a OK")

    def t_unknown_literal(self):
        """RFC 7888: a literal at a line's end is consumed all the same."""
        c = Client(1)
        c.send(b"a FOO {12+}\r\nb NOOP\r\nzzzz\r\nc NOOP\r\n")
        assert c.until(b"a")[-1].startswith(b"a BAD")
        assert c.line().startswith(b"c OK")

    def t_idle(self):
        """RFC 2177: DONE that comes before the continuation ends it."""
        c = Client(1, b"strict")
        c.send(b"a IDLE\r\nDONE\r\nb NOOP\r\n")
        assert c.until(b"a")[-1].startswith(b"+")
        assert c.until(b"a")[-1].startswith(b"a OK")
        assert c.until(b"b")[-1].startswith(b"b OK")

    def t_default_type(self):
        """RFC 2045 5.2: text without a type is us-ascii, and says so."""
        c = Client(1, b"strict")
        row, _ = c.fetch(1, b"BODYSTRUCTURE")
        assert b'("text" "plain" ("charset" "us-ascii") NIL NIL' in \
            row, row


class Esearch:
    def t_return(self):
        """RFC 4731 section 3.1"""
        c = Client(1)
        fill(c, b"esearch", 9)
        c.ok(b"STORE 2,4:6,9 +FLAGS.SILENT (\\Flagged)")
        u = uids(c)
        for options, text, want in (
                (b"()", b"FLAGGED", b"ALL 2,4:6,9"),
                (b"(ALL)", b"ALL", b"ALL 1:9"),
                (b"(MIN)", b"FLAGGED", b"MIN 2"),
                (b"(MAX)", b"FLAGGED", b"MAX 9"),
                (b"(COUNT)", b"FLAGGED", b"COUNT 5"),
                (b"(MIN MAX COUNT)", b"4:6", b"MIN 4 MAX 6 COUNT 3"),
                (b"(COUNT ALL MIN)", b"4:6", b"ALL 4:6 MIN 4 COUNT 3"),
                (b"(MIN MAX ALL)", b"SEEN", b""),
                (b"(COUNT)", b"SEEN", b"COUNT 0")):
            lines = c.ok(b"SEARCH RETURN %s %s" % (options, text))
            tag = lines[-1].split(b" ")[0]
            assert lines[0].strip() == \
                (b'* ESEARCH (TAG "%s") %s' % (tag, want)).strip(), lines
            assert not untagged(lines, b"SEARCH")
        line = c.ok(b"UID SEARCH RETURN (MIN MAX) FLAGGED")[0]
        assert re.match(rb'\* ESEARCH \(TAG "a\d+"\) UID MIN %d MAX %d\r'
                        % (u[1], u[8]), line), line
        lines = c.ok(b"SEARCH FLAGGED")
        assert lines[0] == b"* SEARCH 2 4 5 6 9\r\n", lines

    def t_save(self):
        """RFC 5182: $ is what the last SEARCH saved."""
        c = Client(1, b"esearch")
        assert len(c.ok(b"FETCH $ FLAGS")) == 1  # 2.1: empty at first
        lines = c.ok(b"SEARCH RETURN (SAVE) FLAGGED")
        assert len(lines) == 1, lines  # no ESEARCH for SAVE alone
        rows = c.ok(b"FETCH $ FLAGS")[:-1]
        assert [int(x.split()[1]) for x in rows] == [2, 4, 5, 6, 9], rows
        assert c.ok(b"SEARCH $ 5:9")[0] == b"* SEARCH 5 6 9\r\n"
        assert c.ok(b"SEARCH NOT $")[0] == b"* SEARCH 1 3 7 8\r\n"
        assert c.ok(b"UID SEARCH UID $")[0].count(b" ") == 6
        c.ok(b"STORE $ +FLAGS.SILENT (kept)")
        assert c.ok(b"SEARCH KEYWORD kept")[0] == b"* SEARCH 2 4 5 6 9\r\n"
        # 2.4: MIN or MAX alone save what they return
        c.ok(b"SEARCH RETURN (SAVE MIN) FLAGGED")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 2\r\n"
        c.ok(b"SEARCH RETURN (SAVE MIN MAX) FLAGGED")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 2 9\r\n"
        c.ok(b"SEARCH RETURN (SAVE MIN COUNT) FLAGGED")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 2 4 5 6 9\r\n"
        # 2.1: NO empties it, BAD does not
        c.expect(b"SEARCH RETURN (SAVE) FOO", b"BAD")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 2 4 5 6 9\r\n"
        # pipelined, and with messages gone meanwhile
        c.send(b"x SEARCH RETURN (SAVE) 4:6\r\n"
               b"y STORE 4 +FLAGS.SILENT (\\Deleted)\r\n"
               b"z UID EXPUNGE $\r\nv COPY $ INBOX\r\n")
        assert b"* 4 EXPUNGE\r\n" in c.until(b"z")
        assert c.until(b"v")[-1].startswith(b"v OK [COPYUID ")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH 4 5\r\n"
        c.ok(b"SELECT esearch")  # 2.1: a SELECT empties it
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH\r\n"

    def t_refused(self):
        c = Client(1, b"esearch")
        c.ok(b"SEARCH RETURN (SAVE) ALL")
        c.expect(b"SEARCH RETURN (SAVE) CHARSET KOI8-R TEXT x", b"NO")
        assert c.ok(b"SEARCH $")[0] == b"* SEARCH\r\n"

    def t_within(self):
        """RFC 5032"""
        c = Client(1)
        c.ok(b"CREATE within")
        c.ok(b"SELECT within")
        for ago in (10, 5000, 100000):
            at = time.strftime("%d-%b-%Y %H:%M:%S +0000",
                               time.gmtime(time.time() - ago))
            c.append(b"within", SMALL, b'"%s" ' % at.encode())
        for text, want in ((b"YOUNGER 3600", b"1"), (b"OLDER 3600", b"2 3"),
                           (b"YOUNGER 9000 OLDER 1000", b"2"),
                           (b"YOUNGER 4294967295", b"1 2 3")):
            assert c.ok(b"SEARCH " + text)[0] == b"* SEARCH %s\r\n" % want


class Ids:
    def t_objectid(self):
        """RFC 8474"""
        c = Client(1)
        line = c.ok(b"CREATE ids")[-1]
        box = re.search(rb"OK \[MAILBOXID \((F[0-9a-f]{16})\)\]", line)
        assert box, line
        box = box.group(1)
        assert b"* OK [MAILBOXID (%s)]" % box in b"".join(c.ok(b"SELECT ids"))
        assert c.ok(b"STATUS ids (MAILBOXID)")[0] == \
            b"* STATUS ids (MAILBOXID (%s))\r\n" % box
        c.ok(b"RENAME ids ids2")
        assert box in c.ok(b"STATUS ids2 (MAILBOXID)")[0]
        c.ok(b"SELECT ids2")
        c.append(b"ids2", SMALL)
        c.append(b"ids2", SMALL)
        c.ok(b"COPY 1 ids2")
        c.ok(b"NOOP")
        ids = []
        for n in (1, 2, 3):
            row, _ = c.fetch(n, b"(EMAILID THREADID)")
            found = re.search(rb"EMAILID \((M[0-9a-f]{32})\) THREADID NIL\)",
                              row)
            assert found, row
            ids.append(found.group(1))
        assert ids[0] == ids[2] != ids[1]
        assert c.ok(b"SEARCH EMAILID " + ids[0])[0] == b"* SEARCH 1 3\r\n"
        assert c.ok(b"SEARCH EMAILID Mx")[0] == b"* SEARCH\r\n"
        assert c.ok(b"SEARCH THREADID T1")[0] == b"* SEARCH\r\n"
        row, got = c.fetch(2, b"(EMAILID BODY.PEEK[] ENVELOPE)")
        assert got == [SMALL] and ids[1] in row

    def t_savedate(self):
        """RFC 8514: when it came into this box."""
        c = Client(1, b"ids2")
        c.append(b"ids2", SMALL, b'" 1-Feb-2001 10:00:00 +0000" ')
        row, _ = c.fetch(4, b"(SAVEDATE INTERNALDATE)")
        saved = re.search(rb'SAVEDATE "([^"]*)"', row).group(1).decode()
        at = time.mktime(time.strptime(saved.strip(),
                                       "%d-%b-%Y %H:%M:%S +0000"))
        assert abs(at - time.mktime(time.gmtime())) < 300, row
        assert b'"01-Feb-2001' in row or b'" 1-Feb-2001' in row
        for text, want in ((b"SAVEDBEFORE 1-Jan-2010", b""),
                           (b"SAVEDSINCE 1-Jan-2010", b" 1 2 3 4"),
                           (b"SAVEDATESUPPORTED", b" 1 2 3 4"),
                           (b"BEFORE 1-Jan-2010", b" 4")):
            assert c.ok(b"SEARCH " + text)[0] == b"* SEARCH%s\r\n" % want

    def t_appendlimit(self):
        """RFC 7889, RFC 8438"""
        c = Client(1)
        caps = c.ok(b"CAPABILITY")[0]
        limit = re.search(rb" APPENDLIMIT=(\d+)", caps).group(1)
        assert c.ok(b"STATUS INBOX (APPENDLIMIT)")[0] == \
            b"* STATUS INBOX (APPENDLIMIT %s)\r\n" % limit
        line = c.ok(b"STATUS ids2 (SIZE MESSAGES)")[0]
        assert line == b"* STATUS ids2 (MESSAGES 4 SIZE %d)\r\n" % \
            (4 * len(SMALL)), line


class Lists:
    def t_extended(self):
        """RFC 5258 section 5, its examples' shape"""
        c = Client(1)
        for name in (b"fruit/apple", b"fruit/banana", b"tofu", b"veg/leek"):
            c.ok(b"CREATE " + name)
        for name in (b"fruit/banana", b"fruit/peach", b"tofu", b"veg"):
            c.ok(b"SUBSCRIBE " + name)
        for name in (b"INBOX", b"Archive", b"Drafts", b"Sent", b"Spam",
                     b"Trash"):
            c.ok(b"UNSUBSCRIBE " + name)
        got = c.ok(b'LIST (SUBSCRIBED) "" *')[:-1]
        assert got == [
            b'* LIST (\\HasNoChildren \\Subscribed) "/" fruit/banana\r\n',
            b'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" '
            b'fruit/peach\r\n',
            b'* LIST (\\HasNoChildren \\Subscribed) "/" tofu\r\n',
            b'* LIST (\\HasChildren \\Subscribed) "/" veg\r\n'], got
        got = c.ok(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" %')[:-1]
        assert got == [
            b'* LIST (\\HasChildren) "/" fruit ("CHILDINFO" ("SUBSCRIBED"))'
            b'\r\n',
            b'* LIST (\\HasNoChildren \\Subscribed) "/" tofu\r\n',
            b'* LIST (\\HasChildren \\Subscribed) "/" veg\r\n'], got
        got = c.ok(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" *')[:-1]
        assert len(got) == 4 and b"CHILDINFO" not in b"".join(got), got
        got = c.ok(b'LIST "" (tofu veg/%) RETURN (SUBSCRIBED CHILDREN)')[:-1]
        assert got == [
            b'* LIST (\\HasNoChildren \\Subscribed) "/" tofu\r\n',
            b'* LIST (\\HasNoChildren) "/" veg/leek\r\n'], got
        got = b"".join(c.ok(b'LIST (SPECIAL-USE) "" *')[:-1])  # RFC 6154
        assert b"\\Sent" in got and b"tofu" not in got
        assert len(c.ok(b'LIST () "" ""')) == 1
        c.ok(b"DELETE fruit")
        assert c.ok(b'LIST () "" fruit')[0] == \
            b'* LIST (\\NonExistent \\HasChildren) "/" fruit\r\n'
        assert c.ok(b'LIST "" fruit')[0] == \
            b'* LIST (\\Noselect \\HasChildren) "/" fruit\r\n'

    def t_status(self):
        """RFC 5819"""
        c = Client(1)
        c.append(b"tofu", SMALL)
        got = c.ok(b'LIST "" (tofu fruit%) RETURN '
                   b'(STATUS (MESSAGES UNSEEN SIZE))')
        assert got[-3:-1] == [
            b'* LIST (\\HasNoChildren) "/" tofu\r\n',
            b"* STATUS tofu (MESSAGES 1 UNSEEN 1 SIZE %d)\r\n" % len(SMALL)
        ], got
        assert len(untagged(got, b"STATUS")) == 1, got


class Rev2:
    def t_enable(self):
        """9051 6.3.1"""
        c = Client(1)
        assert c.ok(b"ENABLE FOO IMAP4rev2 BAR")[0] == \
            b"* ENABLED IMAP4rev2\r\n"
        assert c.ok(b"ENABLE IMAP4rev2")[0] == b"* ENABLED\r\n"
        caps = c.ok(b"CAPABILITY")[0].split()
        assert b"IMAP4rev2" in caps and b"IMAP4rev1" in caps

    def t_select(self):
        """9051 6.3.2: LIST, no RECENT, no UNSEEN; CLOSED (7.1)."""
        c = Client(1)
        fill(c, b"rev2", 2)
        lines = b"".join(c.ok(b"SELECT rev2"))
        assert b"* 0 RECENT" in lines and b"[UNSEEN 1]" in lines
        # RFC 7162 3.2.11: CLOSED for clients of IMAP4rev1 too
        assert b"LIST" not in lines and lines.startswith(b"* OK [CLOSED]")
        c = Client(1)
        c.ok(b"ENABLE IMAP4rev2")
        lines = c.ok(b"SELECT rev2")
        text = b"".join(lines)
        assert b'* LIST (\\HasNoChildren) "/" rev2\r\n' in lines
        assert b"RECENT" not in text and b"[UNSEEN" not in text
        assert b"CLOSED" not in text
        for word in (b"* FLAGS (", b"[PERMANENTFLAGS (", b"* 2 EXISTS",
                     b"[UIDVALIDITY ", b"[UIDNEXT "):
            assert word in text, word
        assert c.ok(b"EXAMINE rev2")[0].startswith(b"* OK [CLOSED]")
        lines = c.expect(b"SELECT nowhere", b"NO [NONEXISTENT]")
        assert lines[0].startswith(b"* OK [CLOSED]")
        c.ok(b"SELECT rev2")
        assert b"RECENT" not in b"".join(c.append(b"rev2", SMALL))

    def t_search(self):
        """9051 6.4.4: SEARCH too is answered by ESEARCH."""
        c = Client(1)
        c.ok(b"ENABLE IMAP4rev2")
        c.ok(b"SELECT rev2")
        assert re.match(rb'\* ESEARCH \(TAG "a\d+"\) ALL 1:3\r',
                        c.ok(b"SEARCH ALL")[0])
        assert re.match(rb'\* ESEARCH \(TAG "a\d+"\) UID\r',
                        c.ok(b"UID SEARCH SEEN")[0])

    def t_names(self):
        """9051 5.1: names are UTF-8, and only then."""
        c = Client(1)
        c.ok(b"CREATE Entw&APw-rfe")
        c.expect(b'CREATE "\xc3\xbc"', b"BAD")
        c.expect(b'SEARCH SUBJECT "\xc3\xbc"', b"BAD")
        d = Client(1)
        d.ok(b"ENABLE IMAP4rev2")
        lines = d.ok(b'LIST "" Ent%')
        assert lines[0].endswith('"/" "Entwürfe"\r\n'.encode()), lines
        d.ok('CREATE "Größe&-"'.encode())
        lines = c.ok(b'LIST "" Gr%')
        assert lines[0].endswith(b'"/" Gr&APYA3w-e&--\r\n'), lines
        d.ok('SELECT "Größe&-"'.encode())
        assert 'STATUS "Größe&-"'.encode() in \
            d.ok('STATUS "Größe&-" (MESSAGES)'.encode())[0]
        d.expect(b'SELECT "\xff"', b"BAD")

    def t_exactly(self):
        """9051 E: what it took out is unknown after ENABLE."""
        gone = (b"CHECK", b'LSUB "" *', b"STATUS rev2 (RECENT)",
                b"FETCH 1 RFC822", b"FETCH 1 (UID RFC822.HEADER)",
                b"FETCH 1 RFC822.TEXT", b"SEARCH NEW", b"SEARCH OLD",
                b"SEARCH NOT RECENT")
        c = Client(1, b"rev2")
        for text in gone:
            c.ok(text)
        c = Client(1)
        c.ok(b"ENABLE IMAP4rev2")
        c.ok(b"SELECT rev2")
        for text in gone:
            c.expect(text, b"BAD")
        for text in (b"STATUS rev2 (DELETED SIZE)", b"FETCH 1 RFC822.SIZE",
                     b'LIST (SUBSCRIBED) "" *', b"NOOP"):
            c.ok(text)
        # 7.5.2 (appendix E 21): an unsolicited FETCH has the UID
        d = Client(1, b"rev2")
        d.ok(b"STORE 1 +FLAGS.SILENT ($Forwarded)")
        lines = c.ok(b"NOOP")
        assert any(re.match(rb"\* 1 FETCH \(UID \d+ FLAGS \(\\Seen \$Forwarded\)",
                            x) for x in lines), lines

    def t_normal(self):
        """9051 5.1, 6.3.9.7: names are in NFC; others become it, everywhere."""
        c = Client(1)
        c.ok(b"ENABLE IMAP4rev2")
        nfc, nfd = "Caf\u00e9".encode(), "Cafe\u0301".encode()
        listed = b'* LIST (%s) "/" "%s" ("OLDNAME" ("%s"))\r\n'
        assert c.ok(b'CREATE "%s"' % nfd)[0] == listed % (b"", nfc, nfd)
        c.expect(b'CREATE "%s"' % nfc, b"NO [ALREADYEXISTS]")
        assert listed % (b"\\HasNoChildren", nfc, nfd) in \
            c.ok(b'SELECT "%s"' % nfd)
        lines = c.ok(b'EXAMINE "%s"' % nfc)
        assert b'* LIST (\\HasNoChildren) "/" "%s"\r\n' % nfc in lines
        assert b"OLDNAME" not in b"".join(lines)
        assert c.ok(b'STATUS "%s" (MESSAGES)' % nfd)[0] == \
            b'* STATUS "%s" (MESSAGES 0)\r\n' % nfc
        assert listed % (b"", nfc, nfd) in c.append(b'"%s"' % nfd, SMALL)
        assert c.ok(b'LIST "" "%s"' % nfd)[0].endswith(
            b'"/" "%s"\r\n' % nfc)
        other, other_nfd = "\u00fc".encode(), "u\u0308".encode()
        assert c.ok(b'RENAME "%s" "%s"' % (nfc, other_nfd))[0] == \
            listed % (b"", other, nfc)
        c.ok(b'SUBSCRIBE "%s"' % other_nfd)
        c.ok(b'UNSUBSCRIBE "%s"' % other)
        assert c.ok(b'DELETE "%s"' % other_nfd)[0] == \
            listed % (rb"\NonExistent", other, other_nfd)
        # rev1: the same name in modified UTF-7, and no LIST unasked for
        d = Client(1)
        assert len(d.ok(b"CREATE Cafe&AwE-")) == 1
        assert d.ok(b'LIST "" Caf*')[0].endswith(b'"/" Caf&AOk-\r\n')
        # marks without end cost no time
        begin = time.time()
        marks = "".join(chr(0x300 + i * 7 % 100) for i in range(900))
        for name in (marks, marks * 30):
            c.expect('CREATE "{}"'.format(name).encode(), b"NO")
        assert time.time() - begin < 2


BINARY = (
    b"From: a@example.net\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n%s\r\n--q\r\n"
    b"Content-Type: application/octet-stream\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--q\r\n"
    b"Content-Type: text/plain\r\n\r\nplain\r\n--q\r\n"
    b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-odd\r\n\r\n"
    b"odd\r\n--q--\r\n")


class Binary:
    def t_fetch(self):
        """RFC 3516 4.2, 9051 6.4.5: parts without their encoding."""
        c = Client(1)
        c.ok(b"CREATE binary")
        c.ok(b"SELECT binary")
        text = "Grüße = fein\r\nzwei".encode() * 3
        coded = quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(
            b"\n", b"\r\n")
        number = 0
        for size in (300, 200000):
            data = bytes(range(256)) + os.urandom(size)
            message = BINARY % (coded, base64.encodebytes(data).strip()
                                .replace(b"\n", b"\r\n"))
            c.append(b"binary", message)
            number += 1
            for items, want in (
                    (b"BINARY.PEEK[1]", [text]),
                    (b"BINARY.PEEK[2]", [data]),
                    (b"BINARY.PEEK[3]", [b"plain"]),
                    (b"BINARY.PEEK[2]<100.200>", [data[100:300]]),
                    (b"BINARY.PEEK[2]<%d.9>" % (len(data) - 2), [data[-2:]]),
                    (b"BINARY.PEEK[3]<1.2>", [b"la"]),
                    (b"BINARY.PEEK[]", [message]),
                    (b"(BINARY.PEEK[2] BINARY.PEEK[1])", [data, text])):
                row, got = c.fetch(number, items)
                assert got == want, (items, row[:300])
                # 9051 7.5.2: literal8 where there is NUL, nowhere else
                assert re.findall(rb"BINARY\[\d*\](?:<\d+>)? (~?)\{", row) \
                    == [b"~" * (b"\0" in x) for x in want], (items, row[:300])
            row, _ = c.fetch(number, b"(BINARY.SIZE[1] BINARY.SIZE[2] "
                                     b"BINARY.SIZE[3] BINARY.SIZE[])")
            for part, want in ((b"1", text), (b"2", data), (b"3", b"plain"),
                               (b"", message)):
                assert b"BINARY.SIZE[%s] %d" % (part, len(want)) in row, row
            assert b"\\Seen" not in c.fetch(number, b"FLAGS")[0]
            # 9051 7.5.2: it fails, and nothing false is told
            for items in (b"BINARY.PEEK[4]", b"BINARY.SIZE[4]",
                          b"(FLAGS BINARY.SIZE[4] BINARY.PEEK[4] UID)"):
                lines = c.expect(b"FETCH %d %s" % (number, items),
                                 b"NO [UNKNOWN-CTE]")
                assert len(lines) == 2 and b"BINARY" not in lines[0], lines
                assert b"UID " in lines[0], lines
            assert b"BINARY[9] NIL" in c.fetch(number, b"BINARY.PEEK[9]")[0]
        assert b"FLAGS (\\Seen)" in c.fetch(1, b"BINARY[1]")[0]

    def t_unread(self):
        """RFC 3516 4.3, 9051 6.4.5.1: what cannot be decoded is not read."""
        c = Client(1)
        c.ok(b"CREATE unread")
        c.ok(b"SELECT unread")
        odd = BINARY % (b"text", b"AAAA")
        plain = odd.replace(b"x-odd", b"8bit")
        for message in (plain, odd, plain, odd, odd, plain, plain):
            c.append(b"unread", message)
        lines = c.expect(b"FETCH 2 (UID BINARY[4])", b"NO [UNKNOWN-CTE]")
        assert len(lines) == 2 and b"Seen" not in lines[0], lines
        lines = c.expect(b"FETCH 4 BINARY[]<0.10>", b"OK")
        assert b"FLAGS (\\Seen)" in lines[0], lines
        c.ok(b"STORE 4 -FLAGS.SILENT (\\Seen)")
        # Of several, those that can be are told and read, each once.
        for asked in (b"FETCH 1:6", b"UID FETCH 1:*"):
            lines = c.expect(asked + b" (BINARY[4] BINARY.SIZE[3])",
                             b"NO [UNKNOWN-CTE]")
            rows = {int(line.split()[1]): line for line in lines[:-1]}
            assert len(rows) == len(lines) - 1, lines
            last = 6 if asked == b"FETCH 1:6" else 7
            assert sorted(rows) == list(range(1, last + 1)), lines
            for number, row in rows.items():
                known = number not in (2, 4, 5)
                assert (b"\\Seen" in row) == known, row
                assert (b"BINARY[4] {3}" in row) == known, row
                assert b"BINARY.SIZE[3] 5" in row, row
        for number in range(1, 8):
            row = c.fetch(number, b"FLAGS")[0]
            assert (b"\\Seen" in row) == (number not in (2, 4, 5)), row
        # Where the whole is told too, it is read.
        # It is all of one command: what follows comes after it (9051 5.5).
        c.ok(b"STORE 1 -FLAGS.SILENT (\\Seen)")
        c.send(b"p FETCH 1 BINARY[3]\r\nq STORE 1 -FLAGS (\\Seen)\r\n"
               b"r FETCH 1 FLAGS\r\n")
        assert b"FLAGS (\\Seen)" in c.until(b"p")[0]
        assert b"FLAGS ()" in c.until(b"q")[0]
        assert b"FLAGS ()" in c.until(b"r")[0]
        for items in (b"BODY[1] BINARY.PEEK[4]", b"BINARY[4] BINARY[3]"):
            lines = c.expect(b"FETCH 5 (%s)" % items, b"NO [UNKNOWN-CTE]")
            assert b"\\Seen" in c.fetch(5, b"FLAGS")[0], lines
            c.ok(b"STORE 5 -FLAGS.SILENT (\\Seen)")

    def t_append(self):
        """RFC 3516 4.4: literal8, NUL in it."""
        c = Client(1, b"binary")
        body = (b"Content-Type: application/octet-stream\r\n"
                b"Content-Transfer-Encoding: binary\r\n\r\n" +
                bytes(range(256)))
        c.ok(b"APPEND binary ~{%d+}\r\n%s" % (len(body), body))
        assert c.fetch(3, b"BINARY.PEEK[1]")[1] == [bytes(range(256))]


class Multiappend:
    def count(self, c):
        line = c.ok(b"STATUS multi (MESSAGES)")[0]
        return int(re.search(rb"MESSAGES (\d+)", line).group(1))

    def t_good(self):
        """RFC 3502 6.3.11"""
        c = Client(1)
        c.ok(b"CREATE multi")
        c.ok(b"SELECT multi")
        bodies = [SMALL, MIXED, b"x: y\r\n\r\n" + os.urandom(150000)]
        c.send(b"a APPEND multi (\\Seen)")
        for flags, body in zip((b"", b' (kw) " 1-Feb-2001 10:00:00 +0000"',
                                b""), bodies):
            c.send(b"%s ~{%d}\r\n" % (flags, len(body)))
            assert c.line().startswith(b"+ ")
            c.send(body)
        c.send(b"\r\n")
        lines = c.until(b"a")
        found = re.search(rb"a OK \[APPENDUID \d+ (\S+)\]", lines[-1])
        assert found and len(found.group(1).split(b",")) == 3 or \
            b":" in found.group(1), lines
        assert b"* 3 EXISTS\r\n" in lines
        for n, body in enumerate(bodies, 1):
            assert c.fetch(n, b"BODY.PEEK[]")[1] == [body]
        assert b"FLAGS (\\Seen)" in c.fetch(1, b"FLAGS")[0]
        row, _ = c.fetch(2, b"(FLAGS INTERNALDATE)")
        assert b"FLAGS (kw)" in row and b"Feb-2001" in row, row
        assert b"FLAGS ()" in c.fetch(3, b"FLAGS")[0]

    def t_none(self):
        """All or none: the last one is refused, no other is kept."""
        c = Client(1, b"multi")
        one = b"{%d+}\r\n%s" % (len(SMALL), SMALL)
        lines = c.expect(b"APPEND multi %s {0+}\r\n" % one, b"NO")
        lines = c.expect(b"APPEND multi %s {99999999999}" % one,
                         b"NO [TOOBIG]")
        c.expect(b"APPEND multi %s (\\Recent) %s" % (one, one), b"BAD")
        c.expect(b"APPEND multi %s %s x" % (one, one), b"BAD")
        c.expect(b"APPEND multi %s x %s" % (one, one), b"BAD")
        c.expect(b"APPEND nowhere %s %s" % (one, one), b"NO [TRYCREATE]")
        c.expect(b"APPEND multi" + 101 * (b" " + one), b"NO [LIMIT]")
        # keywords beyond the box's table, in the last message
        for n in (56, 57, 60):
            many = b" ".join(b"k%d" % i for i in range(n))
            c.expect(b"APPEND multi %s (%s) %s" % (one, many, one), b"NO")
        c.expect(b"STORE 1 FLAGS (%s)" % many, b"NO [LIMIT]")
        assert self.count(c) == 3
        c.ok(b"APPEND multi" + 100 * (b" " + one))
        assert self.count(c) == 103
        c.ok(b"NOOP")
        assert c.ok(b"UID SEARCH ALL")[0].count(b" ") == 104

    def t_dropped(self):
        """A connection that ends within the last message leaves none."""
        c = Client(1, b"multi")
        c.send(b"a APPEND multi {%d+}\r\n%s (\\Seen) {%d+}\r\n" %
               (len(SMALL), SMALL, 20))
        c.sock.close()
        c = Client(1, b"multi")
        assert self.count(c) == 103


def cut(numbers, first, last):
    """Whole ones of a list's octets."""
    return numbers[first:last].split(b",", 1)[1].rsplit(b",", 1)[0]


class Ranges:
    def t_many(self):
        """Sets of very many ranges: in FETCH, STORE, COPY, SEARCH, MOVE."""
        c = Client(1)
        c.ok(b"CREATE ranges")
        c.ok(b"CREATE away")
        c.ok(b"SELECT ranges")
        one = b" {%d+}\r\n%s" % (len(SMALL), SMALL)
        for _ in range(4):
            c.ok(b"APPEND ranges" + 100 * one)
        c.ok(b"NOOP")
        u = uids(c)
        assert len(u) == 400
        gaps = b",".join(b"%d" % x for x in range(1000001, 1000001 + 180000,
                                                  2))
        tail = b",".join(b"%d" % x for x in u)
        large = tail + b"," + gaps
        assert large.count(b",") == 90399
        rows = c.ok(b"UID FETCH %s FLAGS" % large)[:-1]
        assert len(rows) == 400
        rows = c.ok(b"UID STORE %s +FLAGS (big)" % large)[:-1]
        assert len([x for x in rows if b"FETCH" in x]) == 400
        assert c.ok(b"UID SEARCH UID %s KEYWORD big" % large)[0].count(b" ") \
            == 401
        assert c.ok(b"SEARCH NOT UID %s" % large)[0] == b"* SEARCH\r\n"
        # two and more of them in one search, by UID and by number
        odd = b",".join(b"%d" % x for x in u[::2]) + b"," + cut(gaps, 0, 200000)
        low = b",".join(b"%d" % x for x in range(1, 100, 2)) + b"," + \
            b",".join(b"%d" % x for x in range(1000, 9000, 2))
        for text, want in (
                (b"UID %s NOT UID %s" % (tail, odd), range(2, 401, 2)),
                (b"%s UID %s" % (low, odd), range(1, 100, 2)),
                (b"OR UID %s %s" % (odd, low), range(1, 401, 2)),
                (b"UID %s UID %s UID %s KEYWORD big" % (odd, tail, tail),
                 range(1, 401, 2)),
                (b"NOT UID %d:*,%d,%s" % (u[200], u[300], cut(gaps, 0, 99)),
                 range(1, 201))):
            got = c.ok(b"SEARCH " + text)[0].split()[2:]
            assert [int(x) for x in got] == list(want), (text[:60], got)
        lines = c.ok(b"UID COPY %s away" % large)
        assert b"[COPYUID " in lines[-1]
        assert b"MESSAGES 400" in c.ok(b"STATUS away (MESSAGES)")[0]
        lines = c.ok(b"UID MOVE %s away" % large)
        assert sum(b"EXPUNGE" in x for x in lines) == 400
        lines = c.expect(b"SEARCH UID %s UID %s" % (cut(gaps, 0, 400000),
                                                 cut(gaps, 400000, 800000)),
                         b"OK")
        sets = b" ".join(b"UID " + cut(gaps, i * 1200, (i + 1) * 1200)
                         for i in range(65))
        c.expect(b"SEARCH " + sets, b"NO [LIMIT]")
        over = b",".join(b"%d" % x for x in range(1, 200003, 2))
        c.expect(b"UID FETCH %s FLAGS" % over, b"BAD")
        c.ok(b"UID FETCH %s FLAGS" % over[:over.rindex(b",")])


if __name__ == "__main__":
    run(globals())

#! /usr/bin/env python3
"""
RFC 9051 from section 6.4 on: commands of the selected state, responses.

usage: selected_client.py server.json CASE

As rfc_client.py.
"""

import re

from engine_client import MIXED, SMALL, Client, literals, run
from rfc_client import box, status, uids

PEOPLE = (b"Fred Foobar <foobar@Blurdybloop.example>",
          b"Smith <SMITH@example.org>")


def letter(n, subject, more=b"", body=b"text"):
    return (b"Date: Mon, %d Feb 1994 21:52:25 -0800\r\nFrom: %s\r\n"
            b"Subject: %s\r\n%s\r\n%s\r\n" %
            (n + 1, PEOPLE[n % 2], subject, more, body))


class Leave:
    def t_close(self):
        """9051 6.4.1: CLOSE expunges without a word, EXAMINE's does not"""
        c = Client(1)
        box(c, b"close", 3)
        c.ok(b"STORE 1:2 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXAMINE close")
        assert len(c.ok(b"CLOSE")) == 1
        assert status(c, b"close", b"MESSAGES") == 3
        c.ok(b"SELECT close")
        assert len(c.ok(b"CLOSE")) == 1
        assert status(c, b"close", b"MESSAGES") == 1
        c.expect(b"CLOSE", b"BAD")
        # SELECT closes without expunging
        c.ok(b"SELECT close")
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"SELECT close")
        assert status(c, b"close", b"MESSAGES") == 1

    def t_unselect(self):
        """9051 6.4.2, RFC 3691 2: as CLOSE, but nothing goes"""
        c = Client(1)
        box(c, b"unselect", 2)
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert len(c.ok(b"UNSELECT")) == 1
        assert status(c, b"unselect", b"MESSAGES") == 2
        c.expect(b"UNSELECT", b"BAD")
        c.expect(b"UNSELECT x", b"BAD")

    def t_expunge(self):
        """9051 6.4.3, 7.5.1: its example: 3, 4, 7 and 11"""
        c, d = Client(1), Client(1)
        box(c, b"expunge", 11)
        d.ok(b"SELECT expunge")
        c.ok(b"STORE 3,4,7,11 +FLAGS (\\Deleted)")
        want = [b"* %d EXPUNGE\r\n" % n for n in (3, 3, 5, 8)]
        assert c.ok(b"EXPUNGE")[:-1] == want
        # another's view: never within FETCH, STORE, SEARCH
        for text in (b"FETCH 11 UID", b"STORE 1 FLAGS ()", b"SEARCH ALL",
                     b"FETCH 3 FLAGS"):
            lines = d.ok(text)
            assert b"EXPUNGE" not in b"".join(lines[:-1]), lines
        lines = d.ok(b"NOOP")
        assert [x for x in lines if b"EXPUNGE\r" in x] == want, lines
        c.expect(b"EXPUNGE 1", b"BAD")

    def t_uid_expunge(self):
        """9051 6.4.9, RFC 4315 2.1: of the set, those with \\Deleted"""
        c = Client(1)
        box(c, b"uidexp", 5)
        u = uids(c)
        c.ok(b"STORE 1:3 +FLAGS.SILENT (\\Deleted)")
        lines = c.ok(b"UID EXPUNGE %d:%d,%d" % (u[1], u[1], u[4]))
        assert lines[:-1] == [b"* 2 EXPUNGE\r\n"]
        assert c.ok(b"UID EXPUNGE 4294967294")[:-1] == []
        assert len(c.ok(b"UID EXPUNGE 1:*")[:-1]) == 2
        assert uids(c) == u[3:]


class Keys:
    def prepare(self):
        c = Client(1)
        if b"keys" in b"".join(c.ok(b'LIST "" keys')[:-1]):
            c.ok(b"SELECT keys")
            return c
        box(c, b"keys")
        for n, (subject, more, body, options) in enumerate((
                (b"afternoon meeting", b"To: bob@example.org\r\n",
                 b"Hello Joe", b'(\\Seen) " 1-Feb-1994 23:30:00 -0800" '),
                (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"Cc: carol@example.org\r\n",
                 b"fine", b'(\\Flagged kw) " 2-Feb-1994 00:10:00 +0100" '),
                (b"", b"Bcc: dan@example.org\r\nX-Empty:\r\n", b"x" * 5000,
                 b'(\\Answered \\Draft) " 3-Feb-1994 12:00:00 +0000" '),
                (b"deleted", b"To: meeting@example.org\r\n", b"end",
                 b'(\\Deleted) " 4-Feb-1994 12:00:00 +0000" '))):
            c.append(b"keys", letter(n, subject, more, body), options)
        c.ok(b"SELECT keys")
        return c

    def found(self, c, text):
        line = [x for x in c.ok(b"SEARCH " + text)
                if x.startswith(b"* SEARCH")][0]
        return [int(x) for x in line.split()[2:]]

    def t_keys(self):
        """9051 6.4.4: each key"""
        c = self.prepare()
        u = uids(c)
        for text, want in (
                (b"ALL", [1, 2, 3, 4]), (b"2", [2]), (b"2:3,1", [1, 2, 3]),
                (b"*", [4]), (b"9", []), (b"4:*", [4]),
                (b"ANSWERED", [3]), (b"UNANSWERED", [1, 2, 4]),
                (b"BCC dan", [3]), (b"BCC bob", []), (b"CC carol", [2]),
                (b"TO example.org", [1, 4]), (b'TO ""', [1, 4]),
                (b"FROM Foobar", [1, 3]), (b'FROM "smith"', [2, 4]),
                (b"FROM FOOBAR@BLURDYBLOOP", [1, 3]),
                (b"DELETED", [4]), (b"UNDELETED", [1, 2, 3]),
                (b"DRAFT", [3]), (b"UNDRAFT", [1, 2, 4]),
                (b"FLAGGED", [2]), (b"UNFLAGGED", [1, 3, 4]),
                (b"SEEN", [1]), (b"UNSEEN", [2, 3, 4]),
                (b"KEYWORD kw", [2]), (b"KEYWORD KW", [2]),
                (b"UNKEYWORD kw", [1, 3, 4]), (b"KEYWORD no", []),
                (b"UNKEYWORD no", [1, 2, 3, 4]),
                # dates: without time and zone, as they were given
                (b"ON 1-Feb-1994", [1]), (b"ON 2-Feb-1994", [2]),
                (b"BEFORE 2-Feb-1994", [1]), (b"BEFORE 1-Feb-1994", []),
                (b"SINCE 3-Feb-1994", [3, 4]), (b'SINCE "04-feb-1994"', [4]),
                (b"SENTON 1-Feb-1994", [1]), (b"SENTBEFORE 3-Feb-1994", [1, 2]),
                (b"SENTSINCE 3-Feb-1994", [3, 4]),
                (b"LARGER 4000", [3]), (b"SMALLER 4000", [1, 2, 4]),
                (b"LARGER 0", [1, 2, 3, 4]), (b"SMALLER 0", []),
                (b"SUBJECT MEETING", [1]), (b"TEXT meeting", [1, 4]),
                (b"BODY hello", [1]), (b"BODY Subject", []),
                (b"TEXT X-Empty", [3]), (b'SUBJECT ""', [1, 2, 3, 4]),
                (b"HEADER X-Empty {0+}\r\n", [3]), (b"HEADER Cc {0+}\r\n", [2]),
                (b"HEADER To meet", [4]), (b"HEADER Subject Joe", []),
                (b"SUBJECT {7+}\r\nGr\xc3\xbc\xc3\x9fe", [2]),
                (b"CHARSET UTF-8 SUBJECT {2+}\r\n\xc3\x9f", [2]),
                (b"CHARSET US-ASCII SUBJECT meet", [1]),
                (b"CHARSET utf-8 ALL", [1, 2, 3, 4]),
                (b"UID %d:%d" % (u[2], u[1]), [2, 3]), (b"UID *", [4]),
                (b"NOT SEEN", [2, 3, 4]), (b"NOT NOT SEEN", [1]),
                (b"OR SEEN FLAGGED", [1, 2]),
                (b"OR (SEEN) OR DRAFT (FLAGGED KEYWORD kw)", [1, 2, 3]),
                (b"DELETED FROM \"SMITH\" SINCE 1-Feb-1994", [4]),
                (b"(ALL) (NOT (DRAFT))", [1, 2, 4]),
                # RFC 3501 6.4.4
                (b"NEW", []), (b"OLD", [1, 2, 3, 4]), (b"RECENT", [])):
            got = self.found(c, text)
            assert got == want, (text, got, want)
        got = c.ok(b"UID SEARCH 2:3")[0].split()[2:]
        assert [int(x) for x in got] == u[1:3]

    def t_refused(self):
        """9051 6.4.4: NO for a charset, BAD for what is no search"""
        c = self.prepare()
        for name in (b"KOI8-R", b'"x y"', b"{5+}\r\nUTF-7"):
            lines = c.expect(b"SEARCH CHARSET %s TEXT x" % name,
                             b"NO [BADCHARSET (")
            assert len(lines) == 1
        for text in (b"", b" ", b"ALL ALL ", b"FOO", b"NOT", b"OR SEEN",
                     b"LARGER", b"LARGER x", b"LARGER -1", b"ON 1-Foo-1994",
                     b"ON 1-Feb-94", b"ON 29-Feb-1993", b"ON 001-Feb-1993",
                     b"ON 1-Feb-1993 x", b"0", b"1:0", b"1,", b"UID",
                     b"UID x", b"KEYWORD", b"KEYWORD \\Seen", b"HEADER x",
                     b"RETURN ALL", b"RETURN (FOO) ALL", b"RETURN ( ALL) ALL",
                     b"ALL RETURN (ALL)", b"CHARSET UTF-8",
                     b"SEEN CHARSET UTF-8 ALL", b"(SEEN", b"SEEN)",
                     b"TEXT {1+}\r\n\xff"):
            if c.count > 30:
                c = self.prepare()
            c.expect(b"SEARCH " + text, b"BAD")
        deep = b"(" * 48 + b"ALL" + b")" * 48
        c.ok(b"SEARCH " + deep)
        c.expect(b"SEARCH ((%s))" % deep, b"BAD")
        c.ok(b"SEARCH " + b"NOT " * 48 + b"SEEN")
        c.expect(b"SEARCH " + b"NOT " * 51 + b"SEEN", b"BAD")
        c.ok(b"SEARCH " + b"OR SEEN " * 40 + b"DRAFT")
        c.ok(b"SEARCH" + b" SEEN" * 200)
        c.expect(b"SEARCH" + b" SEEN" * 1000, b"BAD")
        c.expect(b"SEARCH" + b" SEEN" * 600, b"NO [LIMIT]")

    def t_saved(self):
        """9051 6.4.4.1 to 6.4.4.4: its examples, $ after all that changes"""
        c = self.prepare()
        c.ok(b"CREATE other-mailbox")
        # example 1: SAVE alone tells nothing
        assert len(c.ok(b"SEARCH RETURN (SAVE) SINCE 2-Feb-1994 NOT FROM "
                        b'"Smith"')) == 1
        assert len(c.ok(b"FETCH $ (UID FLAGS)")) == 2
        # example 2: with MIN: what it tells is what it saves
        lines = c.ok(b"SEARCH RETURN (MIN SAVE) SINCE 1-Feb-1994")
        assert lines[0].endswith(b" MIN 1\r\n")
        assert self.found(c, b"$") == [1]
        c.ok(b"SEARCH RETURN (MAX SAVE) ALL")
        assert self.found(c, b"$") == [4]
        c.ok(b"SEARCH RETURN (MIN MAX SAVE) ALL")
        assert self.found(c, b"$") == [1, 4]
        c.ok(b"SEARCH RETURN (MIN ALL SAVE) ALL")
        assert self.found(c, b"$") == [1, 2, 3, 4]
        # example 3, 4: pipelined
        c.send(b"a SEARCH RETURN (SAVE) KEYWORD kw\r\n"
               b"b UID SEARCH RETURN () UID $\r\nc COPY $ other-mailbox\r\n"
               b"d SEARCH RETURN (SAVE) UID $ SEEN\r\ne FETCH $ UID\r\n")
        assert len(c.until(b"a")) == 1
        assert re.match(rb'\* ESEARCH \(TAG "b"\) UID ALL \d+\r',
                        c.until(b"b")[0])
        assert b"COPYUID" in c.until(b"c")[-1]
        c.until(b"d")
        assert len(c.until(b"e")) == 1
        # 6.4.4.1: NO empties, BAD keeps; what is expunged goes out of it
        c.ok(b"SEARCH RETURN (SAVE) 2:4")
        c.expect(b"SEARCH RETURN (SAVE) CHARSET X ALL", b"NO")
        assert self.found(c, b"$") == []
        c.ok(b"SEARCH RETURN (SAVE) 2:4")
        c.expect(b"SEARCH RETURN (SAVE) X", b"BAD")
        assert self.found(c, b"$") == [2, 3, 4]
        d = Client(1, b"keys")
        d.ok(b"STORE 3 +FLAGS.SILENT (\\Deleted)")
        d.ok(b"STORE 4 -FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        lines = c.ok(b"NOOP")
        assert b"* 3 EXPUNGE\r\n" in lines
        assert self.found(c, b"$") == [2, 3]
        assert self.found(c, b"NOT $") == [1]
        # new mail of its number is not in it
        c.append(b"keys", SMALL)
        assert self.found(c, b"$") == [2, 3]
        for text in (b"$,1", b"1,$", b"$:1", b"$$"):
            c.expect(b"FETCH %s UID" % text, b"BAD")
        c.ok(b"STORE $ +FLAGS.SILENT (saved)")
        assert self.found(c, b"KEYWORD saved") == [2, 3]
        c.ok(b"UNSELECT")
        c.ok(b"SELECT keys")
        assert self.found(c, b"$") == []
        assert len(c.ok(b"UID STORE $ +FLAGS (x)")) == 1


class Fetch:
    def t_items(self):
        """9051 6.4.5: its items, alone and together, none twice"""
        c = Client(1)
        box(c, b"items", 1, MIXED)
        for item in (b"FLAGS", b"UID", b"INTERNALDATE", b"RFC822.SIZE",
                     b"ENVELOPE", b"BODY", b"BODYSTRUCTURE", b"EMAILID",
                     b"SAVEDATE"):
            row, _ = c.fetch(1, b"(%s %s)" % (item, item))
            assert row.count(b"(%s " % item) == 1 and \
                row.startswith(b"* 1 FETCH (" + item), row
            assert c.fetch(1, item)[0] == row
        row, _ = c.fetch(1, b"(flags uid body.peek[header.fields (subject)])")
        assert b"BODY[HEADER.FIELDS (SUBJECT)] {18}" in row.replace(
            b'"SUBJECT"', b"SUBJECT"), row
        for text in (b"FOO", b"BODY[", b"BODY[]x", b"BODY[FOO]", b"BODY[1.FOO]",
                     b"BODY[HEADER.FIELDS]", b"BODY[HEADER.FIELDS ()]",
                     b"BODY[HEADER.FIELDS a]", b"BODY[]<1>", b"BODY[]<1.0>",
                     b"BODY[]<-1.1>", b"BODY[]<0.1>x", b"BODY[0]", b"BODY[1.0]",
                     b"BODY[01]", b"BODY[1..1]", b"BODY[.1]", b"BODY[MIME]",
                     b"BODY.PEEK", b"BODY.PEEK[0]", b"BINARY", b"BINARY[0]",
                     b"BINARY[TEXT]", b"BINARY.SIZE", b"BINARY.SIZE[1]<0.1>",
                     b"BINARY.SIZE[HEADER]", b"(ALL FLAGS)", b"(FAST)",
                     b"ALL FLAGS", b"(UID,FLAGS)", b"FLAGS)", b"(FLAGS"):
            if c.count > 40:
                c = Client(1, b"items")
            c.expect(b"FETCH 1 " + text, b"BAD")

    def t_parts(self):
        """9051 6.4.5: part numbers of a message that has none"""
        c = Client(1)
        box(c, b"parts", 1)
        head, body = SMALL.split(b"\r\n\r\n", 1)
        head += b"\r\n\r\n"
        for item, want in ((b"BODY[1]", body), (b"BODY[TEXT]", body),
                           (b"BODY[HEADER]", head),
                           (b"BODY[]<0.5>", SMALL[:5]),
                           (b"BODY[]<%d.9>" % (len(SMALL) - 3), SMALL[-3:]),
                           (b"BODY[TEXT]<2.2>", body[2:4])):
            assert c.fetch(1, item)[1] == [want], item
        for item in (b"BODY[2]", b"BODY[1.1]", b"BODY[1.TEXT]",
                     b"BODY[1.HEADER]", b"BODY[1.HEADER.FIELDS (X)]",
                     b"BODY[4294967295]"):
            assert b" NIL)" in c.fetch(1, item)[0], item
        # past the end: the empty string
        row, _ = c.fetch(1, b"BODY[]<%d.10>" % len(SMALL))
        assert b'BODY[]<%d> ""' % len(SMALL) in row, row
        row, _ = c.fetch(1, b"BODY[]<4294967296.4294967296>")
        assert b'BODY[]<4294967296> ""' in row, row

    def t_fields(self):
        """9051 6.4.5: HEADER.FIELDS in any case, folded ones whole"""
        c = Client(1)
        box(c, b"fields", 1, b"SUBJECT: a\r\n b\r\nX-A: 1\r\nx-a: 2\r\n"
            b"To:\r\n\r\nbody")
        for item, want in (
                (b"HEADER.FIELDS (sUbJect)", b"SUBJECT: a\r\n b\r\n\r\n"),
                (b"HEADER.FIELDS (X-A)", b"X-A: 1\r\nx-a: 2\r\n\r\n"),
                (b"HEADER.FIELDS (To X-No)", b"To:\r\n\r\n"),
                (b'HEADER.FIELDS ("X-A" {2+}\r\nTo)',
                 b"X-A: 1\r\nx-a: 2\r\nTo:\r\n\r\n"),
                (b"HEADER.FIELDS (None)", b"\r\n"),
                (b"HEADER.FIELDS.NOT (x-a subject)", b"To:\r\n\r\n")):
            assert c.fetch(1, b"BODY.PEEK[%s]" % item)[1] == [want], item

    def t_seen(self):
        """9051 6.4.5, 7.5.2: \\Seen is set, told, and told to others"""
        c, d = Client(1), Client(1)
        box(c, b"seen1", 6)
        d.ok(b"SELECT seen1")
        for n, item in enumerate((b"BODY[]", b"BODY[1]", b"BODY[HEADER]",
                                  b"BINARY[1]", b"RFC822", b"RFC822.TEXT"), 1):
            assert b"FLAGS (\\Seen)" in c.fetch(n, item)[0], item
        rows = [x for x in d.ok(b"NOOP") if b" FETCH " in x]
        assert len(rows) == 6
        assert all(re.match(rb"\* \d FETCH \(UID \d+ FLAGS \(\\Seen\)\)", x)
                   for x in rows), rows
        # what has it already is not told again
        c.fetch(1, b"BODY[]")
        assert len(d.ok(b"NOOP")) == 1

    def t_envelope(self):
        """9051 7.5.2: absent is NIL, present but empty is ""; groups"""
        c = Client(1)
        box(c, b"envelope")
        none = b"NIL"
        for n, (message, want) in enumerate((
                (b"X: y\r\n\r\n", b"NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL"),
                (b"Date:\r\nSubject:\r\nIn-Reply-To: \r\nMessage-ID:\t\r\n"
                 b"To:\r\nCc: \r\n\r\n",
                 b'"" "" NIL NIL NIL NIL NIL NIL "" ""'),
                (b"From: a@b\r\n\r\n",
                 b'NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) '
                 b'((NIL NIL "a" "b")) NIL NIL NIL NIL NIL'),
                (b"From: A \"B\\\" C\" <a.b@c>\r\nSender: s@t\r\n"
                 b"Reply-To: r@u\r\n\r\n",
                 b'NIL NIL (("A B\\" C" NIL "a.b" "c")) ((NIL NIL "s" "t")) '
                 b'((NIL NIL "r" "u")) NIL NIL NIL NIL NIL'),
                # no more than empty: what has no address
                (b"From: a@b\r\nSender: ()\r\nReply-To: (none),\r\nTo: ,()"
                 b"\r\n\r\n",
                 b'NIL NIL ((NIL NIL "a" "b")) ((NIL NIL "a" "b")) '
                 b'((NIL NIL "a" "b")) NIL NIL NIL NIL NIL'),
                (b"Reply-To: (none)\r\n\r\n",
                 b"NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL"),
                (b"To: Grp: a@b, C <c@d>;, e@f\r\nCc: Empty:;\r\n\r\n",
                 b'NIL NIL NIL NIL NIL ((NIL NIL "Grp" NIL)(NIL NIL "a" "b")'
                 b'("C" NIL "c" "d")(NIL NIL NIL NIL)(NIL NIL "e" "f")) '
                 b'((NIL NIL "Empty" NIL)(NIL NIL NIL NIL)) NIL NIL NIL'),
                (b"To: <@x,@y:a@b>\r\nSubject: a\r\n  b\r\n\r\n",
                 b'NIL "a  b" NIL NIL NIL ((NIL "@x,@y" "a" "b")) NIL NIL NIL '
                 b'NIL')), 1):
            c.append(b"envelope", message)
            row, _ = c.fetch(n, b"ENVELOPE")
            assert row == b"* %d FETCH (ENVELOPE (%s))\r\n" % (n, want), \
                (row, want, none)

    def t_global(self):
        """9051 6.4.5.1, 9: message/global has parts, and an envelope; for
        3501 it is a leaf."""
        inner = b"Subject: in\r\nFrom: a@b\r\n\r\nwithin\r\n"
        c, d = Client(1), Client(1)
        d.ok(b"ENABLE IMAP4rev2")
        box(c, b"global", 1, b"Content-Type: multipart/mixed; boundary=q\r\n"
            b"\r\n--q\r\nContent-Type: message/global\r\n\r\n" + inner +
            b"\r\n--q--\r\n")
        d.ok(b"EXAMINE global")
        head = inner[:inner.index(b"within")]
        for item, want in ((b"1", inner), (b"1.HEADER", head),
                           (b"1.TEXT", b"within\r\n"), (b"1.1", b"within\r\n"),
                           (b"1.HEADER.FIELDS (FROM)", b"From: a@b\r\n\r\n")):
            assert d.fetch(1, b"BODY[%s]" % item)[1] == [want], item
        assert b' NIL "7BIT" %d) "mixed")' % len(inner) in \
            c.fetch(1, b"BODY")[0]
        row, _ = d.fetch(1, b"BODY")
        assert b' NIL "7BIT" %d (NIL "in" ((NIL NIL "a" "b"))' % len(inner) \
            in row and b'"7BIT" 8 1) 4) "mixed")' in row, row
        assert d.ok(b"SEARCH BODY within")[0].endswith(b" ALL 1\r\n")

    def t_structure(self):
        """9051 7.5.2: BODY and BODYSTRUCTURE, each field in its place"""
        c = Client(1)
        box(c, b"structure")
        for n, (head, short, more) in enumerate((
                (b"", b'("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" '
                 b'6 1', b" NIL NIL NIL NIL"),
                (b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n",
                 b'("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 6 1',
                 b" NIL NIL NIL NIL"),
                (b"Content-Type: image/png; name=\"a b\"\r\nContent-ID: <i@d>"
                 b"\r\nContent-Description: d\r\nContent-Transfer-Encoding: "
                 b"BASE64\r\nContent-MD5: abc=\r\nContent-Disposition: "
                 b"attachment; filename=f\r\nContent-Language: en, de\r\n"
                 b"Content-Location: l\r\n",
                 b'("image" "png" ("name" "a b") "<i@d>" "d" "BASE64" 6',
                 b' "abc=" ("attachment" ("filename" "f")) ("en" "de") "l"'),
                (b"Content-Type: nonsense\r\n",
                 b'("text" "plain" ("charset" "us-ascii") NIL NIL "7BIT" 6 1',
                 b" NIL NIL NIL NIL"),
                (b"Content-Type: text/plain; title*0=ab; title*1=cd\r\n",
                 b'("text" "plain" ("title" "abcd" "charset" "us-ascii") NIL '
                 b'NIL "7BIT" 6 1', b" NIL NIL NIL NIL")), 1):
            c.append(b"structure", b"From: a@b\r\n" + head + b"\r\nbody\r\n")
            row, _ = c.fetch(n, b"(BODY BODYSTRUCTURE)")
            want = b"* %d FETCH (BODY %s) BODYSTRUCTURE %s%s))\r\n" % (
                n, short, short, more)
            if n == 5:  # RFC 2231 continuations are joined, in what order ever
                assert b'"title" "abcd"' in row, row
                continue
            assert row.lower() == want.lower(), (row, want)


class Change:
    def t_store(self):
        """9051 6.4.6: its example, and what each form leaves"""
        c, d = Client(1), Client(1)
        box(c, b"store", 4)
        d.ok(b"SELECT store")
        c.ok(b"STORE 2 FLAGS (\\Seen)")
        rows = c.ok(b"STORE 2:4 +FLAGS (\\Deleted)")[:-1]
        assert rows == [b"* 2 FETCH (FLAGS (\\Deleted \\Seen))\r\n",
                        b"* 3 FETCH (FLAGS (\\Deleted))\r\n",
                        b"* 4 FETCH (FLAGS (\\Deleted))\r\n"], rows
        for text, want in ((b"FLAGS (\\Draft)", b"\\Draft"),
                           (b"+FLAGS \\Seen \\Flagged",
                            b"\\Flagged \\Seen \\Draft"),
                           (b"-FLAGS (\\Draft \\Answered)",
                            b"\\Flagged \\Seen"),
                           (b"FLAGS kw \\Seen", b"\\Seen kw"),
                           (b"FLAGS ()", b"")):
            row = [x for x in c.ok(b"STORE 1 " + text) if b" FETCH " in x][0]
            assert row == b"* 1 FETCH (FLAGS (%s))\r\n" % want, (text, row)
        for text in (b"+FLAGS.SILENT (\\Seen)", b"-FLAGS.SILENT \\Seen",
                     b"FLAGS.SILENT (\\Draft)"):
            assert len(c.ok(b"STORE 1 " + text)) == 1, text
        assert b"FLAGS (\\Draft)" in c.fetch(1, b"FLAGS")[0]
        # the others are told, with .SILENT too
        assert b"* 1 FETCH (UID" in b"".join(d.ok(b"NOOP"))
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Seen)")
        assert b"FLAGS (\\Seen \\Draft)" in b"".join(d.ok(b"NOOP"))
        row = c.ok(b"UID STORE %d +FLAGS (\\Seen)" % uids(c)[0])[0]
        assert re.match(rb"\* 1 FETCH \(UID \d+ FLAGS \(", row), row
        for text in (b"FLAGS", b"FLAGS ", b"FLAG (\\Seen)", b"=FLAGS (\\Seen)",
                     b"+ FLAGS (\\Seen)", b"FLAGS.LOUD (\\Seen)",
                     b"FLAGS (\\Seen),(\\Draft)", b"FLAGS (\\Seen  \\Draft)",
                     b"FLAGS ( \\Seen)", b"FLAGS \\Seen ", b"FLAGS (\\*)"):
            c.expect(b"STORE 1 " + text, b"BAD")
        c.expect(b"STORE 5 FLAGS ()", b"BAD")
        c.ok(b"UID STORE 4294967294 FLAGS ()")

    def t_copy(self):
        """9051 6.4.7: flags and date stay; COPYUID; onto itself"""
        c = Client(1)
        box(c, b"copy1")
        c.ok(b"CREATE MEETING")
        c.append(b"copy1", SMALL, b'(\\Seen kw) " 7-Feb-1994 21:52:25 -0800" ')
        c.append(b"copy1", MIXED)
        c.ok(b"NOOP")
        u = uids(c)
        line = c.ok(b"COPY 1:2 MEETING")[-1]
        found = re.search(rb"\[COPYUID (\d+) (\S+) (\S+)\]", line)
        assert found.group(2) in (b"%d:%d" % (u[0], u[1]),
                                  b"%d,%d" % (u[0], u[1])), line
        line = c.ok(b"COPY 2,1 copy1")[-1]
        assert b"COPYUID" in line
        c.ok(b"NOOP")
        rows = c.ok(b"FETCH 1:4 (FLAGS INTERNALDATE)")[:-1]
        assert rows[2][4:] == rows[0][4:] and rows[3][4:] == rows[1][4:]
        # nothing to copy is OK, without a code
        line = c.ok(b"UID COPY 4294967294 MEETING")[-1]
        assert b"COPYUID" not in line
        c.expect(b"COPY 1 nowhere", b"NO [TRYCREATE]")
        assert len(c.ok(b'LIST "" nowhere')) == 1
        c.ok(b"SELECT MEETING")
        assert found.group(1) in b"".join(c.ok(b"STATUS MEETING "
                                               b"(UIDVALIDITY)"))
        assert b"\\Seen kw" in c.fetch(1, b"FLAGS")[0]

    def t_move(self):
        """9051 6.4.8, RFC 6851 3.3, 4.3: COPYUID first, then EXPUNGE"""
        c, d = Client(1), Client(1)
        box(c, b"move1", 5)
        d.ok(b"SELECT move1")
        c.ok(b"CREATE move2")
        u = uids(c)
        lines = c.ok(b"UID MOVE %d:%d move2" % (u[1], u[2]))
        assert re.match(rb"\* OK \[COPYUID \d+ %d[:,]%d \S+\]" %
                        (u[1], u[2]), lines[0]), lines
        assert lines[1:-1] == [b"* 2 EXPUNGE\r\n", b"* 2 EXPUNGE\r\n"], lines
        assert b"COPYUID" not in lines[-1]
        lines = d.ok(b"NOOP")
        assert b"* 2 EXPUNGE\r\n" in lines
        # onto itself: a new UID
        lines = c.ok(b"MOVE 1 move1")
        assert b"* 1 EXPUNGE\r\n" in lines and b"* 3 EXISTS\r\n" in lines
        assert uids(c)[:2] == u[3:] and uids(c)[2] > u[4]
        c.ok(b"UID MOVE 4294967294 move2")
        c.expect(b"MOVE 9 move2", b"BAD")
        c.expect(b"MOVE 1 nowhere", b"NO [TRYCREATE]")
        c.ok(b"EXAMINE move1")
        c.expect(b"MOVE 1 move2", b"NO")

    def t_uid(self):
        """9051 6.4.9: UIDs are always told; those that are not there are
        passed over"""
        c = Client(1)
        box(c, b"uid1", 3)
        u = uids(c)
        rows = c.ok(b"UID FETCH %d:* FLAGS" % u[0])[:-1]
        assert [int(re.search(rb"UID (\d+)", x).group(1)) for x in rows] == u
        rows = c.ok(b"UID FETCH %d,4294967294,%d (UID UID)" % (u[2], u[0]))
        assert len(rows) == 3 and rows[0].count(b"UID") == 1
        assert len(c.ok(b"UID FETCH 4294967294:* UID")) == 2
        assert len(c.ok(b"UID FETCH *:4294967294 UID")) == 2
        for text in (b"UID", b"UID NOOP", b"UID UID FETCH 1 UID",
                     b"UID FETCH", b"UID FETCH 0 UID", b"UID LIST \"\" *"):
            c.expect(text, b"BAD")
        # an empty mailbox: * by UID is nobody, by number an error
        box(c, b"uid0")
        assert len(c.ok(b"UID FETCH * FLAGS")) == 1
        assert len(c.ok(b"UID FETCH 1:* FLAGS")) == 1
        c.expect(b"FETCH * FLAGS", b"BAD")
        c.expect(b"FETCH 1 FLAGS", b"BAD")
        c.expect(b"FETCH 4294967295 FLAGS", b"BAD")
        c.expect(b"FETCH 4294967296 FLAGS", b"BAD")

    def t_codes(self):
        """9051 7.1, RFC 5530 3: a code where there is one for it"""
        c = Client(1)
        box(c, b"codes", 1)
        c.ok(b"CREATE codes2")
        for text, want in (
                (b"CREATE codes", b"NO [ALREADYEXISTS]"),
                (b"RENAME codes codes2", b"NO [ALREADYEXISTS]"),
                (b"RENAME nowhere x", b"NO [NONEXISTENT]"),
                (b"DELETE nowhere", b"NO [NONEXISTENT]"),
                (b"STATUS nowhere (MESSAGES)", b"NO [NONEXISTENT]"),
                (b"DELETE INBOX", b"NO [CANNOT]"),
                (b"CREATE a//b", b"NO [CANNOT]"),
                (b"RENAME codes a//b", b"NO [CANNOT]"),
                (b"RENAME codes codes/a", b"NO [CANNOT]"),
                (b"SUBSCRIBE a//b", b"NO [CANNOT]"),
                (b"CREATE odd (USE (\\Odd))", b"NO [USEATTR]"),
                (b"COPY 1 nowhere", b"NO [TRYCREATE]"),
                (b"SEARCH CHARSET X ALL", b"NO [BADCHARSET"),
                (b"STORE 1 FLAGS (%s)" %
                 b" ".join(b"k%d" % i for i in range(57)), b"NO [LIMIT]"),
                (b"APPEND codes {99999999999}", b"NO [TOOBIG]"),
                (b"CREATE codes3", b"OK [MAILBOXID ("),
                (b"SELECT nowhere", b"NO [NONEXISTENT]"),
                (b"SELECT codes", b"OK [READ-WRITE]"),
                (b"EXAMINE codes", b"OK [READ-ONLY]"),
                (b"STORE 1 FLAGS ()", b"NO [READ-ONLY]")):
            c.expect(text, want)
        d = Client(1, b"codes")
        d.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        c.ok(b"FETCH 1 BODY[]")
        c.expect(b"FETCH 1 FLAGS", b"OK [EXPUNGEISSUED]")
        c.expect(b"COPY 1 codes2", b"NO [EXPUNGEISSUED]")


class Names:
    def t_utf7(self):
        """9051 A.1, RFC 3501 5.1.3: modified UTF-7 in its one form"""
        c = Client(1)
        name = b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"
        c.ok(b"CREATE " + name)
        assert c.ok(b'LIST "" ~peter/mail/*/%')[0].endswith(
            b' "/" ' + name + b"\r\n")
        d = Client(1)
        d.ok(b"ENABLE IMAP4rev2")
        assert d.ok(b'LIST "" ~peter/mail/*/%')[0].endswith(
            ' "/" "~peter/mail/台北/日本語"\r\n'.encode())
        for text in (b"&Jjo!", b"&U,BTFw-&ZeVnLIqe-", b"&AGE-", b"&", b"&Jjo",
                     b"&2D0-", b"&-&AGE-", b"&Jjp-"):
            c.expect(b'CREATE "%s"' % text, b"NO [CANNOT]")
            c.expect(b'SELECT "%s"' % text, b"NO [NONEXISTENT]")
        c.ok(b"CREATE &Jjo-!")
        c.ok(b"CREATE &U,BTF2XlZyyKng-")
        c.ok(b"CREATE R&-D")
        assert d.ok(b'LIST "" R*')[0].endswith(b' "/" "R&D"\r\n') or \
            d.ok(b'LIST "" R*')[0].endswith(b' "/" R&D\r\n')


if __name__ == "__main__":
    run(globals())

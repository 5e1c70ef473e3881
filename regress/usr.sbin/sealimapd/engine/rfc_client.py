#! /usr/bin/env python3
"""
Goes through RFC 9051 in its order, and where it differs through RFC 3501.

usage: rfc_client.py server.json CASE

As engine_client.py; sections.py holds the sections that checks name against
the table of contents.
"""

import base64
import datetime
import re
import time

from engine_client import DOMAIN, PASSWORD, SMALL, Client, literals, run


def box(c, name, n=0, message=SMALL):
    """A new box, selected, of n messages."""
    c.ok(b"CREATE " + name)
    for _ in range(n):
        c.append(name, message)
    return c.ok(b"SELECT " + name)


def code(lines, name):
    """The value of an untagged response code."""
    found = re.search(rb"\[%s ([^\]]*)\]" % name, b"".join(lines))
    assert found, (name, lines)
    return found.group(1)


def uids(c):
    return [int(x) for x in c.ok(b"UID SEARCH ALL")[0].split()[2:]]


def status(c, name, item):
    line = c.ok(b"STATUS %s (%s)" % (name, item))[0]
    return int(re.search(rb"%s (\d+)" % item, line).group(1))


class Model:
    def t_commands(self):
        """9051 2.2.1, 2.2.2: a tag for each; without one, untagged BAD."""
        c = Client(1)
        for line in (b"", b" ", b"+ NOOP", b"* NOOP", b"a+b NOOP", b"a",
                     b"(a NOOP", b'"a" NOOP', b"\x80 NOOP", b"a%b NOOP",
                     b"t" * 129 + b" NOOP"):
            c.send(line + b"\r\n")
            assert c.line().startswith(b"* BAD"), line
        for tag in (b"a.b]c", b"A0001", b"1", b"t" * 128, b"$-_/:;<>@[~^`|"):
            c.send(tag + b" NOOP\r\n")
            assert c.line() == tag + b" OK Nothing done\r\n", tag
        c.send(b"x noOP\r\ny NOOP\n")  # a bare LF is borne
        assert c.line().startswith(b"x OK")
        assert c.line().startswith(b"y OK")

    def t_uids(self):
        """9051 2.3.1.1: strictly ascending, never twice, UIDNEXT above."""
        c = Client(1)
        lines = box(c, b"uids", 3)
        validity = code(lines, b"UIDVALIDITY")
        first = uids(c)
        assert first == sorted(set(first)) and first[0] > 0
        following = int(code(lines, b"UIDNEXT"))
        assert following > first[-1]
        c.ok(b"STORE 2:3 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXPUNGE")
        assert uids(c) == first[:1]
        line = c.append(b"uids", SMALL)[-1]
        again = re.search(rb"APPENDUID (\d+) (\d+)\]", line)
        assert again.group(1) == validity
        assert int(again.group(2)) >= following
        assert status(c, b"uids", b"UIDNEXT") > int(again.group(2))
        # the same in another session, and after all are gone
        lines = Client(1).ok(b"EXAMINE uids")
        assert code(lines, b"UIDVALIDITY") == validity
        following = int(code(lines, b"UIDNEXT"))
        c.ok(b"STORE 1:* +FLAGS.SILENT (\\Deleted)")
        c.ok(b"CLOSE")
        lines = c.ok(b"SELECT uids")
        assert int(code(lines, b"UIDNEXT")) >= following
        assert code(lines, b"UIDVALIDITY") == validity
        # 6.3.5: a new one of that name never uses them again
        c.ok(b"DELETE uids")
        lines = box(c, b"uids", 1)
        assert int(code(lines, b"UIDVALIDITY")) > int(validity) or \
            uids(c)[0] >= following
        # 6.3.6: nor one that takes the name of a renamed one
        validity = code(lines, b"UIDVALIDITY")
        c.ok(b"RENAME uids uids2")
        assert code(c.ok(b"SELECT uids2"), b"UIDVALIDITY") == validity
        lines = box(c, b"uids", 1)
        assert code(lines, b"UIDVALIDITY") != validity

    def t_numbers(self):
        """9051 2.3.1.2: from 1 without gaps, in the order of the UIDs."""
        c = Client(1)
        box(c, b"numbers1", 6)
        before = uids(c)
        c.ok(b"STORE 2,5 +FLAGS.SILENT (\\Deleted)")
        assert [x for x in c.ok(b"EXPUNGE") if b"EXPUNGE" in x][:2] == \
            [b"* 2 EXPUNGE\r\n", b"* 4 EXPUNGE\r\n"]
        left = before[:1] + before[2:4] + before[5:]
        rows = c.ok(b"FETCH 1:* UID")[:-1]
        assert rows == [b"* %d FETCH (UID %d)\r\n" % x
                        for x in enumerate(left, 1)], rows

    def t_flags(self):
        """9051 2.3.2: system flags and keywords in any case; well-known
        keywords can be set."""
        c = Client(1)
        box(c, b"flags", 1)
        row = c.ok(b"STORE 1 FLAGS (\\sEEN \\ANSWERED $Forwarded $MDNSent "
                   b"$Junk $NotJunk $Phishing)")[-2]
        for flag in (b"\\Seen", b"\\Answered", b"$Forwarded", b"$MDNSent",
                     b"$Junk", b"$NotJunk", b"$Phishing"):
            assert flag in row, row
        row = c.ok(b"STORE 1 -FLAGS ($JUNK)")[-2]
        assert b"junk" not in row.lower().replace(b"$notjunk", b""), row
        assert c.ok(b"SEARCH KEYWORD $FORWARDED")[0] == b"* SEARCH 1\r\n"
        c.expect(b"STORE 1 +FLAGS (%s)" % (b"k" * 101), b"BAD")
        c.ok(b"STORE 1 +FLAGS (%s)" % (b"k" * 100))
        for text in (b"a b(", b"a]", b"\\", b"{3}", b'"x"', b"%", b"*", b"\\*",
                     b"\xc3\xa4"):
            c.expect(b"STORE 1 +FLAGS (%s)" % text, b"BAD")

    def t_dates(self):
        """9051 2.3.3, 2.3.4: internal date and size stay with a copy."""
        c = Client(1)
        box(c, b"dates")
        c.append(b"dates", SMALL, b'" 7-Feb-1994 23:59:60 -0800" ')
        begin = time.time()
        c.append(b"dates", SMALL)
        c.ok(b"COPY 1 dates")
        c.ok(b"NOOP")
        rows = c.ok(b"FETCH 1:3 (INTERNALDATE RFC822.SIZE)")[:-1]
        assert b'" 8-Feb-1994 00:00:00 -0800"' in rows[0], rows
        assert rows[2][4:] == rows[0][4:]
        at = re.search(rb'INTERNALDATE "([^"]*)"', rows[1]).group(1)
        at = datetime.datetime.strptime(at.decode().strip(),
                                        "%d-%b-%Y %H:%M:%S %z")
        assert abs(at.timestamp() - begin) < 60, rows[1]
        assert all(b"RFC822.SIZE %d" % len(SMALL) in x for x in rows)


class Formats:
    def t_strings(self):
        """9051 4.1, 4.2, 4.3: atom, quoted, literals of both kinds."""
        c = Client(1)
        c.ok(b"CREATE formats")
        for name in (b"formats", b'"formats"', b"{7+}\r\nformats"):
            c.ok(b"STATUS %s (MESSAGES)" % name)
        c.send(b"x STATUS {7}\r\n")
        assert c.line().startswith(b"+ ")
        c.send(b"formats (MESSAGES)\r\n")
        assert c.line().startswith(b"* STATUS formats (MESSAGES 0)")
        assert c.line().startswith(b"x OK")
        c.send(b"x LIST {0}\r\n")
        assert c.line().startswith(b"+ ")
        c.send(b" {0+}\r\n x\r\n")
        assert c.line().startswith(b"x BAD")
        c.ok(b'LIST {0+}\r\n {0+}\r\n')
        # the quoted specials
        c.ok(b'CREATE "q\\"u\\\\o"')
        assert c.ok(b'LIST "" q*')[0].endswith(b'"/" "q\\"u\\\\o"\r\n')
        for text in (b'"a\\b"', b'"a\rb"', b'"a', b'a"', b'"a"b', b"{-1+}",
                     b"{x}", b"{3 }", b"{}", b"{+}"):
            c.expect(b"CREATE " + text, b"BAD")

    def t_eight_bits(self):
        """9051 4.3.1: 8-bit text goes through; NUL only as literal8."""
        c = Client(1)
        c.ok(b"ENABLE UTF8=ACCEPT")  # headers are not all ASCII
        message = b"Subject: \xc3\xa4\xff\r\n\r\n" + bytes(range(1, 256))
        box(c, b"bits", 1, message)
        assert c.fetch(1, b"BODY.PEEK[]")[1] == [message]
        row, got = c.fetch(1, b"ENVELOPE")
        assert got == [b"\xc3\xa4\xff"], row

    def t_lists(self):
        """9051 4.4: empty and nested lists"""
        c = Client(1, b"bits")
        c.ok(b"STORE 1 FLAGS ()")
        c.ok(b"SEARCH ((ALL) (NOT (SEEN)))")
        for text in (b"STORE 1 FLAGS (()", b"STORE 1 FLAGS ((\\Seen))",
                     b"FETCH 1 ((UID))", b"SEARCH (())"):
            c.expect(text, b"BAD")

    def t_nil(self):
        """9051 4.5: a mailbox of the name NIL is one."""
        c = Client(1)
        c.ok(b"CREATE NIL")
        assert c.ok(b'LIST "" NIL')[0].endswith(b'"/" "NIL"\r\n')
        c.ok(b"SELECT NIL")
        c.append(b"NIL", b"Subject: NIL\r\nFrom: NIL <nil@NIL>\r\n\r\nNIL")
        row, _ = c.fetch(1, b"(ENVELOPE BODY.PEEK[1] BODY.PEEK[9])")
        assert b'"NIL" (("NIL" NIL "nil" "NIL"))' in row, row
        assert b"BODY[1] {3}\r\nNIL" in row and b"BODY[9] NIL" in row
        c.expect(b"DELETE {3+}\r\nnil", b"NO")
        c.ok(b"DELETE {3+}\r\nNIL")

    def t_limits(self):
        """RFC 7888 4: what is too long is refused, the session goes on."""
        c = Client(1)
        c.send(b"x CREATE {65537}\r\n")
        assert c.line().startswith(b"x BAD")
        c.send(b"x CREATE {65537+}\r\n" + b"a" * 65537 + b"\r\n")
        assert c.line().startswith(b"x BAD")
        c.send(b"x FOO {900000+}\r\n" + b"a" * 900000 + b" {3+}\r\nabc\r\n")
        assert c.line().startswith(b"x BAD")
        c.send(b"x SEARCH " + b"y" * (1024 * 1024) + b"\r\n")
        assert c.line().startswith(b"x BAD")
        c.send(b"x NOOP" + b" " * 300000 + b"{3+}\r\nabc\r\n")
        assert c.line().startswith(b"x BAD")
        c.ok(b"NOOP")
        c.send(b"x CREATE {99999999999+}\r\n")
        assert c.line().startswith(b"* BYE")


class Operation:
    def t_inbox(self):
        """9051 5.1, 5.1.1: INBOX in any case; a hierarchy left to right."""
        c = Client(1)
        for name in (b"INBOX", b"inbox", b'"InBoX"', b"{5+}\r\niNBOX"):
            assert b"* STATUS INBOX (" in \
                c.ok(b"STATUS %s (MESSAGES)" % name)[0]
            c.expect(b"CREATE " + name, b"NO [ALREADYEXISTS]")
            c.expect(b"DELETE " + name, b"NO [CANNOT]")
        c.ok(b"CREATE inbox/below")
        assert c.ok(b'LIST "" INBOX/%')[0].endswith(b'"/" INBOX/below\r\n')
        c.ok(b"CREATE inboxes")
        assert c.ok(b'LIST "" inboxes')[0].endswith(b'"/" inboxes\r\n')

    def t_namespace(self):
        """9051 5.1.2, 6.3.10: one namespace, the personal one"""
        c = Client(1)
        lines = c.ok(b"NAMESPACE")
        assert lines[0] == b'* NAMESPACE (("" "/")) NIL NIL\r\n'
        c.expect(b"NAMESPACE x", b"BAD")

    def t_size(self):
        """9051 5.2, 7.4.1: a size that has changed is told in any command."""
        c, d = Client(1), Client(1)
        box(c, b"size", 1)
        d.ok(b"SELECT size")
        n = 1
        for text in (b"NOOP", b"CHECK", b"FETCH 1 UID", b"SEARCH 1",
                     b"STORE 1 FLAGS ()", b"UID SEARCH 1", b"COPY 1 INBOX",
                     b"EXPUNGE", b"UID FETCH 1 UID"):
            c.append(b"size", SMALL)
            n += 1
            lines = d.ok(text)
            assert b"* %d EXISTS\r\n" % n in lines, (text, lines)
        # APPEND: its own, at once
        assert b"* %d EXISTS\r\n" % (n + 1) in d.append(b"size", SMALL)

    def t_quiet(self):
        """9051 5.3, 7.4.1, 7.5.1: no EXPUNGE while no command is under way"""
        c, d = Client(1), Client(1)
        box(c, b"quiet", 3)
        d.ok(b"SELECT quiet")
        d.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        c.sock.settimeout(0.3)
        try:
            c.line()
            raise AssertionError("told without being asked")
        except TimeoutError:
            pass
        c.sock.settimeout(20)
        assert b"* 2 EXPUNGE\r\n" in c.ok(b"NOOP")

    def t_pipeline(self):
        """9051 5.5: in the order given where one affects the other"""
        c = Client(1)
        box(c, b"pipeline", 2)
        c.send(b"a FETCH 1 BODY[]\r\nb SEARCH UNSEEN\r\n"
               b"c STORE 2 +FLAGS (\\Seen)\r\nd SEARCH UNSEEN\r\n"
               b"e STORE 1 +FLAGS (\\Deleted)\r\nf EXPUNGE\r\n"
               b"g UID SEARCH ALL\r\n")
        c.until(b"a")
        assert c.until(b"b")[0] == b"* SEARCH 2\r\n"
        c.until(b"c")
        assert c.until(b"d")[0] == b"* SEARCH\r\n"
        c.until(b"e")
        assert c.until(b"f")[0] == b"* 1 EXPUNGE\r\n"
        assert c.until(b"g")[0].count(b" ") == 2
        # a continuation is answered before the next command is begun
        c.send(b"h FETCH 1 BODY.PEEK[]\r\ni STATUS {5}\r\n")
        assert c.until(b"h")[-1].startswith(b"h OK")
        assert c.line().startswith(b"+ ")
        c.send(b"INBOX (MESSAGES)\r\n")
        assert c.until(b"i")[-1].startswith(b"i OK")


class Answers:
    def t_conditions(self):
        """9051 7.1.1 to 7.1.3: OK, NO, BAD, tagged and not"""
        c = Client()
        assert c.greeting.startswith(b"* OK [CAPABILITY ")
        c.expect(b"LOGIN nobody nothing", b"NO [AUTHENTICATIONFAILED] ")
        c.expect(b"FOO", b"BAD ")
        c.send(b"\r\n")
        assert c.line().startswith(b"* BAD ")
        c.ok(b"NOOP")

    def t_data(self):
        """9051 7.3.1, 7.3.3 to 7.3.5: LIST, NAMESPACE, ESEARCH, FLAGS"""
        c = Client(1)
        box(c, b"answers", 2)
        line = c.ok(b'LIST "" answers')[0]
        assert line == b'* LIST (\\HasNoChildren) "/" answers\r\n', line
        assert c.ok(b"NAMESPACE")[0].startswith(b"* NAMESPACE ((")
        lines = c.ok(b"SEARCH RETURN (ALL COUNT) ALL")
        assert lines[0] == b'* ESEARCH (TAG "a%d") ALL 1:2 COUNT 2\r\n' % \
            c.count, lines
        lines = c.ok(b"STORE 1 +FLAGS (new)")
        assert lines[0] == b"* FLAGS (\\Answered \\Flagged \\Deleted " \
            b"\\Seen \\Draft new)\r\n", lines
        assert lines[1].startswith(b"* OK [PERMANENTFLAGS (\\Answered "), lines
        # a tag that is no quoted string's kind
        c.send(b"t]x SEARCH RETURN () ALL\r\n")
        assert c.line() == b'* ESEARCH (TAG "t]x") ALL 1:2\r\n'

    def t_continuation(self):
        """9051 7.6: a + for a literal, for AUTHENTICATE, for IDLE"""
        c = Client()
        for text in (b"LOGIN {8}", b"AUTHENTICATE PLAIN"):
            line = c.command(text)[-1]
            assert line.startswith(b"+ ") and line.endswith(b"\r\n"), line
            c.send(b"*\r\n" if b"AUTH" in text else b"user0001 x\r\n")
            assert c.until(b"a%d" % c.count)
        # none where the command is refused already
        c = Client(1)
        assert len(c.expect(b"FOO {3}", b"BAD")) == 1
        c.ok(b"NOOP")


class Any:
    def t_capability(self):
        """9051 6.1.1, 7.2.2: always the same but for the login, ENABLE too"""
        c = Client()
        lines = c.ok(b"CAPABILITY")
        assert len(lines) == 2
        first = lines[0].split()
        assert first[:2] == [b"*", b"CAPABILITY"]
        assert b"IMAP4rev1" in first and b"IMAP4rev2" in first
        assert b"AUTH=PLAIN" in first and b"LOGINDISABLED" not in first
        assert b"STARTTLS" not in first  # 6.2.1: TLS is there
        assert lines[0][:-2].split(b" ", 2)[2] in c.greeting
        line = c.ok(b"LOGIN user0001@%s %s" % (DOMAIN, PASSWORD))[-1]
        told = re.search(rb"\[CAPABILITY ([^\]]*)\]", line).group(1)
        lines = c.ok(b"CAPABILITY")
        assert lines[0] == b"* CAPABILITY " + told + b"\r\n"
        c.ok(b"ENABLE IMAP4rev2")
        assert c.ok(b"CAPABILITY")[0] == lines[0]

    def t_noop(self):
        """9051 6.1.2, 6.1.3: in any state"""
        c = Client()
        c.ok(b"NOOP")
        lines = c.ok(b"LOGOUT")
        assert len(lines) == 2 and lines[0].startswith(b"* BYE")
        c = Client(1, b"INBOX")
        assert c.ok(b"LOGOUT")[0].startswith(b"* BYE")
        try:
            c.send(b"x NOOP\r\n")
            assert c.sock.recv(10) == b""
        except OSError:
            pass


class Login:
    def t_starttls(self):
        """9051 6.2.1: BAD on a port of TLS, before and after login"""
        c = Client()
        c.expect(b"STARTTLS", b"BAD")
        c.ok(b"LOGIN user0001@%s %s" % (DOMAIN, PASSWORD))
        c.expect(b"STARTTLS", b"BAD")

    def t_authenticate(self):
        """9051 6.2.2: what is not base64 is BAD; another may be tried"""
        c = Client()
        c.expect(b"AUTHENTICATE GSSAPI", b"NO")
        for text in (b"=AAA", b"AAA=BBB", b"=", b"A", b"AA=A", b"AAAA====",
                     b"!", b"AAA A"):
            c.expect(b"AUTHENTICATE PLAIN " + text, b"BAD")
            c = Client()  # so many are too many for one
        for text in (b"=AAA", b"", b"*", b"AGE", b"x" * 4000):
            assert c.command(b"AUTHENTICATE PLAIN")[-1] == b"+ \r\n"
            c.send(text + b"\r\n")
            assert c.line().startswith(b"a%d BAD" % c.count), text
        c = Client()
        who = b"user0001@" + DOMAIN
        good = base64.b64encode(who + b"\0" + who + b"\0" + PASSWORD)
        c.ok(b"AUTHENTICATE PLAIN " + good)
        c.expect(b"AUTHENTICATE PLAIN " + good, b"BAD")
        c.expect(b"LOGIN a b", b"BAD")

    def t_login(self):
        """9051 6.2.3, 11.7: refused without saying which, and late"""
        c = Client()
        answers = set()
        for name in (b"user0001", b"nobody", b'""'):
            begin = time.time()
            answers.add(c.expect(b"LOGIN %s wrong" % name, b"NO")[-1]
                        .split(b" ", 1)[1])
            assert time.time() - begin > 0.4
        assert answers == {
            b"NO [AUTHENTICATIONFAILED] Wrong name or password\r\n"}, answers


class Boxes:
    def t_enable(self):
        """9051 6.3.1, 7.2.1: ENABLED says what is new, nothing else"""
        c = Client(1)
        c.expect(b"ENABLE", b"BAD")
        c.expect(b'ENABLE "IMAP4rev2"', b"BAD")
        assert c.ok(b"ENABLE X-GOOD-IDEA")[0] == b"* ENABLED\r\n"
        assert c.ok(b"ENABLE imap4REV2 X")[0] == b"* ENABLED IMAP4rev2\r\n"
        assert c.ok(b"ENABLE IMAP4rev2")[0] == b"* ENABLED\r\n"
        c = Client()
        c.expect(b"ENABLE IMAP4rev2", b"BAD")
        c.send(b"a LOGIN user0001@%s %s\r\nb ENABLE IMAP4rev2\r\n"
               b"c SELECT INBOX\r\n" % (DOMAIN, PASSWORD))
        assert c.until(b"a")[-1].startswith(b"a OK")
        assert c.until(b"b")[0] == b"* ENABLED IMAP4rev2\r\n"
        lines = c.until(b"c")
        assert any(line.startswith(b"* LIST (") and
                   line.endswith(b') "/" INBOX\r\n') for line in lines), lines

    def t_select(self):
        """9051 6.3.2, 6.3.3: what is told, and to which state it leads"""
        c = Client(1)
        lines = box(c, b"select", 2)
        text = b"".join(lines)
        for word in (b"* 2 EXISTS\r\n", b"* FLAGS (\\Answered \\Flagged "
                     b"\\Deleted \\Seen \\Draft)\r\n", b"[PERMANENTFLAGS (",
                     b"\\*)]", b"[UIDNEXT ", b"[UIDVALIDITY "):
            assert word in text, (word, lines)
        assert b"OK [READ-WRITE]" in lines[-1]
        lines = c.ok(b"EXAMINE select")
        assert b"OK [READ-ONLY]" in lines[-1]
        assert b"[PERMANENTFLAGS ()]" in b"".join(lines)
        for text in (b"STORE 1 FLAGS (\\Seen)", b"EXPUNGE", b"MOVE 1 INBOX",
                     b"UID EXPUNGE 1:*"):
            c.expect(text, b"NO [READ-ONLY]")
        c.ok(b"FETCH 1 BODY[]")
        assert b"FLAGS ()" in c.fetch(1, b"FLAGS")[0]
        # RFC 3501 6.3.1: RECENT and UNSEEN for its clients
        assert b"* 0 RECENT\r\n" in lines
        assert b"[UNSEEN 1]" in b"".join(lines)
        # a NO leaves no mailbox selected; a BAD changes nothing (6)
        c.expect(b"SELECT select select", b"BAD")
        c.ok(b"FETCH 1 UID")
        c.expect(b"SELECT nowhere", b"NO [NONEXISTENT]")
        c.expect(b"FETCH 1 UID", b"BAD")
        # IMAP4rev2: the name with what LIST says of it
        c.ok(b"CREATE select/below")
        c.ok(b"CREATE selectable")
        c.ok(b"ENABLE IMAP4rev2")
        for name in (b"select", b"select/below", b"selectable", b"Sent"):
            for verb in (b"SELECT", b"EXAMINE"):
                told = [line for line in c.ok(verb + b" " + name)
                        if line.startswith(b"* LIST ")]
                assert told == c.ok(b'LIST "" ' + name)[:-1], told
            assert (b"\\HasChildren" in told[0]) == (name == b"select"), told
            assert (b"\\Sent" in told[0]) == (name == b"Sent"), told

    def t_create(self):
        """9051 6.3.4: superior names come with it, a last / is nothing"""
        c = Client(1)
        c.ok(b"CREATE owatagusiam/")
        c.ok(b"CREATE owatagusiam/blurdybloop")
        c.ok(b"CREATE foo/bar/zap")
        names = [x.split()[-1] for x in c.ok(b'LIST "" (foo* owat*)')[:-1]]
        assert names == [b"foo", b"foo/bar", b"foo/bar/zap", b"owatagusiam",
                         b"owatagusiam/blurdybloop"], names
        c.expect(b"CREATE foo/bar", b"NO [ALREADYEXISTS]")
        c.expect(b"CREATE foo/bar/", b"NO [ALREADYEXISTS]")
        for name in (b'""', b"/", b"a//b", b"//", b'"' + b"x" * 1001 + b'"',
                     b'"a\tb"', b"{1+}\r\n\xff"):
            c.expect(b"CREATE " + name, b"NO [CANNOT]")

    def t_delete(self):
        """9051 6.3.5, 7.1 HASCHILDREN: its example; what is below stays"""
        c = Client(1)
        c.ok(b"CREATE del/below")
        c.append(b"del", SMALL)
        c.ok(b"DELETE del")
        lines = c.ok(b'LIST "" del%')
        assert b'(\\Noselect \\HasChildren) "/" del\r\n' in lines[0], lines
        # an error: \Noselect with names below
        c.expect(b"DELETE del", b"NO [HASCHILDREN]")
        c.expect(b"DELETE de", b"NO [NONEXISTENT]")
        c.expect(b"SELECT del", b"NO [NONEXISTENT]")
        c.ok(b"DELETE del/below")
        assert len(c.ok(b'LIST "" del*')) == 1
        c.expect(b"DELETE del", b"NO [NONEXISTENT]")
        c.expect(b"DELETE INBOX", b"NO [CANNOT]")
        box(c, b"del", 0)
        assert status(c, b"del", b"MESSAGES") == 0

    def t_rename(self):
        """9051 6.3.6: its examples"""
        c = Client(2)
        for name in (b"blurdybloop", b"foo/bar", b"inbox/bar"):
            c.ok(b"CREATE " + name)
        c.ok(b"DELETE foo")
        c.ok(b"RENAME blurdybloop sarasoop")
        c.ok(b"RENAME foo zowie")
        assert b'(\\Noselect \\HasChildren) "/" zowie\r\n' in \
            c.ok(b'LIST "" zowie')[0]
        assert len(c.ok(b'LIST "" zowie/bar')) == 2
        assert len(c.ok(b'LIST "" (foo* blurdy*)')) == 1
        for _ in range(3):
            c.append(b"INBOX", SMALL)
        c.ok(b"RENAME INBOX old-mail")
        assert status(c, b"old-mail", b"MESSAGES") == 3
        assert status(c, b"INBOX", b"MESSAGES") == 0
        assert len(c.ok(b'LIST "" (INBOX/bar old-mail/*)')) == 2
        c.expect(b"RENAME nobody x", b"NO [NONEXISTENT]")
        c.expect(b"RENAME sarasoop old-mail", b"NO [ALREADYEXISTS]")
        for name in (b"sarasoop", b"INBOX"):
            c.expect(b"RENAME %s INBOX" % name, b"NO [ALREADYEXISTS]")
            c.expect(b"RENAME %s %s" % (name, name), b"NO [ALREADYEXISTS]")
        c.expect(b"RENAME nobody nobody", b"NO [NONEXISTENT]")
        c.ok(b"RENAME sarasoop baz/rag/zowie")
        assert len(c.ok(b'LIST "" baz/%')) == 2
        # subscriptions stay with the name
        c.ok(b"SUBSCRIBE zowie/bar")
        c.ok(b"RENAME zowie/bar zowie/new")
        assert len(c.ok(b'LIST (SUBSCRIBED) "" zowie/bar')) == 2
        assert len(c.ok(b'LIST (SUBSCRIBED) "" zowie/new')) == 1

    def t_subscribe(self):
        """9051 6.3.7, 6.3.8: OK also where nothing changes"""
        c = Client(1)
        c.ok(b"CREATE news")
        for text in (b"SUBSCRIBE", b"UNSUBSCRIBE"):
            c.ok(text + b" news")
            c.ok(text + b" news")
        c.ok(b"SUBSCRIBE #news.comp.mail.mime")
        c.ok(b"SUBSCRIBE news")
        c.ok(b"DELETE news")
        assert c.ok(b'LIST (SUBSCRIBED) "" news')[0] == \
            b'* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" ' \
            b'news\r\n'
        c.ok(b"UNSUBSCRIBE news")
        c.ok(b"UNSUBSCRIBE #news.comp.mail.mime")

    def t_status(self):
        """9051 6.3.11, 7.3.2: the items, of the selected box too"""
        c = Client(1)
        box(c, b"stat", 3)
        c.ok(b"STORE 1 FLAGS (\\Seen \\Deleted)")
        uid = uids(c)
        line = c.ok(b"STATUS stat (SIZE DELETED UNSEEN UIDNEXT MESSAGES)")[0]
        assert re.match(rb"\* STATUS stat \(MESSAGES 3 UIDNEXT \d+ UNSEEN 2 "
                        rb"DELETED 1 SIZE %d\)\r" % (3 * len(SMALL)), line)
        assert status(c, b"stat", b"UIDNEXT") > uid[-1]
        c.ok(b"FETCH 3 UID")
        c.expect(b"STATUS nowhere (MESSAGES)", b"NO [NONEXISTENT]")
        for text in (b"()", b"(FOO)", b"(MESSAGES,UNSEEN)", b"MESSAGES"):
            c.expect(b"STATUS stat " + text, b"BAD")

    def t_append(self):
        """9051 6.3.12: its example; whole or not at all"""
        c = Client(1)
        c.ok(b"CREATE saved-messages")
        message = (
            b"Date: Mon, 7 Feb 1994 21:52:25 -0800 (PST)\r\n"
            b"From: Fred Foobar <foobar@Blurdybloop.example>\r\n"
            b"Subject: afternoon meeting\r\n"
            b"To: mooch@owatagu.siam.edu.example\r\n"
            b"Message-Id: <B27397-0100000@Blurdybloop.example>\r\n"
            b"MIME-Version: 1.0\r\n"
            b"Content-Type: TEXT/PLAIN; CHARSET=US-ASCII\r\n\r\n"
            b"Hello Joe, do you think we can meet at 3:30 tomorrow?\r\n\r\n")
        c.send(b"A003 APPEND saved-messages (\\Seen) {%d}\r\n" % len(message))
        assert c.line().startswith(b"+ ")
        c.send(message + b"\r\n")
        assert c.until(b"A003")[-1].startswith(b"A003 OK [APPENDUID ")
        c.ok(b"SELECT saved-messages")
        row, got = c.fetch(1, b"(FLAGS BODY.PEEK[])")
        assert b"FLAGS (\\Seen)" in row and got == [message]
        for flags in (b"(\\Seen \\Recent) ", b"(\\Seen", b"\\Seen ",
                      b'"7-Feb-1994 21:52:25 -0800" ',
                      b'" 7-Feb-94 21:52:25 -0800" ',
                      b'"31-Feb-1994 21:52:25 -0800" ',
                      b'" 7-Feb-1994 24:00:00 -0800" ',
                      b'" 7-Feb-1994 21:52:25" ',
                      b'" 7-Feb-1994 21:52:25 -0800" () '):
            c.expect(b"APPEND saved-messages %s{1+}\r\nx" % flags, b"BAD")
        c.expect(b"APPEND nowhere {1+}\r\nx", b"NO [TRYCREATE]")
        c.expect(b"APPEND saved-messages {0+}\r\n", b"NO")
        # RFC 4315 2: not created by it
        assert len(c.ok(b'LIST "" nowhere')) == 1
        assert status(c, b"saved-messages", b"MESSAGES") == 1

    def t_idle(self):
        """9051 6.3.13, RFC 2177: news, expunges too, until DONE"""
        c, d = Client(1), Client(1)
        box(c, b"idle", 3)
        d.ok(b"SELECT idle")
        c.expect(b"IDLE x", b"BAD")
        assert c.command(b"IDLE")[-1].startswith(b"+ ")
        d.ok(b"STORE 2 +FLAGS (\\Deleted)")
        assert re.match(rb"\* 2 FETCH \(UID \d+ FLAGS \(\\Deleted\)\)",
                        c.line())
        d.ok(b"EXPUNGE")
        assert c.line() == b"* 2 EXPUNGE\r\n"
        d.append(b"idle", SMALL)
        assert c.line() == b"* 3 EXISTS\r\n"
        c.send(b"DoNe\r\n")
        assert c.line().startswith(b"a%d OK" % c.count)
        # without a mailbox too; what is not DONE ends it, and is BAD
        e = Client(1)
        assert e.command(b"IDLE")[-1].startswith(b"+ ")
        e.send(b"DONE \r\n")
        assert e.line().startswith(b"a%d BAD" % e.count)
        e.expect(b"DONE", b"BAD")
        e.ok(b"NOOP")


class Lists:
    def t_examples(self):
        """9051 6.3.9, 6.3.9.1 to 6.3.9.8: its examples, in their order"""
        c = Client(3)
        for name in (b"INBOX", b"Archive", b"Drafts", b"Sent", b"Spam",
                     b"Trash"):
            c.ok(b"UNSUBSCRIBE " + name)
            if name != b"INBOX":
                c.ok(b"DELETE " + name)
        for name in (b"Fruit/Apple", b"Fruit/Banana", b"Tofu",
                     b"Vegetable/Broccoli", b"Vegetable/Corn"):
            c.ok(b"CREATE " + name)
        for name in (b"INBOX", b"Fruit/Banana", b"Fruit/Peach", b"Vegetable",
                     b"Vegetable/Broccoli"):
            c.ok(b"SUBSCRIBE " + name)

        def listed(text):
            return [x[7:-2] for x in c.ok(b"LIST " + text)[:-1]]
        # 2, 3: the subscribed ones; nothing of REMOTE is there
        want = [b'(\\HasNoChildren \\Subscribed) "/" INBOX',
                b'(\\HasNoChildren \\Subscribed) "/" Fruit/Banana',
                b'(\\NonExistent \\HasNoChildren \\Subscribed) "/" '
                b'Fruit/Peach',
                b'(\\HasChildren \\Subscribed) "/" Vegetable',
                b'(\\HasNoChildren \\Subscribed) "/" Vegetable/Broccoli']
        assert sorted(listed(b'(SUBSCRIBED) "" "*"')) == sorted(want)
        assert sorted(listed(b'(REMOTE SUBSCRIBED) "" "*"')) == sorted(want)
        # 4: children
        got = listed(b'() "" "%" RETURN (CHILDREN)')
        assert sorted(got) == sorted([
            b'(\\HasNoChildren) "/" INBOX', b'(\\HasChildren) "/" Fruit',
            b'(\\HasNoChildren) "/" Tofu',
            b'(\\HasChildren) "/" Vegetable']), got
        # 5, 6: REMOTE and SUBSCRIBED as return options' kin
        got = listed(b'(REMOTE) "" "%" RETURN (CHILDREN SUBSCRIBED)')
        assert b'(\\HasNoChildren \\Subscribed) "/" INBOX' in got, got
        assert b'(\\HasChildren \\Subscribed) "/" Vegetable' in got, got
        # 7: several patterns, one of none
        got = listed(b'"" ("INBOX" "Drafts" "Sent/%")')
        assert got == [b'(\\HasNoChildren) "/" INBOX'], got
        # 8: CHILDINFO
        got = listed(b'(SUBSCRIBED RECURSIVEMATCH) "" "Fruit"')
        assert got == [b'(\\HasChildren) "/" Fruit '
                       b'("CHILDINFO" ("SUBSCRIBED"))'], got
        # 9: redundant ones are left out, of what is not subscribed itself
        got = listed(b'(SUBSCRIBED RECURSIVEMATCH) "" "*"')
        assert [x for x in got if b"CHILDINFO" in x] == [
            b'(\\HasChildren \\Subscribed) "/" Vegetable '
            b'("CHILDINFO" ("SUBSCRIBED"))'], got
        got = listed(b'(SUBSCRIBED RECURSIVEMATCH) "" "%"')
        assert len(got) == 3 and sum(b"CHILDINFO" in x for x in got) == 2, got
        # 10: a parent that is subscribed itself, or not
        c.ok(b"SUBSCRIBE Tofu")
        got = listed(b'(SUBSCRIBED RECURSIVEMATCH) "" (Tofu Vegetable)')
        assert got == [b'(\\HasNoChildren \\Subscribed) "/" Tofu',
                       b'(\\HasChildren \\Subscribed) "/" Vegetable '
                       b'("CHILDINFO" ("SUBSCRIBED"))'], got
        # 11: a parent that does not exist
        c.ok(b"DELETE Fruit")
        got = listed(b'() "" "Fruit"')
        assert got == [b'(\\NonExistent \\HasChildren) "/" Fruit'], got
        # options: unknown, alone, twice (6.3.9)
        for text in (b'(FOO) "" *', b'"" * RETURN (FOO)', b'"" * (FOO)',
                     b'(RECURSIVEMATCH) "" *', b'(REMOTE RECURSIVEMATCH) "" *',
                     b'(SUBSCRIBED) ""', b'"" * RETURN SUBSCRIBED',
                     b'"" ()', b'"" (a', b'"" * RETURN'):
            c.expect(b"LIST " + text, b"BAD")
        assert listed(b'(SUBSCRIBED SUBSCRIBED) "" Tofu RETURN (CHILDREN '
                      b'CHILDREN)') == [
                          b'(\\HasNoChildren \\Subscribed) "/" Tofu']
        # an empty name: special in the basic syntax alone
        assert listed(b'"" ""') == [b'(\\Noselect) "/" ""']
        assert listed(b'"Vegetable" ""') == [b'(\\Noselect) "/" ""']
        assert listed(b'() "" ""') == []
        assert listed(b'"Vegetable/" %') == [
            b'(\\HasNoChildren) "/" Vegetable/Broccoli',
            b'(\\HasNoChildren) "/" Vegetable/Corn']
        # RFC 3501 6.3.9: LSUB
        got = [x for x in c.ok(b'LSUB "" "%"')[:-1]]
        assert b'* LSUB (\\Noselect) "/" Fruit\r\n' in got, got

    def t_childinfo(self):
        """9051 6.3.9.6, 6.3.9.8: table 3, examples 8 and 9"""
        c = Client(2)
        for name in (b"foo2/bar1", b"foo2/bar2", b"baz2/bar2", b"baz2/bar22",
                     b"baz2/bar222", b"eps2/mamba", b"qux2/bar2", b"foo"):
            c.ok(b"CREATE " + name)
        c.ok(b"DELETE qux2")
        for name in (b"foo2/bar1", b"foo2/bar2", b"baz2/bar2", b"baz2/bar22",
                     b"baz2/bar222", b"eps2", b"eps2/mamba", b"qux2/bar2",
                     b"foo/bar"):
            c.ok(b"SUBSCRIBE " + name)

        def listed(text):
            """name -> Subscribed, NonExistent, CHILDINFO"""
            out = {}
            for line in c.ok(b"LIST (RECURSIVEMATCH SUBSCRIBED) " + text)[:-1]:
                name = line.split(b'"/" ')[1].split()[0]
                assert name not in out
                out[name] = "".join(
                    x for x, word in (("s", b"\\Subscribed"),
                                      ("n", b"\\NonExistent"),
                                      ("c", b'("CHILDINFO" ("SUBSCRIBED"))'))
                    if word in line)
            return out
        assert listed(b'"" "*2"') == {
            b"foo2": "c", b"foo2/bar2": "s", b"baz2/bar2": "s",
            b"baz2/bar22": "s", b"baz2/bar222": "s", b"eps2": "sc",
            b"qux2/bar2": "s"}
        assert listed(b'"" "*2*"') == {
            b"foo2/bar1": "s", b"foo2/bar2": "s", b"baz2/bar2": "s",
            b"baz2/bar22": "s", b"baz2/bar222": "s", b"eps2": "sc",
            b"eps2/mamba": "s", b"qux2/bar2": "s"}
        assert listed(b'"" (foo% qux2 eps2)') == {
            b"foo": "c", b"foo2": "c", b"qux2": "nc", b"eps2": "sc"}
        assert c.ok(b'LIST (SUBSCRIBED RECURSIVEMATCH) "" foo '
                    b"RETURN (CHILDREN)")[0] == \
            b'* LIST (\\HasNoChildren) "/" foo ("CHILDINFO" ' \
            b'("SUBSCRIBED"))\r\n'

    def t_status(self):
        """RFC 5819 2: for what can be selected, after its LIST"""
        c = Client(3)
        lines = c.ok(b'LIST "" "%" RETURN (STATUS (MESSAGES UNSEEN))')[:-1]
        names = [x.split()[-1] for x in lines if x.startswith(b"* LIST")]
        for n, name in enumerate(names):
            want = b"* STATUS %s (MESSAGES 0 UNSEEN 0)\r\n" % name
            assert (want in lines) == (name != b"Fruit"), (name, lines)
            if name != b"Fruit":
                assert lines.index(want) > 0


if __name__ == "__main__":
    run(globals())

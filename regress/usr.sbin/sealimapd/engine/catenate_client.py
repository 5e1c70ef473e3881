#! /usr/bin/env python3
"""
CATENATE (RFC 4469) with the URLs of RFC 5092 in a running suite.

usage: catenate_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import os
import re
import subprocess
import time

from engine_client import DOMAIN, MIXED, SERVER, SMALL, Client, run
from extension_client import fill, uids, untagged

BIG = 3 * 65536 + 1000  # octets of a body, some chunks


def uidvalidity(c, box):
    line = c.ok(b"STATUS %s (UIDVALIDITY)" % box)[0]
    return int(re.search(rb"UIDVALIDITY (\d+)", line).group(1))


def text(octets):
    return b"TEXT {%d+}\r\n%s" % (len(octets), octets)


def url(box, uid, more=b""):
    return b'URL "/%s/;UID=%d%s"' % (box, uid, more)


def appended(lines):
    """The UIDs of APPENDUID."""
    found = re.search(rb"\[APPENDUID \d+ (\S+)\]", lines[-1])
    return found.group(1) if found else None


def newest(c, box):
    """The octets of the last message of a mailbox that is not selected."""
    c = Client(c.user, box)
    rows = c.ok(b"FETCH * BODY.PEEK[]")
    return rows[0].split(b"}\r\n", 1)[1][:-3]


def cat(c, box, *parts, more=b""):
    lines = c.ok(b"APPEND %s %sCATENATE (%s)" % (box, more, b" ".join(parts)))
    assert appended(lines), lines
    return newest(c, box)


def person(user, box=None):
    c = Client(user, box)
    c.user = user
    return c


class Parts:
    def t_capability(self):
        """4469 2; 5550 5.7.1 of PARTIAL in URLs"""
        words = Client(1).ok(b"CAPABILITY")[0].split()
        assert b"CATENATE" in words and b"URL-PARTIAL" in words
        assert b"CATENATE" not in Client().ok(b"CAPABILITY")[0].split()

    def t_text(self):
        """4469 3: literals alone, an empty one too"""
        c = person(1)
        c.ok(b"CREATE cat")
        got = cat(c, b"cat", text(b"A: b\r\n"), text(b""), text(b"\r\nx"))
        assert got == b"A: b\r\n\r\nx", got

    def t_url(self):
        """4469 3: the octets of a message as BODY[] has them; \\Seen stays"""
        c = person(1)
        fill(c, b"from", 2)
        c.ok(b"UNSELECT")
        uid = int(appended(c.append(b"from", MIXED)))
        got = cat(c, b"cat", url(b"from", uid))
        assert got == MIXED
        assert b"UNSEEN 3" in c.ok(b"STATUS from (UNSEEN)")[0]
        # Nothing was selected by it.
        c.expect(b"FETCH 1 FLAGS", b"BAD")

    def t_examples(self):
        """4469 A: parts of messages in a new one, flags and all"""
        c = person(1, b"from")
        uid = uids(c)[-1]
        where = b'"/from;UIDVALIDITY=%d/;UID=%d/;' % (
            uidvalidity(c, b"from"), uid)

        def body(section):
            row = c.ok(b"UID FETCH %d BODY.PEEK[%s]" % (uid, section))[0]
            return row.split(b"}\r\n", 1)[1].rsplit(b")\r\n", 1)[0]

        parts, want = [], b""
        for section in (b"HEADER", b"1.MIME", b"1", b"TEXT", b"2",
                        b"2.MIME"):
            parts.append(b"URL %ssection=%s\"" % (where, section))
            parts.append(text(b"--" + section + b"\r\n"))
            want += body(section) + b"--" + section + b"\r\n"
        got = cat(c, b"cat", *parts,
                  more=b'(\\Seen \\Draft $MDNSent) "17-Jul-1996 02:44:25 '
                  b'-0700" ')
        assert got == want, (got, want)
        c.ok(b"EXAMINE cat")
        row = c.ok(b"FETCH * (FLAGS INTERNALDATE)")[0]
        assert b"(\\Seen \\Draft $MDNSent)" in row, row
        assert b'"17-Jul-1996 ' in row, row

    def t_fields(self):
        """5092 9.2: header fields, and all others"""
        c = person(1)
        uid = int(appended(c.append(b"from", SMALL)))
        for spec, want in (
                (b"HEADER.FIELDS%20(SUBJECT)", b"Subject: small\r\n\r\n"),
                (b"HEADER.FIELDS%20(X-Mine%20To)",
                 b"To: b@example.net\r\nX-Mine: one\r\n\r\n"),
                (b"HEADER.FIELDS.NOT%20(From%20To%20Subject)",
                 b"X-Mine: one\r\n\r\n"),
                (b"HEADER.FIELDS%20(X-Mine)/;PARTIAL=8.3", b"one"),
                (b"HEADER.FIELDS%20(Absent)", b"\r\n"),
                (b"TEXT", b"body\r\n"), (b"1", b"body\r\n")):
            got = cat(c, b"cat", text(b"H: x\r\n"),
                      url(b"from", uid, b"/;SECTION=" + spec))
            assert got == b"H: x\r\n" + want, (spec, got)

    def t_partial(self):
        """5092 6.1.1: ;PARTIAL= as BODY[]<first.count>, count to be left out"""
        c = person(1)
        big = b"A: b\r\n\r\n" + os.urandom(BIG // 2).hex().encode()
        uid = int(appended(c.append(b"from", big)))
        for spec, first, last in (
                (b"0.8", 0, 8), (b"3.1", 3, 4), (b"65530.12", 65530, 65542),
                (b"65536.65536", 65536, 131072), (b"131071", 131071, None),
                (b"100.9999999", 100, None), (b"9999999.5", 0, 0)):
            got = cat(c, b"cat", text(b"H: x\r\n\r\n"),
                      url(b"from", uid, b"/;PARTIAL=" + spec))
            assert got == b"H: x\r\n\r\n" + big[first:last], spec
        got = cat(c, b"cat", url(b"from", uid, b"/;SECTION=HEADER"),
                  url(b"from", uid, b"/;SECTION=TEXT/;PARTIAL=0.70000"),
                  url(b"from", uid, b"/;SECTION=TEXT/;PARTIAL=70000"))
        assert got == big

    def t_summary(self):
        """What was put together is parsed as any message."""
        c = person(1)
        box = b"from"
        uid = int(appended(c.append(box, MIXED)))
        cat(c, b"cat", text(b"X-First: 1\r\n"), url(box, uid))
        c.ok(b"EXAMINE cat")
        new = c.ok(b"FETCH * (ENVELOPE BODYSTRUCTURE)")[0]
        c.ok(b"EXAMINE " + box)
        old = c.ok(b"UID FETCH %d (ENVELOPE BODYSTRUCTURE)" % uid)[0]
        assert new.split(b"ENVELOPE")[1] in old.replace(b" UID %d" % uid, b"")
        c.ok(b"EXAMINE cat")
        assert b"SEARCH %d" % int(re.search(rb"(\d+) EXISTS", b"".join(
            c.ok(b"EXAMINE cat"))).group(1)) in \
            c.ok(b"SEARCH HEADER X-First 1")[0]

    def t_binary(self):
        """3516, 6855: literal8 and UTF8 (...) as parts; NUL is kept."""
        c = person(1)
        got = cat(c, b"cat", text(b"A: b\r\n\r\n"),
                  b"TEXT ~{3+}\r\nx\0y")
        assert got == b"A: b\r\n\r\nx\0y"
        uid = uids(Client(1, b"cat"))[-1]
        got = cat(c, b"cat", url(b"cat", uid), text(b"z"))
        assert got == b"A: b\r\n\r\nx\0yz"
        c.expect(b"APPEND cat CATENATE (TEXT {3+}\r\nx\0y)", b"BAD")
        c.expect(b"APPEND cat CATENATE (UTF8 (~{8+}\r\nS: \xc3\xbc\r\n\r))",
                 b"NO [CANNOT]")
        c.ok(b"ENABLE UTF8=ACCEPT")
        got = cat(c, b"cat", b"UTF8 (~{7+}\r\nS: \xc3\xbc\r\n)",
                  text(b"\r\nx"))
        assert got == b"S: \xc3\xbc\r\n\r\nx", got
        # 6855 4: by a URL it does not come in either.
        uid = uids(Client(1, b"cat"))[-1]
        Client(1).expect(b"APPEND cat CATENATE (%s)" % url(b"cat", uid),
                         b"NO [CANNOT]")


class Urls:
    def t_names(self):
        """5092 8: names in UTF-8, whatever the session speaks"""
        c = person(1)
        c.ok(b"CREATE a/Entw&APw-rfe")
        c.append(b"a/Entw&APw-rfe", SMALL)
        c.ok(b"CREATE out")
        uid = uids(Client(1, b"a/Entw&APw-rfe"))[0]
        for name in (b"a/Entw%C3%BCrfe", b"a/Entwu%CC%88rfe",
                     b"%61%2fEntw%c3%bcrfe"):
            assert cat(c, b"out", url(name, uid)) == SMALL
        c.expect(b"APPEND out CATENATE (%s)" % url(b"a/Entw&APw-rfe", uid),
                 b"NO [BADURL /a/Entw&APw-rfe/;UID=%d]" % uid)

    def t_base(self):
        """4469 3: relative to the server, or to the selected mailbox"""
        c = person(1)
        c.ok(b"CREATE a/b")
        c.append(b"a/b", SMALL)
        c.append(b"INBOX", b"In: box\r\n\r\n")
        uid = uids(Client(1, b"a/b"))[0]
        inbox = uids(Client(1, b"INBOX"))[-1]
        assert cat(c, b"out", b"URL a/b/;UID=%d" % uid) == SMALL
        assert cat(c, b"out", b"URL inbox/;UID=%d" % inbox).startswith(b"In:")
        c.expect(b"APPEND out CATENATE (URL b/;UID=%d)" % uid, b"NO [BADURL")
        c.expect(b"APPEND out CATENATE (URL ;UID=%d)" % uid, b"NO [BADURL")
        c.ok(b"EXAMINE a/Entw&APw-rfe")
        for text_url in (b"b/;UID=%d", b"../a/b/;UID=%d", b"/a/b/;UID=%d"):
            assert cat(c, b"out", b"URL " + text_url % uid) == SMALL
        c.ok(b"SELECT a/b")
        assert cat(c, b"out", b"URL ;UID=%d" % uid) == SMALL
        assert cat(c, b"out", b"URL {%d+}\r\n;UID=%d" % (
            len(b";UID=%d" % uid), uid)) == SMALL
        c.ok(b"UNSELECT")
        c.expect(b"APPEND out CATENATE (URL ;UID=%d)" % uid, b"NO [BADURL")

    def t_bad(self):
        """4469 3, 4.1: BADURL names the first that is not there."""
        c = person(1)
        valid = uidvalidity(c, b"a/b")
        uid = uids(Client(1, b"a/b"))[0]
        before = c.ok(b"STATUS out (MESSAGES UIDNEXT)")[0]
        good = b"/a/b/;UID=%d" % uid
        for bad in (b"/a/b/;UID=%d" % (uid + 1000), b"/nowhere/;UID=1",
                    b"/a/b", b"/a/;UID=1", b"/a/b;UIDVALIDITY=%d/;UID=%d" %
                    (valid + 1, uid), good + b"/;SECTION=7",
                    good + b"/;SECTION=1.MIMES", good + b"/;SECTION=7.MIME",
                    good + b";URLAUTH=anonymous:internal", b"imap://h" + good,
                    b"imap:" + good, b"//h" + good, b"http://h/", b"x", b"",
                    good + b"?x", b"/" + b"x" * 2000 + b"/;UID=1"):
            lines = c.expect(
                b'APPEND out CATENATE (%s URL "%s" URL /other/;UID=9 %s)' %
                (text(b"A: b\r\n\r\n"), bad, text(b"more")), b"NO [BADURL ")
            assert b"[BADURL %s] " % bad in lines[-1], lines
        # What would end the code or the line is encoded.
        lines = c.expect(b"APPEND out CATENATE (URL {5+}\r\n/]\r\nx)",
                         b"NO [BADURL /%5D%0D%0Ax] ")
        assert c.ok(b"STATUS out (MESSAGES UIDNEXT)")[0] == before

    def t_refused(self):
        """4469 3: a literal that is waited for is not asked for any more."""
        c = person(1)
        c.send(b"x APPEND out CATENATE (URL /no/;UID=1 TEXT {5}\r\n")
        assert c.until(b"x")[-1].startswith(b"x NO [BADURL /no/;UID=1]")
        c.send(b"y APPEND out CATENATE (TEXT {8}\r\n")
        assert c.line().startswith(b"+")
        c.send(b"A: b\r\n\r\n URL {4}\r\n")
        assert c.line().startswith(b"+")
        c.send(b"/a/b URL /c TEXT {5}\r\n")
        assert c.until(b"y")[-1].startswith(b"y NO [BADURL /a/b]")
        c.ok(b"NOOP")
        c.expect(b"APPEND nowhere CATENATE (%s)" % text(b"A: b\r\n\r\n"),
                 b"NO [TRYCREATE]")
        c.expect(b"APPEND out CATENATE (%s)" % text(b""), b"NO")
        c.expect(b"APPEND out CATENATE (URL x", b"BAD")
        c.ok(b"NOOP")

    def t_pipelined(self):
        """9051 5.5: what follows waits; what is before it is answered."""
        c = person(1, b"a/b")
        uid = uids(c)[0]
        c.send(b"p FETCH 1:* (UID FLAGS)\r\n"
               b"q APPEND out CATENATE (URL /a/b/;UID=%d URL /a/b/;UID=%d)\r\n"
               b"r APPEND out {8+}\r\nA: b\r\n\r\n "
               b"CATENATE (URL ;UID=%d %s)\r\n"
               b"s STATUS out (MESSAGES)\r\nt UID FETCH %d FLAGS\r\n" %
               (uid, uid, uid, text(b"x"), uid))
        for tag in (b"p", b"q", b"r", b"s", b"t"):
            assert c.until(tag)[-1].startswith(tag + b" OK"), tag
        assert newest(c, b"out") == SMALL + b"x"


class Together:
    def t_many(self):
        """3502: several messages of a command, all or none"""
        c = person(1)
        fill(c, b"src", 2)
        c.ok(b"UNSELECT")
        c.ok(b"CREATE dst")
        one, two = uids(Client(1, b"src"))
        lines = c.ok(b"APPEND dst {8+}\r\nA: b\r\n\r\n (\\Seen) CATENATE (%s) "
                     b"(\\Draft) CATENATE (%s %s) {8+}\r\nC: d\r\n\r\n "
                     b"CATENATE (%s)" %
                     (url(b"src", one), url(b"src", two), text(b"x"),
                      text(b"E: f\r\n\r\n")))
        assert re.match(rb"\d+:\d+$|\d+(,\d+){4}$", appended(lines)), lines
        d = Client(1, b"dst")
        rows = d.ok(b"FETCH 1:* FLAGS")[:-1]
        assert [b"Seen" in x for x in rows] == [False, True] + [False] * 3
        assert [b"Draft" in x for x in rows] == [False] * 2 + [True] + \
            [False] * 2
        before = c.ok(b"STATUS dst (MESSAGES UIDNEXT)")[0]
        c.expect(b"APPEND dst {8+}\r\nA: b\r\n\r\n CATENATE (%s) CATENATE "
                 b"(%s URL /no/;UID=1 %s) {8+}\r\nC: d\r\n\r\n" %
                 (url(b"src", one), url(b"src", two), text(b"x")),
                 b"NO [BADURL /no/;UID=1]")
        c.expect(b"APPEND dst CATENATE (%s) CATENATE (%s)" %
                 (url(b"src", one), text(b"")), b"NO")
        assert c.ok(b"STATUS dst (MESSAGES UIDNEXT)")[0] == before
        c.append(b"dst", SMALL)

    def t_replace(self):
        """8508 4.2: the example of a draft"""
        c = person(1, b"src")
        one, two = uids(c)
        lines = c.ok(b"UID REPLACE %d src CATENATE (%s URL \"/src/;UID=%d\")" %
                     (two, text(b"To: Mitzy <m@example.org>\r\n"), two))
        assert any(b"APPENDUID" in x for x in lines), lines
        assert b"* 2 EXPUNGE\r\n" in lines, lines
        assert newest(c, b"src").startswith(b"To: Mitzy")
        c.expect(b"UID REPLACE %d src CATENATE (URL ;UID=%d)" % (one, two),
                 b"NO [BADURL")
        assert uids(c)[0] == one
        c.expect(b"REPLACE 9 src CATENATE (%s)" % text(b"A: b\r\n\r\n"),
                 b"BAD")

    def t_too_big(self):
        """4469 4.2: the limit of APPEND holds for the whole."""
        c = person(1)
        limit = int(re.search(rb"APPENDLIMIT=(\d+)",
                              c.ok(b"CAPABILITY")[0]).group(1))
        assert limit == 3000000, limit
        big = b"A: b\r\n\r\n" + b"x" * 1999992
        uid = int(appended(c.append(b"src", big)))
        before = c.ok(b"STATUS dst (MESSAGES UIDNEXT)")[0]
        for parts in ((url(b"src", uid), url(b"src", uid)),
                      (url(b"src", uid), text(b"y" * 1000001)),
                      (text(b"A: b\r\n\r\n" + b"y" * 999993),
                       url(b"src", uid))):
            c.expect(b"APPEND dst CATENATE (%s)" % b" ".join(parts),
                     b"NO [TOOBIG]")
        c.send(b"z APPEND dst CATENATE (URL /src/;UID=%d TEXT {1000001}\r\n"
               % uid)
        assert c.until(b"z")[-1].startswith(b"z NO [TOOBIG]")
        assert c.ok(b"STATUS dst (MESSAGES UIDNEXT)")[0] == before
        assert cat(c, b"dst", url(b"src", uid), text(b"y" * 1000000)) == \
            big + b"y" * 1000000

    def t_quota(self):
        """9208 4.3.1: what does not fit is not kept."""
        c = person(2)
        body = b"A: b\r\n\r\n" + os.urandom(300000)
        uid = int(appended(c.append(b"INBOX", body)))
        ctl = SERVER["sealctl"].split() + ["user", "quota",
                                           "user0002@" + DOMAIN.decode()]
        subprocess.check_call(ctl + ["700K"], stdout=subprocess.DEVNULL)
        c.expect(b"APPEND INBOX CATENATE (%s %s %s)" %
                 ((url(b"INBOX", uid),) * 3), b"NO [OVERQUOTA]")
        c.expect(b"APPEND INBOX CATENATE (%s) CATENATE (%s)" %
                 ((url(b"INBOX", uid),) * 2), b"NO [OVERQUOTA]")
        assert cat(c, b"INBOX", url(b"INBOX", uid)) == body
        subprocess.check_call(ctl + ["none"], stdout=subprocess.DEVNULL)

    def t_memory(self):
        """A message of many large parts is never held."""
        c = person(1)

        def resident():
            """The most that engines ever had, KiB."""
            total = 0
            out = subprocess.check_output(SERVER["pids_cmd"], shell=True)
            for pid in out.split():
                with open("/proc/%s/status" % pid.decode(),
                          encoding="ascii") as f:
                    status = f.read()
                if "imap-engine" in status.split("\n", 1)[0]:
                    total += int(re.search(r"VmHWM:\s+(\d+)",
                                           status).group(1))
            return total

        body = b"A: b\r\n\r\n" + os.urandom(740000)
        uid = int(appended(c.append(b"src", body)))
        cat(c, b"dst", url(b"src", uid))
        before = resident()
        for _ in range(5):
            c.ok(b"APPEND dst CATENATE (%s)" %
                 b" ".join([url(b"src", uid)] * 4))
        assert resident() - before < 1500, (before, resident())

    def t_gone(self):
        """A mailbox that is removed, a session that ends, in between"""
        c = person(1)
        fill(c, b"gone", 1)
        uid = uids(c)[0]
        c.ok(b"UNSELECT")
        c.send(b"x APPEND dst CATENATE (URL /gone/;UID=%d TEXT {2}\r\n" % uid)
        assert c.line().startswith(b"+")
        Client(1).ok(b"DELETE gone")
        c.send(b"\r\n URL /gone/;UID=%d)\r\n" % uid)
        assert c.until(b"x")[-1].startswith(b"x NO [BADURL")
        c.ok(b"NOOP")
        c.send(b"y APPEND dst CATENATE (URL /src/;UID=%d TEXT {2}\r\n" %
               uids(Client(1, b"src"))[0])
        c.sock.close()
        time.sleep(0.1)
        person(1).ok(b"APPEND dst CATENATE (%s)" % text(b"A: b\r\n\r\n"))


if __name__ == "__main__":
    run(globals())

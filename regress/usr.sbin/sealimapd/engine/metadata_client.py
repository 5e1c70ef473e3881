#! /usr/bin/env python3
"""
METADATA of RFC 5464, LIST-METADATA of RFC 9590, and their events of RFC 5465,
in a running suite.

usage: metadata_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import re
import subprocess

from engine_client import DOMAIN, SERVER, SMALL, Client, run
from extension_client import untagged
from notify_client import hear, silent


def values(c, text):
    """What GETMETADATA tells: (mailbox, entry, value)"""
    out = []
    for line in untagged(c.ok(b"GETMETADATA " + text), b"METADATA"):
        found = re.match(rb'\* METADATA (\S+) \("(.*?)" (.*)\)\r\n$', line,
                         re.S)
        out.append(found.groups())
    return out


class Values:
    def t_capability(self):
        """5464 1: METADATA is both, of the server and of mailboxes."""
        words = Client(1).ok(b"CAPABILITY")[0].split()
        assert b"METADATA" in words and b"LIST-METADATA" in words
        Client().expect(b'GETMETADATA "" /private/comment', b"BAD")

    def t_set(self):
        """5464 4.2, 4.3: set, replaced, removed; by each session"""
        c = Client(1)
        c.ok(b"CREATE meta")
        lines = c.ok(b'SETMETADATA meta (/private/comment "My comment" '
                     b'/SHARED/Comment {9+}\r\nTwo\r\nrows)')
        assert len(lines) == 1, lines  # 4.3: no METADATA response
        for d in (c, Client(1)):
            assert values(d, b"meta (/shared/comment /private/comment)") == [
                (b"meta", b"/private/comment", b'"My comment"'),
                (b"meta", b"/shared/comment", b"{9}\r\nTwo\r\nrows")]
        c.ok(b'SETMETADATA meta (/private/comment "")')
        assert values(c, b"meta /PRIVATE/comment")[0][2] == b'""'
        c.ok(b"SETMETADATA meta (/private/comment NIL /private/none NIL)")
        assert values(c, b"meta /private/comment") == [
            (b"meta", b"/private/comment", b"NIL")]

    def t_binary(self):
        """5464 5: value = nstring / literal8"""
        c = Client(1)
        c.ok(b"SETMETADATA meta (/private/bin ~{5+}\r\n\0\r\n\"\xff)")
        assert values(c, b"meta /private/bin")[0][2] == \
            b"~{5}\r\n\0\r\n\"\xff"
        c.ok(b"SETMETADATA meta (/private/bin NIL)")

    def t_server(self):
        """5464 3.2.1.1, 3.3: the server's, and what users cannot set"""
        c = Client(1)
        c.ok(b'SETMETADATA "" (/private/vendor/sealmail/x "1")')
        assert values(c, b'"" /private/vendor/sealmail/x')[0][2] == b'"1"'
        assert values(Client(2), b'"" /private/vendor/sealmail/x')[0][2] == \
            b"NIL"
        for name in (b"/shared/comment", b"/shared/admin"):
            c.expect(b'SETMETADATA "" (/private/comment "x" %s "x")' % name,
                     b"NO")
        assert values(c, b'"" /private/comment')[0][2] == b"NIL"

    def t_nowhere(self):
        """5464 3.3: of a mailbox that is not there it is NO."""
        c = Client(1)
        c.expect(b"GETMETADATA nowhere /private/comment", b"NO")
        c.expect(b'SETMETADATA nowhere (/private/comment "x")', b"NO")

    def t_depth(self):
        """5464 4.2.2: DEPTH 0, 1, infinity; options before or after"""
        c = Client(1)
        c.ok(b'SETMETADATA meta (/private/f "0" /private/f/a "1" '
             b'/private/f/a/b "2" /private/fa "3")')
        for text, want in (
                (b"meta /private/f", b"0"),
                (b"(DEPTH 0) meta /private/f", b"0"),
                (b"(DEPTH 1) meta /private/f", b"01"),
                (b"meta (DEPTH 1) (/private/f)", b"01"),
                (b"(DEPTH infinity) meta /private/f", b"012"),
                (b"meta (MAXSIZE 99 DEPTH infinity) /private", b"0123"),
                (b"(DEPTH 1) meta (/private/f/a /private/f)", b"012")):
            got = b"".join(v.strip(b'"') for _, _, v in values(c, text))
            assert bytes(sorted(got)) == want, (text, got)

    def t_maxsize(self):
        """5464 4.2.1: longer ones are left out, and the longest is told."""
        c = Client(1)
        c.ok(b'SETMETADATA meta (/private/f/a {2000+}\r\n%s)' % (b"x" * 2000))
        lines = c.ok(b"GETMETADATA (MAXSIZE 1 DEPTH infinity) meta "
                     b"/private/f")
        assert len(untagged(lines, b"METADATA")) == 2
        assert b"OK [METADATA LONGENTRIES 2000]" in lines[-1], lines
        lines = c.ok(b"GETMETADATA (MAXSIZE 2000) meta /private/f/a")
        assert b"LONGENTRIES" not in lines[-1] and len(lines) == 2

    def t_grammar(self):
        """5464 3.2, 5: names that cannot be are BAD, and change nothing."""
        c = Client(1)
        for name in (b"comment", b"/comment", b"/other/x", b"/private/",
                     b"/private//x", b'"/private/x*"', b'"/private/%"',
                     b'"/private/\x01"', b'""', b"/privatex/y",
                     b"{11+}\r\n/private/\xc3\xbc"):
            c.expect(b'SETMETADATA meta (/private/good "x" %s "x")' % name,
                     b"BAD")
            c.expect(b"GETMETADATA meta " + name, b"BAD")
            if c.count > 30:
                c = Client(1)
        assert values(c, b"meta /private/good")[0][2] == b"NIL"
        c = Client(1)
        for text in (b"SETMETADATA meta", b"SETMETADATA meta ()",
                     b'SETMETADATA meta /private/x "1"',
                     b"SETMETADATA meta (/private/x)",
                     b"SETMETADATA meta (/private/x atom)",
                     b'SETMETADATA meta (/private "1")',
                     b'SETMETADATA meta (/private/vendor/x "1")',
                     b"GETMETADATA meta", b"GETMETADATA meta ()",
                     b"GETMETADATA (DEPTH 2) meta /private/x",
                     b"GETMETADATA (MAXSIZE -1) meta /private/x",
                     b"GETMETADATA (FOO) meta /private/x",
                     b"GETMETADATA () meta /private/x",
                     b"GETMETADATA meta /private/x /private/y"):
            c.expect(text, b"BAD")

    def t_limits(self):
        """5464 4.1, 4.3: at least 1,024 octets and 10 entries; all or none"""
        c = Client(1)
        c.ok(b"CREATE limits")
        c.ok(b"SETMETADATA limits (/private/long {16384+}\r\n%s)" %
             (b"x" * 16384))
        c.expect(b'SETMETADATA limits (/private/more "1" /private/long '
                 b'{16385+}\r\n%s)' % (b"y" * 16385),
                 b"NO [METADATA MAXSIZE 16384]")
        for i in range(99):
            c.ok(b'SETMETADATA limits (/private/e%d "%d")' % (i, i))
        c.expect(b'SETMETADATA limits (/private/e5 "z" /private/e99 "z")',
                 b"NO [METADATA TOOMANY]")
        assert values(c, b"limits /private/e5")[0][2] == b'"5"'
        assert values(c, b"limits /private/more")[0][2] == b"NIL"
        c.ok(b'SETMETADATA limits (/private/e5 "z" /private/e6 NIL)')
        c.ok(b'SETMETADATA limits (/private/e99 "z")')
        assert len(values(c, b"(DEPTH infinity) limits /private")) == 100

    def t_rename(self):
        """5464 4.1: they follow a mailbox, and end with it."""
        c = Client(1)
        c.ok(b"CREATE moves")
        c.ok(b'SETMETADATA moves (/private/comment "a")')
        c.ok(b"RENAME moves moved")
        assert values(c, b"moved /private/comment")[0][2] == b'"a"'
        c.ok(b"DELETE moved")
        c.ok(b"CREATE moved")
        assert values(c, b"moved /private/comment")[0][2] == b"NIL"
        # INBOX keeps its own, the new one has them too.
        c.ok(b'SETMETADATA INBOX (/shared/comment "in")')
        c.append(b"INBOX", SMALL)
        c.ok(b"RENAME INBOX out")
        for box in (b"INBOX", b"out"):
            assert values(c, box + b" /shared/comment")[0][2] == b'"in"'

    def t_names(self):
        """9051 5.1: names of mailboxes as the session has them"""
        c = Client(1)
        c.ok(b"CREATE Entw&APw-rfe")
        c.ok(b'SETMETADATA Entw&APw-rfe (/private/comment "x")')
        assert values(c, b"Entw&APw-rfe /private/comment")[0][0] == \
            b"Entw&APw-rfe"
        c.ok(b"ENABLE IMAP4rev2")
        assert values(c, b'"Entw\xc3\xbcrfe" /private/comment')[0][0] == \
            b'"Entw\xc3\xbcrfe"'


class Listed:
    def t_list(self):
        """9590 3: after each LIST its entries, NIL where there is none"""
        c = Client(2)
        for name in (b"one", b"one/two", b"three"):
            c.ok(b"CREATE " + name)
        c.ok(b'SETMETADATA one (/private/color "red" /shared/color "x")')
        c.ok(b'SETMETADATA three (/private/color "blue" /private/no "y")')
        lines = c.ok(b'LIST "" (one* three) RETURN (METADATA '
                     b"(/private/color /shared/color))")
        assert [x.split(b" ", 2)[1] for x in lines[:-1]] == \
            [b"LIST", b"METADATA"] * 3, lines
        told = untagged(lines, b"METADATA")
        assert told[0] == b'* METADATA one ("/private/color" "red" ' \
            b'"/shared/color" "x")\r\n', told
        assert told[1] == b'* METADATA one/two ("/private/color" NIL ' \
            b'"/shared/color" NIL)\r\n', told
        assert b'"blue"' in told[2]
        lines = c.ok(b'LIST "" three RETURN (STATUS (MESSAGES) METADATA '
                     b"(/private/color) SUBSCRIBED)")
        assert len(lines) == 4, lines

    def t_grammar(self):
        """9590 4"""
        c = Client(2)
        for text in (b"METADATA", b"METADATA ()", b"METADATA /private/x",
                     b"METADATA (/other)"):
            c.expect(b'LIST "" * RETURN (%s)' % text, b"BAD")


class Events:
    def t_mailbox(self):
        """5465 5.6: names of what changed, not by the session itself"""
        b = Client(3)
        b.ok(b"CREATE noted")
        c = Client(3)
        c.ok(b"NOTIFY SET (mailboxes noted (MailboxMetadataChange))")
        b.ok(b'SETMETADATA noted (/private/comment "x" /shared/comment "y")')
        assert hear(c, rb"\* METADATA noted ") == \
            b'* METADATA noted "/private/comment"\r\n'
        hear(c, rb'\* METADATA noted "/shared/comment"\r')
        b.ok(b"SETMETADATA noted (/private/comment NIL)")
        hear(c, rb'\* METADATA noted "/private/comment"\r')
        b.ok(b'SETMETADATA INBOX (/private/comment "x")')
        b.ok(b'SETMETADATA "" (/private/comment "x")')
        assert len(c.ok(b'SETMETADATA noted (/private/x "y")')) == 1
        silent(c)

    def t_server(self):
        """5465 5.7"""
        b = Client(3)
        c = Client(3)
        c.ok(b"NOTIFY SET (personal (ServerMetadataChange))")
        b.ok(b'SETMETADATA noted (/private/comment "x")')
        b.ok(b'SETMETADATA "" (/private/comment "z")')
        hear(c, rb'\* METADATA "" "/private/comment"\r')
        c.ok(b"NOTIFY NONE")
        b.ok(b'SETMETADATA "" (/private/comment NIL)')
        silent(c)

    def t_restart(self):
        """What was said to be set is there when the vault has ended."""
        c = Client(3)
        c.ok(b'SETMETADATA noted (/private/comment "stays")')
        c.ok(b"LOGOUT")
        subprocess.check_call(SERVER["sealctl"].split() + [
            "kick", "user0003@" + DOMAIN.decode()])
        assert values(Client(3), b"noted /private/comment")[0][2] == \
            b'"stays"'


if __name__ == "__main__":
    run(globals())

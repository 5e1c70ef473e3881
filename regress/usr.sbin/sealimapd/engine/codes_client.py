#! /usr/bin/env python3
"""
Response codes of RFC 5530 and RFC 9051 section 7.1 that nothing else is about,
and searches for what ENVELOPE tells.

usage: codes_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import glob
import os
import re
import subprocess

from engine_client import DOMAIN, PASSWORD, SERVER, SMALL, Client, run
from extension_client import fill


def sealctl(*words):
    subprocess.check_call(SERVER["sealctl"].split() + list(words),
                          stdout=subprocess.DEVNULL)


def blobs():
    return {x for x in glob.glob(SERVER["data_dir"] + "/accounts/*/*/blob/**",
                                 recursive=True) if os.path.isfile(x)}


def damage(name, off):
    """One bit of a file is another."""
    os.chmod(name, 0o600)
    with open(name, "r+b") as file:
        file.seek(off)
        octet = file.read(1)
        file.seek(off)
        file.write(bytes([octet[0] ^ 1]))


class Codes:
    def t_children(self):
        """9051 6.3.5, 7.1 HASCHILDREN: a name without a mailbox, and below
        it one; NONEXISTENT: no name at all"""
        c = Client(1)
        c.ok(b"CREATE Notes/2021/May")
        c.ok(b"DELETE Notes/2021")
        c.expect(b"DELETE Notes/2021", b"NO [HASCHILDREN]")
        c.expect(b"DELETE Notes/20", b"NO [NONEXISTENT]")
        c.ok(b"DELETE Notes")
        c.expect(b"DELETE Notes", b"NO [HASCHILDREN]")
        c.ok(b"DELETE Notes/2021/May")
        for name in (b"Notes/2021/May", b"Notes/2021", b"Notes"):
            c.expect(b"DELETE " + name, b"NO [NONEXISTENT]")

    def t_corruption(self):
        """5530 3 CORRUPTION: the message cannot be read, all else can."""
        c = Client(1)
        fill(c, b"broken", 1)
        old = blobs()
        c.append(b"broken", SMALL + b"unreadable\r\n")
        new = blobs() - old
        assert len(new) == 1, new
        fill(c, b"whole", 1)
        damage(new.pop(), 100)
        c.ok(b"SELECT broken")
        for text in (b"FETCH 2 BODY.PEEK[]", b"FETCH 2 BINARY.PEEK[1]",
                     b"UID FETCH 1:* BODY.PEEK[TEXT]",
                     b"FETCH 2 BODY.PEEK[]<4.5>",
                     b"APPEND broken CATENATE (URL /broken/;UID=%d)" %
                     int(c.ok(b"UID SEARCH 2")[0].split()[2])):
            c.expect(text, b"NO [CORRUPTION]")
        # What was kept beside it, and the others, are as they were.
        row, _ = c.fetch(2, b"(ENVELOPE RFC822.SIZE)")
        assert b'"small"' in row, row
        assert c.fetch(1, b"BODY.PEEK[]")[1]
        assert c.ok(b"SEARCH BODY body")[0].split()[2:3] == [b"1"]
        c.ok(b"MOVE 2 whole")
        c.ok(b"SELECT whole")
        c.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
        c.ok(b"EXPUNGE")

    def t_contactadmin(self):
        """5530 3 CONTACTADMIN: only who knows the password is told."""
        name = "user0002@" + DOMAIN.decode()
        sealctl("user", "disable", name)
        c = Client()
        c.expect(b"LOGIN %s %s" % (name.encode(), PASSWORD),
                 b"NO [CONTACTADMIN]")
        c.expect(b"LOGIN %s wrong" % name.encode(),
                 b"NO [AUTHENTICATIONFAILED]")
        sealctl("user", "enable", name)
        c.ok(b"LOGIN %s %s" % (name.encode(), PASSWORD))

    def t_never(self):
        """5530 3, 9051 7.1: what would have EXPIRED, NOTSAVED, UIDNOTSTICKY,
        INUSE or CLIENTBUG elsewhere"""
        c = Client(3)
        fill(c, b"used", 3)
        _other = Client(3, b"used")
        assert not re.search(b"UIDNOTSTICKY", b"".join(
            c.ok(b"SELECT used")))
        c.ok(b"SEARCH RETURN (SAVE) 1:2")
        assert len(c.ok(b"FETCH $ UID")) == 3
        # Another session has it selected.
        c.ok(b"RENAME used used2")
        c.ok(b"DELETE used2")
        c.ok(b"CREATE used")


# Header, and the number of the message by what its ENVELOPE has.
MAIL = (
    (b'From: "Doe, John" <john.doe@Example.NET>\r\n'
     b'To: friends: amy@example.org, "Bob B" <bob@example.org>;,\r\n'
     b' zed@example.org\r\nSubject: plain\r\n'),
    (b'From: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.de>\r\n'
     b'To: undisclosed-recipients:;\r\n'
     b'Subject: =?utf-8?b?w5xiZXI=?= =?utf-8?q?_all?=\r\n'),
    (b'From: carl@example.com (Carl Comment)\r\n'
     b'To: Team =?iso-8859-1?Q?=E4=F6?= :x@y.example;\r\n'
     b'Subject: folded\r\n line\r\n\there\r\n'),
    (b'From: <@relay.example,@b.example:route@c.example>\r\n'
     b'To: "quoted \\"inner\\" name" <q@example.org>\r\n'
     b'Cc: a@b.example,\r\n c@d.example\r\nBcc: secret@example.org\r\n'
     b'Subject:\r\n'),
    b'Subject: nothing else\r\n',
    (b'From: "=?utf-8?q?Quoted=C3=A9?=" <qw@example.org>\r\n'
     b'To: =?utf-8?q?a=2C_b?= <ab@example.org>\r\n'
     b'Subject: =?utf-8?q?spl?= =?utf-8?q?it?= x\r\n'),
)
FINDS = (
    # addresses, in any case, whole and in part
    ("FROM john.doe@example.net", [1]), ("FROM doe@ex", [1]),
    ("FROM EXAMPLE", [1, 2, 3, 4, 6]), ("FROM @c.example", [4]),
    ("CC c@d", [4]), ("BCC secret", [4]), ("TO secret", []),
    # names as ENVELOPE has them: without quotes and backslashes
    ("FROM Doe, John", [1]), ('TO quoted "inner" name', [4]),
    ("FROM John <john", [1]), ("FROM Comment", [3]),
    # groups: their names, and who is in them
    ("TO friends", [1]), ("TO Bob B", [1]), ("TO zed", [1]),
    ("TO undisclosed", [2]), ("TO x@y", [3]), ("TO Team äö", [3]),
    # encoded-words, decoded first (9051 6.4.4); folded in Unicode
    ("FROM Jörg Müller", [2]), ("FROM JÖRG", [2]), ("FROM utf-8", []),
    ("FROM quotedé", [6]), ("TO a, b", [6]), ("SUBJECT über all", [2]),
    ("SUBJECT split x", [6]), ("SUBJECT folded line", [3]),
    # "" is in every field that is there
    ("FROM ", [1, 2, 3, 4, 6]), ("SUBJECT ", [1, 2, 3, 4, 5, 6]),
    ("CC ", [4]), ("FROM NIL", []),
    # HEADER is about the field as it was written
    ("HEADER From \"Doe, John\" <", [1]), ("HEADER Bcc secret", [4]),
)


class Names:
    def t_envelope(self):
        """9051 6.4.4, 3501 6.4.4: strings within the envelope structure"""
        c = Client(1)
        c.ok(b"CREATE names")
        for head in MAIL:
            c.append(b"names", head + b"\r\nbody\r\n")
        c.ok(b"SELECT names")
        for text, want in FINDS:
            key, _, word = text.partition(" ")
            if key == "HEADER":
                name, _, word = word.partition(" ")
                key += " " + name
            word = word.encode()
            lines = c.ok(b"SEARCH CHARSET UTF-8 %s {%d+}\r\n%s" % (
                key.encode(), len(word), word))
            got = [int(x) for x in lines[0].split()[2:]]
            assert got == want, (text, got)


if __name__ == "__main__":
    run(globals())

#! /usr/bin/env python3
"""
Mailboxes, copies between them, and searches within them.

usage: boxes_client.py server.json CASE

As engine_client.py.
"""

import re
import time

from engine_client import MIXED, SMALL, Client, run


class Boxes:
    def t_hierarchy(self):
        c = Client(1)
        c.ok(b"CREATE a/b/c")
        lines = c.ok(b'LIST "" "a*"')[:-1]
        assert lines == [b'* LIST (\\HasChildren) "/" a\r\n',
                         b'* LIST (\\HasChildren) "/" a/b\r\n',
                         b'* LIST (\\HasNoChildren) "/" a/b/c\r\n'], lines
        assert len(c.ok(b'LIST "a/" %')) == 2
        assert c.ok(b'LIST "" ""')[0] == b'* LIST (\\Noselect) "/" ""\r\n'
        c.expect(b"CREATE a/b", b"NO [ALREADYEXISTS]")
        c.expect(b"CREATE inbox", b"NO")
        c.ok(b"DELETE a")  # 6.3.5: its children stay
        assert b'(\\Noselect \\HasChildren) "/" a\r\n' in \
            c.ok(b'LIST "" %')[0] + b"".join(c.ok(b'LIST "" %'))
        c.ok(b"CREATE a")
        c.ok(b"RENAME a z")
        assert len(c.ok(b'LIST "" z*')) == 4
        c.expect(b"RENAME z z/y", b"NO")
        c.expect(b"RENAME nothing x", b"NO [NONEXISTENT]")
        c.expect(b"DELETE INBOX", b"NO")
        c.expect(b"DELETE nothing", b"NO [NONEXISTENT]")
        for name in (b"/x", b"x//y", b'"x%y"', b'"x*y"', b'""', b'"&AGE-"'):
            c.expect(b"CREATE " + name, b"NO [CANNOT]")

    def t_names(self):
        c = Client(1)
        c.ok(b"CREATE Entw&APw-rfe")
        assert c.ok(b'LIST "" Ent*')[0] == \
            b'* LIST (\\HasNoChildren) "/" Entw&APw-rfe\r\n'
        c.ok(b'CREATE "two words"')
        assert b'"/" "two words"' in c.ok(b'LIST "" two*')[0]
        c.ok(b"SELECT iNbOx")
        lines = c.ok(b'LIST "" inbox')
        assert lines[0].endswith(b'"/" INBOX\r\n')

    def t_many(self):
        """A pattern that costs much, over many names, holds up nobody."""
        c, d = Client(1), Client(1)
        n = 400
        for i in range(n):
            c.send(b"m%d CREATE %s%d\r\n" % (i, b"many" * 100, i))
        for i in range(n):
            assert c.until(b"m%d" % i)[-1].startswith(b"m%d OK" % i)
        assert len(c.ok(b'LIST "" many*')) == n + 1
        c.send(b'x LIST "" "' + b"*m%a" * 450 + b'b"\r\n')
        begin = time.time()
        d.ok(b"NOOP")
        assert time.time() - begin < 0.5
        assert len(c.until(b"x")) == 1
        c.expect(b'LIST "" "' + b"a" * 2001 + b'"', b"NO [LIMIT]")

    def t_uses(self):
        """RFC 6154"""
        c = Client(1)
        lines = b"".join(c.ok(b'LIST "" *'))
        for use in (b"\\Archive", b"\\Drafts", b"\\Junk", b"\\Sent",
                    b"\\Trash"):
            assert use in lines, use
        c.ok(b"CREATE Everything (USE (\\All))")
        assert b"\\All" in c.ok(b'LIST "" Everything')[0]
        c.expect(b"CREATE Odd (USE (\\Odd))", b"NO [USEATTR]")

    def t_subscribe(self):
        c = Client(1)
        c.ok(b"CREATE sub/one")
        c.ok(b"SUBSCRIBE sub/one")
        assert c.ok(b'LSUB "" sub/*')[0] == b'* LSUB () "/" sub/one\r\n'
        assert b'* LSUB (\\Noselect) "/" sub\r\n' in c.ok(b'LSUB "" %')
        c.ok(b"UNSUBSCRIBE sub/one")
        assert len(c.ok(b'LSUB "" sub*')) == 1

    def t_inbox(self):
        """6.3.6: RENAME INBOX moves its messages."""
        c = Client(3)
        c.append(b"INBOX", SMALL)
        c.ok(b"RENAME INBOX old/mail")
        assert b"MESSAGES 1" in c.ok(b"STATUS old/mail (MESSAGES)")[0]
        assert b"MESSAGES 0" in c.ok(b"STATUS INBOX (MESSAGES)")[0]

    def t_status(self):
        c = Client(3)
        line = c.ok(b"STATUS old/mail (MESSAGES RECENT UIDNEXT UIDVALIDITY "
                    b"UNSEEN DELETED SIZE)")[0]
        assert re.match(rb"\* STATUS old/mail \(MESSAGES 1 RECENT 0 UIDNEXT "
                        rb"\d+ UIDVALIDITY \d+ UNSEEN 1 DELETED 0 SIZE %d\)"
                        % len(SMALL), line), line


class Copy:
    def t_copy_move(self):
        c = Client(1)
        c.ok(b"CREATE from")
        c.ok(b"CREATE to")
        c.ok(b"SELECT from")
        for _ in range(6):
            c.append(b"from", SMALL)
        assert b"[COPYUID " in c.ok(b"COPY 1:3 to")[-1]
        c.expect(b"COPY 1 nowhere", b"NO [TRYCREATE]")
        c.expect(b"COPY 9 to", b"BAD")
        lines = c.ok(b"MOVE 1:2 to")
        assert lines[0].startswith(b"* OK [COPYUID "), lines  # RFC 6851 4.3
        assert sum(b"EXPUNGE" in x for x in lines[:-1]) == 2
        assert b"MESSAGES 5" in c.ok(b"STATUS to (MESSAGES)")[0]
        c.ok(b"STORE 1:4 +FLAGS.SILENT (\\Deleted)")
        uid = int(re.search(rb"UID (\d+)", c.fetch(2, b"UID")[0]).group(1))
        assert c.ok(b"UID EXPUNGE %d" % uid)[0] == b"* 2 EXPUNGE\r\n"
        c.ok(b"UNSELECT")
        assert b"MESSAGES 3" in c.ok(b"STATUS from (MESSAGES)")[0]
        c.ok(b"SELECT from")
        assert len(c.ok(b"CLOSE")) == 1
        assert b"MESSAGES 0" in c.ok(b"STATUS from (MESSAGES)")[0]


    def t_codes(self):
        """9051 6.4.7, 6.3.12: TRYCREATE only where a CREATE would help."""
        c = Client(1, b"to")
        for name in (b"a//b", b'"x*"', b'""', b"/x", b'"&AGE-"'):
            c.expect(b"COPY 1 " + name, b"NO [CANNOT]")
            c.expect(b"UID MOVE 1 " + name, b"NO [CANNOT]")
            c.expect(b"APPEND %s {1+}\r\nx" % name, b"NO [CANNOT]")
        c.expect(b"APPEND nowhere {1+}\r\nx", b"NO [TRYCREATE]")
        c.expect(b"MOVE 1 nowhere", b"NO [TRYCREATE]")
        assert b"MESSAGES 5" in c.ok(b"STATUS to (MESSAGES)")[0]

    def t_whole(self):
        """9051 6.4.7: a COPY that fails leaves the target as it was."""
        c, d = Client(1), Client(1)
        c.ok(b"CREATE some")
        c.ok(b"CREATE target")
        for _ in range(4):
            c.append(b"some", SMALL)
        c.ok(b"SELECT some")
        d.ok(b"SELECT some")
        d.ok(b"STORE 2 +FLAGS.SILENT (\\Deleted)")
        d.ok(b"EXPUNGE")
        # RFC 2180 4.4.1: a message that is gone, but not told of
        c.expect(b"COPY 1:4 target", b"NO [EXPUNGEISSUED]")
        assert b"MESSAGES 0" in d.ok(b"STATUS target (MESSAGES)")[0]
        c.expect(b"COPY 9 target", b"BAD")
        c.ok(b"COPY 1 target")
        lines = c.expect(b"MOVE 1:4 target", b"NO [EXPUNGEISSUED]")
        assert b"* 2 EXPUNGE\r\n" in lines and len(lines) == 2, lines
        assert b"MESSAGES 1" in d.ok(b"STATUS target (MESSAGES)")[0]
        lines = c.ok(b"MOVE 1:3 target")
        assert b"MESSAGES 4" in d.ok(b"STATUS target (MESSAGES)")[0]

    def t_flags(self):
        """9051 7.1: flags that are not PERMANENTFLAGS are ignored."""
        c = Client(1)
        c.append(b"some", SMALL)
        c.ok(b"SELECT some")
        assert b"FLAGS (\\Seen)" in \
            c.ok(b"STORE 1 FLAGS (\\Seen \\Foo)")[0]
        c.expect(b"STORE 1 +FLAGS (\\Recent)", b"BAD")


class Search:
    def t_keys(self):
        c = Client(1)
        c.ok(b"CREATE search")
        c.ok(b"SELECT search")
        c.append(b"search", SMALL, b'(\\Seen) " 1-Feb-2001 10:00:00 +0000" ')
        c.append(b"search", MIXED, b'(kw) " 1-Feb-2005 10:00:00 +0000" ')
        for text, want in (
                (b"ALL", b"1 2"), (b"SEEN", b"1"), (b"UNSEEN", b"2"),
                (b"KEYWORD kw", b"2"), (b"UNKEYWORD kw", b"1"),
                (b"NEW", b""), (b"OLD", b"1 2"), (b"NOT RECENT", b"1 2"),
                (b"BEFORE 1-Jan-2003", b"1"), (b"SINCE 1-Feb-2005", b"2"),
                (b"ON 1-Feb-2001", b"1"), (b"LARGER 200", b"2"),
                (b"SMALLER 200", b"1"), (b"1", b"1"), (b"2:*", b"2"),
                (b"OR SEEN KEYWORD kw", b"1 2"),
                (b"NOT (SEEN SMALLER 200)", b"2"),
                (b"SUBJECT Mix", b"2"), (b'HEADER X-Mine ""', b"1"),
                (b"BODY world", b"2"), (b"TEXT small", b"1"),
                (b"BODY nothing", b""), (b"FROM example.net", b"1 2"),
                (b"CHARSET UTF-8 SUBJECT {3+}\r\nsma", b"1")):
            got = c.ok(b"SEARCH " + text)[0]
            assert got.strip() == (b"* SEARCH " + want).strip(), (text, got)
        c.expect(b"SEARCH CHARSET KOI8-R TEXT x", b"NO [BADCHARSET")
        # 6.4.9: "*" is the last message that is there
        c.append(b"search", SMALL)
        c.append(b"search", SMALL)
        c.ok(b"STORE 3:4 +FLAGS.SILENT (\\Deleted)")
        u = [int(x) for x in c.ok(b"UID SEARCH ALL")[0].split()[2:]]
        c.ok(b"UID EXPUNGE %d" % u[3])
        c.ok(b"EXPUNGE")
        for text in (b"UID *", b"UID %d:*" % u[2], b"UID *:4294967295"):
            assert c.ok(b"UID SEARCH " + text)[0] == \
                b"* SEARCH %d\r\n" % u[1], text
        assert c.ok(b"UID SEARCH UID %d:%d" % (u[2], u[3]))[0] == \
            b"* SEARCH\r\n"

    def t_twice(self):
        """9051 9: a message that a set names twice is one."""
        c = Client(1, b"search")
        c.ok(b"CREATE once")
        for text in (b"1:*,2", b"*,1:2", b"*:1,1,1", b"2,*", b"2:*,*"):
            rows = c.ok(b"FETCH %s UID" % text)[:-1]
            assert len(rows) == len(set(rows)), (text, rows)
            before = c.ok(b"STATUS once (MESSAGES)")[0]
            c.ok(b"COPY %s once" % text)
            after = c.ok(b"STATUS once (MESSAGES)")[0]
            assert int(after.split()[4][:-1]) - int(before.split()[4][:-1]) \
                == len(rows), (text, before, after)
        c.expect(b"SEARCH FOO", b"BAD")


if __name__ == "__main__":
    run(globals())

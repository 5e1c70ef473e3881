#! /usr/bin/env python3
"""
Quotas of RFC 9208 in a running suite in which user0003 is an administrator.

usage: quota_client.py server.json CASE

As engine_client.py: each case is a class, the RFC's section beside a check.
"""

import os
import re
import socket
import subprocess

from engine_client import DOMAIN, PASSWORD, SERVER, SMALL, Client, run
from extension_client import fill, untagged

ONE = b'"user0001@%s"' % DOMAIN
TWO = b'"user0002@%s"' % DOMAIN


def sealctl(*words):
    subprocess.check_call(SERVER["sealctl"].split() + list(words),
                          stdout=subprocess.DEVNULL)


def quota(lines):
    """root, [resource, usage, limit]"""
    line = untagged(lines, b"QUOTA ")
    assert len(line) == 1, lines
    found = re.match(rb'\* QUOTA (".*?") \((.*)\)\r\n', line[0])
    return found.group(1), found.group(2).split()


def capability(c):
    return c.ok(b"CAPABILITY")[0].split()


class Own:
    def t_capability(self):
        """9208 3.1.1, 4.1.3: which resources, and that limits can be set"""
        assert b"QUOTA" not in capability(Client())
        words = capability(Client(1))
        for word in (b"QUOTA", b"QUOTA=RES-STORAGE", b"QUOTA=RES-MESSAGE",
                     b"QUOTASET", b"STATUS=DELETED"):
            assert word in words, word

    def t_without_limit(self):
        """9208 4.2.1: an empty list means no limits."""
        c = Client(1)
        lines = c.ok(b"GETQUOTAROOT INBOX")
        assert lines[0] == b"* QUOTAROOT INBOX %s\r\n" % ONE, lines
        assert lines[1] == b"* QUOTA %s ()\r\n" % ONE, lines
        assert len(lines) == 3

    def t_limit(self):
        """9208 4.1.1, 4.1.2, 5.1: units of 1,024 octets, of all mailboxes"""
        sealctl("user", "quota", "user0001@" + DOMAIN.decode(), "1M")
        c = Client(1)
        root, words = quota(c.ok(b"GETQUOTA " + ONE))
        assert root == ONE and words[0] == b"STORAGE" and words[2] == b"1024"
        before = int(words[1])
        fill(c, b"limited", 1)
        c.append(b"limited", b"A: b\r\n\r\n" + os.urandom(300000))
        # A mailbox that is not there would count, too.
        lines = c.ok(b"GETQUOTAROOT not-there")
        assert lines[0] == b"* QUOTAROOT not-there %s\r\n" % ONE, lines
        after = int(quota(lines)[1][1])
        assert 290 < after - before < 400, (before, after)
        c.expect(b"GETQUOTA " + TWO, b"NO [NOPERM]")
        c.expect(b'GETQUOTA "nobody@%s"' % DOMAIN, b"NO [NOPERM]")
        c.expect(b'GETQUOTA ""', b"NO [NONEXISTENT]")
        c.expect(b"GETQUOTA {400+}\r\n" + b"x" * 400, b"NO")
        c.expect(b"GETQUOTAROOT a//b", b"NO")

    def t_names(self):
        """9051 5.1, 6855 3: names as the session has them, everywhere"""
        c = Client(1)
        c.ok(b"ENABLE UTF8=ACCEPT")
        name = b'"Entw\xc3\xbcrfe"'
        c.ok(b"CREATE " + name)
        assert c.ok(b"GETQUOTAROOT " + name)[0].startswith(
            b"* QUOTAROOT %s " % name)
        assert c.ok(b"STATUS %s (MESSAGES)" % name)[0].startswith(
            b"* STATUS %s (" % name)
        assert b"%s\r\n" % name in c.ok(b'LIST "" ' + name)[0]
        c.ok(b"SETMETADATA %s (/private/comment \"x\")" % name)
        assert c.ok(b"GETMETADATA %s /private/comment" % name)[0].startswith(
            b"* METADATA %s (" % name)
        c.ok(b"NOTIFY SET (PERSONAL (MessageNew MessageExpunge))")
        Client(1).append(b"Entw&APw-rfe", SMALL)
        lines = []
        while not untagged(lines, b"STATUS"):
            lines = c.ok(b"NOOP")
        assert lines[0].startswith(b"* STATUS %s (" % name), lines
        c = Client(1)
        c.ok(b"DELETE Entw&APw-rfe")
        assert c.ok(b"GETQUOTAROOT Entw&APw-rfe")[0].startswith(
            b"* QUOTAROOT Entw&APw-rfe ")
        c.ok(b"ENABLE IMAP4rev2")
        assert c.ok(b'GETQUOTAROOT "Entw\xc3\xbcrfe"')[0].startswith(
            b'* QUOTAROOT "Entw\xc3\xbcrfe" ')

    def t_over(self):
        """9208 4.3.1: what does not fit is refused as OVERQUOTA."""
        c = Client(1)
        big = b"A: b\r\n\r\n" + os.urandom(900000)
        before = quota(c.ok(b"GETQUOTA " + ONE))
        c.expect(b"APPEND limited ~{%d+}\r\n%s" % (len(big), big),
                 b"NO [OVERQUOTA]")
        assert quota(c.ok(b"GETQUOTA " + ONE)) == before
        c.append(b"limited", SMALL)

    def t_deleted(self):
        """9208 4.1.4, 5.1: what an EXPUNGE would give back, exactly"""
        c = Client(1)
        fill(c, b"reclaim", 1)
        body = b"A: b\r\n\r\n" + os.urandom(100000)
        c.append(b"reclaim", body)
        c.append(b"reclaim", b"B" + body)
        line = c.ok(b"STATUS reclaim (DELETED DELETED-STORAGE)")[0]
        assert b"(DELETED 0 DELETED-STORAGE 0)" in line, line
        c.ok(b"STORE 2:3 +FLAGS.SILENT (\\Deleted)")
        line = c.ok(b"STATUS reclaim (DELETED DELETED-STORAGE)")[0]
        octets = int(re.search(rb"DELETED 2 DELETED-STORAGE (\d+)",
                               line).group(1))
        used = int(quota(c.ok(b"GETQUOTA " + ONE))[1][1])
        # One that has a copy elsewhere would not give back anything.
        c.ok(b"COPY 3 limited")
        line = c.ok(b"STATUS reclaim (DELETED-STORAGE)")[0]
        half = int(re.search(rb"STORAGE (\d+)", line).group(1))
        assert octets / 2 - 4096 < half < octets / 2 + 4096, (octets, half)
        line = untagged(c.ok(b'LIST "" reclaim RETURN '
                             b"(STATUS (DELETED-STORAGE))"), b"STATUS")[0]
        assert b"(DELETED-STORAGE %d)" % half in line, line
        c.ok(b"EXPUNGE")
        freed = used - int(quota(c.ok(b"GETQUOTA " + ONE))[1][1])
        assert abs(freed - half / 1024) <= 1, (freed, half)
        assert b"STORAGE 0" in c.ok(b"STATUS reclaim (DELETED-STORAGE)")[0]

    def t_grammar(self):
        """9208 7: what it does not allow is BAD."""
        c = Client(1)
        for text in (b"GETQUOTA", b"GETQUOTA a b", b"GETQUOTAROOT",
                     b"GETQUOTAROOT a b", b"SETQUOTA", b"SETQUOTA a",
                     b"SETQUOTA a STORAGE 1", b"SETQUOTA a (STORAGE)",
                     b"SETQUOTA a (STORAGE -1)", b"SETQUOTA a (STORAGE 1",
                     b"SETQUOTA a (STORAGE 9223372036854775808)",
                     b"SETQUOTA a () x",
                     b"UID GETQUOTA a"):
            c.expect(text, b"BAD")
        c = Client()
        c.expect(b"GETQUOTA a", b"BAD")


class Messages:
    """9208 5.2: MESSAGE, of all mailboxes together"""

    def t_limit(self):
        name = "user0001@" + DOMAIN.decode()
        c = Client(1)
        fill(c, b"some", 3)
        fill(c, b"more", 2)
        sealctl("user", "quota", name, "none", "7")
        assert quota(c.ok(b"GETQUOTA " + ONE)) == \
            (ONE, [b"MESSAGE", b"5", b"7"])
        out = subprocess.check_output(
            SERVER["sealctl"].split() + ["user", "show", name])
        assert re.search(rb" 7\s*$", out), out
        sealctl("user", "quota", name, "1G")
        words = quota(c.ok(b"GETQUOTAROOT INBOX"))[1]
        assert words[0] == b"STORAGE" and words[2] == b"1048576"
        assert words[3:] == [b"MESSAGE", b"5", b"7"], words

    def t_append(self):
        """4.3.1, 3502: of several all or none"""
        c = Client(1)
        one = b" {%d+}\r\n%s" % (len(SMALL), SMALL)
        c.expect(b"APPEND some" + 3 * one, b"NO [OVERQUOTA]")
        assert quota(c.ok(b"GETQUOTA " + ONE))[1][4] == b"5"
        c.ok(b"APPEND some" + 2 * one)
        assert quota(c.ok(b"GETQUOTA " + ONE))[1][4] == b"7"
        c.expect(b"APPEND INBOX" + one, b"NO [OVERQUOTA]")

    def t_copy(self):
        """What adds none is allowed."""
        c = Client(1, b"some")
        c.expect(b"COPY 1 more", b"NO [OVERQUOTA]")
        c.expect(b"COPY 1:* more", b"NO [OVERQUOTA]")
        assert b"MESSAGES 2" in c.ok(b"STATUS more (MESSAGES)")[0]
        c.ok(b"MOVE 1 more")
        c.ok(b"MOVE 1 some")
        c.ok(b"UID MOVE 1:* some")
        c.ok(b"REPLACE 1 some {%d+}\r\n%s" % (len(SMALL), SMALL))
        assert quota(c.ok(b"GETQUOTA " + ONE))[1][4] == b"7"
        c.ok(b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert b"DELETED 1)" in c.ok(b"STATUS some (DELETED)")[0]
        c.ok(b"EXPUNGE")
        c.ok(b"COPY 1 more")
        c.expect(b"COPY 1 more", b"NO [OVERQUOTA]")

    def t_deliver(self):
        """RFC 5321 4.2.3: mail for a full account waits, or goes back"""
        lmtp = socket.socket(socket.AF_UNIX)
        lmtp.settimeout(20)
        lmtp.connect(SERVER["lmtp_unix"])
        f = lmtp.makefile("rwb")
        f.readline()
        f.write(b"LHLO x\r\n")
        f.flush()
        while f.readline()[3:4] == b"-":
            pass

        def say(text):
            f.write(text + b"\r\n")
            f.flush()
            return f.readline()

        assert say(b"MAIL FROM:<>").startswith(b"250")
        line = say(b"RCPT TO:<user0001@%s>" % DOMAIN)
        assert line.startswith((b"452 4.2.2", b"552 5.2.2")), line
        assert say(b"RCPT TO:<user0002@%s>" % DOMAIN).startswith(b"250")
        lmtp.close()

    def t_set(self):
        """4.1.3: what is not named has no limit; 3.1.2: 0 prohibits"""
        c = Client(3)
        assert quota(c.ok(b"SETQUOTA %s (MESSAGE 3)" % ONE)) == \
            (ONE, [b"MESSAGE", b"7", b"3"])
        words = quota(c.ok(b"SETQUOTA %s (MESSAGE 20 STORAGE 500)" % ONE))[1]
        assert words[2:] == [b"500", b"MESSAGE", b"7", b"20"], words
        assert quota(c.ok(b"SETQUOTA %s (MESSAGE 0)" % TWO))[1] == \
            [b"MESSAGE", b"0", b"0"]
        Client(2).expect(b"APPEND INBOX {%d+}\r\n%s" % (len(SMALL), SMALL),
                         b"NO [OVERQUOTA]")
        for root in (ONE, TWO):
            assert quota(c.ok(b"SETQUOTA %s ()" % root)) == (root, [])


class Set:
    def t_not_mine(self):
        """9208 8: nobody but an administrator sees or sets others'."""
        for root in (ONE, TWO, b"nobody"):
            Client(1).expect(b"SETQUOTA %s (STORAGE 5)" % root,
                             b"NO [NOPERM]")

    def t_set(self):
        """9208 4.1.3: limits are set, and all others discarded."""
        c = Client(3)
        lines = c.ok(b"SETQUOTA %s (STORAGE 500)" % TWO)
        root, words = quota(lines)
        assert root == TWO and words[0] == b"STORAGE" and words[2] == b"500"
        assert quota(c.ok(b"GETQUOTA " + TWO)) == (root, words)
        # The user, and the other tool, have the same numbers.
        assert quota(Client(2).ok(b"GETQUOTA " + TWO))[1][2] == b"500"
        out = subprocess.check_output(
            SERVER["sealctl"].split() +
            ["user", "show", "user0002@" + DOMAIN.decode()])
        assert b"512000" in out, out
        big = b"A: b\r\n\r\n" + os.urandom(600000)
        Client(2).expect(b"APPEND INBOX ~{%d+}\r\n%s" % (len(big), big),
                         b"NO [OVERQUOTA]")
        for text in (b"(MAILBOX 5)", b"(STORAGE 7 ANNOTATION-STORAGE 1)"):
            c.expect(b"SETQUOTA %s %s" % (TWO, text), b"NO [CANNOT]")
        c.expect(b"SETQUOTA %s (STORAGE 9223372036854775807)" % TWO,
                 b"NO [CANNOT]")
        assert quota(c.ok(b"GETQUOTA " + TWO))[1][2] == b"500"
        assert quota(c.ok(b"SETQUOTA %s ()" % TWO)) == (TWO, [])
        Client(2).append(b"INBOX", big)

    def t_zero(self):
        """9208 3.1.2: 0 prohibits any usage."""
        c = Client(3)
        assert quota(c.ok(b"SETQUOTA %s (STORAGE 0)" % TWO))[1][2] == b"0"
        Client(2).expect(b"APPEND INBOX {%d+}\r\n%s" % (len(SMALL), SMALL),
                         b"NO [OVERQUOTA]")
        c.ok(b"SETQUOTA %s ()" % TWO)

    def t_unknown(self):
        """9208 4.1.1: no such quota root"""
        c = Client(3)
        nobody = b'"nobody@%s"' % DOMAIN
        c.expect(b"GETQUOTA " + nobody, b"NO [NONEXISTENT]")
        c.expect(b"SETQUOTA %s (STORAGE 5)" % nobody, b"NO [NONEXISTENT]")
        c.expect(b'GETQUOTA "../../etc"', b"NO [NONEXISTENT]")

    def t_many(self):
        """Requests of several sessions have their turns, one that leaves too."""
        for _ in range(5):
            c = Client(3)
            c.send(b"x GETQUOTA " + TWO + b"\r\n")
            c.sock.close()
        clients = [Client(3) for _ in range(5)]
        for c in clients:
            c.send(b"y SETQUOTA %s (STORAGE 77)\r\nz GETQUOTA %s\r\n" %
                   (TWO, TWO))
        for c in clients:
            assert quota(c.until(b"y"))[1][2] == b"77"
            assert quota(c.until(b"z"))[1][2] == b"77"
        clients[0].ok(b"SETQUOTA %s ()" % TWO)

    def t_scope(self):
        """An app password of scope imap does not set quotas."""
        lines = Client(3).ok(b"XSEALMAIL APP ADD %s phone imap" % PASSWORD)
        code = re.search(rb"APP ADD \d+ \"(.*)\"", lines[0]).group(1)
        c = Client()
        c.ok(b"LOGIN user0003@%s %s" % (DOMAIN, code))
        c.ok(b'GETQUOTA "user0003@%s"' % DOMAIN)
        c.expect(b"GETQUOTA " + TWO, b"NO [NOPERM]")
        c.expect(b"SETQUOTA %s (STORAGE 5)" % TWO, b"NO [NOPERM]")


if __name__ == "__main__":
    run(globals())

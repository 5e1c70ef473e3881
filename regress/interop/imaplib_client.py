#!/usr/bin/env python3
"""The suite as Python's imaplib sees it.

usage: imaplib_client.py SERVER.JSON CLASS | connections N
"""
import hashlib
import imaplib
import json
import os
import re
import resource
import smtplib
import socket
import ssl
import sys
import time
import unittest

SERVER = json.load(open(sys.argv[1]))
imaplib._MAXLINE = 10_000_000
SMALL = b"From: a@example.net\r\nSubject: %s\r\n\r\nBody.\r\n"


def context():
    c = ssl.create_default_context(cafile=SERVER["cafile"])
    c.check_hostname = False
    return c


def connect():
    return imaplib.IMAP4_SSL(SERVER["host"], SERVER["imaps_port"],
                             ssl_context=context(), timeout=60)


def login(n=1):
    m = connect()
    m.login(SERVER["user_pattern"] % n, SERVER["password"])
    return m


def ok(answer):
    if answer[0] not in ("OK", "BYE"):
        raise AssertionError(answer)
    return answer[1]


def body(m, number, item="BODY.PEEK[]"):
    for part in ok(m.fetch(str(number), "(%s)" % item)):
        if isinstance(part, tuple):
            return part[1]
    raise AssertionError("no literal for %s of %s" % (item, number))


class Case(unittest.TestCase):
    def setUp(self):
        self.box = "T%s" % self.id().split(".")[-1]
        self.m = login()
        ok(self.m.create(self.box))
        ok(self.m.select(self.box))

    def tearDown(self):
        self.m.logout()

    def fill(self, count):
        for i in range(count):
            ok(self.m.append(self.box, None, None, SMALL % b"%d" % i))
        ok(self.m.noop())


class Session(Case):
    def test_capability(self):
        words = ok(self.m.capability())[0].decode().upper().split()
        for w in ("IMAP4REV1 IDLE UIDPLUS MOVE UNSELECT ENABLE ID NAMESPACE "
                  "SPECIAL-USE LITERAL+").split():
            self.assertIn(w, words)

    def test_wrong_password_and_unknown_name_are_one(self):
        said = []
        for name, pw in ((SERVER["user_pattern"] % 1, "wrong"),
                         ("nobody@" + SERVER["domain"], "wrong"),
                         ("x@elsewhere.test", "wrong")):
            m = connect()
            with self.assertRaises(imaplib.IMAP4.error) as e:
                m.login(name, pw)
            said.append(str(e.exception))
            m.shutdown()
        self.assertEqual(len(set(said)), 1, said)

    def test_name_without_domain_and_capitals(self):
        for name in ("user0001", "USER0001@" + SERVER["domain"].upper()):
            m = connect()
            ok(m.login(name, SERVER["password"]))
            m.logout()

    def test_authenticate_plain(self):
        m = connect()
        text = "\0%s\0%s" % (SERVER["user_pattern"] % 1, SERVER["password"])
        ok(m.authenticate("PLAIN", lambda _: text.encode()))
        m.logout()

    def test_unselect_close_namespace_id(self):
        self.fill(2)
        ok(self.m.store("1", "+FLAGS", r"(\Deleted)"))
        ok(self.m.unselect())
        self.assertEqual(int(ok(self.m.select(self.box))[0]), 2)
        ok(self.m.close())
        self.assertEqual(int(ok(self.m.select(self.box))[0]), 1)
        self.assertIn(b"/", ok(self.m.namespace())[0])
        ok(self.m.xatom("ID", "NIL"))


class Boxes(Case):
    def names(self, *args):
        return [line.split(b' "/" ')[-1].strip(b'"').decode()
                for line in ok(self.m.list(*args)) if line]

    def test_special_use(self):
        lines = b"\n".join(ok(self.m.list())).decode()
        for use, name in (("Archive", "Archive"), ("Drafts", "Drafts"),
                          ("Sent", "Sent"), ("Junk", "Spam"),
                          ("Trash", "Trash")):
            self.assertRegex(lines, r"\(.*\\%s.*\) \"/\" \"?%s" % (use, name))

    def test_rename_delete_subscribe(self):
        ok(self.m.create("one/two/three"))
        for n in ("one", "one/two", "one/two/three"):
            self.assertIn(n, self.names())
        self.assertNotIn("one/two", self.names('""', "%"))
        ok(self.m.append("one/two/three", None, None, SMALL % b"x"))
        ok(self.m.rename("one/two", "uno"))
        self.assertIn("uno/three", self.names())
        self.assertNotIn("one/two", self.names())
        self.assertEqual(int(ok(self.m.select("uno/three"))[0]), 1)
        ok(self.m.select("INBOX"))
        ok(self.m.subscribe("uno"))
        self.assertIn(b"uno", b"".join(ok(self.m.lsub())))
        ok(self.m.unsubscribe("uno"))
        ok(self.m.delete("uno/three"))
        self.assertEqual(self.m.select("uno/three")[0], "NO")
        self.assertEqual(self.m.delete("INBOX")[0], "NO")
        self.assertEqual(self.m.create("inbox")[0], "NO")

    def test_modified_utf7(self):
        ok(self.m.create('"Entw&APw-rfe &- mehr"'))
        self.assertIn("Entw&APw-rfe &- mehr", self.names())

    def test_uidvalidity_of_a_new_box_of_an_old_name(self):
        def validity():
            return int(re.search(rb"UIDVALIDITY (\d+)", ok(
                self.m.status("again", "(UIDVALIDITY)"))[0]).group(1))
        ok(self.m.create("again"))
        first = validity()
        ok(self.m.delete("again"))
        ok(self.m.create("again"))
        self.assertNotEqual(first, validity())

    def test_status(self):
        self.fill(3)
        ok(self.m.store("1", "+FLAGS", r"(\Seen)"))
        line = ok(self.m.status(self.box,
                                "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY)"))[0]
        self.assertRegex(line, rb"MESSAGES 3\b")
        self.assertRegex(line, rb"UNSEEN 2\b")


class Octets(Case):
    """Body bytes come back identical, whatever they are."""

    def same(self, data):
        ok(self.m.append(self.box, None, None, data))
        n = int(ok(self.m.select(self.box))[0])
        got = body(self.m, n)
        self.assertEqual(len(got), len(data))
        self.assertEqual(hashlib.sha256(got).digest(),
                         hashlib.sha256(data).digest())
        size = ok(self.m.fetch(str(n), "(RFC822.SIZE)"))[0]
        self.assertIn(b"RFC822.SIZE %d" % len(data), size)
        return n

    # imaplib turns bare CR and LF of a message into CRLF, so those octets
    # are sent by hand.
    def raw_append(self, data):
        m = self.m
        tag = m._new_tag()
        m.send(b"%s APPEND %s {%d}\r\n" % (tag, self.box.encode(), len(data)))
        self.assertTrue(m.readline().startswith(b"+"))
        m.send(data + b"\r\n")
        while True:
            line = m.readline()
            if line.startswith(tag):
                self.assertIn(b" OK ", line)
                return
            self.assertTrue(line)

    def test_shapes(self):
        for data in (b"\r\n", b"x\r\n", b"no header at all",
                     b"A: b\r\n\r\n", b"A: b\r\n\r\n" + b"y" * 65536,
                     b"A: b\r\n\r\n" + b"y" * 65537 + b"\r\n",
                     b"A: b\r\n\r\n" + bytes(range(14, 256)) * 40,
                     b"A: " + b"h" * 200000 + b"\r\n\r\nz\r\n",
                     b"A: b\r\n\r\n" + os.urandom(300000).replace(
                         b"\0", b"0").replace(b"\r", b"1").replace(
                         b"\n", b"2")):
            self.same(data)

    def test_bare_line_ends(self):
        for i, data in enumerate((b"A: b\n\nbare\nlf\n", b"A: b\r\rx\r",
                                  b"A: b\r\n\r\nmixed\n\r\r\n\n\r")):
            self.raw_append(data)
            ok(self.m.select(self.box))
            self.assertEqual(body(self.m, i + 1), data)

    def test_ten_megabytes(self):
        line = b"0123456789abcdef" * 4 + b"\r\n"
        n = self.same(b"Subject: big\r\n\r\n" + line * 160000)
        part = body(self.m, n, "BODY.PEEK[]<6600016.132>")
        self.assertEqual(part, (line * 2)[:132])

    def test_parts(self):
        data = (b"MIME-Version: 1.0\r\nSubject: p\r\nContent-Type: "
                b"multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\n"
                b"Content-Type: text/plain\r\n\r\none\r\n--b\r\n"
                b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n"
                b"two\r\n--b--\r\nepilogue\r\n")
        n = self.same(data)
        self.assertEqual(body(self.m, n, "BODY.PEEK[1]"), b"one")
        self.assertEqual(body(self.m, n, "BODY.PEEK[2]"),
                         b"Subject: inner\r\n\r\ntwo")
        self.assertEqual(body(self.m, n, "BODY.PEEK[2.TEXT]"), b"two")
        self.assertEqual(body(self.m, n, "BODY.PEEK[2.HEADER]"),
                         b"Subject: inner\r\n\r\n")
        self.assertEqual(body(self.m, n, "BODY.PEEK[1.MIME]"),
                         b"Content-Type: text/plain\r\n\r\n")
        self.assertEqual(
            body(self.m, n, "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"),
            b"Subject: p\r\n\r\n")
        line = str(ok(self.m.fetch(str(n), "(BODYSTRUCTURE ENVELOPE)")))
        self.assertIn('"MESSAGE" "RFC822"', line.upper())
        self.assertIn('"inner"', line)


class Flags(Case):
    def uids(self):
        return [int(u) for u in ok(self.m.uid("search", "ALL"))[0].split()]

    def test_flags_and_keywords(self):
        self.fill(3)
        ok(self.m.store("1:2", "+FLAGS", r"(\Seen \Flagged Later)"))
        ok(self.m.store("2", "-FLAGS", r"(\Flagged)"))
        ok(self.m.store("3", "FLAGS.SILENT", r"(\Answered $Forwarded)"))
        self.m.logout()
        self.m = login()
        ok(self.m.select(self.box))
        lines = [x.decode() for x in ok(self.m.fetch("1:3", "(FLAGS)"))]
        for word in (r"\Seen", r"\Flagged", "Later"):
            self.assertIn(word, lines[0])
        self.assertNotIn(r"\Flagged", lines[1])
        self.assertIn("$Forwarded", lines[2])
        self.assertNotIn(r"\Seen", lines[2])

    def test_fetch_sets_seen(self):
        self.fill(1)
        body(self.m, 1)
        self.assertNotIn(rb"\Seen", ok(self.m.fetch("1", "(FLAGS)"))[0])
        body(self.m, 1, "BODY[]")
        self.assertIn(rb"\Seen", ok(self.m.fetch("1", "(FLAGS)"))[0])

    def test_expunge_and_uid_expunge(self):
        self.fill(5)
        u = self.uids()
        self.assertEqual(u, sorted(set(u)))
        ok(self.m.store("2,4", "+FLAGS", r"(\Deleted)"))
        ok(self.m.uid("EXPUNGE", str(u[1])))
        self.assertEqual(self.uids(), [u[0], u[2], u[3], u[4]])
        self.m.response("EXPUNGE")
        self.assertEqual(ok(self.m.expunge()), [b"3"])
        self.assertEqual(self.uids(), [u[0], u[2], u[4]])
        self.fill(1)
        self.assertGreater(self.uids()[-1], u[4])

    def test_copy_move(self):
        self.fill(4)
        ok(self.m.create(self.box + "2"))
        ok(self.m.store("1", "+FLAGS", r"(\Seen Word)"))
        said = ok(self.m.copy("1:2", self.box + "2"))
        self.assertIn(b"[COPYUID ", said[0])
        ok(self.m.uid("MOVE", str(self.uids()[3]), self.box + "2"))
        self.assertEqual(len(self.uids()), 3)
        typ, _ = self.m.copy("1", '"no such box"')
        self.assertEqual(typ, "NO")
        self.assertEqual(int(ok(self.m.select(self.box + "2"))[0]), 3)
        self.assertIn(b"Word", ok(self.m.fetch("1", "(FLAGS)"))[0])
        self.assertIn(b"Subject: 3", body(self.m, 3))

    def test_append_flags_and_date(self):
        when = '"01-Feb-2003 04:05:06 +0700"'
        ok(self.m.append(self.box, r"(\Seen Kept)", when, SMALL % b"d"))
        ok(self.m.select(self.box))
        line = ok(self.m.fetch("1", "(FLAGS INTERNALDATE)"))[0]
        self.assertIn(b"Kept", line)
        t = time.mktime(imaplib.Internaldate2tuple(line))
        self.assertEqual(int(t), 1044047106)


class Idle(Case):
    def test_idle_hears_smtp_and_flags(self):
        m = login(2)
        ok(m.select("INBOX"))
        tag = m._new_tag()
        m.send(tag + b" IDLE\r\n")
        self.assertTrue(m.readline().startswith(b"+"))
        with smtplib.SMTP(SERVER["host"], SERVER["smtp_port"]) as s:
            s.sendmail("a@example.net", [SERVER["user_pattern"] % 2],
                       b"Subject: hello\r\n\r\nx\r\n")
        m.sock.settimeout(20)
        while b"EXISTS" not in m.readline():
            pass
        other = login(2)
        ok(other.select("INBOX"))
        ok(other.store("1", "+FLAGS", r"(\Flagged)"))
        while b"FETCH" not in m.readline():
            pass
        m.send(b"DONE\r\n")
        while not m.readline().startswith(tag + b" OK"):
            pass
        other.logout()
        m.logout()

    def test_two_sessions_see_the_same(self):
        self.fill(2)
        other = login()
        ok(other.select(self.box))
        ok(other.store("1", "+FLAGS", r"(\Deleted)"))
        ok(other.expunge())
        ok(self.m.noop())
        self.assertEqual(
            len(ok(self.m.search(None, "ALL"))[0].split()), 1)
        other.logout()


class Search(Case):
    def find(self, *keys):
        return ok(self.m.search(None, *keys))[0].decode()

    def test_keys(self):
        for i, text in enumerate((b"needle here", b"nothing", b"a NEEDLE")):
            ok(self.m.append(self.box, r"(\Seen)" if i == 1 else None,
                             '"%02d-Feb-2020 00:00:00 +0000"' % (i + 1),
                             b"From: p%d@example.net\r\nSubject: s%d\r\n\r\n"
                             % (i, i) + text + b"\r\n"))
        ok(self.m.select(self.box))
        self.assertEqual(self.find("ALL"), "1 2 3")
        self.assertEqual(self.find("SEEN"), "2")
        self.assertEqual(self.find("UNSEEN"), "1 3")
        self.assertEqual(self.find("BODY", "needle"), "1 3")
        self.assertEqual(self.find("NOT", "TEXT", "needle"), "2")
        self.assertEqual(self.find("FROM", "p1@"), "2")
        self.assertEqual(self.find("OR", "SUBJECT", "s0", "SUBJECT", "s2"),
                         "1 3")
        self.assertEqual(self.find("SINCE", "02-Feb-2020"), "2 3")
        self.assertEqual(self.find("BEFORE", "02-Feb-2020"), "1")
        self.assertEqual(self.find("ON", "03-Feb-2020"), "3")
        self.assertEqual(self.find("LARGER", "10"), "1 2 3")
        self.assertEqual(self.find("2:3", "HEADER", "Subject", "s"), "2 3")
        self.assertEqual(self.find("(UNSEEN BODY here)"), "1")


def connections(count):
    """Opens count sessions, and talks on each once they all stand."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    sessions = []
    for i in range(count):
        m = login(1 + i % 10)
        ok(m.select("INBOX", readonly=True))
        sessions.append(m)
    for m in sessions:
        ok(m.noop())
    t = time.time()
    login(1).logout()
    t = time.time() - t
    print("login beside %d connections: %.3f s" % (count, t))
    for m in sessions:
        m.sock.shutdown(socket.SHUT_RDWR)
    return 0 if t < 5 else 1


if __name__ == "__main__":
    if sys.argv[2] == "connections":
        sys.exit(connections(int(sys.argv[3])))
    unittest.main(argv=[sys.argv[0], sys.argv[2]], verbosity=2)

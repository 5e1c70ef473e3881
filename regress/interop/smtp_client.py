#!/usr/bin/env python3
"""SMTP as it must and must not be taken, with smtplib and by hand.

usage: smtp_client.py SERVER.JSON
"""
import imaplib
import json
import smtplib
import socket
import ssl
import sys
import unittest

SERVER = json.load(open(sys.argv.pop(1)))
USER = SERVER["user_pattern"]
DOMAIN = SERVER["domain"]


def context():
    c = ssl.create_default_context(cafile=SERVER["cafile"])
    c.check_hostname = False
    return c


def inbox(n):
    """The octets of all messages of a user's INBOX, which is then emptied."""
    m = imaplib.IMAP4_SSL(SERVER["host"], SERVER["imaps_port"],
                          ssl_context=context(), timeout=60)
    m.login(USER % n, SERVER["password"])
    count = int(m.select("INBOX")[1][0])
    got = []
    for i in range(1, count + 1):
        got.append(m.fetch(str(i), "(BODY.PEEK[])")[1][0][1])
    if count:
        m.store("1:*", "+FLAGS.SILENT", r"(\Deleted)")
        m.expunge()
    m.logout()
    return got


class Smtp(unittest.TestCase):
    def setUp(self):
        self.s = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=60)
        self.s.ehlo("client.test")

    def tearDown(self):
        self.s.close()

    def code(self, line):
        return self.s.docmd(line)[0]

    def test_extensions(self):
        for e in ("size", "8bitmime", "smtputf8", "pipelining", "chunking",
                  "enhancedstatuscodes", "starttls"):
            self.assertTrue(self.s.has_extn(e), e)

    def test_starttls(self):
        self.s.starttls(context=context())
        self.s.ehlo("client.test")
        self.assertFalse(self.s.has_extn("starttls"))
        self.s.sendmail("a@x.test", USER % 1, b"Subject: tls\r\n\r\nx\r\n")
        got = inbox(1)
        self.assertEqual(len(got), 1)
        self.assertIn(b"ESMTPS", got[0])

    def test_starttls_injection(self):
        sock = socket.create_connection(
            (SERVER["host"], SERVER["smtp_port"]), timeout=20)
        f = sock.makefile("rb")
        f.readline()
        sock.sendall(b"EHLO x\r\n")
        while f.readline()[3:4] == b"-":
            pass
        sock.sendall(b"STARTTLS\r\nNOOP\r\nRSET\r\n")
        first = f.readline()
        if first.startswith(b"220"):
            # Nothing that came in clear may be answered under TLS or now.
            try:
                tls = context().wrap_socket(sock, server_hostname="localhost")
                tls.settimeout(3)
                with self.assertRaises((OSError, ssl.SSLError)):
                    if tls.recv(100) == b"":
                        raise OSError
            except (OSError, ssl.SSLError):
                pass
        sock.close()

    def test_no_relay(self):
        # From 127.0.0.1 it may be asked: see mk/run.sh.
        self.s.close()
        self.s = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=60,
                              source_address=("127.0.0.2", 0))
        self.s.ehlo("client.test")
        self.assertEqual(self.code("MAIL FROM:<a@x.test>"), 250)
        for rcpt in ("b@elsewhere.test", "b%elsewhere.test@" + DOMAIN,
                     "b@elsewhere.test@" + DOMAIN, "@" + DOMAIN +
                     ":b@elsewhere.test"):
            self.assertGreaterEqual(self.code("RCPT TO:<%s>" % rcpt), 500,
                                    rcpt)

    def test_each_recipient_for_itself(self):
        self.s.mail("a@x.test")
        self.assertEqual(self.s.rcpt("nobody@" + DOMAIN)[0], 550)
        self.assertEqual(self.s.rcpt(USER % 1)[0], 250)
        self.assertEqual(self.s.rcpt((USER % 2).upper())[0], 250)
        self.assertEqual(self.s.data(b"Subject: s\r\n\r\nx\r\n")[0], 250)
        self.assertEqual(len(inbox(1)), 1)
        self.assertEqual(len(inbox(2)), 1)

    def test_plus_and_postmaster(self):
        self.s.mail("a@x.test")
        self.assertEqual(
            self.s.rcpt((USER % 1).replace("@", "+detail@"))[0], 250)
        self.s.rset()
        self.s.mail("a@x.test")
        self.assertEqual(self.code("RCPT TO:<postmaster>"), 250)

    def test_chunking(self):
        self.s.mail("a@x.test")
        self.s.rcpt(USER % 1)
        one, two = b"Subject: c\r\n\r\n.\r\nline\r", b"\nend\r\n"
        self.s.send(b"BDAT %d\r\n" % len(one) + one)
        self.assertEqual(self.s.getreply()[0], 250)
        self.s.send(b"BDAT %d LAST\r\n" % len(two) + two)
        self.assertEqual(self.s.getreply()[0], 250)
        self.assertTrue(inbox(1)[0].endswith(one + two))

    def test_pipelining(self):
        self.s.send(("MAIL FROM:<>\r\nRCPT TO:<%s>\r\nDATA\r\n" %
                     (USER % 1)).encode())
        self.assertEqual([self.s.getreply()[0] for _ in range(3)],
                         [250, 250, 354])
        self.s.send(b"Subject: p\r\n\r\nx\r\n.\r\nQUIT\r\n")
        self.assertEqual([self.s.getreply()[0] for _ in range(2)],
                         [250, 221])
        self.assertEqual(len(inbox(1)), 1)

    def test_smuggling(self):
        for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n",
                    b"\r\n.\r", b"\0\r\n.\n"):
            s = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=60)
            s.ehlo("x")
            s.mail("a@x.test")
            s.rcpt(USER % 3)
            self.assertEqual(s.docmd("DATA")[0], 354)
            s.send(b"Subject: one\r\n\r\nfirst" + end +
                   b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<%s>\r\nDATA\r\n"
                   b"Subject: smuggled\r\n\r\nx\r\n.\r\n" %
                   (USER % 4).encode())
            s.getreply()
            s.close()
        self.assertEqual(inbox(4), [])
        for message in inbox(3):
            self.assertIn(b"smuggled", message)

    def test_size(self):
        self.assertEqual(self.code("MAIL FROM:<a@x.test> SIZE=99999999999"),
                         552)
        limit = int(self.s.esmtp_features["size"])
        self.assertEqual(self.code("MAIL FROM:<a@x.test> SIZE=%d" % limit),
                         250)

    def test_order_and_garbage(self):
        for line in ("RCPT TO:<%s>" % (USER % 1), "DATA",
                     "BDAT 5 LAST\r\n123\r"):
            s = smtplib.SMTP(SERVER["host"], SERVER["smtp_port"], timeout=60)
            s.ehlo("x")
            s.send(line.encode() + b"\r\n")
            self.assertGreaterEqual(s.getreply()[0], 500, line)
            s.close()
        self.assertEqual(self.code("NONSENSE"), 500)
        self.assertGreaterEqual(self.code("MAIL FROM:<a@x.test> FOO=BAR"),
                                500)
        self.s.send(b"x" * 70000 + b"\r\n")
        try:
            self.assertGreaterEqual(self.s.getreply()[0], 500)
        except smtplib.SMTPServerDisconnected:
            pass

    def test_utf8(self):
        self.s.sendmail("j\u00f6rg@x.test", [USER % 1],
                        "Subject: \u20ac\r\n\r\n\u00e4\r\n".encode(),
                        mail_options=["SMTPUTF8", "BODY=8BITMIME"])
        self.assertIn("Subject: \u20ac\r\n\r\n\u00e4\r\n".encode(),
                      inbox(1)[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)

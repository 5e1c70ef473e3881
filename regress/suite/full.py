#!/usr/bin/env python3
"""A disk that fills while a suite works: what clients are told, that their
sessions live, that nothing is lost, and that mail flows when there is room.

usage: full.py SERVER.JSON blocks|inodes
The folder of SERVER.JSON is a small file system of its own.
"""
import hashlib
import imaplib
import json
import os
import smtplib
import ssl
import subprocess
import sys
import time

MESSAGE = (b"From: a@example.net\r\nTo: b@example.net\r\nSubject: %d\r\n\r\n"
           + b"All work and no play makes a full disk.\r\n" * 100)


def need(condition, text):
    if not condition:
        sys.exit("full.py: " + text)


class Filler:
    """Takes all blocks, or all inodes, and gives them back."""

    def __init__(self, folder, kind):
        self.path = os.path.join(folder, "filler")
        self.kind = kind

    def fill(self):
        os.makedirs(self.path, exist_ok=True)
        n = 0
        try:
            if self.kind == "inodes":
                while True:
                    open(os.path.join(self.path, str(n)), "x").close()
                    n += 1
            with open(os.path.join(self.path, "blocks"), "ab", 0) as f:
                for size in (1 << 20, 4096, 1):
                    while True:
                        try:
                            f.write(b"x" * size)
                        except OSError:
                            break
        except OSError:
            pass

    def drop(self):
        for name in os.listdir(self.path):
            os.unlink(os.path.join(self.path, name))


class Client:
    def __init__(self, server):
        self.server = server
        self.n = 0
        self.login()

    def login(self):
        server = self.server
        context = ssl.create_default_context(cafile=server["cafile"])
        context.check_hostname = False
        self.imap = imaplib.IMAP4_SSL(
            server["host"], server["imaps_port"], ssl_context=context,
            timeout=60)
        self.user = server["user_pattern"] % 1
        self.imap.login(self.user, server["password"])

    def append(self, box="Kept"):
        """The answer; IMAP4.abort, where the session ends, is a failure."""
        self.n += 1
        return self.imap.append(box, None, None, MESSAGE % self.n)

    def deliver(self, protocol, port):
        """The code of the answer: 250, or of the refusal."""
        self.n += 1
        m = protocol(self.server["host"], port, timeout=60)
        try:
            m.sendmail("a@example.net", [self.user], MESSAGE % self.n)
            return 250
        except smtplib.SMTPRecipientsRefused as e:
            return e.recipients[self.user][0]
        except smtplib.SMTPResponseException as e:
            return e.smtp_code
        finally:
            m.close()

    def both(self):
        return (self.deliver(smtplib.SMTP, self.server["smtp_port"]),
                self.deliver(smtplib.LMTP, self.server["lmtp_port"]))

    def hashes(self, box):
        self.imap.select(box)
        data = self.imap.uid("fetch", "1:*", "(UID BODY.PEEK[])")[1]
        return sorted(hashlib.sha256(d[1]).hexdigest()
                      for d in data if isinstance(d, tuple))

    def count(self, box):
        return int(self.imap.select(box)[1][0])


def refused(answer, what):
    """NO, with words that a person understands."""
    kind, text = answer
    need(kind == "NO", "%s on a full disk: %r" % (what, answer))
    need(b"space" in text[0].lower() or b"full" in text[0].lower() or
         b"quota" in text[0].lower(), "%s is told %r" % (what, text))


def work_on_full(c, full_box):
    """What may still succeed may, but nothing else than NO is an error."""
    refused(c.append(), "APPEND")
    need(c.imap.noop()[0] == "OK", "the session does not live")
    c.imap.select("Kept")
    noes = 0
    for i in range(400):
        kind, text = c.imap.uid("store", "1:*", "%sFLAGS" % "+-"[i % 2],
                                "(\\Flagged word%d)" % (i % 3))
        need(kind in ("OK", "NO"), "STORE: %r" % (text,))
        noes += kind == "NO"
    for i in range(40):
        before = c.count(full_box)
        c.imap.select("Kept")
        kind, text = c.imap.uid("copy", "1:*", full_box)
        after = c.count(full_box)
        c.imap.select("Kept")
        if kind == "OK":
            need(after - before == c.count("Kept"), "COPY was not whole")
        else:
            refused((kind, text), "COPY")
            need(after == before, "a refused COPY left %d" %
                 (after - before))
        noes += kind == "NO"
    need(c.imap.noop()[0] == "OK", "the session does not live")
    return noes


def vault_gone(server):
    """The only user's keys are in no memory: linger is a second."""
    end = time.time() + 100
    while True:
        titles = b""
        for pid in subprocess.run(
                server["pids_cmd"], shell=True, check=True,
                stdout=subprocess.PIPE).stdout.split():
            try:
                with open("/proc/%d/cmdline" % int(pid), "rb") as f:
                    titles += f.read()
            except OSError:
                pass
        if b"imap-store: vault" not in titles:
            return
        need(time.time() < end, "the vault stays")
        time.sleep(0.1)


def delete_on_full(c, n):
    """The way out: n messages go, and the same by a vault that is new."""
    for turn in range(2):
        c.imap.select("Doomed")
        before = c.count("Doomed")
        kind, text = c.imap.store("1:%d" % n, "+FLAGS.SILENT", "(\\Deleted)")
        need(kind == "OK", "\\Deleted on a full disk: %r" % (text,))
        kind, text = c.imap.expunge()
        need(kind == "OK", "EXPUNGE on a full disk: %r" % (text,))
        need(c.count("Doomed") == before - n, "not all was expunged")
        c.imap.logout()
        vault_gone(c.server)
        c.login()
        need(c.count("Doomed") == before - n, "expunged mail came back")


def main():
    server = json.load(open(sys.argv[1]))
    kind = sys.argv[2]
    filler = Filler(os.path.dirname(sys.argv[1]), kind)
    c = Client(server)
    need(c.imap.create("Kept")[0] == "OK", "CREATE")
    need(c.imap.create("Copies")[0] == "OK", "CREATE")
    need(c.imap.create("Doomed")[0] == "OK", "CREATE")
    for _ in range(30):
        need(c.append()[0] == "OK", "APPEND with room")
    for _ in range(40):
        need(c.append("Doomed")[0] == "OK", "APPEND with room")
    need(c.both() == (250, 250), "delivery with room")
    before = c.hashes("Kept")
    for turn in range(2):
        filler.fill()
        codes = c.both()
        need(codes == (452, 452), "deliveries on a full disk: %r" % (codes,))
        noes = work_on_full(c, "Copies")
        need(c.hashes("Kept") == before, "mail changed on a full disk")
        delete_on_full(c, 5)
        other = Client(server)
        need(other.hashes("Kept") == before, "another session")
        other.imap.logout()
        filler.drop()
        need(c.append()[0] == "OK", "APPEND when there is room again")
        codes = c.both()
        need(codes == (250, 250), "delivery when there is room: %r" %
             (codes,))
        before = c.hashes("Kept")
        need(len(before) == 31 + turn, "not all is there")
        print("turn %d: %d refusals" % (turn, noes))
    c.imap.logout()
    c = Client(server)
    need(c.hashes("Kept") == before, "another state after a new login")


if __name__ == "__main__":
    main()

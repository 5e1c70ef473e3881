#!/usr/bin/env python3
"""A user who works and mail that comes, for tests of backups.

usage: busy.py SERVER.JSON work FILE    until killed: delivers by LMTP and works
                                        by IMAP as user 1; every subject that
                                        was acknowledged goes to FILE, a line
       busy.py SERVER.JSON lacks FILE   prints the subjects of FILE that no
                                        mailbox of user 1 has
"""
import email
import imaplib
import json
import smtplib
import ssl
import sys
import time


def login(server):
    context = ssl.create_default_context(cafile=server["cafile"])
    context.check_hostname = False
    m = imaplib.IMAP4_SSL(server["host"], server["imaps_port"],
                          ssl_context=context, timeout=60)
    m.login(server["user_pattern"] % 1, server["password"])
    return m


def ok(answer):
    if answer[0] != "OK":
        sys.exit("not OK: %r" % (answer,))
    return answer[1]


def message(subject):
    return ("Subject: %s\r\nFrom: a@example.org\r\n\r\n" % subject +
            "All work and no play.\r\n" * (len(subject) % 7 * 300 + 5))


def work(server, path):
    user = server["user_pattern"] % 1
    n = 0
    with open(path, "a", buffering=1) as acknowledged:
        while True:
            m = login(server)
            for _ in range(5):
                lmtp = smtplib.LMTP(server["host"], server["lmtp_port"])
                for _ in range(3):
                    n += 1
                    subject = "delivered%d." % n
                    lmtp.sendmail("a@example.org", [user],
                                  message(subject).encode())
                    acknowledged.write(subject + "\n")
                lmtp.quit()
                n += 1
                subject = "appended%d." % n
                ok(m.append("Archive", "(\\Seen)", None,
                            message(subject).encode()))
                acknowledged.write(subject + "\n")
                ok(m.append("Trash", None, None, message("gone").encode()))
                ok(m.select("INBOX"))
                ok(m.store("1:*", "+FLAGS", "(\\Seen)"))
                ok(m.uid("MOVE", "1:*", "Archive"))
                ok(m.select("Trash"))
                ok(m.store("1:*", "+FLAGS", "(\\Deleted)"))
                ok(m.expunge())
            m.logout()


def lacks(server, path):
    m = login(server)
    # What waits is taken in by and by.
    for _ in range(100):
        before = int(ok(m.select("INBOX"))[0])
        time.sleep(0.1)
        ok(m.noop())
        if int(ok(m.select("INBOX"))[0]) == before:
            break
    there = set()
    for box in ("INBOX", "Archive"):
        count = int(ok(m.select(box))[0])
        if count == 0:
            continue
        for item in ok(m.fetch("1:*", "(BODY.PEEK[])")):
            if isinstance(item, tuple):
                subject = email.message_from_bytes(item[1])["Subject"]
                if not item[1].rstrip().endswith(b"no play."):
                    sys.exit("cut: %s" % subject)
                there.add(subject)
    with open(path) as wanted:
        for line in wanted:
            if line.strip() not in there:
                print(line.strip())
    m.logout()


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        SERVER = json.load(f)
    {"work": work, "lacks": lacks}[sys.argv[2]](SERVER, sys.argv[3])

#!/usr/bin/env python3
"""What the test of retention does as a user, over IMAPS.

usage: retention.py SERVER.JSON COMMAND USER-NUMBER [ARGS]
  fill N COUNT        COUNT short messages into INBOX
  delete N COUNT      the first COUNT of INBOX are deleted and expunged
  trash N COUNT       the first COUNT of INBOX are moved to Trash
  back N COUNT        the first COUNT of Trash are moved to INBOX
  full N SIZE BOX     appends SIZE octets to BOX until refused; says why
  copy N BOX          copies all of INBOX to BOX; says what came of it
  empty N BOX         all of BOX is expunged
  lmtp N SIZE         a delivery of SIZE octets; says what came of it
  xdeleted N          XSEALMAIL UNDELETE LIST, its lines
  undelete N ID ...   XSEALMAIL UNDELETE RESTORE
"""
import base64
import json
import os
import smtplib
import sys

import imapdo


def command(m, *words):
    """An extension command: its untagged lines, or what was wrong."""
    tag = m._new_tag()
    m.send(tag + b" " + " ".join(words).encode() + b"\r\n")
    lines = []
    while True:
        line = m.readline().rstrip(b"\r\n")
        if line.startswith(tag):
            if not line.startswith(tag + b" OK"):
                sys.exit(line.decode())
            return lines
        lines.append(line.decode())


def noise(size):
    """Text that does not get smaller."""
    return base64.encodebytes(os.urandom(size * 3 // 4)).replace(
        b"\n", b"\r\n")


def fill(m, count):
    for i in range(count):
        text = b"Subject: message %d\r\nFrom: a@example.org\r\n\r\nx\r\n" % i
        imapdo.ok(m.append("INBOX", None, None, text))


def full(m, size, box):
    text = b"Subject: large\r\n\r\n" + noise(size)
    for i in range(1000):
        typ, data = m.append(box, None, None, text)
        if typ != "OK":
            print(i, data[0].decode())
            return
    sys.exit("never refused")


def lmtp(server, n, size):
    to = server["user_pattern"] % n
    c = smtplib.LMTP(server["host"], int(server["lmtp_port"]))
    text = b"Subject: l\r\n\r\n" + noise(size)
    try:
        c.sendmail("a@example.org", [to], text)
        print("250")
    except smtplib.SMTPRecipientsRefused as e:
        code, why = next(iter(e.recipients.values()))
        print(code, why.decode())
    except smtplib.SMTPResponseException as e:
        print(e.smtp_code, e.smtp_error.decode())
    c.quit()


def main():
    server = json.load(open(sys.argv[1]))
    what, n, args = sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    m = imapdo.login(server, n)
    if what == "fill":
        fill(m, int(args[0]))
    elif what == "full":
        full(m, int(args[0]), args[1])
    elif what == "copy":
        imapdo.ok(m.select("INBOX"))
        typ, data = m.copy("1:*", args[0])
        print(typ, data[0].decode())
    elif what == "delete":
        imapdo.ok(m.select("INBOX"))
        imapdo.ok(m.store("1:" + args[0], "+FLAGS.SILENT", "(\\Deleted)"))
        imapdo.ok(m.expunge())
    elif what in ("trash", "back"):
        source, target = ("INBOX", "Trash")[::1 if what == "trash" else -1]
        imapdo.ok(m.select(source))
        command(m, "MOVE", "1:" + args[0], target)
    elif what == "empty":
        imapdo.ok(m.select(args[0]))
        imapdo.ok(m.store("1:*", "+FLAGS.SILENT", "(\\Deleted)"))
        imapdo.ok(m.expunge())
    elif what == "lmtp":
        lmtp(server, n, int(args[0]))
    elif what == "xdeleted":
        print("\n".join(command(m, "XSEALMAIL", "UNDELETE", "LIST")))
    elif what == "undelete":
        print("\n".join(command(m, "XSEALMAIL", "UNDELETE", "RESTORE",
                                *args)))
    else:
        sys.exit(__doc__)
    m.logout()


main()

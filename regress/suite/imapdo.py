#!/usr/bin/env python3
"""What tests ask of an account, over IMAPS with Python's own imaplib.

usage: imapdo.py SERVER.JSON COMMAND USER-NUMBER [ARGS]
  count N BOX            how many messages are in BOX
  hashes N BOX           sorted SHA-256 of the octets of each message
  append N BOX DIR       every file of DIR/cur and DIR/new, CRLF line ends
  boxes N                names of all mailboxes
  wait N BOX COUNT       IDLE-free wait (60 s) until BOX holds COUNT messages
"""
import hashlib
import imaplib
import json
import os
import ssl
import sys
import time

imaplib._MAXLINE = 10_000_000


def login(server, n):
    context = ssl.create_default_context(cafile=server["cafile"])
    context.check_hostname = False
    m = imaplib.IMAP4_SSL(server["host"], server["imaps_port"],
                          ssl_context=context, timeout=60)
    m.login(server["user_pattern"] % n, server["password"])
    return m


def ok(answer):
    if answer[0] != "OK":
        sys.exit("not OK: %r" % (answer,))
    return answer[1]


def bodies(m):
    """The octets of every message of the selected box, some at a time."""
    uids = ok(m.uid("search", "ALL"))[0].split()
    for i in range(0, len(uids), 100):
        part = b",".join(uids[i:i + 100]).decode()
        for item in ok(m.uid("fetch", part, "(UID BODY.PEEK[])")):
            if isinstance(item, tuple):
                yield item[1]


def files(folder):
    for sub in ("cur", "new"):
        path = os.path.join(folder, sub)
        if os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                yield os.path.join(path, name)


def main():
    server = json.load(open(sys.argv[1]))
    command, n, args = sys.argv[2], int(sys.argv[3]), sys.argv[4:]
    m = login(server, n)
    if command == "count":
        print(int(ok(m.select(args[0], readonly=True))[0]))
    elif command == "hashes":
        ok(m.select(args[0], readonly=True))
        for h in sorted(hashlib.sha256(b).hexdigest() for b in bodies(m)):
            print(h)
    elif command == "append":
        for path in files(args[1]):
            data = open(path, "rb").read()
            data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            ok(m.append(args[0], None, None, data))
    elif command == "boxes":
        for line in ok(m.list()):
            print(line.decode())
    elif command == "wait":
        end = time.time() + 60
        while int(ok(m.select(args[0], readonly=True))[0]) < int(args[1]):
            if time.time() > end:
                sys.exit("%s never held %s messages" % (args[0], args[1]))
            time.sleep(0.1)
    else:
        sys.exit(__doc__)
    m.logout()


if __name__ == "__main__":
    main()

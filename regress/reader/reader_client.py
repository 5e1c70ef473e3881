#!/usr/bin/python3
"""The IMAP side of the reader's tests: makes work, and compares.

usage: reader_client.py SERVER.JSON USER-NUMBER COMMAND [ARGS]
  work              every operation that a client has, in one session; the
                    reader is compared in its midst (the vault lives)
  small             a little of all: what regress/vectors/suite was made with
  append            some messages to INBOX and a new box
  fill MESSAGES     that many messages in the box Many, by APPEND and COPY
  flags ROUNDS      so often sets and takes a flag of all of Many, and waits
                    for the checkpoint that so much log must bring
  compare FILE      what the reader printed against what IMAP shows; mail that
                    had no UID yet is compared without it
"""
import hashlib
import imaplib
import json
import os
import re
import ssl
import subprocess
import sys
import time

imaplib._MAXLINE = 50_000_000
HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = (0, 1, 65535, 65536, 65537, 131072, 300001)


def ok(answer):
    if answer[0] != "OK":
        sys.exit("not OK: %r" % (answer,))
    return answer[1]


def login(server, n):
    context = ssl.create_default_context(cafile=server["cafile"])
    context.check_hostname = False
    m = imaplib.IMAP4_SSL(server["host"], server["imaps_port"],
                          ssl_context=context, timeout=120)
    m.login(server["user_pattern"] % n, server["password"])
    return m


def text(number, size=0):
    head = b"From: a@example.org\r\nSubject: number %d\r\n\r\n" % number
    line = b"All work and no play makes %d a dull number.\r\n" % number
    return head + line * (size // len(line)) + b"x" * (size % len(line))


def exact(number, size):
    """A message of exactly that many octets."""
    return text(number, size)[-size:] if size else b""


def account(server, n):
    local, domain = (server["user_pattern"] % n).split("@")
    return os.path.join(server["data_dir"], "accounts", domain, local)


def read(server, n):
    run = subprocess.run(
        ["/usr/bin/python3", os.path.join(HERE, "sealreader"),
         account(server, n), "--password-stdin", "--json"],
        input=server["password"].encode() + b"\n", stdout=subprocess.PIPE,
        check=False)
    if run.returncode != 0:
        sys.exit("the reader ended with %d" % run.returncode)
    return json.loads(run.stdout)


def decoded(name):
    """Modified UTF-7 (RFC 3501 5.1.3), as far as these tests need it."""
    def shifted(m):
        if m[1] == "":
            return "&"
        return ("+%s-" % m[1].replace(",", "/")).encode().decode("utf-7")
    return re.sub("&([^-]*)-", shifted, name)


def boxes(m):
    for line in ok(m.list()):
        flags, name = re.match(rb'\(([^)]*)\) "/" (.*)\Z', line).groups()
        if b"\\NonExistent" in flags or b"\\Noselect" in flags:
            continue
        name = name.decode()
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        yield name


def messages(m):
    """(uid, flags, internaldate, sha256) of the selected box."""
    found = []
    for item in ok(m.uid("fetch", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")
                   if int(m.untagged_responses["EXISTS"][0]) else
                   ("OK", [])):
        if not isinstance(item, tuple):
            continue
        head = item[0].decode()
        found.append({
            "uid": int(re.search(r"UID (\d+)", head)[1]),
            "flags": re.search(r"FLAGS \(([^)]*)\)", head)[1].split(),
            "internaldate": re.search(r'INTERNALDATE "([^"]*)"', head)[1],
            "sha256": hashlib.sha256(item[1]).hexdigest()})
    return found


def annotations(m, quoted):
    """Values by name, of a mailbox that is selected or not."""
    m.untagged_responses.pop("METADATA", None)
    ok(m.xatom("GETMETADATA", "(DEPTH infinity)", quoted,
               "(/private /shared)"))
    found = (re.search(rb'\("([^"]*)" "(.*)"\)\Z', x)
             for x in m.untagged_responses.pop("METADATA", []))
    return {x[1].decode(): x[2].decode() for x in found if x}


def annotate(m, box, text):
    ok(m.xatom("SETMETADATA", box, text))


def seen_by_imap(m):
    result = []
    for name in boxes(m):
        quoted = '"%s"' % name.replace("\\", "\\\\").replace('"', '\\"')
        ok(m.select(quoted, readonly=True))
        validity = int(m.response("UIDVALIDITY")[1][0])
        result.append({"name": decoded(name), "uidvalidity": validity,
                       "annotations": annotations(m, quoted),
                       "messages": messages(m)})
        m.unselect()
    return result


def key(message, with_uid=True):
    flags = tuple(sorted(f for f in message["flags"] if f != "\\Recent"))
    return (message["uid"] if with_uid else 0, flags,
            message["internaldate"], message["sha256"])


def compare(theirs, ours):
    """theirs: the reader's; ours: what IMAP shows."""
    a = {b["name"]: b for b in theirs["mailboxes"]}
    b = {b["name"]: b for b in ours}
    if len(a) != len(theirs["mailboxes"]):
        sys.exit("the reader shows a name twice")
    opened = any(box["uidvalidity"] for box in a.values())
    if opened and sorted(a) != sorted(b):
        sys.exit("mailboxes differ: %s %s" % (sorted(a), sorted(b)))
    total = waiting = 0
    for name, box in a.items():
        if opened and box["uidvalidity"] != b[name]["uidvalidity"]:
            sys.exit("%s: uidvalidity differs" % name)
        if box.get("annotations", {}) != b[name].get("annotations", {}):
            sys.exit("%s: the reader shows the annotations %s, IMAP %s" %
                     (name, box.get("annotations", {}),
                      b[name].get("annotations", {})))
        shown = b[name]["messages"]
        placed = [key(m) for m in box["messages"] if m["uid"]]
        new = sorted(key(m) for m in box["messages"] if not m["uid"])
        uids = {m[0] for m in placed}
        one("%s, with a UID" % name, placed,
            [key(m) for m in shown if m["uid"] in uids])
        one("%s, without" % name, new,
            sorted(key(m, False) for m in shown if m["uid"] not in uids))
        total, waiting = total + len(shown), waiting + len(new)
    print("%d mailboxes, %d messages, %d of them waiting in in/"
          % (len(a), total, waiting))


def one(what, theirs, ours):
    if theirs != ours:
        for line in list(zip(theirs, ours))[:5]:
            print(line)
        sys.exit("%s: the reader shows %d messages, IMAP %d, or they differ"
                 % (what, len(theirs), len(ours)))


def append_all(m, box):
    dates = (None, '"01-Jan-1990 00:00:00 +0000"',
             '"29-Feb-2024 23:59:59 -0730"', '" 5-Jul-2031 12:00:00 +1345"',
             '"31-Dec-1969 23:00:00 +0000"')
    flags = (None, "(\\Seen)", "(\\Draft \\Flagged $Forwarded)",
             "(work $Junk \\Answered)")
    for i in range(24):
        ok(m.append(box, flags[i % len(flags)], dates[i % len(dates)],
                    text(i, i * 997)))
    for i, size in enumerate(SIZES[1:]):
        ok(m.append(box, None, None, exact(i, size)))


def work(server, n):
    m = login(server, n)
    ok(m.create("Lists/One"))
    ok(m.create("Lists/Two"))
    ok(m.create('"R&AOk-sum&AOk-"'))
    ok(m.create("Gone"))
    append_all(m, "INBOX")
    append_all(m, "Lists/One")
    append_all(m, "Gone")
    for box in ("INBOX", "Lists/One", "Gone"):
        annotate(m, box, '(/private/comment "old %s" /shared/comment "x")' %
                 box)
    annotate(m, "INBOX", '(/private/comment "new" /shared/comment NIL)')
    annotate(m, '""', '(/private/vendor/sealmail/x "all")')
    ok(m.select("INBOX"))
    ok(m.copy("1:10", "Lists/Two"))
    ok(m.copy("3:5", "INBOX"))
    ok(m.uid("MOVE", "1:9", "Archive"))
    ok(m.store("2:6", "+FLAGS", "(\\Flagged later blue)"))
    ok(m.store("3", "FLAGS", "(blue)"))
    ok(m.store("4:7", "-FLAGS", "(\\Flagged)"))
    ok(m.store("1,5,8", "+FLAGS", "(\\Deleted)"))
    ok(m.expunge())
    compare(read(server, n), seen_by_imap(m))
    ok(m.delete("Gone"))
    ok(m.rename("Lists/One", "Lists/\"Uno\"".replace('"', "")))
    ok(m.rename("Lists", "Row"))
    ok(m.rename('"R&AOk-sum&AOk-"', '"Row/R&AOk-sum&AOk-"'))
    ok(m.create("Gone"))
    append_all(m, "Gone")
    ok(m.select("Row/Two"))
    ok(m.store("1:*", "+FLAGS", "(\\Deleted)"))
    ok(m.expunge())
    compare(read(server, n), seen_by_imap(m))
    m.logout()


def small(server, n):
    m = login(server, n)
    ok(m.create("Lists"))
    ok(m.append("INBOX", "(\\Seen work)", '"29-Feb-2024 23:59:59 -0730"',
                text(1, 3000)))
    ok(m.append("INBOX", None, '" 5-Jul-2031 12:00:00 +1345"', text(2, 70000)))
    ok(m.append("INBOX", "(\\Draft)", None, text(3)))
    ok(m.select("INBOX"))
    ok(m.copy("1:2", "Lists"))
    ok(m.uid("MOVE", "6", "Drafts"))
    ok(m.store("1", "+FLAGS", "(\\Deleted)"))
    ok(m.store("2:*", "+FLAGS", "(later)"))
    ok(m.expunge())
    ok(m.rename("Lists", "Row"))
    m.logout()


def fill(server, n, count):
    m = login(server, n)
    ok(m.create("Many"))
    ok(m.select("Many"))
    have = 50
    for i in range(have):
        ok(m.append("Many", None, None, text(i, 100)))
    ok(m.noop())
    while have < count:
        part = min(have, count - have)
        ok(m.copy("1:%d" % part, "Many"))
        have += part
    ok(m.uid("STORE", "1:*", "+FLAGS.SILENT", "(keyed)"))
    m.logout()


def first_segment(server, n):
    log = os.path.join(account(server, n), "log")
    return min(int(name.split(".")[1]) for name in os.listdir(log)
               if re.match(r"[0-9a-f]{16}\.", name))


def flags(server, n, rounds):
    m = login(server, n)
    before = first_segment(server, n)
    ok(m.select("Many"))
    for _ in range(rounds):
        ok(m.store("1:*", "+FLAGS.SILENT", "(\\Seen)"))
        ok(m.store("1:*", "-FLAGS.SILENT", "(\\Seen)"))
    ok(m.store("1:7", "+FLAGS.SILENT", "(\\Deleted)"))
    ok(m.expunge())
    ok(m.copy("5:9", "Archive"))
    ok(m.uid("MOVE", "1:40", "Trash"))
    end = time.time() + 60      # a vault does it when it has nothing to do
    while first_segment(server, n) == before:
        if time.time() > end:
            sys.exit("no checkpoint was made")
        time.sleep(0.1)
    ok(m.store("1:5", "+FLAGS.SILENT", "(after)"))
    m.logout()


def main():
    server = json.load(open(sys.argv[1]))
    n, command, args = int(sys.argv[2]), sys.argv[3], sys.argv[4:]
    if command == "work":
        work(server, n)
    elif command == "small":
        small(server, n)
    elif command == "append":
        m = login(server, n)
        ok(m.create("New%d" % time.time()))
        append_all(m, "INBOX")
        m.logout()
    elif command == "fill":
        fill(server, n, int(args[0]))
    elif command == "flags":
        flags(server, n, int(args[0]))
    elif command == "compare":
        m = login(server, n)
        compare(json.load(open(args[0])), seen_by_imap(m))
        m.logout()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()

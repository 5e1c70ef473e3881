#!/usr/bin/env python3
"""Two suites that serve copies of one account; their files go by hand.

usage: two_hosts.py ONE.JSON OTHER.JSON APP-PASSWORD

user0001 is paired, user0002 is not.  Each host's own series are copied to the
other: messages first, then the log, then keys.  The sessions stay: what the
other host did must turn up in them.
"""
import imaplib
import json
import os
import re
import shlex
import shutil
import ssl
import subprocess
import sys
import threading
import time

PATIENCE = 120  # seconds; a look comes every 2


def login(server, n, password=None):
    context = ssl.create_default_context(cafile=server["cafile"])
    context.check_hostname = False
    m = imaplib.IMAP4_SSL(server["host"], server["imaps_port"],
                          ssl_context=context, timeout=PATIENCE)
    m.login(server["user_pattern"] % n, password or server["password"])
    return m


def ok(answer):
    if answer[0] != "OK":
        sys.exit("not OK: %r" % (answer,))
    return answer[1]


def folder(server, n):
    user, domain = (server["user_pattern"] % n).split("@")
    return os.path.join(server["data_dir"], "accounts", domain, user)


def series_of(path, host):
    """Is that segment of the log of this host's series?"""
    with open(path, "rb") as f:
        return f.read(33)[32] == host


def put(source, target):
    """Whole or not at all; the owner is the folder's."""
    st = os.stat(os.path.dirname(target))
    mode = os.stat(source).st_mode & 0o777
    shutil.copyfile(source, target + ".by-hand")
    os.chmod(target + ".by-hand", mode)
    if os.geteuid() == 0:
        os.chown(target + ".by-hand", st.st_uid, st.st_gid)
    os.rename(target + ".by-hand", target)


def exchange(servers, host, n=1):
    """What that host has written goes to the other."""
    source, target = folder(servers[host], n), folder(servers[not host], n)
    for name in os.listdir(source + "/blob"):
        if len(name) == 32 and not os.path.exists(target + "/blob/" + name) \
                and not os.path.exists(target + "/trash/" + name):
            put(source + "/blob/" + name, target + "/blob/" + name)
    for name in sorted(os.listdir(source + "/log")):
        if series_of(source + "/log/" + name, host):
            put(source + "/log/" + name, target + "/log/" + name)
    keys(servers, host, n)


def keys(servers, host, n):
    source, target = folder(servers[host], n), folder(servers[not host], n)
    mine = [x for x in os.listdir(source + "/keys")
            if x.split(".")[1] == str(host)]
    for name in mine:
        if not os.path.exists(target + "/keys/" + name):
            put(source + "/keys/" + name, target + "/keys/" + name)
    for name in os.listdir(target + "/keys"):
        if name.split(".")[1] == str(host) and name not in mine:
            os.unlink(target + "/keys/" + name)


def carry_log(servers, host):
    """What is being written is read twice: what is the same was there."""
    source, target = (folder(servers[h], 1) + "/log/"
                      for h in (host, not host))
    names = [x for x in os.listdir(source) if re.match(r"\w{16}\.\d+\Z", x)]
    for name in sorted(names, key=lambda x: int(x.split(".")[1])):
        if not series_of(source + name, host):
            continue
        read = []
        for _ in range(2):
            with open(source + name, "rb") as f:
                read.append(f.read())
        same = os.path.commonprefix(read)
        with open("carried", "wb") as f:
            f.write(same)
        os.chmod("carried", os.stat(source + name).st_mode & 0o777)
        put("carried", target + name)


def until(what, test):
    end = time.time() + PATIENCE
    while not test():
        if time.time() > end:
            sys.exit("never seen: " + what)
        time.sleep(0.1)


def shown(m):
    """UID: (flags, subject) of the selected mailbox, by this session."""
    ok(m.noop())
    found = {}
    for item in ok(m.uid("fetch", "1:*",
                         "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")):
        if not isinstance(item, tuple):
            continue
        head = item[0].decode()
        uid = int(head.split("UID ")[1].split()[0].rstrip(")"))
        flags = set(head.split("FLAGS (")[1].split(")")[0].split())
        found[uid] = flags, item[1].decode().partition(":")[2].strip()
    return found


def subjects(m):
    return sorted(s for _, s in shown(m).values())


def append(m, box, subject, flags=None):
    ok(m.append(box, flags, None,
                b"Subject: %s\r\n\r\ntext of %s\r\n" % ((subject.encode(),) *
                                                        2)))


def uid_of(m, subject):
    return next(u for u, (_, s) in shown(m).items() if s == subject)


def messages(servers, a, b):
    """Mail, flags and expunges come to a session that is there."""
    append(b, "INBOX", "from the other", r"(\Flagged $Work)")
    ok(b.uid("store", str(uid_of(b, "one")), "+FLAGS", r"(\Answered $Mine)"))
    before = shown(a)
    exchange(servers, 1)
    until("a message of the other host",
          lambda: "from the other" in subjects(a))
    after = shown(a)
    assert after[uid_of(a, "from the other")][0] == {r"\Flagged", "$Work"}
    assert after[uid_of(a, "one")][0] == {r"\Answered", "$Mine"}, after
    assert set(before) < set(after), "a UID has changed"
    body = ok(a.uid("fetch", str(uid_of(a, "from the other")),
                    "(BODY.PEEK[TEXT])"))[0][1]
    assert body == b"text of from the other\r\n", body
    ok(a.uid("store", str(uid_of(a, "two")), "+FLAGS", r"(\Deleted)"))
    ok(a.expunge())
    exchange(servers, 0)
    until("an expunge of the other host", lambda: "two" not in subjects(b))
    assert subjects(a) == subjects(b), (subjects(a), subjects(b))


def mailbox(servers, a, b):
    """Removed here, filled there: it is there again, with its keywords."""
    ok(a.delete("Plans"))
    for _ in range(20):     # later, by Lamport's time
        ok(b.uid("store", str(uid_of(b, "one")), "+FLAGS", r"(\Seen)"))
        ok(b.uid("store", str(uid_of(b, "one")), "-FLAGS", r"(\Seen)"))
    append(b, "Plans", "a plan", "($Soon)")
    exchange(servers, 1)
    until("a mailbox that came back",
          lambda: a.select("Plans", readonly=True)[0] == "OK")
    exchange(servers, 0)
    for m in a, b:
        until("its message", lambda: m.select("Plans")[0] == "OK" and
              [x[0] for x in shown(m).values()] == [{"$Soon"}])
        ok(m.select("INBOX"))


def count(m, box):
    """Messages, or 0: there is no such mailbox yet."""
    kind, answer = m.status(box, "(MESSAGES)")
    return int(answer[0].split()[-1].rstrip(b")")) if kind == "OK" else 0


def copies(servers, a, b):
    """A copy in pieces, of which the other host gets whatever there is."""
    ok(a.create("Source"))
    ok(a.create("Copies"))
    for i in range(10):
        append(a, "Source", "many %d" % i)
    ok(a.select("Source"))
    for i in range(6):
        ok(a.copy("1:%d" % (10 << i), "Source"))
    copied = threading.Event()

    def carry():
        while not copied.is_set():
            carry_log(servers, 0)

    carrier = threading.Thread(target=carry)
    carrier.start()
    ok(a.copy("1:*", "Copies"))
    copied.set()
    carrier.join()
    assert count(a, "Copies") == 640
    exchange(servers, 0)
    until("a copy of many", lambda: count(b, "Copies") == 640)
    ok(b.select("Copies"))
    assert subjects(b) == sorted(s for s in ["many %d" % i for i in range(10)]
                                 for _ in range(64))
    exchange(servers, 1)
    check = shlex.split(servers[0]["sealctl"]) + [
        "merge-check", folder(servers[0], 1), folder(servers[1], 1)]
    subprocess.run(check, check=True, stdout=subprocess.DEVNULL)
    for m in a, b:
        ok(m.select("INBOX"))


def ended(m):
    try:
        m.noop()
    except (imaplib.IMAP4.abort, OSError):
        return True
    return False


def revoke(server, n):
    args = ["app", "list", "-j", "-s", "-C", server["cafile"], "-h",
            server["host"], "-p", str(server["imaps_port"]),
            server["user_pattern"] % n]
    text = subprocess.run([server["sealmail"].split()[0], *args], check=True,
                          input=server["password"] + "\n", text=True,
                          stdout=subprocess.PIPE).stdout
    slots = json.loads(text)
    slots = slots.get("slots", slots) if isinstance(slots, dict) else slots
    number = next(s["id"] for s in slots if s["kind"] == "app")
    args[1:3] = ["revoke"]
    subprocess.run([server["sealmail"].split()[0], *args, str(number)], check=True,
                   input=server["password"] + "\n", text=True)


def keyfiles(servers, n, code, reload):
    """An app password that is revoked there ends its sessions here."""
    m = login(servers[0], n, code)
    ok(m.select("INBOX"))
    revoke(servers[1], n)
    ok(m.noop())
    begin = time.time()
    keys(servers, 1, n)
    if reload:
        subprocess.run(shlex.split(servers[0]["sealctl"]) + ["reload"],
                       check=True, stdout=subprocess.DEVNULL)
    until("the end of a session", lambda: ended(m))
    try:
        login(servers[0], n, code)
        sys.exit("a revoked password opens")
    except imaplib.IMAP4.error:
        pass
    return time.time() - begin


def main():
    servers = [json.load(open(x)) for x in sys.argv[1:3]]
    codes = sys.argv[3:]
    a, b = (login(s, 1) for s in servers)
    for m in a, b:
        ok(m.select("INBOX"))
    assert subjects(a) == subjects(b) == ["one", "two"]
    messages(servers, a, b)
    mailbox(servers, a, b)
    copies(servers, a, b)
    keyfiles(servers, 1, codes[0], False)
    print("without pairing: %.1f s after a reload" %
          keyfiles(servers, 2, codes[1], True))
    ok(a.noop())
    ok(b.noop())


main()

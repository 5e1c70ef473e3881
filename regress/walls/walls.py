#!/usr/bin/env python3
"""Looks at a running suite as an intruder or a thief would.

usage: walls.py SERVER.JSON COMMAND
  status    every role: uid, capabilities, no new privileges, seccomp
  inject N  forbidden system calls from inside every role's process
  memory    keys, passwords, text: in whose memory, when nobody is logged in
  disk      what the files under the data directory show
  writes    forbidden writes under each role's uid (root only)
  peers     processes of one uid among themselves (not as root)
  kill N    N messages by LMTP and APPEND while roles are killed at random
Prints what it saw; exits 1 at the first hole.
"""
import ctypes
import errno
import glob
import imaplib
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SUITE = json.load(open(sys.argv[1]))
RUN = os.path.dirname(os.path.abspath(sys.argv[1]))
PARENTS = ("sealimapd", "sealsmtpd", "sealrelayd")
ROLES = ("sealkeys", "imap-engine", "imap-store", "imap-worker",
         "smtp-engine", "smtp-deliver", "smtp-queue", "smtp-relay",
         "smtp-resolver")


def hole(text):
    print("HOLE:", text)
    sys.exit(1)


def pids():
    """The daemons and what descends from them."""
    parent = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, errors="replace") as f:
                pid, _, rest = f.read().partition(" ")
            parent[int(pid)] = int(rest.rpartition(")")[2].split()[1])
        except OSError:
            continue
    ours = set()
    for name in PARENTS:
        with open(os.path.join(RUN, name + ".pid")) as f:
            ours.add(int(f.read()))
    found = []
    for pid in parent:
        up = pid
        while up in parent and up not in ours:
            up = parent[up]
        if up in ours:
            found.append(pid)
    return found


def name_of(pid):
    """The program of a process by its title; a vault says what it is."""
    try:
        title = open("/proc/%d/cmdline" % pid).read()
    except OSError:
        return None
    name = os.path.basename(re.split("[: \0]", title)[0])
    return "vault" if name == "imap-store" and "vault" in title else name


def roles():
    """{role: [pid]}, without the parents."""
    found = {}
    for pid in pids():
        name = name_of(pid)
        if name in ROLES or name == "vault":
            found.setdefault(name, []).append(pid)
    return found


def wait_for(what, check, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    hole("waited in vain for " + what)


def login(n=1):
    context = ssl.create_default_context(cafile=SUITE["cafile"])
    context.check_hostname = False
    m = imaplib.IMAP4_SSL(SUITE["host"], SUITE["imaps_port"],
                          ssl_context=context, timeout=30)
    m.login(SUITE["user_pattern"] % n, SUITE["password"])
    return m


def lmtp(messages, n=1, sender="someone@example.org"):
    """Delivers; yields after each 250."""
    s = socket.create_connection((SUITE["host"], SUITE["lmtp_port"]), 20)
    f = s.makefile("rwb")

    def say(line, want):
        if line:
            f.write(line + b"\r\n")
            f.flush()
        while True:
            answer = f.readline()
            if not answer:
                raise OSError("closed")
            if answer[3:4] != b"-":
                break
        if not answer.startswith(want):
            raise OSError("%r: %r" % (line[:60], answer))
    try:
        say(b"", b"220")
        say(b"LHLO test.example", b"250")
        for data in messages:
            say(b"MAIL FROM:<%s>" % sender.encode(), b"250")
            say(b"RCPT TO:<%s>" % (SUITE["user_pattern"] % n).encode(),
                b"250")
            say(b"DATA", b"354")
            say(data + b".", b"250")
            yield data
    finally:
        s.close()


def mail(subject, text, sender="someone@example.org"):
    return ("From: <%s>\r\nTo: you@example.org\r\nSubject: %s\r\n"
            "Message-ID: <%s@example.org>\r\n"
            "Date: Sat, 21 Nov 2026 12:00:00 +0000\r\n\r\n%s\r\n"
            % (sender, subject, subject, text)).encode()


# ---- status

def status():
    root = os.geteuid() == 0
    keep = login()
    uids = {}
    seen = roles()
    for name in ROLES + ("vault",):
        if name not in seen:
            hole("no process of role " + name)
        for pid in seen[name]:
            s = dict(re.findall(r"^(\w+):\s*(.*)$", open(
                "/proc/%d/status" % pid).read(), re.M))
            uids[name] = s["Uid"].split()
            if s["NoNewPrivs"] != "1" or s["Seccomp"] != "2":
                hole("%s %d: NoNewPrivs %s, Seccomp %s" % (
                    name, pid, s["NoNewPrivs"], s["Seccomp"]))
            if int(s["CapEff"], 16) or int(s["CapPrm"], 16):
                hole("%s %d has capabilities" % (name, pid))
            if root and ("0" in s["Uid"].split() or "0" in s["Gid"].split() or
                         "0" in s["Groups"].split()):
                hole("%s %d runs as root" % (name, pid))
            if root and name in ("imap-engine", "smtp-engine", "imap-worker",
                                 "sealkeys", "imap-store", "vault",
                                 "smtp-deliver", "smtp-queue",
                                 "smtp-relay", "smtp-resolver"):
                if os.readlink("/proc/%d/root" % pid) == "/":
                    hole("%s %d is not chrooted" % (name, pid))
            print("%-12s %6d uid %s root %s" % (
                name, pid, s["Uid"].split()[0],
                os.readlink("/proc/%d/root" % pid) if root else "-"))
    if root:
        apart = ("sealkeys", "imap-engine", "imap-store", "imap-worker",
                 "smtp-deliver")
        if len({uids[n][0] for n in apart}) != len(apart):
            hole("roles share a uid: %r" % uids)
    keep.logout()


# ---- inject

AT_FDCWD = -100 & 0xffffffffffffffff
PROBES = (  # name, number on x86-64, arguments
    ("open a file outside", 257, (AT_FDCWD, "/etc/passwd", 0)),
    ("create a file", 257, (AT_FDCWD, "/tmp/hole", 0o101, 0o600)),
    ("socket", 41, (2, 1, 0)),
    ("unix socket", 41, (1, 1, 0)),
    ("connect", 42, (0, 0, 0)),
    ("execve", 59, ("/bin/sh", 0, 0)),
    ("fork", 56, (17, 0, 0, 0, 0)),
    ("ptrace", 101, (0, 0, 0, 0)),
    ("map writable and executable", 9, (0, 4096, 7, 0x22, 2**64 - 1, 0)),
    ("setuid", 105, (0,)),
    ("kill another", 62, (1, 0)),
    ("user namespace", 272, (0x10000000,)),
    ("bpf", 321, (0, 0, 0)),
    ("io_uring", 425, (1, 0)),
    ("chmod", 268, (AT_FDCWD, "/tmp", 0o777)),
    ("x32 getpid", 0x40000027, ()),
)
PARTS = 4  # of the probes, each with daemons that have just started
# What a role is allowed by its promises.
MAY = {("imap-store", "fork"), ("imap-worker", "fork"),
       ("smtp-resolver", "socket"), ("smtp-relay", "socket")}


def inject(pid, number, args):
    p = subprocess.run([os.path.join(HERE, "inject"), str(pid), str(number)] +
                       [str(a) for a in args], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    if p.returncode:
        return None, p.stderr.strip()
    word, value = p.stdout.split()
    return word, int(value)


def role_pid(role):
    """A process of the role that is in its sandbox by now."""
    def look():
        for pid in roles().get(role, ()):
            try:
                text = open("/proc/%d/status" % pid).read()
            except OSError:
                continue
            if re.search(r"^Seccomp:\s*2", text, re.M):
                return pid
        return None
    return wait_for("a process of " + role, look)


def inject_all(part):
    """
    Some of the probes: who dies again and again is started anew later and
    later.
    """
    keep = None
    control = 0
    for probe, number, args in PROBES[part::PARTS]:
        for role in ROLES + ("vault",):
            if role == "vault":
                try:
                    keep = login()
                except (OSError, imaplib.IMAP4.error):
                    keep = wait_for("a login", try_login)
            pid = role_pid(role)
            word, value = inject(pid, 39, ())  # getpid: must go on
            if word != "ret" or value != pid:
                hole("control: getpid in %s gave %s %s" % (role, word, value))
            control += 1
            word, value = inject(pid, number, args)
            if (role, probe) in MAY:
                continue
            if word is None:
                hole("%s in %s: %s" % (probe, role, value))
            if word == "ret" and value >= 0:
                hole("%s in %s returned %d" % (probe, role, value))
            print("%-28s %-12s %s" % (probe, role,
                  "killed" if word == "died" else
                  errno.errorcode.get(-value, value)))
            if word == "died" and value not in (signal.SIGSYS,
                                                signal.SIGKILL):
                hole("%s in %s: signal %d" % (probe, role, value))
    print("%d control calls went through" % control)
    # The suite heals by itself.
    wait_for("a login", try_login)


def try_login():
    try:
        m = login()
        m.select("INBOX")
        return m
    except (OSError, imaplib.IMAP4.error):
        return None


# ---- memory

def memory_of(pid):
    """All readable private memory of a process, mapping by mapping."""
    with open("/proc/%d/maps" % pid) as maps, \
            open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            span, perm = line.split()[:2]
            if "r" not in perm and "w" not in perm and perm != "---p":
                continue
            if line.rstrip().endswith(("[vvar]", "[vsyscall]",
                                       "[vvar_vclock]")):
                continue
            a, b = (int(x, 16) for x in span.split("-"))
            try:
                mem.seek(a)
                yield mem.read(b - a)
            except (OSError, OverflowError, ValueError):
                continue  # guard pages


def holders(secrets):
    """{secret name: {role}} of the secrets that a scan finds."""
    found = {}
    for pid in pids():
        role = name_of(pid)
        try:
            for block in memory_of(pid):
                for name, values in secrets.items():
                    if any(v in block for v in values):
                        found.setdefault(name, set()).add(role)
        except OSError:
            continue
    return found


def private_key():
    key = re.search(r'key "([^"]+)"', open(SUITE["conf"]).read()).group(1)
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    scalar = bytes.fromhex(re.sub(r"[\s:]", "", re.search(
        r"priv:\n((?:    .*\n)+)", text).group(1)))
    pem = open(key).read().split("\n")
    return [scalar[-32:], scalar[-32:][::-1], pem[1].encode()]


def memory():
    tag = "%08x" % random.getrandbits(32)
    words = {w: [("%s%s" % (w, tag)).encode()] for w in
             ("delivered", "appended", "subject", "boxname", "fetched")}
    secrets = dict(words)
    secrets["password"] = [SUITE["password"].encode()]
    secrets["key"] = private_key()
    big = "fetched%s " % tag * 9000
    list(lmtp([mail("subject" + tag, "delivered%s\r\n" % tag * 30)]))
    m = login()
    m.create("boxname" + tag)
    m.append("INBOX", None, None, mail("x" + tag, "appended" + tag))
    m.append("INBOX", None, None, mail("y" + tag, big))
    m.select("INBOX")
    m.fetch("1:*", "(ENVELOPE BODYSTRUCTURE BODY.PEEK[])")
    m.search(None, "BODY", "appended" + tag)
    m.search("UTF-8", "TEXT", "fetched" + tag)
    during = holders(secrets)
    print("while logged in:", {k: sorted(v) for k, v in during.items()})
    if "password" in during:
        hole("the password is in memory of %s" % during["password"])
    if during.get("key") != {"sealkeys"}:
        hole("the TLS key is in memory of %s" % during.get("key"))
    if not {"imap-engine", "vault"} & set().union(*during.values()):
        print("note: no text found while logged in")
    m.logout()
    wait_for("the vault's end", lambda: "vault" not in roles(), 90)
    after = holders(secrets)
    print("after logout:", {k: sorted(v) for k, v in after.items()})
    if after.get("key") != {"sealkeys"}:
        hole("the TLS key is in memory of %s" % after.get("key"))
    del after["key"]
    if after:
        hole("left in memory: %r" % after)


# ---- disk

def disk():
    tag = "%08x" % random.getrandbits(32)
    secret = {w: ("%s%s" % (w, tag)).encode() for w in
              ("subject", "body", "sender", "folder", "keyword", "append")}
    sender = "sender%s@example.org" % tag
    list(lmtp([mail("subject" + tag, "body%s " % tag * n, sender)
               for n in (1, 50, 5000, 20000)], sender=sender))
    m = login()
    m.create("folder" + tag)
    m.append("folder" + tag, "(keyword%s)" % tag, None,
             mail("subject" + tag, "append%s " % tag * 9000, sender))
    noise = "".join("%064x\r\n" % random.getrandbits(256)
                    for _ in range(3000))  # that no compression makes small
    m.append("INBOX", None, None, mail("noise", noise + "body" + tag, sender))
    m.select("INBOX")
    m.store("1:*", "+FLAGS", "(keyword%s)" % tag)
    m.copy("1:*", "folder" + tag)
    m.search(None, "BODY", "body" + tag)
    m.logout()
    wait_for("the vault's end", lambda: "vault" not in roles(), 90)
    user = (SUITE["user_pattern"] % 1).split("@")[0].encode()
    files = octets = names = 0
    for base, _, leaves in os.walk(SUITE["data_dir"]):
        for leaf in leaves:
            path = os.path.join(base, leaf)
            data = open(path, "rb").read()
            files += 1
            octets += len(data)
            names += user in path.encode()
            for name, value in secret.items():
                if value in data or value in path.encode():
                    hole("%s in %s" % (name, path))
                if value.upper() in data.upper():
                    hole("%s in %s" % (name, path))
            if b"example.org" in data:
                hole("an address in " + path)
    if not names or octets < 100000:
        hole("the scan looked at nothing: %d octets" % octets)
    print("%d files, %d octets: nothing of the mail in them" % (files, octets))


# ---- writes

def attempts(account):
    """(what, path, how) below an account that a deliverer must not do."""
    yield "write account", account + "/account", "w"
    for sub in ("blob", "log", "keys", "snap"):
        yield "create in " + sub, account + "/" + sub + "/intruder", "c"
        for path in glob.glob(account + "/" + sub + "/*"):
            if os.path.isfile(path):
                yield "write " + sub, path, "w"
                yield "remove from " + sub, path, "u"
    for path in glob.glob(account + "/in/*"):
        yield "remove a vault's file", path, "u"
    yield "rename the account", account, "r"
    yield "write limits", account + "/limits", "c"


def tried(path, how):
    """None if the deed failed, else what was done."""
    try:
        if how == "w":
            os.close(os.open(path, os.O_WRONLY))
        elif how == "c":
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        elif how == "u":
            os.unlink(path)
        elif how == "r":
            os.rename(path, path + ".gone")
    except OSError as e:
        return None if e.errno in (errno.EACCES, errno.EPERM, errno.ENOENT,
                                   errno.EROFS) else str(e)
    return "done"


def writes():
    keep = login()
    keep.append("INBOX", None, None, mail("writes", "text"))
    ids = {}
    for name, there in roles().items():
        s = open("/proc/%d/status" % there[0]).read()
        ids[name] = tuple(int(re.search(r"^%s:\s*(\d+)" % k, s, re.M).group(1))
                          for k in ("Uid", "Gid"))
    domain = os.path.join(SUITE["data_dir"], "accounts", SUITE["domain"])
    account = os.path.join(domain, "user0001")
    count = 0
    for name in ("smtp-deliver", "imap-engine", "sealkeys", "imap-worker"):
        for what, path, how in list(attempts(account)):
            pid = os.fork()
            if pid == 0:
                os.setgroups([])
                os.setresgid(*(ids[name][1],) * 3)
                os.setresuid(*(ids[name][0],) * 3)
                os._exit(0 if tried(path, how) is None else 1)
            if os.waitpid(pid, 0)[1]:
                hole("%s may %s (%s)" % (name, what, path))
            count += 1
    # The control: a deliverer may create in in/, and remove it again.
    pid = os.fork()
    if pid == 0:
        os.setgroups([])
        os.setresgid(*(ids["smtp-deliver"][1],) * 3)
        os.setresuid(*(ids["smtp-deliver"][0],) * 3)
        new = account + "/in/" + "0" * 32
        os._exit(0 if tried(new, "c") == "done" and
                 tried(new, "u") == "done" else 1)
    if os.waitpid(pid, 0)[1]:
        hole("control: the deliverer cannot create in in/")
    # Private parts: others' uids may not even read.
    for name in ("smtp-deliver", "imap-engine"):
        for path in glob.glob(account + "/log/*") + glob.glob(
                account + "/keys/slots*") + glob.glob(account + "/blob/*"):
            pid = os.fork()
            if pid == 0:
                os.setgroups([])
                os.setresgid(*(ids[name][1],) * 3)
                os.setresuid(*(ids[name][0],) * 3)
                try:
                    open(path, "rb").close()
                except OSError:
                    os._exit(0)
                os._exit(1)
            if os.waitpid(pid, 0)[1]:
                hole("%s may read %s" % (name, path))
            count += 1
    print("%d forbidden deeds failed" % count)
    keep.logout()


# ---- peers of one uid

def peers():
    """From a process of the same uid: trace, read and signal every role."""
    keep = login()
    libc = ctypes.CDLL(None, use_errno=True)
    seen = roles()
    if not set(seen) >= set(ROLES + ("vault",)):
        hole("not all roles are there: %r" % sorted(seen))
    # The control: what is not protected can be had.
    other = subprocess.Popen(["sleep", "60"])
    open("/proc/%d/maps" % other.pid, "rb").close()
    if libc.syscall(434, other.pid, 0) < 0:
        hole("control: no descriptor of an ordinary process")
    other.kill()
    other.wait()
    for name, there in seen.items():
        for pid in there:
            if libc.ptrace(16, pid, 0, 0) == 0:
                hole("%s can be traced" % name)
            try:
                open("/proc/%d/mem" % pid, "rb").close()
                hole("memory of %s can be read" % name)
            except OSError:
                pass
            fd = libc.syscall(434, pid, 0)
            if fd >= 0:
                if libc.syscall(438, fd, 0, 0) >= 0:
                    hole("a descriptor of %s can be taken" % name)
                os.close(fd)
    print("nothing of theirs can be had by another process of this user")
    keep.logout()


# ---- kill

KILLS_MIN = 15  # the load goes on until so many processes have died
ROLES_MIN = 4  # ... of so many roles
LOAD_MAX_S = 300


class Load:
    """Puts messages in, remembers what was acknowledged."""

    def __init__(self, total, killed):
        self.total = total
        self.killed = killed
        self.end = time.time() + LOAD_MAX_S
        self.acked = set()
        self.next = 0
        self.lock = threading.Lock()

    def enough(self):
        return self.next >= self.total and (
            time.time() > self.end or
            (sum(self.killed.values()) >= KILLS_MIN and
             len(self.killed) >= ROLES_MIN))

    def take(self):
        with self.lock:
            if self.enough():
                return None
            self.next += 1
            return self.next

    def deliver(self):
        while not self.enough():
            try:
                for data in lmtp(self.stream("d")):
                    self.ack(data)
            except OSError:
                time.sleep(0.05)

    def append(self):
        m = None
        while True:
            i = self.take()
            if i is None:
                break
            data = self.message("a", i)
            try:
                m = m or login()
                if m.append("INBOX", None, None, data)[0] == "OK":
                    self.ack(data)
            except (OSError, imaplib.IMAP4.error, ValueError, AttributeError):
                m = None
                time.sleep(0.05)

    def message(self, kind, i):
        return mail("%s%06d" % (kind, i), "line of text %d\r\n" % i *
                    random.choice((3, 100, 9000)))

    def stream(self, kind):
        while True:
            i = self.take()
            if i is None:
                return
            yield self.message(kind, i)

    def ack(self, data):
        with self.lock:
            self.acked.add(re.search(rb"Message-ID: <(.*?)@", data).group(1))


def killer(stop, killed):
    rng = random.Random(1)
    while not stop.is_set():
        there = [(n, p) for n, ps in roles().items() for p in ps]
        if there:
            name, pid = rng.choice(there)
            try:
                os.kill(pid, signal.SIGKILL)
                killed[name] = killed.get(name, 0) + 1
            except OSError:
                pass
        stop.wait(rng.uniform(0.1, 0.6))


def present():
    m = wait_for("a login", try_login)
    n = int(m.select("INBOX")[1][0])
    names = []
    if n:
        for item in m.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])"
                            )[1]:
            if isinstance(item, tuple):
                names += re.findall(rb"<(.*?)@", item[1])
    m.logout()
    return names


def kill(total):
    stop, killed = threading.Event(), {}
    load = Load(total, killed)
    threads = [threading.Thread(target=f) for f in
               (load.deliver, load.deliver, load.deliver, load.append,
                load.append)]
    k = threading.Thread(target=killer, args=(stop, killed))
    for t in threads + [k]:
        t.start()
    for t in threads:
        t.join()
    stop.set()
    k.join()
    names = wait_for("mail after the storm", lambda: settled(load))
    lost = load.acked - set(names)
    twice = len(names) - len(set(names))
    print("%d acknowledged, %d present, %d twice, killed %r" % (
        len(load.acked), len(set(names)), twice, killed))
    if lost:
        hole("%d acknowledged messages are lost: %r" % (
            len(lost), sorted(lost)[:5]))
    if len(load.acked) < total / 3 or sum(killed.values()) < KILLS_MIN or \
            len(killed) < ROLES_MIN:
        hole("the test did not test: %r" % killed)
    # Whole, not only there: every octet can be fetched.
    m = wait_for("a login", try_login)
    m.select("INBOX")
    for item in m.fetch("1:*", "(RFC822.SIZE BODY.PEEK[])")[1]:
        if isinstance(item, tuple):
            size = int(re.search(rb"RFC822.SIZE (\d+)", item[0]).group(1))
            if size != len(item[1]):
                hole("a message is cut: %r" % item[0])


def settled(load):
    try:
        names = present()
    except (OSError, imaplib.IMAP4.error):
        return None
    return names if load.acked <= set(names) else (
        time.sleep(1) or (names if settled_twice() else None))


TRIES = []


def settled_twice():
    """Gives deliveries 20 s to be drained before they count as lost."""
    TRIES.append(1)
    return len(TRIES) > 20


def main():
    imaplib._MAXLINE = 10_000_000
    command = sys.argv[2]
    if command == "kill":
        kill(int(sys.argv[3]))
    elif command == "parts":
        print(*range(PARTS))
    elif command == "inject":
        inject_all(int(sys.argv[3]))
    else:
        {"status": status, "memory": memory,
         "disk": disk, "writes": writes, "peers": peers}[command]()
    return 0


if __name__ == "__main__":
    sys.exit(main())

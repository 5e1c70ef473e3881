#!/usr/bin/env python3
"""Calls that fail under a suite at work: what clients are told, that nothing
acknowledged is lost, and that mail flows when the fault has gone.

usage: faults.py SERVER.JSON
Needs strace and the right to trace: its fault injection makes the calls fail.
"""
import imaplib
import json
import os
import smtplib
import subprocess
import sys
import time

from full import Client, need

WRITES = "pwrite64,fallocate,ftruncate,mkdirat"
SYNCS = "fdatasync,fsync,syncfs"
READS = "pread64"


def pids(server, name):
    """The suite's processes whose title or program has that name."""
    found = []
    for pid in subprocess.check_output(server["pids_cmd"], shell=True,
                                       text=True).split():
        try:
            title = open("/proc/%s/cmdline" % pid).read()
        except OSError:
            continue
        if name in title:
            found.append(pid)
    need(found, "no process %s" % name)
    return found


def tracer(pid):
    try:
        for line in open("/proc/%s/status" % pid):
            if line.startswith("TracerPid:"):
                return int(line.split()[1])
    except OSError:
        pass
    return -1


class Failing:
    """While it lasts, these calls of these processes fail."""

    def __init__(self, processes, calls, error):
        self.processes = processes
        # A call of the sandbox's list in its place: -1 is in no list.
        self.args = ["strace", "-qqf", "-o", "/dev/null", "-e",
                     "trace=" + calls, "-e", "inject=%s:error=%s:syscall="
                     "getpid" % (calls, error)]
        for pid in processes:
            self.args += ["-p", pid]

    def __enter__(self):
        self.strace = subprocess.Popen(self.args, stderr=subprocess.PIPE,
                                       text=True)
        while any(tracer(p) == 0 for p in self.processes):
            if self.strace.poll() is not None:
                print("strace: %s" % self.strace.stderr.read())
                sys.exit(75)
            time.sleep(0.02)

    def __exit__(self, *_):
        self.strace.terminate()
        self.strace.wait()


class Work:
    """One client, and what it was promised."""

    def __init__(self, server):
        self.server = server
        self.c = Client(server)
        self.kept = set()
        self.maybe = set()
        self.noes = self.byes = 0

    def ask(self, what, *args):
        """OK, or NO [UNAVAILABLE]; the session may end after that."""
        try:
            kind, text = getattr(self.c.imap, what)(*args)
        except imaplib.IMAP4.abort as e:
            # A BYE right behind the answer may be all that imaplib tells.
            need("UNAVAILABLE" in str(e) or "BYE" in str(e) or
                 "EOF" in str(e), "%s: the session ends with %s" % (what, e))
            self.byes += 1
            return "BYE"
        if kind == "NO":
            need(b"[UNAVAILABLE]" in text[0], "%s: %r" % (what, text))
            self.noes += 1
        else:
            need(kind == "OK", "%s: %s %r" % (what, kind, text))
        return kind

    def append(self):
        self.c.n += 1
        kind = self.ask("append", "Kept", None, None,
                        b"Subject: %d\r\n\r\nsome text\r\n" % self.c.n)
        (self.kept if kind == "OK" else self.maybe).add(self.c.n)
        return kind

    def again(self):
        """A new session, in a vault that sees the disk as it is."""
        n = self.c.n
        end = time.time() + 60
        try:
            self.c.imap.logout()
        except (imaplib.IMAP4.error, OSError):
            pass
        while True:
            try:
                self.c.login()
                break
            except (imaplib.IMAP4.error, OSError):
                need(time.time() < end, "no login when the fault has gone")
                time.sleep(0.2)
        self.c.n = n
        self.check()

    def check(self):
        kind, text = self.c.imap.select("Kept")
        need(kind == "OK", "SELECT: %r" % (text,))
        there = []
        for d in self.c.imap.fetch("1:*", "(BODY.PEEK[])")[1]:
            if isinstance(d, tuple):
                there.append(int(d[1].split(b"\r\n")[0].split()[1]))
        need(len(there) == len(set(there)), "one is there twice")
        need(self.kept <= set(there), "lost: %s" % (self.kept - set(there)))
        need(set(there) <= self.kept | self.maybe, "from nowhere")
        self.kept = set(there)  # what is shown once stays


def vault_faults(w, calls, error):
    with Failing(pids(w.server, "vault"), calls, error):
        kinds = [w.append()]
        if kinds[0] != "BYE":
            kinds.append(w.ask("noop"))
        for _ in range(3):
            if kinds[-1] != "BYE":
                kinds.append(w.ask("store", "1", "+FLAGS", r"(\Flagged)"))
    need(set(kinds) & {"NO", "BYE"}, "%s %s: %s" % (calls, error, kinds))
    print("%s %s: %s" % (calls, error, " ".join(kinds)))
    w.again()
    need(w.append() == "OK", "APPEND when the fault has gone")
    w.check()


def read_faults(w):
    w.c.imap.logout()
    time.sleep(2.5)     # more than the vault lingers
    w.c.login()
    w.c.imap.select("Kept")
    with Failing(pids(w.server, "vault"), READS, "EIO"):
        kind = w.ask("fetch", "1:*", "(BODY.PEEK[])")
    need(kind in ("NO", "BYE"), "a FETCH that cannot read: %s" % kind)
    w.again()


def delivery_faults(w, calls, error, code):
    with Failing(pids(w.server, "smtp-deliver"), calls, error):
        codes = w.c.both()
    need(set(codes) == {code}, "%s %s: %r" % (calls, error, codes))
    codes = w.c.both()
    need(codes == (250, 250), "when the fault has gone: %r" % (codes,))


def main():
    server = json.load(open(sys.argv[1]))
    w = Work(server)
    need(w.c.imap.create("Kept")[0] == "OK", "CREATE")
    for _ in range(10):
        need(w.append() == "OK", "APPEND")
    w.check()
    for calls, error in ((WRITES, "EDQUOT"), (WRITES, "ENOSPC"),
                         (WRITES, "EIO"), (SYNCS, "EIO")):
        vault_faults(w, calls, error)
    read_faults(w)
    for calls, error, code in ((WRITES, "EDQUOT", 452), (WRITES, "EIO", 451),
                               (SYNCS, "EIO", 451)):
        delivery_faults(w, calls, error, code)
    w.again()
    print("%d refusals, %d sessions ended, %d messages" %
          (w.noes, w.byes, len(w.kept)))


if __name__ == "__main__":
    try:
        main()
    except smtplib.SMTPException as e:
        sys.exit("%r" % e)

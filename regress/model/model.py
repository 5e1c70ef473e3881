#! /usr/bin/env python3
"""
Sessions of one user held against a reference model.

usage: model.py server.json FIRST-SEED COUNT [kill]

In each round every session sends a few random commands at once; then their
answers are read.  Each session's view (UIDs by sequence number, flags as told)
follows what it is told, and every response is checked against it at once:
FETCH only of announced messages and with the right UID, EXPUNGE only where
RFC 9051 section 7.5.1 allows it, EXISTS never less.  At the end of a round
nothing is under way: a fresh session says what there is, it must be what the
acknowledged commands can have made, and after a NOOP every view must be it.
With "kill" the user's vault is killed in the midst of rounds: sessions end,
and what was acknowledged must be there.
"""

import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

SERVER = json.load(open(sys.argv[1], encoding="utf-8"))
SESSIONS = 8
ROUNDS = 12
FLAG = "\\Deleted"


class Gone(Exception):
    """The connection has ended."""


def need(truth, *what):
    if not truth:
        raise AssertionError(*what)


class Session:
    def __init__(self, number, box=None):
        self.number = number
        self.key = "k%d" % number
        context = ssl.create_default_context(cafile=SERVER["cafile"])
        context.check_hostname = False
        sock = socket.create_connection((SERVER["host"],
                                         SERVER["imaps_port"]))
        sock.settimeout(60)
        self.sock = context.wrap_socket(sock)
        self.file = self.sock.makefile("rb")
        self.tag = 0
        self.queue = []
        self.box = None
        self.view = []
        self.told = {}
        self.silent = set()  # changed by .SILENT: flags are not told
        need(self.line().startswith("* OK"), "greeting")
        self.run("LOGIN user0001@%s %s" % (SERVER["domain"],
                                           SERVER["password"]))
        if box:
            self.select(box)

    def close(self):
        self.sock.close()

    def line(self):
        try:
            data = self.file.readline()
            if not data.endswith(b"\n"):
                raise Gone()
        except (OSError, ssl.SSLError) as error:
            if isinstance(error, TimeoutError):
                raise AssertionError("no answer", self.queue) from error
            raise Gone() from error
        return data.decode("latin-1").rstrip("\r\n")

    def send(self, command):
        self.tag += 1
        tag = "t%d" % self.tag
        command["tag"] = tag
        self.queue.append(command)
        try:
            self.sock.sendall((tag + " " + command["text"] + "\r\n").encode())
        except OSError as error:
            raise Gone() from error

    def answer(self):
        """Reads until the oldest command is answered; it, completed."""
        command = self.queue[0]
        command["rows"] = []
        command["codes"] = []
        while True:
            line = self.line()
            if line.startswith(command["tag"] + " "):
                self.queue.pop(0)
                command["result"] = line.split(" ", 1)[1]
                command["codes"].append(line)
                return command
            need(line.startswith("* "), line)
            self.untagged(command, line[2:])

    def run(self, text):
        self.send({"text": text, "kind": text.split()[0]})
        command = self.answer()
        need(command["result"].startswith("OK"), text, command["result"])
        return command

    def select(self, box):
        self.box, self.view, self.told = box, [], {}
        self.run("SELECT " + box)
        rows = self.run("UID FETCH 1:* (FLAGS)")["rows"] if self.view else []
        need(len(rows) == len(self.view), "rows of the view")

    def untagged(self, command, text):
        found = re.match(r"(\d+) (EXISTS|EXPUNGE|FETCH)(.*)", text)
        if not found:
            if text.startswith("BYE"):
                raise Gone()
            command["codes"].append(text)
            return
        n, word, rest = int(found[1]), found[2], found[3]
        if word == "EXISTS":
            need(n >= len(self.view), "EXISTS shrinks", n, len(self.view))
            self.view += [None] * (n - len(self.view))
        elif word == "EXPUNGE":
            need(command["kind"] not in ("FETCH", "STORE", "SEARCH"),
                 "EXPUNGE within", command["text"])
            need(1 <= n <= len(self.view), "EXPUNGE", n, len(self.view))
            uid = self.view.pop(n - 1)
            command.setdefault("expunged", []).append(uid)
        else:
            need(1 <= n <= len(self.view), "FETCH before EXISTS", text)
            self.fetched(command, n, rest)

    def fetched(self, command, n, text):
        found = re.search(r"UID (\d+)", text)
        uid = int(found[1]) if found else self.view[n - 1]
        known = self.view[n - 1]
        need(known in (None, uid), "UID of", n, known, text)
        self.view[n - 1] = uid
        for other in self.view[:n - 1]:
            need(other is None or uid is None or other < uid, "UIDs ascend")
        found = re.search(r"FLAGS \(([^)]*)\)", text)
        if found and uid is not None:
            self.told[uid] = frozenset(found[1].split())
        command["rows"].append(uid)


def uid_set(uids):
    return ",".join("%d" % x for x in uids)


def pairs(command):
    """What COPYUID says, as (old, new)."""
    def numbers(text):
        out = []
        for part in text.split(","):
            first, _, last = part.partition(":")
            out += range(int(first), int(last or first) + 1)
        return out
    out = []
    for line in command["codes"]:
        for found in re.finditer(r"COPYUID \d+ (\S+) ([^\]\s]+)\]", line):
            old, new = numbers(found[1]), numbers(found[2])
            need(len(old) == len(new), line)
            out += zip(old, new)
    return out


class Model:
    """What the boxes can hold, given what was acknowledged."""

    def __init__(self, seed, killing):
        self.random = random.Random(seed)
        self.killing = killing
        self.boxes = ("m%da" % seed, "m%db" % seed)
        # name -> uid -> (subject, flags)
        self.state = {box: {} for box in self.boxes}
        self.highest = {box: 0 for box in self.boxes}
        self.subjects = 0
        self.killed = 0
        self.admin = Session(99)
        for box in self.boxes:
            self.admin.run("CREATE " + box)
        self.sessions = [Session(i, self.random.choice(self.boxes))
                         for i in range(SESSIONS)]

    # ---- commands

    def some(self, session):
        known = [x for x in session.view if x is not None]
        if not known:
            return None
        count = self.random.randint(1, min(4, len(known)))
        return sorted(self.random.sample(known, count))

    def append(self, session):
        self.subjects += 1
        subject = "s%d" % self.subjects
        body = "Subject: %s\r\n\r\nx\r\n" % subject
        box = self.random.choice(self.boxes)
        return {"text": "APPEND %s (%s) {%d+}\r\n%s" %
                (box, session.key, len(body), body),
                "kind": "APPEND", "box": box, "subject": subject}

    def store(self, session):
        uids = self.some(session)
        if uids is None:
            return self.append(session)
        what = self.random.choice((session.key, session.key, FLAG))
        sign = "+" if what == FLAG else self.random.choice("+-")
        silent = self.random.choice(("", "", ".SILENT"))
        return {"text": "UID STORE %s %sFLAGS%s (%s)" %
                (uid_set(uids), sign, silent, what), "kind": "UID STORE",
                "uids": uids, "what": what, "sign": sign, "silent": silent}

    def store_seq(self, session):
        """By number: only as the first of a batch (9051 section 5.5)."""
        if not session.view:
            return self.append(session)
        n = self.random.randint(1, len(session.view))
        return {"text": "STORE %d +FLAGS (%s)" % (n, session.key),
                "kind": "STORE", "uids": [session.view[n - 1]],
                "what": session.key, "sign": "+", "silent": ""}

    def copy(self, session):
        uids = self.some(session)
        if uids is None:
            return self.append(session)
        word = self.random.choice(("COPY", "COPY", "MOVE"))
        box = self.random.choice(self.boxes)
        return {"text": "UID %s %s %s" % (word, uid_set(uids), box),
                "kind": word, "uids": uids, "box": box}

    def choose(self, session, first):
        pick = self.random.random()
        if first and pick < 0.1:
            return {"text": "FETCH 1:* (FLAGS)" if session.view else "NOOP",
                    "kind": "FETCH"}
        if first and pick < 0.2:
            return self.store_seq(session)
        if first and pick < 0.25:
            return {"text": "SEARCH ALL", "kind": "SEARCH"}
        if pick < 0.45:
            return self.append(session)
        if pick < 0.7:
            return self.store(session)
        if pick < 0.85:
            return self.copy(session)
        if pick < 0.92:
            return {"text": "EXPUNGE", "kind": "EXPUNGE"}
        return {"text": "NOOP", "kind": "NOOP"}

    # ---- a round

    def round(self):
        done = []
        for session in self.sessions:
            batch = []
            for i in range(self.random.randint(0, 4)):
                command = self.choose(session, i == 0)
                command["session"] = session
                command["from"] = session.box
                batch.append(command)
                if command.get("silent"):
                    session.silent.update(command["uids"])
            try:
                for command in batch:
                    done.append(command)
                    session.send(command)
            except Gone:
                need(self.killing, "connection ended")
        if self.killing and self.random.random() < 0.3:
            self.killed += kill_vault(self.random.random() * 0.01)
        for session in list(self.sessions):
            try:
                while session.queue:
                    session.answer()
            except Gone:
                need(self.killing, "connection ended")
                self.sessions.remove(session)
                session.close()
        self.settle(done)

    def fresh(self, box):
        for attempt in range(50):
            try:
                session = Session(98)
                session.run("SELECT " + box)
                rows = {}
                session.send({"text": "FETCH 1:* (UID FLAGS BODY.PEEK["
                              "HEADER.FIELDS (SUBJECT)])", "kind": "all"})
                while True:
                    line = session.line()
                    if line.startswith("t"):
                        break
                    found = re.match(r"\* \d+ FETCH \(UID (\d+) FLAGS "
                                     r"\(([^)]*)\)", line)
                    if found:
                        subject = session.line().split()[1]
                        rows[int(found[1])] = (subject,
                                               frozenset(found[2].split()))
                session.close()
                return rows
            except (Gone, AssertionError):
                if not self.killing or attempt == 49:
                    raise
                time.sleep(0.1)
        return None

    def settle(self, done):
        new = {box: self.fresh(box) for box in self.boxes}
        sure = [c for c in done if c.get("result", "").startswith("OK")]
        for command in done:
            if "result" not in command:
                need(self.killing, "no answer", command["text"])
            elif command["kind"] not in ("COPY", "MOVE", "STORE"):
                need(command["result"].startswith("OK"), command["text"],
                     command["result"])
        self.check_gone(new, done)
        self.check_new(new, done, sure)
        if not self.killing:
            self.check_flags(new, done)
        self.state = new
        for box in self.boxes:
            if new[box]:
                self.highest[box] = max(self.highest[box], max(new[box]))
        self.check_views()

    def check_gone(self, new, done):
        """What is gone was deleted and expunged, or moved."""
        expunging = {c["from"] for c in done if c["kind"] == "EXPUNGE"}
        moved = {(c["from"], uid) for c in done if c["kind"] == "MOVE"
                 for uid in c["uids"]}
        marked = {(c["from"], uid) for c in done
                  if c.get("what") == FLAG for uid in c["uids"]}
        for box in self.boxes:
            for uid, (_, flags) in self.state[box].items():
                if uid in new[box]:
                    need(new[box][uid][0] == self.state[box][uid][0],
                         "another message", box, uid)
                    continue
                deleted = FLAG in flags or (box, uid) in marked
                need((box in expunging and deleted) or (box, uid) in moved,
                     "lost", box, uid)

    def check_new(self, new, done, sure):
        """What was acknowledged is there; what is there was asked for."""
        expunging = {c["from"] for c in done if c["kind"] == "EXPUNGE"}
        moved = {(c["from"], uid) for c in done if c["kind"] == "MOVE"
                 for uid in c["uids"]}
        expected = {}
        sources = {}
        for command in sure:
            if command["kind"] == "APPEND":
                found = re.search(r"APPENDUID \d+ (\d+)", command["result"])
                expected[command["box"], int(found[1])] = command["subject"]
            elif command["kind"] in ("COPY", "MOVE"):
                for old, uid in pairs(command):
                    need(old in command["uids"], "COPYUID", command["codes"])
                    sources[command["box"], uid] = (command["from"], old)
                    expected[command["box"], uid] = None
        for (box, uid), subject in expected.items():
            need(uid > self.highest[box], "UID used again", box, uid)
            if uid not in new[box]:
                # a copy may bear \Deleted, and have been expunged since
                need(box in expunging or (box, uid) in moved,
                     "acknowledged but not there", box, uid)
                continue
            if subject is None:
                source = sources[box, uid]
                subject = self.state[source[0]].get(source[1], (None,))[0]
            need(subject is None or new[box][uid][0] == subject,
                 "another message", box, uid)
        for box in self.boxes:
            for uid in new[box]:
                need(uid in self.state[box] or (box, uid) in expected or
                     self.killing, "from nowhere", box, uid)

    def check_flags(self, new, done):
        """Each session's own keyword is as its commands, in order, left it."""
        last = {}
        for command in done:
            if command.get("what") not in (None, FLAG):
                for uid in command["uids"]:
                    last[command["from"], uid, command["what"]] = \
                        command["sign"]
        for box in self.boxes:
            for uid, (_, flags) in new[box].items():
                if uid not in self.state[box]:
                    continue
                for i in range(SESSIONS):
                    key = "k%d" % i
                    sign = last.get((box, uid, key))
                    want = sign == "+" if sign else \
                        key in self.state[box][uid][1]
                    need((key in flags) == want, "flag", box, uid, key)
                if FLAG in self.state[box][uid][1]:
                    need(FLAG in flags, "flag", box, uid, FLAG)

    def check_views(self):
        """After a NOOP each view is what there is."""
        for session in list(self.sessions):
            try:
                session.run("NOOP")
                want = self.state[session.box]
                need(len(session.view) == len(want), "view", session.number,
                     session.view, sorted(want))
                if None in session.view:
                    session.run("UID FETCH 1:* (FLAGS)")
            except Gone:
                need(self.killing, "connection ended")
                self.sessions.remove(session)
                session.close()
                continue
            need(session.view == sorted(want), "view", session.number,
                 session.view, sorted(want))
            for uid, flags in session.told.items():
                if uid in want and uid not in session.silent:
                    need(flags == want[uid][1], "flags told", session.number, uid, flags,
                         want[uid][1])
            session.silent.clear()
            session.told.clear()
            session.run("UID FETCH 1:* (FLAGS)")
        while len(self.sessions) < SESSIONS:
            used = {x.number for x in self.sessions}
            number = min(set(range(SESSIONS)) - used)
            try:
                self.sessions.append(
                    Session(number, self.random.choice(self.boxes)))
            except (Gone, AssertionError):
                need(self.killing, "login")
                time.sleep(0.1)
        if self.random.random() < 0.3:
            session = self.random.choice(self.sessions)
            try:
                session.select(self.random.choice(self.boxes))
            except Gone:
                need(self.killing, "connection ended")
                self.sessions.remove(session)

    def close(self):
        for session in self.sessions + [self.admin]:
            session.close()


def kill_vault(delay):
    """The vault of the one user of this suite; how many were killed."""
    time.sleep(delay)
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], check=True,
                         capture_output=True, text=True).stdout
    own = set(subprocess.run(SERVER["pids_cmd"], shell=True, check=True,
                             capture_output=True, text=True).stdout.split())
    rows = [line.split(None, 2) for line in out.splitlines()]
    parent = {row[0]: row[1] for row in rows}
    killed = 0
    for pid, ppid, args in rows:
        if args != "imap-store: vault" or not own & {ppid, parent.get(ppid)}:
            continue
        os.kill(int(pid), signal.SIGKILL)
        killed += 1
    return killed


def main():
    first, count = int(sys.argv[2]), int(sys.argv[3])
    killing = len(sys.argv) > 4
    killed = 0
    for seed in range(first, first + count):
        print("seed %d" % seed, flush=True)
        model = Model(seed, killing)
        for _ in range(ROUNDS):
            model.round()
        model.close()
        killed += model.killed
    need(not killing or killed > 0, "no vault was killed")
    print("%d vaults killed" % killed)


main()

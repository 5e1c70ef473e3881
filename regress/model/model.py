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
With "kill" the user's vault, a worker or an engine is killed in the midst of rounds:
sessions end, and what was acknowledged must be there, flags too; what was not
is there whole or not at all, in the order in which a session asked for it.
Every other session speaks QRESYNC (RFC 7162): VANISHED instead of EXPUNGE, and
when it comes back, or selects a box again, what it knew and what it is told at
the SELECT must together be what there is.
Some compress, and some have a search that is kept up to date (RFC 5267), which
at the end of a round must have what a new one would find.
Two speak UIDONLY (RFC 9586): they are told UIDs and never numbers, and what they
ask by number is refused.
"""

import itertools
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

from extras import Live, Squeezed

SERVER = json.load(open(sys.argv[1], encoding="utf-8"))
SESSIONS = 8
UIDONLY = (2, 5)  # numbers of sessions: one of them speaks QRESYNC, too
ROUNDS = 12
FLAG = "\\Deleted"
ROLES = ("imap-store: vault", "imap-engine", "imap-worker")
TURNS = itertools.cycle(ROLES)


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
        try:
            sock = socket.create_connection((SERVER["host"],
                                             SERVER["imaps_port"]))
            sock.settimeout(60)
            self.sock = context.wrap_socket(sock)
        except OSError as error:
            raise Gone() from error
        self.file = self.sock.makefile("rb")
        self.tag = 0
        self.queue = []
        self.box = None
        self.view = []
        self.told = {}
        self.silent = set()  # changed by .SILENT: flags are not told
        self.quick = number % 2 == 1
        self.uidonly = number in UIDONLY
        self.known = {}  # with QRESYNC: what it believes, by UID
        self.high = 0
        self.seen = []  # MODSEQs since the last tagged response
        self.code = None
        self.validity = None
        self.live = None
        need(self.line().startswith("* OK"), "greeting")
        self.run("LOGIN user0001@%s %s" % (SERVER["domain"],
                                           SERVER["password"]))
        if number % 3 == 0:
            self.run("COMPRESS DEFLATE")
            self.file = self.sock = Squeezed(self.file, self.sock)
        if self.quick:
            self.run("ENABLE QRESYNC")
        if self.uidonly:
            self.run("ENABLE UIDONLY")
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
        text = data.decode("latin-1").rstrip("\r\n")
        found = re.search(r"\{(\d+)\}$", text)
        if not found:
            return text
        octets = self.file.read(int(found[1]))
        if len(octets) < int(found[1]):
            raise Gone()
        return text + "\r\n" + octets.decode("latin-1") + self.line()

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
        """Reads until the oldest command is answered; it, completed; None if
        it idles, and waits for DONE."""
        command = self.queue[0]
        command.setdefault("rows", [])
        command.setdefault("codes", [])
        while True:
            line = self.line()
            if line.startswith("+ ") and command["kind"] == "IDLE":
                need(not command.get("idles"), "idles twice")
                command["idles"] = True
                if not command["done"]:
                    return None
                continue
            if line.startswith(command["tag"] + " "):
                self.queue.pop(0)
                command["result"] = line.split(" ", 1)[1]
                command["codes"].append(line)
                self.noted(command, line)
                return command
            need(line.startswith("* "), line)
            self.untagged(command, line[2:])

    def noted(self, command, line):
        """What a client notes at a tagged response (RFC 7162 section 6)."""
        found = re.search(r"\[HIGHESTMODSEQ (\d+)\]", line)
        if found:
            self.code = int(found[1])
        if self.code is not None:
            self.high = self.code
        elif self.seen:
            self.high = max(self.high, max(self.seen))
        self.code, self.seen = None, []
        if command.get("silent") and command["result"].startswith("OK"):
            for uid in command["uids"]:
                if uid in self.known:
                    change = {command["what"]}
                    self.known[uid] = self.known[uid] | change \
                        if command["sign"] == "+" else self.known[uid] - change

    def done(self):
        command = self.queue[-1]
        command["done"] = True
        try:
            self.sock.sendall(b"DONE\r\n")
        except OSError as error:
            raise Gone() from error

    def run(self, text):
        words = text.split()
        self.send({"text": text, "kind": " ".join(
            words[:2] if words[0] == "UID" else words[:1])})
        command = self.answer()
        need(command["result"].startswith("OK"), text, command["result"])
        return command

    def select(self, box):
        self.box, self.view, self.told, self.known = box, [], {}, {}
        codes = self.run("SELECT " + box)["codes"]
        self.validity = re.search(r"UIDVALIDITY (\d+)", "".join(codes))[1]
        rows = self.run("UID FETCH 1:* (FLAGS)")["rows"] if self.view else []
        need(len(rows) == len(self.view), "rows of the view")
        self.live = None
        if self.number % 4 < 2:
            command = self.run("UID SEARCH RETURN (UPDATE ALL) KEYWORD " +
                               self.key)
            need("NOUPDATE" not in "".join(command["codes"]), "NOUPDATE")
            self.live = Live(command["tag"], next(
                x for x in command["codes"] if x.startswith("ESEARCH")))

    def come_back(self, old):
        """Selects the box of an ended session with what that knew."""
        self.box, self.view, self.told = old.box, [], {}
        self.live = None
        self.known, self.high = dict(old.known), old.high
        command = {"text": "SELECT %s (QRESYNC (%s %d))" %
                   (old.box, old.validity, old.high), "kind": "SELECT"}
        self.send(command)
        self.answer()
        self.validity = old.validity
        need(command["result"].startswith("OK"), command["result"])
        last = max(old.known, default=0)
        self.run("UID FETCH %d:* (FLAGS)" % (last + 1))
        return None in old.view

    def untagged(self, command, text):
        found = re.search(r"\[HIGHESTMODSEQ (\d+)\]", text)
        if found:
            self.code = int(found[1])
        found = re.match(r"VANISHED( \(EARLIER\))? (\S+)$", text)
        if found:
            self.vanished(command, found[1], found[2])
            return
        found = re.match(r"(\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH)(.*)", text)
        if not found:
            if text.startswith("BYE"):
                raise Gone()
            if self.live is not None and self.live.told(text):
                return
            command["codes"].append(text)
            return
        n, word, rest = int(found[1]), found[2], found[3]
        need(word == "EXISTS" or self.uidonly == (word == "UIDFETCH"),
             "a number or a UID", text)
        if word == "EXISTS":
            need(n >= len(self.view), "EXISTS shrinks", n, len(self.view))
            self.view += [None] * (n - len(self.view))
        elif word == "EXPUNGE":
            need(command["kind"] not in ("FETCH", "STORE", "SEARCH"),
                 "EXPUNGE within", command["text"])
            need(not self.quick, "EXPUNGE with QRESYNC")
            need(1 <= n <= len(self.view), "EXPUNGE", n, len(self.view))
            uid = self.view.pop(n - 1)
            command.setdefault("expunged", []).append(uid)
        elif word == "UIDFETCH":
            if n not in self.view:
                self.view.pop(self.unknown(n))
                self.view = sorted([x for x in self.view if x] + [n]) + \
                    [x for x in self.view if x is None]
            self.noticed(command, n, rest)
        else:
            need(1 <= n <= len(self.view), "FETCH before EXISTS", text)
            self.fetched(command, n, rest)

    def vanished(self, command, earlier, text):
        need(self.quick or self.uidonly, "VANISHED without QRESYNC")
        uids = numbers(text)
        for uid in uids:
            self.known.pop(uid, None)
        if earlier:
            need(command["kind"] == "SELECT", "EARLIER", command["text"])
            return
        need(command["kind"] not in ("FETCH", "STORE", "SEARCH"),
             "VANISHED within", command["text"])
        for uid in uids:
            if uid in self.view:
                self.view.remove(uid)
            else:
                self.view.pop(self.unknown(uid))

    def unknown(self, uid):
        """Where a message can be whose UID has not been told; without
        numbers, anywhere."""
        if self.uidonly and None in self.view:
            return self.view.index(None)
        for at, other in enumerate(self.view):
            if other is None:
                if all(x is None or x < uid for x in self.view[:at]) and \
                        all(x is None or x > uid for x in self.view[at:]):
                    return at
        raise AssertionError("VANISHED unknown", uid, self.view)

    def fetched(self, command, n, text):
        found = re.search(r"UID (\d+)", text)
        uid = int(found[1]) if found else self.view[n - 1]
        known = self.view[n - 1]
        need(known in (None, uid), "UID of", n, known, text)
        self.view[n - 1] = uid
        for other in self.view[:n - 1]:
            need(other is None or uid is None or other < uid, "UIDs ascend")
        self.noticed(command, uid, text)

    def noticed(self, command, uid, text):
        """What a FETCH or UIDFETCH says of a message."""
        found = re.search(r"MODSEQ \((\d+)\)", text)
        if found:
            self.seen.append(int(found[1]))
        need(not self.quick or "FETCH" in command["kind"] or
             (found and (self.uidonly or "UID" in text)),
             "FETCH without MODSEQ or UID", text)
        found = re.search(r"FLAGS \(([^)]*)\)", text)
        if found and uid is not None:
            self.told[uid] = frozenset(found[1].split())
            self.known[uid] = self.told[uid]
        found = re.search(r"Subject: (\S+)", text)
        if found:
            command.setdefault("subjects", {})[uid] = found[1]
        command["rows"].append(uid)


def uid_set(uids):
    return ",".join("%d" % x for x in uids)


def numbers(text):
    out = []
    for part in text.split(","):
        first, _, last = part.partition(":")
        out += range(int(first), int(last or first) + 1)
    return out


def pairs(command):
    """What COPYUID says, as (old, new)."""
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
        self.killed = dict.fromkeys(ROLES, 0)
        self.dropped = {}  # ended sessions by number
        admin = self.login(99)
        for box in self.boxes:
            admin.send({"text": "DELETE " + box, "kind": "DELETE"})
            admin.answer()
            admin.run("CREATE " + box)
        admin.close()
        self.sessions = [self.login(i, self.random.choice(self.boxes))
                         for i in range(SESSIONS)]

    def login(self, number, box=None):
        """Who was killed may still be coming back."""
        for attempt in range(100):
            try:
                return Session(number, box)
            except (Gone, AssertionError):
                if not self.killing or attempt == 99:
                    raise
                time.sleep(0.1)
        return None

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
        uids = self.some(session)
        if uids is not None and self.random.random() < 0.3:
            return self.catenate(session, subject, uids[0])
        body = "Subject: %s\r\n\r\nx\r\n" % subject
        box = self.random.choice(self.boxes)
        return {"text": "APPEND %s (%s) {%d+}\r\n%s" %
                (box, session.key, len(body), body),
                "kind": "APPEND", "box": box, "subject": subject}

    def catenate(self, session, subject, uid):
        """A new header, and the rest of what may be gone (RFC 4469)."""
        head = "Subject: %s\r\n\r\n" % subject
        box = self.random.choice(self.boxes)
        return {"text": "APPEND %s (%s) CATENATE (TEXT {%d+}\r\n%s URL "
                "\"/%s;UIDVALIDITY=%s/;UID=%d/;SECTION=TEXT\" URL ;UID=%d)" %
                (box, session.key, len(head), head, session.box,
                 session.validity, uid, uid),
                "kind": "APPEND", "box": box, "subject": subject,
                "part": (session.box, uid)}

    def replace(self, session):
        """One goes and one comes, or neither (RFC 8508)."""
        uids = self.some(session)
        if uids is None:
            return self.append(session)
        command = self.append(session)
        box, words = command["box"], command["text"].split(" ", 2)[2]
        return {"text": "UID REPLACE %d %s %s" % (uids[0], box, words),
                "kind": "REPLACE", "uids": uids[:1], "box": box,
                "subject": command["subject"]}

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

    def copy_seq(self, session):
        """By number; if it is gone meanwhile nothing is copied."""
        if not session.view:
            return self.append(session)
        n = self.random.randint(1, len(session.view))
        word = self.random.choice(("COPY", "MOVE"))
        box = self.random.choice(self.boxes)
        return {"text": "%s %d %s" % (word, n, box), "kind": word,
                "uids": [session.view[n - 1]], "box": box}

    def look(self, session):
        uids = self.some(session)
        if self.subjects and self.random.random() < 0.3:
            subject = "s%d" % self.random.randint(1, self.subjects)
            return {"text": "UID SEARCH SUBJECT " + subject,
                    "kind": "UID SEARCH", "words": subject}
        if uids is None or self.random.random() < 0.4:
            how = self.random.choice((
                "SEARCH", "SORT (REVERSE SUBJECT) UTF-8",
                "SEARCH RETURN (PARTIAL -1:-100000)"))
            return {"text": "UID %s KEYWORD %s" % (how, session.key),
                    "kind": "UID SEARCH", "key": session.key}
        return {"text": "UID FETCH %s (FLAGS BODY.PEEK[HEADER.FIELDS "
                "(SUBJECT)])" % uid_set(uids), "kind": "UID FETCH"}

    def choose(self, session, first):
        pick = self.random.random()
        if session.uidonly and pick < 0.1:
            return {"text": self.random.choice((
                "FETCH 1:* (FLAGS)", "STORE 1 +FLAGS (%s)" % FLAG,
                "MOVE 1 " + self.random.choice(self.boxes),
                "UID SEARCH 1:*")), "kind": "by number"}
        first = first and not session.uidonly
        if first and pick < 0.1:
            return {"text": "FETCH 1:* (FLAGS)" if session.view else "NOOP",
                    "kind": "FETCH"}
        if first and pick < 0.2:
            return self.store_seq(session)
        if first and pick < 0.25:
            return {"text": "SEARCH ALL", "kind": "SEARCH"}
        if first and pick < 0.3:
            return self.copy_seq(session)
        if pick < 0.4:
            return self.append(session)
        if pick < 0.45:
            return self.replace(session)
        if pick < 0.65:
            return self.store(session)
        if pick < 0.8:
            return self.copy(session)
        if pick < 0.86:
            return self.look(session)
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
            if self.random.random() < 0.2:
                batch.append({"text": "IDLE", "kind": "IDLE", "done": False,
                              "session": session, "from": session.box})
            try:
                for command in batch:
                    done.append(command)
                    session.send(command)
                # DONE may come before the continuation was sent.
                if batch and batch[-1]["kind"] == "IDLE" and \
                        self.random.random() < 0.3:
                    session.done()
            except Gone:
                need(self.killing, "connection ended")
        if self.killing and self.random.random() < 0.3:
            role = next(TURNS)
            self.killed[role] += kill_role(role, self.random)
        idling = []
        for session in list(self.sessions):
            self.attend(session, idling)
        for session in idling:
            try:
                session.done()
            except Gone:
                need(self.killing, "connection ended")
            self.attend(session, None)
        self.settle(done)

    def attend(self, session, idling):
        """Reads what answers its commands; where it idles, later."""
        try:
            while session.queue:
                if session.answer() is None:
                    idling.append(session)
                    return
        except Gone:
            need(self.killing, "connection ended")
            self.drop(session)

    def drop(self, session):
        self.sessions.remove(session)
        self.dropped[session.number] = session
        session.close()

    def resynced(self, number, old):
        """One of QRESYNC comes back; what it knows then must be so."""
        for attempt in range(100):
            try:
                session = self.login(number)
                holes = session.come_back(old)
                break
            except Gone:
                need(self.killing and attempt < 99, "connection ended")
        want = {uid: flags for uid, (_, flags) in self.state[old.box].items()}
        for uid in set(want) - set(session.known):
            need(holes, "not told at SELECT", old.box, uid)
            session.known[uid] = want[uid]
        need(session.known == want, "resynced", number, old.high,
             session.known, want)
        session.run("UID FETCH 1:* (FLAGS)")
        return session

    def fresh(self, box):
        for attempt in range(50):
            try:
                session = self.login(98)
                session.run("SELECT " + box)
                rows = {}
                session.send({"text": "FETCH 1:* (UID FLAGS BODY.PEEK["
                              "HEADER.FIELDS (SUBJECT)])", "kind": "all"})
                while True:
                    line = session.line()
                    if line.startswith("t"):
                        break
                    found = re.match(r"\* \d+ FETCH \(UID (\d+) FLAGS "
                                     r"\(([^)]*)\).*Subject: (\S+)", line,
                                     re.DOTALL)
                    if found:
                        rows[int(found[1])] = (found[3],
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
        # What a dead engine has sent may still be on its way to the vault.
        while self.killing:
            again = {box: self.fresh(box) for box in self.boxes}
            if again == new:
                break
            new = again
        sure = [c for c in done if c.get("result", "").startswith("OK")]
        for command in done:
            if "result" not in command:
                need(self.killing, "no answer", command["text"])
            elif command["kind"] == "by number":
                need(command["result"].startswith("BAD [UIDREQUIRED]"),
                     command["text"], command["result"])
            elif self.killing and ("words" in command or
                                   "SORT" in command["text"]):
                pass  # its worker may have gone
            elif "part" in command and \
                    command["result"].startswith("NO [BADURL "):
                box, uid = command["part"]
                need(uid not in new[box], "BADURL", box, uid)
            elif command["kind"] not in ("COPY", "MOVE", "STORE", "REPLACE"):
                need(command["result"].startswith("OK"), command["text"],
                     command["result"])
        self.check_gone(new, done)
        self.check_new(new, done, sure)
        self.check_replaced(new, done)
        self.check_flags(new, done)
        self.check_looks(new, done)
        self.state = new
        for box in self.boxes:
            if new[box]:
                self.highest[box] = max(self.highest[box], max(new[box]))
        self.check_views()

    def check_gone(self, new, done):
        """What is gone was deleted and expunged, or moved."""
        expunging = {c["from"] for c in done if c["kind"] == "EXPUNGE"}
        moved = {(c["from"], uid) for c in done
                 if c["kind"] in ("MOVE", "REPLACE") for uid in c["uids"]}
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
        moved = {(c["from"], uid) for c in done
                 if c["kind"] in ("MOVE", "REPLACE") for uid in c["uids"]}
        expected = {}
        sources = {}
        for command in sure:
            if command["kind"] in ("APPEND", "REPLACE"):
                found = re.search(r"APPENDUID \d+ (\d+)",
                                  " ".join(command["codes"]))
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

    def check_replaced(self, new, done):
        """One of both is there, whatever was killed."""
        there = {subject for box in self.boxes
                 for subject, _ in new[box].values()}
        expunging = {c["from"] for c in done if c["kind"] == "EXPUNGE"}
        marked = {(c["from"], uid) for c in done
                  if c.get("what") == FLAG for uid in c["uids"]}
        for command in done:
            if command["kind"] != "REPLACE":
                continue
            box, uid = command["from"], command["uids"][0]
            if command["subject"] in there:
                need(uid not in new[box], "replaced and there", box, uid)
            need(not command.get("result", "").startswith("OK") or
                 uid not in new[box], "acknowledged and there", box, uid)
            others = [c for c in done if c is not command and
                      c["kind"] in ("MOVE", "REPLACE") and
                      c["from"] == box and uid in c["uids"]]
            deleted = FLAG in self.state[box].get(uid, (None, (FLAG,)))[1] or \
                (box, uid) in marked
            if uid in new[box] or others or (box in expunging and deleted):
                continue
            need(command["subject"] in there, "replaced by nothing", box, uid)

    def check_flags(self, new, done):
        """Each session's own keyword is as its commands, in order, left it;
        of those without an answer, as many as were done."""
        may = {}  # (box, uid, key) -> the values it can have
        for command in done:
            if command.get("what") in (None, FLAG):
                continue
            for uid in command["uids"]:
                at = (command["from"], uid, command["what"])
                value = command["sign"] == "+"
                if "result" in command:
                    may[at] = {value}
                else:
                    old = self.state[at[0]].get(uid, (None, ()))[1]
                    may.setdefault(at, {at[2] in old}).add(value)
        for box in self.boxes:
            for uid, (_, flags) in new[box].items():
                if uid not in self.state[box]:
                    continue
                for i in range(SESSIONS):
                    key = "k%d" % i
                    values = may.get((box, uid, key),
                                     {key in self.state[box][uid][1]})
                    need((key in flags) in values, "flag", box, uid, key)
                if FLAG in self.state[box][uid][1]:
                    need(FLAG in flags, "flag", box, uid, FLAG)
        for command in done:
            if command.get("what") != FLAG or "result" not in command:
                continue
            for uid in command["uids"]:
                if uid in new[command["from"]]:
                    need(FLAG in new[command["from"]][uid][1],
                         "flag", command["from"], uid, FLAG)

    def check_looks(self, new, done):
        """FETCH and SEARCH have told the truth, as far as it is known."""
        own = {}  # what a session has done to its keyword so far
        for command in done:
            box = command["from"]
            at = (command["session"], box)
            if command.get("what") == command["session"].key:
                for uid in command["uids"]:
                    own.setdefault(at, {})[uid] = command["sign"] == "+"
            for uid, subject in command.get("subjects", {}).items():
                known = self.state[box].get(uid) or new[box].get(uid)
                need(known is None or known[0] == subject, "subject", box,
                     uid, subject, known)
            if not {"key", "words"} & set(command) or \
                    not command.get("result", "").startswith("OK"):
                continue
            found = set()
            for line in command["codes"]:
                if line.startswith(("SEARCH", "SORT")):
                    found.update(int(x) for x in line.split()[1:])
                if line.startswith("SORT"):
                    self.check_order(box, [int(x) for x in line.split()[1:]])
                part = re.search(r"PARTIAL \(\S+ ([\d:,]+)\)", line)
                if line.startswith("ESEARCH") and part:
                    found.update(numbers(part[1]))
            if "words" in command:
                for uid, (subject, _) in self.state[box].items():
                    has = command["words"] in subject
                    need(uid not in found or has, "found", box, uid)
                    need(uid in found or not has or uid not in new[box],
                         "not found", box, uid)
                continue
            for uid, (_, flags) in self.state[box].items():
                has = own.get(at, {}).get(uid, command["key"] in flags)
                need(uid not in found or has, "found", box, uid)
                need(uid in found or not has or uid not in new[box],
                     "not found", box, uid)

    def check_order(self, box, uids):
        """By subject from the last to the first, those equal by UID."""
        known = [(self.state[box][x][0].upper(), x) for x in uids
                 if x in self.state[box]]
        for one, two in zip(known, known[1:]):
            need(one[0] > two[0] or one[0] == two[0] and one[1] < two[1],
                 "order", box, one, two)

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
                self.drop(session)
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
            self.check_live(session, want)
        while len(self.sessions) < SESSIONS:
            used = {x.number for x in self.sessions}
            number = min(set(range(SESSIONS)) - used)
            old = self.dropped.pop(number, None)
            if old is not None and old.quick and old.validity:
                self.sessions.append(self.resynced(number, old))
            else:
                self.sessions.append(
                    self.login(number, self.random.choice(self.boxes)))
        quick = [x for x in self.sessions if x.quick]
        if quick and self.random.random() < 0.3:
            # Not killed, but gone all the same.
            session = self.random.choice(quick)
            self.sessions.remove(session)
            session.close()
            self.sessions.append(self.resynced(session.number, session))
        if self.random.random() < 0.3:
            session = self.random.choice(self.sessions)
            try:
                session.select(self.random.choice(self.boxes))
            except Gone:
                need(self.killing, "connection ended")
                self.sessions.remove(session)

    def check_live(self, session, want):
        """What was told of a result, once all has been, is the result."""
        found = {uid for uid, (_, flags) in want.items()
                 if session.key in flags}
        for _ in range(200):
            if session.live is None or session.live.uids == found:
                return
            time.sleep(0.01)
            session.run("NOOP")
        need(False, "live", session.number, session.live.uids, found)

    def close(self):
        for session in self.sessions:
            session.close()


def kill_role(role, rand):
    """One of this suite's processes of that role; how many were killed."""
    time.sleep(rand.random() * 0.01)
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,args:40="], check=True,
                         capture_output=True, text=True).stdout
    own = set(subprocess.run(SERVER["pids_cmd"], shell=True, check=True,
                             capture_output=True, text=True).stdout.split())
    rows = [line.split(None, 2) for line in out.splitlines()]
    parent = {row[0]: row[1] for row in rows}
    found = [int(pid) for pid, ppid, args in rows
             if args.split(":")[0] == role.split(":")[0] and
             (":" not in role or args == role) and
             own & {pid, ppid, parent.get(ppid)}]
    if not found:
        return 0
    os.kill(rand.choice(found), signal.SIGKILL)
    return 1


def main():
    first, count = int(sys.argv[2]), int(sys.argv[3])
    killing = len(sys.argv) > 4
    killed = dict.fromkeys(ROLES, 0)
    for seed in range(first, first + count):
        print("seed %d" % seed, flush=True)
        model = Model(seed, killing)
        for _ in range(ROUNDS):
            model.round()
        model.close()
        for role in ROLES:
            killed[role] += model.killed[role]
    # A worker lives while there is work.
    need(not killing or all(killed[x] for x in ROLES[:2]),
         "nobody was killed", killed)
    print("killed: %s" % killed)


main()

#! /usr/bin/env python3
"""
Sessions of one user held against a reference model.

usage: model.py server.json FIRST-SEED COUNT [kill] [crowd | bulk]

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
Four are told what happens in both boxes (RFC 5465): at the end of a round they
know of the other box what a new session is told of it, and of the messages that
others have put into theirs what they wished to know; two of them have EXPUNGE at
any time.
Now and then an administrator lets their user keep nothing more (RFC 9208).
With "crowd" the boxes hold more messages than a command deals with (RFC 9738);
with "bulk" one session copies or moves very many in each round.
"""

import collections
import itertools
import os
import random
import re
import signal
import subprocess
import sys
import time

import crowd
from checks import Checks, SESSIONS
from session import FLAG, Gone, need, SERVER, Session, uid_set
from watch import Admin

ROUNDS = 12
ROLES = ("imap-store: vault", "imap-engine", "imap-worker")
TURNS = itertools.cycle(ROLES)


class Model(Checks):
    """What the boxes can hold, given what was acknowledged."""

    def __init__(self, seed, killing, crowded, bulk):
        self.random = random.Random(seed)
        self.killing = killing
        self.crowded = crowded or bulk
        self.bulk = bulk
        self.count = 3 if bulk else SESSIONS
        self.seen = collections.Counter()
        self.admin = Admin(SERVER)
        self.boxes = ("m%da" % seed, "m%db" % seed)
        # name -> uid -> (subject, flags)
        self.state = {box: {} for box in self.boxes}
        self.highest = {box: 0 for box in self.boxes}
        self.subjects = 0
        self.killed = dict.fromkeys(ROLES, 0)
        self.dropped = {}  # ended sessions by number
        self.notes = {}  # (box, key) -> the values its entry can have
        self.done = []  # commands of the round
        self.following = {}  # box -> its UIDNEXT
        first = self.login(99)
        for box in self.boxes:
            first.send({"text": "DELETE " + box, "kind": "DELETE"})
            first.answer()
            first.run("CREATE " + box)
        if self.crowded:
            crowd.fill(first, self.boxes, crowd.BULK if bulk else crowd.MANY)
            self.state = {box: self.fresh(box) for box in self.boxes}
            self.highest = {box: max(self.state[box]) for box in self.boxes}
        self.admin.learn(first, self.there())
        first.close()
        self.sessions = [self.login(i, self.random.choice(self.boxes))
                         for i in range(self.count)]

    def login(self, number, box=None):
        """Who was killed may still be coming back."""
        for attempt in range(100):
            try:
                return Session(number, box, self.boxes)
            except (Gone, AssertionError):
                if not self.killing or attempt == 99:
                    raise
                time.sleep(0.1)
        return None

    def there(self):
        """How many messages the boxes had when the round began."""
        return sum(len(self.state[box]) for box in self.boxes)

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
                "THREAD ORDEREDSUBJECT UTF-8",
                "SEARCH RETURN (PARTIAL -1:-100000)"))
            return {"text": "UID %s KEYWORD %s" % (how, session.key),
                    "kind": "UID SEARCH", "key": session.key}
        return {"text": "UID FETCH %s (FLAGS BODY.PEEK[HEADER.FIELDS "
                "(SUBJECT)])" % uid_set(uids), "kind": "UID FETCH"}

    def annotate(self, session):
        """Each session has an entry of its own (RFC 5464)."""
        self.subjects += 1
        box, value = self.random.choice(self.boxes), "v%d" % self.subjects
        return {"text": 'SETMETADATA %s (/private/%s "%s")' %
                (box, session.key, value), "kind": "SETMETADATA",
                "box": box, "value": value}

    def choose(self, session, first):
        pick = self.random.random()
        if session.uidonly and pick < 0.1:
            return {"text": self.random.choice((
                "FETCH 1:* (FLAGS)", "STORE 1 +FLAGS (%s)" % FLAG,
                "MOVE 1 " + self.random.choice(self.boxes),
                "UID SEARCH 1:*")), "kind": "by number"}
        if self.crowded and pick > 0.8 and self.random.random() < 0.5:
            return crowd.choose(self.random, session, self.boxes)
        # Whose numbers can change at any time has no use for them either.
        first = first and not session.uidonly and not (
            session.watch is not None and session.watch.immediate)
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
        if pick < 0.94:
            return self.annotate(session)
        if pick < 0.96:
            box = self.random.choice(self.boxes)
            return {"text": "GETQUOTAROOT " + box, "kind": "GETQUOTAROOT",
                    "box": box}
        return {"text": "NOOP", "kind": "NOOP"}

    # ---- a round

    def batch(self, session, turn):
        """What a session does in a round."""
        out = []
        if self.bulk and session is turn:
            out = crowd.bulk(self.random, session, self.boxes, self.state)
        for i in range(0 if out else self.random.randint(0, 4)):
            out.append(crowd.calm(self.random, session) if self.bulk
                       else self.choose(session, i == 0))
            if out[-1].get("silent"):
                session.silent.update(out[-1]["uids"])
        if self.random.random() < 0.2:
            out.append({"text": "IDLE", "kind": "IDLE", "done": False})
        for command in out:
            command["session"] = session
            command["from"] = session.box
        return out

    def begin(self, session, batch):
        try:
            for command in batch:
                session.send(command)
            # DONE may come before the continuation was sent.
            if batch and batch[-1]["kind"] == "IDLE" and \
                    self.random.random() < 0.3:
                session.done()
        except Gone:
            need(self.killing, "connection ended")

    def kill(self, victims):
        """Of a bulk the vault, whose pid is known before it begins."""
        if self.bulk:
            time.sleep(self.random.random() * 0.05)
            role = ROLES[0]
            killed = kill_one(victims, self.random)
        else:
            role = next(TURNS)
            time.sleep(self.random.random() * 0.01)
            killed = kill_one(pids(role), self.random)
        self.killed[role] += killed

    def round(self):
        done = []
        turn = self.random.choice(self.sessions) if self.sessions else None
        often = 1 if self.bulk else 0.8 if self.crowded else 0.3
        victims = pids(ROLES[0]) if self.killing and self.bulk else []
        for session in self.sessions:
            if session is turn and not self.bulk:
                self.admin.turn(self.random, self.there())
            batch = self.batch(session, turn)
            done += batch
            if not self.bulk or session is not turn:
                self.begin(session, batch)
        if self.bulk and turn is not None:
            self.begin(turn, [c for c in done if c["session"] is turn])
        if self.killing and self.random.random() < often:
            self.kill(victims)
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
        session.all()
        return session

    def fresh(self, box):
        for attempt in range(50):
            try:
                session = self.login(98)
                codes = " ".join(session.run("SELECT " + box)["codes"])
                self.following[box] = int(re.search(r"UIDNEXT (\d+)",
                                                    codes)[1])
                subjects = session.all("FLAGS BODY.PEEK[HEADER.FIELDS "
                                       "(SUBJECT)]") if session.view else {}
                session.close()
                return {uid: (subject, session.told[uid])
                        for uid, subject in subjects.items()}
            except (Gone, AssertionError):
                if not self.killing or attempt == 49:
                    raise
                time.sleep(0.1)
        return None

    def entries(self, box):
        """What a fresh session is told of all sessions' entries."""
        names = " ".join("/private/k%d" % i for i in range(SESSIONS))
        for attempt in range(50):
            try:
                session = self.login(98)
                text = "".join(session.run("GETMETADATA %s (%s)" % (
                    box, names))["codes"])
                session.close()
                return dict(re.findall(r'/private/(k\d)"? "(v\d+)"', text))
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
        self.done = done
        crowd.settle(done, self.state)
        sure = [c for c in done if c.get("result", "").startswith("OK")]
        for command in done:
            if "result" not in command:
                need(self.killing, "no answer", command["text"])
            elif command["kind"] == "by number":
                need(command["result"].startswith("BAD [UIDREQUIRED]"),
                     command["text"], command["result"])
            elif self.killing and ("words" in command or
                                   "UTF-8" in command["text"]):
                pass  # its worker may have gone
            elif self.crowded and \
                    command["result"].startswith("NO [MESSAGELIMIT "):
                pass  # no order of a part
            elif "[OVERQUOTA]" in command["result"]:
                pass  # looked at below
            elif "part" in command and \
                    command["result"].startswith("NO [BADURL "):
                box, uid = command["part"]
                need(uid not in new[box], "BADURL", box, uid)
            elif command["kind"] not in ("COPY", "MOVE", "STORE", "REPLACE"):
                need(command["result"].startswith("OK"), command["text"],
                     command["result"])
        crowd.check_bulk(self.state, new, done, self.seen)
        self.check_gone(new, done)
        self.check_new(new, done, sure)
        self.check_moved(new, done)
        self.check_replaced(new, done)
        self.check_flags(new, done)
        self.check_looks(new, done)
        self.check_notes(done)
        there = self.there()
        self.state = new
        self.admin.kept(done, there, self.there())
        for box in self.boxes:
            if new[box]:
                self.highest[box] = max(self.highest[box], max(new[box]))
        self.check_views()

    def check_views(self):
        """After a NOOP each view is what there is."""
        for session in list(self.sessions):
            try:
                session.run("NOOP")
                want = self.state[session.box]
                need(len(session.view) == len(want), "view", session.number,
                     session.view, sorted(want))
                self.check_watch(session)
                if None in session.view:
                    session.all()
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
            session.all()
            self.check_live(session, want)
        while len(self.sessions) < self.count:
            used = {x.number for x in self.sessions}
            number = min(set(range(self.count)) - used)
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


def pids(role):
    """This suite's processes of that role."""
    out = subprocess.run(["ps", "-eo", "pid=,ppid=,args:40="], check=True,
                         capture_output=True, text=True).stdout
    own = set(subprocess.run(SERVER["pids_cmd"], shell=True, check=True,
                             capture_output=True, text=True).stdout.split())
    rows = [line.split(None, 2) for line in out.splitlines()]
    parent = {row[0]: row[1] for row in rows}
    return [int(pid) for pid, ppid, args in rows
            if args.split(":")[0] == role.split(":")[0] and
            (":" not in role or args == role) and
            own & {pid, ppid, parent.get(ppid)}]


def kill_one(found, rand):
    """How many were killed."""
    try:
        os.kill(rand.choice(found), signal.SIGKILL)
        return 1
    except (IndexError, ProcessLookupError):
        return 0


def main():
    first, count = int(sys.argv[2]), int(sys.argv[3])
    killing = "kill" in sys.argv[4:]
    crowded = "crowd" in sys.argv[4:]
    bulk = "bulk" in sys.argv[4:]
    killed = collections.Counter()
    seen = collections.Counter()
    for seed in range(first, first + count):
        print("seed %d" % seed, flush=True)
        model = Model(seed, killing, crowded, bulk)
        for _ in range(crowd.ROUNDS if crowded or bulk else ROUNDS):
            model.round()
        model.close()
        killed.update(model.killed)
        seen.update(model.seen)
    # A worker lives while there is work.
    need(not killing or all(killed[x] for x in ROLES[:1 if bulk else 2]),
         "nobody was killed", killed)
    print("killed: %s" % dict(killed), *sorted(seen.items()))


main()

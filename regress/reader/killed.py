#!/usr/bin/python3
"""Processes are killed in the midst of long changes.  What the directory then
holds, as the reader has it, is what a fresh login shows; what was said to be
done is done, and what was not is done wholly, or in whole pieces, or not.

usage: killed.py SERVER.JSON FIRST-SEED SEEDS MESSAGES ROUNDS

A seed is a user (from 1 on, again and again).  The delays that it gives are
not those of another machine, so a seed is what was tried, not what happens.
"""
import collections
import hashlib
import imaplib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time

import reader_client as client

WAIT = 120                      # seconds for what comes at once
PIECE = 256                     # a change of more is made in pieces
APPENDS = 12                    # in one stream
ROLES = {"vault": ("vault",), "engine": ("imap-engine",),
         "both": ("vault", "imap-engine")}
OPS = ("copy", "move", "expunge", "replace", "append")


def need(good, *what):
    if not good:
        sys.exit("killed: %s" % " ".join(str(x) for x in what))


def ended(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


def numbers(text):
    """Those of a set of UIDs."""
    found = set()
    for part in text.split(","):
        first, _, last = part.partition(":")
        found |= set(range(int(first), int(last or first) + 1))
    return found


def multiset(messages):
    return collections.Counter(messages.values())


class Answers:
    """What came until the connection's end."""

    def __init__(self, m, tags):
        self.acked, self.gone = [], set()
        for line in self.read(m):
            words = line.split(None, 2)
            if words and words[0] in tags and words[1:2] == [b"OK"]:
                self.acked.append(words[0])
                self.at = time.monotonic()
            found = re.match(rb"\* VANISHED ([0-9:,]+)\r\n", line)
            if found:
                self.gone |= numbers(found[1].decode())
            if len(self.acked) == len(tags):
                break

    @staticmethod
    def read(m):
        while True:
            try:
                line = m.readline()
            except OSError:
                return
            if not line.endswith(b"\r\n"):
                return
            yield line


class Run:
    def __init__(self, server, seed, user):
        self.server, self.user = server, user
        self.random = random.Random(seed)
        self.span = dict.fromkeys(OPS, 0.01)
        self.outcomes = collections.Counter()
        self.count = 0
        self.boxes = {}

    # ---- Processes

    def pids(self, names):
        listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], check=True,
                                stdout=subprocess.PIPE, text=True).stdout
        own = set(subprocess.run(self.server["pids_cmd"], shell=True,
                                 check=True, stdout=subprocess.PIPE,
                                 text=True).stdout.split())
        rows = [row.split(None, 2) for row in listed.splitlines()]
        parent = {row[0]: row[1] for row in rows}
        return [int(pid) for pid, ppid, title in rows
                if own & {pid, ppid, parent.get(ppid)} and
                any(re.search(r"(\A|[ /])%s\b" % n, title) for n in names)]

    def kill(self, found):
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        end = time.time() + WAIT
        while not all(ended(pid) for pid in found):
            need(time.time() < end, "one that was killed lives")
            time.sleep(0.002)

    def login(self):
        end = time.time() + WAIT
        while True:
            try:
                m = client.login(self.server, self.user)
                client.ok(m.xatom("ENABLE", "QRESYNC"))
                return m
            except (imaplib.IMAP4.error, OSError) as e:
                need(time.time() < end, "no login:", e)
                time.sleep(0.02)

    # ---- What is there

    def look(self, vault_lives):
        """The reader first: a vault that opens might mend something."""
        theirs = None if vault_lives else client.read(self.server, self.user)
        m = self.login()
        ours = client.seen_by_imap(m)
        while theirs is None:
            # What the engine had sent before it died may still be done.
            theirs, was = client.read(self.server, self.user), ours
            ours = client.seen_by_imap(m)
            if was != ours:
                theirs = None
        client.compare(theirs, ours)
        after = {box["name"]: {x["uid"]: client.key(x)[1:]
                               for x in box["messages"]} for box in ours}
        m.logout()
        return after

    def fill(self, messages):
        m = self.login()
        for box in ("To", "Then"):
            client.ok(m.create(box))
        m.logout()
        client.fill(self.server, self.user, messages)
        self.boxes = self.look(True)

    # ---- One change

    def text(self):
        self.count += 1
        return client.text(self.count, self.random.randrange(400000))

    def choose(self):
        can = ["replace", "append"]
        if len(self.boxes["To"]) > PIECE:
            can += ["move"] * 3
        else:
            can += ["copy"] * 5
        if len(self.boxes["Then"]) > PIECE:
            can += ["expunge"] * 3
        return self.random.choice(can)

    def command(self, op, m):
        """[(tag, octets)], and what check_OP() must know."""
        if op == "copy":
            client.ok(m.select("Many"))
            return [(b"k0", b"COPY 1:* To\r\n")], None
        if op == "move":
            client.ok(m.select("To"))
            return [(b"k0", b"MOVE 1:* Then\r\n")], None
        if op == "expunge":
            client.ok(m.select("Then"))
            client.ok(m.store("1:*", "+FLAGS.SILENT", "(\\Deleted)"))
            then = self.boxes["Then"]
            for uid, (flags, *rest) in then.items():
                flags = tuple(sorted({*flags, "\\Deleted"}))
                then[uid] = (flags, *rest)
            return [(b"k0", b"EXPUNGE\r\n")], None
        if op == "replace":
            client.ok(m.select("Many"))
            uid = self.random.choice(list(self.boxes["Many"]))
            text = self.text()
            return [(b"k0", b"UID REPLACE %d Many {%d+}\r\n%s\r\n" %
                     (uid, len(text), text))], \
                (uid, hashlib.sha256(text).hexdigest())
        texts = [self.text() for _ in range(APPENDS)]
        return [(b"k%d" % i, b"APPEND Archive {%d+}\r\n%s\r\n" %
                 (len(x), x)) for i, x in enumerate(texts)], \
            [hashlib.sha256(x).hexdigest() for x in texts]

    def round(self):
        op = self.choose()
        who = self.random.choice(list(ROLES))
        m = self.login()
        commands, known = self.command(op, m)
        found = self.pids(ROLES[who])
        need(found, "there is no", who)
        delay = self.random.random() * self.span[op]
        begin = time.monotonic()
        sender = threading.Thread(target=self.send, args=(m, commands))
        sender.start()
        time.sleep(delay)
        self.kill(found)
        answers = Answers(m, [tag for tag, _ in commands])
        sender.join()
        m.shutdown()
        done = len(answers.acked) == len(commands)
        if done:
            self.span[op] = 1.3 * (answers.at - begin)
        self.span[op] = max(self.span[op], 1.5 * delay, 0.004)
        before, self.boxes = self.boxes, self.look(who == "engine")
        changed = {box for box in {*before, *self.boxes}
                   if before.get(box) != self.boxes.get(box)}
        what = "%s, %s killed after %.4f s, %d of %d acknowledged" % (
            op, who, delay, len(answers.acked), len(commands))
        print(what, "changed: %s" % sorted(changed), flush=True)
        self.outcomes[op, "done" if done else
                      "in part" if changed else "not"] += 1
        getattr(self, "check_" + op)(what, before, changed, answers, known)

    @staticmethod
    def send(m, commands):
        try:
            for tag, octets in commands:
                m.send(tag + b" " + octets)
        except OSError:
            pass

    # ---- What must hold

    def difference(self, box, before):
        """What has gone of it, and what has come; the rest is the same."""
        old, new = before[box], self.boxes[box]
        same = old.keys() & new.keys()
        need(all(old[uid] == new[uid] for uid in same), box, "has changed")
        need(not old or all(uid > max(old) for uid in new.keys() - same),
             box, "has got a UID that is not above the others")
        return ({uid: old[uid] for uid in old.keys() - same},
                {uid: new[uid] for uid in new.keys() - same})

    def check_copy(self, what, before, changed, answers, _):
        need(changed <= {"To"}, what, changed)
        gone, come = self.difference("To", before)
        need(not gone, what, "lost of the target")
        if come or answers.acked:
            need(multiset(come) == multiset(before["Many"]), what,
                 "a copy of", len(come))

    def check_move(self, what, before, changed, answers, _):
        need(changed <= {"To", "Then"}, what, changed)
        gone, none = self.difference("To", before)
        nothing, come = self.difference("Then", before)
        need(not none and not nothing, what, "more than moved")
        need(multiset(gone) == multiset(come), what, len(gone), "have gone,",
             len(come), "have come")
        need(answers.gone <= gone.keys(), what, "told as gone, and there")
        need(not answers.acked or len(gone) == len(before["To"]), what)

    def check_expunge(self, what, before, changed, answers, _):
        need(changed <= {"Then"}, what, changed)
        gone, come = self.difference("Then", before)
        need(not come, what, "something has come")
        need(answers.gone <= gone.keys(), what, "told as gone, and there")
        need(not answers.acked or not self.boxes["Then"], what)

    def check_replace(self, what, before, changed, answers, known):
        need(changed <= {"Many"}, what, changed)
        gone, come = self.difference("Many", before)
        if gone or come or answers.acked:
            need(list(gone) == [known[0]] and len(come) == 1 and
                 [x[-1] for x in come.values()] == [known[1]], what,
                 "half of it")

    def check_append(self, what, before, changed, answers, known):
        need(changed <= {"Archive"}, what, changed)
        gone, come = self.difference("Archive", before)
        shas = [come[uid][-1] for uid in sorted(come)]
        need(not gone and shas == known[:len(shas)], what,
             "what has come is not what was sent")
        need(len(shas) >= len(answers.acked), what, "acknowledged and lost")


def main():
    with open(sys.argv[1]) as f:
        server = json.load(f)
    first, seeds, messages, rounds = (int(x) for x in sys.argv[2:6])
    outcomes = collections.Counter()
    for i in range(seeds):
        print("seed %d" % (first + i), flush=True)
        run = Run(server, first + i, i % server["users"] + 1)
        run.fill(messages)
        for _ in range(rounds):
            run.round()
        outcomes += run.outcomes
    print("seen:", *("%s %s: %d" % (*k, outcomes[k])
                     for k in sorted(outcomes)), sep="\n")


main()

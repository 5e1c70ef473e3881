"""
What there is at the end of a round against what the acknowledged commands can
have made of what there was.
"""

import re
import time

import crowd
from session import FLAG, need, numbers, pairs

SESSIONS = 8


class Checks:
    """Of a Model: boxes, state, highest, killing."""

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

    def check_moved(self, new, done):
        """What was moved is in one of both boxes, whatever was killed."""
        there = {subject for box in self.boxes
                 for subject, _ in new[box].values()}
        marked = {(c["from"], uid) for c in done
                  if c.get("what") == FLAG for uid in c["uids"]}
        replaced = {(c["from"], uid) for c in done
                    if c["kind"] == "REPLACE" for uid in c["uids"]}
        free = marked | replaced
        for command in done:
            if command["kind"] != "MOVE":
                continue
            box = command["from"]
            for uid in command["uids"]:
                subject, flags = self.state[box].get(uid, (None, (FLAG,)))
                need(FLAG in flags or (box, uid) in free or
                     uid in new[box] or subject in there,
                     "moved to nowhere", box, uid)

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
            first = crowd.low(command)
            for line in command["codes"]:
                if line.startswith(("SEARCH", "SORT")):
                    found.update(int(x) for x in line.split()[1:])
                if line.startswith("THREAD"):
                    found.update(int(x) for x in re.findall(r"\d+", line))
                if line.startswith("SORT"):
                    self.check_order(box, [int(x) for x in line.split()[1:]])
                part = re.search(r"PARTIAL \(\S+ ([\d:,]+)\)", line)
                if line.startswith("ESEARCH") and part:
                    found.update(numbers(part[1]))
            if "words" in command:
                for uid, (subject, _) in self.state[box].items():
                    has = command["words"] in subject
                    need(uid not in found or has, "found", box, uid)
                    need(uid in found or not has or uid not in new[box] or
                         uid < first, "not found", box, uid)
                continue
            for uid, (_, flags) in self.state[box].items():
                has = own.get(at, {}).get(uid, command["key"] in flags)
                need(uid not in found or has, "found", box, uid)
                need(uid in found or not has or uid not in new[box] or
                     uid < first, "not found", box, uid)

    def check_notes(self, done):
        """Entries are as the last SETMETADATA of their session left them."""
        for command in done:
            if command["kind"] == "SETMETADATA":
                at = (command["box"], command["session"].key)
                if "result" in command:
                    self.notes[at] = {command["value"]}
                else:
                    self.notes.setdefault(at, {None}).add(command["value"])
        for box in self.boxes:
            found = self.entries(box)
            for (where, key), values in self.notes.items():
                if where != box:
                    continue
                need(found.get(key) in values, "entry", box, key,
                     found.get(key), values)
                values.intersection_update({found.get(key)})

    def check_watch(self, session):
        """Who listens knows by now what there is in the other box, and what
        is new in its own but for what it has put there itself."""
        if session.watch is None:
            return
        want = {box: (len(self.state[box]), self.following[box],
                      len(self.state[box]))
                for box in self.boxes if box != session.box}
        own = set()
        for command in self.done:
            if command["session"] is not session or \
                    command.get("box") != session.box:
                continue
            own.update(uid for _, uid in pairs(command))
            found = re.search(r"APPENDUID \d+ (\d+)",
                              " ".join(command.get("codes", ())))
            if found:
                own.add(int(found[1]))
        # What it did itself it is not told (section 5).
        if any(c["session"] is session and c.get("box") in want and
               c["kind"] in ("APPEND", "REPLACE", "COPY", "MOVE")
               for c in self.done):
            session.watch.over = True
        for _ in range(1000):
            if session.watch.over:
                session.listen()
            told = {box: session.watch.status.get(box) for box in want}
            untold = set(self.state[session.box]) - set(session.view)
            if self.crowded:
                untold.clear()  # so many at once are not all told
            if told == want and untold <= own:
                return
            time.sleep(0.01)
            session.run("NOOP")
        need(False, "watch", session.number, told, want, untold, own)

    def check_order(self, box, uids):
        """By subject from the last to the first, those equal by UID."""
        known = [(self.state[box][x][0].upper(), x) for x in uids
                 if x in self.state[box]]
        for one, two in zip(known, known[1:]):
            need(one[0] > two[0] or one[0] == two[0] and one[1] < two[1],
                 "order", box, one, two)

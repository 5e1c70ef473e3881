"""
A session of the model test as its client sees it: its view of a box (UIDs by
sequence number, flags as told) follows what it is told, and every response is
checked against it at once.
"""

import json
import re
import socket
import ssl
import sys

from extras import Live, Squeezed
from watch import WATCHING, Watch

SERVER = json.load(open(sys.argv[1], encoding="utf-8"))
UIDONLY = (2, 5)  # numbers of sessions: one of them speaks QRESYNC, too
FLAG = "\\Deleted"


class Gone(Exception):
    """The connection has ended."""


def need(truth, *what):
    if not truth:
        raise AssertionError(*what)


class Session:
    def __init__(self, number, box=None, boxes=()):
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
        self.watch = None
        if boxes and number in WATCHING:
            self.watch = Watch(number, boxes, self.quick)
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
        self.listen()
        if box:
            self.select(box)

    def close(self):
        self.sock.close()

    def all(self, items="FLAGS"):
        """The UIDs of all messages, as many as there may be; their subjects,
        if these are asked for."""
        rows, last = {}, "*"
        while True:
            command = self.run("UID FETCH 1:%s (%s)" % (last, items))
            subjects = command.get("subjects", {})
            # Flags of others may be told again.
            for uid in command["rows"]:
                rows[uid] = subjects.get(uid, rows.get(uid))
            found = re.search(r"\[MESSAGELIMIT \d+ (\d+)\]",
                              " ".join(command["codes"]))
            if not found:
                return rows
            last = str(int(found[1]) - 1)

    def listen(self):
        """To what happens in all boxes; those that are not selected are told
        at once."""
        if self.watch is not None:
            self.watch.status.clear()
            self.watch.over = False
            self.run(self.watch.text)

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
        rows = self.all() if self.view else {}
        need(len(rows) == len(self.view), "rows of the view")
        self.listen()
        self.live = None
        if self.number % 4 < 2:
            command = self.run("UID SEARCH RETURN (UPDATE ALL) KEYWORD " +
                               self.key)
            # Of a part of the mailbox there are no updates.
            need("NOUPDATE" not in "".join(command["codes"]) or
                 "[MESSAGELIMIT" in command["result"], "NOUPDATE")
            if "[MESSAGELIMIT" not in command["result"]:
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
        self.listen()
        return None in old.view

    def untagged(self, command, text):
        found = re.search(r"\[HIGHESTMODSEQ (\d+)\]", text)
        if found:
            self.code = int(found[1])
        found = re.match(r"VANISHED( \(EARLIER\))? (\S+)$", text)
        if found:
            self.vanished(command, found[1], found[2])
            return
        found = re.match(r"(\d+) (EXISTS|EXPUNGE|FETCH|UIDFETCH)(.*)", text,
                         re.DOTALL)
        if not found:
            if text.startswith("BYE"):
                raise Gone()
            if self.live is not None and self.live.told(text):
                return
            if self.watch is not None and self.watch.told(text):
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

"""
What sessions of the model are told unasked (NOTIFY, RFC 5465), and what an
administrator allows their user meanwhile (QUOTA, RFC 9208).
"""

import re
import socket
import ssl

import crowd

# Numbers of sessions, and how they are told of the selected mailbox.
WATCHING = {3: "selected-delayed", 4: "selected-delayed", 5: "selected",
            6: "selected"}
EVENTS = "MessageNew MessageExpunge FlagChange"


class Watch:
    """The last STATUS that was told of each mailbox that is not selected."""

    def __init__(self, number, boxes, quick):
        self.immediate = WATCHING[number] == "selected"
        self.quick = quick
        self.status = {}  # mailbox -> MESSAGES, UIDNEXT, UNSEEN
        self.high = {}
        self.over = False  # too much has happened
        self.text = (
            "NOTIFY SET STATUS (%s (MessageNew (UID FLAGS %sBODY.PEEK["
            "HEADER.FIELDS (SUBJECT)]) MessageExpunge FlagChange)) "
            "(mailboxes (%s) (%s))" %
            (WATCHING[number], "MODSEQ " if quick else "", " ".join(boxes),
             EVENTS))

    def told(self, text):
        """False: it is nothing of this."""
        if "[NOTIFICATIONOVERFLOW]" in text:
            self.over = True
            return True
        found = re.match(r"STATUS (\S+) \((.*)\)$", text)
        if not found:
            return False
        words = found[2].split()
        items = dict(zip(words[::2], map(int, words[1::2])))
        if self.quick:
            high = items["HIGHESTMODSEQ"]
            if high < self.high.get(found[1], 0):
                raise AssertionError("HIGHESTMODSEQ", text, self.high)
            self.high[found[1]] = high
        elif "HIGHESTMODSEQ" in items:
            raise AssertionError("HIGHESTMODSEQ", text)
        self.status[found[1]] = (items["MESSAGES"], items["UIDNEXT"],
                                 items["UNSEEN"])
        return True


class Admin:
    """Sets the limit of the sessions' user; knows which ones may be in force
    while a round lasts."""

    def __init__(self, server):
        self.server = server
        self.root = '"user0001@%s"' % server["domain"]
        self.now = None  # no limit; else a resource and its limit
        self.may = {None}
        self.file = None
        self.other = 0  # messages that are in other mailboxes
        self.set(("MESSAGE", 1000000))

    def run(self, text):
        """The response to it; None if the connection was lost."""
        try:
            if self.file is None:
                context = ssl.create_default_context(
                    cafile=self.server["cafile"])
                context.check_hostname = False
                sock = context.wrap_socket(socket.create_connection(
                    (self.server["host"], self.server["imaps_port"]), 60))
                self.file = sock.makefile("rwb")
                self.file.readline()
                self.run("LOGIN user0002@%s %s" % (
                    self.server["domain"], self.server["password"]))
            self.file.write(("a %s\r\n" % text).encode())
            self.file.flush()
            lines = []
            while not (lines and lines[-1].startswith("a ")):
                line = self.file.readline().decode()
                if not line.endswith("\n") or line.startswith("* BYE"):
                    raise ConnectionError()
                lines.append(line)
            return lines
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise AssertionError("no answer", text) from error
            self.file = None
            return None

    def sure(self, text):
        """Until it is done: who was killed may be coming back."""
        for _ in range(100):
            lines = self.run(text)
            if lines is not None and lines[-1].startswith("a OK"):
                return lines
        raise AssertionError(text, lines)

    def set(self, limit):
        self.may = {self.now, limit}
        self.sure("SETQUOTA %s (%s)" % (
            self.root, "" if limit is None else "%s %d" % limit))
        self.now = limit

    def learn(self, session, there):
        """What others count of a user who is logged in can be a little old."""
        text = "".join(session.run("GETQUOTAROOT INBOX")["codes"])
        found = re.search(r"MESSAGE (\d+) ", text)
        self.other = int(found[1]) - there
        self.set(None)
        self.may = {None}

    def turn(self, rand, there):
        """At most one change while a round lasts; there: how many messages
        there are."""
        self.may = {self.now}
        if rand.random() >= (0.2 if self.now is None else 0.6):
            return
        if self.now is not None:
            self.set(None)
        elif rand.random() < 0.4:
            self.set(("STORAGE", 0))
        else:
            self.set(("MESSAGE", self.other + there + rand.randint(0, 5)))

    def kept(self, done, there, new):
        """A round has made new messages of those that were there: what is
        over a limit of MESSAGE was so before (section 4.3.1)."""
        most = there + sum(added(command) for command in done)
        for command in done:
            if "result" in command:
                self.check(command, most)
        limit = self.now[1] if self.now is not None else 0
        if self.may == {self.now} and self.now is not None and \
                self.now[0] == "MESSAGE" and \
                self.other + new > max(limit, self.other + there):
            raise AssertionError("kept over quota", self.now, there, new)

    def check(self, command, most):
        """What fits is kept, what does not is refused (section 4.3.1)."""
        result, kind = command["result"], command["kind"]
        if "[OVERQUOTA]" in result:
            full = kind in ("APPEND", "REPLACE") and \
                ("STORAGE", 0) in self.may
            many = kind in ("APPEND", "COPY") and any(
                x is not None and x[0] == "MESSAGE" and
                self.other + most > x[1] for x in self.may)
            if not full and not many:
                raise AssertionError(command["text"], result, self.may, most)
        elif kind == "APPEND" and self.may == {("STORAGE", 0)} and \
                result.startswith("OK"):
            raise AssertionError("kept over quota", command["text"])
        if kind != "GETQUOTAROOT" or not result.startswith("OK"):
            return
        text = "\n".join(command["codes"])
        found = re.search(r"^QUOTAROOT (\S+) (\S+)$", text, re.MULTILINE)
        if not found or found[1] != command["box"] or found[2] != self.root:
            raise AssertionError(text)
        found = re.search(r"^QUOTA (\S+) \((?:(STORAGE|MESSAGE) (\d+) "
                          r"(\d+))?\)$", text, re.MULTILINE)
        limit = found and ((found[2], int(found[4])) if found[2] else None)
        if not found or found[1] != self.root or limit not in self.may or \
                (limit and limit[0] == "MESSAGE" and
                 int(found[3]) > self.other + most):
            raise AssertionError(text, self.may)


def added(command):
    """As many messages as it can add."""
    if command["kind"] in ("APPEND", "REPLACE"):
        return 1
    if command["kind"] in ("COPY", "MOVE"):
        return crowd.MANY if command.get("all") else len(command["uids"])
    return 0

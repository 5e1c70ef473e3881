"""
What sessions of the model are told unasked (NOTIFY, RFC 5465), and what an
administrator allows their user meanwhile (QUOTA, RFC 9208).
"""

import re
import socket
import ssl

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
        self.now = None  # no limit
        self.may = {None}
        self.file = None
        self.set(None)

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

    def set(self, limit):
        """Until it is known to be so: who was killed may be coming back."""
        text = "SETQUOTA %s (%s)" % (
            self.root, "" if limit is None else "STORAGE %d" % limit)
        self.may = {self.now, limit}
        for _ in range(100):
            lines = self.run(text)
            if lines is not None and lines[-1].startswith("a OK"):
                break
        else:
            raise AssertionError(text, lines)
        self.now = limit

    def turn(self, rand):
        """At most one change while a round lasts."""
        self.may = {self.now}
        if rand.random() < (0.1 if self.now is None else 0.6):
            self.set(0 if self.now is None else None)

    def check(self, command):
        """What fits is kept, what does not is refused (section 4.3.1)."""
        result = command["result"]
        if "[OVERQUOTA]" in result:
            if command["kind"] not in ("APPEND", "REPLACE") or \
                    0 not in self.may:
                raise AssertionError(command["text"], result, self.may)
        elif command["kind"] == "APPEND" and self.may == {0} and \
                result.startswith("OK"):
            raise AssertionError("kept over quota", command["text"])
        if command["kind"] != "GETQUOTAROOT" or not result.startswith("OK"):
            return
        text = "\n".join(command["codes"])
        found = re.search(r"^QUOTAROOT (\S+) (\S+)$", text, re.MULTILINE)
        if not found or found[1] != command["box"] or found[2] != self.root:
            raise AssertionError(text)
        found = re.search(r"^QUOTA (\S+) \((?:STORAGE (\d+) (\d+))?\)$", text,
                          re.MULTILINE)
        limit = found and (int(found[3]) if found[3] else None)
        if not found or found[1] != self.root or limit not in self.may:
            raise AssertionError(text, self.may)

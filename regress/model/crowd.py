"""
Boxes of more messages than one command deals with (MESSAGELIMIT, RFC 9738),
and commands that name all of them.
"""

import re

from session import pairs

MANY = 1010
LIMIT = 1000
ROUNDS = 3


def low(command):
    """The lowest UID that the command has dealt with; 0: it did all."""
    found = re.search(r"\[MESSAGELIMIT %d (\d+)\]" % LIMIT,
                      " ".join(command.get("codes", ())))
    return int(found[1]) if found else 0


def fill(session, boxes):
    """A hundred messages by each APPEND."""
    for box in boxes:
        for i in range(0, MANY, 100):
            text = ""
            for k in range(i, min(i + 100, MANY)):
                body = "Subject: f%s%d\r\n\r\nx\r\n" % (box[-1], k)
                text += " {%d+}\r\n%s" % (len(body), body)
            session.run("APPEND %s%s" % (box, text))


def choose(rand, session, boxes):
    """What names all messages; which ones it dealt with its answer says."""
    word = rand.choice(("STORE", "STORE", "MOVE", "COPY", "EXPUNGE"))
    command = {"text": "UID EXPUNGE 1:*", "kind": "EXPUNGE"}
    if word == "STORE":
        sign = rand.choice("+-")
        command = {"text": "UID STORE 1:* %sFLAGS (%s)" % (sign, session.key),
                   "kind": "UID STORE", "what": session.key, "sign": sign,
                   "uids": [], "all": True}
    elif word != "EXPUNGE":
        box = rand.choice(boxes)
        command = {"text": "UID %s 1:* %s" % (word, box), "kind": word,
                   "box": box, "uids": [], "all": True}
    return command


def settle(done, state):
    """The UIDs of what named all, of those that were there before; without
    an answer it can have been any of them."""
    for command in done:
        if not command.get("all"):
            continue
        first = low(command) if "result" in command else 0
        uids = {uid for uid in state[command["from"]] if uid >= first}
        if command["kind"] == "COPY" or \
                not command.get("result", "OK").startswith("OK"):
            uids = set()
        command["uids"] = sorted(uids | {old for old, _ in pairs(command)})

"""
Boxes of more messages than one command deals with (MESSAGELIMIT, RFC 9738),
and commands that name all of them; or of more than the vault deals with in one
go, and copies and moves in whose middle it is killed.
"""

import collections
import re

from session import FLAG, need, pairs

MANY = 1010
LIMIT = 1000
ROUNDS = 3
BULK = 700  # more than a piece of a copy (512), and of a move (256)


def low(command):
    """The lowest UID that the command has dealt with; 0: it did all."""
    found = re.search(r"\[MESSAGELIMIT %d (\d+)\]" % LIMIT,
                      " ".join(command.get("codes", ())))
    return int(found[1]) if found else 0


def fill(session, boxes, many):
    """A hundred messages by each APPEND."""
    for box in boxes:
        for i in range(0, many, 100):
            text = ""
            for k in range(i, min(i + 100, many)):
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


def bulk(rand, session, boxes, state):
    """What one session does to very many, while the others only look and set
    keywords.  A box that has grown shrinks again first."""
    there = sorted(state[session.box])
    if len(there) > 2 * BULK:
        uids = there[BULK:]
        return [{"text": "UID STORE %d:%d +FLAGS.SILENT (%s)" % (
            uids[0], uids[-1], FLAG), "kind": "UID STORE", "what": FLAG,
            "sign": "+", "silent": ".SILENT", "uids": uids},
            {"text": "EXPUNGE", "kind": "EXPUNGE"}]
    few = {"COPY": 513, "MOVE": 257}
    word = rand.choice(("COPY", "MOVE"))
    if len(there) < few[word]:
        word = "COPY" if len(there) < few["MOVE"] else "MOVE"
    uids = sorted(rand.sample(there, rand.randint(
        min(few[word], len(there)), len(there))))
    # The set as a client would write it, not as long as it can be.
    uids = [uid for uid in there if uids and uids[0] <= uid <= uids[-1]]
    if not uids:
        return [{"text": "NOOP", "kind": "NOOP"}]
    box = rand.choice(boxes)
    return [{"text": "UID %s %d:%d %s" % (word, uids[0], uids[-1], box),
             "kind": word, "box": box, "uids": uids, "bulk": True}]


def calm(rand, session):
    """Beside it: nothing that comes or goes."""
    word = rand.choice(("FETCH", "STORE", "SEARCH", "NOOP"))
    known = [x for x in session.view if x is not None]
    if word == "NOOP" or not known:
        return {"text": "NOOP", "kind": "NOOP"}
    if word == "SEARCH":
        return {"text": "UID SEARCH KEYWORD " + session.key,
                "kind": "UID SEARCH", "key": session.key}
    uid = rand.choice(known)
    if word == "FETCH":
        return {"text": "UID FETCH %d (FLAGS)" % uid, "kind": "UID FETCH"}
    sign = rand.choice("+-")
    return {"text": "UID STORE %d %sFLAGS (%s)" % (uid, sign, session.key),
            "kind": "UID STORE", "uids": [uid], "what": session.key,
            "sign": sign, "silent": ""}


def check_bulk(old, new, done, seen):
    """A copy is there whole or not at all (RFC 9051 section 6.4.7), and of a
    move each message is in exactly one place (RFC 6851 section 3.3)."""
    for command in done:
        if not command.get("bulk"):
            continue
        box, to = command["from"], command["box"]
        added = [new[to][uid][0] for uid in new[to] if uid not in old[to]]
        gone = [uid for uid in command["uids"] if uid not in new[box]]
        result = command.get("result", "?").split()[0]
        moves = command["kind"] == "MOVE"
        need(moves or not gone, "copied and gone", gone)
        left = gone if moves else command["uids"] if added else []
        subjects = [old[box][uid][0] for uid in left]
        need(collections.Counter(added) == collections.Counter(subjects),
             "in part", command["text"], result, len(added), len(subjects))
        need(result != "OK" or len(left) == len(command["uids"]),
             "acknowledged in part", command["text"], len(left))
        need(result != "NO" or moves or not added, "refused and there")
        seen[command["kind"], result, "none" if not left else "all" if
             len(left) == len(command["uids"]) else "part"] += 1

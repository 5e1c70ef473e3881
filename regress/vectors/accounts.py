"""Accounts as sealstore(5) says under FILES: logs, checkpoints, snapshots."""
import struct

from sealing import (
    AMK, CREATED, FILES, ID, SNAPSHOT, Blob, blake, fixed, kdf, log_key, note,
    pattern, sign_list, text16, xseal)

GENERATION = 3  # of the snapshot


# ---- The log

class Log:
    def __init__(self, name="writer", host=0, noted=True):
        self.writer, self.host, self.noted = fixed(name, 8), host, noted
        self.chain = blake(16, b"", b"sealmail log", ID, self.writer)
        self.seq, self.lamport, self.segment = 0, 0, 0
        if noted:
            note("log.writer", self.writer)
            note("log.chain", self.chain)

    def begin(self, flags):
        self.segment += 1
        self.name = "log/%s.%d" % (self.writer.hex(), self.segment)
        FILES[self.name] = b"SMlogs\0\1" + ID + self.writer + struct.pack(
            ">BBHIQ", self.host, flags, 0, self.segment,
            self.seq + 1) + self.chain

    def frame(self, flags, epoch, *ops):
        plain = struct.pack(">QI", self.lamport + 1, CREATED + 200)
        for code, body in ops:
            plain += struct.pack(">BI", code, len(body)) + body
        self.seq += 1
        self.lamport += len(ops)
        plain = struct.pack(">I", len(plain)) + plain
        plain += bytes(-len(plain) % 256)
        nonce = fixed("frame nonce %d %s" % (self.seq, self.writer), 24)
        head = b"SFL1" + struct.pack(">BBHIIQ", 1, flags, len(ops),
                                     64 + len(plain) + 16, epoch,
                                     self.seq) + nonce
        sealed = xseal(log_key(epoch), nonce, plain, head + self.chain)
        frame = head + blake(16, b"", head, sealed) + sealed
        if self.noted:
            name = "frame%d" % self.seq
            note(name + ".epoch", epoch)
            note(name + ".key", log_key(epoch))
            note(name + ".chain", self.chain)
            note(name + ".plain", plain)
            note(name, frame)
            note(name + ".tag", frame[-16:])
        self.chain = frame[-16:]
        FILES[self.name] += frame

    def end(self):
        FILES[self.name] += bytes(-len(FILES[self.name]) % 4096)


def mkbox(box, validity, use, name):
    return 1, struct.pack(">QIH", box, validity, use) + text16(name)


def place(blob, box, uid, how=0, codec=0, instance=None, flags=0, zone=0,
          modseq=0):
    return 4, struct.pack(">QIBBh", box, uid, how, codec, zone) + \
        (instance or blob.instance) + blob.id + blob.key + bytes(16) + \
        struct.pack(">QIIqQQ", blob.bytes, blob.size, CREATED + 300,
                    blob.date, flags, modseq)


def listed(*pairs):
    return struct.pack(">I", len(pairs)) + b"".join(
        struct.pack(">I", uid) + instance[:8] for uid, instance in pairs)


def log(made):
    stored, deflate, zstd, _, gone, stays = made
    w = Log()
    w.begin(0)
    w.frame(0, 1, mkbox(1, 1000, 0, b"INBOX"), mkbox(2, 1002, 1, b"Archive"),
            mkbox(6, 1010, 32, b"Trash"), mkbox(16, 1004, 0, b"List"), (8, b"\1" + text16(b"INBOX")))
    w.frame(0, 2, place(stored, 1, 2, flags=1), place(deflate, 1, 4, codec=1),
            place(zstd, 1, 6, codec=2, zone=-450), place(gone, 6, 2),
            place(stays, 6, 4))
    moved = blake(16, b"", b"move\0", stored.instance, struct.pack(">Q", 2))
    note("move.instance", moved)
    note("emailid", blake(16, b"", b"emailid\0", stored.id))
    w.frame(0, 3, place(stored, 2, 2, how=2, instance=moved, flags=1),
            (5, struct.pack(">Q", 1) + listed((2, stored.instance))))
    w.frame(0, 4, (10, struct.pack(">QB", 1, 0) + text16(b"work")),
            (7, struct.pack(">QQQ", 1, 0x102, 1) +
             listed((4, deflate.instance), (6, zstd.instance))),
            (2, struct.pack(">Q", 16) + text16(b"Lists")))
    w.end()
    w.begin(1)
    w.frame(1, 4, (16, struct.pack(">QIQ", 17, 1004, stored.bytes +
                                   deflate.bytes + zstd.bytes + gone.bytes +
                                   stays.bytes)),
            mkbox(1, 1000, 0, b"INBOX"),
            (10, struct.pack(">QB", 1, 0) + text16(b"work")),
            place(deflate, 1, 4, how=3, codec=1, flags=0x102, modseq=28),
            place(zstd, 1, 6, how=3, codec=2, zone=-450, flags=0x102,
                  modseq=28),
            (18, struct.pack(">QIIIQ", 1, 1, 2, CREATED + 200, 24) +
             stored.instance[:8]),
            (21, struct.pack(">QI", 1, 7)))
    w.frame(3, 4, mkbox(2, 1002, 1, b"Archive"),
            place(stored, 2, 2, how=3, instance=moved, flags=1, modseq=22),
            (21, struct.pack(">QI", 2, 3)), mkbox(6, 1010, 32, b"Trash"),
            place(gone, 6, 2, how=3, modseq=18),
            place(stays, 6, 4, how=3, modseq=20),
            (21, struct.pack(">QI", 6, 5)), mkbox(16, 1004, 0, b"Lists"),
            (8, b"\1" + text16(b"INBOX")), (17, b""))
    # What names another instance, or a UID that is taken, changes nothing.
    w.frame(0, 4, (7, struct.pack(">QQQ", 2, 2, 0) + listed((2, moved))),
            (5, struct.pack(">Q", 1) + listed((4, stored.instance))),
            (7, struct.pack(">QQQ", 1, 8, 0) + listed((6, moved))),
            place(stored, 1, 4, how=1, flags=4))
    w.end()
    return w


def two_writers(made):
    """
    Frames of two hosts in the order of (Lamport time, host).  Where an order is
    another, UIDVALIDITY is 1001, or flags are others than 16 and 1.  UID 4 is
    late: host 1 gave 7 before it had seen it.
    """
    stored = made[0]
    for name in list(FILES):
        if not name.startswith(("account", "keys/")) and \
                not name.endswith(stored.id.hex()):
            del FILES[name]
    copied = fixed("copied", 16)
    rows = [Log("host 0", 0, False), Log("host 1", 1, False)]

    def flag(uid, instance, add, clear):
        return 7, struct.pack(">QQQ", 1, add, clear) + listed((uid, instance))

    def saw(w, seq):
        return 11, struct.pack(">I", 1) + w.writer + struct.pack(">Q", seq)

    for w in rows:
        w.begin(0)
    for host, lamport, *ops in (
            (1, 1, mkbox(1, 1001, 0, b"INBOX")),
            (0, 1, mkbox(1, 1000, 0, b"INBOX"), place(stored, 1, 2)),
            (1, 3, saw(rows[0], 1), place(stored, 1, 3, how=1,
                                          instance=copied)),
            (0, 6, flag(2, stored.instance, 0, 4 | 16)),
            (1, 5, flag(2, stored.instance, 4, 0)),
            (1, 6, flag(2, stored.instance, 16, 0)),
            (0, 7, flag(3, copied, 1, 0), flag(3, copied, 2, 0)),
            (1, 8, flag(3, copied, 0, 2)),
            (0, 9, saw(rows[1], 5), place(stored, 1, 4, how=1,
                                          instance=fixed("late", 16))),
            (1, 9, place(stored, 1, 7, how=1, instance=fixed("high", 16)))):
        rows[host].lamport = lamport - 1
        rows[host].frame(0, 1, *ops)
    for w in rows:
        w.end()


# ---- A snapshot, and annotations

def sequence(name, kind, plain):
    """A file that is sealed from front to end."""
    head = b"SMsnap\0\1" + bytes([kind]) + bytes(7) + fixed(name, 16)
    out = head
    for i in range((len(plain) - 1) // 65536 + 1):
        part = plain[i * 65536:(i + 1) * 65536]
        last = i == (len(plain) - 1) // 65536
        nonce = fixed("%s %d" % (name, i), 24)
        out += nonce + xseal(SNAPSHOT, nonce, part,
                             head + struct.pack(">QB", i, last))
    FILES["snap/%d/%s" % (GENERATION, name)] = out


def pack(name, kind, plain):
    """Whole blocks to their file; what the state has of it."""
    out = b""
    for i in range(len(plain) // 65536):
        nonce = fixed("%s %d" % (name, i), 24)
        out += nonce + xseal(SNAPSHOT, nonce, plain[i * 65536:(i + 1) * 65536],
                             struct.pack(">BQQ", kind, GENERATION, i))
    FILES["snap/%d/%s" % (GENERATION, name)] = out
    tail = plain[len(plain) // 65536 * 65536:]
    return struct.pack(">QI", len(plain), len(tail)) + tail


def annotation(name, value):
    return text16(name) + struct.pack(
        ">BI", value is not None, len(value or b"")) + (value or b"")


def column(box, messages, tombs):
    """messages: (uid, blob, flags, modseq, cold record)."""
    plain = struct.pack(">II", len(messages), len(tombs))
    for uid, blob, flags, modseq, record in messages:
        plain += struct.pack(">IIQQqhHII", uid, blob.size, flags, modseq,
                             blob.date, 0, 1 if blob.name == "deflate" else 0,
                             CREATED + 300, record) + blob.instance[:8]
    for uid, when, modseq, instance in tombs:
        plain += struct.pack(">IIQ", uid, when, modseq) + instance[:8]
    sequence("box.%x.1" % box, 2, plain)


def keywords(*names):
    out = struct.pack(">B", len(names))
    for i, name in enumerate(names):
        out += struct.pack(">B", i) + text16(name)
    return out + bytes(56)


def merging():
    return text16(b"") * 2 + struct.pack(">BQB", 0, 0, 0) + \
        16 * struct.pack(">IQ", 0, 0) + struct.pack(">II", 0, 0)


def state(w, packs, boxes, ghost, live):
    plain = struct.pack(">IQQQIQQQQ", 6, GENERATION, w.lamport, 16, 1002, live,
                        2, len(FILES[w.name]) - 64, 0)
    plain += struct.pack(">I", 1) + w.writer + b"\0" + w.chain + struct.pack(
        ">IQQQQQBB", w.segment, len(FILES[w.name]), w.seq, w.lamport, w.seq,
        w.seq, 0, 0)
    plain += packs + struct.pack(">I", len(boxes)) + b"".join(boxes)
    plain += struct.pack(">I", 2) + text16(b"INBOX") + text16(b"Told by state")
    plain += struct.pack(">III", 0, 0, 1) + ghost
    notes = annotation(b"/private/comment", b"of the account")
    plain += struct.pack(">I", 1) + notes
    sequence("state", 1, struct.pack(">Q", len(plain)) + plain)


def snapshot(made):
    """
    One writer with annotations, and a snapshot of format 6 that covers its
    log.  That it was read shows in a subscription that the log has not.
    """
    stored, deflate = made[:2]
    for name in list(FILES):
        if not name.startswith(("account", "keys/")):
            del FILES[name]
    for blob in (stored, deflate):
        FILES["blob/" + blob.id.hex()] = blob.file

    def meta(box, name, value):
        return 15, struct.pack(">Q", box) + annotation(name, value)

    w = Log("annotated", 0, False)
    w.begin(0)
    w.frame(0, 4, mkbox(1, 1000, 0, b"INBOX"), mkbox(2, 1002, 1, b"Archive"),
            mkbox(16, 1004, 0, b"Gone"), (8, b"\1" + text16(b"INBOX")),
            place(stored, 1, 2, flags=1),
            meta(1, b"/private/comment", b"as it was first"),
            meta(1, b"/shared/comment", b"for all \0 \xc3\xa4"),
            meta(1, b"/private/x", b""), meta(16, b"/private/x", b"goes"),
            meta(0, b"/private/comment", b"of the account"))
    w.frame(0, 4, (10, struct.pack(">QB", 1, 0) + text16(b"work")),
            place(deflate, 1, 4, codec=1, flags=0x100),
            meta(1, b"/private/comment", b"as it is"),
            meta(1, b"/private/x", None), meta(99, b"/private/x", b"no box"),
            (3, struct.pack(">Q", 16)))
    chunk = struct.pack(">BII", 0, 300, 300) + b"s" * 300
    # One record and half a summary in a block, the others in the tails.
    cold = bytes(511 * 128)
    for blob, offset, length, seq in ((stored, 0, 0xffffffff, 1),
                                      (deflate, 65536 - 100, len(chunk), 2)):
        cold += blob.instance + blob.id + blob.key + bytes(16) + struct.pack(
            ">QQIBQ", blob.bytes, offset, length, 0, seq)
        cold += bytes(-len(cold) % 128)
    packs = pack("cold", 1, cold) + \
        pack("sum", 2, pattern(65536 - 100) + chunk)
    column(1, [(2, stored, 1, 10, 511), (4, deflate, 0x100, 24, 512)], [])
    column(2, [], [(6, CREATED + 200, 8, fixed("told by state", 16))])
    notes = annotation(b"/private/comment", b"as it is") + \
        annotation(b"/shared/comment", b"for all \0 \xc3\xa4")
    boxes = [
        struct.pack(">QIIIIIQQHI", 1, 1000, 4, 2, 1, 0,
                    stored.size + deflate.size, 24, 0, 1) + text16(b"INBOX") +
        keywords(b"work") + merging() + struct.pack(">I", 2) + notes,
        struct.pack(">QIIIIIQQHI", 2, 1002, 6, 0, 0, 0, 0, 8, 1, 1) +
        text16(b"Archive") + keywords() + merging() + struct.pack(">I", 0)]
    ghost = struct.pack(">QIHII", 16, 1004, 0, 0, CREATED + 200) + \
        text16(b"Gone") + keywords() + merging() + struct.pack(">I", 0)
    state(w, packs, boxes, ghost, stored.bytes + deflate.bytes)
    w.end()


# ---- Copies in pieces, of two hosts

def vector(rows, saw):
    """BEGIN's: how far each writer has come, and what it saw of the others."""
    out = struct.pack(">I", len(rows))
    for w in rows:
        out += w.writer + struct.pack(">BQ", w.host, w.seq) + w.chain + \
            struct.pack(">Q", w.lamport)
    return out + struct.pack(">%dQ" % len(saw), *saw)


def checkpoint(rows, made, copies):
    """Of all that `pieces` has done before; by the first of the rows."""
    stored, deflate, zstd = made[:3]
    live = sum(b.bytes for b in (stored, deflate, zstd))

    def stated(seq, *args, **more):
        code, body = place(*args, how=3, **more)
        return code, body + struct.pack(">BQ", 0, seq)

    def last(box, uid, seq):
        return 22, struct.pack(">QIBIQBIQ", box, 2, 0, uid, seq, 1, 0, 0)

    w, other = rows
    w.begin(1)
    w.frame(1, 4, (16, struct.pack(">QIQBB", 16, 1002, live, 0, 2) +
                   vector(rows, (0, other.seq, 1, 0))),
            mkbox(1, 1000, 0, b"INBOX"),
            stated(1, stored, 1, 2, flags=0x10, modseq=12),
            stated(1, deflate, 1, 4, codec=1, flags=4, modseq=10),
            stated(1, zstd, 1, 6, codec=2, modseq=12),
            last(1, 6, 1), (21, struct.pack(">QI", 1, 7)))
    w.frame(3, 4, mkbox(2, 1002, 1, b"Archive"),
            stated(2, stored, 2, 2, instance=copies[0], modseq=16),
            stated(4, deflate, 2, 4, codec=1, instance=copies[1], modseq=20),
            last(2, 4, 4), (21, struct.pack(">QI", 2, 5)),
            (20, struct.pack(">I", 2) + b"".join(
                b.id + struct.pack(">I", 2)
                for b in sorted((stored, deflate), key=lambda b: b.id))),
            (17, b""))


def pieces(made):
    """
    A copy of many that came to its end before the checkpoint, and one of each
    host that did not.  Stanzas of both forms lie in blob/ and in in/, one of
    them suspect, and the administrator limits the number of messages.
    """
    stored, deflate, zstd, waiting = made[:4]
    early = Blob("early", 0, pattern(2000), b"", fixed("d7", 16),
                 2 | 512, b"Archive")
    for name in list(FILES):
        if not name.startswith(("account", "keys/")):
            del FILES[name]
    for folder, blob in (("blob", stored), ("blob", deflate), ("blob", zstd),
                         ("in", waiting), ("in", early)):
        FILES["%s/%s" % (folder, blob.id.hex())] = blob.file
    FILES["limits"] = b"# of the year\nquota 1000000\nmessages 8\n"
    copies = [fixed("copy %d" % i, 16) for i in range(6)]
    rows = [Log("pieces 0", 0, False), Log("pieces 1", 1, False)]

    def say(host, flags, *ops):
        rows[host].lamport = max(w.lamport for w in rows)
        rows[host].frame(flags, 1 if rows[host].segment == 1 else 4, *ops)

    def flag(uid, blob, bit):
        return 7, struct.pack(">QQQ", 1, bit, 0) + listed((uid, blob.instance))

    for w in rows:
        w.begin(0)
    say(0, 0, mkbox(1, 1000, 0, b"INBOX"), mkbox(2, 1002, 1, b"Archive"),
        (12, b"\1"), place(stored, 1, 2), place(deflate, 1, 4, codec=1,
                                                flags=4),
        place(zstd, 1, 6, codec=2))
    say(1, 0, (11, struct.pack(">I", 1) + rows[0].writer +
               struct.pack(">Q", 1)))
    say(0, 4, place(stored, 2, 2, how=1, instance=copies[0]))
    say(0, 0, flag(2, stored, 0x10))
    say(0, 8, place(deflate, 2, 4, how=1, codec=1, instance=copies[1]))
    say(0, 0, (11, struct.pack(">I", 1) + rows[1].writer +
               struct.pack(">Q", rows[1].seq)))
    rows[0].end()
    checkpoint(rows, made, copies)
    say(1, 0, (11, struct.pack(">I", 1) + rows[0].writer +
               struct.pack(">Q", rows[0].seq)))
    say(0, 4, place(zstd, 2, 6, how=1, codec=2, instance=copies[2]),
        place(stored, 2, 8, how=1, instance=copies[3]))
    say(1, 4, place(zstd, 1, 7, how=1, codec=2, instance=copies[4]))
    # Each goes on with something else.
    say(0, 0, flag(6, zstd, 1), mkbox(16, 1004, 0, b"After"),
        mkbox(18, 1006, 8, b"Spam"))
    say(1, 0, flag(4, deflate, 2))
    say(0, 4, place(deflate, 2, 10, how=1, codec=1, instance=copies[5]))
    for w in rows:
        w.end()


# ---- Deletes and head

def deletes_file(number, flags, entries):
    """entries: (blob id, kind, flags, not before, Lamport time)."""
    data = b"SMdels\0\1" + ID + struct.pack(
        ">BBHIQq16x", 0, flags, 0, len(entries), number, CREATED + 400)
    for blob, kind, mark, when, lamport in entries:
        data += blob + struct.pack(">BBHIqQ", kind, mark, 0, 0, when, lamport)
    FILES["del/0.%d" % number] = data + sign_list(b"sealmail del", data)


def deletes(made):
    """One message of Trash has gone, one waits, what INBOX has is spared."""
    stored, deflate, zstd, _, gone, stays = made
    deletes_file(3, 1, [
        (deflate.id, 2, 0, CREATED, 30), (stays.id, 2, 0, CREATED, 31),
        (gone.id, 0, 0, 0, 32), (bytes(16), 4, 0, 0, 33)])
    deletes_file(4, 0, [
        (stays.id, 2, 0, 1 << 40, 34), (gone.id, 2, 0, CREATED, 35),
        (zstd.id, 0, 0, 0, 36), (stored.id, 0, 0, 0, 37)])


def head(w):
    data = b"SMhead\0\1" + ID + struct.pack(">QI", w.lamport, 1) + w.writer + \
        struct.pack(">BIQ", 0, w.segment, w.seq) + w.chain
    return data + blake(32, kdf(AMK, 4, b"sealamk1"), data)

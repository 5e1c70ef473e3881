#!/usr/bin/python3
"""The test vectors of sealstore(5), computed from fixed inputs.

usage: vectors.py check|write DIR

DIR/vectors.txt holds the inputs and outputs of every primitive, one "name
value" per line; DIR/made is a base directory with one account.  `check`
computes all of it anew and compares octet for octet, `write` writes it.

Written from the page; shares nothing with our libraries but the primitives of
libsodium (PyNaCl).  It seals what regress/reader and libseal open, so neither
is compared with itself.
"""
import hashlib
import hmac
import os
import struct
import sys
import zlib

from nacl import bindings as na

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
PASSWORD = b"correct horse battery staple"
LABEL = "phone \u00e4".encode()
CREATED = 1700000000
LINES = []
FILES = {}

# 65536 times "x" by zlib, and as a frame of Zstandard with one RLE block (RFC
# 8878 3.1.1), so that no version of a compressor changes these vectors.
DEFLATE_X = bytes.fromhex(
    "78daedc101010000008090dbcdef080a00000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000006a384f0709")
ZSTD_X = bytes.fromhex("28b52ffda000000100") + b"\3\0\x08x"


# ---- Primitives, each noted

def note(name, value):
    if isinstance(value, bytes):
        value = value.hex() or "-"
    LINES.append("%s %s" % (name, value))
    return value


def fixed(name, n=32):
    """Octets that stand for random ones."""
    return hashlib.shake_128(b"sealmail vector " + name.encode()).digest(n)


def blake(size, key, *parts):
    return hashlib.blake2b(b"".join(parts), digest_size=size, key=key).digest()


def kdf(key, number, context):
    return hashlib.blake2b(
        b"", digest_size=32, key=key, salt=struct.pack("<QQ", number, 0),
        person=context + bytes(8)).digest()


def xseal(key, nonce, plain, ad):
    return na.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, ad, nonce, key)


def seal(key, nonce, plain, ad):
    return na.crypto_aead_chacha20poly1305_ietf_encrypt(plain, ad, nonce, key)


def box_seal(plain, public, ephemeral_secret):
    """crypto_box_seal with an ephemeral key that is known."""
    ephemeral = na.crypto_scalarmult_base(ephemeral_secret)
    nonce = blake(24, b"", ephemeral, public)
    return ephemeral + na.crypto_box(plain, nonce, public, ephemeral_secret)


def shared_seal(name, plain, head, public, ephemeral_secret):
    """Form 1 of a stanza."""
    begin = na.crypto_scalarmult_base(ephemeral_secret) + \
        fixed(name + " salt", 16)
    shared = na.crypto_box_beforenm(public, ephemeral_secret)
    note(name + ".shared", shared)
    key = blake(32, shared, b"sealmail stanza", head, public, begin)
    note(name + ".stanza_key", key)
    return begin + seal(key, bytes(12), plain, b"")


def text16(octets):
    return struct.pack(">H", len(octets)) + octets


def padme(size):
    e = size.bit_length() - 1
    s = e.bit_length()
    mask = (1 << (e - s)) - 1
    return -(-((size + mask) & ~mask) // 4096) * 4096


# ---- Keys

ID = fixed("account id", 16)
SEED = fixed("account seed")
PUBLIC, SECRET = na.crypto_sign_seed_keypair(SEED)
AMK = fixed("master key")
EARLIER = fixed("earlier master key")
PHRASE = b"a pass phrase of the firm"
ESCROW = fixed("escrow secret")
MEMBER = fixed("member secret")
GENERATION = 3  # of the snapshot
ROOTS = [(1, 1, fixed("root 1")), (2, 3, fixed("root 2"))]
DELIVERY = [fixed("delivery secret %d" % i) for i in (0, 1)]


SNAPSHOT = kdf(AMK, 2, b"sealamk1")


def sign(data):
    return data + na.crypto_sign(data, SECRET)[:64]


def sign_list(context, data):
    state = na.crypto_sign_ed25519ph_state()
    na.crypto_sign_ed25519ph_update(state, context + b"\0" + data)
    return na.crypto_sign_ed25519ph_final_create(state, SECRET)


def key_id(public):
    return blake(16, b"", b"sealmail key id", public)[:8]


def log_key(epoch):
    root = max(r for r in ROOTS if r[1] <= epoch)[2]
    return kdf(root, epoch, b"seallog1")


def account_file():
    data = b"SEALACCT\1\1\0\0" + ID + PUBLIC + struct.pack(">q", CREATED)
    FILES["account"] = sign(data)


def envelope(kind, magic, host, version, body, sealed=None):
    """sealed: makes the body from the header, of that length."""
    size = len(body) if sealed is None else sealed[0]
    head = magic + struct.pack(">BBBBIQ16sq", 1, 1, host, 0, size, version,
                               ID, CREATED + version)
    if sealed is not None:
        body = sealed[1](head)
    FILES["keys/%s.%d.%d" % (kind, host, version)] = sign(head + body)


def code_text(kind, number, secret):
    octets = struct.pack(">I", number) + secret
    value = int.from_bytes(octets, "big")
    symbols = [value >> (155 - 5 * i) & 31 for i in range(32)]
    check = blake(16, b"", b"sealmail code", bytes([kind]), octets)
    symbols += [c & 31 for c in check[:4]]
    text = "".join(ALPHABET[s] for s in symbols)
    return "-".join(text[i:i + 4] for i in range(0, 36, 4))


def slot(number, revision, kind, secret, label=b"", generation=1):
    """secret: a password, a code's, or the public key it is sealed to."""
    algorithm, passes, memory = {1: (1, 1, 8192), 4: (3, 0, 0),
                                 6: (3, 0, 0)}.get(kind, (2, 0, 0))
    salt = fixed("salt %d" % number, 16)
    further = b""
    if algorithm == 1:
        material = na.crypto_pwhash_alg(64, secret, salt, passes, memory,
                                        na.crypto_pwhash_ALG_ARGON2ID13)
    elif algorithm == 3:
        ephemeral = fixed("slot ephemeral %d" % number)
        further = na.crypto_scalarmult_base(ephemeral) + secret
        material = blake(64, na.crypto_scalarmult(ephemeral, secret),
                         b"sealmail sealed slot", bytes([kind]),
                         struct.pack(">I", number), salt, further)
    else:
        material = blake(64, secret, b"sealmail code key", bytes([kind]),
                         struct.pack(">I", number), salt)
    nonce = fixed("slot nonce %d" % number, 24)
    start = struct.pack(">I", number)
    middle = struct.pack(">BHBQQ", kind, 7, algorithm, passes, memory) + \
        salt + material[32:]
    wrapped = xseal(material[:32], nonce, AMK if generation else EARLIER,
                    b"sealmail slot\1" + ID + start + middle)
    if generation:
        further += struct.pack(">I", generation)
    if label:
        n = fixed("label nonce %d" % number, 24)
        label = n + xseal(kdf(AMK, 5, b"sealamk1"), n, label, ID + start)
    note("slot%d.material" % number, material)
    note("slot%d.wrapped" % number, wrapped)
    return start + struct.pack(">QB", revision, 1) + middle + nonce + \
        text16(wrapped) + struct.pack(">q", CREATED) + text16(further) + \
        text16(label)


def scram_slot(number, revision, owner, text, name="scram", rounds=4096,
               bound=b""):
    """
    Beside an app password, or (bound: that slot's salt) the password: RFC
    5802's keys of its text.
    """
    salt = fixed("scram salt", 16)
    salted = hashlib.pbkdf2_hmac("sha256", text.encode(), salt, rounds)
    client = hmac.digest(salted, b"Client Key", "sha256")
    stored = hashlib.sha256(client).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    message = b"n=user,r=nonce,s=salt,i=4096,c=biws,r=nonce"
    proof = bytes(a ^ b for a, b in zip(
        client, hmac.digest(stored, message, "sha256")))
    note(name + ".message", message)
    note(name + ".proof", proof)
    note(name + ".signature", hmac.digest(server, message, "sha256"))
    further = struct.pack(">I", owner) + stored + server + bound
    start = struct.pack(">I", number)
    material = blake(64, client, b"sealmail scram slot", b"\5", start, salt,
                     further)
    nonce = fixed("slot nonce %d" % number, 24)
    middle = struct.pack(">BHBQQ", 5, 7, 4, rounds, 0) + salt + material[32:]
    wrapped = xseal(material[:32], nonce, AMK,
                    b"sealmail slot\1" + ID + start + middle)
    note("slot%d.material" % number, material)
    note("slot%d.wrapped" % number, wrapped)
    return start + struct.pack(">QB", revision, 1) + middle + nonce + \
        text16(wrapped) + struct.pack(">q", CREATED) + \
        text16(further + struct.pack(">I", 1)) + text16(b"")


def dead(number, revision):
    return struct.pack(">IQB", number, revision, 2)


def slots_file(host, version, records):
    envelope("slots", b"SEALSLOT", host, version,
             struct.pack(">H", len(records)) + b"".join(map(text16, records)))


def slots():
    note("password", PASSWORD)
    app, recovery, revoked, before = [fixed("code %d" % i, 16)
                                      for i in range(4)]
    for name, kind, number, secret in (
            ("app", 2, 0x01020304, app), ("recovery", 3, 0xfffefdfc, recovery),
            ("revoked", 2, 77, revoked), ("before", 2, 79, before)):
        note("code.%s.slot" % name, number)
        note("code.%s.secret" % name, secret)
        note("code.%s" % name, code_text(kind, number, secret))
    to_escrow, to_member = map(na.crypto_scalarmult_base, (ESCROW, MEMBER))
    note("escrow.secret", ESCROW)
    note("escrow.phrase", PHRASE)
    note("member.secret", MEMBER)
    slots_file(0, 3, [
        slot(1, 1, 1, PASSWORD), slot(0x01020304, 2, 2, app, LABEL),
        slot(0xfffefdfc, 3, 3, recovery), slot(77, 4, 2, revoked, b"lost"),
        dead(78, 5), slot(80, 8, 4, to_escrow, key_id(to_escrow).hex().encode()),
        slot(81, 9, 6, to_member, b"member@vectors.example"),
        scram_slot(82, 10, 0x01020304, code_text(2, 0x01020304, app)),
        scram_slot(83, 11, 1, PASSWORD.decode(), "scram.main", 600000,
                   fixed("salt 1", 16)),
        # Of an earlier password.
        scram_slot(84, 12, 1, "the one before", "scram.past", 600000,
                   fixed("salt 99", 16))])
    # Of a host that did not know of the rekey, whatever the revisions say.
    slots_file(1, 1, [dead(77, 2), slot(79, 90, 2, before, generation=0),
                      slot(1, 91, 1, b"of the other host", generation=0)])


def escrow_files():
    """The two files of an administrator's key."""
    public = na.crypto_scalarmult_base(ESCROW)
    salt, nonce = fixed("escrow salt", 16), fixed("escrow nonce", 24)
    first = b"sealmail escrow secret key 1\n"
    material = na.crypto_pwhash_alg(64, PHRASE, salt, 1, 8192,
                                    na.crypto_pwhash_ALG_ARGON2ID13)
    sealed = xseal(material[:32], nonce, ESCROW,
                   first + public + material[32:])
    return {
        "made/escrow.pub": b"sealmail escrow public key 1\n%s\n" %
                           public.hex().encode(),
        "made/escrow.key": first + b"%s\n1 8192 %s\n%s\n%s %s\n" % tuple(
            v.hex().encode()
            for v in (public, salt, material[32:], nonce, sealed))}


def ring_file(host, version, records, amk=AMK):
    plain = b"".join(struct.pack(">BH", kind, len(r)) + r
                     for kind, r in records)
    plain = struct.pack(">I", len(plain)) + plain
    plain += bytes(-len(plain) % 256)
    nonce = fixed("ring nonce %d" % host, 24)

    def sealed(head):
        return nonce + xseal(kdf(amk, 1, b"sealamk1"), nonce, plain, head)

    envelope("ring", b"SEALRING", host, version, None,
             (len(plain) + 40, sealed))


def delivery_record(i):
    public = na.crypto_scalarmult_base(DELIVERY[i])
    return key_id(public), struct.pack(">q", CREATED + i), public


def ring():
    roots = [(2, struct.pack(">IIq", number, first, CREATED) + key)
             for number, first, key in ROOTS]
    for host in (0, 1):
        keyid, when, public = delivery_record(host)
        note("delivery%d.public" % host, public)
        note("delivery%d.id" % host, keyid)
        records = [(1, SEED), roots[host], roots[0],
                   (3, keyid + when + public + DELIVERY[host])]
        # Host 1 does not know of the rekey.
        if host == 0:
            ring_file(0, 2, records + [(4, EARLIER)])
        else:
            ring_file(1, 1, records, EARLIER)
        if host == 0:   # a rekey that came to nothing
            ring_file(0, 3, [(1, SEED), roots[0]], fixed("other master key"))
        envelope("delivery", b"SEALDLVR", host, 1,
                 struct.pack(">H", 1) + keyid + public + when)


# ---- Blobs

SHARED = ("stored", "waiting", "stays")  # stanzas of form 1


class Blob:
    def __init__(self, name, codec, body, summary, delivery, flags, hint):
        self.id, self.key = fixed(name + " id", 16), fixed(name + " key")
        self.name, self.date = name, CREATED + 100
        head = b"SEALBLOB\1" + bytes([codec, 0, 0]) + \
            struct.pack(">I", 65536) + self.id
        material = blake(64, self.key, b"sealmail blob", head)
        head += material[:32]
        self.chunk_key, self.ad = material[32:], blake(32, b"", head)
        for what in ("id", "key", "chunk_key", "ad"):
            note("%s.%s" % (name, what), getattr(self, what))
        note(name + ".header", head)
        self.instance = blake(16, b"", b"delivery\0", delivery)
        self.size = len(body)
        out, table = head, b""
        for kind, plain in ((0, body), (1, summary)):
            for i in range(len(plain) // 65536 + 1):
                part = plain[i * 65536:(i + 1) * 65536]
                last = i == len(plain) // 65536
                stored, entry = part, 0
                if part == b"x" * 65536 and codec:
                    stored, entry = (DEFLATE_X, ZSTD_X)[codec - 1], 1 << 31
                table += struct.pack(">I", len(stored) | entry)
                out += self.chunk(kind, i, last, stored)
        out = self.finish(out, codec, body, summary, table, delivery, flags,
                          hint)
        self.file, self.bytes = out, len(out)

    def chunk(self, kind, index, last, plain):
        nonce = struct.pack(">IBB6x", index, kind, last)
        sealed = seal(self.chunk_key, nonce, plain, self.ad)
        if len(plain) < 600 or index == 0:
            prefix = "%s.chunk.%d.%d" % (self.name, kind, index)
            note(prefix + ".nonce", nonce)
            note(prefix + ".sum", blake(32, b"", sealed))
        return sealed

    def finish(self, out, codec, body, summary, entries, delivery, flags,
               hint):
        table = struct.pack(
            ">BBHIIIQQq", 1, codec, 0, len(body) // 65536 + 1,
            len(summary) // 65536 + 1, 0, len(body), len(summary),
            self.date) + entries
        note(self.name + ".table", table)
        off = len(out)
        sealed = self.chunk(2, 0, True, table)
        locator = self.chunk(4, 0, True,
                             struct.pack(">QI", off, len(sealed)))
        out += sealed
        size = padme(len(out) + 1600)
        out += fixed(self.name + " padding", size - len(out) - 1600)
        stanza = b"\1\0\0\0" + self.key + delivery + struct.pack(">Q", flags)
        for field in (b"alice@example.org", b"bob+lists@example.org", hint,
                      b"spf=pass"):
            stanza += text16(field)
        keyid, _, public = delivery_record(1)
        form = self.name in SHARED
        head = b"\1\1" + bytes([form]) + bytes(5) + keyid + self.id + \
            struct.pack(">Q", size)
        ephemeral = fixed(self.name + " ephemeral")
        if form:
            stanza = shared_seal(self.name, stanza + bytes(1352 - len(stanza)),
                                 head, public, ephemeral)
        else:
            stanza = box_seal(stanza + bytes(1368 - len(stanza)), public,
                              ephemeral)
        out += head + locator + bytes(76) + stanza
        note(self.name + ".locator", locator)
        note(self.name + ".trailer_sum", blake(32, b"", out))
        return out + blake(32, b"", out) + b"SEALTAIL"


def pattern(n):
    line = b"Subject: pattern\r\n\r\n"
    return (line + bytes((i * 7 + i // 251) & 127 for i in range(n)))[:n]


def blobs():
    made = [
        Blob("stored", 0, pattern(70000), b"", fixed("d1", 16), 0, b""),
        Blob("deflate", 1, b"x" * 131072, b"s" * 300, fixed("d2", 16), 0,
             b""),
        Blob("zstd", 2, b"x" * 65536 + pattern(1000), b"", fixed("d3", 16), 0,
             b""),
        Blob("waiting", 0, pattern(3000), b"", fixed("d4", 16), 1 | 4,
             b"Lists"),
        Blob("gone", 0, pattern(100), b"", fixed("d5", 16), 0, b""),
        Blob("stays", 0, pattern(200), b"", fixed("d6", 16), 0, b"")]
    folders = ("blob/", "blob/%02x/" % made[1].id[0], "in/", "in/", None,
               "blob/")
    for folder, blob in zip(folders, made):
        if folder is None:
            continue
        note(blob.name + ".file", folder + blob.id.hex())
        FILES[folder + blob.id.hex()] = blob.file
    return made


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


# ---- All

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


def small_things():
    for name, value in (("account", ID), ("public", PUBLIC), ("seed", SEED),
                        ("amk", AMK)):
        note(name, value)
    for i in range(1, 8):
        note("amk.%d" % i, kdf(AMK, i, b"sealamk1"))
    for epoch in (1, 2, 3, 4, 1000):
        note("log_key.%d" % epoch, log_key(epoch))
    for size in (1664, 4096, 4097, 65536, 70001, 1000000, 12345678):
        note("padme.%d" % size, padme(size))
    nonce = fixed("box nonce", 24)
    note("box", nonce + xseal(kdf(AMK, 2, b"sealamk1"), nonce,
                              b"a small sealed thing", b"its place"))
    note("mac", blake(32, kdf(AMK, 4, b"sealamk1"), b"what is kept"))
    note("list_signature", sign_list(b"vector", b"a list"))


def compute():
    assert zlib.decompress(DEFLATE_X) == b"x" * 65536
    small_things()
    account_file()
    slots()
    ring()
    made = blobs()
    w = log(made)
    deletes(made)
    FILES["limits"] = b"quota 1000000\n"
    accounts = "made/accounts/vectors.example/"
    all_files = {accounts + "someone/" + name: data
                 for name, data in FILES.items()}
    two_writers(made)
    all_files.update((accounts + "two/" + name, data)
                     for name, data in FILES.items())
    snapshot(made)
    all_files.update((accounts + "noted/" + name, data)
                     for name, data in FILES.items())
    all_files["made/head/" + ID.hex()] = head(w)
    all_files.update(escrow_files())
    all_files["vectors.txt"] = ("\n".join(LINES) + "\n").encode()
    return all_files


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__)
    na.sodium_init()
    made = compute()
    for name, data in sorted(made.items()):
        path = os.path.join(sys.argv[2], name)
        if sys.argv[1] == "write":
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)
        elif open(path, "rb").read() != data:
            sys.exit("%s is not what this computes" % name)
    known = {os.path.relpath(os.path.join(d, f), sys.argv[2])
             for d, _, files in os.walk(os.path.join(sys.argv[2], "made"))
             for f in files}
    if known - set(made):
        sys.exit("not of ours: %s" % sorted(known - set(made)))
    print("%d vectors, %d files" % (len(LINES), len(made) - 1))


if __name__ == "__main__":
    main()

"""What sealstore(5) says under SEALING, computed from fixed inputs.

Written from the page; shares nothing with our libraries but the primitives of
libsodium (PyNaCl).  It seals what regress/reader and libseal open, so neither
is compared with itself.
"""
import hashlib
import hmac
import struct

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

"""Account, keys and blobs as sealstore(5) describes them under SEALING.

Written from that page; shares nothing with our libraries but the primitives of
libsodium (PyNaCl).
"""
import hashlib
import os
import re
import struct

from nacl import bindings as na
from nacl.exceptions import CryptoError

import chunks

CHUNK = chunks.CHUNK
TRAILER = 1600
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
MAIN, APP, RECOVERY, ESCROW, MEMBER = 1, 2, 3, 4, 6


class Damage(Exception):
    """What does not verify, or has no sense."""


class WrongPassword(Exception):
    pass


WARNINGS = []


def warn(text):
    WARNINGS.append(text)


class Octets:
    """A reader of the integers and strings of the page."""

    def __init__(self, data):
        self.data = data
        self.pos = 0

    def raw(self, n):
        if n > len(self.data) - self.pos:
            raise Damage("a record is cut short")
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def get(self, form):
        return struct.unpack(">" + form, self.raw(struct.calcsize(">" + form)))

    def u8(self):
        return self.get("B")[0]

    def u16(self):
        return self.get("H")[0]

    def u32(self):
        return self.get("I")[0]

    def u64(self):
        return self.get("Q")[0]

    def i64(self):
        return self.get("q")[0]

    def str(self):
        return self.raw(self.u16())

    def left(self):
        return len(self.data) - self.pos


# ---- Primitives

def start():
    na.sodium_init()


def blake(size, key, *parts):
    h = hashlib.blake2b(digest_size=size, key=key)
    for part in parts:
        h.update(part)
    return h.digest()


def kdf(key, number, context):
    """libsodium's crypto_kdf."""
    return hashlib.blake2b(
        b"", digest_size=32, key=key, salt=struct.pack("<QQ", number, 0),
        person=context + bytes(8)).digest()


def sub_key(amk, number):
    return kdf(amk, number, b"sealamk1")


def derive(context, *parts):
    return blake(16, b"", context + b"\0", *parts)


def signed(data, public):
    """What stands before the signature of 64 octets."""
    try:
        return na.crypto_sign_open(data[-64:] + data[:-64], public)
    except CryptoError:
        raise Damage("a signature does not verify") from None


def opened(function, *args):
    try:
        return function(*args)
    except CryptoError:
        raise Damage("something sealed does not open") from None


def xchacha(key, nonce, sealed, ad):
    return opened(na.crypto_aead_xchacha20poly1305_ietf_decrypt,
                  sealed, ad, nonce, key)


def chacha(key, nonce, sealed, ad):
    return opened(na.crypto_aead_chacha20poly1305_ietf_decrypt,
                  sealed, ad, nonce, key)


def inflate(codec, data):
    try:
        return chunks.inflate(codec, data)
    except chunks.Malformed as e:
        raise Damage("a chunk does not decompress: %s" % e) from None


# ---- Account and keys

class Account:
    def __init__(self, path):
        self.path = path
        data = self.read("account", 132)
        if len(data) != 132 or data[:12] != b"SEALACCT\1\1\0\0":
            raise Damage("account: not an account of this format")
        self.id, self.public = data[12:28], data[28:60]
        signed(data, self.public)
        self.rebuilt = os.path.exists(os.path.join(path, "rebuild"))

    def read(self, name, size_max):
        with open(os.path.join(self.path, name), "rb") as f:
            data = f.read(size_max + 1)
        if len(data) > size_max:
            raise Damage("%s: too large" % name)
        return data

    def names(self, folder):
        try:
            return sorted(os.listdir(os.path.join(self.path, folder)))
        except FileNotFoundError:
            return []

    def key_files(self, kind, magic, opens=None, hosts=(0, 1)):
        """
        (header, body) of the newest file of each host that verifies; or, of
        rings, what opens(header, body) made of the newest that opens.
        """
        names = self.names("keys")
        for host in sorted(hosts):
            form = re.compile(r"%s\.%d\.([1-9][0-9]*)\Z" % (kind, host))
            versions = [int(m[1]) for m in map(form.match, names) if m]
            bad = []
            for version in sorted(versions, reverse=True):
                name = "keys/%s.%d.%d" % (kind, host, version)
                try:
                    pair = self.key_file(name, magic, host, version)
                    yield opens(*pair) if opens else pair
                    bad = [] if opens else bad
                    break
                except Damage as why:
                    bad.append("%s: %s" % (name, why))
            for text in bad:
                warn(text)

    def key_file(self, name, magic, host, version):
        data = self.read(name, 256 * 1024)
        if len(data) < 112:
            raise Damage("too short")
        head = struct.unpack(">8sBBBBIQ16sq", data[:48])
        if head[:5] != (magic, 1, 1, host, 0) or head[6] != version:
            raise Damage("not what its name says")
        if head[5] != len(data) - 112 or head[7] != self.id:
            raise Damage("of another length or account")
        signed(data, self.public)
        return data[:48], data[48:-64]


class Slot:
    def __init__(self, record):
        r = Octets(record)
        self.id, self.revision, state = r.get("IQB")
        self.live = state == 1
        if state not in (1, 2) or self.id == 0 or self.revision == 0:
            raise Damage("a slot has no sense")
        self.salt = self.nonce = b""
        self.generation = 0
        if self.live:
            self.bound = record[0:4] + record[13:81]
            self.kind, self.scope, self.algorithm = r.get("BHB")
            self.passes, self.memory = r.get("QQ")
            self.salt, self.commitment = r.raw(16), r.raw(32)
            self.nonce = r.raw(24)
            self.wrapped = r.str()
            self.created = r.i64()
            self.further, self.label = r.str(), r.str()
            own = {3: 64, 4: 68}.get(self.algorithm, 0)
            if self.algorithm == 4 and len(self.further) >= 84:
                own = 84
            f = Octets(self.further)
            self.further = f.raw(own)
            self.generation = f.u32() if f.left() else 0
            if f.left() or (f.pos > own and self.generation == 0):
                raise Damage("a slot's further data has no sense")
        if r.left():
            raise Damage("a slot is too long")

    def rank(self):
        """The greater one of an id counts."""
        return (not self.live, self.generation, self.revision, self.salt,
                self.nonce)

    def open(self, account, material):
        """The master key, or None."""
        if material[32:] != self.commitment:
            return None
        return xchacha(material[:32], self.nonce, self.wrapped,
                       b"sealmail slot\1" + account.id + self.bound)


def all_slots(account):
    best = {}
    for _, body in account.key_files("slots", b"SEALSLOT"):
        r = Octets(body)
        for _ in range(r.u16()):
            slot = Slot(r.str())
            old = best.get(slot.id)
            if old is None or slot.rank() > old.rank():
                best[slot.id] = slot
        if r.left():
            raise Damage("octets after the last slot")
    now = max([s.generation for s in best.values() if s.live], default=0)
    return [s for s in best.values() if s.live and s.generation == now]


def parse_code(text):
    """(kind, slot id, secret) of what is a code with right check symbols."""
    try:
        text = text.decode("ascii").lower()
    except UnicodeDecodeError:
        return None
    text = text.replace(" ", "").replace("-", "")
    text = text.replace("o", "0").replace("i", "1").replace("l", "1")
    values = [ALPHABET.find(c) for c in text]
    if len(values) != 36 or -1 in values:
        return None
    number = 0
    for v in values[:32]:
        number = number << 5 | v
    octets = number.to_bytes(20, "big")
    for kind in (APP, RECOVERY):
        check = blake(16, b"", b"sealmail code", bytes([kind]), octets)
        if [c & 31 for c in check[:4]] == values[32:]:
            return kind, int.from_bytes(octets[:4], "big"), octets[4:]
    return None


def master_key(account, secret):
    slots = all_slots(account)
    code = parse_code(secret)
    for slot in slots:
        if code is None and (slot.kind, slot.algorithm) == (MAIN, 1):
            material = na.crypto_pwhash_alg(
                64, secret, slot.salt, slot.passes, slot.memory,
                na.crypto_pwhash_ALG_ARGON2ID13)
        elif code is not None and slot.algorithm == 2 and \
                (slot.kind, slot.id) == code[:2]:
            material = blake(64, code[2], b"sealmail code key",
                             bytes([slot.kind]), struct.pack(">I", slot.id),
                             slot.salt)
        else:
            continue
        amk = slot.open(account, material)
        if amk is not None:
            return amk
    raise WrongPassword


def sealed_key(account, kind, secret):
    """The master key of a slot that is sealed to secret's public key."""
    public = na.crypto_scalarmult_base(secret)
    for slot in all_slots(account):
        if (slot.kind, slot.algorithm) != (kind, 3) or \
                slot.further[32:] != public:
            continue
        material = blake(64, na.crypto_scalarmult(secret, slot.further[:32]),
                         b"sealmail sealed slot", bytes([kind]),
                         struct.pack(">I", slot.id), slot.salt, slot.further)
        amk = slot.open(account, material)
        if amk is not None:
            return amk
    raise WrongPassword


def escrow_key(account, path, phrase):
    """The same, by an administrator's key file."""
    with open(path, "rb") as f:
        lines = f.read(1024).split(b"\n")
    if len(lines) != 6 or lines[0] != b"sealmail escrow secret key 1" or \
            lines[5]:
        raise Damage("%s: not an escrow key" % path)
    public, commitment = bytes.fromhex(lines[1].decode()), lines[3]
    passes, memory, salt = lines[2].split(b" ")
    nonce, sealed = [bytes.fromhex(f.decode()) for f in lines[4].split(b" ")]
    material = na.crypto_pwhash_alg(
        64, phrase, bytes.fromhex(salt.decode()), int(passes), int(memory),
        na.crypto_pwhash_ALG_ARGON2ID13)
    if material[32:].hex().encode() != commitment:
        raise WrongPassword
    secret = xchacha(material[:32], nonce, sealed,
                     lines[0] + b"\n" + public + material[32:])
    return sealed_key(account, ESCROW, secret)


class Ring:
    """Log roots and delivery keys: the union of both hosts' files."""

    def __init__(self, account, amk):
        self.roots = {}
        self.delivery = {}
        self.seeds = set()
        self.earlier = []
        behind = {0, 1} - self.take(account, sub_key(amk, 1), {0, 1})
        told = len(WARNINGS)
        for key in self.earlier:    # which may grow
            for host in self.take(account, sub_key(key, 1), behind):
                sealed = "keys/ring.%d." % host
                WARNINGS[:told] = [w for w in WARNINGS[:told]
                                   if not w.startswith(sealed)]
                told = len(WARNINGS)
            del WARNINGS[told:]
        if not self.roots:
            raise Damage("no ring")

    def take(self, account, key, hosts):
        """Takes in what that key opens; of which hosts there was some."""
        found = set()

        def opens(head, body):
            plain = xchacha(key, body[:24], body[24:], head)
            found.add(head[10])
            return plain

        for plain in account.key_files("ring", b"SEALRING", opens, hosts):
            r = Octets(plain)
            self.records(Octets(r.raw(r.u32())))
            if r.pos + r.left() & 255 or any(r.raw(r.left())):
                raise Damage("the ring is not padded as it should be")
        for seed in self.seeds:
            if na.crypto_sign_seed_keypair(seed)[0] != account.public:
                raise Damage("the ring is that of another account")
        return found

    def records(self, r):
        while r.left():
            kind, size = r.u8(), r.u16()
            if {1: 32, 2: 48, 3: 80, 4: 32}.get(kind) != size:
                raise Damage("a record of the ring has no sense")
            if kind == 1:
                self.seeds.add(r.raw(32))
            elif kind == 2:
                number, first, _ = r.get("IIq")
                self.roots[number] = (first, number, r.raw(32))
            elif kind == 4:
                self.earlier.append(r.raw(32))
            else:
                keyid, _ = r.raw(8), r.i64()
                self.delivery[keyid] = (r.raw(32), r.raw(32))

    def log_key(self, epoch):
        fit = [root for root in self.roots.values() if root[0] <= epoch]
        if not fit:
            raise Damage("no key for epoch %d of the log" % epoch)
        return kdf(max(fit)[2], epoch, b"seallog1")


# ---- Blobs

class Blob:
    """An open blob; what anybody can check has been checked."""

    def __init__(self, path, name):
        self.file = open(path, "rb")
        size = os.fstat(self.file.fileno()).st_size
        if size < 64 + TRAILER:
            raise Damage("too short")
        self.header = self.at(0, 64)
        self.trailer = self.at(size - TRAILER, TRAILER)
        if self.trailer[-8:] != b"SEALTAIL" or \
                self.trailer[:2] != b"\1\1" or self.trailer[2] > 1 or \
                self.trailer[3:8] != bytes(5) or \
                struct.unpack(">Q", self.trailer[32:40])[0] != size:
            raise Damage("no trailer")
        self.check_sum(size - 40)
        self.codec = self.header[9]
        if self.header[:9] != b"SEALBLOB\1" or self.codec > chunks.MAIL or \
                self.header[10:16] != b"\0\0\0\1\0\0" or \
                self.header[16:32] != self.trailer[16:32] or \
                self.header[16:32].hex() != name:
            raise Damage("the header is not right")

    def at(self, off, n):
        self.file.seek(off)
        data = self.file.read(n)
        if len(data) != n:
            raise Damage("cut short")
        return data

    def check_sum(self, size):
        h = hashlib.blake2b(digest_size=32)
        self.file.seek(0)
        while size > 0:
            part = self.file.read(min(size, 1 << 20))
            if not part:
                raise Damage("cut short")
            h.update(part)
            size -= len(part)
        if h.digest() != self.trailer[1560:1592]:
            raise Damage("the checksum is wrong")

    def unlock(self, key):
        material = blake(64, key, b"sealmail blob", self.header[:32])
        if material[:32] != self.header[32:]:
            raise Damage("not of this key")
        self.key = material[32:]
        self.ad = blake(32, b"", self.header)
        off, size = struct.unpack(
            ">QI", self.chunk(4, 0, True, self.trailer[40:68]))
        r = Octets(self.table(off, size))
        version, codec, nbody, nsummary, self.size, _, self.date = r.get(
            "BB2xII4xQQq")
        if version != 1 or codec != self.codec or r.left() != \
                4 * (nbody + nsummary) or nbody == 0:
            raise Damage("the table has no sense")
        self.entries = [r.u32() for _ in range(nbody)]

    def table(self, off, size):
        """Chunks of kind 2: of 65536 plain octets but for the last."""
        plain = b""
        index = 0
        while size > 0:
            n = min(size, CHUNK + 16)
            plain += self.chunk(2, index, n == size, self.at(off, n))
            off, size, index = off + n, size - n, index + 1
        return plain

    def chunk(self, kind, index, last, sealed):
        nonce = struct.pack(">IBB6x", index, kind, last)
        return chacha(self.key, nonce, sealed, self.ad)

    def body(self):
        off, left = 64, self.size
        for index, entry in enumerate(self.entries):
            last = index == len(self.entries) - 1
            n = (entry & 0x7fffffff) + 16
            plain = self.chunk(0, index, last, self.at(off, n))
            if entry >> 31:
                plain = inflate(self.codec, plain)
            off, left = off + n, left - len(plain)
            if left < 0 or (len(plain) == CHUNK) == last:
                raise Damage("the body has another size than the table says")
            yield plain
        if left:
            raise Damage("the body has another size than the table says")

    def sha256(self):
        h = hashlib.sha256()
        for plain in self.body():
            h.update(plain)
        return h.hexdigest()

    def stanza(self, ring):
        keyid = self.trailer[8:16]
        if keyid not in ring.delivery:
            raise Damage("sealed to a key that the ring lacks")
        sealed = self.trailer[144:1560]
        if self.trailer[2] == 0:
            plain = opened(na.crypto_box_seal_open, sealed,
                           *ring.delivery[keyid])
        else:
            plain = self.shared_stanza(sealed, *ring.delivery[keyid])
        r = Octets(plain)
        if r.raw(4) != b"\1\0\0\0":
            raise Damage("a stanza of another version")
        key, delivery, flags = r.raw(32), r.raw(16), r.u64()
        _, _, hint, _ = [r.str() for _ in range(4)]
        return key, delivery, flags, hint

    def shared_stanza(self, sealed, public, secret):
        """Form 1: ephemeral key, salt, ciphertext."""
        shared = opened(na.crypto_box_beforenm, sealed[:32], secret)
        key = hashlib.blake2b(
            b"sealmail stanza" + self.trailer[:40] + public + sealed[:48],
            digest_size=32, key=shared).digest()
        return chacha(key, bytes(12), sealed[48:], b"")


def find_blob(account, name):
    # Twice: a vault may take it from in/ to blob/ between two looks.
    for place in 2 * ("blob/" + name, "blob/%.2s/%s" % (name, name),
                      "in/" + name, "trash/" + name):
        if place[0] == "t" and not account.rebuilt:
            continue
        path = os.path.join(account.path, place)
        if os.path.exists(path):
            return path
    raise Damage("no such file in blob/ or in/")

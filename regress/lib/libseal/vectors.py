#!/usr/bin/env python3
"""Reads an account's keys, a blob and log frames as sealstore(5) says.

usage: vectors.py DIR

Shares nothing with libseal but libsodium's primitives.  Any difference from
what vector_test.c wrote is an error.
"""
import hashlib
import os
import struct
import sys

try:
    from nacl import bindings as na
except ImportError:
    print("no python nacl")
    sys.exit(77)

PASSWORD = b"correct horse battery staple"
LABEL = "phone \u00e4".encode()
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
RECORDS = {1: 32, 2: 48, 3: 80}


def b2(data, size=32, key=b""):
    return hashlib.blake2b(data, digest_size=size, key=key).digest()


def kdf(master, number, context):
    return hashlib.blake2b(
        b"", digest_size=32, key=master, salt=struct.pack("<QQ", number, 0),
        person=context + bytes(16 - len(context))).digest()


def verify(data, pk):
    assert na.crypto_sign_open(data[-64:] + data[:-64], pk) == data[:-64]


def account(path):
    data = open(os.path.join(path, "account"), "rb").read()
    assert len(data) == 132 and data[:8] == b"SEALACCT"
    assert data[8:12] == b"\x01\x01\0\0"
    ident, pk, created = struct.unpack(">16s32sq", data[12:68])
    verify(data, pk)
    assert created == 1000000
    return ident, pk


def keyfiles(path, kind, magic, ident, pk):
    for host in (0, 1):
        versions = [int(n.split(".")[2])
                    for n in os.listdir(os.path.join(path, "keys"))
                    if n.startswith("%s.%d." % (kind, host))]
        if not versions:
            continue
        name = "%s.%d.%d" % (kind, host, max(versions))
        data = open(os.path.join(path, "keys", name), "rb").read()
        verify(data, pk)
        head = struct.unpack(">8sBBBBIQ16sq", data[:48])
        assert head[0] == magic and head[1:3] == (1, 1)
        assert head[3] == host and head[4] == 0
        assert head[5] == len(data) - 48 - 64
        assert head[6] == max(versions) and head[7] == ident
        yield data[:48], data[48:-64]


def slots(path, ident, pk):
    best = {}
    for _, body in keyfiles(path, "slots", b"SEALSLOT", ident, pk):
        count, off = struct.unpack(">H", body[:2])[0], 2
        for _ in range(count):
            size = struct.unpack(">H", body[off:off + 2])[0]
            rec = body[off + 2:off + 2 + size]
            off += 2 + size
            slot = {}
            slot["id"], slot["rev"], state = struct.unpack(">IQB", rec[:13])
            slot["dead"] = state == 2
            assert state in (1, 2)
            if state == 1:
                (slot["kind"], slot["scope"], slot["alg"], slot["ops"],
                 slot["mem"], slot["salt"], slot["commit"], slot["nonce"]
                 ) = struct.unpack(">BHBQQ16s32s24s", rec[13:105])
                pos = 105
                for field in ("wrapped", "created", "aux", "label"):
                    if field == "created":
                        pos += 8
                        continue
                    n = struct.unpack(">H", rec[pos:pos + 2])[0]
                    slot[field] = rec[pos + 2:pos + 2 + n]
                    pos += 2 + n
                assert pos == size
            else:
                assert size == 13
            old = best.get(slot["id"])
            if old is None or slot["rev"] > old["rev"]:
                best[slot["id"]] = slot
        assert off == len(body)
    return best


def code_parse(text):
    values = [ALPHABET.index(c) for c in text.replace("-", "")]
    assert len(values) == 36
    number = 0
    for v in values[:32]:
        number = number << 5 | v
    payload = number.to_bytes(20, "big")
    for kind in (2, 3):
        check = b2(b"sealmail code" + bytes([kind]) + payload, 16)
        if [c & 31 for c in check[:4]] == values[32:]:
            return kind, struct.unpack(">I", payload[:4])[0], payload[4:]
    raise AssertionError("check symbols")


def unwrap(slot, okm, ident):
    kek, commit = okm[:32], okm[32:]
    assert commit == slot["commit"]
    ad = (b"sealmail slot\x01" + ident + struct.pack(
        ">IBHBQQ", slot["id"], slot["kind"], slot["scope"], slot["alg"],
        slot["ops"], slot["mem"]) + slot["salt"] + slot["commit"])
    return na.crypto_aead_xchacha20poly1305_ietf_decrypt(
        slot["wrapped"], ad, slot["nonce"], kek)


def unlock(path, ident, pk):
    found = slots(path, ident, pk)
    assert sorted(s.get("kind", 0) for s in found.values()) == [0, 1, 2, 3]
    main = [s for s in found.values() if s.get("kind") == 1][0]
    assert main["alg"] == 1 and main["scope"] == 7
    okm = na.crypto_pwhash_alg(
        64, PASSWORD, main["salt"], main["ops"], main["mem"],
        na.crypto_pwhash_ALG_ARGON2ID13)
    amk = unwrap(main, okm, ident)
    for text in open(os.path.join(path, "codes")).read().split():
        kind, number, secret = code_parse(text)
        slot = found[number]
        assert slot["kind"] == kind and slot["alg"] == 2
        okm = b2(b"sealmail code key" + bytes([kind])
                 + struct.pack(">I", number) + slot["salt"], 64, secret)
        assert unwrap(slot, okm, ident) == amk
        if kind == 2:
            sealed = slot["label"]
            assert na.crypto_aead_xchacha20poly1305_ietf_decrypt(
                sealed[24:], ident + struct.pack(">I", number), sealed[:24],
                kdf(amk, 5, b"sealamk1")) == LABEL
    return amk


def ring(path, ident, pk, amk):
    seed, roots, delivery = None, {}, {}
    for head, body in keyfiles(path, "ring", b"SEALRING", ident, pk):
        plain = na.crypto_aead_xchacha20poly1305_ietf_decrypt(
            body[24:], head, body[:24], kdf(amk, 1, b"sealamk1"))
        assert len(plain) % 256 == 0
        size = struct.unpack(">I", plain[:4])[0]
        assert not any(plain[4 + size:])
        plain = plain[4:4 + size]
        while plain:
            kind, n = struct.unpack(">BH", plain[:3])
            rec, plain = plain[3:3 + n], plain[3 + n:]
            assert RECORDS[kind] == n == len(rec)
            if kind == 1:
                seed = rec
            elif kind == 2:
                number, first, _ = struct.unpack(">IIq", rec[:16])
                roots[number] = (first, rec[16:])
            else:
                delivery[rec[:8]] = (rec[16:48], rec[48:])
    assert na.crypto_sign_seed_keypair(seed)[0] == pk
    for keyid, (public, secret) in delivery.items():
        assert na.crypto_scalarmult_base(secret) == public
        assert b2(b"sealmail key id" + public, 16)[:8] == keyid
    assert len(delivery) == 2 and len(roots) == 1
    return roots, delivery


def delivery_keys(path, ident, pk, secrets):
    newest = (0, None)
    for _, body in keyfiles(path, "delivery", b"SEALDLVR", ident, pk):
        count = struct.unpack(">H", body[:2])[0]
        assert len(body) == 2 + 48 * count
        for i in range(count):
            keyid, public, created = struct.unpack(
                ">8s32sq", body[2 + 48 * i:50 + 48 * i])
            assert secrets[keyid][0] == public
            newest = max(newest, (created, keyid))
    return newest[1]


def padded(size):
    e = size.bit_length() - 1
    s = e.bit_length()
    mask = (1 << (e - s)) - 1
    return ((size + mask & ~mask) + 4095) // 4096 * 4096


def nonce(kind, index, last):
    return struct.pack(">IBB6x", index, kind, last)


def pattern(kind, size):
    return bytes((i * 7 + i // 251 + kind * 101) & 255 for i in range(size))


def stanza(trailer, secrets, newest):
    assert trailer[:2] == b"\x01\x01" and trailer[2] <= 1
    assert not any(trailer[3:8]) and trailer[8:16] == newest
    assert not any(trailer[68:144])
    public, secret = secrets[trailer[8:16]]
    if trailer[2] == 0:
        plain = na.crypto_box_seal_open(trailer[144:1560], public, secret)
    else:
        shared = na.crypto_box_beforenm(trailer[144:176], secret)
        key = b2(b"sealmail stanza" + trailer[:40] + public +
                 trailer[144:192], 32, shared)
        plain = na.crypto_aead_chacha20poly1305_ietf_decrypt(
            trailer[192:1560], b"", bytes(12), key)
    assert plain[:4] == b"\x01\0\0\0" and plain[36:52] == b"d" * 16
    assert struct.unpack(">Q", plain[52:60])[0] == 5
    texts, pos = [], 60
    for _ in range(4):
        n = struct.unpack(">H", plain[pos:pos + 2])[0]
        texts.append(plain[pos + 2:pos + 2 + n])
        pos += 2 + n
    assert not any(plain[pos:])
    assert texts == [b"alice@example.org", b"bob+lists@example.org", b"lists",
                     b"v" * 512]
    return plain[4:36]


def blob(path, secrets, newest):
    data = open(os.path.join(path, "blob"), "rb").read()
    header, trailer = data[:64], data[-1600:]
    assert trailer[-8:] == b"SEALTAIL"
    assert trailer[1560:1592] == b2(data[:-40])
    assert header[:16] == b"SEALBLOB\x01\x02\0\0\0\x01\0\0"
    assert header[16:32] == trailer[16:32]
    assert struct.unpack(">Q", trailer[32:40])[0] == len(data)
    key = stanza(trailer, secrets, newest)
    okm = b2(b"sealmail blob" + header[:32], 64, key)
    assert okm[:32] == header[32:]
    chunk_key, ad = okm[32:], b2(header)

    def opened(kind, index, last, sealed):
        return na.crypto_aead_chacha20poly1305_ietf_decrypt(
            sealed, ad, nonce(kind, index, last), chunk_key)

    off, size = struct.unpack(">QI", opened(4, 0, 1, trailer[40:68]))
    table = opened(2, 0, 1, data[off:off + size])
    version, codec, nbody, nsummary, body, summary, date = struct.unpack(
        ">BB2xII4xQQq", table[:40])
    assert (version, codec, nbody, nsummary) == (1, 2, 2, 1)
    assert (body, summary, date) == (70000, 300, -12345)
    entries = struct.unpack(">%dI" % (nbody + nsummary), table[40:])
    pos, text = 64, [b"", b""]
    for i, entry in enumerate(entries):
        kind, index = (0, i) if i < nbody else (1, i - nbody)
        last = index == (nbody, nsummary)[kind] - 1
        n = (entry & 0x7fffffff) + 16
        text[kind] += opened(kind, index, last, data[pos:pos + n])
        pos += n
    assert pos == off
    assert text == [pattern(0, body), pattern(1, summary)]
    assert len(data) == padded(off + size + 1600)


def frames(path, ident, roots):
    data = open(os.path.join(path, "frames"), "rb").read()
    chain = b2(b"sealmail log" + ident + b"writer", 16)
    for number in range(2):
        magic, suite, flags, nops, size, epoch, seq = struct.unpack(
            ">4sBBHIIQ", data[:24])
        frame, data = data[:size], data[size:]
        assert (magic, suite, flags, nops) == (b"SFL1", 1, number, 2)
        assert seq == 100 + number
        assert frame[48:64] == b2(frame[:48] + frame[64:], 16)
        root = max(r for r in roots.values() if r[0] <= epoch)[1]
        plain = na.crypto_aead_xchacha20poly1305_ietf_decrypt(
            frame[64:], frame[:48] + chain, frame[24:48],
            kdf(root, epoch, b"seallog1"))
        chain = frame[-16:]
        n = struct.unpack(">I", plain[:4])[0]
        assert len(plain) == (4 + n + 255) // 256 * 256
        assert not any(plain[4 + n:])
        assert plain[4:4 + n] == bytes(
            (i * 3 + number) & 255 for i in range(500))
    assert data == b""


def main():
    path = sys.argv[1]
    ident, pk = account(path)
    amk = unlock(path, ident, pk)
    roots, secrets = ring(path, ident, pk, amk)
    newest = delivery_keys(path, ident, pk, secrets)
    blob(path, secrets, newest)
    frames(path, ident, roots)
    print("all of %s reads as sealstore(5) says" % path)


main()

#!/usr/bin/python3
"""The test vectors of sealstore(5), computed from fixed inputs.

usage: vectors.py check|write DIR

DIR/vectors.txt holds the inputs and outputs of every primitive, one "name
value" per line; DIR/made is a base directory with accounts.  `check` computes
all of it anew and compares octet for octet, `write` writes it.
"""
import os
import sys
import zlib

from nacl import bindings as na

from accounts import deletes, head, log, pieces, snapshot, two_writers
from sealing import (
    AMK, DEFLATE_X, FILES, ID, LINES, PUBLIC, SEED, account_file, blake, blobs,
    escrow_files, fixed, kdf, log_key, note, padme, ring, sign_list, slots,
    xseal)


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
    pieces(made)
    all_files.update((accounts + "pieces/" + name, data)
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

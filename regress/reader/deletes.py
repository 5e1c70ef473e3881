"""Signed deletes, as sealstore(5) describes them: which messages have expired.

Written from that page alone, like sealed.py.
"""
import re
import time

from nacl import bindings as na
from nacl.exceptions import CryptoError

from sealed import Damage, Octets, warn

CONTEXT = b"sealmail del\0"
COMPLETE = 1
EXPIRING, LIMIT = 2, 4
ENTRIES_MAX = 262144
FILE_MAX = 64 + 40 * ENTRIES_MAX + 64


def check_list_signature(data, public):
    """Ed25519ph over the context and what stands before the signature."""
    state = na.crypto_sign_ed25519ph_state()
    na.crypto_sign_ed25519ph_update(state, CONTEXT + data[:-64])
    try:
        na.crypto_sign_ed25519ph_final_verify(state, data[-64:], public)
    except CryptoError:
        raise Damage("the signature does not verify") from None


class List:
    def __init__(self, account, host, number):
        data = account.read("del/%d.%d" % (host, number), FILE_MAX)
        if len(data) < 128:
            raise Damage("too short")
        check_list_signature(data, account.public)
        r = Octets(data[:-64])
        magic, ident, of, self.flags, count, n, _, _ = r.get(
            "8s16sBB2xIQq16s")
        if (magic, ident, of, n) != (b"SMdels\0\1", account.id, host,
                                     number) or r.left() != 40 * count:
            raise Damage("not what its name says")
        # blob, kind, not before, (Lamport time, host)
        self.entries = []
        for _ in range(count):
            blob, kind, _, _, when, lamport = r.get("16sBB2xIqQ")
            if kind > LIMIT:
                raise Damage("an entry of kind %d" % kind)
            self.entries.append((blob, kind, when, (lamport, host)))


def series(account, host):
    """The newest complete list of a host and those after it."""
    form = re.compile(r"%d\.([1-9][0-9]*)\Z" % host)
    numbers = [int(m[1]) for m in map(form.match, account.names("del")) if m]
    lists = []
    if not numbers:
        return lists
    for number in range(max(numbers), 0, -1):
        try:
            lists.append(List(account, host, number))
        except (Damage, OSError) as why:
            raise Damage("del/%d.%d: %s" % (host, number, why)) from None
        if lists[-1].flags & COMPLETE:
            break
    return lists


class Deletes:
    """The last word on each blob."""

    def __init__(self, account):
        self.words = {}
        try:
            found = series(account, 0) + series(account, 1)
        except Damage as why:
            # Then nothing is executed.
            warn(str(why))
            return
        for entry in (e for one in found for e in one.entries):
            old = self.words.get(entry[0])
            if entry[1] != LIMIT and (old is None or old[3] < entry[3]):
                self.words[entry[0]] = entry

    def expired(self, blob):
        word = self.words.get(blob)
        return word is not None and word[1] == EXPIRING and \
            word[2] <= time.time()

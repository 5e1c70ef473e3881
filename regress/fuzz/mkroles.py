"""Seeds of the fuzzers role_*_fuzz.c: what a parent says to a role at its
start, at a reload, and what it ought not to."""

from seedsteps import s, seed, step, u8, u16, u32, u64

(BEGIN, OWN, COMMIT, WIRE, CONN, OPENED, ENDED, CTL, VERBOSE, STATS, RAW,
 INIT, PEER) = range(13)
FD, NONE = 0x80, 0x40

# Made for this, and for nothing else.
KEY = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXBoENNS0RRXoMaGk
WNU7SffbBS78hU0sNt8kFfB1hF+hRANCAAQ5LWap3BaHRr0ttAhrl8BNkZgyuL1x
cjYThoNnAIrrpsBooiC8oGEtlsvVQDLBayH++I5QkNrurVBhQx+dvCSi
-----END PRIVATE KEY-----
"""
CERT = b"""-----BEGIN CERTIFICATE-----
MIIBpTCCAUqgAwIBAgIUbMnVD0yq0sW9l8FxgaNzJsXaR4EwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwObXguZXhhbXBsZS5vcmcwIBcNMjYxMTIyMDIzMDI0WhgPMjEy
NjEwMjkwMjMwMjRaMBkxFzAVBgNVBAMMDm14LmV4YW1wbGUub3JnMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEOS1mqdwWh0a9LbQIa5fATZGYMri9cXI2E4aDZwCK
66bAaKIgvKBhLZbL1UAywWsh/viOUJDa7q1QYUMfnbwkoqNuMGwwHQYDVR0OBBYE
FAP7QhCMd6BNuzaEz46X4YFHflNkMB8GA1UdIwQYMBaAFAP7QhCMd6BNuzaEz46X
4YFHflNkMA8GA1UdEwEB/wQFMAMBAf8wGQYDVR0RBBIwEIIObXguZXhhbXBsZS5v
cmcwCgYIKoZIzj0EAwIDSQAwRgIhAOioCZ6Ppi47KeR1InmuPKUifeAivsT9jWJk
SQBXvBGGAiEA2N1E3LVm/vtw/mA68xKBJ0xDSNM5tianI1MofuX9JYE=
-----END CERTIFICATE-----
"""
ED25519 = b"""-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIALMDpOQyZh21P3xvBfWLZ2hdIjAIYiuB1Hn6AB+YQBf
-----END PRIVATE KEY-----
"""

begin, commit = step(BEGIN), step(COMMIT)
four = u8(4) + bytes((192, 0, 2, 1)) + u16(4711)
six = u8(6) + bytes(range(16)) + u16(25)
local = u8(0)


def own(n, *parts):
    return step(OWN, u8(n), *parts)


def wire(name, instance=0, flags=0):
    return step(WIRE | flags, s(name), u32(instance))


def conn(n, listener, address):
    return step(CONN, u64(n), u32(listener), address)


def config(*parts):
    return begin + b"".join(parts) + commit


def wrong(target, good):
    """What each role must refuse; good: a configuration."""
    seed(target, "twice", begin, begin)
    seed(target, "end", good, commit)
    seed(target, "outside", good, own(0, u32(1)))
    seed(target, "empty", config())
    seed(target, "stranger", good, wire("nobody"))
    seed(target, "no_wire", good, wire("imap-store", 0, NONE))
    seed(target, "no_conn", good, step(CONN | NONE, u64(1), u32(0), four))
    seed(target, "raw", good, step(RAW, u32(0), b"x"))
    seed(target, "own_raw", begin, step(RAW, u32(0x1ff), b"x"), commit)
    seed(target, "ready", good, step(RAW, u32(2), u8(2)))
    seed(target, "counts", good, step(STATS), step(VERBOSE, u8(1)),
         step(STATS), step(VERBOSE, u8(0)))
    seed(target, "init", step(
        INIT, u32(1), s("imap-engine"), u32(0), u8(1), u8(0), u8(0), u8(1),
        bytes(32), u32(50001), u32(50010), s("/var/empty"), u32(64),
        s("stdio"), u32(2), s("accounts"), s("rwc"), s("head"), s("r")))


def site(base):
    return (own(base, s("mx.example.org"), s("Sealmail"), u8(0), u8(2),
                u32(7), u32(7200)) +
            own(base + 1, s("example.org")) + own(base + 1, s("example.net")))


def certs(base):
    return (own(base + 2, s("mx"), s(CERT)) + own(base + 3, s(b"0\3staple")) +
            own(base + 2, s("broken"), s(b"no certificate")))


def engine(target, base, *listeners):
    at = 2 if target == "role_engine" else 4
    wrong(target, config(base, site(at), *listeners))
    tls = config(base, site(at), certs(at), *listeners)
    plain = config(base, site(at), *listeners)
    roles = ("sealkeys", "imap-store", "smtp-deliver", "smtp-queue",
             "smtp-resolver")
    seed(target, "no_site", config(base, *listeners), conn(1, 0, four))
    seed(target, "conns", plain, wire("imap-store"), conn(1, 0, four),
         conn(2, 1, six), conn(3, 2, local), conn(4, 9, four))
    seed(target, "conn_first", conn(1, 0, four))
    seed(target, "ctl_first", step(CTL, u32(0), u8(1)))
    seed(target, "certs", tls, conn(1, 0, four), conn(2, 1, four))
    seed(target, "again", tls, plain, tls, conn(2, 2, six))
    for role in roles:
        seed(target, "wire_" + role, plain, wire(role), wire(role, 1),
             wire(role), conn(1, 0, four))
    seed(target, "ctl", plain, step(CTL, u32(1000), u8(0)),
         step(CTL, u32(0), u8(1)), step(CTL | NONE, u32(0), u8(1)))
    seed(target, "kinds", config(base, own(1, u8(9), u8(9), u8(9), u64(9))))
    seed(target, "half", begin, base, wire("imap-store"), conn(1, 0, four))
    seed(target, "staple_first", begin, base, own(at + 3, s(b"x")), commit)


def engines():
    base, apart = (own(0, u8(isolated), u64(1 << 26), u32(1800), u32(60),
                       u32(50), u32(3), u32(10000), u8(1))
                   for isolated in (0, 1))
    lines = [own(1, u8(k), u8(0), u64(2**64 - 1)) for k in (1, 2, 3)]
    engine("role_engine", base, *lines)
    seed("role_engine", "isolated", config(apart, site(2), *lines),
         wire("imap-store"), conn(1, 0, four), step(CTL, u32(0), u8(1)),
         config(base, site(2), *lines), conn(2, 0, four))
    base = own(0, u64(1 << 26), u32(100), u32(100), u32(300), u32(10),
               u32(50), u32(3), u8(1), u8(0), u8(2))
    lines = [own(1, u8(k), u8(t), u8(0), u64(3))
             for k, t in ((1, 1), (2, 0), (3, 2))]
    engine("role_smtpd", base, *lines)
    good = config(base, site(4), *lines, own(2, s("a@b"), s("c"), s("d"),
                                             s("e")),
                  own(3, u8(4), bytes(16), u8(8), u8(6), bytes(16), u8(128)),
                  own(8, u8(4), bytes(16), u8(8)))
    seed("role_smtpd", "aliases", good, conn(1, 2, four), conn(2, 0, six))
    seed("role_smtpd", "unsorted", config(base, site(4), own(
        2, s("d"), s("c"), s("a"), s("e"))))
    seed("role_smtpd", "nets", config(base, site(4), own(
        3, u8(4), bytes(16), u8(33))))


def store():
    base = own(0, u8(0), u8(0), u32(60), u32(50), u32(2), u32(100), u32(20),
               u64(1 << 30))
    domain = own(1, s("example.org"), u32(19456), u32(2), u64(0), u32(30),
                 u32(30), u32(14), u32(100), u32(1000), s(b"k" * 32))
    good = config(base, domain, own(2, s("anna@example.org")))
    wrong("role_store", good)
    seed("role_store", "conns", good, step(OPENED, u64(1), u32(0), six, u8(0)),
         step(OPENED, u64(1), u32(0), four, u8(1)),
         step(OPENED, u64(2), u32(9), local, u8(0)), step(ENDED, u64(1)),
         step(ENDED, u64(1)), step(ENDED, u64(3)))
    seed("role_store", "first", step(OPENED, u64(1), u32(0), four, u8(0)),
         wire("imap-engine"), step(CTL, u32(0), u8(1)), good, good)
    seed("role_store", "wires", good, *(
        wire(r, n) for n in (0, 1, 0) for r in (
            "imap-engine", "smtp-engine", "smtp-deliver", "imap-worker",
            "x" * 31)), step(CTL, u32(0), u8(1)), step(CTL, u32(7), u8(0)))
    seed("role_store", "escrow", begin, base, own(
        1, s("example.org"), *[u32(1)] * 2, u64(1), *[u32(1)] * 5,
        s(b"short")), commit)
    seed("role_store", "host", begin, own(0, u8(2), u8(0), *[u32(1)] * 5,
                                          u64(0)), domain, commit)


def others():
    good = config(own(0, s("mx.example.org"), u8(1), u8(0), u64(1), u64(1)))
    wrong("role_deliver", good)
    seed("role_deliver", "wires", good, wire("smtp-engine"),
         wire("smtp-engine", 7), wire("imap-store"), wire("smtp-engine"))
    seed("role_deliver", "first", wire("smtp-engine"), wire("imap-store"),
         good)
    limits = own(0, u32(432000), u32(14400), u32(300), u32(3600), u32(5),
                 u64(0), u64(0), u8(0))
    key = own(1, bytes(range(32)))
    good = config(limits, key, own(2, s("example.org"), s("s1"), s(ED25519)),
                  own(2, s("example.org"), s("s2"), s(KEY)),
                  own(2, s("example.org"), s("s3"), s(b"none")))
    wrong("role_queue", good)
    seed("role_queue", "wires", good, wire("smtp-engine"), wire("smtp-relay"),
         wire("smtp-engine", 1), wire("smtp-relay"), step(CTL, u32(0), u8(1)),
         good)
    seed("role_queue", "first", wire("smtp-engine"), wire("smtp-relay"), good)
    seed("role_queue", "no_key", config(limits))
    seed("role_queue", "no_limits", config(key))
    seed("role_queue", "short_key", config(limits, own(1, b"k" * 31)))
    base = own(0, s("mx.example.org"), u8(1), u32(20), u8(0), s("192.0.2.9"),
               s("2001:db8::9"))
    more = own(0, s("mx.example.org"), u8(2), u32(40), u8(1), s(""), s("x"))
    route = own(1, s("*"), s("smart.example.org"), u16(587), u8(2),
                s("user:password"))
    good = config(base, route)
    wrong("role_relay", good)
    seed("role_relay", "wires", good, wire("smtp-queue"),
         wire("smtp-resolver"), wire("smtp-queue"), config(more, route, route),
         config(base))
    seed("role_relay", "first", wire("smtp-queue"))
    seed("role_relay", "no_base", config(route))
    seed("role_relay", "bounds", config(own(
        0, s("x"), u8(4), u32(10001), u8(0), s(""), s(""))))
    good = config(own(0, s("127.0.0.1@53")), own(1, s(". IN DS 1 8 2 00")))
    wrong("role_resolver", good)
    seed("role_resolver", "wires", good, wire("smtp-relay"), wire("sealctl"),
         step(CTL, u32(0), u8(0)), good, config())
    seed("role_resolver", "many", config(*[own(0, s("::1"))] * 17))
    good = config(own(0, u32(3), u32(7200)), own(1, s("mx"), s(KEY)),
                  own(1, s("ed"), s(ED25519)), own(1, s("no"), s(CERT)))
    wrong("role_keys", good)
    seed("role_keys", "wires", good, wire("imap-engine"), wire("x", 2), good,
         config(own(0, u32(4), u32(4))), wire("imap-engine"))
    seed("role_keys", "first", wire("imap-engine"), good)
    seed("role_keys", "life", config(own(0, u32(1), u32(3))))
    seed("role_keys", "base_first", own(0, u32(1), u32(60)), commit)


def worker():
    good = config()

    def wants(quiet, n=0, version=1, kind=1, flags=0):
        return step(PEER | flags, u8(n), u32(kind), u32(version), u8(quiet))

    wrong("role_worker", good)
    stores = wire("imap-store") + wire("imap-store", 15)
    seed("role_worker", "searches", stores, *(
        wants(n % 5 == 0, n % 2) for n in range(40)), good, step(STATS))
    seed("role_worker", "quiet", stores, *[wants(1)] * 9, good, wants(0, 1))
    seed("role_worker", "again", wire("imap-store"), wants(0),
         wire("imap-store"), wants(0), wants(0, 1))
    for name, what in (("version", wants(0, version=2)),
                       ("kind", wants(0, kind=99)),
                       ("bare", wants(0, flags=NONE)),
                       ("short", step(PEER, u8(0), u32(1), u32(1)))):
        seed("role_worker", name, stores, wants(0), what, wants(0))
    seed("role_worker", "instance", wire("imap-store", 16))
    seed("role_worker", "nothing", step(OWN), begin, step(OWN))


def write():
    engines()
    store()
    worker()
    others()

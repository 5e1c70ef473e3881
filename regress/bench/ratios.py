#! /usr/bin/env python3
"""
Sealmail's figures beside those of other servers that were measured in the same
run of mailbench.py, as rows of the README's table: how many times better, and
how many times was the aim.

usage: ratios.py RESULTS-DIR    results lie in folders of it, one for each run
"""

import glob
import json
import os
import sys

OURS = "sealmail"
SDBOX, CRYPT, CYRUS = "dovecot-sdbox", "dovecot-crypt", "cyrus"
POSTFIX, MTA = "postfix", "postfix+dovecot-sdbox"
NAMES = {SDBOX: "Dovecot", CRYPT: "Dovecot, encrypted", CYRUS: "Cyrus",
         POSTFIX: "Postfix", MTA: "Postfix and Dovecot"}

# What, workload, metric, whether less is better, the peers and the aims.
ROWS = (
    ("LMTP 4 KB, 1 connection, msg/s", "W1",
     "4k.c1.u1.typical_msgs_per_s", False, {SDBOX: 2}),
    ("LMTP 4 KB, 8 connections, msg/s", "W1",
     "4k.c8.u20.typical_msgs_per_s", False, {SDBOX: 3}),
    ("LMTP 100 KB, 8 connections, msg/s", "W1",
     "100k.c8.u20.typical_msgs_per_s", False, {SDBOX: 2}),
    ("FETCH 1:* (UID FLAGS), 10,000, ms", "W4",
     "10k.second.fetch_uid_flags_ms", True, {SDBOX: 1}),
    ("ENVELOPE BODYSTRUCTURE, 10,000, first, ms", "W4",
     "10k.first.fetch_envelope_ms", True, {SDBOX: 10}),
    ("the same again, ms", "W4", "10k.second.fetch_envelope_ms", True,
     {SDBOX: 3}),
    ("BODY[] over TLS, 50 KB, MB/s", "W5", "tls.mb_per_s", False,
     {SDBOX: 2, CRYPT: 20}),
    ("STORE, one flag a command, durable, ops/s", "W6",
     "single.typical_ops_per_s", False, {CYRUS: 3}),
    ("APPEND 4 KB, msg/s", "W7", "append4k.typical_msgs_per_s", False,
     {SDBOX: 1.5}),
    ("COPY of 500, msg/s", "W7", "copy.msgs_per_s", False, {SDBOX: 1.5}),
    ("MOVE of 500, msg/s", "W7", "move.msgs_per_s", False, {SDBOX: 1.5}),
    ("EXPUNGE of 500, msg/s", "W7", "expunge.msgs_per_s", False,
     {SDBOX: 1.5}),
    ("SEARCH BODY, rare word, 10,000, by scan, ms", "W8",
     "cold.body_rare_ms", True, {SDBOX: 2}),
    ("the same by index, ms", "W8", "indexed.body_rare_ms", True,
     {SDBOX: 50}),
    ("login, SELECT, LOGOUT, living vault, sessions/s", "W3",
     "warm.c1.typical_sessions_per_s", False, {SDBOX: 2}),
    ("memory of an idle user (PSS), of 1,000, KiB", "W9",
     "each1000.pss_kib_per_conn", True, {SDBOX: 3}),
    ("notice to 1,000 idling, p50, ms", "W9", "each1000.notify_p50_ms", True,
     {SDBOX: 1}),
    ("notice to 1,000 idling, p99, ms", "W9", "each1000.notify_p99_ms", True,
     {SDBOX: 1}),
    ("into the queue, 8 connections, durable, msg/s", "W11",
     "4k.c8.typical_accepted_msgs_per_s", False, {POSTFIX: 2}),
    ("relayed meanwhile, msg/s", "W11",
     "4k.c8.typical_relayed_msgs_per_s", False, {POSTFIX: 2}),
    ("port 25 to mailbox, 8 connections, msg/s", "W2",
     "4k.c8.in_mailbox_msgs_per_s", False, {MTA: 5}),
)


def read(folder):
    """{(server, workload, metric): median}"""
    figures = {}
    for path in glob.glob(os.path.join(folder, "*_W*.json")):
        with open(path, encoding="utf-8") as f:
            result = json.load(f)
        for metric, value in result["summary"].items():
            figures[result["server"], result["workload"], metric] = \
                value["median"]
    return figures


def read_all(folder):
    """Of each run; searches that an index answered are figures of their own."""
    runs = {name: read(os.path.join(folder, name))
            for name in sorted(os.listdir(folder))
            if os.path.isdir(os.path.join(folder, name))}
    indexed = runs.pop("index", {})
    for figures in runs.values():
        for (server, work, metric), value in list(figures.items()):
            if metric.startswith("warm.") and server != OURS:
                figures[server, work, "indexed." + metric[5:]] = value
        if any(server == SDBOX for server, _, _ in figures):
            for (server, work, metric), value in indexed.items():
                if metric.startswith("warm."):
                    figures[server, work, "indexed." + metric[5:]] = value
    return list(runs.values())


def pair(runs, peer, work, metric):
    """Ours and theirs of one run; None for what was not measured."""
    got = [(r.get((OURS, work, metric)), r.get((peer, work, metric)))
           for r in runs]
    return max(got, key=lambda p: (p[0] is not None) + (p[1] is not None),
               default=(None, None))


def shown(value):
    if value is None:
        return ""
    return "{:,.0f}".format(value) if value >= 100 else "%.3g" % value


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    runs = read_all(sys.argv[1])
    print("| | Sealmail | beside | times | aim |")
    print("|---|---|---|---|---|")
    for what, work, metric, less, aims in ROWS:
        for peer, aim in aims.items():
            ours, theirs = pair(runs, peer, work, metric)
            times = "not measured"
            if ours and theirs:
                times = "%.1f" % (theirs / ours if less else ours / theirs)
            print("| %s | %s | %s: %s | %s | %g |" %
                  (what, shown(ours), NAMES[peer], shown(theirs), times, aim))


main()

#! /usr/bin/env python3
"""
Sealmail's figures beside those of other servers that were measured in the same
run of mailbench.py, as rows of a table: how many times better, and how many
times was the aim.

usage: ratios.py RESULTS-DIR
"""

import glob
import json
import os
import sys

OURS = "sealmail"
SDBOX, CRYPT, CYRUS = "dovecot-sdbox", "dovecot-crypt", "cyrus"

# What, workload, metric, whether less is better, the peers and the aims.
ROWS = (
    ("LMTP 4 KB, 1 connection, msg/s", "W1",
     "4k.c1.u1.typical_msgs_per_s", False, {SDBOX: 2}),
    ("LMTP 4 KB, 8 connections, msg/s", "W1",
     "4k.c8.u20.typical_msgs_per_s", False, {SDBOX: 3}),
    ("LMTP 100 KB, 8 connections, msg/s", "W1",
     "100k.c8.u20.typical_msgs_per_s", False, {SDBOX: 2}),
    ("login + SELECT + LOGOUT, sessions/s", "W3",
     "warm.c1.typical_sessions_per_s", False, {SDBOX: 2}),
    ("first SELECT of 10,000, ms", "W4", "10k.first.select_ms", True,
     {SDBOX: 1}),
    ("FETCH 1:* (UID FLAGS), 10,000, ms", "W4",
     "10k.second.fetch_uid_flags_ms", True, {SDBOX: 1}),
    ("ENVELOPE BODYSTRUCTURE, first, ms", "W4",
     "10k.first.fetch_envelope_ms", True, {SDBOX: 10}),
    ("the same again, ms", "W4", "10k.second.fetch_envelope_ms", True,
     {SDBOX: 3}),
    ("BODY[] over TLS, MB/s", "W5", "tls.mb_per_s", False,
     {SDBOX: 2, CRYPT: 20}),
    ("STORE, one flag a command, ops/s", "W6", "single.typical_ops_per_s",
     False, {CYRUS: 3}),
    ("APPEND 4 KB, msg/s", "W7", "append4k.typical_msgs_per_s", False,
     {SDBOX: 1.5}),
    ("COPY of 500, msg/s", "W7", "copy.msgs_per_s", False, {SDBOX: 1.5}),
    ("MOVE of 500, msg/s", "W7", "move.msgs_per_s", False, {SDBOX: 1.5}),
    ("EXPUNGE of 500, msg/s", "W7", "expunge.msgs_per_s", False,
     {SDBOX: 1.5}),
    ("SEARCH BODY, rare word, warm, ms", "W8", "warm.body_rare_ms", True,
     {SDBOX: 2}),
    ("PSS of an idle user, KiB", "W9", "each1000.pss_kib_per_conn", True,
     {SDBOX: 3}),
    ("notice to 1,000 idling, p50, ms", "W9", "each1000.notify_p50_ms", True,
     {SDBOX: 1}),
    ("notice to 1,000 idling, p99, ms", "W9", "each1000.notify_p99_ms", True,
     {SDBOX: 1}),
)


def read(folder):
    """{(server, metric): median}"""
    figures = {}
    for path in glob.glob(os.path.join(folder, "*_W*.json")):
        with open(path, encoding="utf-8") as f:
            result = json.load(f)
        for metric, value in result["summary"].items():
            figures[result["server"], result["workload"], metric] = \
                value["median"]
    return figures


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    figures = read(sys.argv[1])
    print("| what | sealmail | peer | | times | aim | |")
    print("|---|---|---|---|---|---|---|")
    for what, work, metric, less, aims in ROWS:
        ours = figures.get((OURS, work, metric))
        for peer, aim in aims.items():
            theirs = figures.get((peer, work, metric))
            if not ours or not theirs:
                print("| %s | %s | %s | %s | | %g | not measured |" %
                      (what, "" if ours is None else "%.3g" % ours, peer,
                       "" if theirs is None else "%.3g" % theirs, aim))
                continue
            times = theirs / ours if less else ours / theirs
            print("| %s | %.4g | %s | %.4g | %.2f | %g | %s |" %
                  (what, ours, peer, theirs, times, aim,
                   "reached" if times >= aim else "short"))


main()

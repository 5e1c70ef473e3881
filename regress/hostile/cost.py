#!/usr/bin/env python3
"""What the daemons of a running suite cost: memory, and lines of their logs.

A module of hostile.py, whose first argument says which suite.
"""
import glob
import itertools
import json
import os
import re
import socket
import struct
import subprocess
import sys

SUITE = json.load(open(sys.argv[1]))
RUN = os.path.dirname(os.path.abspath(sys.argv[1]))
PORTS = set()  # of the daemons


def processes():
    """{role: [pid]}; vaults by their own name."""
    found = {}
    for pid in subprocess.run(SUITE["pids_cmd"], shell=True, text=True,
                              stdout=subprocess.PIPE).stdout.split():
        try:
            title = open("/proc/%s/cmdline" % pid).read()
        except OSError:
            continue
        name = os.path.basename(re.split("[: \0]", title)[0])
        if name == "imap-store":
            for role in ("vault", "opener", "forker", "clerk"):
                if role in title:
                    name = role
        found.setdefault(name, []).append(int(pid))
    return found


def pss(pid):
    """KiB of its own, and of what it shares that is no file.

    A process's part of libc's pages grows when other programs end.
    """
    total = 0
    try:
        for line in open("/proc/%d/smaps_rollup" % pid):
            if line.startswith(("Pss_Anon:", "Pss_Shmem:", "SwapPss:")):
                total += int(line.split()[1])
    except OSError:
        pass
    return total


def sockets():
    """Inodes of the daemons' sockets."""
    found = set()
    for pid in itertools.chain(*processes().values()):
        try:
            for fd in os.scandir("/proc/%d/fd" % pid):
                name = os.readlink(fd.path)
                if name.startswith("socket:["):
                    found.add(int(name[8:-1]))
        except OSError:
            pass
    return found


def diag(request):
    """Attributes of all sockets, by sock_diag(7): yields (head, {n: octets})."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
    s.send(struct.pack("=IHHII", 16 + len(request), 20, 0x301, 1, 0) + request)
    head = 72 if request[0] == socket.AF_INET else 16
    while True:
        data = s.recv(1 << 20)
        while data:
            size, kind = struct.unpack_from("=IH", data)
            if kind != 20:
                return
            body, rest = data[16 + head:size], {}
            while len(body) >= 4:
                n, what = struct.unpack_from("=HH", body)
                rest[what] = body[4:n]
                body = body[(n + 3) & ~3:]
            yield data[16:16 + head], rest
            data = data[(size + 3) & ~3:]


def kernel():
    """KiB of the kernel's buffers: the daemons' connections, all wires."""
    total = 0
    # Established TCP, INET_DIAG_SKMEMINFO; our own ports' ends alone.
    for head, attr in diag(struct.pack("=BBBBI48x", socket.AF_INET, 6, 1 << 6,
                                       0, 1 << 1)):
        if struct.unpack_from(">H", head, 4)[0] in PORTS and 7 in attr:
            m = struct.unpack_from("=9I", attr[7])
            total += m[0] + m[5] + m[4]  # received, queued, reserved
    own = sockets()
    for head, attr in diag(struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0,
                                       0xffffffff, 0, 0x20, 0, 0)):
        if 5 in attr and struct.unpack_from("=I", head, 4)[0] in own:
            total += struct.unpack_from("=9I", attr[5])[2]  # sent, not read
    return total // 1024


def memory():
    """{role: KiB} of all its processes, the kernel's share by itself."""
    cost = {role: sum(pss(p) for p in pids)
            for role, pids in processes().items()}
    cost["kernel"] = kernel()
    return cost


def log_lines():
    return sum(open(f, "rb").read().count(b"\n")
               for f in glob.glob(os.path.join(RUN, "*.log")))

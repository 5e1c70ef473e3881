#!/usr/bin/env python3
"""Prints so many ports that are free, below those that the system gives to
clients: such a one could be gone before a daemon listens on it.

usage: ports.py NUMBER
"""
import errno
import random
import socket
import sys

FIRST, LAST = 20000, 31999


def free(port):
    """By TCP and UDP, at all addresses."""
    for family, host in ((socket.AF_INET, "0.0.0.0"),
                         (socket.AF_INET6, "::")):
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            try:
                with socket.socket(family, kind) as s:
                    if family == socket.AF_INET6:
                        s.setsockopt(socket.IPPROTO_IPV6,
                                     socket.IPV6_V6ONLY, 1)
                    s.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False  # other errors: there is no IPv6
    return True


def free_ports(n):
    found = []
    while len(found) < n:
        port = random.randint(FIRST, LAST)
        if port not in found and free(port):
            found.append(port)
    return found


if __name__ == "__main__":
    print(*free_ports(int(sys.argv[1])))

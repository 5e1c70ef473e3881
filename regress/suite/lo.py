"""Brings up the loopback of a network namespace, with addresses of its own.

lo.py IPV4 IPV6: the /24 around the one, and the other, are this host's
"""
import fcntl
import socket
import struct
import sys

IFF_UP, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNETMASK = 1, 0x8914, 0x8916, 0x891C


def sockaddr(text):
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(text))


four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(four, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
fcntl.ioctl(four, SIOCSIFADDR, struct.pack("16s16s", b"lo:1",
                                           sockaddr(sys.argv[1])))
fcntl.ioctl(four, SIOCSIFNETMASK, struct.pack("16s16s", b"lo:1",
                                              sockaddr("255.255.255.0")))
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
fcntl.ioctl(six, SIOCSIFADDR, struct.pack(
    "=16sIi", socket.inet_pton(socket.AF_INET6, sys.argv[2]), 128,
    socket.if_nametoindex("lo")))

#!/usr/bin/env python3
"""Starts a daemon as a service manager does.

usage: passed.py [-4|-6|-b PORT ...] [-s PATH ...] [-g GID PATH] [-u UID] [-w]
                 [-n] [-N FILE] PROGRAM ARGS...
  -4 PORT  passes a listening socket of 0.0.0.0
  -6 PORT  passes one of ::, IPv6 only
  -b PORT  passes one of ::, both families
  -s PATH  passes one of packets there, which is the caller's alone
  -g GID PATH  likewise, a group's, too
  -u UID   runs the daemon as this user
  -w       says that they are meant for another process
  -n       starts it in a network namespace without addresses
  -N FILE  waits for it to say that it is ready, and writes that to FILE
"""
import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000


def listening(how, port):
    s = socket.socket(socket.AF_INET if how == "-4" else socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if how != "-4":
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, how == "-6")
    s.bind(("0.0.0.0" if how == "-4" else "::", port))
    s.listen(64)
    return s


def local(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.path.exists(path):
        os.unlink(path)
    old = os.umask(0o177)
    s.bind(path)
    os.umask(old)
    s.listen(16)
    return s


def hear(path):
    """A child tells what is heard at a socket beside the file."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if os.path.exists(path + ".sock"):
        os.unlink(path + ".sock")
    s.bind(path + ".sock")
    os.chmod(path + ".sock", 0o666)
    os.environ["NOTIFY_SOCKET"] = path + ".sock"
    if os.fork() == 0:
        s.settimeout(60)
        with open(path + ".new", "wb") as f:
            f.write(s.recv(4096))
        os.rename(path + ".new", path)
        os._exit(0)
    s.close()


def main():
    args = sys.argv[1:]
    sockets = []
    pid = os.getpid()
    uid = None
    while args[0].startswith("-"):
        word = args.pop(0)
        if word == "-w":
            pid = 1
        elif word == "-n":
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
                sys.exit("no namespace: " + os.strerror(ctypes.get_errno()))
        elif word == "-s":
            sockets.append(local(args.pop(0)))
        elif word == "-g":
            gid, path = int(args.pop(0)), args.pop(0)
            sockets.append(local(path))
            os.chown(path, -1, gid)
            os.chmod(path, 0o660)
        elif word == "-u":
            uid = int(args.pop(0))
        elif word == "-N":
            hear(args.pop(0))
        else:
            sockets.append(listening(word, int(args.pop(0))))
    # Out of the way first, then to 3 and on.
    high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i)
        os.close(fd)
    os.environ["LISTEN_PID"] = str(pid)
    os.environ["LISTEN_FDS"] = str(len(sockets))
    if uid is not None:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    os.execv(args[0], args)


main()

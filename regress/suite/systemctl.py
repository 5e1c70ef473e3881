#!/usr/bin/env python3
"""Does of systemctl(1) what a first installation types, without systemd.

usage: systemctl daemon-reload
       systemctl enable --now UNIT...

It starts services by their units: the sockets of the socket unit are passed,
user and bounding set of capabilities are the unit's, and so is whether there is
a network; then it waits for the daemon to say that it is ready.  The rest of
what the units ask for (file systems, system calls) needs the real one, under
which regress/interop runs them.
"""
import ctypes
import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys

UNITS = "/etc/systemd/system"
READY_SECONDS = 60
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
CLONE_NEWNET = 0x40000000
CAPS = ("CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID "
        "SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN "
        "NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT "
        "SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE "
        "SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL "
        "SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND "
        "AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE").split()
libc = ctypes.CDLL(None, use_errno=True)


def unit(name):
    """{key: [values]}, of all sections."""
    keys = {}
    text = open(os.path.join(UNITS, name)).read().replace("\\\n", " ")
    for line in text.splitlines():
        line = line.strip()
        if line and line[0] not in "#[" and "=" in line:
            key, value = line.split("=", 1)
            keys.setdefault(key, []).append(value)
    return keys


def listening(keys):
    sockets = []
    for path in keys.get("ListenSequentialPacket", []):
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        s.bind(path)
        os.chmod(path, int(keys["SocketMode"][0], 8))
        s.listen(16)
        sockets.append(s)
    for where in keys.get("ListenStream", []):
        s = socket.socket(socket.AF_INET6)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY,
                     keys.get("BindIPv6Only") == ["ipv6-only"])
        s.bind(("::", int(where)))
        s.listen(int(keys["Backlog"][0]))
        sockets.append(s)
    return sockets


def confine(keys):
    if keys.get("PrivateNetwork") == ["yes"]:
        if libc.unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
    keep = " ".join(keys["CapabilityBoundingSet"]).split()
    for number, name in enumerate(CAPS):
        if "CAP_" + name not in keep:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    if keys.get("NoNewPrivileges") == ["yes"]:
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.umask(int(keys["UMask"][0], 8))
    for name in keys.get("User", []):
        user = pwd.getpwnam(name)
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)


def start(name):
    keys = unit(name + ".service")
    sockets = listening(unit(name + ".socket"))
    for directory in keys.get("RuntimeDirectory", []):
        os.makedirs("/run/" + directory, 0o755, exist_ok=True)
    for line in keys["ExecStartPre"]:
        # "+" is beyond what confines the service.
        subprocess.run(shlex.split(line.lstrip("+")), check=True)
    hears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = "/run/notify.%s.%d" % (name, os.getpid())
    hears.bind(path)
    hears.settimeout(READY_SECONDS)
    os.chmod(path, 0o666)
    if os.fork() == 0:
        os.setsid()
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        log = os.open("/run/%s.log" % name,
                      os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        high = [os.dup2(s.fileno(), 100 + i) for i, s in enumerate(sockets)]
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)
        os.environ.update(LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=path,
                          LISTEN_FDS=str(len(high)))
        confine(keys)
        argv = shlex.split(keys["ExecStart"][0])
        os.execv(argv[0], argv)
    try:
        if hears.recv(4096) != b"READY=1":
            sys.exit(name + " says something else")
    except socket.timeout:
        sys.exit("%s does not get ready:\n%s" % (
            name, open("/run/%s.log" % name).read()))


def main():
    if sys.argv[1:] == ["daemon-reload"]:
        return
    if sys.argv[1:3] != ["enable", "--now"]:
        sys.exit("usage: systemctl daemon-reload | enable --now UNIT...")
    for name in sys.argv[3:]:
        start(name)


main()

#!/usr/bin/env python3
"""Checks that need no other system to be run on.

usage: porting.py events HEADER OBJECT...
       porting.py promises TOP
events: of libevent only what the header declares is called.  promises: the
roles' promises are pledge(2)'s, and each role's own code calls nothing that
they do not allow.  Prints what is wrong, and fails if anything is.
"""
import os
import re
import subprocess
import sys

# pledge(2) of OpenBSD 7.
PLEDGE = set("stdio rpath wpath cpath dpath tmppath inet mcast fattr chown "
             "flock unix dns getpw sendfd recvfd tape tty proc exec "
             "prot_exec settime ps vminfo id pf route wroute audio video "
             "bpf unveil error disklabel drm vmm".split())

# What a call needs, by that page; "|" is either.  What is not here is in
# stdio, or needs nothing.  NEVER: no promise allows it.
NEEDS = {
    "open": "rpath|wpath|cpath", "openat": "rpath|wpath|cpath",
    "opendir": "rpath", "fdopendir": "rpath", "readdir": "rpath",
    "scandir": "rpath",
    "stat": "rpath|wpath|cpath", "lstat": "rpath|wpath|cpath",
    "fstatat": "rpath|wpath|cpath", "access": "rpath", "faccessat": "rpath",
    "readlink": "rpath", "readlinkat": "rpath", "realpath": "rpath",
    "chdir": "rpath", "statvfs": "rpath", "fopen": "rpath|wpath",
    "mkdir": "cpath", "mkdirat": "cpath", "rmdir": "cpath",
    "link": "cpath", "linkat": "cpath", "symlink": "cpath",
    "symlinkat": "cpath", "unlink": "cpath", "unlinkat": "cpath",
    "rename": "cpath", "renameat": "cpath",
    "mkfifo": "dpath", "mkfifoat": "dpath", "mknod": "dpath",
    "chmod": "fattr", "fchmod": "fattr", "fchmodat": "fattr",
    "utimensat": "fattr", "futimens": "fattr",
    "chown": "fattr|chown", "fchown": "fattr|chown",
    "fchownat": "fattr|chown", "flock": "flock",
    "socket": "inet|unix", "connect": "inet|unix", "bind": "inet|unix",
    "listen": "inet|unix", "accept": "inet|unix", "accept4": "inet|unix",
    "getaddrinfo": "dns", "getpwnam": "getpw", "getpwuid": "getpw",
    "getgrnam": "getpw", "getgrgid": "getpw",
    "fork": "proc", "vfork": "proc", "setsid": "proc", "setpgid": "proc",
    "kill": "proc", "setpriority": "proc|id", "setrlimit": "proc|id",
    "execve": "exec", "execv": "exec", "execvp": "exec",
    "system": "exec", "popen": "exec", "posix_spawn": "exec",
    "setuid": "id", "setgid": "id", "setresuid": "id", "setresgid": "id",
    "setgroups": "id", "chroot": "NEVER", "mlock": "NEVER",
    "munlock": "NEVER", "mlockall": "NEVER", "ptrace": "NEVER",
    "mount": "NEVER", "unveil": "unveil", "sodium_malloc": "NEVER",
    "sodium_mlock": "NEVER", "sodium_munlock": "NEVER",
    "sodium_allocarray": "NEVER", "syslog": "stdio",
}

# Linked, but not reached by that role.
UNREACHED = {
    # Folders of accounts are made by imap-store alone.
    "smtp-deliver": {"fchmod"},
    # The system's roots are read before the sandbox.
    "smtp-relay": {"open"},
}

# Of these, what a role links of it is used by the role inside its sandbox.
# libproc enters the sandbox, libcompat and liblog are of both sides.
LIBRARIES = ("libmsg", "libtlsio", "libseal", "libstore", "libcodec",
             "libmime", "libimap", "libsmtp", "libsasl")
# Files chosen by the system: what OpenBSD takes in their place.
OTHERWISE = {"lib/libseal/secret_sodium.o"}

wrong = []


symbols = {}  # object: (undefined, defined)


def read_symbols(objects):
    """All at once: a process for each would take a while."""
    todo = [o for o in objects if o not in symbols]
    for o in todo:
        symbols[o] = (set(), set())
    if not todo:
        return
    out = subprocess.run(["nm", "-A", "-g"] + todo, check=True,
                         stdout=subprocess.PIPE, text=True).stdout
    for line in out.splitlines():
        where, rest = line.split(":", 1)
        kind, name = rest.split()[-2:]
        # What a compiler makes of open(2) and friends where it fortifies.
        name = re.sub(r"^__(.*)_(chk|2)$", r"\1", name).split("@")[0]
        if kind == "U":
            symbols[where][0].add(re.sub(r"64$", "", name))
        else:
            symbols[where][1].add(name)


def undefined(objects):
    read_symbols(objects)
    found = {}
    for o in objects:
        for name in symbols[o][0]:
            found.setdefault(name, set()).add(o)
    return found


def events(header, *objects):
    allowed = set(re.findall(r"\b(event_\w+|evbuffer_\w+)\(",
                             open(header).read()))
    seen = 0
    for name, where in sorted(undefined(list(objects)).items()):
        if re.match(r"(event|evbuffer|bufferevent|evutil|evtimer|evhttp|"
                    r"evdns|evconnlistener|evthread)_", name):
            seen += 1
            if name not in allowed:
                wrong.append("%s is not of libevent 1.4: %s" % (
                    name, ", ".join(sorted(where))))
    if seen < 5:
        wrong.append("hardly any call of libevent is found")


def roles(top):
    """{program: promises} of all parents' tables."""
    found = {}
    for daemon in ("sealimapd", "sealsmtpd", "sealrelayd"):
        text = open("%s/usr.sbin/%s/parent/procs.c" % (top, daemon)).read()
        for row in re.findall(r"\.name = \"([\w-]+)\",(.*?)\n(?:    \}|\};)",
                              text, re.S):
            m = re.search(r"\.promises = ((?:\s*\"[^\"]*\")+)", row[1])
            if m:
                found[row[0]] = "".join(re.findall(
                    r"\"([^\"]*)\"", m.group(1))).split()
    return found


def objects_of(top, program):
    """Objects that the linker takes into a program, by its own table."""
    for folder, _, names in os.walk(top + "/usr.sbin"):
        if "Makefile" not in names:
            continue
        text = open(folder + "/Makefile").read()
        if re.search(r"^PROG = %s$" % re.escape(program), text, re.M):
            own = [os.path.join(folder, n) for n in sorted(names)
                   if n.endswith(".o")]
            libs = ["%s/lib/%s" % (top, lib) for lib in LIBRARIES
                    if "${%s}" % lib.upper() in text]
            return own, libs
    return None, None


def library_members(top, libs):
    """{object: what it defines} of the libraries."""
    paths = [os.path.join(lib, n) for lib in libs
             for n in sorted(os.listdir(lib)) if n.endswith(".o")]
    paths = [p for p in paths if os.path.relpath(p, top) not in OTHERWISE]
    read_symbols(paths)
    return {p: symbols[p][1] for p in paths}


def linked(top, own, libs):
    """Own objects and those of the libraries that they need, in turn."""
    members = library_members(top, libs)
    home = {name: path for path, names in members.items() for name in names}
    taken, todo = list(own), list(own)
    while todo:
        needs = undefined(todo)
        todo = sorted({home[n] for n in needs if n in home} - set(taken))
        taken += todo
    return taken


def promises(top):
    found = roles(top)
    if len(found) < 6:
        wrong.append("only %d roles are found" % len(found))
    for program, have in sorted(found.items()):
        for word in have:
            if word not in PLEDGE:
                wrong.append("%s: pledge(2) knows no %s" % (program, word))
        own, libs = objects_of(top, program)
        if not own:
            wrong.append("%s: no objects" % program)
            continue
        for name, where in sorted(undefined(linked(top, own, libs)).items()):
            needs = NEEDS.get(name)
            if needs is None or name in UNREACHED.get(
                    program, ()):
                continue
            if not set(needs.split("|")) & (set(have) | {"stdio"}):
                wrong.append("%s: %s needs %s (%s)" % (
                    program, name, needs, ", ".join(sorted(
                        os.path.relpath(w, top) for w in where))))


def main():
    {"events": events, "promises": promises}[sys.argv[1]](*sys.argv[2:])
    for text in wrong:
        print(text)
    sys.exit(1 if wrong else 0)


main()

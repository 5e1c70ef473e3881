#!/usr/bin/python3
"""Whether the reader sees in an account what libstore sees.

usage: merged_check.py ACCOUNT-DIR PASSWORD VIEW

VIEW is what regress/lib/libstore/merge_test.c printed: of each mailbox "box ID
NAME UIDVALIDITY MESSAGES", of each message " UID FLAGS INSTANCE", in hex.
"""
import difflib
import importlib.machinery
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
import sealed  # noqa: E402


def load_reader():
    loader = importlib.machinery.SourceFileLoader(
        "sealreader", os.path.join(HERE, "sealreader"))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("sealreader", loader))
    loader.exec_module(module)
    return module


def main():
    path, password, view = sys.argv[1:]
    sealed.start()
    account = sealed.Account(path)
    ring = sealed.Ring(account, sealed.master_key(account, password.encode()))
    state = load_reader().read_log(account, ring)
    lines = []
    for number, box in sorted(state.boxes.items()):
        lines.append("box %d %s %d %d\n" % (
            number, box.name.decode(), box.validity, len(box.messages)))
        for uid, m in sorted(box.messages.items()):
            lines.append(" %d %x %s\n" % (uid, m.flags,
                                          m.instance[:8].hex()))
    theirs = open(view).readlines()
    for text in sealed.WARNINGS:
        print(text)
    if lines != theirs:
        print("".join(difflib.unified_diff(theirs, lines, "libstore",
                                           "reader")))
    sys.exit(1 if lines != theirs or sealed.WARNINGS else 0)


if __name__ == "__main__":
    main()

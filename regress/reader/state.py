"""The state of an account: what the operations of sealstore(5) do to it.

This is the account of one writer; merged.py has what several need.
"""
from sealed import warn

PART, WHOLE = 4, 8              # flags of a frame
FLAG_NAMES = ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")


class Message:
    def __init__(self, r, modseq):
        self.box, self.uid, self.how, self.codec, self.zone = r.get("QIBBh")
        self.instance, self.blob, self.key = r.raw(16), r.raw(16), r.raw(32)
        self.thread, self.file_size = r.raw(16), r.u64()
        self.size, self.saved, self.date, self.flags, self.modseq = r.get(
            "IIqQQ")
        self.modseq = self.modseq or modseq


class Box:
    def __init__(self, number, validity, use, name):
        self.id, self.validity, self.use, self.name = (
            number, validity, use, name)
        self.messages = {}
        self.keywords = {}
        self.alias = {}         # a bit that is another one's
        self.gone = set()
        self.notes = {}         # annotations: value by name
        # What merging needs: the highest UID that each writer gave and in
        # which frame; UIDs that another host may not have seen; the name
        # before the last rename, and that rename's frame.
        self.last = {}
        self.recent = []
        self.old_name = self.renamed = None

    def mapped(self, flags):
        """Flags as an operation has them, in the keywords that count."""
        for index, known in self.alias.items():
            if flags >> (8 + index) & 1:
                flags = flags & ~(256 << index) | 256 << known
        return flags

    def flag_names(self, flags):
        names = [n for i, n in enumerate(FLAG_NAMES) if flags >> i & 1]
        return names + [self.keywords[i] for i in sorted(self.keywords)
                        if flags >> (8 + i) & 1]


class State:
    def __init__(self):
        self.boxes = {}
        self.placed = set()
        self.notes = {}         # the account's annotations
        self.covered = {}       # up to which frame, by writer
        self.stating = False    # a checkpoint is being read
        self.parts = {}         # host: what a copy without an end placed
        self.part = []

    def apply(self, frame):
        self.part = self.parts.setdefault(frame.host, []) \
            if frame.flags & PART else []
        for modseq, code, r in frame.operations():
            method = self.METHODS.get(code)
            if method is None:
                warn("operation %d in the log is not known" % code)
            else:
                method(self, r, modseq)
        if frame.flags & WHOLE:
            self.parts.pop(frame.host, None)

    def drop_parts(self):
        """At the end: copies that were not made whole."""
        for m in (m for part in self.parts.values() for m in part):
            box = self.boxes.get(m.box)
            if box is not None and box.messages.get(m.uid) is m:
                del box.messages[m.uid]

    def named(self, r):
        return self.boxes.get(r.u64())

    def mkbox(self, r, _):
        number, validity, use = r.get("QIH")
        if number not in self.boxes:
            self.boxes[number] = Box(number, validity, use, r.str())

    def mvbox(self, r, _):
        box = self.named(r)
        if box is not None:
            box.name = r.str()

    def rmbox(self, r, _):
        self.boxes.pop(r.u64(), None)

    def use(self, r, _):
        box = self.named(r)
        if box is not None:
            box.use = r.u16()

    def place(self, r, modseq):
        m = Message(r, modseq)
        self.part.append(m)
        self.placed.add(m.blob)
        box = self.boxes.get(m.box)
        if box is not None and m.uid not in box.messages:
            m.flags = box.mapped(m.flags)
            box.messages[m.uid] = m

    def listed(self, box, r):
        for _ in range(r.u32()):
            uid, instance = r.u32(), r.raw(8)
            m = box.messages.get(uid)
            if m is not None and m.instance[:8] == instance:
                yield m

    def expunge(self, r, _):
        box = self.named(r)
        for m in self.listed(box, r) if box is not None else ():
            del box.messages[m.uid]
            box.gone.add(m.instance[:8])

    def flag(self, r, modseq):
        box = self.named(r)
        add, clear = r.get("QQ")
        if box is not None:
            add, clear = box.mapped(add), box.mapped(clear)
        for m in self.listed(box, r) if box is not None else ():
            m.flags = m.flags & ~clear | add
            m.modseq = max(m.modseq, modseq)

    def keyword(self, r, _):
        box = self.named(r)
        index, name = r.u8(), r.str()
        name = name.decode("utf-8", "replace")
        if box is None:
            return
        for known, text in box.keywords.items():
            if text.lower() == name.lower():
                # Two hosts named it: the first bit counts for both.
                if known != index and index not in box.keywords:
                    box.alias[index] = known
                return
        box.keywords[index] = name
        box.alias.pop(index, None)

    def tomb(self, r, _):
        box = self.named(r)
        for _ in range(r.u32()):
            _, _, _, instance = r.get("IIQ8s")
            if box is not None:
                box.gone.add(instance)

    def begin(self, r, _):
        """The vector, if there is one: what the checkpoint covers."""
        r.get("QIQ")
        if r.left():
            self.vector(r)

    def vector(self, r):
        r.get("BB")
        writers = []
        for _ in range(r.u32()):
            writer, host, seq, _, lamport = r.get("8sBQ16sQ")
            self.covered[writer] = seq
            writers.append((writer, host, lamport))
        return writers

    def settle(self):
        """At the end of the fold."""

    def garbage(self, r, _):
        for _ in range(r.u32()):
            self.placed.add(r.get("16sQ")[0])

    def nothing(self, r, _):
        """What changes nothing that is printed."""

    def meta(self, r, _):
        """An annotation of a mailbox, or of the account (0)."""
        number, name = r.u64(), r.str()
        has = r.u8()
        value = r.raw(r.u32())
        box = self.boxes.get(number)
        notes = self.notes if number == 0 else \
            None if box is None else box.notes
        if notes is not None:
            notes.pop(name, None)
            if has:
                notes[name] = value

    METHODS = {1: mkbox, 2: mvbox, 3: rmbox, 4: place, 5: expunge, 7: flag,
               8: nothing, 9: use, 10: keyword, 16: begin, 17: nothing,
               18: tomb, 19: garbage, 20: nothing, 21: nothing, 22: nothing,
               11: nothing, 12: nothing, 13: nothing, 15: meta}

    def known(self, instance):
        return any(instance in b.gone or
                   any(m.instance[:8] == instance
                       for m in b.messages.values())
                   for b in self.boxes.values())

"""Several writers, as sealstore(5) says under that name.

An instance may have several placements; the highest that is not late is shown.
"""
from state import Box, Message, State

SYSTEM = 0x1f
REMOVED_MAX = 10000


class Instance:
    def __init__(self, live):
        self.live = live
        self.placements = []
        self.shown = None       # one of them


def below(name, parent):
    return name.startswith(parent + b"/")


class Merged(State):
    def __init__(self):
        super().__init__()
        self.saw = {}           # (by, of): up to which frame
        self.active = {}        # host: (Lamport time, writer)
        self.host = {}          # of a writer
        self.paired = 0
        self.instances = {}
        self.removed = {}
        self.numbers = []       # a checkpoint's writers
        self.undone = None
        self.writer = self.seq = None

    def apply(self, frame):
        self.writer, self.seq = frame.writer, frame.seq
        self.undone = None
        self.know(frame.writer, frame.host, frame.lamport + frame.count - 1)
        super().apply(frame)

    def know(self, writer, host, lamport):
        self.host[writer] = host
        if (lamport, writer) > self.active.get(host, (-1, b"")):
            self.active[host] = lamport, writer

    def seen(self, by, of, seq):
        return by == of or self.saw.get((by, of), 0) >= seq

    def settled(self, of, seq):
        """Has the other host seen that frame?"""
        for host in (0, 1):
            if self.host.get(of) == host:
                continue
            if host in self.active:
                if not self.seen(self.active[host][1], of, seq):
                    return False
            elif self.paired >> host & 1:
                return False
        return True

    # -- Placements

    def show(self, m):
        self.boxes[m.box].messages[m.uid] = m
        self.instances[m.instance[:8]].shown = m

    def hide(self, m, late):
        del self.boxes[m.box].messages[m.uid]
        self.instances[m.instance[:8]].shown = None
        m.late = late

    def show_best(self, box, instance):
        fit = [m for m in instance.placements
               if m.box == box.id and not m.late and m is not instance.shown]
        if not fit:
            return
        best = max(fit, key=lambda m: m.uid)
        if instance.shown is not None:
            if instance.shown.box != box.id or best.uid <= instance.shown.uid:
                return
            self.hide(instance.shown, False)
        self.show(best)

    def late_below(self, box, instance, uid):
        """A late placement makes those below it late too."""
        for m in instance.placements:
            if m.box == box.id and m.uid < uid:
                if m is instance.shown:
                    self.hide(m, True)
                m.late = True

    def mark_late(self, box, uid):
        for instance in list(self.instances.values()):
            for m in instance.placements:
                if m.box != box.id or m.uid != uid:
                    continue
                if m is instance.shown:
                    self.hide(m, True)
                m.late = True
                self.late_below(box, instance, uid)
                self.show_best(box, instance)

    def gives(self, box, uid):
        """The writer gives that UID; is it late?"""
        late = any(high > uid and not self.seen(self.writer, of, seq)
                   for of, (high, seq) in box.last.items())
        for low, of, seq in list(box.recent):
            if low < uid and not self.seen(self.writer, of, seq):
                self.mark_late(box, low)
        return late

    def place(self, r, modseq):
        m = Message(r, modseq)
        self.part.append(m)
        m.writer, m.seq, m.late = self.writer, self.seq, False
        if m.how == 3 and r.left():
            m.writer, m.seq = self.numbers[r.u8()], r.u64()
        self.placed.add(m.blob)
        box = self.boxes.get(m.box) or self.revive(m.box, modseq)
        m.flags = box.mapped(m.flags)
        if not self.stating:
            m.late = self.gives(box, m.uid)
        if not self.settled(m.writer, m.seq):
            box.recent.append((m.uid, m.writer, m.seq))
        if m.uid > box.last.get(m.writer, (0, 0))[0]:
            box.last[m.writer] = m.uid, m.seq
        instance = self.instances.get(m.instance[:8])
        if instance is None:
            instance = Instance(True)
            self.instances[m.instance[:8]] = instance
            instance.placements.append(m)
            m.late = m.late or m.uid in box.messages
            if not m.late:
                self.show(m)
        elif instance.live:
            self.place_again(box, instance, m)

    def place_again(self, box, instance, m):
        old = instance.shown or min(instance.placements,
                                    key=lambda other: other.box)
        m.blob, m.key, m.date, m.zone = old.blob, old.key, old.date, old.zone
        m.flags = old.flags if old.box == m.box else old.flags & SYSTEM
        m.late = m.late or any(
            o.late and o.box == m.box and o.uid > m.uid
            for o in instance.placements)
        instance.placements.append(m)
        if m.late:
            self.late_below(box, instance, m.uid)
        if instance.shown is None or instance.shown.box == box.id:
            self.show_best(box, instance)

    def listed_instances(self, r):
        for _ in range(r.u32()):
            uid, name = r.u32(), r.raw(8)
            instance = self.instances.get(name)
            if instance is not None and instance.live:
                yield uid, name, instance

    def expunge(self, r, _):
        box = self.boxes.get(r.u64())
        for _, name, instance in self.listed_instances(r):
            if instance.shown is not None:
                self.hide(instance.shown, False)
            self.instances[name] = Instance(False)
            for known in self.boxes.values() if box is None else (box,):
                known.gone.add(name)

    def flag(self, r, _):
        box = r.u64()
        add, clear = r.get("QQ")
        if box in self.boxes:
            add, clear = (self.boxes[box].mapped(x) for x in (add, clear))
        for _, _, instance in self.listed_instances(r):
            for m in instance.placements:
                mask = ~0 if m.box == box else SYSTEM
                m.flags = m.flags & ~(clear & mask) | add & mask

    def retire(self, r, _):
        box = self.named(r)
        for uid, _, instance in self.listed_instances(r):
            last = len(instance.placements) == 1
            for m in list(instance.placements):
                if box is None or m.box != box.id or m.uid != uid:
                    continue
                if m is instance.shown:
                    self.hide(m, last)
                if last:
                    m.late = True
                else:
                    instance.placements.remove(m)
                break
            if box is not None:
                self.show_best(box, instance)

    # -- Mailboxes

    def keyword(self, r, modseq):
        """Also of a removed one, for mail that is still to come."""
        number = int.from_bytes(r.data[r.pos:r.pos + 8], "big")
        gone = self.removed.get(number)
        if number in self.boxes or gone is None:
            super().keyword(r, modseq)
        else:
            self.boxes[number] = gone
            super().keyword(r, modseq)
            del self.boxes[number]

    def mkbox(self, r, modseq):
        number = int.from_bytes(r.data[r.pos:r.pos + 8], "big")
        if number not in self.removed:
            super().mkbox(r, modseq)

    def mvbox(self, r, _):
        box = self.named(r)
        if box is None:
            return
        name = r.str()
        if self.undone and below(box.name, self.undone[0]) and \
                below(name, self.undone[1]):
            return
        if any(other is not box and other.old_name is not None and
               not self.seen(self.writer, *other.renamed) and
               below(name, other.old_name) and below(other.name, box.name)
               for other in self.boxes.values()):
            self.undone = box.name, name
            return
        box.old_name, box.name = box.name, name
        box.renamed = self.writer, self.seq

    def rmbox(self, r, _):
        box = self.named(r)
        if box is None:
            return
        left = False
        for name, instance in list(self.instances.items()):
            for m in [m for m in instance.placements if m.box == box.id]:
                if not self.seen(self.writer, m.writer, m.seq):
                    left = True
                    continue
                if m is instance.shown:
                    self.hide(m, False)
                instance.placements.remove(m)
            if instance.live and not instance.placements:
                del self.instances[name]
            elif instance.live and instance.shown is None:
                self.show_best(box, instance)
        if not left:
            self.removed[box.id] = self.boxes.pop(box.id)
            if len(self.removed) > REMOVED_MAX:
                del self.removed[next(iter(self.removed))]

    def revive(self, number, modseq):
        """A mailbox that was removed by one who did not know of this."""
        gone = self.removed.pop(number, None)
        box = Box(number, modseq & 0x7fffffff or 1, 0,
                  b"Recovered (%d)" % number)
        if gone is not None:
            box = Box(number, gone.validity, gone.use, gone.name)
            box.last = gone.last
            box.keywords, box.alias = gone.keywords, gone.alias
        self.boxes[number] = box
        return box

    def settle(self):
        """Of two mailboxes with one name the higher id is shown with it."""
        names = set()
        for number, box in sorted(self.boxes.items()):
            name = box.name
            if name in names:
                box.name = b"%s (%d)" % (name, number)
            names.add(name)

    # -- Writers

    def vector(self, r):
        lease, self.paired = r.data[r.pos:r.pos + 2]
        writers = super().vector(r)
        for writer, host, lamport in writers:
            self.know(writer, host, lamport)
        self.numbers = [writer for writer, _, _ in writers]
        for by in self.numbers:
            for of in self.numbers:
                self.saw[by, of] = r.u64()
        return writers

    def saw_frames(self, r, _):
        for _ in range(r.u32()):
            of, seq = r.get("8sQ")
            key = self.writer, of
            self.saw[key] = max(self.saw.get(key, 0), seq)
        for box in [*self.boxes.values(), *self.removed.values()]:
            box.recent = [x for x in box.recent if not self.settled(*x[1:])]

    def pair(self, r, _):
        self.paired |= 1 << r.u8()

    def tomb(self, r, _):
        box = self.named(r)
        for _ in range(r.u32()):
            _, _, _, name = r.get("IIQ8s")
            if any(name):
                self.instances.setdefault(name, Instance(False))
                if box is not None:
                    box.gone.add(name)

    def uidnext(self, r, _):
        box, uid = self.named(r), r.u32()
        if box is None or uid == 0 or self.stating:
            return
        self.gives(box, uid - 1)
        if uid - 1 > box.last.get(self.writer, (0, 0))[0]:
            box.last[self.writer] = uid - 1, self.seq

    def last(self, r, _):
        box = self.named(r)
        for _ in range(r.u32()):
            number, uid, seq = r.get("BIQ")
            if box is not None:
                box.last[self.numbers[number]] = uid, seq

    METHODS = {**State.METHODS, 1: mkbox, 2: mvbox, 3: rmbox, 4: place,
               5: expunge, 6: retire, 7: flag, 10: keyword, 11: saw_frames,
               12: pair, 18: tomb, 21: uidnext, 22: last}

"""The change logs of a world that is down: what was written, in which order, in which copies."""

import collections
import glob
import os
import sqlite3

Change = collections.namedtuple("Change", "seq user key incarnation before after deleted value once")

SERVICE, USER, KEY, INCARNATION, BEFORE, AFTER, DELETED = 5, 6, 7, 8, 9, 10, 11
VALUE, ONCE = 13, 15


def fields(message):
    """A protobuf message's fields, by number; of repeated ones the last."""
    found = {}
    at = 0

    def varint():
        nonlocal at
        number = shift = 0
        while True:
            byte = message[at]
            at += 1
            number |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return number

    while at < len(message):
        tag = varint()
        if tag & 7 == 0:
            found[tag >> 3] = varint()
        elif tag & 7 == 2:
            size = varint()
            found[tag >> 3] = message[at:at + size]
            at += size
        else:
            raise AssertionError("a change has a field of wire type %d" % (tag & 7))
    return found


def change_of(seq, data):
    found = fields(data)
    return Change(seq, found.get(USER, b"").decode(), found[KEY].decode(),
                  found.get(INCARNATION, 0), found.get(BEFORE, 0), found.get(AFTER, 0),
                  bool(found.get(DELETED)), found.get(VALUE, b""), found.get(ONCE, b"").decode())


def read(path):
    """The (seq, epoch, digest, bytes) of one shard's file."""
    with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as file:
        return file.execute("SELECT seq, epoch, digest, bytes FROM changes ORDER BY seq").fetchall()


def check_copies(data):
    """Each shard's log is dense from 1 and the same in all regions. Returns them by shard."""
    logs = {}
    for path in sorted(glob.glob(os.path.join(data, "regiond", "*", "shard-*.db"))):
        rows = read(path)
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), path
        shard = os.path.basename(path)[len("shard-"):-len(".db")]
        assert logs.setdefault(shard, rows) == rows, shard + " differs between regions"
    assert logs, "no shard files below " + data
    return {shard: [change_of(row[0], row[3]) for row in rows] for shard, rows in logs.items()}


def check_history(changes):
    """One shard's: versions rise by one, a write has one effect, and no key comes back unnoticed."""
    last = {}
    once = set()
    for change in changes:
        name = (change.user, change.key)
        before = last.get(name)
        assert change.before == (before.after if before else 0), (before, change)
        assert change.after == change.before + 1, change
        if before:
            again = 1 if before.deleted and not change.deleted else 0
            assert change.incarnation == before.incarnation + again, (before, change)
        last[name] = change
        if change.once:
            assert (change.user, change.once) not in once, "twice: %r" % (change,)
            once.add((change.user, change.once))

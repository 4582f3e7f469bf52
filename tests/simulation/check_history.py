#!/usr/bin/env python3
"""Is a history (docs/history.md) one that the system may have?

    check_history.py FILE...      check files of JSON lines; "-" is standard input
    check_history.py --canary     prove that each check can fail

It knows nothing but the format and what is promised there; it shares no code with the system.
Exit: 0 nothing wrong, 1 a promise is broken, 2 it cannot be checked.
"""

import collections
import json
import sys


class Unreadable(Exception):
    pass


class Operation:
    """One request and how it ended: ok, fail, info (also when there is no end)."""

    def __init__(self, line, number):
        self.line, self.end_line, self.end = number, number, "info"
        self.process, self.f, self.key = line["process"], line["f"], line["key"]
        self.consistency = line.get("consistency", "session")
        self.is_retry = "retry_of" in line
        self.asked_ns, self.told_ns = line["time_ns"], float("inf")
        self.value, self.old = line["value"], None
        if self.f == "cas":
            self.old, self.value = line["value"]
        self.region, self.version, self.queued = None, None, False

    def finish(self, line, number):
        self.end_line, self.end, self.told_ns = number, line["type"], line["time_ns"]
        if self.told_ns < self.asked_ns:
            raise Unreadable("line %d: ends before it begins" % number)
        if self.end == "ok":
            self.region, self.version, self.queued = line["region"], line["version"], line["queued"]
            if self.f == "read":
                self.value = line["value"]

    @property
    def is_read(self):
        return self.f == "read" and self.end == "ok"

    @property
    def is_written(self):
        """It has had its effect when it is told."""
        return self.f != "read" and self.end == "ok" and not self.queued


class History:
    def __init__(self, lines):
        self.meta, self.operations, self.applied, self.finals, self.nemeses = None, [], [], [], []
        self.open = {}
        for number, text in enumerate(lines, 1):
            try:
                self.take(json.loads(text), number)
            except (ValueError, KeyError, TypeError) as error:
                raise Unreadable("line %d: %s: %s" % (number, type(error).__name__, error))
        if not self.meta:
            raise Unreadable("there is no meta line")
        self.by_key = collections.defaultdict(list)
        for operation in self.operations:
            self.by_key[operation.key].append(operation)
        self.lost = self.find_lost()
        self.attempts = collections.defaultdict(list)  # (key, value): who may have written it
        for operation in self.operations:
            if operation.f != "read" and operation.end != "fail":
                self.attempts[operation.key, operation.value].append(operation)

    def take(self, line, number):
        kind = line["type"]
        if (kind == "meta") != (self.meta is None):
            raise Unreadable("line %d: meta stands first, and once" % number)
        if kind == "meta":
            if line["format"] != 1:
                raise Unreadable("line %d: format %s is not known here" % (number, line["format"]))
            self.meta = line
        elif kind == "invoke":
            if line["process"] in self.open:
                raise Unreadable("line %d: the process has not been answered yet" % number)
            operation = self.open[line["process"]] = Operation(line, number)
            self.operations.append(operation)
        elif kind in ("ok", "fail", "info"):
            operation = self.open.pop(line["process"], None)
            if not operation or (operation.f, operation.key) != (line["f"], line["key"]):
                raise Unreadable("line %d: ends what nobody has begun" % number)
            operation.finish(line, number)
        elif kind in ("nemesis", "final", "applied"):
            line["line"] = number
            {"nemesis": self.nemeses, "final": self.finals, "applied": self.applied}[kind].append(line)
        else:
            raise Unreadable("line %d: type %s is not known" % (number, kind))

    def find_lost(self):
        """Keys of which a promotion may have given up writes, or the account that they belong to,
        which may have been made anew with another home."""
        promoted = {line["a"] for line in self.nemeses if line["f"] == "promote"}
        homes = collections.defaultdict(set)
        for line in self.applied:
            homes[line["key"]].add(line["shard"])
        for key in set(self.by_key) | set(homes) | {line["key"] for line in self.finals}:
            homes[key].add(self.meta["homes"].get(key) or min(homes[key], default=None))
        return {key for key, all_homes in homes.items()
                if promoted and (None in all_homes or len(all_homes) > 1 or all_homes & promoted)}

    def may_lose(self, key):
        return key in self.lost

    def deleted_before(self, key, time_ns):
        return any(each.asked_ns <= time_ns for each in self.attempts[key, None])

    def facts(self):
        """(line, key, version, value): what is known to have stood."""
        for each in self.operations:
            if (each.is_read or each.is_written) and each.version is not None:
                yield each.end_line, each.key, each.version, each.value
        for line in self.applied + self.finals:
            if line["version"] is not None:
                yield line["line"], line["key"], line["version"], line["value"]

    def values(self):
        known = {}
        for _, key, version, value in self.facts():
            known.setdefault((key, version), value)
        return known


def one_value_a_version(history):
    """A version of a key has one value, whoever shows it."""
    known = history.values()
    for line, key, version, value in history.facts():
        if known[key, version] != value and not history.may_lose(key):
            yield line, "version %d of %s is %r here and %r elsewhere" % (
                version, key, value, known[key, version])


def reads_were_written(history):
    """A read gives what somebody had asked to write by then, and what was not refused."""
    for each in history.operations:
        if each.is_read and each.value is not None and not any(
                write.asked_ns <= each.told_ns for write in history.attempts[each.key, each.value]):
            yield each.end_line, "nobody has written %r to %s" % (each.value, each.key)


def versions_rise(history):
    """A write that begins after another was acknowledged has a higher version."""
    for key, operations in history.by_key.items():
        written = [each for each in operations if each.is_written and each.version is not None]
        ended = sorted(written, key=lambda each: each.told_ns)
        highest, at = 0, 0
        for each in sorted(written, key=lambda each: each.asked_ns):
            while ended[at].told_ns < each.asked_ns:
                highest = max(highest, ended[at].version)
                at += 1
            if each.version <= highest and not each.is_retry and not history.may_lose(key):
                yield each.end_line, "%s has version %d after %d" % (key, each.version, highest)


def sessions_go_forward(history):
    """A session that has seen a version of a key sees no older one, unless it says stale-ok."""
    seen = collections.defaultdict(int)
    for each in sorted(history.operations, key=lambda each: each.told_ns):
        if history.may_lose(each.key) or not (each.is_read or each.is_written):
            continue
        before = seen[each.process, each.key]
        if each.is_read and each.consistency != "stale-ok":
            if each.version is not None and each.version < before:
                yield each.end_line, "the session has seen %d of %s, and reads %d" % (
                    before, each.key, each.version)
            if each.value is None and before and not history.deleted_before(each.key, each.told_ns):
                yield each.end_line, "the session has seen %s, and it is gone" % each.key
        seen[each.process, each.key] = max(before, each.version or 0)


def strong_reads_are_new(history):
    """A strong read sees every write that was acknowledged before it was asked."""
    for key, operations in history.by_key.items():
        for read in operations:
            if not read.is_read or read.consistency != "strong" or history.may_lose(key):
                continue
            newest = max((each.version for each in operations if each.is_written and each.version
                          and each.told_ns < read.asked_ns), default=0)
            gone = read.value is None and not history.deleted_before(key, read.told_ns)
            if newest > (read.version or (0 if gone else newest)):
                yield read.end_line, "%s stands at %d or later, and reads %s" % (
                    key, newest, read.version)


def conditions_held(history):
    """A cas that was acknowledged found the value that it names."""
    known, winners = history.values(), {}
    for each in history.operations:
        if each.f != "cas" or not each.is_written or history.may_lose(each.key):
            continue
        before = known.get((each.key, (each.version or 0) - 1), each.old)
        if before != each.old:
            yield each.end_line, "%s was %r, not %r" % (each.key, before, each.old)
        winner = winners.setdefault((each.key, each.old), each.value)
        if each.old is not None and winner != each.value:
            yield each.end_line, "%s was %r once, and two found it so" % (each.key, each.old)


def nothing_is_faster_than_its_link(history):
    """What was written at home needs the delay of the link to be seen elsewhere."""
    delays = history.meta["min_delay_ms"]
    if any(line["f"] in ("promote", "move") for line in history.nemeses):
        return  # it may have come from another home, on other links
    for each in history.operations:
        home = history.meta["homes"].get(each.key)
        writes = history.attempts[each.key, each.value]
        delay_ns = delays.get("%s>%s" % (home, each.region), 0) * 1e6
        if each.is_read and each.value is not None and writes and (
                each.told_ns < min(write.asked_ns for write in writes) + delay_ns):
            yield each.end_line, "%r cannot be in %s yet" % (each.value, each.region)
    first = {}
    for line in sorted(history.applied, key=lambda line: line["time_ns"]):
        change = line["shard"], line["epoch"], line["seq"]
        source = first.setdefault(change, line)
        delay_ns = delays.get("%s>%s" % (source["region"], line["region"]), 0) * 1e6
        if line["time_ns"] < source["time_ns"] + delay_ns:
            yield line["line"], "%s:%d.%d cannot be in %s yet" % (change + (line["region"],))


def logs_agree(history):
    """A position holds the same change in every region."""
    known = {}
    for line in history.applied:
        change = line["key"], line["version"], line["value"]
        position = line["shard"], line["epoch"], line["seq"]
        if known.setdefault(position, change) != change:
            yield line["line"], "%s:%d.%d is another change elsewhere" % position


def the_end_is_right(history):
    """In the end all regions hold the same, and nothing acknowledged is lost."""
    finals = collections.defaultdict(list)
    for line in history.finals:
        finals[line["key"]].append(line)
    for key, lines in finals.items():
        for line in lines:
            if line["value"] is not None and not history.attempts[key, line["value"]]:
                yield line["line"], "nobody has written %r to %s" % (line["value"], key)
        regions = {line["region"] for line in lines}
        if history.meta["homes"].get(key) not in regions and regions != set(history.meta["regions"]):
            continue  # its home is not back: the others hold what had reached them
        if len({(line["value"], line["version"]) for line in lines}) > 1 and (
                len(lines) == len(regions) or not history.may_lose(key)):
            yield lines[0]["line"], "%s is not the same in all regions" % key
        acknowledged = max((each.version or 0 for each in history.by_key[key] if each.is_written),
                           default=0)
        last = lines[0]["version"]
        if last is None and not history.deleted_before(key, float("inf")):
            last = 0
        if last is not None and last < acknowledged and not history.may_lose(key):
            yield lines[0]["line"], "version %d of %s is lost" % (acknowledged, key)


CHECKS = [one_value_a_version, reads_were_written, versions_rise, sessions_go_forward,
          strong_reads_are_new, conditions_held, nothing_is_faster_than_its_link, logs_agree,
          the_end_is_right]


def check(lines):
    history = History(lines)
    return sorted((line, name.__name__, text) for name in CHECKS for line, text in name(history))


def check_file(name):
    try:
        with (sys.stdin if name == "-" else open(name, encoding="utf-8")) as file:
            lines = list(file)
        findings = check(lines)
    except (OSError, Unreadable) as error:
        print("%s: cannot be checked: %s" % (name, error), file=sys.stderr)
        return 2
    for line, check_name, text in findings:
        print("%s:%d: %s: %s" % (name, line, check_name.replace("_", "-"), text))
    print("%s: %d lines, %d findings" % (name, len(lines), len(findings)))
    return 1 if findings else 0


def main(arguments):
    if arguments == ["--canary"]:
        import history_canary  # beside this file; only this needs it
        return history_canary.run(CHECKS, check, Unreadable)
    if not arguments or arguments[0].startswith("--"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    return max(check_file(name) for name in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

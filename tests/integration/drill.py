"""Users who write while a world is broken, and who remember every answer that they got.

What each of them may demand afterwards stands in its check().
"""

import http.client
import threading
import time

from mecworld import wait_until

PAUSE_S = 0.03
APPLIED, QUEUED, REFUSED, UNKNOWN = "applied", "queued", "refused", "unknown"


class Asker(threading.Thread):
    """A thread that goes on until it is told to end; what was wrong is told at the end."""

    def __init__(self, name):
        super().__init__(name=name, daemon=True)
        self.wrong = []
        self.ended = threading.Event()

    def run(self):
        try:
            while not self.ended.is_set():
                self.turn()
                time.sleep(PAUSE_S)
        except Exception as error:  # a thread's death must not pass for its success
            self.wrong.append("%s died: %r" % (self.name, error))


class Writer(Asker):
    """One user at home. turn() writes; each write has an idempotency key of its own."""

    def __init__(self, world, name, home):
        super().__init__(name)
        self.world = world
        self.home = home
        self.client = world.client(home, timeout_s=5)
        self.client.sign_up(name)
        self.receipts = []  # in the order of acceptance
        self.counts = {APPLIED: 0, QUEUED: 0, REFUSED: 0, UNKNOWN: 0}
        self.count = 0

    def write(self, once, method, key, value=None, **headers):
        """Write once; what came of it, and the answer if there was one."""
        outcome, answer = self.ask(once, method, key, value, headers)
        self.counts[outcome] += 1
        if outcome == QUEUED:
            self.receipts.append(answer.json["receipt"])
        return outcome, answer

    def ask(self, once, method, key, value, headers):
        headers = dict(headers, Idempotency_Key=once, Content_Type="text/plain")
        try:
            answer = self.client.request(method, "/v1/metadata/" + key,
                                         value.encode() if value is not None else None, **headers)
        except (OSError, http.client.HTTPException):
            return UNKNOWN, None
        if answer.status in (200, 201, 204):
            return APPLIED, answer
        if answer.status == 202:
            return QUEUED, answer
        if answer.status == 503:
            return REFUSED, answer
        if answer.status != 504:
            self.wrong.append("%s %s: %r" % (method, once, answer))
        return UNKNOWN, answer

    def write_surely(self, once, method, key, value=None, **headers):
        """Write, and try again under the same key until it is known what came of it."""
        deadline = time.monotonic() + 60
        while True:
            outcome, answer = self.write(once, method, key, value, **headers)
            if outcome in (APPLIED, QUEUED):
                return outcome, answer
            if self.wrong or time.monotonic() > deadline:
                raise AssertionError("%s %s: no end, last %r" % (method, once, answer))
            time.sleep(PAUSE_S)

    def receipt(self, receipt):
        """Wait for a receipt's end, asked of whom it names, nearby."""
        asker = self.world.client(receipt.split(".")[0])
        asker.token = self.client.token

        def settled():
            try:
                answer = asker.request("GET", "/v1/receipts/" + receipt)
            except (OSError, http.client.HTTPException):
                return None
            return answer.json if answer.status == 200 and answer.json["state"] != "queued" else None

        state = wait_until(settled, 60, receipt + " ends")
        asker.close()
        return state

    def strongly(self, key):
        """Read at home, once the router has let that back: it takes its time with one that flaps."""
        def read():
            answer = self.client.get(key, Mec_Consistency="strong")
            return answer if answer.status not in (503, 504) else None

        return wait_until(read, 15, self.home + " is let back")

    def own(self, logs, key=None):
        """This user's changes, of @key or of all keys."""
        return [change for change in logs[self.home]
                if change.user == self.client.user["id"] and key in (None, change.key)]

    def check(self):
        """With the world healed and running."""
        assert not self.wrong, (self.name, self.wrong[:3])
        assert self.counts[APPLIED] + self.counts[QUEUED] >= 5, "%s did not get to write: %r" % (self.name, self.counts)
        self.client.close()
        seqs = []
        for receipt in self.receipts:
            state = self.receipt(receipt)
            assert state["state"] == "applied", (self.name, state)
            seqs.append(int(state["position"].rsplit(".", 1)[1]))
        # A retry may have two receipts, which are ended by one write.
        assert seqs == sorted(seqs), "%s: not in the order of acceptance: %r" % (self.name, seqs)


class NewKeys(Writer):
    """Writes a new key each time, once. A lost write is a missing key, one applied twice or after
    it was refused is a key too many."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.keys = {APPLIED: [], QUEUED: [], REFUSED: [], UNKNOWN: []}

    def turn(self):
        key = "new-%d" % self.count
        self.count += 1
        outcome, _ = self.write(key, "PUT", key, "value of " + key)
        self.keys[outcome].append(key)

    def check(self):
        super().check()
        for key in self.keys[APPLIED] + self.keys[QUEUED]:
            answer = self.strongly(key)
            assert answer.status == 200 and answer.body.decode() == "value of " + key, (key, answer)
        for key in self.keys[REFUSED]:
            answer = self.strongly(key)
            assert answer.status == 404, ("refused, and yet", key, answer)

    def check_logs(self, logs):
        assert all(change.after == 1 for change in self.own(logs)
                   if change.key.startswith("new-")), "a key was written twice"


class OneKey(Writer):
    """Counts up in one key, each number written until that is known to be done.

    @in_order: no router forgets whose writes wait in a queue that it cannot reach. One that does
    may let a newer write go home before them; queued ones keep their order all the same."""

    def __init__(self, *arguments, in_order=True):
        super().__init__(*arguments)
        self.in_order = in_order
        self.applied = 0  # the last number that the home has acknowledged itself
        self.queued = []

    def turn(self):
        number = self.count + 1
        outcome, answer = self.write_surely("count-%d" % number, "PUT", "count", str(number))
        self.count = number
        if outcome == QUEUED:
            self.queued.append(number)
        else:
            self.applied = number
            # First try or retry: the answer is the one of the one effect.
            if self.in_order and answer.headers["ETag"] != '"%d"' % number:
                self.wrong.append("%s write %d made version %s: %r" % (
                    time.strftime("%H:%M:%S"), number, answer.headers["ETag"], answer))

    def check(self):
        super().check()
        if not self.in_order:
            return
        answer = self.strongly("count")
        assert answer.body.decode() == str(self.count), (self.count, answer)
        for number in (1, self.count // 2, self.count):
            outcome, answer = self.write("count-%d" % number, "PUT", "count", str(number))
            assert outcome == APPLIED and answer.headers["ETag"] == '"%d"' % number, (number, answer)

    def check_logs(self, logs):
        values = [int(change.value) for change in self.own(logs, "count")]
        wanted = list(range(1, self.count + 1))
        assert (values if self.in_order else sorted(values)) == wanted, (self.name, values)
        waited = set(self.queued)
        assert [value for value in values if value in waited] == self.queued, (self.name, values)


class Conditional(Writer):
    """Writes on top of exactly the version it knows: one effect too many or too few would show as
    412, at once and for ever."""

    def turn(self):
        condition = {"If_Match": '"%d"' % self.count} if self.count else {"If_None_Match": "*"}
        number = self.count + 1
        outcome, answer = self.write_surely("step-%d" % number, "PUT", "stairs", str(number),
                                            **condition)
        self.count = number
        if outcome == QUEUED:
            return
        if answer.headers["ETag"] != '"%d"' % number:
            self.wrong.append("%s step %d made version %s: %r" % (
                time.strftime("%H:%M:%S"), number, answer.headers["ETag"], answer))

    def check_logs(self, logs):
        values = [int(change.value) for change in self.own(logs, "stairs")]
        assert values == list(range(1, self.count + 1)), (self.name, values)


class Deleting(Writer):
    """Makes a key and deletes it, in turn. A delete done twice, or before its turn, is a 404."""

    def turn(self):
        self.count += 1
        if self.count % 2:
            self.write_surely("make-%d" % self.count, "PUT", "door", str(self.count))
        else:
            self.write_surely("delete-%d" % self.count, "DELETE", "door")

    def check(self):
        super().check()
        answer = self.strongly("door")
        assert answer.status == (200 if self.count % 2 else 404), (self.count, answer)

    def check_logs(self, logs):
        changes = self.own(logs, "door")
        assert [change.deleted for change in changes] == [n % 2 == 1 for n in range(self.count)]
        assert [change.incarnation for change in changes] == [
            n // 2 + 1 for n in range(self.count)], (self.name, changes)


class Reader(Asker):
    """Reads what a OneKey counts, elsewhere: never behind what its bookmark has seen."""

    def __init__(self, world, writer, place):
        super().__init__("%s at %s" % (writer.name, place))
        self.writer = writer
        self.client = world.client(place, timeout_s=5)
        self.client.token = writer.client.token
        self.seen = 0
        self.served = 0

    def turn(self):
        # Number first: a bookmark that is newer only demands more.
        acknowledged = self.writer.applied
        bookmark = self.writer.client.bookmark
        if self.served % 2 and bookmark:
            own = self.client.bookmark
            self.read(acknowledged, Mec_Bookmark=bookmark)
            self.client.bookmark = own
        else:
            self.seen = self.read(self.seen)

    def read(self, least, **headers):
        """Read a number that is not below @least; returns it, or @least when there is no answer."""
        try:
            answer = self.client.get("count", **headers)
        except (OSError, http.client.HTTPException):
            return least
        if answer.status in (503, 504) or (answer.status == 404 and least == 0):
            return least
        if answer.status != 200 or int(answer.body) < least:
            self.wrong.append("expected %d or more: %r" % (least, answer))
            return least
        self.served += 1
        return int(answer.body)

    def check(self):
        assert not self.wrong, (self.name, self.wrong[:3])
        assert self.served > 10, "%s did not get to read" % self.name

    def check_logs(self, logs):
        pass

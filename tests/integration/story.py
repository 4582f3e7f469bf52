"""The failover story: what `scripts/demo` shows and what a test demands.

Users in Virginia, Dublin and Tokyo; a region killed, cut off, and brought back; the control plane
killed. Each step says what it does, measures it, and fails when it did not happen.
"""

import os
import signal
import threading
import time

from mecworld import wait_until

CITIES = {"us-east": "Virginia", "eu-west": "Dublin", "ap-northeast": "Tokyo"}
READS_FOR_A_MEDIAN = 9
POLL_PAUSE_S = 0.004


class StoryFailed(Exception):
    """A step of the story did not happen."""


def demand(condition, what):
    if not condition:
        raise StoryFailed(what)


def median(values):
    return sorted(values)[len(values) // 2]


class Poller(threading.Thread):
    """One client that repeats one call, and remembers when what was answered."""

    def __init__(self, client, ask):
        super().__init__(daemon=True)
        self.client = client
        self.ask = ask
        self.answers = []  # (moment of asking, Answer or None)
        self.ended = threading.Event()

    def run(self):
        number = 0
        while not self.ended.is_set():
            start = time.monotonic()
            try:
                answer = self.ask(self.client, number)
            except Exception:  # a broken connection is an answer too: a bad one
                answer = None
            self.answers.append((start, answer))
            number += 1
            time.sleep(POLL_PAUSE_S)

    def finish(self):
        self.ended.set()
        self.join(timeout=20)
        return self.answers

    def first_since(self, moment, wanted):
        """The first good answer that was complete after @moment: ms since then, and the answer."""
        for start, answer in list(self.answers):
            if answer is None or not wanted(answer):
                continue
            done = start + answer.elapsed_ms / 1000
            if done > moment:
                return (done - moment) * 1000, answer
        return None


class Story:
    def __init__(self, world, say=lambda text="": None):
        self.world = world
        self.say = say
        self.measured = {}
        self.users = {}
        self.expected = {}  # key of Virginia's user -> value, as acknowledged

    def tell(self):
        for step in (self.sign_up, self.near_and_home, self.staleness, self.kill_virginia,
                     self.virginia_returns, self.cut_virginia_off, self.kill_the_control_plane):
            step()
        return self.measured

    # ---- the steps ----

    def sign_up(self):
        self.title("Users sign up, each at home")
        for place, city in CITIES.items():
            client = self.world.client(place)
            user = client.sign_up("user-in-" + city.lower())
            demand(user["home"] == place, "%s's user got the home %s" % (city, user["home"]))
            self.users[place] = client
            self.say("  %-9s  %s  home: %s" % (city, user["id"], user["home"]))

    def near_and_home(self):
        self.title("Writes go home; reads are served near the reader")
        for place in CITIES:
            client = self.users[place]
            answer = client.put("profile", "written in " + place)
            demand(answer.status in (200, 201, 204), "a write at home: %r" % answer)
            demand(answer.region == place, "%s's write was served by %s" % (place, answer.region))
        self.expected["profile"] = b"written in us-east"
        self.say("  client in    reads Virginia's data at   measured   configured round trip")
        for place in CITIES:
            reader = self.as_virginia(place)
            wait_until(lambda: reader.get("profile").region == place, 5,
                       "%s has a copy of Virginia's shard" % place)
            answers = [reader.get("profile") for _ in range(READS_FOR_A_MEDIAN)]
            demand(all(answer.region == place for answer in answers),
                   "reads in %s are served there" % place)
            configured = self.round_trip_ms(place, place)
            self.say("  %-12s %-26s %6.2f ms  %6.2f ms" % (
                place, place, median([a.elapsed_ms for a in answers]), configured))
            strong = [reader.get("profile", Mec_Consistency="strong")
                      for _ in range(READS_FOR_A_MEDIAN)]
            demand(all(answer.region == "us-east" for answer in strong), "a strong read goes home")
            measured = median([a.elapsed_ms for a in strong])
            configured = self.round_trip_ms(place, "us-east")
            self.say("  %-12s %-26s %6.2f ms  %6.2f ms" % (
                "", "us-east (strong)", measured, configured))
            demand(abs(measured - configured) < 20,
                   "the measured round trip %.1f is near the configured %.1f" % (measured, configured))

    def staleness(self):
        self.title("A copy says how old it may be")
        reader = self.as_virginia("eu-west")
        answer = wait_until(lambda: self.with_known_staleness(reader), 5, "Dublin knows its staleness")
        value = int(answer.headers["Mec-Staleness-Ms"])
        self.say("  Dublin serves Virginia's profile (%s), at %s, at most %d ms old" % (
            answer.headers["Mec-Served"], answer.headers["Mec-Position"], value))
        demand(value < 2000, "staleness in a calm world is small, not %d ms" % value)

    def kill_virginia(self):
        self.title("Virginia is killed (kill -9)")
        self.queued = self.lose_virginia(self.killer_of("us-east"), "kill")

    def virginia_returns(self):
        self.title("Virginia comes back")
        self.world.cli("start", "us-east")
        self.receipts_are_applied(self.queued)
        self.copies_are_equal()

    def cut_virginia_off(self):
        self.title("Virginia is cut off: the processes live, the links do not")
        queued = self.lose_virginia(lambda: self.world.cli("isolate", "us-east"), "cut")
        self.title("The links are mended")
        self.world.cli("heal")
        self.receipts_are_applied(queued)
        self.copies_are_equal()

    def kill_the_control_plane(self):
        self.title("The control plane is killed")
        self.world.cli("kill", "controld")
        for place, client in self.users.items():
            answer = client.put("without-control", "still here")
            demand(answer.status in (200, 201, 204) and answer.region == place,
                   "a write without the control plane: %r" % answer)
            answer = client.get("without-control")
            demand(answer.status == 200, "a read without the control plane: %r" % answer)
        self.expected["without-control"] = b"still here"
        self.say("  reads and writes in %s go on" % ", ".join(CITIES.values()))
        self.world.cli("start", "controld")
        rows = self.world.cli_json("ps")["processes"]
        demand(all(row["state"] == "serving" for row in rows), "all adopted: %r" % rows)
        self.say("  it returns and adopts %d running processes" % (len(rows) - 1))

    # ---- parts of steps ----

    def killer_of(self, region):
        """What kills it by hand: `mecentral kill` would measure the command's start as well."""
        pids = self.world.pids
        return lambda: [os.kill(pids[name + "/" + region], signal.SIGKILL)
                        for name in ("regiond", "replicator")]

    def lose_virginia(self, break_it, kind):
        """Break Virginia while three clients look on; returns the receipts of queued writes."""
        dublin = Poller(self.copy_of(self.users["eu-west"], "eu-west"),
                        lambda client, n: client.put("dublin-%s" % kind, str(n)))
        reader = Poller(self.as_virginia("us-east"), lambda client, n: client.get("profile"))
        writer = Poller(self.as_virginia("us-east"),
                        lambda client, n: client.put("%s-%d" % (kind, n), str(n)))
        pollers = (dublin, reader, writer)
        for poller in pollers:
            poller.start()
        time.sleep(0.3)
        broken = time.monotonic()
        break_it()
        read_ms, read = wait_until(
            lambda: reader.first_since(broken, lambda a: a.status == 200 and a.region != "us-east"),
            10, "Virginia's user reads elsewhere")
        write_ms, write = wait_until(
            lambda: writer.first_since(broken, lambda a: a.status == 202), 10,
            "a write of Virginia's user is queued")
        time.sleep(0.5)
        for poller in pollers:
            poller.finish()

        bad = [answer for _, answer in dublin.answers if answer is None or answer.status >= 300]
        demand(not bad, "Dublin's user noticed: %r" % bad[:1])
        slowest = max(answer.elapsed_ms for _, answer in dublin.answers)
        self.say("  Dublin's user notices nothing: %d writes, 0 failed, slowest %.1f ms" % (
            len(dublin.answers), slowest))
        beyond_read = read_ms - self.round_trip_ms("us-east", read.region)
        beyond_write = write_ms - self.round_trip_ms("us-east", write.region)
        self.say("  first good read  after %6.1f ms, from %s (round trip %.0f ms): %.1f ms beyond it"
                 % (read_ms, read.region, read_ms - beyond_read, beyond_read))
        self.say("  first queued write   %6.1f ms, at %s, receipt %s" % (
            write_ms, write.region, write.json["receipt"]))
        self.say("  detected by the router after about %.1f ms" % max(beyond_read, 0.0))
        self.measured[kind] = {"read_ms": read_ms, "write_ms": write_ms,
                               "beyond_read_ms": beyond_read, "beyond_write_ms": beyond_write,
                               "dublin_slowest_ms": slowest}

        receipts = []
        for number, (_, answer) in enumerate(writer.answers):
            if answer is None or answer.status >= 300:
                continue
            self.expected["%s-%d" % (kind, number)] = str(number).encode()
            if answer.status == 202:
                receipts.append(answer.json["receipt"])
        demand(receipts, "writes were queued")
        return receipts

    def receipts_are_applied(self, receipts):
        reader = self.as_virginia("us-east")
        start = time.monotonic()
        done = [wait_until(lambda: self.applied(reader, receipt), 20, receipt + " is applied")
                for receipt in receipts]
        waited_ms = (time.monotonic() - start) * 1000
        seqs = [int(receipt["position"].rsplit(".", 1)[1]) for receipt in done]
        demand(seqs == sorted(seqs) and len(set(seqs)) == len(seqs),
               "receipts took effect once each, in order: %r" % seqs)
        self.say("  %d receipts turned applied, once each, in order (%s to %s), %.0f ms" % (
            len(done), done[0]["position"], done[-1]["position"], waited_ms))
        reader.bookmark = None
        # A region that flaps is let back slowly, and a strong read waits for that.
        wait_until(lambda: reader.get("profile", Mec_Consistency="strong").status == 200, 15,
                   "the router lets Virginia back")
        for key, value in self.expected.items():
            answer = reader.get(key, Mec_Consistency="strong")
            demand(answer.status == 200 and answer.body == value,
                   "the acknowledged write of %s is there: %r" % (key, answer))
        self.say("  all %d acknowledged writes of Virginia's user are there" % len(self.expected))
        self.writes_go_home()

    def writes_go_home(self):
        """The router hears by its next probe that nothing of the user waits any more. Asked without
        writing, as a write that comes before would be queued behind nothing, and wait as well."""
        def at_home():
            return self.world.cli_json("explain", "PUT", "/v1/metadata/x", "--geo", "us-east",
                                       "--user", "user-in-virginia")["region"] == "us-east"
        start = time.monotonic()
        wait_until(at_home, 5, "newer writes of Virginia's user go home again")
        self.say("  newer writes go home again after %.0f ms more" % (
            (time.monotonic() - start) * 1000))

    def copies_are_equal(self):
        done = self.world.cli("verify", "--wait", "20s", check=False)
        for line in done.stdout.rstrip().splitlines():
            self.say("  " + line)
        demand(done.returncode == 0, "all copies are equal: %s%s" % (done.stdout, done.stderr))

    def applied(self, client, receipt):
        answer = client.request("GET", "/v1/receipts/" + receipt)
        if answer.status != 200 or answer.json["state"] == "queued":
            return None
        demand(answer.json["state"] == "applied", "receipt %r" % answer.json)
        return answer.json

    def as_virginia(self, place):
        """Virginia's user, travelling: a client of theirs at @place."""
        return self.copy_of(self.users["us-east"], place)

    def copy_of(self, user, place):
        client = self.world.client(place)
        client.token = user.token
        client.bookmark = user.bookmark
        return client

    def with_known_staleness(self, reader):
        answer = reader.get("profile")
        known = answer.headers.get("Mec-Staleness-Ms", "unknown") != "unknown"
        return answer if known and answer.region == "eu-west" else None

    def round_trip_ms(self, geo, region):
        """As configured: asked of the router."""
        if not hasattr(self, "_round_trips"):
            self._round_trips = {}
        if (geo, region) not in self._round_trips:
            found = self.world.cli_json("explain", "GET", "/v1/whoami", "--geo", geo)
            for row in found["regions"]:
                self._round_trips[geo, row["name"]] = row["round_trip_ms"]
        return self._round_trips[geo, region]

    def title(self, text):
        self.say()
        self.say("* " + text)

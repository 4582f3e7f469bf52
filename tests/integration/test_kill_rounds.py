"""kill -9 of every process in turn, under load: what was acknowledged is there, once.

Every write has a key of its own, so a lost write is a missing key, and one applied twice is a
version above 1. MECENTRAL_KILL_ROUNDS says how many kills (20 for the whole drill).
"""

import glob
import os
import random
import sqlite3
import threading
import time

from mecworld import World, wait_until

ROUNDS = int(os.environ.get("MECENTRAL_KILL_ROUNDS", "6"))
PLACES = ("us-east", "eu-west", "ap-northeast")


class Writer(threading.Thread):
    """One user who writes a new key with every request, from changing places."""

    def __init__(self, world, number, home):
        super().__init__(daemon=True)
        self.world = world
        self.number = number
        self.home = home
        self.client = world.client(home)
        self.client.sign_up("writer-%d" % number)
        self.acknowledged = {}  # key -> value
        self.receipts = {}      # receipt -> key
        self.unknown = set()
        self.refused = 0
        self.wrong = []
        self.ended = threading.Event()

    def run(self):
        count = 0
        while not self.ended.is_set():
            key = "w%d-%d" % (self.number, count)
            count += 1
            self.write(key, "value of " + key)
            time.sleep(0.01)

    def write(self, key, value):
        try:
            answer = self.client.put(key, value, Idempotency_Key=key)
        except OSError:
            self.unknown.add(key)
            return
        except Exception as error:  # http.client's own: the router died half-way
            self.unknown.add(key)
            if "http" not in type(error).__module__:
                self.wrong.append(repr(error))
            return
        if answer.status in (200, 201, 204):
            self.acknowledged[key] = value
        elif answer.status == 202:
            self.acknowledged[key] = value
            self.receipts[answer.json["receipt"]] = key
        elif answer.status == 503:
            self.refused += 1
        elif answer.status == 504:
            self.unknown.add(key)
        else:
            self.wrong.append("%s: %r" % (key, answer))


def restart(world, name):
    world.cli("start", name)
    wait_until(lambda: all(row["state"] == "serving" for row in world.cli_json("ps")["processes"]),
               15, name + " serves again")


def settled(client, receipt):
    answer = client.request("GET", "/v1/receipts/" + receipt)
    return answer.json if answer.status == 200 and answer.json["state"] != "queued" else None


def test_no_acknowledged_write_is_lost_whatever_is_killed():
    with World() as world:
        writers = [Writer(world, n, place) for n, place in enumerate(PLACES)]
        for writer in writers:
            writer.start()
        victims = sorted(world.pids)
        random.Random(7).shuffle(victims)
        for number in range(ROUNDS):
            victim = victims[number % len(victims)]
            time.sleep(0.3)
            world.cli("kill", victim)
            time.sleep(0.4)
            restart(world, victim)
        time.sleep(0.3)
        for writer in writers:
            writer.ended.set()
        for writer in writers:
            writer.join(timeout=30)

        for writer in writers:
            check_writer(writer)
        assert any(writer.receipts for writer in writers) or ROUNDS < len(victims)
        done = world.cli("verify", "--wait", "30s", check=False)
        assert done.returncode == 0, done.stdout + done.stderr

        data = world.ready["data"]
        world.cli("down")
        check_change_logs(data)


def check_writer(writer):
    client = writer.client
    client.close()
    assert not writer.wrong, writer.wrong[:3]
    assert len(writer.acknowledged) > 10, "the load did not run"
    for receipt, key in writer.receipts.items():
        state = wait_until(lambda: settled(client, receipt), 30, receipt + " ends")
        assert state["state"] == "applied", (key, state)
    for key, value in writer.acknowledged.items():
        answer = client.get(key, Mec_Consistency="strong")
        assert answer.status == 200 and answer.body == value.encode(), (key, answer)
        assert answer.headers["ETag"] == '"1"', "written more than once: %r" % answer
    for key in writer.unknown:
        answer = client.get(key, Mec_Consistency="strong")
        assert answer.status in (200, 404), answer
        if answer.status == 200:
            assert answer.headers["ETag"] == '"1"', "written more than once: %r" % answer


def check_change_logs(data):
    """All copies hold the same changes, dense from 1, and no idempotency key twice."""
    logs = {}
    for path in glob.glob(os.path.join(data, "regiond", "*", "shard-*.db")):
        with sqlite3.connect("file:%s?mode=ro" % path, uri=True) as file:
            rows = file.execute("SELECT seq, digest FROM changes ORDER BY seq").fetchall()
            keys = file.execute("SELECT count(*), count(DISTINCT user || x'00' || key) "
                                "FROM idempotency").fetchone()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1)), path
        assert keys[0] == keys[1], path
        logs.setdefault(os.path.basename(path), []).append(rows)
    assert logs, "no shard files below " + data
    for shard, copies in logs.items():
        assert all(copy == copies[0] for copy in copies), shard + " differs between regions"

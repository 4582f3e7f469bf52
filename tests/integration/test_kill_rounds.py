"""kill -9 of every process in turn, under load, with other trouble at the same time: what was
acknowledged is there, once and in order, and all copies are equal.

MECENTRAL_KILL_ROUNDS says how many rounds; 24 kills each of the twelve processes twice.
MECENTRAL_KILL_SEED repeats a drill's order of events.
"""

import os
import random
import time

import change_log
from drill import Conditional, Deleting, NewKeys, OneKey, Reader, QUEUED
from mecworld import World, wait_until

ROUNDS = int(os.environ.get("MECENTRAL_KILL_ROUNDS", "7"))
SEED = int(os.environ.get("MECENTRAL_KILL_SEED") or random.randrange(10**6))
PLACES = ("us-east", "eu-west", "ap-northeast")
KINDS = {"new": NewKeys, "count": OneKey, "stairs": Conditional, "door": Deleting}


class Trouble:
    """What happens beside each round's kill; all of it is over when the round is."""

    def __init__(self, world, luck):
        self.world = world
        self.luck = luck
        self.kinds = [self.none, self.no_router, self.pause, self.cut, self.lone_region, self.no_home]
        self.luck.shuffle(self.kinds)

    def region(self):
        return self.luck.choice(PLACES)

    def of_round(self, number):
        """Begins; returns what ends it."""
        return self.kinds[number % len(self.kinds)]()

    def none(self):
        return "nothing else", lambda: None

    def no_router(self):
        self.world.cli("kill", "routerd")
        return "routerd", lambda: self.world.cli("start", "routerd")

    def no_home(self):
        region = self.region()
        self.world.cli("kill", "regiond/" + region)
        return "regiond/" + region, lambda: self.world.cli("start", "regiond/" + region)

    def pause(self):
        name = "regiond/" + self.region()
        # One that is down already cannot be paused.
        paused = self.world.cli("pause", name, check=False).returncode == 0
        return "pause of " + name, lambda: self.world.cli("resume", name) if paused else None

    def cut(self):
        a, b = self.luck.sample(PLACES, 2)
        self.world.cli("cut", a, b, *self.luck.choice(([], ["--reset"], ["--one-way"])))
        return "cut %s %s" % (a, b), lambda: self.world.cli("heal")

    def lone_region(self):
        region = self.region()
        self.world.cli("isolate", region)
        return region + " alone", lambda: self.world.cli("heal")


def all_serve(world):
    return all(row["state"] == "serving" for row in world.cli_json("ps")["processes"])


def one_round(world, trouble, number, victim, luck):
    if victim == "controld":
        # Nobody could be told to do more.
        world.cli("kill", victim)
        time.sleep(0.4)
        world.cli("start", victim)
    else:
        what, end = trouble.of_round(number)
        time.sleep(luck.choice((0, 0.05, 0.3)))
        world.cli("kill", victim)
        print("round %d: kill of %s with %s" % (number, victim, what))
        time.sleep(luck.choice((0.2, 0.5, 0.8)))
        steps = [end, lambda: world.cli("start", victim)]
        # A replicator serves only when its region does, so that comes first.
        for step in steps if victim.startswith("replicator") else luck.sample(steps, 2):
            step()
            time.sleep(luck.choice((0, 0.2)))
    wait_until(lambda: all_serve(world), 15, "all processes serve again")


def run_drill(world, rounds):
    luck = random.Random(SEED)
    victims = sorted(world.pids)
    luck.shuffle(victims)
    trouble = Trouble(world, luck)
    for number in range(rounds):
        time.sleep(0.2)
        one_round(world, trouble, number, victims[number % len(victims)], luck)


def test_no_acknowledged_write_is_lost_whatever_is_killed():
    print("MECENTRAL_KILL_SEED=%d" % SEED)
    with World() as world:
        writers = [kind(world, "%s-%s" % (name, place), place)
                   for place in PLACES for name, kind in KINDS.items()]
        readers = [Reader(world, writer, PLACES[(PLACES.index(writer.home) + 1) % len(PLACES)])
                   for writer in writers if isinstance(writer, OneKey)]
        for each in writers + readers:
            each.start()
        run_drill(world, ROUNDS)
        for each in writers + readers:
            each.ended.set()
        for each in writers + readers:
            each.join(timeout=70)

        done = world.cli("verify", "--wait", "30s", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        for each in writers + readers:
            each.check()
        print({writer.name: writer.counts for writer in writers})
        assert any(writer.counts[QUEUED] for writer in writers), "nothing was ever queued"

        data = world.ready["data"]
        world.cli("down")
        logs = change_log.check_copies(data)
        for changes in logs.values():
            change_log.check_history(changes)
        for writer in writers:
            writer.check_logs(logs)

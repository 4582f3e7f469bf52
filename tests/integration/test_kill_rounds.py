"""kill -9 of every process in turn, under load, with other trouble at the same time: what was
acknowledged is there, once and in order, and all copies are equal.

MECENTRAL_KILL_ROUNDS says how many rounds; 24 kills each of the twelve processes twice.
MECENTRAL_KILL_SEED chooses the order of events; 0 draws one, and the drill prints it.
"""

import os
import random
import time

import change_log
from drill import Conditional, Deleting, NewKeys, OneKey, Reader, Writer, QUEUED
from mecworld import World, wait_until

ROUNDS = int(os.environ.get("MECENTRAL_KILL_ROUNDS", "6"))
SEED = int(os.environ.get("MECENTRAL_KILL_SEED", "1")) or random.randrange(10**6)
PLACES = ("us-east", "eu-west", "ap-northeast")
KINDS = {"new": NewKeys, "count": OneKey, "stairs": Conditional, "door": Deleting}


class Trouble:
    """What happens beside each round's kill; all of it is over when the round is."""

    def __init__(self, world, luck):
        self.world = world
        self.luck = luck
        self.kinds = [self.none, self.no_router, self.pause, self.cut, self.lone_region, self.no_home]
        self.luck.shuffle(self.kinds)

    def of_round(self, number, victim):
        """Begins; returns what it is and what ends it."""
        kind = self.kinds[number % len(self.kinds)]
        # A router that is away while a region is: that is the other test's matter.
        if victim == "routerd" and kind in (self.no_router, self.pause, self.no_home):
            kind = self.cut
        elif victim.startswith("regiond/") and kind == self.no_router:
            kind = self.none
        return kind()

    def region(self):
        return self.luck.choice(PLACES)

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
        self.world.cli("pause", name, check=False)
        # It may be the one that is killed meanwhile.
        return "pause of " + name, lambda: self.world.cli("resume", name, check=False)

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


def say(number, what):
    print("%s round %d: kill of %s" % (time.strftime("%H:%M:%S"), number, what))


def one_round(world, trouble, number, victim, luck):
    if victim == "controld":
        # Nobody could be told to do more.
        world.cli("kill", victim)
        time.sleep(0.4)
        world.cli("start", victim)
    else:
        what, end = trouble.of_round(number, victim)
        time.sleep(luck.choice((0, 0.05, 0.3)))
        world.cli("kill", victim)
        say(number, "%s with %s" % (victim, what))
        time.sleep(luck.choice((0.2, 0.5, 0.8)))
        steps = [end, lambda: world.cli("start", victim)]
        # A replicator serves only when its region does, so that comes first.
        for step in steps if victim.startswith("replicator") else luck.sample(steps, 2):
            step()
            time.sleep(luck.choice((0, 0.2)))
    wait_until(lambda: all_serve(world), 15, "all processes serve again")


def every_process(world, luck, rounds):
    victims = sorted(world.pids)
    luck.shuffle(victims)
    trouble = Trouble(world, luck)
    for number in range(rounds):
        time.sleep(0.2)
        one_round(world, trouble, number, victims[number % len(victims)], luck)


def router_and_region(world, luck, rounds):
    for number in range(rounds):
        names = ["regiond/" + luck.choice(PLACES), "routerd"]
        time.sleep(luck.choice((0.2, 0.8)))
        world.cli("kill", *names)
        say(number, " and ".join(names))
        for name in luck.sample(names, 2):
            time.sleep(luck.choice((0, 0.5)))
            world.cli("start", name)
        wait_until(lambda: all_serve(world), 15, "all processes serve again")


def drill(world, users, happen, rounds):
    """Let @happen happen to @users; then all must be as if nothing had."""
    luck = random.Random(SEED)
    print("MECENTRAL_KILL_SEED=%d" % SEED)
    for user in users:
        user.start()
    happen(world, luck, rounds)
    for user in users:
        user.ended.set()
    for user in users:
        user.join(timeout=70)

    done = world.cli("verify", "--wait", "30s", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for user in users:
        user.check()
    writers = [user for user in users if isinstance(user, Writer)]
    print({writer.name: writer.counts for writer in writers})
    if rounds >= 12:
        assert any(writer.counts[QUEUED] for writer in writers), "nothing was ever queued"

    data = world.ready["data"]
    world.cli("down")
    logs = change_log.check_copies(data)
    for changes in logs.values():
        change_log.check_history(changes)
    for user in users:
        user.check_logs(logs)


def test_no_acknowledged_write_is_lost_whatever_is_killed():
    with World() as world:
        writers = [kind(world, "%s-%s" % (name, place), place)
                   for place in PLACES for name, kind in KINDS.items()]
        readers = [Reader(world, writer, PLACES[(PLACES.index(writer.home) + 1) % len(PLACES)])
                   for writer in writers if isinstance(writer, OneKey)]
        drill(world, writers + readers, every_process, ROUNDS)


def test_nor_when_router_and_region_are_killed_at_once():
    with World() as world:
        users = [NewKeys(world, "new-" + place, place) for place in PLACES]
        users += [OneKey(world, "count-" + place, place, in_order=False) for place in PLACES]
        drill(world, users, router_and_region, max(2, ROUNDS // 3))

"""What processes hold stays bounded: after regions have gone and come back under load, the others
have as many descriptors as before and not much more memory.

MECENTRAL_KILL_ROUNDS says how many regions are killed.
"""

import os
import time

from drill import NewKeys, OneKey, Reader
from mecworld import World, wait_until
from test_kill_rounds import all_serve

ROUNDS = int(os.environ.get("MECENTRAL_KILL_ROUNDS", "2"))
REGIONS = ("us-east", "eu-west", "ap-northeast")
# Caches and arenas fill up to their bounds, and SQLite's pages come on top.
GROWTH_KIB_MAX = 6 * 1024


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def pss_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def held(pids):
    return {name: (descriptors(pid), pss_kib(pid)) for name, pid in pids.items()}


def idle(world, users):
    """Who asks lets go of the connections; then all is as in a world at rest."""
    for user in users:
        user.client.close()
    wait_until(lambda: all_serve(world), 15, "all processes serve")
    time.sleep(1)
    return held(world.pids)


def load(world, number):
    users = [kind(world, "%s-%d-%s" % (name, number, place), place)
             for place in REGIONS for name, kind in (("new", NewKeys), ("count", OneKey))]
    users += [Reader(world, user, REGIONS[0]) for user in users if isinstance(user, OneKey)]
    for user in users:
        user.start()
    return users


def end(users):
    for user in users:
        user.ended.set()
    for user in users:
        user.join(timeout=70)


def one_round(world, number):
    users = load(world, number)
    time.sleep(0.5)
    # The last region's processes are new ones each time; all the others have to bear it.
    world.cli("kill", REGIONS[-1])
    time.sleep(0.7)
    world.cli("start", REGIONS[-1])
    time.sleep(0.5)
    end(users)
    for user in users:
        assert not user.wrong, user.wrong
    return idle(world, users)


def test_descriptors_and_memory_are_as_before():
    with World(regions=len(REGIONS)) as world:
        before = one_round(world, 0)
        after = before
        for number in range(1, 1 + ROUNDS):
            after = one_round(world, number)
            print({name: after[name] for name in sorted(after)})
        lasting = [name for name in before if REGIONS[-1] not in name]
        assert len(lasting) == 2 * (len(REGIONS) - 1) + 2, lasting
        for name in lasting:
            assert after[name][0] <= before[name][0], (name, before[name], after[name])
            assert after[name][1] <= before[name][1] + GROWTH_KIB_MAX, (name, before[name], after[name])

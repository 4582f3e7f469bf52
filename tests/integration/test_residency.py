"""A service that is pinned to some regions of a running world: outside, nothing of it is on any disk,
nor served, nor queued; and whoever is at home there is told so."""

import os
import sqlite3

import pytest

from mecworld import CommandFailed, World, wait_until

REGIONS = ("us-east", "eu-west", "ap-northeast")
INSIDE = ("us-east", "eu-west")
OUTSIDE = "ap-northeast"
TOPOLOGY = """\
residency:
  vault: [us-east, eu-west]
settings:
  argon2_operations: 1
  argon2_memory: 8MiB
"""
NAME = "passport-of-ada-%d" % os.getpid()
VALUE = b"the-plain-truth-of-ada"
KEY = "colour-of-ada-%d" % os.getpid()


@pytest.fixture(scope="module")
def world():
    with World(topology=TOPOLOGY, regions=",".join(REGIONS)) as world:
        yield world


def holds(world, region, text):
    """Which of a region's files (databases, WALs, logs) hold @text."""
    found = []
    for parent, _, names in os.walk(world.ready["data"]):
        for name in names:
            path = os.path.join(parent, name)
            if region in os.path.relpath(parent, world.ready["data"]):
                with open(path, "rb") as file:
                    if text in file.read():
                        found.append(path)
    return found


def database(world, region, shard):
    for parent, _, names in os.walk(world.ready["data"]):
        if region in os.path.relpath(parent, world.ready["data"]) and \
                "shard-%s.db" % shard in names:
            return os.path.join(parent, "shard-%s.db" % shard)
    raise AssertionError("no file of %s at %s" % (shard, region))


def records(world, region, shard):
    """What kinds of records the region has of the shard, and how many changes."""
    with sqlite3.connect("file:%s?mode=ro" % database(world, region, shard), uri=True) as file:
        return (dict(file.execute("SELECT service, count(*) FROM records GROUP BY service")),
                file.execute("SELECT count(*), max(seq) FROM changes").fetchone())


def soon(ask, status, what):
    return wait_until(lambda: (lambda answer: answer if answer.status == status else None)(ask()),
                      10, what)


def test_what_is_pinned_stays_inside(world):
    ada = world.client("us-east")
    ada.sign_up("ada")
    bob = world.client("eu-west")
    bob.sign_up("bob")
    path = "/v1/vault/" + NAME

    assert ada.request("PUT", path, VALUE).status == 201
    assert ada.request("PUT", path + "/grants/bob").status == 201
    assert ada.request("PUT", "/v1/metadata/" + KEY, b"blue").status == 201
    for region in INSIDE:
        answer = soon(lambda: ada.request("GET", path, Mec_Force_Region=region), 200, region)
        assert answer.body == VALUE
    # From a place beside a region outside, the nearest one inside serves, and says why.
    answer = ada.request("GET", path, Mec_Geo=OUTSIDE)
    assert answer.status == 200 and answer.region in INSIDE, answer
    assert "ap-northeast may not hold vault" in answer.headers["Mec-Route"], answer
    forced = ada.request("GET", path, Mec_Force_Region=OUTSIDE)
    assert forced.status == 503 and forced.problem == "forced-region-unavailable", forced
    text = world.cli("explain", "GET", path, "--geo", OUTSIDE).stdout
    assert "may not hold the data of vault" in text, text

    # Metadata goes everywhere, as ever: the copy outside is whole but for what it may not hold.
    soon(lambda: ada.request("GET", "/v1/metadata/" + KEY, Mec_Force_Region=OUTSIDE), 200, OUTSIDE)
    verified = world.cli("verify", "--wait", "10s", check=False)
    assert verified.returncode == 0, verified.stdout

    kinds, changes = records(world, OUTSIDE, "us-east")
    home_kinds, home_changes = records(world, "us-east", "us-east")
    assert changes == home_changes and changes[0] == changes[1]
    assert {"vault", "vault-keys", "grants"} <= set(home_kinds)
    assert set(kinds) == set(home_kinds) - {"vault", "vault-keys", "grants"}


def test_who_is_at_home_outside_cannot_use_it(world):
    cyd = world.client(OUTSIDE)
    cyd.sign_up("cyd")
    for method, body in (("PUT", VALUE), ("GET", None), ("DELETE", None)):
        answer = cyd.request(method, "/v1/vault/" + NAME, body)
        assert answer.status == 403 and answer.problem == "residency", answer
        assert OUTSIDE in answer.json["detail"], answer
    assert cyd.request("PUT", "/v1/metadata/own", b"x").status == 201


def test_nothing_of_it_rests_outside(world):
    assert "vault data in us-east, eu-west alone" in world.cli("status").stdout
    world.cli("down")
    assert holds(world, OUTSIDE, KEY.encode()), "nothing was looked at"
    for region in INSIDE:
        assert holds(world, region, NAME.encode()), region
    assert not holds(world, OUTSIDE, NAME.encode())
    assert not holds(world, OUTSIDE, VALUE)
    # Data that lies by one residency is not taken on under another.
    world.topology = TOPOLOGY.replace("[us-east, eu-west]", "[us-east]")
    with pytest.raises(CommandFailed, match="another residency"):
        world.start_again()

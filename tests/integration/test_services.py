"""Services that are down, fail or are slow, and caches that are off: what clients see of it, in a
world of three regions, and that healing restores all."""

import re

import pytest

from mecworld import World, wait_until

HOME = "us-east"
NEIGHBOUR = "eu-west"
SAMPLE = re.compile(r'mecentral_cache_(\w+)\{region="([a-z-]+)",cache="([a-z]+)"\} (\d+)')


@pytest.fixture(scope="module")
def world():
    with World(regions=3) as world:
        yield world


@pytest.fixture(autouse=True)
def healed(world):
    yield
    world.cli("heal")
    wait_until(lambda: router_knows(world, {}), 15, "the router knows that all is well")


@pytest.fixture(scope="module")
def user(world):
    """A user of HOME, at home."""
    client = world.client(HOME)
    client.sign_up("ada")
    assert client.user["home"] == HOME
    return client


def router_knows(world, down):
    """Does each vantage see just those services down, by region?"""
    vantages = world.cli_json("status")["router"]["vantages"]
    return all(row["services_down"] == down.get(row["region"], [])
               for vantage in vantages for row in vantage["regions"])


def fail(world, *arguments):
    return world.cli_json("service", *arguments)["id"]


def take_down(world, region, *services):
    for service in services:
        fail(world, "%s/%s" % (region, service), "--down")
    wait_until(lambda: router_knows(world, {region: list(services)}), 15,
               "the router knows what is down")


def spans(answer):
    """Server-Timing in milliseconds."""
    return {name: float(value) for name, value in
            re.findall(r"([a-z]+);dur=([0-9.]+)", answer.headers["Server-Timing"])}


def caches(world):
    """Of /metrics: {(region, cache): {what: number}}. Each family is told of once, in one piece."""
    text = world.client().request("GET", "/metrics").body.decode()
    families = re.findall(r"^# TYPE (\S+)", text, re.M)
    assert len(families) == len(set(families)), families
    assert families == re.findall(r"^# HELP (\S+)", text, re.M)
    found = {}
    for what, region, cache, number in SAMPLE.findall(text):
        found.setdefault((region, cache), {})[what] = int(number)
    return found


def regional(world, region):
    return caches(world)[region, "regional"]


def test_metadata_down_at_home_queues_writes_and_reads_go_on(world, user):
    assert user.put("colour", "green").status in (201, 204)
    wait_until(lambda: world.client(NEIGHBOUR).get("colour", Authorization="Bearer " + user.token)
               .status == 200, 10, "the neighbour has the value")
    take_down(world, HOME, "metadata")

    read = user.get("colour")
    assert (read.status, read.body) == (200, b"green"), read
    assert read.region != HOME
    assert "us-east metadata is down" in read.headers["Mec-Route"]

    queued = user.put("colour", "red")
    assert queued.status == 202, queued
    assert "us-east metadata is down" in queued.headers["Mec-Route"]
    why = world.cli("explain", "PUT", "/v1/metadata/colour", "--geo", HOME, "--user", "ada").stdout
    assert "us-east metadata is down" in why

    strong = user.get("colour", Mec_Consistency="strong")
    assert (strong.status, strong.problem) == (503, "service-unavailable"), strong
    assert int(strong.headers["Retry-After"]) > 0
    assert "us-east metadata is down" in strong.json["detail"]
    assert user.request("GET", "/v1/whoami").region == HOME  # auth is well

    world.cli("heal")
    receipt = queued.headers["Location"]
    wait_until(lambda: user.request("GET", receipt).json["state"] == "applied", 15,
               "the write has come home")
    wait_until(lambda: user.get("colour", Mec_Consistency="strong").body == b"red", 15,
               "the home serves again")


def test_auth_down_refuses_log_ins_and_reads_go_on(world, user):
    name = {"name": "ada", "password": "correct horse battery"}
    take_down(world, HOME, "auth")
    anyone = world.client(HOME)
    refused = anyone.request("POST", "/v1/tokens", name)
    assert (refused.status, refused.problem) == (503, "service-unavailable"), refused
    assert "us-east" in refused.json["detail"]
    # A token that was given is checked by its signature, and metadata needs no more.
    assert user.get("colour").status in (200, 404)
    assert user.put("shape", "round").status in (201, 204)
    assert "auth down" in world.cli("status").stdout
    world.cli("heal")
    wait_until(lambda: anyone.request("POST", "/v1/tokens", name).status in (200, 201), 15,
               "log-ins work again")


def test_errors_and_latency_are_what_was_asked_for(world, user):
    assert user.put("size", "small").status in (201, 204)
    slow = fail(world, HOME + "/metadata", "--latency", "150ms", "--operation", "metadata-get")
    answer = user.get("size", Mec_Force_Region=HOME)
    assert answer.status == 200 and spans(answer)["service"] >= 150, answer
    assert answer.elapsed_ms >= 150
    assert spans(user.put("size", "large"))["service"] < 100  # another operation
    world.cli("heal", slow)

    fail(world, HOME + "/metadata", "--errors", "100%")
    forced = user.get("size", Mec_Force_Region=HOME)
    assert (forced.status, forced.problem) == (503, "forced-region-unavailable"), forced
    answer = user.get("size")
    assert answer.status in (200, 404) and answer.region != HOME, answer
    # Errors are no sign of an unhealthy region, and nobody is told that it is down.
    assert router_knows(world, {})
    assert user.request("GET", "/v1/whoami").region == HOME
    world.cli("heal")
    assert user.get("size", Mec_Force_Region=HOME).body == b"large"


def test_caches_count_and_can_be_flushed_disabled_and_frozen(world, user):
    assert user.put("cached", "1").status in (201, 204)
    user.get("cached")
    assert user.get("cached").headers["Mec-Served"] == "cache"
    wait_until(lambda: regional(world, HOME)["hits_total"] > 0, 10, "hits are in the metrics")
    assert regional(world, HOME)["bytes"] > 0
    assert caches(world)[HOME, "edge"]["hits_total"] > 0

    world.cli("cache", HOME, "--flush")
    assert user.get("cached").headers["Mec-Served"] == "home"
    assert user.get("cached").headers["Mec-Served"] == "cache"

    off = world.cli_json("cache", HOME + "/regional", "--disable")["id"]
    for _ in range(2):
        assert user.get("cached").headers["Mec-Served"] == "home"
    wait_until(lambda: regional(world, HOME)["entries"] == 0, 10, "the metrics show an empty cache")
    assert "disabled" in world.cli("status").stdout
    world.cli("heal", off)

    user.get("cached")
    frozen = world.cli_json("cache", HOME, "--freeze")["id"]
    assert user.get("cached").headers["Mec-Served"] == "cache"
    assert user.put("cached", "2").status == 204
    assert user.get("cached").body == b"2"  # a change is not hidden
    assert user.get("cached").headers["Mec-Served"] == "home"
    world.cli("heal", frozen)
    user.get("cached")
    assert user.get("cached").headers["Mec-Served"] == "cache"


def test_mistakes_are_told_with_what_there_is(world):
    for arguments, says in (
            (["service", "us-east/volt", "--down"], "vault"),
            (["service", "mars/vault", "--down"], "mars"),
            (["service", "us-east", "--down"], "us-east/metadata"),
            (["service", "us-east/auth"], "--down"),
            (["service", "us-east/auth", "--down", "--operation", "vault-get"], "token-create"),
            (["cache", "us-east/l2", "--flush"], "edge, regional, service"),
            (["cache", "us-east"], "--freeze"),
            (["cache", "us-east", "--flush", "--for", "5s"], "once")):
        done = world.cli(*arguments, check=False)
        assert done.returncode == 64 and says in done.stderr, done
    assert world.cli_json("faults")["faults"] == []


def test_a_fault_ends_by_itself(world):
    fail(world, HOME + "/vault", "--down", "--for", "1s")
    world.cli("cache", HOME, "--disable", "--for", "1s")
    wait_until(lambda: world.cli_json("faults")["faults"] == [], 10, "both are over")

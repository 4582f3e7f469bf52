"""Signing keys of a running world: rotation without downtime, through kills, and for good."""

import base64
import json
import os
import shutil
import stat
import subprocess
import threading
import time

import pytest

from mecworld import BUILD, QUICK_TOPOLOGY, World, wait_until

REGIONS = ("us-east", "eu-west", "ap-northeast")


@pytest.fixture(scope="module")
def world():
    topology = QUICK_TOPOLOGY + "  token_lifetime: 2s\n"
    with World(topology=topology, regions=",".join(REGIONS), up=["--no-wan"]) as world:
        yield world


def keys(world):
    """{kid: state}"""
    return {row["kid"]: row["state"] for row in world.cli_json("keys")["keys"]}


def signer(world, region):
    return next(row["kid"] for row in world.cli_json("keys")["keys"]
                if row["region"] == region and row["state"] == "signing")


def number(kid):
    return int(kid.rsplit(".", 1)[1])


def kid_of(token):
    header = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]


def published(client):
    return {key["kid"] for key in client.request("GET", "/.well-known/jwks.json").json["keys"]}


def statuses(client, token):
    """What each region makes of a token by itself."""
    return [client.request("GET", "/v1/whoami", Authorization="Bearer " + token,
                           Mec_Force_Region=region).status for region in REGIONS]


class LogsIn(threading.Thread):
    """Logs in and uses the token without a pause, and writes down what fails."""

    def __init__(self, world, region):
        super().__init__()
        self.client = world.client(region)
        self.name = "busy-" + region
        self.client.sign_up(self.name)
        self.failed = []
        self.kids = []
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            answer = self.client.request("POST", "/v1/tokens", {"name": self.name,
                                                                "password": "correct horse battery"})
            if answer.status not in (200, 201):
                self.failed.append(answer)
                continue
            token = answer.json["token"]
            self.kids.append(kid_of(token))
            for status in statuses(self.client, token):
                if status != 200:
                    self.failed.append((kid_of(token), status))


def test_keys_change_and_nobody_notices(world):
    busy = [LogsIn(world, region) for region in REGIONS]
    for one in busy:
        one.start()
    time.sleep(0.2)
    before = {region: signer(world, region) for region in REGIONS}
    done = world.cli("keys", "rotate")
    assert "published" in done.stderr  # progress
    wait_until(lambda: all(one.kids and number(one.kids[-1]) == 2 for one in busy), 10,
               "all sign with their second keys")
    for one in busy:
        one.ended.set()
    for one in busy:
        one.join(timeout=30)
        assert not one.failed
        assert {number(kid) for kid in one.kids} == {1, 2}
    states = keys(world)
    for region in REGIONS:
        assert states[before[region]] == "retiring" and states[region + ".2"] == "signing"
    assert published(busy[0].client) == set(states)


def test_a_leaked_key_is_refused_everywhere_at_once(world):
    client = world.client("us-east")
    client.sign_up("leaky")
    old = client.token
    kid = kid_of(old)
    assert statuses(client, old) == [200, 200, 200]
    world.cli("stop", "regiond/ap-northeast")  # it sleeps through all of it
    start = time.monotonic()
    world.cli("keys", "rotate", "us-east", "--retire-now")
    assert statuses(client, old)[:2] == [401, 401]
    assert time.monotonic() - start < 2  # it was not simply over by then
    assert kid not in keys(world)
    world.cli("start", "regiond/ap-northeast")
    client.log_in("leaky")
    assert number(kid_of(client.token)) == number(kid) + 1
    wait_until(lambda: statuses(client, client.token) == [200, 200, 200], 1.5,
               "the new one is good everywhere")
    assert statuses(client, old) == [401, 401, 401]


def test_a_rotation_goes_on_when_controld_is_killed_in_it(world):
    old = signer(world, "eu-west")
    new = "eu-west.%d" % (number(old) + 1)
    world.cli("pause", "replicator/ap-northeast")
    rotate = subprocess.Popen([os.path.join(BUILD, "control", "mecentral"), "-n", world.name, "keys",
                               "rotate", "eu-west"], env=world.environment,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: keys(world).get(new) == "published", 5, "the new key is published")

    def waited_for():
        row = next(row for row in world.cli_json("keys")["keys"] if row["kid"] == new)
        return [one["name"] for one in row["waits_for"]]

    # The others are told at once, and confirm one after the other.
    wait_until(lambda: waited_for() == ["replicator/ap-northeast"], 5, "only the paused one is late")
    world.cli("kill", "controld")
    assert rotate.wait(timeout=15) == 69
    world.cli("start", "controld")
    assert keys(world)[new] == "published"
    world.cli("resume", "replicator/ap-northeast")
    wait_until(lambda: keys(world).get(new) == "signing", 5, "it went on by itself")
    client = world.client("eu-west")
    client.sign_up("interrupted")
    wait_until(lambda: (client.log_in("interrupted"), kid_of(client.token))[1] == new, 5,
               "and the region signs with it")


def test_a_region_that_is_down_makes_its_key_when_it_is_back(world):
    old = signer(world, "ap-northeast")
    new = "ap-northeast.%d" % (number(old) + 1)
    world.cli("kill", "ap-northeast")
    start = time.monotonic()
    done = world.cli("keys", "rotate", "ap-northeast", check=False)
    assert done.returncode == 2 and "regiond/ap-northeast (killed)" in done.stderr
    assert time.monotonic() - start < 3
    assert keys(world)[new] == "wanted"
    again = world.cli("keys", "rotate", "ap-northeast", check=False)
    assert again.returncode == 2 and set(keys(world)) >= {old, new}
    assert not any(number(kid) > number(new) for kid in keys(world) if kid.startswith("ap-"))
    world.cli("start", "ap-northeast")
    wait_until(lambda: keys(world).get(new) == "signing", 5, "it signs with the new one")


def test_a_lost_key_is_replaced(world):
    old = signer(world, "us-east")
    world.cli("stop", "regiond/us-east")
    os.unlink(os.path.join(world.ready["data"], "regiond", "us-east",
                           "signing.%d.key" % number(old)))
    world.cli("start", "regiond/us-east")
    wait_until(lambda: signer(world, "us-east") != old, 5, "it has another one")
    client = world.client("us-east")
    wait_until(lambda: client.request("POST", "/v1/users", {
        "name": "phoenix", "password": "correct horse battery"}).status == 201, 5, "it serves")
    wait_until(lambda: client.request("POST", "/v1/tokens", {
        "name": "phoenix", "password": "correct horse battery"}).status == 201, 5, "and signs")


def test_old_keys_retire(world):
    """Those with which all of this began: gone when the last token that they have signed is over."""
    wait_until(lambda: not any(number(kid) == 1 for kid in keys(world)), 15,
               "the first keys have retired")
    client = world.client("eu-west")
    wait_until(lambda: published(client) == set(keys(world)), 5, "everybody knows")
    for region in REGIONS:
        folder = os.path.join(world.ready["data"], "regiond", region)
        wait_until(lambda: "signing.key" not in os.listdir(folder), 5,
                   "the retired key is off the disk")
        path = "signing.%d.key" % number(signer(world, region))
        assert stat.S_IMODE(os.stat(os.path.join(folder, path)).st_mode) == 0o600


def test_keys_and_rings_outlive_the_world(world):
    before = {kid for kid, state in keys(world).items() if state == "signing"}
    world.cli("down")
    world.start_again()
    assert {kid for kid, state in keys(world).items() if state == "signing"} == before
    client = world.client("us-east")
    client.log_in("phoenix")
    assert kid_of(client.token) in before


def run_routerd(directory):
    """Start a router by hand, and see it refuse to run."""
    done = subprocess.run([os.path.join(BUILD, "routerd", "routerd"), "--name", "routerd",
                           "--directory", directory, "--control", directory + "/none.sock"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20)
    assert done.returncode not in (0, -9), done.stdout
    return done.stdout


def test_no_process_starts_by_what_its_controld_has_not_signed(world, tmp_path):
    folder = str(tmp_path / "routerd")
    shutil.copytree(os.path.join(world.ready["data"], "routerd"), folder)
    config = os.path.join(folder, "config.pb")
    with open(config, "rb") as file:
        good = file.read()
    with open(config, "wb") as file:
        file.write(good[:100] + bytes([good[100] ^ 1]) + good[101:])
    assert "signed by another key" in run_routerd(folder)
    with World(regions=2) as other:
        shutil.copy(os.path.join(other.ready["data"], "routerd", "config.pb"), config)
        assert "signed by another key" in run_routerd(folder)
    with open(config, "wb") as file:
        file.write(good)
    os.unlink(os.path.join(folder, "control.pin"))
    assert "control.pin" in run_routerd(folder)


def test_no_log_holds_a_key(world):
    data = world.ready["data"]
    secrets = []
    for folder, _, names in os.walk(data):
        for name in names:
            if name.endswith(".key"):
                path = os.path.join(folder, name)
                assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, path
                with open(path, "rb") as file:
                    secrets.append(file.read())
    assert len(secrets) >= len(REGIONS) + 1
    for folder, _, names in os.walk(data):
        for name in names:
            if name.endswith(".key"):
                continue
            with open(os.path.join(folder, name), "rb") as file:
                text = file.read()
            for secret in secrets:
                for form in (secret, secret.hex().encode(), base64.b64encode(secret),
                             base64.urlsafe_b64encode(secret).rstrip(b"=")):
                    assert form not in text, name

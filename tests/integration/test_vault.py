"""A vault in a running world: put at home, opened everywhere, shared, withdrawn; and no file, log or
answer to an operator ever holds what was put."""

import os
import urllib.parse

import pytest

from mecworld import World, wait_until

REGIONS = ("us-east", "eu-west", "ap-northeast")
# Where the world waits so little for news, a follower is soon distrusted.
TOPOLOGY = """\
settings:
  argon2_operations: 1
  argon2_memory: 8MiB
  revocation_bound: 2s
"""
SECRET = "the-plain-truth-of-ada-%d" % os.getpid()
TYPE = "application/x-truth-%d" % os.getpid()


@pytest.fixture(scope="module")
def world():
    with World(topology=TOPOLOGY, regions=",".join(REGIONS)) as world:
        yield world


def opened(client, region, owner=None):
    """The item as @region itself serves it."""
    query = "?owner=" + urllib.parse.quote(owner) if owner else ""
    return client.request("GET", "/v1/vault/note" + query, Mec_Force_Region=region)


def soon(ask, status, what):
    """A copy is behind for as long as a link takes."""
    return wait_until(lambda: (lambda answer: answer if answer.status == status else None)(ask()),
                      10, what)


def told(answer):
    """All that it says but which request it is about, and when."""
    headers = {name: value for name, value in answer.headers.items()
               if name.lower() not in ("date", "server-timing", "traceparent")}
    return answer.status, headers, {key: value for key, value in answer.json.items()
                                    if key != "instance"}


def holds(directory, *texts):
    """Which files below @directory hold one of @texts."""
    found = []
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                with open(os.path.join(parent, name), "rb") as file:
                    content = file.read()
            except OSError:
                continue
            found += [os.path.join(parent, name) for text in texts if text.encode() in content]
    return found


def test_a_vault_is_opened_everywhere_shared_and_withdrawn_and_never_rests_in_the_plain(world):
    ada = world.client("us-east")
    ada.sign_up("ada")
    bob = world.client("eu-west")
    bob.sign_up("bob")

    put = ada.request("PUT", "/v1/vault/note", SECRET.encode(), Content_Type=TYPE)
    assert put.status == 201 and put.headers["ETag"] == '"1"', put
    for region in REGIONS:
        answer = soon(lambda: opened(ada, region), 200, "%s opens the item" % region)
        assert answer.body.decode() == SECRET and answer.headers["Content-Type"] == TYPE, answer
        assert answer.region == region
    listed = ada.request("GET", "/v1/vault").json["items"]
    assert [(item["name"], item["bytes"]) for item in listed] == [("note", len(SECRET))]

    # Nobody else may, and cannot tell why; then bob may, from another region than ada's too.
    for region in REGIONS:
        nothing = opened(bob, region, "nobody")
        refused = soon(lambda: opened(bob, region, "ada"), 404, "%s refuses bob" % region)
        assert told(refused) == told(nothing) and refused.problem == "not-found", refused
    granted = ada.request("PUT", "/v1/vault/note/grants/bob")
    assert granted.status == 201, granted
    for region in REGIONS:
        answer = soon(lambda: opened(bob, region, "ada"), 200, "%s shows bob the item" % region)
        assert answer.body.decode() == SECRET
    grants = ada.request("GET", "/v1/vault/note/grants").json["items"]
    assert [grant["name"] for grant in grants] == ["bob"]

    # A follower that ada's home cannot reach hears of no withdrawal: soon it shows nothing at all.
    world.cli("cut", "us-east", "ap-northeast")
    withdrawn = ada.request("DELETE", "/v1/vault/note/grants/bob")
    assert withdrawn.status == 204, withdrawn
    assert opened(bob, "us-east", "ada").status == 404
    soon(lambda: opened(bob, "eu-west", "ada"), 404, "eu-west refuses bob again")
    soon(lambda: opened(bob, "ap-northeast", "ada"), 503, "ap-northeast refuses bob again")
    assert opened(ada, "ap-northeast").status == 503
    world.cli("heal")
    soon(lambda: opened(bob, "ap-northeast", "ada"), 404, "ap-northeast knows why")
    for region in REGIONS:
        assert opened(bob, region, "ada").status == 404
        assert soon(lambda: opened(ada, region), 200, "ada opens her own").body.decode() == SECRET

    # Sensitive writes are never queued.
    assert ada.request("PUT", "/v1/vault/note", b"x", Idempotency_Key="w",
                       Mec_Force_Region="eu-west").status == 503

    status = world.cli("--json", "status").stdout + world.cli("status").stdout
    assert SECRET not in status and TYPE not in status
    world.cli("down")
    assert holds(world.ready["data"], "note"), "nothing was looked at"
    assert not holds(world.ready["data"], SECRET, TYPE)
    assert not holds(world.directory, SECRET, TYPE)

"""Operators' HTTP of a running world: who may pass, what it can do, and what it withstands."""

import http.client
import json
import os
import socket
import stat
import time
import urllib.parse

import pytest

from mecworld import World, wait_until

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def world():
    with World(regions="us-east,eu-west") as world:
        yield world


class Operator:
    """Asks as an operator does, but for what a test says otherwise."""

    def __init__(self, world):
        self.port = urllib.parse.urlsplit(world.ready["control_http"]).port
        with open(world.ready["control_token_file"]) as file:
            self.token = file.read()

    def ask(self, method, path, body=None, timeout_s=20, **changed):
        """A header that is None is left out."""
        headers = {"Host": "127.0.0.1:%d" % self.port, "Authorization": "Bearer " + self.token}
        headers.update({name.replace("_", "-"): value for name, value in changed.items()})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    def command(self, name, **arguments):
        answer = self.ask("POST", "/v1/commands/" + name, json.dumps(arguments).encode(),
                          Content_Type="application/json")
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@pytest.fixture
def operator(world):
    return Operator(world)


def problem(answer):
    assert answer.headers["Content-Type"] == "application/problem+json"
    body = json.loads(answer.body)
    assert body["status"] == answer.status
    return body["type"].rsplit(":", 1)[-1]


def test_status_and_faults(world, operator):
    status = operator.get("/v1/status")
    assert [row["name"] for row in status["regions"]] == ["us-east", "eu-west"]
    assert status["world"]["control_http"] == "http://127.0.0.1:%d" % operator.port
    assert world.cli_json("ps")["control_http"] == status["world"]["control_http"]
    assert operator.get("/v1/faults")["faults"] == []


def test_commands_do_what_they_do_elsewhere(world, operator):
    done = operator.command("cut", a="us-east", b="eu-west")
    assert done["exit"] == 0 and done["data"]["id"] in done["message"]
    assert [row["what"] for row in world.cli_json("faults")["faults"]] == \
        [row["what"] for row in operator.get("/v1/faults")["faults"]]
    assert operator.get("/v1/faults")["faults"][0]["kind"] == "cut"
    assert operator.command("heal")["data"]["healed"] == [done["data"]["id"]]
    assert world.cli_json("faults")["faults"] == []

    killed = operator.command("kill", names=["replicator/eu-west"])
    assert killed["message"] == "replicator/eu-west killed"
    assert operator.command("start", names=["eu-west"])["exit"] == 0
    refused = operator.command("cut", a="us-east", b="atlantis")
    assert refused["exit"] == 64 and "atlantis" in refused["message"]


REFUSED = [
    # what is changed, status
    ({"Host": "evil.example:1"}, 403),             # a name that an attacker points to 127.0.0.1
    ({"Host": None}, 403),
    ({"Origin": "http://evil.example"}, 403),
    ({"Origin": "null"}, 403),
    ({"Authorization": None}, 401),
    ({"Authorization": "Bearer " + "x" * 43}, 401),
    ({"Authorization": "Basic eDp5"}, 401),
]


@pytest.mark.parametrize("changed,status", REFUSED)
def test_who_may_not_ask(operator, changed, status):
    for method, path, body, more in (("GET", "/v1/status", None, {}),
                                     ("POST", "/v1/commands/isolate", b'{"region":"us-east"}', JSON)):
        answer = operator.ask(method, path, body, **more, **changed)
        assert answer.status == status
        assert problem(answer) == {401: "unauthenticated", 403: "forbidden"}[status]
        assert not any(name.lower().startswith("access-control") for name in answer.headers)
    assert operator.get("/v1/faults")["faults"] == []


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_what_a_page_can_post_without_asking(operator, kind):
    answer = operator.ask("POST", "/v1/commands/isolate", b'{"region":"us-east"}', Content_Type=kind)
    assert answer.status == 403 and problem(answer) == "forbidden"
    assert operator.get("/v1/faults")["faults"] == []


def test_another_worlds_token(operator):
    with World(regions=2) as other:
        assert Operator(other).token != operator.token
        answer = operator.ask("GET", "/v1/status",
                              Authorization="Bearer " + Operator(other).token)
    assert answer.status == 401


def test_methods_and_paths(operator):
    for method in ("OPTIONS", "PUT", "DELETE", "HEAD", "PATCH", "TRACE"):
        assert operator.ask(method, "/v1/status").status == 405
    assert operator.ask("GET", "/v1/commands/heal").status == 405
    for path in ("/", "/v1", "/v1/status/", "/v1/commands/"):
        assert operator.ask("GET", path).status in (404, 405)
    for name in ("up", "down", "watch", "settle", "conquer"):
        answer = operator.ask("POST", "/v1/commands/" + name, b"{}", **JSON)
        assert answer.status == 404 and problem(answer) == "not-found"
    for body in (b"[]", b"{", b"\xff\xfe", b'{"a":1,"a":2}'):
        answer = operator.ask("POST", "/v1/commands/heal", body, **JSON)
        assert answer.status == 400 and problem(answer) == "bad-request"


def test_sizes_are_bounded(operator):
    big = b'{"x":"' + b"x" * 20000 + b'"}'
    answer = operator.ask("POST", "/v1/commands/heal", big, **JSON)
    assert answer.status == 413 and problem(answer) == "too-large"
    # What is larger still is refused before it has come, by evhttp and in its own words.
    answer = operator.ask("POST", "/v1/commands/heal", b"x" * 100000, **JSON)
    assert answer.status == 413
    assert operator.ask("GET", "/v1/status", X="x" * 10000).status == 400


def read_all(connection):
    data = b""
    try:
        while True:
            part = connection.recv(65536)
            if not part:
                break
            data += part
    except ConnectionError:
        pass
    return data


def test_a_request_must_come_in_time(operator):
    """Byte by byte it is never silent for long, and never done."""
    with socket.create_connection(("127.0.0.1", operator.port)) as slow:
        start = time.monotonic()
        slow.settimeout(0.1)
        try:
            for byte in b"GET /v1/status HTTP/1.1\r\nX: " + b"x" * 1000:
                slow.sendall(bytes([byte]))
                try:
                    if slow.recv(100) == b"":
                        break
                except TimeoutError:
                    pass
        except ConnectionError:
            pass
        assert 2 < time.monotonic() - start < 6
    assert operator.get("/v1/faults")["faults"] == []


def test_many_idle_connections_are_let_go(operator, world):
    before = len(os.listdir("/proc/%d/fd" % world.pids["controld"]))
    idle = [socket.create_connection(("127.0.0.1", operator.port)) for _ in range(60)]
    assert world.cli("faults").returncode == 0  # the Unix socket does not care
    assert operator.ask("GET", "/v1/faults").status == 200  # when the first have been let go
    for connection in idle:
        connection.close()
    wait_until(lambda: len(os.listdir("/proc/%d/fd" % world.pids["controld"])) <= before + 1, 15,
               "controld has let go of all connections")


def test_bad_http_hurts_nobody(operator):
    for bad in (b"\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/9.9\r\n\r\n",
                b"POST /v1/commands/heal HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                b"POST /v1/commands/heal HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                b"GET http://evil.example/v1/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", operator.port), timeout=15) as connection:
            connection.sendall(bad)
            connection.shutdown(socket.SHUT_WR)
            data = read_all(connection)
            assert b" 200 " not in data[:20], (bad, data)
    assert operator.get("/v1/faults")["faults"] == []


def test_it_listens_on_loopback_alone(operator, world):
    """The kernel's own list of listening sockets: 0100007F is 127.0.0.1."""
    with open("/proc/%d/net/tcp" % world.pids["controld"]) as file:
        rows = [line.split() for line in file][1:]
    listening = [row[1] for row in rows if row[3] == "0A" and row[1].endswith(":%04X" % operator.port)]
    assert listening == ["0100007F:%04X" % operator.port]


def test_the_token_is_a_secret_of_its_file(world, operator):
    path = world.ready["control_token_file"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert len(operator.token) == 43
    for listing in (world.ready, world.cli_json("status"), world.cli_json("ps")):
        assert operator.token not in json.dumps(listing)
    for folder, _, names in os.walk(world.ready["data"]):
        for name in names:
            if os.path.join(folder, name) != path:
                with open(os.path.join(folder, name), "rb") as file:
                    assert operator.token.encode() not in file.read(), name


def test_a_new_controld_is_found_where_the_old_one_was(world, operator):
    world.cli("kill", "controld")
    with pytest.raises(OSError):
        operator.ask("GET", "/v1/status")
    world.cli("start", "controld")
    assert Operator(world).token == operator.token
    assert operator.get("/v1/faults")["faults"] == []

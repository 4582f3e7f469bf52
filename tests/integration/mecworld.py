"""A running world, for tests and for the tour: starts it, talks HTTP to it, ends it.

Standard library only. Everything is on loopback; each world has its own name and directories, so
that many can run side by side and none touches the user's own.
"""

import base64
import glob
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MECENTRAL_BUILD", os.path.join(TOP, "build"))
MECENTRAL = os.path.join(BUILD, "control", "mecentral")

# Password hashing at its least useful setting: the tests are about something else.
QUICK_TOPOLOGY = """\
settings:
  argon2_operations: 1
  argon2_memory: 8MiB
"""


# What a process says of itself that is never right, whatever is done to it.
TROUBLE = re.compile("AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error:|Assertion `"
                     "|ended by signal (4|6|7|8|11) ")


class CommandFailed(Exception):
    """mecentral ended with another exit code than wanted."""


class Answer:
    """One HTTP answer, and how long it took."""

    def __init__(self, status, headers, body, elapsed_ms):
        self.status = status
        self.headers = headers
        self.body = body
        self.elapsed_ms = elapsed_ms

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def region(self):
        return self.headers.get("Mec-Region")

    @property
    def problem(self):
        """The short type of a problem+json answer, or None."""
        if "problem+json" not in (self.headers.get("Content-Type") or ""):
            return None
        return self.json["type"].rsplit(":", 1)[-1]

    def __repr__(self):
        return "Answer(%d, %s, %r)" % (self.status, dict(self.headers), self.body[:200])


class Client:
    """A client at one place, with a connection that it keeps, a token and a bookmark."""

    def __init__(self, url, timeout_s=15, geo=None):
        parts = urllib.parse.urlsplit(url)
        self.address = (parts.hostname, parts.port)
        self.timeout_s = timeout_s
        self.geo = geo
        self.token = None
        self.bookmark = None
        self.user = None
        self._connection = None

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def request(self, method, path, body=None, **headers):
        """Ask once. Header names are written with underscores: If_Match="..."."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token and "Authorization" not in sent:
            sent["Authorization"] = "Bearer " + self.token
        if self.bookmark and "Mec-Bookmark" not in sent:
            sent["Mec-Bookmark"] = self.bookmark
        if self.geo and "Mec-Geo" not in sent:
            sent["Mec-Geo"] = self.geo
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        if self._connection is None:
            self._connection = http.client.HTTPConnection(*self.address, timeout=self.timeout_s)
            self._connection.connect()
        start = time.monotonic()
        try:
            self._connection.request(method, path, body=body, headers=sent)
            response = self._connection.getresponse()
            data = response.read()
        except Exception:
            self.close()
            raise
        elapsed_ms = (time.monotonic() - start) * 1000
        if response.will_close:
            self.close()
        answer = Answer(response.status, response.headers, data, elapsed_ms)
        if answer.status < 300 and answer.headers.get("Mec-Bookmark"):
            self.bookmark = answer.headers["Mec-Bookmark"]
        return answer

    def get(self, key, **headers):
        return self.request("GET", "/v1/metadata/" + urllib.parse.quote(key, safe=""), **headers)

    def put(self, key, value, **headers):
        if isinstance(value, str):
            value = value.encode()
        headers.setdefault("Content_Type", "text/plain")
        return self.request("PUT", "/v1/metadata/" + urllib.parse.quote(key, safe=""), value,
                            **headers)

    def delete(self, key, **headers):
        return self.request("DELETE", "/v1/metadata/" + urllib.parse.quote(key, safe=""), **headers)

    def sign_up(self, name, password="correct horse battery"):
        """Create the user and log in."""
        answer = self.request("POST", "/v1/users", {"name": name, "password": password})
        assert answer.status == 201, answer
        self.user = answer.json
        self.log_in(name, password)
        return self.user

    def log_in(self, name, password="correct horse battery"):
        answer = self.request("POST", "/v1/tokens", {"name": name, "password": password})
        assert answer.status in (200, 201), answer
        self.token = answer.json["token"]
        return answer.json

    def claims(self):
        middle = self.token.split(".")[1]
        return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


class World:
    """One world of regions, started by `mecentral up` and ended by `mecentral down` and purged.

    With a @name it lives where the user's own worlds do; else apart from them."""

    count = 0

    def __init__(self, topology=QUICK_TOPOLOGY, regions=None, up=(), data=None, name=None, port=0):
        World.count += 1
        self.name = name or "t%d-%d" % (os.getpid(), World.count)
        self.apart = name is None
        self.port = port
        self.topology = topology
        self.regions = regions
        self.up_arguments = list(up)
        self.data = data
        self.directory = None
        self.started = False
        self.ready = None

    def start(self):
        self.directory = tempfile.mkdtemp(prefix="mec-")
        self.environment = dict(os.environ, NO_COLOR="1")
        if self.apart:
            self.environment["XDG_STATE_HOME"] = os.path.join(self.directory, "state")
            self.environment["XDG_RUNTIME_DIR"] = os.path.join(self.directory, "run")
            os.makedirs(self.environment["XDG_RUNTIME_DIR"], mode=0o700)
        return self.start_again()

    def start_again(self):
        """Start it, for the first time or with the data of before."""
        topology = os.path.join(self.directory, "topology.yaml")
        with open(topology, "w") as file:
            file.write(self.topology)
        ready_file = os.path.join(self.directory, "ready.json")
        arguments = ["up", "-f", topology, "--port", str(self.port), "--detach",
                     "--ready-file", ready_file]
        if self.regions is not None:
            arguments += ["--regions", str(self.regions)]
        if self.data is not None:
            arguments += ["--data", self.data]
        self.cli(*arguments, *self.up_arguments)
        self.started = True
        with open(ready_file) as file:
            self.ready = json.load(file)
        return self

    def stop(self):
        """End the world and remove its data. Fails when a log tells of a bug."""
        if self.directory is None:
            return
        # Leaks are told at a process's end, so the logs are read after that and before the purge.
        if self.started or self.apart:
            self.cli("down", check=False)
        trouble = self.trouble()
        if self.started or self.apart:
            self.cli("down", "--purge", check=False)
        if self.ready:
            shutil.rmtree(self.ready["data"], ignore_errors=True)
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory = None
        assert not trouble, "bugs in the logs:\n" + trouble

    def trouble(self):
        """The lines of the logs that tell of a bug, each with some lines of what follows it."""
        found = []
        patterns = [os.path.join(self.directory, "**", "logs", "*.log")]
        if self.ready:
            patterns.append(os.path.join(self.ready["data"], "logs", "*.log"))
        for path in sorted({path for pattern in patterns
                            for path in glob.glob(pattern, recursive=True)}):
            with open(path, errors="replace") as file:
                lines = file.readlines()
            at = next((i for i, line in enumerate(lines) if TROUBLE.search(line)), None)
            if at is not None:
                found.append(os.path.basename(path) + ":\n" + "".join(lines[at:at + 40]))
        return "\n".join(found)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    @property
    def http(self):
        return self.ready["http"]

    @property
    def vantage(self):
        return self.ready["vantage"]

    @property
    def sockets(self):
        return self.ready["sockets"]

    @property
    def pids(self):
        """Of the processes that run now, by name."""
        rows = self.cli_json("ps")["processes"]
        return {row["name"]: row["pid"] for row in rows if row["pid"]}

    def cli(self, *arguments, check=True, timeout_s=60):
        """Run mecentral on this world. Returns the finished process."""
        done = subprocess.run([MECENTRAL, "-n", self.name, *arguments], env=self.environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout_s)
        if check and done.returncode != 0:
            raise CommandFailed("mecentral %s: exit %d\n%s%s" % (
                " ".join(arguments), done.returncode, done.stdout, done.stderr))
        return done

    def cli_json(self, *arguments, **options):
        done = self.cli("--json", *arguments, **options)
        return json.loads(done.stdout)

    def client(self, geo=None, **options):
        """A client at @geo's own port, or without a place at the port for all."""
        return Client(self.vantage[geo] if geo else self.http, **options)


def wait_until(condition, timeout_s, what):
    """Poll until @condition() is true; its last value is returned."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("not within %g s: %s" % (timeout_s, what))
        time.sleep(0.02)

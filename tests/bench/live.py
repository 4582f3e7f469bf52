"""Measurements of a running world; scripts/bench prints them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests", "integration"))

from mecworld import BUILD, World, wait_until  # noqa: E402
from story import Story  # noqa: E402

PROBE_INTERVAL_MS = 500

WRITE_LUA = """
local token, value = os.getenv("MEC_TOKEN"), string.rep("x", 200)
local thread_count = 0
function setup(thread)
  thread:set("number", thread_count)
  thread_count = thread_count + 1
end
function init() count = 0 end
function request()
  count = count + 1
  return wrk.format("PUT", "/v1/metadata/k" .. number .. "-" .. count,
    {["Authorization"] = "Bearer " .. token, ["Content-Type"] = "text/plain"}, value)
end
"""


PIPELINE_LUA = """
function init()
  local one = wrk.format("GET", nil, {["Authorization"] = "Bearer " .. os.getenv("MEC_TOKEN"),
    ["Mec-Force-Region"] = "eu-west"})
  all = string.rep(one, %d)
end
function request() return all end
"""


def median(values):
    return sorted(values)[len(values) // 2]


def pss_kib(pid):
    with open("/proc/%d/smaps_rollup" % pid) as file:
        for line in file:
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


def start_up(rounds=5):
    """Milliseconds of `up --detach` until all serve, and the memory of each process then."""
    times, memory = [], {}
    for _ in range(rounds):
        world = World()
        start = time.monotonic()
        with world:
            times.append((time.monotonic() - start) * 1000)
            time.sleep(1)
            for name, pid in world.pids.items():
                memory.setdefault(name, []).append(pss_kib(pid))
    return times, {name: median(values) for name, values in memory.items()}


def round_trips(count=200):
    """For each client geo and region: configured, and measured by an HTTP client (ms). One client a
    geo at a time, all geos side by side: at most a few dozen requests a second in all."""
    rows = []
    with World() as world:
        reader = world.client("us-east")
        reader.sign_up("bench-reader")
        reader.put("k", "x" * 200)
        wait_until(lambda: all(row["lag"] == 0 for row in streams(world)), 10, "replicated")

        def measure(geo, url):
            explained = world.cli_json("explain", "GET", "/v1/metadata/k", "--geo", geo)
            for row in explained["regions"]:
                measured = http_rtt(url + "/v1/metadata/k", reader.token, row["name"], count)
                rows.append((geo, row["name"], row["round_trip_ms"], measured))

        clients = [threading.Thread(target=measure, args=place) for place in world.vantage.items()]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
    return sorted(rows, key=lambda row: row[:2])


def streams(world):
    status = world.cli_json("status")
    return [stream for replicator in status["replicators"] for stream in replicator["streams"]]


def http_rtt(url, token, region, count):
    done = subprocess.run(
        [os.path.join(BUILD, "tests", "bench", "http_rtt"), "--url", url, "--header",
         "Authorization: Bearer " + token, "--header", "Mec-Force-Region: " + region,
         "--count", str(count), "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def wrk(url, connections, seconds, token, script=None, headers=(), timeout_s=10):
    """Requests a second of a closed loop, and how many were not 2xx."""
    command = ["wrk", "-t1", "-c%d" % connections, "-d%ds" % seconds, "--timeout",
               "%ds" % timeout_s, "--latency"]
    for header in ("Authorization: Bearer " + token,) + tuple(headers):
        command += ["-H", header]
    if script:
        command += ["-s", script]
    done = subprocess.run(command + [url], stdout=subprocess.PIPE, text=True, check=True,
                          env=dict(os.environ, MEC_TOKEN=token))
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", done.stdout)
    broken = re.search(r"Socket errors: .*", done.stdout)
    if broken:
        print("  " + broken.group(0))
    return (float(re.search(r"Requests/sec: *([0-9.]+)", done.stdout).group(1)),
            int(bad.group(1)) if bad else 0)


def bare_sleep(milliseconds=72, count=200):
    """How late a process wakes that only sleeps."""
    done = subprocess.run([os.path.join(BUILD, "tests", "bench", "bare_sleep"), str(milliseconds),
                           str(count)], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def slow_link(connections=3000, depth=10, seconds=6):
    """The same load over a 1 ms and a 200 ms link: the connections pipeline, so that even at 200 ms
    the load and not the waiting is the limit."""
    rates = []
    with World(regions=2) as world, tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(PIPELINE_LUA % depth)
        script.flush()
        client = world.client("us-east")
        client.sign_up("bench-reader")
        client.put("k", "x" * 200)
        wait_until(lambda: all(row["lag"] == 0 for row in streams(world)), 10, "replicated")
        for round_trip, latency in (("1 ms", "0.5ms"), ("200 ms", "100ms")):
            world.cli("link", "client:us-east", "eu-west", "--latency", latency)
            time.sleep(2)
            rate, bad = wrk(world.vantage["us-east"] + "/v1/metadata/k", connections, seconds,
                            client.token, script.name)
            rates.append(rate)
            print("  round trip %6s, %d connections of %d requests: %.0f requests/s, %d bad" % (
                round_trip, connections, depth, rate, bad), flush=True)
    return rates


def durable_writes(connections=32, seconds=8):
    """Writes a second over HTTP: row, change and key durable before each answer; one follower."""
    with World(regions=2, up=["--no-wan"]) as world, \
            tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRITE_LUA)
        script.flush()
        client = world.client("us-east")
        client.sign_up("bench-writer")
        rate, bad = wrk(world.vantage["us-east"], connections, seconds, client.token, script.name)
        start = time.monotonic()
        done = world.cli("verify", "--wait", "60s", check=False, timeout_s=90)
        caught_up_s = time.monotonic() - start
        return rate, bad, done.returncode == 0, caught_up_s


def flood(rounds=11, clients=16, count=500):
    """What readers of others notice of a flood of log-ins with the default password hash: p99 of
    reads beyond the round trip, in turns without and with the flood. Pairs of milliseconds, and how
    many log-ins were answered and how many were told to wait."""
    pairs = []
    answered = [0, 0]
    with World(topology="settings:\n  login_rate_per_min: 0\n", regions=3) as world:
        reader = world.client("us-east")
        reader.sign_up("bench-reader")
        reader.put("k", "x" * 200)
        for _ in range(rounds):
            idle = http_rtt(world.vantage["us-east"] + "/v1/metadata/k", reader.token, "us-east",
                            count)
            ended = threading.Event()

            def guess(number):
                client = world.client("us-east")
                while not ended.is_set():
                    answer = client.request("POST", "/v1/tokens",
                                            {"name": "bench-reader", "password": "wrong %d" % number})
                    answered[answer.status in (429, 503)] += 1

            guessers = [threading.Thread(target=guess, args=(i,)) for i in range(clients)]
            for guesser in guessers:
                guesser.start()
            time.sleep(0.5)
            busy = http_rtt(world.vantage["us-east"] + "/v1/metadata/k", reader.token, "us-east",
                            count)
            ended.set()
            for guesser in guessers:
                guesser.join()
            pairs.append((idle["p99_ms"], busy["p99_ms"]))
    return pairs, answered


def detection(rounds=5):
    """For a home that is killed, paused or cut off: milliseconds beyond the round trip until a read
    is served elsewhere, and until a write is queued. Lists by kind."""
    breakers = {"kill": lambda story: story.killer_of("us-east"),
                "pause": lambda story: lambda: story.world.cli("pause", "us-east"),
                "cut": lambda story: lambda: story.world.cli("isolate", "us-east")}
    found = {}
    for kind, breaker in breakers.items():
        for _ in range(rounds):
            with World() as world:
                story = Story(world)
                story.sign_up()
                story.near_and_home()
                story.lose_virginia(breaker(story), kind)
                found.setdefault(kind, []).append(story.measured[kind])
                if kind == "pause":
                    world.cli("resume", "us-east")
    return found


def large_day(requests_per_user=20):
    """The day of docs/worlds/sun.yaml by two processes: requests, users, seconds, MiB of the larger
    process."""
    worlds = os.path.join(TOP, "docs", "worlds")
    with open(os.path.join(worlds, "sun.yaml"), encoding="utf-8") as file:
        text = file.read()
    text = text.replace("topology: ", "topology: %s/" % worlds)
    text = text.replace("requests_per_user: 20", "requests_per_user: %d" % requests_per_user)
    with tempfile.TemporaryDirectory() as directory:
        world = os.path.join(directory, "world.yaml")
        with open(world, "w", encoding="utf-8") as file:
            file.write(text)
        started = time.monotonic()
        done = subprocess.run([os.path.join(BUILD, "control", "mecentral"), "sim", "--world", world,
                               "--json", "--jobs", "2"], check=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seconds = time.monotonic() - started
    tables = json.loads(done.stdout)["tables"]
    return {"requests": sum(row["requests"] for row in tables["requests"]),
            "users": sum(row["users"] for row in tables["places"]), "seconds": seconds,
            "mib": float(re.search(r"of at most ([0-9.]+) MiB", done.stderr).group(1))}

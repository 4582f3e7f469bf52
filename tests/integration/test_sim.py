"""`mecentral sim` as people and scripts use it: what it prints, how it ends, that it repeats."""

import json
import os
import signal
import subprocess
import time

from mecworld import MECENTRAL

# A short world is as good as a long one here.
SHORT = ["--duration", "5s", "--regions", "2"]


def sim(*arguments, directory=None, **environment):
    return subprocess.run([MECENTRAL, "sim", *arguments], cwd=directory,
                          env=dict(os.environ, NO_COLOR="1", **environment),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)


def told(*arguments, **more):
    done = sim("--json", *arguments, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def of_one(*arguments, **more):
    """What is told of one run, without what differs from run to run."""
    found = told(*arguments, **more)["trials"][0]
    return {name: value for name, value in found.items() if name not in ("wall_us", "seed", "file")}


def workers_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def wait_for_workers(pid):
    deadline = time.monotonic() + 10
    while not workers_of(pid):
        assert time.monotonic() < deadline, "no worker has started"
        time.sleep(0.01)
    return workers_of(pid)


def start_long():
    return subprocess.Popen([MECENTRAL, "sim", "--minutes", "2", "--jobs", "1"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def test_a_few_seeds_are_clean():
    done = sim("--seeds", "1..6", *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("6 seeds clean: ")
    assert done.stderr == ""


def test_how_many_workers_there_are_changes_nothing():
    one, three = (told("--seeds", "1..9", "--jobs", jobs, "--reach", *SHORT) for jobs in "13")
    del one["wall_us"], three["wall_us"]
    assert one == three
    assert one["count"] == 9


def test_a_seed_goes_the_same_way_traced_or_not_and_as_a_plan(tmp_path):
    seed = ["--seed", "7", *SHORT]
    plan = tmp_path / "plan.json"
    history = tmp_path / "history.jsonl"
    plain = of_one(*seed)
    plan.write_text(sim(*seed, "--plan").stdout)
    assert of_one(*seed, "--trace", "--history", str(history)) == plain
    assert of_one("--replay", str(plan), "--check-determinism", "0") == plain
    assert of_one("--replay", str(tmp_path), "--check-determinism", "0") == plain
    lines = [json.loads(line) for line in history.read_text().splitlines()]
    assert lines[0]["type"] == "meta"
    assert {"invoke", "ok"} <= {line["type"] for line in lines}


def test_a_trace_has_a_time_in_each_line():
    done = sim("--seed", "7", "--trace", *SHORT)
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    times = [float(line[1:line.index("]")]) for line in lines]
    assert len(times) > 50
    assert times == sorted(times)


def test_a_worker_that_dies_is_a_failure_of_its_seed():
    running = start_long()
    os.kill(wait_for_workers(running.pid)[0], signal.SIGKILL)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 1, output + errors
    assert "FAILED crash (SIGKILL): seed " in output
    seed = output.split("seed ")[1].split()[0]
    assert f"repeat: mecentral sim --seed {seed} --trace\n" in output


def test_interrupting_ends_it_with_what_was_found_so_far():
    running = start_long()
    workers = wait_for_workers(running.pid)
    running.send_signal(signal.SIGINT)
    output, errors = running.communicate(timeout=60)
    assert running.returncode == 2, output + errors
    assert "clean, then interrupted" in output
    assert not any(os.path.exists(f"/proc/{worker}") for worker in workers)


def test_no_worker_outlives_it():
    running = start_long()
    workers = wait_for_workers(running.pid)
    running.kill()
    running.communicate(timeout=60)
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{worker}") for worker in workers):
        assert time.monotonic() < deadline, workers
        time.sleep(0.01)


def test_wrong_usage(tmp_path):
    empty = tmp_path / "empty"
    broken = tmp_path / "broken.json"
    empty.mkdir()
    broken.write_text('{"seed": 1,\n')
    for arguments, says in [
            (["--seed", "x"], "whole number"),
            (["--seeds", "9..5"], "range"),
            (["--seed", "1", "--seeds", "1..2"], "exclude each other"),
            (["--faults", "cutt"], 'did you mean "cut"'),
            (["--regions", "9"], "2 to 5"),
            (["--replay", str(tmp_path / "none.json")], "No such file"),
            (["--replay", str(empty)], "no plan"),
            (["--replay", str(broken)], "broken.json:"),
            (["--seed", "1", "--history", "/nowhere/at/all"], "cannot write"),
            (["--plants"], "mecentral-sim-planted"),
            (["--sed", "1"], 'did you mean "--seed"')]:
        done = sim(*arguments)
        assert done.returncode == 64, (arguments, done)
        assert says in done.stderr, (arguments, done)
        assert done.stdout == "", (arguments, done)


def test_options_have_twins_in_the_environment():
    assert told(*SHORT, MECENTRAL_SEEDS="3..4")["count"] == 2


def test_what_must_be_reached_and_was_not_is_a_failure():
    done = sim("--seed", "7", "--require-reach", *SHORT)
    assert done.returncode == 1
    assert "never happened: fault " in done.stdout
    assert sim("--seed", "7", "--reach", *SHORT).returncode == 0


# ---- a day of a large world ----

WORLD = """\
topology: small.yaml
users: {a: 40k, Paris: 20k}
duration: 2h
slice: 5m
faults:
  - {at: 30m, for: 20m, region: a}
  - {at: 1h, for: 10m, cut: ["client:Paris", b], flap: 30s}
"""
TOPOLOGY = "regions: [{name: a, place: Boston}, {name: b, place: Frankfurt}]\n"


def write_world(directory, text=WORLD):
    (directory / "small.yaml").write_text(TOPOLOGY)
    (directory / "world.yaml").write_text(text)
    return str(directory / "world.yaml")


def test_a_large_world_is_told_of(tmp_path):
    world = write_world(tmp_path)
    done = sim("--world", world, "--html", "page.html", directory=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "a killed at 00:30: meanwhile" in done.stdout
    assert "How requests end" in done.stdout
    assert "Written: page.html" in done.stderr and "a second; " in done.stderr
    assert "\r" not in done.stderr  # no progress but on a terminal
    assert "<svg" in (tmp_path / "page.html").read_text()
    silent = sim("--world", world, "-q")
    assert silent.stdout == done.stdout and silent.stderr == ""


def test_how_many_share_a_day_changes_nothing(tmp_path):
    world = write_world(tmp_path)
    days = [sim("--world", world, "--json", "-q", "--jobs", str(jobs)) for jobs in (1, 2, 3, 7)]
    assert all(day.returncode == 0 and day.stdout == days[0].stdout for day in days)
    found = json.loads(days[0].stdout)
    requests = sum(row["requests"] for row in found["tables"]["requests"])
    assert abs(requests - 60e3 * 20 / 12) < 1e5
    assert sum(row["requests"] for row in found["tables"]["times"]) == requests
    assert sim("--world", world, "--csv", "-q").stdout.startswith("table,kind,requests,")
    assert sim("--world", world, "--json", "-q", "--seed", "2").stdout != days[0].stdout


def test_the_name_of_a_running_world_is_no_file(tmp_path):
    world = write_world(tmp_path)
    day = sim("--world", world, "-q")
    assert sim("--world", world, "-q", MECENTRAL_WORLD="shop").stdout == day.stdout
    assert sim("-n", "shop", "--world", world, "-q").stdout == day.stdout
    seeds = sim("--seeds", "1..1", *SHORT, MECENTRAL_WORLD="shop")
    assert seeds.returncode == 0 and seeds.stdout.startswith("1 seed clean: ")


def test_a_world_file_that_is_wrong_says_where(tmp_path):
    for text, says in (("peek_hour: 3\n", "world.yaml:1: peek_hour: unknown parameter"),
                       ("faults: [{at: 1h, for: 1h, region: x}]\n", "faults[0].region: there is no"),
                       ("zzzz: 1\n", "world.yaml:1: zzzz: unknown parameter; see --print-world"),
                       ("topology: none.yaml\n", "world.yaml:1: topology: cannot read ")):
        done = sim("--world", write_world(tmp_path, text))
        assert done.returncode == 64 and says in done.stderr and done.stdout == "", done.stderr
    done = sim("--world", str(tmp_path / "none"))
    assert done.returncode == 64 and "cannot read" in done.stderr


def test_what_may_stand_in_a_world_file_is_printed(tmp_path):
    every = sim("--print-world")
    assert every.returncode == 0 and "peak_hour: 20" in every.stdout
    again = tmp_path / "again.yaml"
    again.write_text(every.stdout)
    assert sim("--print-world", "--world", str(again)).stdout == every.stdout
    assert "users_total" in every.stdout and "mix_log_in" in every.stdout


def test_the_worlds_in_docs_can_be_read():
    docs = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "worlds")
    worlds = [name for name in os.listdir(docs) if "topology" not in name]
    assert worlds
    for name in worlds:
        done = sim("--print-world", "--world", os.path.join(docs, name))
        assert done.returncode == 0, done.stderr


def test_who_interrupts_a_day_ends_all_of_it(tmp_path):
    world = write_world(tmp_path, WORLD.replace("40k", "400M"))
    run = subprocess.Popen([MECENTRAL, "sim", "--world", world, "--jobs", "2"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
    workers = wait_for_workers(run.pid)
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=20) != 0
    deadline = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}") for pid in workers):
        assert time.monotonic() < deadline, "a process is left over"
        time.sleep(0.01)

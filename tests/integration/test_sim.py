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

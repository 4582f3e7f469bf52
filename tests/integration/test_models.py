"""The models as a command: what it prints and writes, what it refuses, and that a running world does
as they say. How near the times must be, scripts/models measures, on a machine that does nothing else."""

import csv
import io
import json
import os
import signal
import subprocess

import pytest

from mecworld import MECENTRAL, QUICK_TOPOLOGY, World, wait_until

LINK_MS = 72.0  # between the two regions, both ways

# A world in which waiting is short. Whoever compares with it must say that it is another.
QUICK_RULES = QUICK_TOPOLOGY + """\
  probe_interval: 100ms
  heartbeat_interval: 100ms
  revocation_bound: 3600ms
"""


@pytest.fixture(scope="module")
def world():
    with World(regions="us-east,eu-west") as world:
        yield world


@pytest.fixture(scope="module")
def quick_world():
    with World(topology=QUICK_RULES, regions="us-east,eu-west") as world:
        yield world


@pytest.fixture
def quick_topology(tmp_path):
    file = tmp_path / "quick.yaml"
    file.write_text(QUICK_RULES)
    return ["--topology", str(file), "--regions", "us-east,eu-west"]


def model(*arguments):
    """A model without a world."""
    return subprocess.run([MECENTRAL, "model", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                          env=dict(os.environ, NO_COLOR="1"))


# ---- what is printed, and what is refused -------------------------------------------------------

@pytest.mark.parametrize("name", ["latency", "routing", "blast-radius", "cost"])
def test_each_model_prints_json_and_csv_and_writes_a_page(name, tmp_path):
    page = tmp_path / "page.html"
    done = model(name, "--regions", "3", "--json", "--html", str(page))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["model"] == name
    assert result["parameters"]["regions"] == "3"
    assert result["assumptions"] and result["tables"]
    text = page.read_text()
    assert text.startswith("<!doctype html>") or text.startswith("<!DOCTYPE html>")
    assert "<svg" in text and "http-equiv" not in text
    assert str(page) in done.stderr

    done = model(name, "--regions", "3", "--csv")
    assert done.returncode == 0, done.stderr
    tables = {row[0] for row in csv.reader(io.StringIO(done.stdout)) if row}
    assert tables - {"table"} == {table for table, rows in result["tables"].items() if rows}


def test_parameters_of_a_file_are_printed_as_they_are_used(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("service_work: 2ms\nregions: us-east,eu-west\n")
    done = model("latency", "-f", str(file), "--gateway-work", "3ms", "--print-params")
    assert done.returncode == 0, done.stderr
    again = tmp_path / "again.yaml"
    again.write_text(done.stdout)
    parameters = json.loads(model("latency", "-f", str(again), "--json").stdout)["parameters"]
    assert parameters["service_work"] == 2000
    assert parameters["gateway_work"] == 3000
    assert parameters["regions"] == "us-east,eu-west"


REFUSED = [
    # file, words, what is said
    ("service_work: 2ms\ngateway_work: -1ms\n", ["latency"], "mine.yaml:2: gateway_work: "),
    ("service_work: .nan\n", ["latency"], "mine.yaml:1: service_work: "),
    ("service_work:\n", ["latency"], "mine.yaml:1: service_work: "),
    ("\n\nservice_wrok: 2ms\n", ["latency"], "mine.yaml:3: service_wrok: "),
    ("service_work: 2ms\nservice_work: 3ms\n", ["latency"], "mine.yaml:2: service_work: "),
    ("service_work: 2\n", ["latency"], "mine.yaml:1: service_work: "),
    ("users: {atlantis: 1M}\n", ["routing"], "mine.yaml:1: users"),
    ("roaming: 101%\n", ["blast-radius"], "mine.yaml:1: roaming: "),
    ("against_failures: us-east/vaul\n", ["blast-radius"], "mine.yaml:1: against_failures: "),
    ("", ["latency", "--service-work", "soon"], "--service-work: "),
    ("", ["latency", "--service-wrok", "2ms"], 'did you mean "--service-work"?'),
    ("", ["latncy"], 'did you mean "latency"?'),
    ("", ["latency", "--against", "dead"], '"dead" is not "live"'),
    ("", ["cost", "--against", "live"], "cost cannot be measured"),
]


@pytest.mark.parametrize("text,words,said", REFUSED)
def test_what_makes_no_sense_is_told_with_its_place(text, words, said, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    done = model(*words, *(["-f", str(file)] if text else []))
    assert done.returncode == 64, done
    assert said in done.stderr
    assert done.stdout == ""


def test_an_objective_that_is_missed_is_exit_1():
    assert model("latency", "--regions", "2", "--objective", "100ms", "--samples",
                 "500").returncode == 0
    done = model("latency", "--regions", "2", "--objective", "10ms", "--samples", "500", "--json")
    assert done.returncode == 1
    assert any("cross-region" in why for why in json.loads(done.stdout)["failed"])


def test_a_page_that_cannot_be_written_is_said(tmp_path):
    done = model("latency", "--html", str(tmp_path / "no" / "page.html"))
    assert done.returncode == 64
    assert "cannot write" in done.stderr


def test_without_a_world_there_is_nothing_to_compare_with():
    done = model("-n", "no-such-world", "latency", "--against", "live")
    assert done.returncode == 69
    assert "mecentral -n no-such-world up" in done.stderr


# ---- a running world ----------------------------------------------------------------------------

def against(world, name, *arguments, exit_code):
    done = world.cli("model", name, "--against", "live", "--json", *arguments, check=False)
    assert done.returncode == exit_code, done.stderr
    return done


def all_is_well(world):
    status = world.cli_json("status")
    return status["faults"] == [] and all(row["state"] == "serving" for row in status["processes"])


def test_latency_goes_the_ways_that_are_modelled(world):
    # Times have no bar here: other tests run beside this one. Exit 1 says only that one was missed.
    done = world.cli("model", "latency", "--against", "live", "--json", "--against-samples", "25",
                     check=False)
    assert done.returncode in (0, 1), done.stderr
    result = json.loads(done.stdout)
    assert result["parameters"]["regions"] == "us-east,eu-west"  # the world's own
    rows = {row["scenario"]: row for row in result["tables"]["against"]}
    assert list(rows) == ["local-cache-hit", "local-cache-miss", "cross-region", "edge-validation"]
    for name, row in rows.items():
        assert row["samples"] == 25
        least_ms = LINK_MS if name == "cross-region" else 1.0
        assert 0.8 * least_ms <= row["measured_us"] / 1000 <= least_ms + 150
        assert row["difference_us"] == pytest.approx(row["measured_us"] - row["modelled_us"])
        near = abs(row["difference_us"]) <= max(1000, 0.05 * row["modelled_us"])
        assert row["within"] == ("yes" if near else "no")
    assert done.returncode == (0 if all(row["within"] == "yes" for row in rows.values()) else 1)
    assert "caches of us-east are disabled" in done.stderr
    assert all_is_well(world)


def test_failures_reach_as_far_as_modelled(quick_world, quick_topology):
    # What is slower is a matter of time, too; all other kinds are not.
    done = quick_world.cli("model", "blast-radius", "--against", "live", "--json", *quick_topology,
                           "--against-failures", "us-east/vault,eu-west", check=False)
    assert done.returncode in (0, 1), done.stderr
    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    rows = result["tables"]["against"]
    assert [row["failure"] for row in rows] == ["eu-west", "eu-west", "us-east/vault"]
    assert rows[0]["after_us"] < 3.6e6 < rows[1]["after_us"]  # trust in revocations ends in between
    for row in rows:
        assert row["answers"] == 7 * 4 + 8 + 4
        assert row["within"] == ("yes" if row["difference"] <= 0.03 else "no")
    for row in result["tables"]["against_odd"]:
        assert {row["modelled"], row["measured"]} == {"fine", "slower"}, row

    shares = {(row["failure"], row["after_us"] > 3.6e6, row["of"], row["kind"]): row["measured"]
              for row in result["tables"]["against_shares"]}
    # Half of the users are at home in eu-west: their writes wait, and what is sensitive fails.
    assert shares["eu-west", False, "writes", "queued"] == pytest.approx(0.5)
    assert shares["eu-west", True, "writes", "queued"] == pytest.approx(0.5)
    assert shares["eu-west", False, "sensitive calls", "fails"] == pytest.approx(0.5)
    # Their vaults can be read from the copy, until trust has ended.
    assert ("eu-west", False, "reads", "fails") not in shares
    assert shares["eu-west", True, "reads", "fails"] == pytest.approx((12 / 2 + 3 * 3 / 4) / 79)
    assert shares["us-east/vault", False, "sensitive calls", "fails"] == pytest.approx(3 / 9 / 2)
    assert "is killed, or taken down" in done.stderr
    assert all_is_well(quick_world)
    assert quick_world.cli("verify", "--wait", "10s").returncode == 0


def test_another_world_than_the_modelled_one_is_refused(world, quick_world):
    done = against(world, "latency", "--regions", "3", exit_code=64)
    assert "its regions are us-east,eu-west, and not us-east,eu-west,ap-northeast" in done.stderr
    done = against(world, "blast-radius", "--queue-writes", "read-only", exit_code=64)
    assert "--queue-writes" in done.stderr
    done = against(quick_world, "latency", exit_code=64)
    assert "its revocation_bound is another" in done.stderr


def test_who_stops_it_leaves_the_world_whole(quick_world, quick_topology):
    """Killed regions come back on SIGINT, and the exit says that there is no result."""
    process = subprocess.Popen(
        [MECENTRAL, "-n", quick_world.name, "model", "blast-radius", "--against", "live",
         *quick_topology, "--against-failures", "eu-west"],
        env=quick_world.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: "regiond/eu-west" not in quick_world.pids, 15, "the region is killed")
    process.send_signal(signal.SIGINT)
    output, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert output == ""
    assert "start eu-west" in said and "eu-west: stopped" in said
    assert all_is_well(quick_world)


def test_the_control_plane_is_needed(world):
    world.cli("kill", "controld")
    try:
        done = against(world, "latency", exit_code=69)
        assert "start controld" in done.stderr
    finally:
        world.cli("start", "controld")

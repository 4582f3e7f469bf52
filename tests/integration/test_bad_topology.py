"""Topology files that are wrong, through the real command line: `up` says where, and starts nothing."""

import os
import subprocess

import pytest

from mecworld import MECENTRAL

# name -> (the file, what the message must hold behind the file's name)
BROKEN = {
    "nothing": (b"", [":1:", "says nothing"]),
    "not YAML": (b"seed: 1\na: [1\n", [":3:", "not YAML"]),
    "a tab": (b"regions:\n\t- name: us-east\n", [":2:", "not YAML"]),
    "not text": (bytes(range(1, 256)), [":", "not YAML"]),
    "a NUL": (b"seed: 1\n\0port: 1\n", [":"]),
    "a list": (b"- us-east\n", [":1:"]),
    "an unknown key": (b"seed: 1\nregoins:\n  - name: us-east\n",
                       [":2: regoins:", 'did you mean "regions"']),
    "an unknown key of a region": (b"regions:\n  - name: us-east\n    plaze: Berlin\n",
                                   [":3: regions[0].plaze:", 'did you mean "place"']),
    "a region twice": (b"regions:\n  - name: us-east\n  - name: us-east\n",
                       [":3: regions[1]", "twice"]),
    "a region nowhere": (b"regions:\n  - name: atlantis\n", [":2: regions[0]", "place"]),
    "no regions": (b"regions: []\n", [":1: regions"]),
    "a key twice": (b"seed: 1\nport: 0\nseed: 2\n", [":3: seed", "twice"]),
    "a port beyond the last": (b"port: 99999\n", [":1: port:", "65535"]),
    "a link to nobody": (b"links:\n  - between: [us-east, eu-wset]\n",
                         [":2: links[0].between", 'did you mean "eu-west"']),
    "a quantity without unit": (b"links:\n  - between: [us-east, eu-west]\n    rtt: 80\n",
                                [":3: links[0].rtt:", "80ms"]),
    "too much loss": (b"links:\n  - between: [us-east, eu-west]\n    loss: 95%\n",
                      [":3: links[0].loss:", "90%"]),
    "a setting that is none": (b"settings:\n  colour: red\n", [":2: settings.colour:", "unknown key"]),
    "a setting out of bounds": (b"settings:\n  token_lifetime: 20m\n",
                                [":2: settings.token_lifetime:", "600s"]),
    "a place that is none": (b"clients: [Nowhereville]\n", [":1: clients[0]", "Nowhereville"]),
    "an alias": (b"seed: &a 1\nport: *a\n", [":2:", "alias"]),
    "two documents": (b"seed: 1\n---\nseed: 2\n", [":2:", "second document"]),
}


def up(directory, path):
    environment = dict(os.environ, NO_COLOR="1", XDG_STATE_HOME=str(directory / "state"),
                       XDG_RUNTIME_DIR=str(directory / "run"))
    os.makedirs(directory / "run", mode=0o700)

    def mecentral(*arguments):
        return subprocess.run([MECENTRAL, "-n", "broken", *arguments], env=environment,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=30)

    done = mecentral("up", "-f", str(path), "--port", "0", "--detach", "--ready-file",
                     str(directory / "ready.json"))
    try:
        assert mecentral("ps").returncode == 69, "a world runs"
        assert not os.path.exists(directory / "ready.json")
        left = [os.path.join(top, name) for root in ("state", "run")
                for top, _, names in os.walk(directory / root) for name in names]
        assert not left, left
    finally:
        mecentral("down", "--purge")
    return done


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_topology_is_refused_with_file_line_and_key(tmp_path, name):
    content, wanted = BROKEN[name]
    path = tmp_path / "world.yaml"
    path.write_bytes(content)
    done = up(tmp_path, path)
    assert done.returncode == 64, done
    assert done.stdout == ""
    first = done.stderr.splitlines()[0]
    assert first.startswith("mecentral: %s:" % path), done.stderr
    for part in wanted:
        assert part in first[len("mecentral: %s" % path):], done.stderr


@pytest.mark.parametrize("name", ["missing.yaml", "", "."])
def test_a_file_that_cannot_be_read_is_refused_with_its_name(tmp_path, name):
    done = up(tmp_path, tmp_path / name if name else "")
    assert done.returncode == 64, done
    assert done.stderr.startswith("mecentral: "), done.stderr
    assert str(tmp_path / name) in done.stderr or not name, done.stderr


def test_a_good_topology_would_have_started_a_world(tmp_path):
    """The check can fail: what is asked of the broken ones is not so for a good one."""
    path = tmp_path / "world.yaml"
    path.write_bytes(b"regions:\n  - name: us-east\n")
    with pytest.raises(AssertionError, match="a world runs"):
        up(tmp_path, path)

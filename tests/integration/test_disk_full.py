"""A full disk, for real: the world lives on a small tmpfs in a mount namespace of its own."""

import os
import subprocess
import sys

import pytest

import disk_full

HERE = os.path.dirname(os.path.abspath(__file__))


def in_own_namespace(*command):
    return subprocess.run(["unshare", "-Urm", "--propagation", "private", *command],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)


def test_a_full_disk_refuses_writes_goes_on_reading_and_recovers():
    if in_own_namespace("true").returncode != 0:
        pytest.skip("this machine allows no mount namespaces")
    done = in_own_namespace(sys.executable, os.path.join(HERE, "disk_full.py"))
    assert done.returncode == 0, done.stdout
    assert disk_full.PASSED in done.stdout

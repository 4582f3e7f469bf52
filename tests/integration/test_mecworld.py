"""What the other tests lean on can fail: a bug that only a log tells of is found."""

import os

import pytest

from mecworld import World


@pytest.mark.parametrize("line", [
    "==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x1",
    "==7==ERROR: LeakSanitizer: detected memory leaks",
    "regiond/x.c:1:2: runtime error: signed integer overflow",
    "regiond: regiond/x.c:1: step: Assertion `a' failed.",
    "regiond/us-east crashed (ended by signal 11 (Segmentation fault))",
])
def test_a_world_whose_log_tells_of_a_bug_does_not_end_well(line):
    world = World(regions=1).start()
    data = world.ready["data"]
    with open(os.path.join(data, "logs", "regiond-us-east.log"), "a") as file:
        file.write(line + "\n")
    with pytest.raises(AssertionError, match="bugs in the logs"):
        world.stop()
    assert not os.path.exists(data)

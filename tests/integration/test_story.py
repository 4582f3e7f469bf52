"""The tour of scripts/demo, demanded."""

from mecworld import World
from story import Story

PROBE_INTERVAL_MS = 500


def test_the_failover_story_happens():
    with World() as world:
        measured = Story(world, say=print).tell()
    # The bounds are those of the contract with room for a busy machine; scripts/bench measures.
    assert measured["kill"]["beyond_read_ms"] < 500
    assert measured["cut"]["beyond_read_ms"] < 3 * PROBE_INTERVAL_MS + 500

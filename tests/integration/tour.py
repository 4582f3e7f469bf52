"""The tour behind scripts/demo: the failover story, narrated, on a world that stays up."""

import os
import signal
import socket
import sys
import time

from mecworld import MECENTRAL, CommandFailed, World
from story import Story, StoryFailed

BOLD, PLAIN = ("\033[1m", "\033[0m") if sys.stdout.isatty() and not os.environ.get("NO_COLOR") \
    else ("", "")


def say(text=""):
    print(BOLD + text + PLAIN if text.startswith("* ") else text, flush=True)


def stay(world):
    say()
    say("* The world is yours until Ctrl-C")
    say("  http for all     %s   (say where you are: -H 'Mec-Geo: Paris')" % world.http)
    for geo, url in world.vantage.items():
        say("  from %-12s %s" % (geo, url))
    say("  try in another terminal:")
    command = "%s -n %s" % (os.path.relpath(MECENTRAL), world.name)
    for arguments in ("status", "kill eu-west", "explain GET /v1/metadata/x --geo Paris"):
        say("    %s %s" % (command, arguments))
    try:
        signal.pause()
    except KeyboardInterrupt:
        say()


def ports_are_free(first, count):
    for port in range(first, first + count):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def main():
    ends_by_itself = "--exit" in sys.argv[1:] or not sys.stdout.isatty()
    # The tour's narration is for whoever watches; its world is in the way of no other.
    world = World(name="demo", port=8080 if ports_are_free(8080, 6) else 0)
    start = time.monotonic()
    try:
        world.start()
        say("* A world of %d regions runs" % len(world.vantage))
        say("  %d processes serve, %.0f ms after `mecentral up`" % (
            len(world.ready["pids"]), (time.monotonic() - start) * 1000))
        Story(world, say).tell()
        say()
        say("* That was the tour: every step happened")
        if not ends_by_itself:
            stay(world)
        return 0
    except (StoryFailed, CommandFailed, AssertionError) as error:
        print("\nThe tour failed: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        world.stop()


if __name__ == "__main__":
    sys.exit(main())

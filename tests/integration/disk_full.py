"""The body of test_disk_full.py: run by it inside a mount namespace, as that namespace's root.

Every region of these worlds has a small disk of its own, so that one can be full while the others
have room.
"""

import contextlib
import os
import subprocess
import tempfile
import time

from mecworld import MECENTRAL, World, wait_until

PASSED = "full disk: all as it should be"
LARGE = "x" * 60000


def fill(directory):
    """Take every byte that is left; returns the file that holds them."""
    path = os.path.join(directory, "filler")
    with open(path, "wb", buffering=0) as file:
        block = b"\0" * 65536
        while block:
            try:
                file.write(block)
            except OSError:
                block = block[:len(block) // 2]
    return path


@contextlib.contextmanager
def mounted(directory, size):
    os.makedirs(directory, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,size=" + size, "tmpfs", directory],
                   check=True)
    try:
        yield directory
    finally:
        subprocess.run(["umount", "-l", directory], check=False)


class SmallDisks:
    """A world of @regions whose disks hold a few MiB each."""

    def __init__(self, regions):
        self.regions = regions
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        data = os.path.join(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="mec-disk-")),
                            "world")
        self.disks = {region: self.stack.enter_context(
            mounted(os.path.join(data, "regiond", region), "16m")) for region in self.regions}
        self.world = self.stack.enter_context(
            World(regions=",".join(self.regions), data=data))
        self.pids = self.world.pids
        return self

    def __exit__(self, *error):
        return self.stack.__exit__(*error)

    def fill(self, region):
        self.filler = fill(self.disks[region])

    def make_room(self):
        os.unlink(self.filler)

    def status(self, region):
        return next(row for row in self.world.cli_json("status")["regions"] if row["name"] == region)

    def verify(self):
        done = self.world.cli("verify", "--wait", "20s", check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def all_live(self):
        """The very processes that were started: none has stopped over its disk."""
        assert self.world.pids == self.pids, (self.pids, self.world.pids)
        assert all(row["state"] == "serving" for row in self.world.cli_json("ps")["processes"])


def statuses_until(ask, wanted, what):
    """Ask again and again until an answer is @wanted; returns all that came."""
    answers = []

    def once():
        answers.append(ask())
        return wanted(answers[-1])

    wait_until(once, 20, what)
    return answers


def home_takes_a_write(client):
    """Not asked too often: while a write of the user's waits in a queue, the next one joins it."""
    time.sleep(1)
    return client.put("after", "room again").status in (201, 204)


def a_full_home_sends_writes_to_the_queue():
    with SmallDisks(("us-east", "eu-west")) as disks:
        world = disks.world
        client = world.client("us-east")
        client.sign_up("of-the-full")
        other = world.client("eu-west")
        other.sign_up("of-the-other")
        assert client.put("before", "kept").status == 201
        disks.fill("us-east")

        # SQLite may still have room in pages it owns; soon it has not.
        answers = statuses_until(lambda: client.put("large", LARGE), lambda a: a.status == 202,
                                 "a write is queued elsewhere")
        assert all(a.status in (201, 204) or (a.status == 507 and a.problem == "disk-full")
                   for a in answers[:-1]), answers
        assert any(a.status == 507 for a in answers), "the disk was never full: %r" % answers
        assert answers[-1].region == "eu-west", answers[-1]
        receipt = answers[-1].json["receipt"]
        refused = client.request("POST", "/v1/users", {"name": "late", "password": "long enough"})
        assert refused.status in (503, 507), refused

        for consistency in ("session", "strong"):
            read = client.get("before", Mec_Consistency=consistency)
            assert read.status == 200 and read.body == b"kept", read
            assert read.region == "us-east", read

        # What it follows cannot be applied there, and that hurts nobody but its own copy.
        for number in range(100):
            assert other.put("fill-%d" % number, LARGE[:10000]).status == 201
        assert other.get("fill-99").region == "eu-west"
        reader = world.client("us-east")
        reader.token = other.token
        wait_until(lambda: int(reader.get("fill-0", Mec_Consistency="stale-ok").headers.get(
            "Mec-Staleness-Ms", "0").replace("unknown", "99999")) > 1000, 20, "the copy gets stale")
        reader.bookmark = other.bookmark
        read = reader.get("fill-99")
        assert read.status == 200 and read.region == "eu-west", "behind the bookmark: %r" % read
        assert world.cli("verify", check=False).returncode == 1, "the copies are still equal"
        disks.all_live()

        disks.make_room()
        wait_until(lambda: client.request("GET", "/v1/receipts/" + receipt).json["state"] == "applied",
                   20, "the queued write is applied")
        wait_until(lambda: home_takes_a_write(client), 20, "writes are taken again")
        disks.verify()
        reader.bookmark = other.bookmark
        assert reader.get("fill-99").region == "us-east", "caught up, and read nearby again"
        disks.all_live()


def a_full_queue_refuses_and_says_why():
    with SmallDisks(("us-east", "eu-west")) as disks:
        world = disks.world
        client = world.client("us-east")
        client.sign_up("without-a-home")
        assert client.put("before", "kept").status == 201
        disks.verify()
        world.cli("kill", "us-east")
        wait_until(lambda: client.put("queued", "early").status == 202, 10, "a write is queued")
        disks.fill("eu-west")
        answers = statuses_until(lambda: client.put("large", LARGE), lambda a: a.status == 503,
                                 "the router knows that nobody takes writes")
        # Behind the earlier ones or not at all.
        assert answers[-1].problem in ("queue-unreachable", "no-region"), answers[-1]
        assert all(a.status == 202 or (a.status == 507 and a.problem == "disk-full")
                   for a in answers[:-1]), answers
        assert any(a.status == 507 for a in answers), answers
        accepted = [a.json["receipt"] for a in answers if a.status == 202]
        read = client.get("before")
        assert read.status == 200 and read.body == b"kept" and read.region == "eu-west", read

        disks.make_room()
        queued = wait_until(lambda: next(iter(a for a in [client.put("last", "late")]
                                              if a.status == 202), None), 20, "writes are queued again")
        world.cli("start", "us-east")
        for receipt in accepted + [queued.json["receipt"]]:
            wait_until(lambda: client.request("GET", "/v1/receipts/" + receipt).json["state"]
                       == "applied", 20, receipt + " is applied")
        disks.verify()
        disks.pids = dict(disks.pids, **{name: pid for name, pid in world.pids.items()
                                         if name.endswith("/us-east")})
        disks.all_live()


def one_that_starts_on_a_full_disk_serves_once_there_is_room():
    with SmallDisks(("us-east", "eu-west")) as disks:
        world = disks.world
        client = world.client("us-east")
        client.sign_up("early-riser")
        assert client.put("before", "kept").status == 201
        disks.verify()
        world.cli("kill", "us-east")
        disks.fill("us-east")
        done = world.cli("start", "us-east", check=False)
        if done.returncode != 0:
            assert done.returncode == 70 and "space" in done.stderr, done.stderr
        # Others do not mind.
        read = client.get("before")
        assert read.status == 200 and read.body == b"kept", read
        disks.make_room()
        world.cli("start", "us-east", check=False)
        wait_until(lambda: client.get("before", Mec_Consistency="strong").status == 200, 20,
                   "the home serves")
        wait_until(lambda: home_takes_a_write(client), 20, "it takes writes")
        disks.verify()


def up_says_which_and_why():
    with tempfile.TemporaryDirectory(prefix="mec-disk-") as top, \
            mounted(os.path.join(top, "disk"), "1m") as directory:
        fill(directory)
        done = subprocess.run([MECENTRAL, "-n", "full", "up", "--detach", "--port", "0", "--data",
                               os.path.join(directory, "full")], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
        assert done.returncode == 70, (done.returncode, done.stderr)
        assert "full" in done.stderr and "space" in done.stderr.lower(), done.stderr


def main():
    a_full_home_sends_writes_to_the_queue()
    a_full_queue_refuses_and_says_why()
    one_that_starts_on_a_full_disk_serves_once_there_is_room()
    up_says_which_and_why()
    print(PASSED)


if __name__ == "__main__":
    main()

"""The body of test_disk_full.py: run by it inside a mount namespace, as that namespace's root."""

import os
import subprocess
import tempfile

from mecworld import MECENTRAL, QUICK_TOPOLOGY, World, wait_until

PASSED = "full disk: all as it should be"


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


def a_running_region_survives(directory):
    with World(regions=2, topology=QUICK_TOPOLOGY, data=os.path.join(directory, "world")) as world:
        client = world.client("us-east")
        client.sign_up("disk-user")
        assert client.put("before", "kept").status == 201
        filler = fill(directory)

        # SQLite may still have room in pages it owns; soon it has not.
        def refused():
            answer = client.put("large", "x" * 60000)
            assert answer.status in (200, 201, 204, 202, 503, 507), answer
            return answer if answer.status in (503, 507) else None

        answer = wait_until(refused, 20, "a write is refused")
        assert answer.problem in ("disk-full", "overloaded", "home-unavailable"), answer
        read = client.get("before")
        assert read.status == 200 and read.body == b"kept", read
        strong = client.get("before", Mec_Consistency="strong")
        assert strong.status == 200, strong
        assert all(row["state"] == "serving" for row in world.cli_json("ps")["processes"])

        os.unlink(filler)
        wait_until(lambda: client.put("after", "room again").status in (200, 201, 204), 20,
                   "writes are taken again")
        done = world.cli("verify", "--wait", "20s", check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def up_says_which_and_why(directory):
    filler = fill(directory)
    done = subprocess.run([MECENTRAL, "-n", "full", "up", "--detach", "--port", "0", "--data",
                           os.path.join(directory, "full")], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60)
    os.unlink(filler)
    assert done.returncode == 70, (done.returncode, done.stderr)
    assert "full" in done.stderr and "space" in done.stderr.lower(), done.stderr


def main():
    directory = tempfile.mkdtemp(prefix="mec-disk-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", directory], check=True)
    try:
        a_running_region_survives(directory)
        up_says_which_and_why(directory)
    finally:
        subprocess.run(["umount", "-l", directory], check=False)
        os.rmdir(directory)
    print(PASSED)


if __name__ == "__main__":
    main()

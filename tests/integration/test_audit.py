"""Somebody tampers with the audit chains of stopped regions: `mecentral audit verify` names it."""

import glob
import os
import sqlite3

from mecworld import World, wait_until

WRITES = 8


def database(world, region, chain):
    pattern = os.path.join(world.ready["data"], "**", region, chain + ".db")
    found = [path for path in glob.glob(pattern, recursive=True) if "regiond" in path] or \
        glob.glob(pattern, recursive=True)
    assert len(found) == 1, found
    return found[0]


def execute(world, region, chain, *statements):
    with sqlite3.connect(database(world, region, chain)) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def edit(world, region, chain, n):
    """What was written there was read, says the entry now."""
    connection = sqlite3.connect(database(world, region, chain))
    (entry,), = connection.execute("SELECT bytes FROM audit WHERE n=?", (n,)).fetchall()
    assert b"metadata.put" in entry
    connection.execute("UPDATE audit SET bytes=? WHERE n=?",
                       (entry.replace(b"metadata.put", b"metadata.get"), n))
    connection.commit()
    connection.close()


def chains(report):
    return {(region["region"], chain["chain"]): chain
            for region in report["regions"] for chain in region["chains"]}


def heads_on_disk(world, keeper, of):
    connection = sqlite3.connect("file:%s?mode=ro" % database(world, keeper, "queue"), uri=True)
    rows = connection.execute("SELECT n FROM audit_heads WHERE region=? AND chain=?",
                              (of, "shard-" + of)).fetchall()
    connection.close()
    return max((n for n, in rows), default=0)


def write_and_wait(world, regions):
    """Everybody writes something, and everybody else has its signed heads on disk."""
    for region in regions:
        client = world.client(region)
        client.sign_up("ann-" + region)
        for i in range(WRITES):
            assert client.put("k%d" % i, "value").status in (201, 204)
        client.close()
    ends = {region: chain["n"] for (region, name), chain
            in chains(world.cli_json("audit", "verify")).items() if name == "shard-" + region}
    wait_until(lambda: all(heads_on_disk(world, keeper, of) == ends[of]
                           for keeper in regions for of in regions if keeper != of),
               10, "all heads are kept")
    return ends


def log_in(client, name):
    try:
        return client.log_in(name)
    except AssertionError:
        return None


def verify(world, *arguments):
    done = world.cli("audit", "verify", *arguments, check=False)
    return done.returncode, done.stdout + done.stderr


def test_what_is_tampered_with_is_named():
    with World(regions=3) as world:
        regions = sorted(world.vantage)
        cut, edited, swapped = regions
        ends = write_and_wait(world, regions)
        code, text = verify(world)
        assert code == 0 and text.count("sound") >= 3, text

        world.cli("stop", *("regiond/" + region for region in regions))
        execute(world, cut, "shard-" + cut,
                "DELETE FROM audit WHERE n > %d" % (ends[cut] - 3))
        edit(world, edited, "shard-" + edited, 5)
        execute(world, swapped, "shard-" + swapped, "UPDATE audit SET n = -4 WHERE n = 4",
                "UPDATE audit SET n = 4 WHERE n = 6", "UPDATE audit SET n = 6 WHERE n = -4")
        world.cli("start", *("regiond/" + region for region in regions))

        code, text = verify(world)
        assert code == 1, text
        found = [line.split(": ", 1) for line in text.splitlines() if ": " in line]
        named = {where: [what for at, what in found if at == where] for where, _ in found}
        assert any(what.startswith("cut off: it ends at entry %d" % (ends[cut] - 3)) and
                   what.endswith("entry %d" % ends[cut])
                   for what in named["%s shard-%s" % (cut, cut)]), text
        assert named["%s shard-%s" % (edited, edited)] == ["entry 5 has been edited"], text
        assert named["%s shard-%s" % (swapped, swapped)][:2] == [
            "reordered: entry 6 stands where entry 4 belongs",
            "reordered: entry 4 stands where entry 6 belongs"], text

        # The same for programs, and of one region alone.
        report = world.cli_json("audit", "verify", edited, check=False)
        assert [(row["region"], row["chain"], row["fault"], row["entry"])
                for row in report["findings"]] == [(edited, "shard-" + edited, "edited", 5)]
        assert not report["sound"] and report["checked"]
        assert [row["region"] for row in report["regions"]] == [edited]

        # Whoever goes on from where the end was cut off has another story than was signed.
        client = world.client(cut)
        wait_until(lambda: log_in(client, "ann-" + cut), 10, "the router has found %s again" % cut)
        for i in range(WRITES):
            assert client.put("more%d" % i, "value").status == 201
        client.close()
        code, text = verify(world, cut)
        assert code == 1 and "rewritten: entry %d is not the one" % ends[cut] in text, text

        # Silence is no proof.
        world.cli("kill", "regiond/" + swapped)
        code, text = verify(world, swapped)
        assert code == 2 and "no answer" in text, text
        assert verify(world, "nowhere")[0] == 64

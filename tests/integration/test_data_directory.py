"""A data directory that cannot be used: `up` says which, and why, and leaves nothing running."""

import os
import subprocess
import tempfile

from mecworld import MECENTRAL


def up(data, name="bad-data"):
    with tempfile.TemporaryDirectory(prefix="mec-") as directory:
        environment = dict(os.environ, XDG_STATE_HOME=directory, XDG_RUNTIME_DIR=directory)
        return subprocess.run([MECENTRAL, "-n", name, "up", "--detach", "--port", "0", "--data", data],
                              env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)


def test_a_data_directory_below_a_file_is_refused_with_its_path():
    with tempfile.NamedTemporaryFile() as file:
        done = up(file.name + "/world")
        assert done.returncode == 70, done
        assert file.name in done.stderr, done.stderr


def test_a_data_directory_that_takes_no_files_is_refused_with_its_path():
    # /proc takes no new entries, whoever asks, root too.
    done = up("/proc/mecentral-world")
    assert done.returncode == 70, done
    assert "/proc/mecentral-world" in done.stderr, done.stderr

"""Bad frames close their own connection and nothing else."""

import pytest

import bad_frames


def processes(world):
    return sorted(name for name in world.sockets
                  if name == "controld" or name.startswith("regiond/"))


def test_there_are_a_hundred_ways_to_be_wrong():
    for name in ("controld", "regiond/us-east"):
        cases = bad_frames.cases_for(name)
        assert len(cases) >= 100
        assert len({case for case, _, _ in cases}) == len(cases)
        assert sum(1 for _, _, wanted in cases if wanted == bad_frames.CLOSED) >= 70


def test_bad_frames_close_their_connection_and_the_process_goes_on(world):
    before = world.pids
    assert len(processes(world)) >= 2, world.sockets
    sockets = {name: world.sockets[name] for name in processes(world)}
    assert bad_frames.run(sockets) >= 100 * len(sockets)
    assert world.pids == before


def test_clients_are_served_as_before(world):
    client = world.client()
    client.sign_up("after-the-storm")
    assert client.put("k", "v").status in (200, 201)
    assert client.get("k").body == b"v"


def test_a_process_that_took_a_bad_frame_silently_would_be_found(tmp_path):
    """The check can fail: a server that never closes is noticed."""
    import socket
    import threading

    path = str(tmp_path / "lax.sock")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(path)
    server.listen()

    def answer(connection):
        try:
            while True:
                kind, call_id, body = bad_frames.read_frame(connection)
                if kind == bad_frames.PING:
                    connection.sendall(bad_frames.frame(bad_frames.PONG, call_id, body))
        except (OSError, MemoryError):
            hanging.append(connection)

    def accept():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    hanging = []
    threading.Thread(target=accept, daemon=True).start()
    timeout_s = bad_frames.TIMEOUT_S
    bad_frames.TIMEOUT_S = 0.3
    try:
        with pytest.raises(AssertionError, match="was left open"):
            bad_frames.run({"regiond/lax": path})
    finally:
        bad_frames.TIMEOUT_S = timeout_s
        server.close()

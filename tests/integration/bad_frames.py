"""Frames that break the protocol, thrown at the Unix sockets of running processes.

Each case is sent on a connection of its own. A frame that is bad by common/frame.h, unreadable, or
not for that process must close that connection; one that is only incomplete or strange may wait or
be answered. Whatever comes, the process goes on answering valid questions, on a connection that
stood all the while and on new ones.

    python3 bad_frames.py NAME=SOCKET ...        e.g. regiond/us-east=/run/.../us-east.sock
"""

import random
import socket
import struct
import sys

SEED = 20261123
TIMEOUT_S = 10
HEADER_SIZE = 13
LENGTH_MIN, LENGTH_MAX = 9, 1024 * 1024

CALL, ANSWER, PING, PONG, QUEUE_LIST_ASK, QUEUE_LIST = range(1, 7)
TAIL_ASK, FETCH_ASK, TAIL, APPLY, APPLIED = range(7, 12)
HELLO, CONFIG, STATUS_ASK, EXPLAIN_ASK, STATUS = range(20, 25)
CONTROL_ASK, CONTROL_REPLY = 30, 31
KINDS = {CALL, ANSWER, PING, PONG, QUEUE_LIST_ASK, QUEUE_LIST, TAIL_ASK, FETCH_ASK, TAIL, APPLY,
         APPLIED, HELLO, CONFIG, STATUS_ASK, EXPLAIN_ASK, STATUS, CONTROL_ASK, CONTROL_REPLY}

CLOSED = "must be closed"
ANY = "may be closed, answered or left to wait"

# ---- making frames ----------------------------------------------------------------------------


def varint(number):
    out = bytearray()
    while number > 0x7f:
        out.append(number & 0x7f | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_field(field, number):
    return varint(field << 3) + varint(number)


def bytes_field(field, data):
    if isinstance(data, str):
        data = data.encode()
    return varint(field << 3 | 2) + varint(len(data)) + data


def frame(kind, call_id=1, body=b"", length=None):
    if length is None:
        length = LENGTH_MIN + len(body)
    return struct.pack(">IBQ", length, kind, call_id) + body


def ping(nonce):
    return frame(PING, nonce, number_field(1, nonce))


def control_ask(call_id, command, arguments="{}"):
    return frame(CONTROL_ASK, call_id, bytes_field(1, command) + bytes_field(2, arguments))


def judge(data):
    """What common/frame.h says of the front of a stream: CLOSED when it is bad, else ANY."""
    if len(data) < 4:
        return ANY
    length = struct.unpack(">I", data[:4])[0]
    if not LENGTH_MIN <= length <= LENGTH_MAX:
        return CLOSED
    if len(data) > 4 and data[4] not in KINDS:
        return CLOSED
    return ANY


# ---- the cases: (name, bytes, what must happen) -----------------------------------------------

# One body for each way in which bytes are no protobuf message.
UNREADABLE = [
    ("a tag without end", b"\xff" * 12),
    ("a length beyond the end", b"\x0a\x7f" + b"x" * 5),
    ("a length of 4 GiB", b"\x0a\xff\xff\xff\xff\x0f"),
    ("half a varint", b"\x08\x80"),
    ("half a fixed64", b"\x09\x01\x02"),
    ("field number 0", b"\x00\x01"),
    ("a wire type that is none", b"\x0f\x01"),
]


def bad_lengths():
    for length in (0, 1, 4, 8, LENGTH_MAX + 1, LENGTH_MAX * 2, 2**31 - 1, 2**31, 2**32 - 1):
        yield "length %d" % length, frame(PING, 1, b"\x08\x01", length), CLOSED
    yield "length 0 and nothing more", b"\0\0\0\0", CLOSED
    yield "an endless run of zeroes", b"\0" * 4096, CLOSED
    yield "an endless run of ones", b"\xff" * 4096, CLOSED
    yield "an HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", CLOSED
    yield "a TLS hello", bytes.fromhex("16030100f8010000f40303") + b"\x11" * 200, CLOSED


def unknown_kinds():
    for kind in sorted(set(range(256)) - KINDS)[::9]:
        yield "kind %d" % kind, frame(kind, 1, b"\x08\x01"), CLOSED


def incomplete():
    yield "nothing at all", b"", ANY
    for size in (1, 3, 4, 5, 12, HEADER_SIZE, HEADER_SIZE + 1):
        yield "the first %d bytes of a ping" % size, ping(2**40)[:size], ANY
    yield "the largest frame's header alone", frame(PING, 1, b"", LENGTH_MAX), ANY
    yield "half of the largest frame", frame(PING, 1, b"\0" * (LENGTH_MAX // 2), LENGTH_MAX), ANY


def wrong_direction(kinds):
    for kind in kinds:
        yield "kind %d, which is not for it, empty" % kind, frame(kind), CLOSED
        yield "kind %d, which is not for it, full" % kind, frame(kind, 7, number_field(1, 9)), CLOSED


def unreadable(kinds):
    for kind in kinds:
        for name, body in UNREADABLE:
            yield "kind %d with %s" % (kind, name), frame(kind, 3, body), CLOSED


def noise(luck):
    for number in range(20):
        data = luck.randbytes(luck.randint(5, 3000))
        yield "noise %d" % number, data, judge(data)
    for number in range(20):
        kind = luck.choice(sorted(KINDS))
        data = frame(kind, luck.getrandbits(64), luck.randbytes(luck.randint(0, 400)))
        yield "noise %d in a frame of kind %d" % (number, kind), data, ANY
    for number in range(10):
        data = bytearray(ping(luck.getrandbits(32)))
        data[luck.randrange(5)] ^= 1 << luck.randrange(8)
        yield "a ping with a bit flipped, %d" % number, bytes(data), judge(data)


def after_a_good_one(good):
    yield "a good frame, then a bad length", good + frame(PING, 1, b"", 3), CLOSED
    yield "a good frame, then an unknown kind", good + frame(99), CLOSED
    yield "a thousand good frames, then a bad one", good * 1000 + b"\0\0\0\0", CLOSED


def huge_for_regiond():
    filler = bytes_field(11, b"z" * (LENGTH_MAX - LENGTH_MIN - 4))
    yield "the largest call there can be", frame(CALL, 5, filler), ANY
    yield "the largest ping there can be", frame(PING, 5, bytes_field(
        99, b"z" * (LENGTH_MAX - LENGTH_MIN - 6))), ANY
    yield "a call with 100,000 positions", frame(CALL, 5, bytes_field(16, b"") * 100000), ANY


def hostile_for_regiond():
    """Readable, and nonsense: answered somehow, and harmless."""
    digest, change = bytes_field(3, b"\0" * 32), bytes_field(2, b"garbage")
    stored = number_field(1, 2**64 - 1) + change + digest
    yield "a tail of no shard", frame(TAIL_ASK, 1), ANY
    yield "a tail behind the end of time", frame(TAIL_ASK, 1, bytes_field(1, "us-east") + number_field(
        2, 2**64 - 1)), ANY
    yield "a fetch of everything", frame(FETCH_ASK, 1, bytes_field(1, "us-east") + number_field(
        3, 2**32 - 1) + number_field(4, 2**32 - 1)), ANY
    yield "a fetch behind the end of time", frame(FETCH_ASK, 1, bytes_field(
        1, "us-east") + number_field(2, 2**63)), ANY
    yield "changes for no shard", frame(APPLY, 1, bytes_field(1, "nowhere") + bytes_field(
        7, stored)), ANY
    yield "changes of epoch 0 out of order", frame(APPLY, 1, bytes_field(1, "us-east") + bytes_field(
        7, stored) * 3), ANY
    yield "a change without a digest", frame(APPLY, 1, bytes_field(1, "us-east") + bytes_field(
        7, number_field(1, 1))), ANY
    yield "a call of operation 0", frame(CALL, 1), ANY
    yield "a call of operation 4,000,000", frame(CALL, 1, number_field(1, 4000000)), ANY
    yield "a call in mode 77", frame(CALL, 1, number_field(1, 5) + number_field(2, 77)), ANY
    yield "a call with a token of noise", frame(CALL, 1, number_field(1, 4) + bytes_field(
        4, b"\xff\x00." * 500) + bytes_field(7, "k")), ANY
    yield "a key that is no text", frame(CALL, 1, number_field(1, 4) + bytes_field(
        7, b"\xc0\x80\xff")), ANY
    yield "the queue behind the end of time", frame(QUEUE_LIST_ASK, 1, number_field(
        1, 2**64 - 1)), ANY


def hostile_for_controld():
    yield "arguments that are no JSON", control_ask(1, "ps", "{"), CLOSED
    yield "arguments that are no object", control_ask(1, "ps", "[1]"), CLOSED
    yield "arguments nested too deep", control_ask(1, "ps", "[" * 100000), CLOSED
    yield "no arguments", frame(CONTROL_ASK, 1, bytes_field(1, "ps")), CLOSED
    yield "a command that is none", control_ask(1, "format-c"), ANY
    yield "a command without a name", control_ask(1, ""), ANY
    yield "arguments of no command", control_ask(1, "ps", '{"\\u0000": null}'), ANY
    yield "arguments of every type", control_ask(1, "kill", '{"name": {"name": [1e400]}}'), ANY
    yield "hello from nobody", frame(HELLO, 0, bytes_field(1, "nobody") + number_field(2, 1)), CLOSED
    yield "hello without a name", frame(HELLO), CLOSED
    yield "hello of a process that is not", frame(HELLO, 0, bytes_field(
        1, "regiond/atlantis") + number_field(2, 2**31)), CLOSED
    yield "the status of a stranger", frame(STATUS, 1, bytes_field(1, "{")), ANY


def cases_for(name):
    """Every case for the process @name; the same ones in every run."""
    luck = random.Random(SEED)
    all_cases = [*bad_lengths(), *unknown_kinds(), *incomplete(), *noise(luck)]
    if name == "controld":
        all_cases += wrong_direction(sorted(KINDS - {HELLO, STATUS, CONTROL_ASK}))
        all_cases += unreadable([HELLO, CONTROL_ASK])
        all_cases += hostile_for_controld()
        all_cases += after_a_good_one(control_ask(9, "ps"))
    else:
        asked = [CALL, PING, QUEUE_LIST_ASK, TAIL_ASK, FETCH_ASK, APPLY]
        all_cases += wrong_direction(sorted(KINDS - set(asked)))
        all_cases += unreadable(asked)
        all_cases += huge_for_regiond()
        all_cases += hostile_for_regiond()
        all_cases += after_a_good_one(ping(9))
    return all_cases


# ---- throwing them ----------------------------------------------------------------------------


def connect(path):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(TIMEOUT_S)
    connection.connect(path)
    return connection


def send(connection, data):
    """Send what it takes: it may close before it has read all."""
    try:
        connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError):
        pass


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("closed")
        data += more
    return data


def read_frame(connection):
    length, kind, call_id = struct.unpack(">IBQ", read_exactly(connection, HEADER_SIZE))
    return kind, call_id, read_exactly(connection, length - LENGTH_MIN)


def is_closed(connection):
    """Read until the other side closes; False when it does not."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
    except socket.timeout:
        return False
    return True


def ask(connection, name, number):
    """A valid question must get its answer."""
    if name == "controld":
        connection.sendall(control_ask(number, "ps"))
        while True:  # a new controld connection may be told other things first
            kind, call_id, _ = read_frame(connection)
            if (kind, call_id) == (CONTROL_REPLY, number):
                return
    connection.sendall(ping(number))
    kind, call_id, body = read_frame(connection)
    assert (kind, call_id) == (PONG, number), (kind, call_id)
    assert body.startswith(number_field(1, number)), body


def throw(path, name, case, data, wanted, steady, number):
    with connect(path) as connection:
        send(connection, data)
        if wanted == CLOSED:
            assert is_closed(connection), "%s: %s: was left open" % (name, case)
    try:
        ask(steady, name, number)
    except (OSError, AssertionError) as error:
        raise AssertionError("%s: after '%s' it does not answer others: %r" %
                             (name, case, error)) from error


def throw_in_drops(path, name):
    """A bad frame is bad however it is cut."""
    with connect(path) as connection:
        for byte in frame(PING, 1, b"\xff" * 12):
            send(connection, bytes([byte]))
        assert is_closed(connection), "%s: a bad frame in drops was left open" % name


def hold_many(path, name, steady):
    """A hundred who each begin the largest frame and then say nothing hold nobody up."""
    held = [connect(path) for _ in range(100)]
    try:
        for connection in held:
            send(connection, frame(PING, 1, b"\0" * 1000, LENGTH_MAX))
        ask(steady, name, 1)
        with connect(path) as fresh:
            ask(fresh, name, 2)
    finally:
        for connection in held:
            connection.close()


def run(socket_paths):
    """Throw every case at each of @socket_paths ({process name: path}); only regiond and controld
    listen. Returns how many were thrown. Raises AssertionError at the first that does harm."""
    count = 0
    for name, path in sorted(socket_paths.items()):
        if name != "controld" and not name.startswith("regiond/"):
            continue
        with connect(path) as steady:
            ask(steady, name, 1)
            for number, (case, data, wanted) in enumerate(cases_for(name), 2):
                throw(path, name, case, data, wanted, steady, number)
                count += 1
            if name != "controld":
                throw_in_drops(path, name)
            hold_many(path, name, steady)
        with connect(path) as fresh:
            ask(fresh, name, 3)
    return count


if __name__ == "__main__":
    print("%d bad frames thrown, all stand" %
          run(dict(argument.split("=", 1) for argument in sys.argv[1:])))

"""Malformed and hostile HTTP against a routerd, as a table: what is sent, what must come back.

Standard library only. `run(host, port)` raises AssertionError with everything that went wrong.
"""

import random
import re
import socket
import threading
import time

HOST = b"Host: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\n"
OK = GET + HOST + b"\r\n"
PUT = b"PUT /v1/metadata/k HTTP/1.1\r\n" + HOST
CHUNKED = PUT + b"Transfer-Encoding: chunked\r\n\r\n"
PATIENCE_S = 15

STAYS, CLOSES = False, True


def header(*lines):
    return GET + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def put(*lines, body=b""):
    return PUT + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


# name, bytes, the statuses that come back in order, does the connection end then
CASES = [
    # sound, if odd
    ("plain", OK, [200], STAYS),
    ("pipelined", OK * 5, [200] * 5, STAYS),
    ("pipelined, 200", OK * 200, [200] * 200, STAYS),
    ("empty lines first", b"\r\n\r\n" + OK, [200], STAYS),
    ("absolute target", b"GET http://localhost/healthz HTTP/1.1\r\n" + HOST + b"\r\n", [200],
     STAYS),
    ("empty host", GET + b"Host:\r\n\r\n", [200], STAYS),
    ("HTTP/1.0", b"GET /healthz HTTP/1.0\r\n\r\n", [200], CLOSES),
    ("HTTP/1.0 kept", b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", [200], STAYS),
    ("close", header(b"Connection: close"), [200], CLOSES),
    ("close among others", header(b"Connection: foo, close"), [200], CLOSES),
    ("nothing behind close", header(b"Connection: close") + OK, [200], CLOSES),
    ("upgrade without connection", header(b"Upgrade: h2c"), [200], STAYS),
    ("unknown fields twice", header(b"X-A: 1", b"X-A: 2"), [200], STAYS),
    ("latin-1 in an unknown field", header(b"X-A: caf\xe9"), [200], STAYS),
    ("99 fields more", header(*[b"X-%d: y" % i for i in range(99)]), [200], STAYS),
    ("16 KiB of header", header(b"X: " + b"a" * 16000), [200], STAYS),
    ("8,000 bytes of path", b"GET /" + b"a" * 8000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", [404],
     STAYS),
    ("method that is no route's", b"PATCH /healthz HTTP/1.1\r\n" + HOST + b"\r\n", [405], STAYS),
    ("trace", b"TRACE /healthz HTTP/1.1\r\n" + HOST + b"\r\n", [405], STAYS),
    ("options of everything", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", [404], STAYS),
    ("no such path", b"GET /nowhere HTTP/1.1\r\n" + HOST + b"\r\n", [404], STAYS),
    ("dots in the path", b"GET /v1/../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", [404], STAYS),
    ("write without token", put(b"Content-Length: 1", body=b"x"), [401], STAYS),
    ("token of nonsense", put(b"Authorization: Bearer nonsense", b"Content-Length: 1", body=b"x"),
     [401], STAYS),
    ("token without scheme", put(b"Authorization: nonsense", b"Content-Length: 1", body=b"x"),
     [401], STAYS),
    ("chunked write without token", CHUNKED + b"1\r\nx\r\n0\r\n\r\n", [401], STAYS),
    ("chunk extension", CHUNKED + b"1;a=b\r\nx\r\n0\r\n\r\n", [401], STAYS),
    ("trailer", CHUNKED + b"1\r\nx\r\n0\r\nX-A: b\r\n\r\n", [401], STAYS),
    ("two bodies", put(b"Content-Length: 1", body=b"x") + CHUNKED + b"0\r\n\r\n" + OK,
     [401, 401, 200], STAYS),
    ("bad geo", b"GET /v1/whoami HTTP/1.1\r\n" + HOST + b"Mec-Geo: nowhere at all\r\n\r\n",
     [400, 401], STAYS),
    # request line
    ("nothing but garbage", b"garbage\r\n\r\n", [501], CLOSES),
    ("TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32, [501], CLOSES),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", [400, 501], CLOSES),
    ("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], CLOSES),
    ("unknown method", b"BREW /healthz HTTP/1.1\r\n" + HOST + b"\r\n", [501], CLOSES),
    ("method in lower case", b"get /healthz HTTP/1.1\r\n" + HOST + b"\r\n", [501], CLOSES),
    ("connect", b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n", [501], CLOSES),
    ("upgrade", header(b"Connection: Upgrade", b"Upgrade: websocket"), [501], CLOSES),
    ("upgrade to HTTP/2", header(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                                 b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"), [501], CLOSES),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n", [400, 505], CLOSES),
    ("HTTP/0.9 by name", b"GET /healthz HTTP/0.9\r\n" + HOST + b"\r\n", [505], CLOSES),
    ("HTTP/1.2", b"GET /healthz HTTP/1.2\r\n" + HOST + b"\r\n", [505], CLOSES),
    ("HTTP/2.0", b"GET /healthz HTTP/2.0\r\n" + HOST + b"\r\n", [505], CLOSES),
    ("HTTP/11", b"GET /healthz HTTP/11\r\n" + HOST + b"\r\n", [505], CLOSES),
    ("HTTP/1.10", b"GET /healthz HTTP/1.10\r\n" + HOST + b"\r\n", [400, 505], CLOSES),
    ("version in lower case", b"GET /healthz http/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("another protocol", b"GET /healthz ICY/1.1\r\n" + HOST + b"\r\n", [400, 501], CLOSES),
    ("two spaces", b"GET  /healthz HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("two spaces behind", b"GET /healthz  HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("space at the end", b"GET /healthz HTTP/1.1 \r\n" + HOST + b"\r\n", [400, 505], CLOSES),
    ("space in front", b" GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", [400, 501], CLOSES),
    ("tabs", b"GET\t/healthz\tHTTP/1.1\r\n" + HOST + b"\r\n", [400, 501], CLOSES),
    ("target of two words", b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("target without slash", b"GET healthz HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("no target", b"GET HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("fragment", b"GET /healthz#x HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("NUL in the target", b"GET /a\x00b HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("8-bit target", b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("other scheme", b"GET ftp://localhost/x HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("user in the target", b"GET http://a@b/x HTTP/1.1\r\n" + HOST + b"\r\n", [400], CLOSES),
    ("9 KiB of path", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", [414], CLOSES),
    ("endless path", b"GET /" + b"a" * 200000, [414], CLOSES),
    ("endless query", b"GET /?" + b"a=b&" * 50000, [414], CLOSES),
    ("endless method", b"G" * 100000, [414, 501], CLOSES),
    # line ends
    ("bare LF everywhere", OK.replace(b"\r", b""), [400], CLOSES),
    ("bare LF in the request line", OK.replace(b"\r\n", b"\n", 1), [400], CLOSES),
    ("bare LF behind a field", GET + b"Host: a\n\r\n", [400], CLOSES),
    ("bare LF at the end", GET + b"Host: a\r\n\n", [400], CLOSES),
    ("bare LF first", b"\n" + OK, [400], CLOSES),
    ("bare CR hides a field", GET + b"Host: a\rX-Hidden: b\r\n\r\n", [400], CLOSES),
    ("bare CR first", b"\r" + OK, [400], CLOSES),
    ("CR CR LF", OK.replace(b"\r\n", b"\r\r\n"), [400, 505], CLOSES),
    # fields
    ("no host", GET + b"\r\n", [400], CLOSES),
    ("two hosts", header(b"Host: other"), [400], CLOSES),
    ("the same host twice", header(b"Host: localhost"), [400], CLOSES),
    ("host with a path", GET + b"Host: a/b\r\n\r\n", [400], CLOSES),
    ("two hosts in one", GET + b"Host: a, b\r\n\r\n", [400], CLOSES),
    ("host with a user", GET + b"Host: a@b\r\n\r\n", [400], CLOSES),
    ("space before the colon", header(b"X : a"), [400], CLOSES),
    ("space before the host's colon", GET + b"Host : a\r\n\r\n", [400], CLOSES),
    ("space before the first field", GET + b" Host: a\r\n\r\n", [400], CLOSES),
    ("folded field", header(b"X: a", b" b"), [400], CLOSES),
    ("folded by a tab", header(b"X: a", b"\tb"), [400], CLOSES),
    ("folded host", GET + b"Host:\r\n localhost\r\n\r\n", [400], CLOSES),
    ("no colon", header(b"X"), [400], CLOSES),
    ("no name", header(b": a"), [400], CLOSES),
    ("NUL in a name", header(b"X\x00Y: a"), [400], CLOSES),
    ("NUL in a value", header(b"X: a\x00b"), [400], CLOSES),
    ("control in a value", header(b"X: a\x01b"), [400], CLOSES),
    ("DEL in a value", header(b"X: a\x7fb"), [400], CLOSES),
    ("8-bit name", header(b"X\xff: a"), [400], CLOSES),
    ("bracket in a name", header(b"(X): a"), [400], CLOSES),
    ("authorization twice", header(b"Authorization: a", b"Authorization: b"), [400], CLOSES),
    ("geo twice", header(b"Mec-Geo: a", b"mec-geo: b"), [400], CLOSES),
    ("bookmark twice", header(b"Mec-Bookmark:", b"Mec-Bookmark:"), [400], CLOSES),
    ("key twice", header(b"Idempotency-Key: 1", b"Idempotency-Key: 1"), [400], CLOSES),
    ("condition twice", header(b'If-Match: "1"', b'If-Match: "2"'), [400], CLOSES),
    ("traceparent twice", header(b"traceparent: 00", b"traceparent: 00"), [400], CLOSES),
    ("unknown expectation", header(b"Expect: miracles"), [400], CLOSES),
    ("101 fields", header(*[b"X-%d: y" % i for i in range(101)]), [431], CLOSES),
    ("endless fields", GET + HOST + b"X: y\r\n" * 20000, [431], CLOSES),
    ("17 KiB of header", header(b"X: " + b"a" * 17000), [431], CLOSES),
    ("endless value", GET + HOST + b"X: " + b"a" * 200000, [431], CLOSES),
    ("endless name", GET + HOST + b"X" * 200000, [431], CLOSES),
    # lengths
    ("negative length", put(b"Content-Length: -1"), [400], CLOSES),
    ("signed length", put(b"Content-Length: +1", body=b"x"), [400], CLOSES),
    ("hexadecimal length", put(b"Content-Length: 0x1", body=b"x"), [400], CLOSES),
    ("length with a space", put(b"Content-Length: 1 1", body=b"x"), [400], CLOSES),
    ("list of lengths", put(b"Content-Length: 1, 1", body=b"x"), [400], CLOSES),
    ("empty length", put(b"Content-Length:"), [400], CLOSES),
    ("length of a word", put(b"Content-Length: many"), [400], CLOSES),
    ("two lengths", put(b"Content-Length: 1", b"Content-Length: 2", body=b"xy"), [400], CLOSES),
    ("the same length twice", put(b"Content-Length: 1", b"Content-Length: 1", body=b"x"), [400],
     CLOSES),
    ("length beyond 64 bits", put(b"Content-Length: 18446744073709551616"), [400], CLOSES),
    ("length of 2^64 - 1", put(b"Content-Length: 18446744073709551615"), [413], CLOSES),
    ("length beyond the limit", put(b"Content-Length: 65537"), [413], CLOSES),
    ("length beyond the route's limit",
     b"POST /v1/tokens HTTP/1.1\r\n" + HOST + b"Content-Length: 4097\r\n\r\n", [413], CLOSES),
    ("body where none belongs",
     b"GET /v1/whoami HTTP/1.1\r\n" + HOST + b"Content-Length: 1\r\n\r\nx", [413], CLOSES),
    ("100-continue beyond the limit",
     put(b"Expect: 100-continue", b"Content-Length: 100000"), [413], CLOSES),
    ("length and chunked", put(b"Content-Length: 1", b"Transfer-Encoding: chunked"), [400],
     CLOSES),
    ("chunked and length", put(b"Transfer-Encoding: chunked", b"Content-Length: 1"), [400],
     CLOSES),
    ("smuggled request", put(b"Content-Length: 6", b"Transfer-Encoding: chunked",
                             body=b"0\r\n\r\n" + OK), [400], CLOSES),
    ("unknown encoding", put(b"Transfer-Encoding: gzip"), [400, 501], CLOSES),
    ("gzip inside chunked", put(b"Transfer-Encoding: gzip, chunked"), [400, 501], CLOSES),
    ("chunked inside gzip", put(b"Transfer-Encoding: chunked, gzip"), [400, 501], CLOSES),
    ("almost chunked", put(b"Transfer-Encoding: xchunked"), [400, 501], CLOSES),
    ("chunked with a vertical tab", put(b"Transfer-Encoding: \x0bchunked"), [400], CLOSES),
    ("chunked with a space in front", put(b"Transfer-Encoding : chunked"), [400], CLOSES),
    ("chunked twice", put(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), [400],
     CLOSES),
    ("chunked, chunked", put(b"Transfer-Encoding: chunked, chunked"), [400, 501], CLOSES),
    ("identity and chunked", put(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
     [400, 501], CLOSES),
    ("chunked in HTTP/1.0",
     b"PUT /v1/metadata/k HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [400], CLOSES),
    # chunks
    ("chunk size of a word", CHUNKED + b"many\r\n", [400], CLOSES),
    ("negative chunk size", CHUNKED + b"-1\r\n", [400], CLOSES),
    ("0x in a chunk size", CHUNKED + b"0x1\r\nx\r\n", [400], CLOSES),
    ("empty chunk size", CHUNKED + b"\r\n", [400], CLOSES),
    ("chunk size with a space", CHUNKED + b"1 \r\nx\r\n", [400], CLOSES),
    ("chunk size beyond 64 bits", CHUNKED + b"fffffffffffffffff\r\nx", [400], CLOSES),
    ("chunk beyond the limit", CHUNKED + b"10001\r\n" + b"x" * 65537, [413], CLOSES),
    ("chunks beyond the limit", CHUNKED + (b"1000\r\n" + b"x" * 4096 + b"\r\n") * 17, [413],
     CLOSES),
    ("chunk that is too long", CHUNKED + b"1\r\nxy\r\n0\r\n\r\n", [400], CLOSES),
    ("bare LF behind a chunk size", CHUNKED + b"1\nx\r\n0\r\n\r\n", [400], CLOSES),
    ("bare LF behind a chunk", CHUNKED + b"1\r\nx\n0\r\n\r\n", [400], CLOSES),
    ("NUL in a chunk extension", CHUNKED + b"1;\x00\r\nx\r\n", [400], CLOSES),
    ("endless chunk extension", CHUNKED + b"1;" + b"a" * 600000, [413], CLOSES),
    ("endless chunk extensions", CHUNKED + (b"1;" + b"a" * 60 + b"\r\nx\r\n") * 15000, [413],
     CLOSES),
    ("endless trailers", CHUNKED + b"0\r\n" + b"X-A: b\r\n" * 80000, [413], CLOSES),
    # one bad one behind good ones
    ("bad behind good", OK + OK + GET + b"\r\n" + OK, [200, 200, 400], CLOSES),
    ("garbage behind good", OK + b"\x00\x01\x02\r\n\r\n", [200, 501], CLOSES),
    ("body that was not announced", OK + b"surprise!\r\n\r\n", [200, 501], CLOSES),
]

RESPONSE = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


class Conversation:
    """One connection: sends from a thread of its own, so that neither side waits for the other."""

    def __init__(self, address, sent):
        self.socket = socket.create_connection(address, timeout=PATIENCE_S)
        self.received = b""
        self.ended = False
        self.sender = threading.Thread(target=self._send, args=(sent,), daemon=True)
        self.sender.start()

    def _send(self, sent):
        try:
            self.socket.sendall(sent)
        except OSError:
            pass  # it was closed under us, as some cases want

    def _receive(self):
        try:
            more = self.socket.recv(1 << 16)
        except ConnectionResetError:
            more = b""
        self.ended = not more
        self.received += more

    def response(self):
        """The next one as (status, header, body); None when the connection has ended."""
        while True:
            match = RESPONSE.match(self.received)
            if match:
                length = re.search(rb"(?im)^Content-Length: (\d+)\r", match.group(2))
                end = match.end() + (int(length.group(1)) if length else 0)
                if len(self.received) >= end:
                    body = self.received[match.end():end]
                    self.received = self.received[end:]
                    return int(match.group(1)), match.group(2), body
            if self.ended:
                return None
            self._receive()

    def finish(self):
        """Wait for the end; returns what came unasked."""
        while not self.ended:
            self._receive()
        return self.received

    def close(self):
        self.socket.close()
        self.sender.join(PATIENCE_S)


def check_problem(status, fields, body):
    """Every error explains itself."""
    if status < 400:
        return None
    if b"application/problem+json" not in fields:
        return "%d is no problem+json" % status
    if b'"status":%d' % status not in body or b'"detail":"' not in body:
        return "%d has no detail: %r" % (status, body)
    return None


def check_case(address, name, sent, statuses, closes):
    """Returns what is wrong, or None. Of several statuses for one request, any will do."""
    any_of = closes is CLOSES and len(statuses) > 1 and statuses[0] >= 400
    any_of = any_of or name == "bad geo"
    wanted = [set(statuses)] if any_of else [{status} for status in statuses]
    conversation = Conversation(address, sent)
    try:
        for index, statuses_wanted in enumerate(wanted):
            response = conversation.response()
            if response is None:
                return "closed instead of answer %d, %s" % (index + 1, statuses_wanted)
            if response[0] not in statuses_wanted:
                return "answer %d is %d instead of %s: %r" % (
                    index + 1, response[0], statuses_wanted, response[2])
            wrong = check_problem(*response)
            if wrong:
                return wrong
        if closes:
            rest = conversation.finish()
            return "more than was asked: %r" % rest[:200] if rest else None
        conversation.socket.sendall(OK)
        response = conversation.response()
        if response is None or response[0] != 200:
            return "the connection does not go on: %r" % (response,)
        return None
    except socket.timeout:
        return "no answer within %d s" % PATIENCE_S
    finally:
        conversation.close()


def mutated(luck):
    """A sound request with a few bytes changed, lost or doubled."""
    data = bytearray(luck.choice((OK, put(b"Content-Length: 5", body=b"hello"),
                                  CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", OK * 3)))
    for _ in range(luck.randint(1, 6)):
        at = luck.randrange(len(data))
        kind = luck.randrange(4)
        if kind == 0:
            data[at] = luck.randrange(256)
        elif kind == 1:
            del data[at]
        elif kind == 2:
            data[at:at] = bytes(luck.choice((b"\r", b"\n", b"\0", b" ", b":", b"\r\n", b"\xff")))
        else:
            data[at:at] = data[at:at + luck.randint(1, 20)]
    return bytes(data)


def check_mutations(address, seed, count):
    """Whatever is sent, and then no more: the connection ends, with whole answers or none."""
    luck = random.Random(seed)
    wrong = []
    for number in range(count):
        sent = mutated(luck)
        with socket.create_connection(address, timeout=PATIENCE_S) as connection:
            received = b""
            try:
                connection.sendall(sent)
                connection.shutdown(socket.SHUT_WR)
                while True:
                    more = connection.recv(1 << 16)
                    if not more:
                        break
                    received += more
            except ConnectionError:
                pass
            except socket.timeout:
                wrong.append("mutation %d of seed %d hangs: %r" % (number, seed, sent))
        if received and not RESPONSE.match(received):
            wrong.append("mutation %d of seed %d: no HTTP: %r" % (number, seed, received[:200]))
    return wrong


def check_neighbours(address):
    """Clients that flood and do not read cost a polite one nothing."""
    floods = []
    try:
        for _ in range(50):
            flood = socket.create_connection(address, timeout=PATIENCE_S)
            flood.setblocking(False)
            try:
                while True:
                    flood.send(OK * 500)
            except BlockingIOError:
                pass
            floods.append(flood)
        for number in range(20):
            start = time.monotonic()
            wrong = check_case(address, "polite", OK, [200], STAYS)
            if wrong or time.monotonic() - start > 5:
                return ["polite client %d among floods: %s" % (number, wrong or "starved")]
        return []
    finally:
        for flood in floods:
            flood.close()


def check_trickle(address, result):
    """A header that comes a byte a second: cut off by the time limit for headers, with a 408."""
    connection = socket.create_connection(address, timeout=1)
    received = b""
    deadline = time.monotonic() + 20
    try:
        connection.sendall(GET + HOST + b"X: ")
        while time.monotonic() < deadline:
            try:
                received = connection.recv(1 << 16)
                break
            except socket.timeout:
                connection.sendall(b"y")
    except ConnectionError:
        pass
    finally:
        connection.close()
    if not received.startswith(b"HTTP/1.1 408 "):
        result.append("a trickling header: %r within 20 s" % received[:100])


def run(host, port, seed=1, mutations=300):
    """Try everything on the routerd at @host:@port."""
    address = (host, port)
    wrong = []
    trickle = threading.Thread(target=check_trickle, args=(address, wrong), daemon=True)
    trickle.start()
    for name, sent, statuses, closes in CASES:
        fault = check_case(address, name, sent, statuses, closes)
        if fault:
            wrong.append("%s: %s" % (name, fault))
    wrong += check_mutations(address, seed, mutations)
    wrong += check_neighbours(address)
    trickle.join(30)
    fault = check_case(address, "still there", OK, [200], STAYS)
    if fault:
        wrong.append("still there: %s" % fault)
    assert not wrong, "%d wrong:\n%s" % (len(wrong), "\n".join(wrong))


if __name__ == "__main__":
    import sys

    run(sys.argv[1], int(sys.argv[2]))
    print("%d cases fine" % len(CASES))

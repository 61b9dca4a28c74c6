"""A server on its way out, the echo server: what it does with connections after SIGTERM."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest

LINGER_S = 0.5
"""Less than by default: tests need not wait so long."""
PROGRAM = (
    "import sys\n"
    "from netlab.workloads import draining, echo\n"
    "draining.LINGER_S, draining.LINGER_AT_MOST_S = map(float, sys.argv[2:])\n"
    "echo.serve(lambda: print('ready', flush=True), port=int(sys.argv[1]))\n"
)
GET = b"GET / HTTP/1.1\r\nHost: echo\r\n\r\n"


class Server(NamedTuple):
    process: "subprocess.Popen[str]"
    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def terminate(self) -> float:
        """Send SIGTERM and return when, in seconds of the monotonic clock."""
        self.process.send_signal(signal.SIGTERM)
        return time.monotonic()


@pytest.fixture
def at_most() -> float:
    return 10.0


@pytest.fixture
def server(at_most: float) -> Iterator[Server]:
    with socket.create_server(("", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-u", "-c", PROGRAM, str(port), str(LINGER_S), str(at_most)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        yield Server(process, port)
        process.kill()


def read_all(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def test_an_idle_server_takes_connections_for_a_moment_and_ends_with_success(server: Server):
    asked_at = server.terminate()
    assert server.process.wait(10) == 0
    assert LINGER_S <= time.monotonic() - asked_at < LINGER_S + 1


def test_a_connection_made_after_sigterm_is_answered_and_then_closed(server: Server):
    server.terminate()
    with server.connect() as connection:
        connection.sendall(GET)
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\nConnection: close\r\n" in answer


def test_connections_that_keep_coming_are_taken(server: Server):
    asked_at = server.terminate()
    while time.monotonic() - asked_at < 3 * LINGER_S:
        time.sleep(LINGER_S / 8)
        with server.connect() as connection:
            # The first may come before the signal is heard, and would be kept alive.
            connection.sendall(b"GET / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n")
            assert read_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")
    assert server.process.wait(10) == 0


def test_a_request_that_is_under_way_is_finished_however_long_it_takes(server: Server):
    head = b"POST / HTTP/1.1\r\nHost: echo\r\nContent-Length: 5\r\n\r\n"
    with server.connect() as connection:
        connection.sendall(head + b"he")
        asked_at = server.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(LINGER_S + 0.5)
        connection.sendall(b"llo")
        assert read_all(connection).endswith(b"\nhello")
        assert time.monotonic() - asked_at > LINGER_S
    assert server.process.wait(10) == 0


def test_a_connection_that_is_kept_alive_but_idle_does_not_keep_the_server(server: Server):
    with server.connect() as connection:
        connection.sendall(GET)
        assert b"200 OK" in connection.recv(1 << 16)
        server.terminate()
        assert server.process.wait(10) == 0
        assert read_all(connection) == b""


@pytest.mark.parametrize("at_most", [LINGER_S])
def test_no_connection_is_reset_however_many_come_to_the_very_end(server: Server):
    results: Counter[str] = Counter()
    callers = [
        threading.Thread(target=call_until_closed, args=(server, results)) for _ in range(20)
    ]
    for caller in callers:
        caller.start()
    server.terminate()
    assert server.process.wait(10) == 0
    for caller in callers:
        caller.join(10)
    assert results.pop("answered") > 100
    assert results == {}


def call_until_closed(server: Server, results: Counter[str]) -> None:
    while True:
        try:
            connection = server.connect()
        except ConnectionRefusedError:
            return
        with connection:
            try:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n")
                answer = read_all(connection)
            except OSError as error:
                results[repr(error)] += 1
            else:
                is_whole = answer.endswith(b"-no body in request-")
                results["answered" if is_whole else "cut short"] += 1


def test_connections_that_came_while_the_machine_was_busy_are_answered(server: Server):
    server.terminate()
    with server.connect() as first:
        first.sendall(GET)
        first.recv(1)
        server.process.send_signal(signal.SIGSTOP)
        with server.connect() as second:
            second.sendall(GET)
            time.sleep(LINGER_S + 0.2)
            server.process.send_signal(signal.SIGCONT)
            assert read_all(second).startswith(b"HTTP/1.1 200 OK\r\n")
    assert server.process.wait(10) == 0


def test_the_server_stays_until_its_answer_has_arrived(server: Server):
    size = 1_000_000
    head = f"POST / HTTP/1.1\r\nHost: e\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    with socket.socket() as slow:
        # Less than the answer: what is left waits at the server's end.
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 15)
        slow.settimeout(10)
        slow.connect(("127.0.0.1", server.port))
        slow.sendall(head.encode() + b"x" * size)
        assert slow.recv(15) == b"HTTP/1.1 200 OK"
        server.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            server.process.wait(LINGER_S + 1)
        assert read_all(slow).endswith(b"BODY:\n" + b"x" * size)
    assert server.process.wait(10) == 0

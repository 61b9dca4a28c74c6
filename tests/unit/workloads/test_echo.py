"""The echo server on loopback sockets, spoken to byte by byte where a library would tidy up."""

import http.client
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

import pytest

BODY = "-no body in request-"
PROGRAM = (
    "import sys\n"
    "from netlab.workloads import echo\n"
    "echo.serve(lambda: print('ready', flush=True), port=int(sys.argv[1]))\n"
)


class Server:
    """The server as its own process: it never ends by itself."""

    def __init__(self, port: int, log: IO[bytes]) -> None:
        self.port = port
        self._log = log

    def ask(self, raw: bytes, address: str = "127.0.0.1") -> bytes:
        """Send bytes as they are and return all that comes until the server closes."""
        with socket.create_connection((address, self.port), timeout=10) as connection:
            connection.sendall(raw)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))

    def connect(self, address: str = "127.0.0.1") -> http.client.HTTPConnection:
        return http.client.HTTPConnection(address, self.port, timeout=10)

    def log_line(self) -> str:
        assert select.select([self._log], [], [], 10)[0], "nothing was logged"
        # Not buffered: a line that waits in Python's own memory would not be seen by select.
        return self._log.readline().decode()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with socket.create_server(("", 0)) as probe:
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-u", "-c", PROGRAM, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield Server(port, process.stdout)
        process.kill()


def answer(server: Server, method: str, path: str = "/", body: bytes | None = None) -> str:
    connection = server.connect()
    connection.request(method, path, body, {"Host": "echo"})
    response = connection.getresponse()
    assert response.status == 200
    text = response.read().decode()
    connection.close()
    return text


def test_the_answer_is_what_the_server_saw(server: Server):
    connection = server.connect()
    connection.request("GET", "/a/b?x=1", headers={"Host": "web:80", "X-Test": "y"})
    response = connection.getresponse()
    assert response.getheader("Content-Type") == "text/plain"
    assert response.read().decode().split("\n") == [
        "CLIENT VALUES:",
        "client_address=127.0.0.1",
        "command=GET",
        "real path=/a/b",
        "query=x=1",
        "request_version=1.1",
        f"request_uri=http://web:{server.port}/a/b?x=1",
        "",
        "SERVER VALUES:",
        "server_version=netlab-echo",
        "",
        "HEADERS RECEIVED:",
        "accept-encoding=identity",
        "host=web:80",
        "x-test=y",
        "BODY:",
        BODY,
    ]
    connection.close()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"])
def test_any_method_is_answered(server: Server, method: str):
    assert f"\ncommand={method}\n" in answer(server, method)


def test_head_has_the_length_and_no_body(server: Server):
    raw = server.ask(b"HEAD / HTTP/1.1\r\nHost: echo\r\nConnection: close\r\n\r\n")
    head, _, body = raw.partition(b"\r\n\r\n")
    assert re.search(rb"Content-Length: [1-9]", head)
    assert body == b""


def test_a_connection_serves_many_requests(server: Server):
    connection = server.connect()
    for number in range(3):
        connection.request("POST", f"/{number}", f"body {number}")
        text = connection.getresponse().read().decode()
        assert f"real path=/{number}\n" in text
        assert text.endswith(f"BODY:\nbody {number}")
    connection.close()


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(1, id="of one byte"),
        pytest.param(1 << 20, id="as large as is held in memory"),
        pytest.param((1 << 20) + 1, id="a byte larger"),
        pytest.param(30_000_000, id="of 30 MB"),
    ],
)
def test_a_body_comes_back_whole(server: Server, size: int):
    connection = server.connect()
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    connection.request("PUT", "/", body)
    assert connection.getresponse().read().endswith(b"BODY:\n" + body)
    connection.close()


def test_a_chunked_body_comes_back_joined(server: Server):
    connection = server.connect()
    connection.request("POST", "/", iter([b"one,", b"two,", b"x" * 100_000]), encode_chunked=True)
    assert connection.getresponse().read().endswith(b"BODY:\none,two," + b"x" * 100_000)
    connection.request("GET", "/next")
    assert b"real path=/next\n" in connection.getresponse().read()
    connection.close()


def test_chunk_extensions_and_trailers_are_passed_over(server: Server):
    raw = server.ask(
        b"POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;name=value\r\nabc\r\n0\r\nTrailer: yes\r\n\r\n"
        b"GET /second HTTP/1.1\r\nHost: e\r\nConnection: close\r\n\r\n"
    )
    assert b"BODY:\nabc" in raw
    assert b"real path=/second" in raw


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
            id="a chunk whose size is no number",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n",
            id="a chunk whose size is negative",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: e\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
            id="a chunk cut short",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: e\r\nContent-Length: many\r\n\r\n",
            id="a length that is no number",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: e\r\nContent-Length: -1\r\n\r\n",
            id="a length that is negative",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: e\r\nContent-Length: 10\r\n\r\nabc", id="a body cut short"
        ),
        pytest.param(b"GET\r\n\r\n", id="no path"),
    ],
)
def test_a_bad_request_is_refused_and_the_connection_closed(server: Server, request_: bytes):
    raw = server.ask(request_)
    assert b" 400 " in raw.split(b"\r\n")[0] or b"Error code: 400" in raw
    assert raw.count(b"CLIENT VALUES") == 0
    assert "command=GET" in answer(server, "GET")


@pytest.mark.parametrize("head", ["Content-Length: -1", "Transfer-Encoding: chunked"])
def test_a_negative_size_is_refused_though_the_caller_keeps_talking(server: Server, head: str):
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(f"POST / HTTP/1.1\r\nHost: e\r\n{head}\r\n\r\n-1\r\n".encode())
        assert b" 400 " in connection.recv(1000)


def test_ipv6_is_answered_with_the_callers_ipv6_address(server: Server):
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        connection = server.connect("::1")
        connection.request("GET", "/", headers={"Host": "[::1]:8080"})
    except OSError:
        pytest.skip("the loopback interface has no IPv6 address")
    text = connection.getresponse().read().decode()
    assert "client_address=::1\n" in text
    assert f"request_uri=http://[::1]:{server.port}/\n" in text
    connection.close()


def test_a_client_that_goes_away_leaves_no_trace_but_its_request(server: Server):
    connection = server.connect()
    connection.request("GET", "/gone")
    connection.close()
    while "/gone" not in (line := server.log_line()):
        pass
    assert line.startswith("127.0.0.1 ")
    answer(server, "GET", "/after")
    while "/after" not in (line := server.log_line()):
        assert "Traceback" not in line


def test_many_callers_are_served_at_once(server: Server):
    callers = [server.connect() for _ in range(50)]
    for number, caller in enumerate(callers):
        caller.request("GET", f"/{number}")
    for number, caller in reversed(list(enumerate(callers))):
        assert f"real path=/{number}\n" in caller.getresponse().read().decode()
        caller.close()


@pytest.mark.parametrize(
    ("head", "version"),
    [
        (b"PROXY TCP4 198.51.100.79 203.0.113.10 40000 80\r\n", "v1"),
        (
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
            + socket.inet_aton("198.51.100.79")
            + socket.inet_aton("203.0.113.10")
            + b"\x9c\x40\0\x50",
            "v2",
        ),
    ],
)
def test_a_proxy_protocol_head_names_the_client(server: Server, head: bytes, version: str):
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    text = server.ask(head + request + last).decode()
    assert text.count("client_address=198.51.100.79") == 2
    assert text.count(f"proxy_protocol={version} from 127.0.0.1") == 2

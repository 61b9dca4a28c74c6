"""agnhost's commands as processes, spoken to as Kubernetes' tests speak to them."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from netlab.workloads.agnhost.netexec import go_duration

PROGRAM = (
    "import sys\n"
    "from netlab.workloads.agnhost.commands import run_command\n"
    "run_command(lambda: print('ready', flush=True), sys.argv[1:])\n"
)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


@contextmanager
def agnhost(
    argv: Sequence[str], env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-u", "-c", PROGRAM, *argv],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    ) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        try:
            assert "ready\n" in lines, "it ended before it was ready"
            yield process
        finally:
            # Popen's own end waits for the process, whatever the test found.
            process.kill()


class Netexec:
    def __init__(self, http_port: int, udp_port: int) -> None:
        self.http_port, self.udp_port = http_port, udp_port

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def send(self, text: str) -> str:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(("127.0.0.1", self.udp_port))
            client.send(text.encode())
            return client.recv(2048).decode()


@pytest.fixture(scope="module")
def netexec() -> Iterator[Netexec]:
    http_port, udp_port = free_port(), free_port(socket.SOCK_DGRAM)
    with agnhost(["netexec", f"--http-port={http_port}", f"--udp-port={udp_port}"]):
        yield Netexec(http_port, udp_port)


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/hostname", (200, socket.gethostname())),
        ("/hostName", (200, socket.gethostname())),
        ("/echo?msg=hello%20there", (200, "hello there")),
        ("/echo?msg=gone&code=410", (410, "gone")),
        ("/echo?code=x", (200, "argument 'code' must be an integer or empty, got \"x\"\n")),
        ("/healthz", (200, "")),
        ("/readyz", (200, "ok")),
        ("/header?key=Host", None),
        ("/shell?cmd=echo%20hi", (200, '{"output": "hi\\n"}')),
        ("/shell?shellCommand=exit%203", (200, '{"error": "exit status 3"}')),
        ("/dial?host=127.0.0.1&port=1", (400, "request parameter not specified. <nil>\n")),
        ("/dial?request=a&port=1&protocol=sctp", (400, "unsupported protocol. sctp\n")),
    ],
)
def test_netexec_answers_as_the_real_one(
    netexec: Netexec, path: str, answer: tuple[int, str] | None
):
    expected = answer or (200, f"127.0.0.1:{netexec.http_port}")
    assert netexec.get(path) == expected


def test_netexec_tells_the_client_its_address_and_port(netexec: Netexec):
    connection = http.client.HTTPConnection("127.0.0.1", netexec.http_port, timeout=10)
    connection.request("GET", "/clientip")
    port = connection.sock.getsockname()[1]
    assert connection.getresponse().read().decode() == f"127.0.0.1:{port}"
    connection.close()


def test_netexec_answers_datagrams(netexec: Netexec):
    assert netexec.send("hostname\n") == socket.gethostname()
    assert netexec.send("echo one two") == "one two"
    assert netexec.send("clientip").startswith("127.0.0.1:")


def test_dial_calls_so_often_as_it_is_asked(netexec: Netexec):
    for protocol, port in (("http", netexec.http_port), ("udp", netexec.udp_port)):
        query = f"host=127.0.0.1&port={port}&protocol={protocol}&request=hostname&tries=3"
        status, text = netexec.get(f"/dial?{query}")
        assert (status, json.loads(text)) == (200, {"responses": [socket.gethostname()] * 3})


def test_dial_tells_why_nobody_answered(netexec: Netexec):
    _, text = netexec.get(f"/dial?host=127.0.0.1&port={free_port()}&request=hostname")
    assert json.loads(text).keys() == {"errors"}


def test_exit_ends_with_the_code_that_is_asked_for():
    port = free_port()
    with agnhost(["netexec", f"--http-port={port}", "--udp-port=-1"]) as process:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            Netexec(port, 0).get("/exit?code=7")
        assert process.wait(10) == 7


def test_readyz_tells_that_the_end_is_near_and_healthz_does_not():
    port, udp_port = free_port(), free_port(socket.SOCK_DGRAM)
    argv = ["netexec", f"--http-port={port}", f"--udp-port={udp_port}", "--delay-shutdown=600"]
    with agnhost(argv) as process:
        process.send_signal(signal.SIGTERM)
        while Netexec(port, 0).get("/readyz") != (503, "shutting down"):
            pass
        assert Netexec(port, 0).get("/healthz") == (200, "")


def test_serve_hostname_answers_in_each_protocol():
    port = free_port()
    with agnhost(["serve-hostname", f"--port={port}"]):
        assert Netexec(port, 0).get("/any") == (200, socket.gethostname())
    with (
        agnhost(["serve-hostname", "--tcp", f"--port={port}"]),
        socket.create_connection(("127.0.0.1", port), 10) as client,
    ):
        assert client.recv(100).decode() == f"{socket.gethostname()}\n"


def test_porter_serves_what_the_environment_says():
    port = free_port()
    with agnhost(["porter"], {f"SERVE_PORT_{port}": "foo"}):
        assert Netexec(port, 0).get("/") == (200, "foo")


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        pytest.param(["connect", "127.0.0.1:{closed}"], 1, "REFUSED", id="a closed port"),
        pytest.param(["connect", "name.invalid:80"], 1, "", id="no such name"),
        pytest.param(["no-such"], 1, 'unknown command "no-such"', id="no such command"),
        pytest.param(["etc-hosts"], 0, "localhost", id="the hosts file"),
        pytest.param(["logs-generator", "--log-lines-total=2"], 0, "1 GET", id="logs"),
    ],
)
def test_a_command_ends_with_its_exit_code(argv: list[str], code: int, said: str):
    words = [word.format(closed=free_port()) for word in argv]
    done = subprocess.run(
        [sys.executable, "-u", "-c", PROGRAM, *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == code
    assert said in done.stdout + done.stderr


def test_pause_ends_well_on_sigterm():
    with agnhost([]) as process:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


@pytest.mark.parametrize("text", ["1", "s", "1x", "-1s"])
def test_a_wrong_duration_is_refused(text: str):
    with pytest.raises(ValueError, match=text):
        go_duration(text)

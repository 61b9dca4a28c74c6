"""netlab trace --attach: the path of a connection that another program makes."""

import json
import signal
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from netlab.sources.rule_trace_messages import TABLE_PREFIX
from tests.kernel.conftest import Lab

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("packet-paths")
    return made


def begin(lab: Lab, *argv: str) -> subprocess.Popen[str]:
    """Start waiting; return when everything listens."""
    process = lab.start("trace", *argv)
    assert process.stderr is not None
    assert process.stderr.readline().startswith("waiting ")
    return process


def end(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, complaint = process.communicate(timeout=20)
    assert process.returncode == 0, complaint
    return json.loads(out)


def rewrites(document: dict[str, Any]) -> list[tuple[str, str]]:
    request = next(p for p in document["packets"] if p["way"] == "request")
    return [
        (visit["host"], step["kind"])
        for visit in request["visits"]
        for step in visit["steps"]
        if step["step"] == "rewrite"
    ]


def test_the_next_connection_to_a_port_is_followed_to_its_end(lab: Lab):
    waiting = begin(lab, "--attach", "tcp port 30100", "-o", "json", "--predict")
    # Neither of these is waited for.
    lab.fetch("caller-1", "http://10.0.0.80")
    lab.inside("client", "ping", "-c1", "-W1", "10.240.0.4")
    assert "client_address" in lab.fetch("client", "http://10.240.0.4:30100")

    found = end(waiting)

    assert (found["flow"]["caller"], found["flow"]["destination"]) == ("client", "10.240.0.4:30100")
    assert rewrites(found) == [("node2", "DNAT"), ("node2", "SNAT")]
    assert found["verdict"]["result"] == "delivered"
    assert found["outcome"] == "SYN-ACK"
    assert found["prediction"]["holds"]


def test_a_caller_is_found_behind_the_rewrites_of_its_own_host(lab: Lab):
    waiting = begin(lab, "--attach", "dst port 8080 and dst host web-1", "-o", "json")
    lab.fetch("node2", "http://10.0.0.80")

    found = end(waiting)

    assert (found["flow"]["caller"], found["flow"]["destination"]) == ("node2", "10.0.0.80:80")
    assert rewrites(found)[0] == ("node2", "DNAT")


def test_from_restricts_the_callers(lab: Lab):
    waiting = begin(lab, "caller-2", "--attach", "host web-cluster", "-o", "json")
    lab.fetch("caller-1", "http://10.0.0.80")
    lab.fetch("caller-2", "http://10.0.0.80")

    assert end(waiting)["flow"]["caller"] == "caller-2"


def test_a_datagram_and_a_dropped_syn_are_waited_for_too(lab: Lab):
    waiting = begin(lab, "--attach", "udp port 30109", "-o", "json")
    lab.run("trace", "client", "udp://node2:30109")
    found = end(waiting)
    assert (found["verdict"]["result"], found["verdict"]["host"]) == ("delivered", "udp-1")

    waiting = begin(lab, "--attach", "port 30101", "-o", "json")
    lab.inside("client", "curl", "-s", "--max-time", "0.3", "http://10.240.0.4:30101")
    found = end(waiting)
    assert (found["verdict"]["result"], found["verdict"]["host"]) == ("dropped", "node2")


def test_nothing_in_time_is_said_and_is_the_exit_code(lab: Lab):
    done = lab.run("trace", "--attach", "tcp port 1", "--timeout", "0.2")

    assert (done.returncode, done.stdout) == (1, "")
    assert "no new connection 'tcp port 1' came within 0.2 s" in done.stderr


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_a_signal_ends_the_waiting_and_leaves_nothing(lab: Lab, number: int, code: int):
    waiting = begin(lab, "--attach", "tcp port 1")
    assert TABLE_PREFIX in lab.inside("node2", "nft", "list", "tables").stdout

    waiting.send_signal(number)

    out, complaint = waiting.communicate(timeout=10)
    assert (waiting.returncode, out) == (code, "")
    assert "Traceback" not in complaint
    assert TABLE_PREFIX not in lab.inside("node2", "nft", "list", "tables").stdout


@pytest.mark.parametrize(
    ("argv", "code", "words"),
    [
        pytest.param(["--attach", "tcp prot 1"], 3, "'prot' is not known", id="an unknown word"),
        pytest.param(["--attach", "host nodee2"], 6, "did you mean node2", id="an unknown host"),
        pytest.param(["nobody", "--attach", "tcp"], 6, "no host nobody", id="an unknown caller"),
        pytest.param(
            ["client", "http://web-cluster", "--attach", "tcp"],
            2,
            "makes no connection",
            id="a target",
        ),
        pytest.param(["--attach", "udp", "--size", "9"], 2, "not for --attach", id="a size"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(lab: Lab, argv: list[str], code: int, words: str):
    done = lab.run("trace", *argv)

    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr

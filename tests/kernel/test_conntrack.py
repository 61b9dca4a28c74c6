"""netlab conntrack on a running lab, with conntrack(8) as the judge."""

import json
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import netlab.render
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

SCHEMA = json.loads((Path(netlab.render.__file__).parent / "conntrack.schema.json").read_text())
NODE2 = "10.240.0.4"
TUPLE = re.compile(
    r"src=(\S+) dst=(\S+) (?:sport=(\d+) dport=(\d+)|type=(\d+) code=(\d+) id=(\d+))"
)


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("two-nodes")
    return made


def call(lab: Lab, node: str = NODE2) -> None:
    assert "client_address=" in lab.fetch("client", f"http://{node}:30080")


def listed(lab: Lab, host: str, *options: str) -> list[dict[str, Any]]:
    done = lab.run("conntrack", host, "-o", "json", *options)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert list(Draft202012Validator(SCHEMA).iter_errors(document)) == []
    return document["entries"]


def ours(lab: Lab, host: str) -> set[tuple[Any, ...]]:
    """Return what is said of each entry that time does not change."""
    found = set()
    for entry in listed(lab, host):
        ends = [
            (pair["source"], pair["destination"]) for pair in (entry["original"], entry["reply"])
        ]
        flat = [(s["address"], s["port"], d["address"], d["port"]) for s, d in ends]
        flags = frozenset(set(entry["flags"]) & {"ASSURED", "UNREPLIED"})
        found.add((entry["protocol"], entry["state"], *flat, flags, entry["mark"]))
    return found


def judged(lab: Lab, host: str) -> set[tuple[Any, ...]]:
    """Return the same of what conntrack(8) lists, of both families."""
    found = set()
    for family in ("ipv4", "ipv6"):
        for line in lab.inside(host, "conntrack", "-L", "-f", family).stdout.splitlines():
            words = line.split()
            flat = [
                (source, int(sport) if sport else None, to, int(dport) if dport else None)
                for source, to, sport, dport, *_ in TUPLE.findall(line)
            ]
            state = words[3] if words[0] == "tcp" else None
            flags = frozenset(f for f in ("ASSURED", "UNREPLIED") if f"[{f}]" in line)
            [mark] = re.findall(r"mark=(\d+)", line)
            found.add((words[0], state, *flat, flags, int(mark)))
    return found


def test_the_entries_are_those_of_conntrack_in_both_families(lab: Lab):
    call(lab)
    lab.inside("node2", "ping", "-c1", "-q", "10.240.0.3")
    rule = ("OUTPUT", "-d", "::1", "-m", "conntrack", "--ctstate", "NEW", "-j", "CONNMARK")
    lab.inside("node2", "ip6tables", "-t", "mangle", "-A", *rule, "--set-mark", "7")
    lab.inside("node2", "ip", "link", "set", "lo", "up")
    lab.inside("node2", "ping", "-6", "-c1", "-q", "::1")

    entries = ours(lab, "node2")

    assert entries == judged(lab, "node2")
    assert {entry[0] for entry in entries} >= {"tcp", "icmp", "icmpv6"}
    assert 7 in {entry[-1] for entry in entries if entry[0] == "icmpv6"}


def test_what_nat_did_is_said_in_names(lab: Lab):
    call(lab)

    table = lab.run("conntrack", "node2", "--nat", "--service", "web").stdout

    assert re.search(r"ASSURED +client:\d+ → node2:30080\n    Service default/web\n", table)
    assert "    DNAT node2:30080 ⇒ web-1:8080\n" in table
    assert re.search(r"\n    SNAT client:\d+ ⇒ node2:\d+\n", table)
    assert max(map(len, table.splitlines())) <= 80
    numeric = lab.run("conntrack", "node2", "--nat", "--numeric").stdout
    assert f"DNAT {NODE2}:30080 ⇒ 10.244.1.2:8080" in numeric
    assert "client" not in numeric


def test_filters_leave_the_others_out(lab: Lab):
    call(lab)
    lab.inside("node2", "ping", "-c1", "-q", "10.240.0.3")

    assert {entry["protocol"] for entry in listed(lab, "node2", "-p", "icmp")} == {"icmp"}
    assert all(entry["rewrites"] for entry in listed(lab, "node2", "--nat"))
    by_service = listed(lab, "node2", "--service", "default/web")
    assert {entry["service"] for entry in by_service} == {"default/web"}


def test_a_host_that_tracks_nothing_says_so(lab: Lab):
    done = lab.run("conntrack", "web-1")
    assert (done.returncode, done.stdout) == (0, "")
    assert "web-1 tracks no connection" in done.stderr


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        pytest.param(("node9",), "has no host node9", id="host"),
        pytest.param(("node1", "--service", "wep"), "no Service default/wep", id="service"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(lab: Lab, argv: tuple[str, ...], said: str):
    done = lab.run("conntrack", *argv)
    assert done.returncode == 6
    assert said in done.stderr
    assert "Hint: " in done.stderr


@contextmanager
def watching(lab: Lab, *argv: str) -> Iterator[Popen[str]]:
    """Watch node2, from the moment when nothing is missed any more."""
    process = lab.start("conntrack", "node2", "--watch", *argv)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Watching node2")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_connection_made_meanwhile_is_followed_from_its_first_packet(lab: Lab):
    with watching(lab, "-o", "json", "--service", "web") as process:
        call(lab)
        assert process.stdout is not None
        events = []
        while not events or events[-1]["entry"]["state"] != "TIME_WAIT":
            events.append(json.loads(process.stdout.readline()))
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130

    assert [event["change"] for event in events][:2] == ["new", "update"]
    assert [event["entry"]["state"] for event in events][:3] == [
        "SYN_SENT", "SYN_RECV", "ESTABLISHED"
    ]  # fmt: skip
    assert len({event["entry"]["id"] for event in events}) == 1
    assert events[0]["entry"]["rewrites"][0]["after"]["name"] == "web-1"
    validator = Draft202012Validator(SCHEMA)
    assert [error for event in events for error in validator.iter_errors(event)] == []


def test_an_entry_that_goes_is_told_and_a_reader_that_leaves_ends_the_watch(lab: Lab):
    with watching(lab) as process:
        call(lab)
        lab.inside("node2", "conntrack", "-D", "-p", "tcp")
        assert process.stdout is not None
        wait_for(lambda: " DESTROY tcp " in process.stdout.readline())
        process.stdout.close()
        call(lab)
        assert process.wait(5) == 0


def test_events_without_room_are_not_lost_silently(lab: Lab):
    flood = (
        "import socket\n"
        "s = socket.socket(type=socket.SOCK_DGRAM)\n"
        "for port in range(20000): s.sendto(b'', ('10.240.0.3', 20000 + port))"
    )
    with watching(lab, "--service", "web") as process:
        process.send_signal(signal.SIGSTOP)
        assert lab.inside("node2", "python3", "-c", flood).returncode == 0
        process.send_signal(signal.SIGCONT)
        assert process.stderr is not None
        assert process.stderr.readline().startswith("Events were lost: the kernel found no room")
    lab.inside("node2", "conntrack", "-F")


def test_a_watch_ends_with_its_host(make_lab: Callable[[], Lab]):
    lab = make_lab()
    lab.up("two-nodes")
    with watching(lab) as process:
        lab.down()
        _, stderr = process.communicate(timeout=5)
        assert process.returncode == 6
    assert "node2 is gone" in stderr

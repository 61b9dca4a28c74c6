"""netlab capture on a running lab, its files read back by tshark and by a reader of our own."""

import json
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netlab.capture.points import choose
from netlab.capture.rings import CaptureRings
from netlab.linux.packet_ring import SNAP
from netlab.linux.socket_filters import everything
from tests.kernel.conftest import Lab, wait_for
from tests.unit.pcapng_reader import read_capture, read_file

pytestmark = pytest.mark.kernel

NODE2 = "10.240.0.4"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web-1}
spec:
  nodeName: node2
  terminationGracePeriodSeconds: 0
  containers: [{name: web, image: registry.k8s.io/echoserver:1.4}]
"""


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    made = make_lab()
    made.up("source-ip")
    return made


@pytest.fixture(scope="module")
def node_port(lab: Lab) -> int:
    return lab.get("svc", "nodeport")["spec"]["ports"][0]["nodePort"]


class Running:
    """``netlab capture`` under way."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told = ""
        self.out = ""

    def wait_for(self, words: str) -> None:
        """Read what it says until a line has ``words``."""
        for line in self.process.stderr:
            self.told += line
            if words in line:
                return
        raise AssertionError(f"it ended without {words!r}:\n{self.told}")

    def end(self, number: int | None = signal.SIGINT) -> int:
        """Send it a signal, wait for its end, and return its exit code."""
        if number is not None:
            self.process.send_signal(number)
        self.out, told = self.process.communicate(timeout=20)
        self.told += told
        return self.process.returncode


@contextmanager
def capturing(lab: Lab, *arguments: str) -> Iterator[Running]:
    """Have ``netlab capture`` listen."""
    running = Running(lab.start("capture", *arguments))
    try:
        running.wait_for("capturing at")
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def tshark(*arguments: str, profiles: Path | None = None) -> str:
    environment = {**os.environ, "WIRESHARK_CONFIG_DIR": str(profiles)} if profiles else None
    done = subprocess.run(
        ["tshark", *arguments], capture_output=True, text=True, check=False, env=environment
    )
    complaints = [line for line in done.stderr.splitlines() if "root" not in line]
    assert (done.returncode, complaints) == (0, [])
    return done.stdout


def fetch(lab: Lab, node_port: int) -> str:
    return lab.fetch("client", f"http://{NODE2}:{node_port}")


def test_one_packet_is_followed_through_nat_from_the_client_to_the_pod(
    lab: Lab, node_port: int, tmp_path: Path
):
    file = tmp_path / "all.pcapng"
    with capturing(lab, "-w", str(file), "--filter", "tcp") as running:
        assert "client_address" in fetch(lab, node_port)
        assert running.end() == 0

    first = [one for one in read_file(file).packets if one.packet_id == 1]
    assert first[0].interface == "client:eth0"
    assert first[-1].interface.startswith("source-ip-app-")
    rewritten = [text for one in first for text in one.comments if "NAT in node2" in text]
    assert len(rewritten) == 1
    assert f"destination node2:{node_port} => source-ip-app-" in rewritten[0]
    assert "source client:" in rewritten[0]
    assert [one.comments[0].partition(":")[0] for one in first] == [
        f"hop {number}" for number in range(1, len(first) + 1)
    ]


def test_tshark_shows_points_ids_comments_and_names_and_finds_no_fault(
    lab: Lab, node_port: int, tmp_path: Path
):
    file = str(tmp_path / "all.pcapng")
    with capturing(lab, "-w", file, "--filter", "tcp") as running:
        fetch(lab, node_port)
        assert running.end() == 0

    fields = ("frame.interface_name", "frame.interface_description", "frame.packet_id")
    columns = ("_ws.col.Source", "_ws.col.Destination")
    wanted = [word for name in (*fields, *columns) for word in ("-e", name)]
    lines = tshark("-r", file, "-N", "n", "-T", "fields", *wanted).splitlines()
    assert lines[0].split("\t") == [
        "client:eth0",
        f"eth0 of client (namespace netlab-{lab.name}-client)",
        "1",
        "client",
        "node2",
    ]
    broken = "_ws.malformed or ip.checksum.status == bad or tcp.checksum.status == bad"
    checks = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    assert tshark("-r", file, *checks, broken) == ""
    told = subprocess.run(["capinfos", file], capture_output=True, text=True, check=True).stdout
    assert "nanoseconds (9)" in told
    assert re.search(r"Strict time order: +True", told)
    assert re.search(r"Capture application: +netlab", told)


def test_an_interface_alone_is_heard_and_a_filter_holds_in_the_kernel(
    lab: Lab, node_port: int, tmp_path: Path
):
    file = tmp_path / "eth0.pcapng"
    expression = f"tcp port {node_port}"
    with capturing(lab, "node2:eth0", "client", "--filter", expression, "-w", str(file)) as running:
        lab.inside("client", "ping", "-c", "1", NODE2)
        fetch(lab, node_port)
        assert running.end() == 0
    told = running.told

    read = read_file(file)
    assert [one.texts("name")[0] for one in read.interfaces] == [
        "client:lo", "client:eth0", "node2:eth0",
    ]  # fmt: skip
    assert {one.interface for one in read.packets} == {"client:eth0", "node2:eth0"}
    # Behind NAT the port is another, so that the filter sees both ways on the outside only.
    assert {one.comments[0].split(": ")[0] for one in read.packets} == {"hop 1", "hop 2"}
    assert f"netlab-{lab.name}-node2 tcpdump -ni eth0 '{expression}'" in told
    assert f"netlab-{lab.name}-client tcpdump -ni any '{expression}'" in told
    assert re.search(r"\d+ frames of \d+ packets at 3 interfaces in .* 0 dropped; ", told)


def test_tcpdumps_line_sees_the_same(lab: Lab):
    with capturing(lab, "node2:eth0", "--filter", "icmp") as running:
        line = running.told.splitlines()[0].removeprefix("by tcpdump: ")
        command = shlex.split(line.replace("tcpdump", "tcpdump --immediate-mode -c 2"))
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as other:
            next(line for line in other.stderr if "listening on" in line)
            lab.inside("client", "ping", "-c", "1", NODE2)
            seen, _ = other.communicate()
        assert running.end() == 0
    assert len(seen.splitlines()) == len(running.out.splitlines()) == 2


def test_lines_are_printed_as_packets_come_with_names(lab: Lab, node_port: int):
    with capturing(lab, "--filter", "tcp") as running:
        fetch(lab, node_port)
        first = running.process.stdout.readline()
        running.process.send_signal(signal.SIGTERM)
        # What was read ahead may end within a character: the stream alone can go on from there.
        rest = running.process.stdout.read()
        assert running.end(None) == 0
    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d\.\d{{6}}     #1 client eth0 ▸ +client:\d+ > node2:{node_port} tcp SYN\n",
        first,
    )
    assert "✎ was client:" in rest


def test_numeric_lines_have_addresses(lab: Lab):
    with capturing(lab, "client:eth0", "-n") as running:
        lab.inside("client", "ping", "-c", "1", NODE2)
        assert running.end() == 0
    assert f"198.51.100.79 > {NODE2} icmp echo request" in running.out


def test_a_count_of_frames_ends_it(lab: Lab):
    with capturing(lab, "client", "--filter", "icmp", "--count", "3") as running:
        lab.inside("client", "ping", "-c", "3", "-i", "0.05", NODE2)
        assert running.end(None) == 0
    assert len(running.out.splitlines()) == 3


def test_a_pipe_has_packets_at_once_and_whole(lab: Lab):
    with subprocess.Popen(
        [*lab.command("capture", "-w", "-", "--filter", "icmp", "client")],
        env=lab.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as writer:
        # Two packets while the capture goes on: tshark ends by itself, then so does the capture.
        reader = subprocess.Popen(
            ["tshark", "-l", "-n", "-i", "-", "-c", "2"],
            stdin=writer.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        writer.stdout.close()
        next(line for line in writer.stderr if "capturing at" in line)
        lab.inside("client", "ping", "-c", "1", NODE2)
        shown, _ = reader.communicate(timeout=20)
        lab.inside("client", "ping", "-c", "1", NODE2)
        told = writer.stderr.read()
        assert writer.wait(timeout=20) == 0
    assert "Echo (ping) request" in shown
    assert "Traceback" not in told


def test_a_reader_that_has_seen_enough_ends_the_capture(lab: Lab):
    command = shlex.join(
        lab.command("capture", "-w", "-", "--filter", "udp port 9", "--duration", "20")
    )
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} | head -c 500 >/dev/null"],
        env=lab.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr


def test_a_time_without_packets_gives_a_file_without_packets(lab: Lab, tmp_path: Path):
    file = tmp_path / "none.pcapng"
    done = lab.run("capture", "router", "--filter", "port 9", "--duration", "0.2", "-w", str(file))
    assert done.returncode == 0
    assert "0 frames" in done.stderr
    assert "no packet fitted the filter" in done.stderr
    read = read_file(file)
    assert read.packets == []
    assert len(read.statistics) == len(read.interfaces) > 1
    assert tshark("-r", str(file)) == ""


def test_a_directory_has_a_file_for_each_point_beside_the_lines(lab: Lab, tmp_path: Path):
    with capturing(lab, "--pcap-dir", str(tmp_path / "d"), "--live", "--filter", "icmp") as running:
        lab.inside("client", "ping", "-c", "1", NODE2)
        assert running.end() == 0
    files = sorted(path.name for path in (tmp_path / "d").iterdir())
    assert files == [
        "client_eth0.pcapng", "node2_eth0.pcapng", "router_cloud0.pcapng",
        "router_internet0.pcapng", "router_p-client.pcapng", "router_p-node2.pcapng",
    ]  # fmt: skip
    assert len(read_file(tmp_path / "d/node2_eth0.pcapng").packets) == 2
    assert len(running.out.splitlines()) == 12
    assert "6 files in" in running.told


def test_a_pod_that_comes_is_heard_and_one_that_goes_is_let_go(lab: Lab, tmp_path: Path):
    file = tmp_path / "pods.pcapng"
    with capturing(lab, "-w", str(file)) as running:
        # The same name twice: a ring that held on to the first would stand in the second's way.
        for _ in range(2):
            assert lab.run("apply", "-f", "-", text=POD).returncode == 0
            running.wait_for("capturing on web-1 too")
            pod = wait_for(lambda: _running(lab, "web-1"))
            lab.inside("node1", "ping", "-c", "1", pod["status"]["podIP"])
            assert lab.run("delete", "pod", "web-1").returncode == 0
            running.wait_for("web-1 has gone")
        assert running.end() == 0
    read = read_file(file)
    echoes = [one for one in read.packets if one.interface == "web-1:eth0" and one.content[23] == 1]
    assert len(echoes) == 4
    assert "web-1" in read.names.values()


def _running(lab: Lab, name: str) -> dict | None:
    pod = lab.get("pod", name)
    return pod if pod.get("status", {}).get("phase") == "Running" else None


def test_no_room_on_the_disk_ends_the_capture_with_a_whole_file(lab: Lab, tmp_path: Path):
    script = f"""
    mount -t tmpfs -o size=64k none {tmp_path} || exit 99
    {{ sleep 0.1; while kill -0 $$ 2>/dev/null; do
         ip netns exec netlab-{lab.name}-client ping -q -c 20 -i 0.01 -s 1000 {NODE2}; done; }} \
       >/dev/null 2>&1 &
    {" ".join(lab.command("capture", "-w", str(tmp_path / "a.pcapng")))} --duration 20
    code=$?
    kill $! ; cat {tmp_path}/a.pcapng
    exit $code
    """
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", script],
        env=lab.environment(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    told = done.stderr.decode()
    assert done.returncode == 4, told
    assert "no room is left for" in told
    assert "what was written is whole" in told
    read = read_capture(done.stdout)
    assert len(read.packets) > 20
    assert len(read.statistics) == len(read.interfaces)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        pytest.param(["nodee2"], 6, "did you mean node2", id="an unknown host"),
        pytest.param(["node2:eth9"], 6, "did you mean eth0", id="an unknown interface"),
        pytest.param(["-w", "/nowhere/a"], 4, "cannot write /nowhere/a", id="no such directory"),
        pytest.param(["--lab", "nosuchlab"], 6, "there is no lab nosuchlab", id="no such lab"),
    ],
)
def test_what_cannot_be_is_a_sentence(lab: Lab, arguments: list[str], code: int, said: str):
    done = lab.run("capture", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_capture_that_is_killed_leaves_no_trace_and_two_run_side_by_side(
    lab: Lab, tmp_path: Path
):
    first, second = tmp_path / "first.pcapng", tmp_path / "second.pcapng"
    with (
        capturing(lab, "-w", str(first), "--filter", "icmp") as one,
        capturing(lab, "-w", str(second), "--filter", "icmp") as two,
    ):
        lab.inside("client", "ping", "-c", "1", NODE2)
        wait_for(lambda: len(read_file(first).packets) == 12)
        one.end(signal.SIGKILL)
        assert two.end() == 0
    assert len(read_file(second).packets) == 12


def test_without_a_control_plane_addresses_stay_and_packets_are_heard(
    make_lab: Callable[[], Lab], tmp_path: Path
):
    lab = make_lab()
    lab.up("two-nodes")
    os.kill(lab.processes()["control plane"], signal.SIGKILL)
    wait_for(lambda: not lab.processes())
    with capturing(lab, "client", "--filter", "icmp", "--count", "2") as running:
        lab.inside("client", "ping", "-c", "1", NODE2)
        assert running.end(None) == 0
    assert f"> {NODE2} icmp echo request" in running.out
    assert "addresses stay without names" in running.told

    with capturing(lab, "-w", str(tmp_path / "down.pcapng")) as running:
        lab.down()
        assert running.end(None) == 0
    assert "have gone" in running.told


def test_a_namespace_that_is_gone_holds_no_ring(lab: Lab):
    rings = CaptureRings(choose(lab.name, ["client", "node2:eth0"]), everything(SNAP))
    assert rings.follow().come == ["client", "node2"]
    assert rings.follow().come == []
    assert [one.name for one in rings.interfaces] == ["client:lo", "client:eth0", "node2:eth0"]
    assert rings.dropped().total() == 0
    rings.close()
    assert len(rings) == 0


def test_hosts_and_their_interfaces_are_completed(lab: Lab):
    def completed(begun: str) -> list[str]:
        environment = {
            **lab.environment(), "_NETLAB_COMPLETE": "bash_complete",
            "COMP_WORDS": f"netlab capture {begun}", "COMP_CWORD": "2",
        }  # fmt: skip
        done = subprocess.run(
            lab.command(), env=environment, capture_output=True, text=True, check=False
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines() if line]

    assert completed("node") == ["node1", "node2", "node3"]
    assert completed("router:p-n") == ["router:p-node1", "router:p-node2", "router:p-node3"]
    assert completed("nosuch:e") == []


def test_a_trace_writes_its_frames_with_hop_rule_and_rewrite(
    lab: Lab, node_port: int, tmp_path: Path
):
    file, directory, profile = tmp_path / "t.pcapng", tmp_path / "d", tmp_path / "profiles/netlab"
    done = lab.run(
        "trace", "client", f"http://node2:{node_port}", "-o", "json", "--pcap", str(file),
        "--pcap-dir", str(directory), "--wireshark-profile", str(profile),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)

    read = read_file(file)
    hops = sum(len(visit["hops"]) for one in document["packets"] for visit in one["visits"])
    assert len(read.packets) == hops
    assert {one.packet_id for one in read.packets} == {one["n"] for one in document["packets"]}
    told = [text for one in read.packets if one.interface == "node2:eth0" for text in one.comments]
    assert any(
        re.match(r"✎ DNAT node2:\d+ ⇒ source-ip-app.*by nat KUBE-SEP-", text) for text in told
    )
    assert any(re.match(r"✎ SNAT client:\d+ ⇒ node2:\d+ .*KUBE-POSTROUTING", text) for text in told)
    assert sum(len(read_file(path).packets) for path in directory.iterdir()) == hops
    assert "wireshark -C netlab" in done.stderr

    shown = tshark("-C", "netlab", "-r", str(file), profiles=tmp_path)
    assert "Retransmission" not in shown
    assert "client:eth0" in shown.splitlines()[0]
    assert "hop 1: out of client:eth0" in shown.splitlines()[0]
    assert "client → node2" in shown.splitlines()[0]
    rules = "frame.coloring_rule.name"
    painted = tshark(
        "-C", "netlab", "--color", "-r", str(file), "-T", "fields", "-e", rules, profiles=tmp_path
    )  # fmt: skip
    assert "netlab: NAT" in painted


def test_a_dropped_packet_says_so_where_it_was_last_seen(lab: Lab, node_port: int, tmp_path: Path):
    rule = ["-p", "tcp", "--dport", str(node_port), "-j", "DROP"]
    table = ["iptables", "-t", "raw"]
    assert lab.inside("node2", *table, "-I", "PREROUTING", *rule).returncode == 0
    file = tmp_path / "t.pcapng"
    try:
        done = lab.run(
            "trace", "client", f"tcp://node2:{node_port}", "--pcap", str(file), "--timeout", "0.5"
        )
    finally:
        lab.inside("node2", *table, "-D", "PREROUTING", *rule)
    assert done.returncode == 0
    last = read_file(file).packets[-1]
    assert last.interface == "node2:eth0"
    assert any(one.startswith("dropped on node2 by raw PREROUTING") for one in last.comments)

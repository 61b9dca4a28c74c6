"""The tutorial's experiments, run by a user on a lab of three nodes."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.model.rundir import rundir

pytestmark = pytest.mark.kernel

LAB = "testdemo"
NETLAB = str(Path(sys.executable).with_name("netlab"))


def netlab(*argv: str) -> subprocess.CompletedProcess[str]:
    command = [NETLAB, argv[0], "--lab", LAB, *argv[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def get(*argv: str) -> dict[str, object]:
    return json.loads(netlab("get", *argv, "-o", "json").stdout)


@pytest.fixture(scope="module", autouse=True)
def lab() -> Iterator[None]:
    up = netlab("up", "source-ip")
    assert up.returncode == 0, up.stderr
    yield
    netlab("down")


def kernel_lines(output: str) -> list[str]:
    """Return what the kernel did at each step."""
    lines = (line.split(maxsplit=1) for line in output.splitlines())
    return [words[1] for words in lines if words[:1] == ["kernel"]]


def test_nodeport_hides_the_client_behind_each_node_that_was_called():
    demo = netlab("demo", "nodeport")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert kernel_lines(demo.stdout) == [
        "client_address=10.244.1.1",
        "client_address=10.240.0.4",
        "client_address=10.240.0.5",
    ]
    assert demo.stdout.count("PASS") == 3
    assert demo.stdout.count("✎ DNAT node2:") == 1
    assert demo.stdout.count("✎ SNAT client:") == 3
    assert demo.stdout.count("(by nat KUBE-POSTROUTING #") == 3
    assert "\nThe kernel did what the document says in all 3 steps.\n" in demo.stdout


@pytest.mark.parametrize(
    ("name", "verdict", "rewrites"),
    [
        ("clusterip", "✔ DELIVERED to source-ip-app-", ["DNAT", "un-DNAT"]),
        ("nodeport", "✔ DELIVERED to source-ip-app-", ["DNAT", "SNAT", "un-SNAT", "un-DNAT"]),
        ("nodeport-local", "✖ DROPPED on node2 by filter KUBE-EXTERNAL-SERVICES #1", []),
    ],
)
def test_each_step_is_drawn_with_its_rules_and_the_lesson_closes_the_demo(
    name: str, verdict: str, rewrites: list[str]
):
    demo = netlab("demo", name)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    steps, _, said = demo.stdout.partition("The kernel did what the document says")
    picture = steps.partition("\n2. $ ")[2].partition("\n3. $ ")[0]
    assert f"\n{verdict}" in picture
    assert [line.split()[2] for line in picture.splitlines() if "✎" in line] == rewrites
    assert "TRY" not in steps, "what it says to try would meet another lab"
    closing = said.partition("\nWhat to remember\n")[2]
    assert len(closing.split()) > 10
    assert closing.endswith(".\n")


def test_captures_are_kept_one_file_for_each_interface():
    netlab("demo", "nodeport")
    files = {file.name for file in (rundir(LAB) / "captures/nodeport").iterdir()}
    assert {"client_eth0.pcap", "node1_eth0.pcap", "node2_eth0.pcap", "node3_eth0.pcap"} <= files
    assert any(name.startswith("source-ip-app-") for name in files)
    capture = str(rundir(LAB) / "captures/nodeport/client_eth0.pcap")
    read = subprocess.run(["tcpdump", "-nr", capture], capture_output=True, text=True, check=True)
    assert read.stdout.count("Flags [S],") == 3


def test_nodeport_local_has_one_answer_and_shows_where_the_others_died():
    demo = netlab("demo", "nodeport-local")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert kernel_lines(demo.stdout) == [
        "client_address=198.51.100.79",
        "timeout, dropped on node2 by filter KUBE-EXTERNAL-SERVICES #1",
        "timeout, dropped on node3 by filter KUBE-EXTERNAL-SERVICES #1",
    ]
    service = get("service", "nodeport")
    assert service["spec"]["externalTrafficPolicy"] == "Cluster"


def test_clusterip_keeps_a_pods_address_and_leaves_no_pod_behind():
    before = [pod["metadata"]["name"] for pod in get("pods")["items"]]
    demo = netlab("demo", "clusterip")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    beside, elsewhere, *nodes = kernel_lines(demo.stdout)
    assert beside.startswith("client_address=10.244.1.")
    assert beside != "client_address=10.244.1.1"
    assert elsewhere.startswith("client_address=10.244.2.")
    # The last is the pod itself, by way of its Service.
    assert nodes == [
        "client_address=10.244.1.1",
        "client_address=10.240.0.4",
        "client_address=10.244.1.1",
    ]
    assert "a pod that reaches itself is masqueraded" in demo.stdout
    assert [pod["metadata"]["name"] for pod in get("pods")["items"]] == before


def has_callers() -> bool:
    return any(pod["metadata"]["name"].startswith("caller-") for pod in get("pods")["items"])


def is_local() -> bool:
    return get("svc", "nodeport")["spec"]["externalTrafficPolicy"] == "Local"


@pytest.mark.parametrize(
    ("argv", "is_changed"),
    [
        pytest.param(("demo", "clusterip"), has_callers, id="pods"),
        pytest.param(("demo", "nodeport-local"), is_local, id="a policy"),
        pytest.param(("matrix", "--policies"), is_local, id="a matrix"),
    ],
)
def test_a_terminal_that_is_closed_has_all_put_back(
    argv: tuple[str, ...], is_changed: Callable[[], bool]
):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(NETLAB, [NETLAB, argv[0], "--lab", LAB, *argv[1:]])  # noqa: S606
    while not is_changed():
        if select.select([terminal], [], [], 0.01)[0]:
            os.read(terminal, 4096)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 128 + signal.SIGHUP
    assert not is_local()
    assert not has_callers()


def test_what_is_missing_is_made_for_the_length_of_the_demo():
    netlab("delete", "service", "nodeport")
    demo = netlab("demo", "nodeport-local")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "delete Service nodeport" in demo.stderr
    assert netlab("get", "service", "nodeport").returncode != 0
    assert netlab("demo", "nodeport").returncode == 0


def test_a_kernel_that_does_otherwise_fails_the_demo():
    rule = ["POSTROUTING", "-p", "tcp", "--dport", "8080", "-j", "MASQUERADE"]
    iptables = ["ip", "netns", "exec", f"netlab-{LAB}-node1", "iptables", "-t", "nat"]
    subprocess.run([*iptables, "-I", *rule], check=True)
    try:
        demo = netlab("demo", "nodeport-local")
    finally:
        subprocess.run([*iptables, "-D", *rule], check=True)
    assert demo.returncode == 1
    assert "FAIL" in demo.stdout
    assert "in 2 of 3 steps" in demo.stderr


def test_without_a_name_the_experiments_are_listed():
    listed = netlab("demo")
    assert listed.returncode == 0
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert names == [
        "connect-applications",
        "clusterip",
        "nodeport",
        "nodeport-local",
        "loadbalancer",
        "loadbalancer-local",
        "loadbalancer-proxy",
    ]


def test_an_unknown_experiment_is_a_wrong_command_line():
    refused = netlab("demo", "nodeprot")
    assert refused.returncode == 2
    assert "clusterip, nodeport, nodeport-local" in refused.stderr


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("loadbalancer", {"10.244.1.1", "10.240.0.4", "10.240.0.5"}),
        ("loadbalancer-local", {"198.51.100.79"}),
        ("loadbalancer-proxy", {"10.240.0.2"}),
    ],
)
def test_a_load_balancer_hides_keeps_or_replaces_the_client(name: str, seen: set[str]):
    demo = netlab("demo", name)
    assert demo.returncode == 0, demo.stdout + demo.stderr
    found = {line.partition("=")[2] for line in kernel_lines(demo.stdout)}
    assert found
    assert found <= seen
    assert demo.stdout.count("PASS") == 4
    # The balancer is a hop of the request's, between the router and a node.
    assert re.search(r"^ *3 lb +▸ eth0", demo.stdout, re.MULTILINE)
    assert name not in netlab("get", "services").stdout


def test_the_pods_of_connect_applications_answer_any_node_and_any_pod():
    demo = netlab("demo", "connect-applications", "--draw", "0")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stdout.count("answered by my-nginx-") == 4
    assert demo.stdout.count("PASS") == 4
    assert "delete Deployment my-nginx" in demo.stderr

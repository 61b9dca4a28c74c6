"""Every built-in topology comes up, answers, shows itself and goes; so do its printed commands."""

import re
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from ipaddress import ip_address
from typing import Any

import pytest

from netlab.rootless.enter import is_root
from tests.scenarios.conftest import Lab, namespaces, wait_for

pytestmark = pytest.mark.kernel

TOPOLOGIES = sorted(
    entry.name.removesuffix(".yaml")
    for entry in (files("netlab") / "topologies").iterdir()
    if entry.name.endswith(".yaml")
)
WITH_EXPERIMENTS = {"source-ip-nftables"}
"""Those of source-ip have tests of their own."""


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_topology_comes_up_answers_and_goes(lab: Lab, topology: str):
    out = lab.up(topology)
    # packet-paths has Services that are not to answer; up says which, and why.
    answers = "" if topology == "packet-paths" else " and answers"
    assert f"({topology}) is up{answers}, in " in out
    status = lab.run("status")
    assert status.returncode == 0, status.stdout
    for service in services(lab):
        for url in urls(lab, service):
            for caller in ("node1", "node2"):
                assert lab.fetch(caller, url, "-o", "/dev/null", "-w", "%{http_code}") == "200"
    # The cluster's own pods, for which up does not wait, are endpoints from when they are ready.
    wait_for(lambda: all(map(is_ready, lab.get("pods", "-A")["items"])), 30)
    matrix = lab.run("matrix")
    assert matrix.returncode == 0, matrix.stderr
    if topology in WITH_EXPERIMENTS:
        for experiment in ("clusterip", "nodeport", "nodeport-local"):
            demo = lab.run("demo", experiment)
            assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "nothing to do" in lab.up(topology)
    assert "is down" in lab.down()


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def services(lab: Lab) -> list[dict[str, Any]]:
    """Return the Services that somebody stands behind and that speak HTTP."""
    slices = lab.get("endpointslices")["items"]
    served = {
        one["metadata"]["labels"]["kubernetes.io/service-name"]
        for one in slices
        if one["endpoints"]
    }
    served -= {"kubernetes"}  # HTTPS, and not for everybody
    return [one for one in lab.get("svc")["items"] if one["metadata"]["name"] in served]


def urls(lab: Lab, service: dict[str, Any]) -> Iterator[str]:
    """Return every address that a Service has, of each of its families."""
    families = service["spec"]["ipFamilies"]
    addresses = [
        address["address"]
        for node in lab.get("nodes")["items"]
        for address in node["status"]["addresses"]
        if address["type"] == "InternalIP" and family(address["address"]) in families
    ]
    for port in service["spec"]["ports"]:
        if port["protocol"] != "TCP":
            continue
        for address in service["spec"]["clusterIPs"]:
            yield url(address, port["port"])
        # Under Local not every node answers.
        if port.get("nodePort") and service["spec"].get("externalTrafficPolicy") != "Local":
            yield from (url(address, port["nodePort"]) for address in addresses)


def family(address: str) -> str:
    return f"IPv{ip_address(address).version}"


def url(address: str, port: int) -> str:
    return f"http://[{address}]:{port}" if ":" in address else f"http://{address}:{port}"


@pytest.mark.parametrize(
    "topology",
    [
        pytest.param(name, marks=[] if name == "dual-stack" else [pytest.mark.long])
        for name in TOPOLOGIES
    ],
)
def test_one_topology_becomes_another(lab: Lab, topology: str):
    lab.up("two-nodes")
    lab.up(topology)
    assert lab.run("status").returncode == 0
    lab.up("two-nodes")
    assert "CLIENT VALUES" in lab.fetch("client", "http://10.240.0.4:30080")


@pytest.mark.skipif(not is_root(), reason="ip netns, typed by hand, needs root")
@pytest.mark.parametrize("families", ["[IPv4]", "[IPv4, IPv6]"])
def test_printed_commands_build_the_same_network(lab: Lab, families: str):
    """What ``up --dry-run`` prints, typed in by hand, is what ``up`` then finds done."""
    named = (files("netlab") / "topologies" / "two-nodes.yaml").read_text()
    topology = named.replace("  nodes:\n", f"  ipFamilies: {families}\n  nodes:\n", 1)
    script = lab.run("up", "--dry-run", "-", text=topology).stdout
    # Not all have ethtool; what the captures show has nothing to do with the network's shape.
    script = "".join(line for line in script.splitlines(keepends=True) if "ethtool" not in line)
    typed = subprocess.run(
        ["bash", "-eu"], input=script, capture_output=True, text=True, check=False
    )
    try:
        assert typed.returncode == 0, typed.stderr
        by_hand = {name: shape(name) for name in sorted(namespaces()) if lab.name in name}
    finally:
        lab.down()
    assert lab.run("up", "-", text=topology).returncode == 0
    by_up = {name: shape(name) for name in lab.netns()}
    assert by_hand == by_up


def shape(netns: str) -> dict[str, list[str]]:
    """Return links, addresses, routes and rules, without counters, numbers and ClusterIPs."""
    commands = {
        "links": ["ip", "-o", "link"],
        "addresses": ["ip", "-o", "addr"],
        "routes": ["ip", "route"],
        "routes of IPv6": ["ip", "-6", "route"],
        "rules": ["iptables-save"],
        "rules of IPv6": ["ip6tables-save"],
    }
    found = {}
    for what, argv in commands.items():
        done = subprocess.run(
            ["ip", "netns", "exec", netns, *argv], capture_output=True, text=True, check=True
        )
        lines = (line for line in done.stdout.splitlines() if not line.startswith("#"))
        found[what] = sorted(map(_steady, lines))
    return found


def _steady(line: str) -> str:
    # Whether a link has a carrier its kernel finds out by itself, after the last command.
    line = re.sub(r"NO-CARRIER,|,LOWER_UP|,M-DOWN| state [A-Z]+| linkdown", "", line)
    line = re.sub(r"\[\d+:\d+\]|^\d+: |@if\d+|link-netnsid \d+|qlen \d+", "", line)
    line = re.sub(
        r"link-netns \S+|valid_lft \S+|preferred_lft \S+|proto static |brd [\d.]+ ", "", line
    )
    cluster_ip = r"\b10\.0\.\d+\.\d+/32\b|\bfd00:10:96::[\da-f]+/128\b"
    return re.sub(rf"{cluster_ip}|--sport \d+", "CLUSTER-IP", line)

"""Every kind of path of topology packet-paths, held against golden drawings and predictions.

One lab for each CNI and kind of iptables. ``NETLAB_UPDATE_GOLDEN=1 pytest`` writes the drawings
anew; read the difference. Both kinds of iptables must give the same drawing.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.lab.topologies import read_topology
from netlab.model.rundir import control_socket
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.trace.packet import Result, RuleHit
from netlab.trace.session.tracing import TraceRequest, trace
from netlab.trace.stable import stable
from netlab.trace.trace import Trace
from tests.kernel.conftest import WARNINGS, Lab, wait_for

pytestmark = pytest.mark.kernel

GOLDEN: Final = Path(__file__).parents[1] / "golden/paths"
BACKENDS: Final = {"nft": "/usr/sbin/xtables-nft-multi", "legacy": "/usr/sbin/xtables-legacy-multi"}
PROGRAMS: Final = ("iptables", "iptables-save", "iptables-restore")
WIDTH: Final = 110
TIMEOUT_S: Final = 0.4
"""Less than the second after which a SYN is sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call, and how it must end."""

    name: str
    caller: str
    target: str
    end: Result = Result.DELIVERED
    payload: int | None = None


PATHS: Final = (
    Case(name="clusterip-pod-same-node", caller="caller-1", target="http://web-cluster"),
    Case(name="clusterip-pod-other-node", caller="caller-2", target="http://web-cluster"),
    Case(name="clusterip-node-with-the-pod", caller="node1", target="http://web-cluster"),
    Case(name="clusterip-node-without-the-pod", caller="node2", target="http://web-cluster"),
    Case(
        name="clusterip-from-outside",
        caller="client",
        target="http://web-cluster",
        end=Result.DROPPED,
    ),
    Case(name="hairpin", caller="web-1", target="http://web-cluster"),
    Case(name="no-endpoints", caller="caller-2", target="tcp://empty", end=Result.REJECTED),
    Case(name="cluster-node-with-the-pod", caller="client", target="http://node1:30100"),
    Case(name="cluster-node-without-the-pod", caller="client", target="http://node2:30100"),
    Case(name="cluster-from-a-pod", caller="caller-1", target="http://node2:30100"),
    Case(name="cluster-from-a-node", caller="node1", target="http://node2:30100"),
    Case(name="cluster-from-the-node-itself", caller="node2", target="http://node2:30100"),
    Case(name="cluster-by-external-ip", caller="client", target="http://192.0.2.4:30100"),
    Case(name="local-node-with-the-pod", caller="client", target="http://node1:30101"),
    Case(
        name="local-node-without-the-pod",
        caller="client",
        target="http://node2:30101",
        end=Result.DROPPED,
    ),
    Case(name="local-from-a-pod", caller="caller-2", target="http://node2:30101"),
    Case(name="local-from-the-node-itself", caller="node2", target="http://node2:30101"),
    Case(
        name="local-from-another-node",
        caller="node1",
        target="http://node2:30101",
        end=Result.DROPPED,
    ),
    Case(name="udp-nodeport", caller="client", target="udp://node2:30109"),
    Case(name="udp-clusterip", caller="caller-2", target="udp://udp"),
    Case(name="udp-fragments", caller="client", target="udp://node2:30109", payload=3000),
    Case(name="udp-closed-port", caller="client", target="udp://node1:9", end=Result.REFUSED),
    Case(name="icmp-node", caller="client", target="icmp://node2"),
    Case(name="icmp-pod-to-pod", caller="caller-1", target="icmp://caller-2"),
    Case(name="icmp-fragments", caller="caller-2", target="icmp://caller-1", payload=3000),
    Case(name="icmp-leaves-the-cluster", caller="caller-1", target="icmp://client"),
    Case(name="closed-port", caller="client", target="tcp://node1:9", end=Result.REFUSED),
)


class Paths(Lab):
    """A lab of one CNI and one kind of iptables."""

    cni = ""
    backend = ""
    directory_of_programs = ""

    def environment(self) -> dict[str, str]:
        own = super().environment()
        return {**own, "PATH": f"{self.directory_of_programs}:{own['PATH']}"}


@pytest.fixture(
    scope="module",
    params=[
        "ptp nft",
        "bridge legacy",
        pytest.param("ptp legacy", marks=pytest.mark.long),
        pytest.param("bridge nft", marks=pytest.mark.long),
    ],
)
def lab(
    request: pytest.FixtureRequest,
    make_lab: Callable[[], Lab],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Paths]:
    cni, backend = request.param.split()
    if cni == "bridge" and not Path("/proc/sys/net/bridge").exists():
        pytest.skip("br_netfilter is not loaded")
    if not os.access(BACKENDS[backend], os.X_OK):
        pytest.skip(f"this machine has no {BACKENDS[backend]}")
    directory = tmp_path_factory.mktemp("paths")
    for name in PROGRAMS:
        (directory / name).symlink_to(BACKENDS[backend])
    text = read_topology("packet-paths")[0].decode()
    file = directory / "packet-paths.yaml"
    file.write_text(text.replace("\nspec:\n", f"\nspec:\n  cni: {cni}\n", 1))
    made = make_lab()
    made.__class__ = Paths
    assert isinstance(made, Paths)
    made.cni, made.backend = cni, BACKENDS[backend]
    made.directory_of_programs = str(directory)
    made.up(str(file))
    yield made
    made.down()


def traced(lab: Lab, caller: str, target: str, **more: object) -> Trace:
    objects = Client(control_socket(lab.name))
    cluster = Cluster(lab=lab.name, objects=objects, read_hosts=lambda: hosts(lab.name))
    asked = TraceRequest(caller=caller, target=target, timeout_s=TIMEOUT_S, predict=True)
    request = replace(asked, **more)
    return trace(cluster, request, 1_700_000_000.0)


def drawing(found: Trace, lab: Lab) -> str:
    """Return the tree without what differs from run to run."""
    text = render_trace(stable(found), TraceStyle(width=WIDTH, times=False))
    text = text.replace(f" --lab {lab.name}", "")
    # Not every kernel gives reasons, nor every user, for whom counters have to do; and each kind of
    # iptables drops in a function of its own.
    text = re.sub(r"^    │   (kernel .*|.*\[inferred\])\n", "", text, flags=re.MULTILINE)
    # How many acknowledgements there are depends on how busy the machine is.
    return re.sub(r"\d+ packets? \(\d+ there, \d+ back\)", "N packets", text)


def hold_against_golden(lab: Lab, path: Case, directory: Path) -> None:
    """Make a call; it must be as predicted, and as drawn in a file of ``directory``."""
    found = traced(lab, path.caller, path.target, payload=path.payload)

    assert found.verdict.result is path.end
    assert found.warnings == WARNINGS
    assert found.prediction.holds(), render_trace(found, TraceStyle(width=WIDTH))
    assert found.prediction.remarks == ()
    golden = directory / f"{path.name}.txt"
    now = drawing(replace(found, warnings=()), lab)
    if os.environ.get("NETLAB_UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(now)
    assert now == golden.read_text()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_path_is_as_drawn_and_as_its_rules_predict(lab: Paths, path: Case):
    hold_against_golden(lab, path, GOLDEN / lab.cni)


LOSE_THE_FIRST = """
table ip lossy {
  chain first {
    type filter hook prerouting priority -350;
    tcp flags syn tcp dport 30100 quota until 79 bytes drop
  }
}
"""


def test_a_lost_syn_is_an_attempt_of_its_own(lab: Paths):
    assert lab.inside("node2", "nft", "-f", "-", text=LOSE_THE_FIRST).returncode == 0
    try:
        found = traced(lab, "client", "http://node2:30100", timeout_s=3.0)
    finally:
        lab.inside("node2", "nft", "delete", "table", "ip", "lossy")

    first, second = (p for p in found.packets if p.kind == "SYN")
    assert (first.attempt, first.verdict.result) == (1, Result.DROPPED)
    assert (first.verdict.by.table, first.verdict.host) == ("lossy", "node2")
    assert (second.attempt, second.verdict.result) == (2, Result.DELIVERED)
    assert (found.attempts, found.verdict.result) == (2, Result.DELIVERED)
    assert found.prediction.remarks == ("node2 has rules in lossy, which netlab cannot predict",)
    assert found.prediction.paths == found.prediction.differences == ()


def test_equal_requests_at_once_are_told_apart(lab: Paths):
    argv = ["trace", "client", "http://node2:30100", "-o", "json", "--predict"]
    both = [lab.start(*argv) for _ in range(2)]
    answers = [process.communicate(timeout=30) for process in both]

    documents = [json.loads(out) for out, _ in answers]
    assert len({document["flow"]["source"] for document in documents}) == len(documents)
    for document in documents:
        own = document["flow"]["source"]
        others = {one["flow"]["source"] for one in documents} - {own}
        text = json.dumps(document["packets"])
        assert own in text
        assert not any(other in text for other in others)
        assert [packet["kind"] for packet in document["packets"]].count("SYN") == 1
        assert document["verdict"]["result"] == "delivered"
        assert document["prediction"]["holds"]


TWO_ENDPOINTS = """
apiVersion: v1
kind: Pod
metadata: {name: web-2, labels: {app: web}}
spec:
  nodeName: node2
  terminationGracePeriodSeconds: 1
  containers: [{name: echoserver, image: registry.k8s.io/echoserver:1.4}]
"""


def test_each_endpoint_is_predicted_with_its_chance(lab: Paths):
    assert lab.run("apply", "-f", "-", text=TWO_ENDPOINTS).returncode == 0
    try:
        # One die for each of the two Services.
        wait_for(lambda: kube_rules(lab).count("--probability 0.5") == 2)
        found = traced(lab, "caller-1", "http://web-cluster")
    finally:
        assert lab.run("delete", "pod", "web-2").returncode == 0
        wait_for(lambda: "--probability" not in kube_rules(lab))
        wait_for(lambda: not any(name.endswith("web-2") for name in lab.netns()))

    assert found.prediction.holds()
    chances = {str(end.address): chance for end, chance in found.prediction.endpoints().items()}
    assert list(chances.values()) == [Fraction(1, 2), Fraction(1, 2)]
    assert str(found.request().last_pair().destination.address) in chances
    taken = found.prediction.paths[found.prediction.taken]
    assert taken.host == found.verdict.host


def test_a_client_that_affinity_knows_is_no_surprise(lab: Paths):
    def set_affinity(kind: str, rules: int) -> None:
        patch = json.dumps({"spec": {"sessionAffinity": kind}})
        assert lab.run("patch", "svc", "web-cluster", "-p", patch).returncode == 0
        wait_for(lambda: kube_rules(lab).count("--rcheck") == rules)

    set_affinity("ClientIP", 1)
    try:
        first, second = (traced(lab, "caller-1", "http://web-cluster") for _ in range(2))
    finally:
        set_affinity("None", 0)

    met = [
        [step.text for _, step in one.request().steps() if isinstance(step, RuleHit)]
        for one in (first, second)
    ]
    assert [any("--rcheck" in text for text in texts) for texts in met] == [False, True]
    assert first.prediction.holds()
    assert second.prediction.holds()


def kube_rules(lab: Paths) -> str:
    return lab.inside("node1", lab.backend, "iptables-save", "-t", "nat").stdout


def test_a_rule_of_somebody_elses_is_predicted_too(lab: Paths):
    rule = ["FORWARD", "-p", "tcp", "--dport", "8080", "-s", "10.244.1.0/24", "-j", "DROP"]
    assert lab.inside("node1", lab.backend, "iptables", "-I", *rule).returncode == 0
    try:
        found = traced(lab, "caller-1", "http://web-cluster")
    finally:
        lab.inside("node1", lab.backend, "iptables", "-D", *rule)

    assert found.verdict.result is Result.DROPPED
    assert found.prediction.holds()
    taken = found.prediction.paths[found.prediction.taken]
    assert taken.words() == "dropped on node1 by filter FORWARD #1"


DROP_EVERYTHING = """
table inet deaf {
  chain ears {
    type filter hook forward priority 10;
    counter drop
  }
}
"""


def test_nothing_is_predicted_of_a_packet_that_meets_somebody_elses_table(lab: Paths):
    assert lab.inside("node1", "nft", "-f", "-", text=DROP_EVERYTHING).returncode == 0
    try:
        found = traced(lab, "client", "http://node1:30100")
        beside = traced(lab, "client", "udp://node2:9")
    finally:
        lab.inside("node1", "nft", "delete", "table", "inet", "deaf")

    assert (found.verdict.result, found.verdict.by.table) == (Result.DROPPED, "deaf")
    assert found.prediction.paths == found.prediction.differences == ()
    assert found.prediction.remarks == (
        "node1 has rules in inet deaf, which netlab cannot predict",
    )
    assert beside.prediction.holds()
    assert beside.prediction.remarks == ()

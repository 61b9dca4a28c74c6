"""The same trace through iptables-nft and iptables-legacy: chains, rules, numbers, verdicts."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.model.packets import Nat
from netlab.model.rundir import control_socket
from netlab.render.trace.tree import TraceStyle, render_trace
from netlab.sources.rule_trace_messages import TABLE_PREFIX
from netlab.trace.chain_walk import deciding
from netlab.trace.packet import Packet, Result, Rewritten, RuleHit
from netlab.trace.session.rules_read import RulesRead
from netlab.trace.session.tracing import TraceRequest, trace
from netlab.trace.trace import Trace
from tests.kernel.conftest import WARNINGS, Lab, wait_for
from tests.kernel.test_iptables_backends import (
    BACKENDS,
    PROGRAMS,
    TOPOLOGY,
    LabWithBackend,
)

pytestmark = pytest.mark.kernel

NOW = 1_700_000_000.0
LOGGER = "/proc/sys/net/netfilter/nf_log/2"
SILENT = "tcp://node2:83"
"""A rule drops what comes there: a trace waits for its answer as long as it is told to."""
DROP = ("iptables", "-A", "INPUT", "-p", "tcp", "--dport", "83", "-j", "DROP")
LOCAL = '{"spec":{"externalTrafficPolicy":"Local"}}'
CLUSTER = '{"spec":{"externalTrafficPolicy":"Cluster"}}'

Labs = dict[str, Lab]


@pytest.fixture(scope="module")
def labs(make_lab: Callable[[], Lab], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labs]:
    """Return a lab for each back end, with equal Services."""
    made: Labs = {}
    for backend, program in BACKENDS.items():
        if not os.access(program, os.X_OK):
            pytest.skip(f"this machine has no {program}")
        directory = tmp_path_factory.mktemp(backend)
        for name in PROGRAMS:
            (directory / name).symlink_to(program)
        (directory / "lab.yaml").write_text(TOPOLOGY)
        lab = make_lab()
        lab.__class__ = LabWithBackend
        assert isinstance(lab, LabWithBackend)
        lab.directory_of_programs = str(directory)
        lab.up(str(directory / "lab.yaml"))
        assert lab.inside("node2", program, *DROP).returncode == 0
        made[backend] = lab
    yield made
    for lab in made.values():
        lab.down()


def traced(lab: Lab, caller: str, target: str) -> Trace:
    objects = Client(control_socket(lab.name))
    cluster = Cluster(lab=lab.name, objects=objects, read_hosts=lambda: hosts(lab.name))
    return trace(cluster, TraceRequest(caller=caller, target=target, timeout_s=0.4), NOW)


def walks(packet: Packet | None) -> list[tuple[str, object]]:
    """Return what mattered of a packet's way through the rules, without handles."""
    assert packet is not None
    found: list[tuple[str, object]] = []
    for visit in packet.visits:
        hits = [step for step in visit.steps if isinstance(step, RuleHit)]
        for hit in deciding(hits):
            said = (hit.table, hit.chain, hit.index, hit.text, hit.comment, hit.service)
            found.append((visit.host, (*said, hit.endpoint, hit.verdict, hit.target, hit.mark)))
        found += [
            (visit.host, (step.kind, step.before.port if step.kind is Nat.DNAT else 0, step.by))
            for step in visit.steps
            if isinstance(step, Rewritten) and step.is_repeated
        ]
    return found


@pytest.fixture
def policy(labs: Labs) -> Iterator[Callable[[str], None]]:
    """Return a setter of the Service's policy in both labs, put back afterwards."""

    def put(patch: str) -> None:
        for backend, lab in labs.items():
            assert lab.run("patch", "svc", "web", "-p", patch).returncode == 0
            save = BACKENDS[backend], "iptables-save"
            wanted = patch == LOCAL
            wait_for(
                lambda lab=lab, save=save, wanted=wanted: (
                    ("has no local endpoints" in lab.inside("node2", *save).stdout) is wanted
                )
            )

    yield put
    put(CLUSTER)


@pytest.mark.parametrize(
    ("caller", "target"),
    [
        pytest.param("client", "http://node2:30080", id="NodePort of another node"),
        pytest.param("client", "http://node1:30080", id="NodePort of the pod's node"),
        pytest.param("node2", "http://10.0.7.7", id="ClusterIP from a node"),
        pytest.param("web-1", "http://10.0.7.7", id="a pod's own ClusterIP"),
        pytest.param("node2", "http://10.0.7.8", id="a Service without endpoints"),
    ],
)
def test_both_back_ends_show_the_same_walk(labs: Labs, caller: str, target: str):
    found = {backend: traced(lab, caller, target) for backend, lab in labs.items()}

    nft, legacy = found["nft"], found["legacy"]
    assert walks(legacy.request()) == walks(nft.request())
    assert walks(legacy.request()) != []
    assert (legacy.verdict.result, legacy.service) == (nft.verdict.result, nft.service)
    if nft.reply() is not None:
        assert walks(legacy.reply()) == walks(nft.reply())
    assert legacy.warnings == WARNINGS


def test_a_legacy_nodeport_shows_each_rule_rewrite_and_mark(labs: Labs):
    found = traced(labs["legacy"], "client", "http://node2:30080")

    steps = [step for at, step in found.request().steps() if at == "node2"]
    dnat, snat = (step for step in steps if isinstance(step, Rewritten))
    assert (dnat.kind, dnat.by.index, snat.kind) == (Nat.DNAT, 2, Nat.SNAT)
    assert dnat.by.text.endswith("-j DNAT --to-destination 10.244.1.2:8080")
    assert snat.by.target == "MASQUERADE"
    marked = [s for s in steps if isinstance(s, RuleHit) and s.chain == "KUBE-MARK-MASQ"]
    assert [(hit.verdict, hit.mark) for hit in marked] == [("CONTINUE", 0x4000)]
    assert found.verdict.result is Result.DELIVERED


def test_a_legacy_drop_names_its_rule_and_what_to_try(labs: Labs, policy: Callable[[str], None]):
    policy(LOCAL)

    found = {name: traced(lab, "client", "http://node2:30080") for name, lab in labs.items()}

    verdict = found["legacy"].verdict
    assert (verdict.result, verdict.host) == (Result.DROPPED, "node2")
    assert verdict.by.chain == "KUBE-EXTERNAL-SERVICES"
    assert "has no local endpoints" in verdict.by.text
    # Without reasons for drops there is one source.
    assert verdict.is_agreed == (not WARNINGS)
    assert "its pods run on node1" in verdict.why
    assert walks(found["legacy"].request()) == walks(found["nft"].request())
    drawn = render_trace(found["legacy"], TraceStyle(width=200))
    assert ("[both sources agree]" in drawn) == (not WARNINGS)


def test_legacy_rules_that_change_meanwhile_are_noticed(labs: Labs):
    lab = labs["legacy"]
    program = BACKENDS["legacy"]
    node = next(host for host in hosts(lab.name) if host.name == "node2")
    books = RulesRead([node], 4)
    rule = ["INPUT", "-s", "203.0.113.9", "-j", "ACCEPT"]
    before = lab.inside("node2", program, "iptables", "-I", *rule).returncode
    try:
        book = books.read()["node2"]
    finally:
        after = lab.inside("node2", program, "iptables", "-D", *rule).returncode

    assert (before, after) == (0, 0)
    assert books.warnings == [
        "the rules of node2 changed meanwhile; their numbers are the new ones"
    ]
    assert book["filter", "INPUT", -1].text.startswith("-A INPUT -s 203.0.113.9/32")


def test_a_killed_trace_leaves_the_namespaces_logger_as_it_was(labs: Labs):
    lab = labs["legacy"]

    def logger() -> str:
        return lab.inside("node2", "cat", LOGGER).stdout

    before = logger()
    running = lab.start("trace", "client", SILENT, "--timeout", "30")
    wait_for(lambda: logger() == "nfnetlink_log\n")
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()

    wait_for(lambda: logger() == before, 2)
    assert TABLE_PREFIX not in lab.inside("node2", "nft", "list", "tables").stdout


def test_a_second_trace_at_the_same_time_says_what_it_cannot_hear(labs: Labs):
    lab = labs["legacy"]
    running = lab.start("trace", "client", SILENT, "--timeout", "30")
    try:
        wait_for(lambda: lab.inside("node2", "cat", LOGGER).stdout == "nfnetlink_log\n")
        found = traced(lab, "client", "http://node2:30080")
    finally:
        running.kill()
        running.communicate()

    assert found.verdict.result is Result.DELIVERED
    assert any(text.startswith("no legacy rule trace on node2") for text in found.warnings)


def test_legacy_tables_that_are_older_than_kube_proxys_are_predicted_too(
    labs: Labs, tmp_path: Path
):
    """Of two back ends at one hook the one that came last is asked first."""
    changed = tmp_path / "nftables.yaml"
    changed.write_text(TOPOLOGY.replace("{nodes: 2}", "{nodes: 2, proxy: {mode: nftables}}"))
    lab = labs["legacy"]
    lab.up(str(changed))
    said = lab.run("trace", "client", "http://node2:30080", "--predict").stdout
    assert "did what rules and routes predict" in " ".join(said.split())

"""kube-proxy on real nodes: what it answers, what it repairs, which connections it ends."""

import asyncio
import contextlib
import json
import os
import random  # noqa: TID251 seeded, so that tests repeat
import re
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import IO, Any

import pytest

from netlab.apiserver.bootstrap import bootstrap
from netlab.apiserver.store import Store
from netlab.client.rule_differences import read_differences
from netlab.cni.address_translation import IP_MASQ_AGENT, masquerade_rules
from netlab.errors import LabError
from netlab.kubelet.node_status import store_nodes
from netlab.kubeproxy.canaries import CANARIES, FILLED, CanaryWatch
from netlab.kubeproxy.desired import desired_rules
from netlab.kubeproxy.proxier import KubeProxy
from netlab.lab.rules import read_groups
from netlab.lab.topologies import read_topology
from netlab.linux import channel, netns
from netlab.linux.nft import list_table
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode
from netlab.model.names import NetnsFamily, NetnsName, host_netns
from netlab.model.topology import Topology
from netlab.netfilter.iptables.differences import Side, differences
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.nftables.differences import table_differences
from netlab.netfilter.nftables.parse import parse_listing
from netlab.netfilter.nftables.table import TABLE
from netlab.netns_agent import agent, calls
from netlab.netns_agent.requests import FindLost, LoadTables, Restore, SaveRules
from netlab.netns_agent.rules_agent import RulesAgent
from netlab.render.rule_words import sentence
from netlab.topology.parse import parse_topology
from tests.kernel.conftest import Lab, wait_for

pytestmark = pytest.mark.kernel

NODE1, NODE2 = "10.240.0.3", "10.240.0.4"

BALANCED = """\
apiVersion: v1
kind: Service
metadata: {name: balanced}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  selector: {app: web}
  ports: [{name: a, port: 80, targetPort: 8080}, {name: b, port: 81, targetPort: 8080}]
"""


@pytest.fixture(scope="module")
def lab(make_lab: Callable[[], Lab]) -> Lab:
    lab = make_lab()
    lab.up("two-nodes")
    return lab


def apply(lab: Lab, manifest: str) -> None:
    done = lab.run("apply", "-f", "-", text=manifest)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def balanced(lab: Lab) -> Iterator[str]:
    """Return the health check port of a LoadBalancer that is there for one test."""
    apply(lab, BALANCED)
    yield str(lab.get("service", "balanced")["spec"]["healthCheckNodePort"])
    lab.run("delete", "service", "balanced")


def ask(lab: Lab, host: str, url: str) -> tuple[int, dict[str, str], str]:
    """Return code, headers and body of a URL; code 0 when nobody answers."""
    text = lab.fetch(host, url, "-i")
    head, _, body = text.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.splitlines() or ["HTTP/1.1 0"]
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


@pytest.mark.parametrize("path", ["healthz", "livez"])
def test_every_node_answers_for_its_health_to_everybody(lab: Lab, path: str):
    for node in (NODE1, NODE2):
        code, headers, body = ask(lab, "node1", f"{node}:10256/{path}")
        assert (code, headers["Content-Type"]) == (200, "application/json")
        answer = json.loads(body)
        assert answer["healthy"] is True
        assert answer["status"]["IPv4"]["healthy"] is True
        assert answer.get("nodeEligible") is (True if path == "healthz" else None)


def test_a_node_that_is_to_be_deleted_is_live_but_not_healthy(lab: Lab):
    taint = {"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"}
    lab.run("patch", "node", "node2", "-p", json.dumps({"spec": {"taints": [taint]}}))
    assert ask(lab, "node1", f"{NODE2}:10256/healthz")[0] == 503
    assert ask(lab, "node1", f"{NODE2}:10256/livez")[0] == 200
    assert ask(lab, "node1", f"{NODE1}:10256/healthz")[0] == 200
    lab.run("patch", "node", "node2", "-p", '{"spec":{"taints":null}}')
    assert ask(lab, "node1", f"{NODE2}:10256/healthz")[0] == 200


def test_mode_and_metrics_are_for_the_node_itself_only(lab: Lab):
    assert lab.fetch("node1", "127.0.0.1:10249/proxyMode") == "iptables"
    assert lab.fetch("node1", "127.0.0.1:10249/healthz") == "ok"
    assert ask(lab, "node1", "127.0.0.1:10249/elsewhere")[0] == 404
    assert ask(lab, "node2", f"{NODE1}:10249/proxyMode")[0] == 0


def metrics(lab: Lab, node: str) -> dict[str, float]:
    lines = lab.fetch(node, "127.0.0.1:10249/metrics").splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name.replace('ip_family="IPv4"', "").replace(",", ""): float(n) for name, n in pairs}


def test_metrics_count_what_a_new_service_costs(lab: Lab, request: pytest.FixtureRequest):
    before = metrics(lab, "node2")
    request.getfixturevalue("balanced")
    after = metrics(lab, "node2")
    names = ("service_changes_total", "duration_seconds_count{}")
    for name in (f"kubeproxy_sync_proxy_rules_{name}" for name in names):
        assert after[name] > before[name]
    assert after['kubeproxy_sync_proxy_rules_iptables_total{table="nat"}'] > 10
    assert after["kubeproxy_sync_proxy_rules_iptables_restore_failures_total{}"] == 0
    local = 'kubeproxy_sync_proxy_rules_no_local_endpoints_total{traffic_policy="external"}'
    assert (metrics(lab, "node1")[local], after[local]) == (0, 2)


def test_a_health_check_port_says_which_node_has_an_endpoint(lab: Lab, balanced: str):
    code, headers, body = ask(lab, "client", f"{NODE1}:{balanced}/any/path")
    assert code == 200
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Load-Balancing-Endpoint-Weight"] == "1"
    assert json.loads(body) == {
        "service": {"namespace": "default", "name": "balanced"},
        "localEndpoints": 1,
        "serviceProxyHealthy": True,
    }
    code, headers, body = ask(lab, "client", f"{NODE2}:{balanced}")
    assert (code, headers["X-Load-Balancing-Endpoint-Weight"]) == (503, "0")
    assert json.loads(body)["localEndpoints"] == 0


def test_a_health_check_port_closes_with_its_policy_and_opens_again(lab: Lab, balanced: str):
    lab.run("patch", "service", "balanced", "-p", '{"spec":{"externalTrafficPolicy":"Cluster"}}')
    assert ask(lab, "client", f"{NODE1}:{balanced}")[0] == 0
    lab.run("patch", "service", "balanced", "-p", '{"spec":{"externalTrafficPolicy":"Local"}}')
    again = lab.get("service", "balanced")["spec"]["healthCheckNodePort"]
    assert ask(lab, "client", f"{NODE1}:{again}")[0] == 200


TAKE = """
import socket, sys, time
taken = socket.create_server(("", int(sys.argv[1])))
print("begun", flush=True)
time.sleep(60)
"""


@contextlib.contextmanager
def started(lab: Lab, host: str, program: str, *argv: str) -> Iterator[IO[str]]:
    """Have a Python program run in a host, from its first line on; give the rest of its output."""
    with lab.start("exec", host, "--", sys.executable, "-c", program, *argv) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "begun\n"
            yield process.stdout
        finally:
            process.kill()


def test_a_port_that_is_taken_is_told_and_keeps_nothing_else_from_working(lab: Lab):
    with started(lab, "node2", TAKE, "30077"):
        apply(lab, BALANCED.replace("spec:\n", "spec:\n  healthCheckNodePort: 30077\n"))
        [problem] = wait_for(lambda: lab.status()["problems"])
        assert "node2: no listening on port 30077" in problem
        assert ask(lab, "client", f"{NODE1}:30077")[0] == 200
    wait_for(lambda: not lab.status()["problems"])
    assert ask(lab, "client", f"{NODE2}:30077")[0] == 503
    lab.run("delete", "service", "balanced")


TWO_NODES = parse_topology(*read_topology("two-nodes")).topology
BARE = f"t{os.getpid()}bare"
Calls = Callable[[object], Awaitable[Any]]


@contextlib.contextmanager
def one_node(
    mode: ProxyMode = ProxyMode.IPTABLES,
) -> Iterator[tuple[NetnsName, Topology, socket.socket]]:
    """Give the bare namespaces of a node and a router, and a netns agent for them."""
    topology = replace(TWO_NODES, nodes=TWO_NODES.nodes[:1], proxy=ProxyConfiguration(mode=mode))
    names = [host_netns(BARE, name) for name in ("router", "node1")]
    for name in names:
        netns.create(name)
    end = agent.fork()
    try:
        yield names[1], topology, end
    finally:
        end.close()
        os.wait()
        for name in names:
            netns.delete(name)


def calls_to(end: socket.socket) -> calls.Calls:
    return calls.Calls(
        end,
        send=channel.send,
        receive=channel.receive,
        on_message=lambda _: None,
        gone=lambda: None,
    )


def proxy_of(call: Calls) -> KubeProxy:
    store = Store(None, clock=lambda: 0.0, random=random.Random(1))  # noqa: S311
    bootstrap(store, TWO_NODES.service_networks)
    store_nodes(store, TWO_NODES, 0.0)
    return KubeProxy(BARE, store, call, clock=lambda: 0.0)


def inside(name: NetnsName, *argv: str) -> str:
    command = ["ip", "netns", "exec", name, *argv]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


IPTABLES, NFTABLES = ProxyMode


@pytest.mark.parametrize(
    ("mode", "commands"),
    [
        *(
            pytest.param(
                IPTABLES,
                [f"iptables -t {table} -F", f"iptables -t {table} -X"],
                id=f"table {table}",
            )
            for table in ("mangle", "filter", "nat")
        ),
        pytest.param(NFTABLES, ["nft delete table ip kube-proxy"], id="the table"),
        pytest.param(NFTABLES, ["nft flush table ip kube-proxy"], id="the table's rules"),
        pytest.param(NFTABLES, ["nft flush ruleset"], id="everything"),
        pytest.param(NFTABLES, ["iptables -t nat -F", "iptables -t nat -X"], id="the CNI's rules"),
    ],
)
def test_rules_that_somebody_threw_away_are_laid_again(mode: ProxyMode, commands: list[str]):
    async def live(name: NetnsName, topology: Topology, end: socket.socket) -> None:
        call = calls_to(end)
        proxy, lost = proxy_of(call), set[NetnsFamily]()
        key = NetnsFamily(name, Family.IPV4)
        canaries = CanaryWatch(call, lost.update, period_s=1)
        masquerade = RulesAgent(
            IP_MASQ_AGENT, call, partial(masquerade_rules, BARE), wake=lambda: None
        )
        masquerade.follow(topology, [])
        await masquerade.sync(0.0)
        await proxy.sync(topology)
        canaries.look_when_due([key], mode, 1.0)
        before = ruleset(name)
        look = FindLost(keys=(key,), chains=CANARIES[mode], filled=FILLED[mode])
        assert await call(look) == frozenset()
        for command in commands:
            inside(name, *command.split())
        canaries.look_when_due([key], mode, 2.0)
        async with asyncio.timeout(10):
            while not lost:
                await call(SaveRules(keys=(key,)))
        for owner in (proxy.forget, masquerade.resync):
            owner({one.netns for one in lost})
        before_repair = masquerade.operations
        await masquerade.sync(0.0)
        repaired = masquerade.operations - before_repair + await proxy.sync(topology)
        assert repaired >= 1
        assert ruleset(name) == before

    with one_node(mode) as (name, topology, end):
        asyncio.run(live(name, topology, end))


def ruleset(name: NetnsName) -> list[str]:
    """Return everything that nft lists, in no order."""
    listed = _rules(inside(name, "iptables-save"))
    found = list_table([name], Family.IPV4, TABLE)[name]
    return listed + sorted(found.splitlines())


def _rules(text: str) -> list[str]:
    return sorted(line for line in text.splitlines() if line.startswith(("-A", "*")))


SPOILT = {
    Restore: ("COMMIT", "-A KUBE-SERVICES -j NO-SUCH-CHAIN\nCOMMIT", "\n  line "),
    LoadTables: (
        "add rule",
        "add rule ip kube-proxy services goto nowhere\nadd rule",
        "goto nowhere",
    ),
}
"""What is found in a text, what is put there, and what the refusal of it quotes."""


@pytest.mark.parametrize("mode", list(ProxyMode))
def test_a_refused_text_is_told_with_its_line_changes_nothing_and_is_loaded_next_time(
    mode: ProxyMode,
):
    async def live(name: NetnsName, topology: Topology, end: socket.socket) -> None:
        call, spoils = calls_to(end), [True]
        key = NetnsFamily(name, Family.IPV4)

        async def spoiling(request: object) -> Any:  # noqa: ANN401
            if type(request) is spoilt and spoils:
                spoils.clear()
                text = request.texts[key].replace(found, put, 1)
                request = spoilt(texts={**request.texts, key: text})
            return await call(request)

        proxy = proxy_of(spoiling)
        await proxy.sync(topology)
        assert quoted in proxy.refusals[key]
        assert proxy.metrics[key].restore_failures == 1
        assert "KUBE" not in inside(name, "iptables-save", "-t", "mangle")
        assert "kube-proxy" not in inside(name, "nft", "list", "tables")
        await proxy.sync(topology)
        assert proxy.refusals == {}
        wanted = desired_rules(BARE, topology, proxy._store)[key]
        held = inside(name, "iptables-save")
        assert differences(wanted.iptables, parse(held, Family.IPV4)) == []
        listing = list_table([name], Family.IPV4, TABLE)[name]
        table = parse_listing(listing).table if listing else None
        assert table_differences(wanted.nftables, table) == []

    spoilt = Restore if mode is IPTABLES else LoadTables
    found, put, quoted = SPOILT[spoilt]
    with one_node(mode) as (name, topology, end):
        asyncio.run(live(name, topology, end))


def test_a_table_that_iptables_cannot_read_is_told_and_gets_no_rule_twice():
    async def live(name: NetnsName, topology: Topology, end: socket.socket) -> None:
        proxy = proxy_of(calls_to(end))
        await proxy.sync(topology)
        before = ruleset(name)
        added = "numgen random mod 2 vmap { 0 : accept, 1 : accept }"
        inside(name, "nft", f"add rule ip nat OUTPUT {added}")
        if "is incompatible" not in inside(name, "iptables-save"):
            pytest.skip("this iptables reads what nft has added, or does not see it")
        proxy.forget([name])
        assert await proxy.sync(topology) == 0
        assert "cannot read table nat" in proxy.refusals[NetnsFamily(name, Family.IPV4)]
        listed = inside(name, "nft", "list", "chain", "ip", "nat", "OUTPUT")
        assert listed.count("jump KUBE-SERVICES") == 1
        rule = inside(name, "nft", "-a", "list", "chain", "ip", "nat", "OUTPUT")
        handle = re.search(r"vmap .* # handle (\d+)", rule)[1]
        inside(name, "nft", f"delete rule ip nat OUTPUT handle {handle}")
        await proxy.sync(topology)
        assert proxy.refusals == {}
        assert ruleset(name) == before

    with one_node(IPTABLES) as (name, topology, end):
        asyncio.run(live(name, topology, end))


def test_rules_are_read_back_in_words_and_counted(lab: Lab):
    before = _packets(lab)
    assert "client_address" in lab.fetch("client", f"{NODE1}:30080")
    assert _packets(lab) == before + 1


def _packets(lab: Lab) -> int:
    """Return what the NodePort's rule has counted; its sentence must be the one expected."""
    [group] = read_groups(lab.name, "node1", "web")
    [one] = [one for one in group.rules if one.rule.chain == "KUBE-NODEPORTS"]
    said = "A new connection for TCP port 30080 is treated as one that comes from outside."
    assert sentence(one, {}) == said
    return one.packets


def test_an_unknown_service_is_told_the_near_ones(lab: Lab):
    with pytest.raises(LabError, match="no rule of Service default/wob") as failure:
        read_groups(lab.name, "node1", "wob")
    assert "default/web" in failure.value.hint


def test_what_somebody_did_to_the_rules_is_shown_until_it_is_repaired(lab: Lab):
    assert read_differences(lab.name, "node1") == []
    assert read_differences(lab.name, "router") == []
    lab.inside("node1", "iptables", "-t", "nat", "-D", "KUBE-MARK-MASQ", "1")
    lab.inside("node1", "iptables", "-I", "INPUT", "-p", "tcp", "--dport", "9", "-j", "DROP")
    found = {(one.chain, one.only, one.text) for one in read_differences(lab.name, "node1")}
    assert found == {
        ("KUBE-MARK-MASQ", Side.WANTED, "-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000"),
        ("INPUT", Side.KERNEL, "-A INPUT -p tcp -m tcp --dport 9 -j DROP"),
    }
    lab.inside("node1", "iptables", "-D", "INPUT", "1")
    lab.up("two-nodes")
    assert read_differences(lab.name, "node1") == []

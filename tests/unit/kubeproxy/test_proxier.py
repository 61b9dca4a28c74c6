"""Rules follow Services, and a refusal is reported and tried again."""

import asyncio
from dataclasses import replace
from unittest.mock import Mock

import pytest

from netlab.apiserver.registry.admission import review_create
from netlab.apiserver.store import Store
from netlab.kube.kinds.service.view import Service, service_of
from netlab.kube.objects import Key, Object, with_metadata
from netlab.kubelet.node_status import store_nodes
from netlab.kubeproxy.desired import desired_rules
from netlab.kubeproxy.health import HEALTH_TIMEOUT_S
from netlab.kubeproxy.proxier import FULL_PERIOD_S, STALE_CHAINS_S, KubeProxy
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode
from netlab.model.names import NetnsFamily, NetnsName
from netlab.model.topology import Topology
from netlab.netfilter.iptables.render import render
from netlab.netfilter.nftables.table import Chain, Table
from netlab.netns_agent.requests import LoadTables, ReadTables, Restore, SaveRules
from netlab.topology.parse import parse_topology

NODE1, NODE2 = (
    NetnsFamily(NetnsName(f"netlab-default-{host}"), Family.IPV4) for host in ("node1", "node2")
)
NOW = 1_800_000_000.0
ALL = {NODE1, NODE2}


def service(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "NodePort", "ports": [{"port": 80}]},
    }


ENDPOINTS: Object = {
    "apiVersion": "discovery.k8s.io/v1",
    "kind": "EndpointSlice",
    "metadata": {
        "name": "web-1",
        "namespace": "default",
        "labels": {"kubernetes.io/service-name": "web"},
    },
    "addressType": "IPv4",
    "ports": [{"port": 8080}],
    "endpoints": [{"addresses": ["10.244.1.2"], "nodeName": "node1"}],
}


class NetnsAgent:
    """Takes every text, but from the namespaces that refuse; holds no rules."""

    def __init__(self) -> None:
        self.restored: list[dict[NetnsFamily, str]] = []
        self.tables: list[dict[NetnsFamily, str]] = []
        self.saved: dict[NetnsFamily, str] = {}
        self.listings: dict[NetnsFamily, str] = {}
        self.read: list[NetnsFamily] = []
        self.refuses: dict[NetnsFamily, str] = {}

    async def __call__(self, request: object) -> dict[NetnsFamily, str]:
        if isinstance(request, SaveRules):
            self.read += request.keys
        if isinstance(request, SaveRules):
            return {name: self.saved.get(name, "") for name in request.keys}
        if isinstance(request, ReadTables):
            return {name: self.listings.get(name, "") for name in request.keys}
        if not isinstance(request, Restore | LoadTables):
            return {}
        loaded = self.restored if isinstance(request, Restore) else self.tables
        loaded.append(dict(request.texts))
        return {name: why for name, why in self.refuses.items() if name in request.texts}


@pytest.fixture
def netns_agent() -> NetnsAgent:
    return NetnsAgent()


@pytest.fixture
def proxy(store: Store, topology: Topology, netns_agent: NetnsAgent) -> KubeProxy:
    store_nodes(store, topology, NOW)
    return KubeProxy("default", store, netns_agent, clock=lambda: NOW)


def test_every_node_gets_rules(proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent):
    assert asyncio.run(proxy.sync(topology)) == 2
    assert netns_agent.restored[0].keys() == ALL
    assert set(netns_agent.read) == ALL
    assert "KUBE-SERVICES" in netns_agent.restored[0][NODE1]


def test_nothing_is_done_while_nothing_changes(
    proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent
):
    asyncio.run(proxy.sync(topology))
    assert asyncio.run(proxy.sync(topology)) == 0
    assert len(netns_agent.restored) == 1


def test_new_namespaces_need_no_reading(
    proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent
):
    proxy.mark_empty({key.netns for key in ALL})
    asyncio.run(proxy.sync(topology))
    assert netns_agent.read == []


def test_a_new_service_changes_all_nodes(
    proxy: KubeProxy, store: Store, topology: Topology, netns_agent: NetnsAgent
):
    asyncio.run(proxy.sync(topology))
    store.create(review_create(store, service("web")))
    assert asyncio.run(proxy.sync(topology)) == 2
    assert netns_agent.restored[1].keys() == {NODE1, NODE2}
    assert "default/web" in netns_agent.restored[1][NODE1]


def test_each_family_has_rules_of_its_own_and_they_go_with_it(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    document = "apiVersion: netlab/v1\nkind: Topology\nspec: {ipFamilies: [IPv4, IPv6], nodes: 2}"
    both = parse_topology(document, "").topology
    store_nodes(store, both, NOW)
    proxy = KubeProxy("default", store, netns_agent, clock=lambda: NOW)
    assert asyncio.run(proxy.sync(both)) == 4
    node6 = NODE1._replace(family=Family.IPV6)
    assert "-s 10.244.0.0/16" not in netns_agent.restored[0][node6]
    assert "-A KUBE-SERVICES" in netns_agent.restored[0][node6]
    netns_agent.refuses = {node6: "line 3 failed"}
    proxy.forget([NODE1.netns])
    asyncio.run(proxy.sync(both))
    assert proxy.refusals == {node6: "line 3 failed"}
    assert not proxy.health(node6).is_healthy(NOW + HEALTH_TIMEOUT_S)
    assert proxy.health(NODE1).is_healthy(NOW + HEALTH_TIMEOUT_S)
    want = desired_rules("default", both, store)
    netns_agent.refuses = {}
    netns_agent.saved = {key: render(rules.iptables) for key, rules in want.items()}
    asyncio.run(proxy.sync(both))
    store_nodes(store, topology, NOW)
    asyncio.run(proxy.sync(topology))
    assert "-X KUBE-SERVICES" in netns_agent.restored[-1][NODE2._replace(family=Family.IPV6)]
    assert "-X KUBE-SERVICES" not in netns_agent.restored[-1].get(NODE2, "")


def test_a_refusal_is_told_and_the_node_read_again(
    proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent
):
    netns_agent.refuses = {NODE2: "line 3 failed"}
    assert asyncio.run(proxy.sync(topology)) == 1
    assert proxy.refusals == {NODE2: "line 3 failed"}
    netns_agent.refuses, netns_agent.read = {}, []
    assert asyncio.run(proxy.sync(topology)) == 1
    assert netns_agent.read == [NODE2]
    assert proxy.refusals == {}


def test_rules_that_may_have_been_touched_are_read_back(
    proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent
):
    asyncio.run(proxy.sync(topology))
    netns_agent.read = []
    proxy.forget({NODE1.netns})
    asyncio.run(proxy.sync(topology))
    assert netns_agent.read == [NODE1]


def test_a_change_of_a_node_has_that_nodes_rules_read_back(
    proxy: KubeProxy, store: Store, topology: Topology, netns_agent: NetnsAgent
):
    asyncio.run(proxy.sync(topology))
    netns_agent.read = []
    node = store.get(Key("nodes", "", "node2"))
    assert node is not None
    store.update(with_metadata(node, labels={"topology.kubernetes.io/zone": "elsewhere"}))
    asyncio.run(proxy.sync(topology))
    assert netns_agent.read == [NODE2]


def test_every_hour_all_rules_are_read_back(
    proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent
):
    asyncio.run(proxy.sync(topology))
    netns_agent.read = []
    assert proxy.full_sync_when_due(NOW + FULL_PERIOD_S - 1) == NOW + FULL_PERIOD_S
    assert asyncio.run(proxy.sync(topology)) == 0
    assert proxy.full_sync_when_due(NOW + FULL_PERIOD_S) == NOW + 2 * FULL_PERIOD_S
    asyncio.run(proxy.sync(topology))
    assert set(netns_agent.read) == ALL


def test_a_node_whose_text_was_refused_grows_unhealthy(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    time = [NOW]
    store_nodes(store, topology, NOW)
    proxy = KubeProxy("default", store, netns_agent, clock=lambda: time[0])
    asyncio.run(proxy.sync(topology))
    netns_agent.refuses = {NODE2: "line 3 failed"}
    store.create(review_create(store, service("web")))
    asyncio.run(proxy.sync(topology))
    assert proxy.health(NODE2).is_healthy(NOW + HEALTH_TIMEOUT_S - 1)
    assert not proxy.health(NODE2).is_healthy(NOW + HEALTH_TIMEOUT_S)
    assert proxy.health(NODE1).is_healthy(NOW + HEALTH_TIMEOUT_S)


def test_modes_follow_each_other(proxy: KubeProxy, topology: Topology, netns_agent: NetnsAgent):
    asyncio.run(proxy.sync(topology))
    assert netns_agent.tables == []
    asyncio.run(proxy.sync(replace(topology, proxy=ProxyConfiguration(mode=ProxyMode.NFTABLES))))
    assert proxy.mode is ProxyMode.NFTABLES
    assert netns_agent.tables[0].keys() == {NODE1, NODE2}
    assert "add map ip kube-proxy service-ips" in netns_agent.tables[0][NODE1]
    assert "-X KUBE-SERVICES" in netns_agent.restored[1][NODE1]
    asyncio.run(proxy.sync(topology))
    assert "-A KUBE-SERVICES" in netns_agent.restored[2][NODE1]
    assert netns_agent.tables[1][NODE1] == "add table ip kube-proxy\ndelete table ip kube-proxy\n"


def test_a_chain_that_is_found_empty_is_deleted_a_little_later(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    time = [NOW]
    store_nodes(store, topology, NOW)
    proxy = KubeProxy("default", store, netns_agent, clock=lambda: time[0])
    nftables = replace(topology, proxy=ProxyConfiguration(mode=ProxyMode.NFTABLES))
    asyncio.run(proxy.sync(nftables))
    wanted = desired_rules("default", nftables, store)[NODE1]
    assert wanted.nftables is not None
    held = replace(wanted.nftables, chains=(*wanted.nftables.chains, Chain(name="endpoint-OLD")))
    netns_agent.listings = {NODE1: listed(held)}
    netns_agent.saved = {NODE1: render(wanted.iptables)}
    proxy.forget({NODE1.netns})
    assert asyncio.run(proxy.sync(nftables)) == 0
    # Syncs in between do not put it off.
    time[0] += STALE_CHAINS_S / 2
    assert asyncio.run(proxy.sync(replace(nftables))) == 0
    time[0] += STALE_CHAINS_S / 2
    assert asyncio.run(proxy.delete_stale_chains_when_due(time[0])) is None
    assert netns_agent.tables[-1] == {NODE1: "delete chain ip kube-proxy endpoint-OLD\n"}


def listed(table: Table) -> str:
    """Return a table as nft lists it, as far as it has to be."""
    lines = [f"table {table.path} {{"]
    for named in table.sets:
        kind = f"type {named.type}{' : verdict' if named.is_map else ''}"
        members = ", ".join(
            one.key
            + (f' comment "{one.comment}"' if one.comment else "")
            + (f" : {one.verdict}" if one.verdict else "")
            for one in named.elements
        )
        elements = [f"elements = {{ {members} }}"] if members else []
        lines += [f"{named.kind} {named.name} {{", kind, *elements, "}"]
    for chain in table.chains:
        hook = chain.hook
        key = hook and f"type {hook.type} hook {hook.name} priority {hook.priority}; policy accept;"
        rules = [
            rule.words + (f' comment "{rule.comment}"' if rule.comment else "")
            for rule in chain.rules
        ]
        lines += [f"chain {chain.name} {{", *([key] if key else []), *rules, "}"]
    return "\n".join([*lines, "}"])


def test_a_chain_that_was_emptied_is_deleted_a_little_later(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    time = [NOW]
    store_nodes(store, topology, NOW)
    proxy = KubeProxy("default", store, netns_agent, clock=lambda: time[0])
    nftables = replace(topology, proxy=ProxyConfiguration(mode=ProxyMode.NFTABLES))
    for obj in (service("web"), ENDPOINTS):
        store.create(review_create(store, obj))
    asyncio.run(proxy.sync(nftables))
    assert asyncio.run(proxy.delete_stale_chains_when_due(NOW)) is None
    store.remove(Key("endpointslices", "default", "web-1"))
    asyncio.run(proxy.sync(nftables))
    assert "delete chain" not in netns_agent.tables[-1][NODE1]
    assert asyncio.run(proxy.delete_stale_chains_when_due(NOW)) == NOW + STALE_CHAINS_S
    time[0] += STALE_CHAINS_S
    netns_agent.refuses = {NODE2: "busy"}
    assert asyncio.run(proxy.delete_stale_chains_when_due(time[0])) == time[0]
    lines = netns_agent.tables[-1][NODE1].splitlines()
    assert {line.split()[0] for line in lines} == {"delete"}
    assert [proxy.metrics[name].cleanup_failures for name in (NODE1, NODE2)] == [0, 1]
    netns_agent.refuses, netns_agent.read = {}, []
    asyncio.run(proxy.sync(nftables))
    assert netns_agent.read == [NODE2]


def test_a_changed_service_alone_is_written_and_its_node_not_read(
    proxy: KubeProxy, store: Store, topology: Topology, netns_agent: NetnsAgent
):
    for name in ("web", "api"):
        store.create(review_create(store, service(name)))
    asyncio.run(proxy.sync(topology))
    netns_agent.read = []
    store.remove(Key("services", "default", "web"))
    assert asyncio.run(proxy.sync(topology)) == 2
    assert netns_agent.read == []
    assert "default/api" in netns_agent.restored[-1][NODE1]
    assert "default/web" not in netns_agent.restored[-1][NODE1]
    assert "KUBE-FORWARD" not in netns_agent.restored[-1][NODE1]


def test_a_change_that_rules_do_not_see_writes_nothing(
    proxy: KubeProxy, store: Store, topology: Topology, netns_agent: NetnsAgent
):
    web = store.create(review_create(store, service("web")))
    asyncio.run(proxy.sync(topology))
    store.update(with_metadata(web, labels={"app": "web"}))
    assert asyncio.run(proxy.sync(topology)) == 0
    assert len(netns_agent.restored) == 1


def test_rules_that_are_lost_during_a_sync_are_read_back(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    store_nodes(store, topology, NOW)

    async def call(request: object) -> dict[NetnsFamily, str]:
        if isinstance(request, Restore) and not netns_agent.restored:
            proxy.forget({NODE2.netns})
        return await netns_agent(request)

    proxy = KubeProxy("default", store, call, clock=lambda: NOW)
    asyncio.run(proxy.sync(topology))
    netns_agent.read = []
    asyncio.run(proxy.sync(topology))
    assert netns_agent.read == [NODE2]


@pytest.mark.parametrize(
    "step", ["netlab.kubeproxy.proxier.service_of", "netlab.kubeproxy.node_proxy.ports_of"]
)
def test_a_sync_that_fails_midway_loses_no_change(
    proxy: KubeProxy,
    store: Store,
    topology: Topology,
    netns_agent: NetnsAgent,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
):
    asyncio.run(proxy.sync(topology))
    store.create(review_create(store, service("web")))
    with monkeypatch.context() as broken:
        broken.setattr(step, Mock(side_effect=RuntimeError))
        with pytest.raises(RuntimeError):
            asyncio.run(proxy.sync(topology))
    assert asyncio.run(proxy.sync(topology)) == 2
    assert "default/web" in netns_agent.restored[-1][NODE1]
    assert "default/web" in netns_agent.restored[-1][NODE2]


def test_a_service_that_cannot_be_read_is_left_out_by_its_name(
    proxy: KubeProxy,
    store: Store,
    topology: Topology,
    netns_agent: NetnsAgent,
    monkeypatch: pytest.MonkeyPatch,
):
    def reader(obj: Object) -> Service:
        if obj["metadata"].get("labels") == {"a": "b"}:
            raise ValueError("labels are too much for me")
        return service_of(obj)

    monkeypatch.setattr("netlab.kubeproxy.proxier.service_of", reader)
    asyncio.run(proxy.sync(topology))
    odd, _ = (store.create(review_create(store, service(name))) for name in ("odd", "web"))
    store.update(with_metadata(odd, labels={"a": "b"}))
    assert asyncio.run(proxy.sync(topology)) == 2
    assert "default/web" in netns_agent.restored[-1][NODE1]
    assert "default/odd" not in netns_agent.restored[-1][NODE1]
    why = "ValueError: labels are too much for me"
    assert proxy.unreadable.reasons() == {Key("services", "default", "odd"): why}
    store.remove(Key("services", "default", "odd"))
    asyncio.run(proxy.sync(topology))
    assert proxy.unreadable.reasons() == {}


@pytest.mark.parametrize("mode", ProxyMode)
@pytest.mark.parametrize("is_first", [True, False], ids=["at the start", "while it runs"])
def test_a_service_that_cannot_be_compiled_is_left_out_by_its_name(
    store: Store,
    topology: Topology,
    netns_agent: NetnsAgent,
    monkeypatch: pytest.MonkeyPatch,
    mode: ProxyMode,
    *,
    is_first: bool,
):
    def reader(obj: Object) -> Service:
        found = service_of(obj)
        is_odd = obj["metadata"].get("labels") == {"a": "b"}
        return replace(found, cluster_ips=("no address",)) if is_odd else found  # type: ignore[arg-type]

    monkeypatch.setattr("netlab.kubeproxy.proxier.service_of", reader)
    topology = replace(topology, proxy=replace(topology.proxy, mode=mode))
    store_nodes(store, topology, NOW)
    proxy = KubeProxy("default", store, netns_agent, clock=lambda: NOW)
    loaded = netns_agent.restored if mode is ProxyMode.IPTABLES else netns_agent.tables
    if not is_first:
        asyncio.run(proxy.sync(topology))
    odd, _ = (store.create(review_create(store, service(name))) for name in ("odd", "web"))
    store.update(with_metadata(odd, labels={"a": "b"}))
    asyncio.run(proxy.sync(topology))

    key = Key("services", "default", "odd")
    why = "AttributeError: 'str' object has no attribute 'version'"
    assert proxy.unreadable.reasons() == {key: why}
    assert all("default/web" in loaded[-1][node] for node in ALL)
    assert not any("default/odd" in text for one in loaded for text in one.values())

    # It stays left out while others change, and is back once it is mended.
    store.create(review_create(store, service("other")))
    asyncio.run(proxy.sync(topology))
    assert all("default/other" in loaded[-1][node] for node in ALL)
    assert proxy.unreadable.reasons() == {key: why}
    store.update(with_metadata(store.require(key), labels={}))
    asyncio.run(proxy.sync(topology))
    assert proxy.unreadable.reasons() == {}
    assert all("default/odd" in loaded[-1][node] for node in ALL)


def test_rules_that_are_forgotten_while_others_are_read_are_read_too(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    store_nodes(store, topology, NOW)

    async def call(request: object) -> dict[NetnsFamily, str]:
        if isinstance(request, SaveRules) and NODE1 in request.keys:
            proxy.forget({NODE2.netns})
        return await netns_agent(request)

    proxy = KubeProxy("default", store, call, clock=lambda: NOW)
    proxy.mark_empty({NODE2.netns})
    assert asyncio.run(proxy.sync(topology)) == 2
    assert NODE2 in netns_agent.read


def test_a_sync_that_changes_nothing_does_not_put_off_what_waits(
    store: Store, topology: Topology, netns_agent: NetnsAgent
):
    time = [NOW]
    store_nodes(store, topology, NOW)
    proxy = KubeProxy("default", store, netns_agent, clock=lambda: time[0])
    nftables = replace(topology, proxy=ProxyConfiguration(mode=ProxyMode.NFTABLES))
    for obj in (service("web"), ENDPOINTS):
        store.create(review_create(store, obj))
    asyncio.run(proxy.sync(nftables))
    store.remove(Key("endpointslices", "default", "web-1"))
    asyncio.run(proxy.sync(nftables))
    time[0] += STALE_CHAINS_S / 2
    proxy.mark_empty(set())
    assert asyncio.run(proxy.sync(nftables)) == 0
    assert asyncio.run(proxy.delete_stale_chains_when_due(time[0])) == NOW + STALE_CHAINS_S

"""A change costs the text of what it changes, and no more."""

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from netlab.kube.kinds.service.view import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    ProxyNode,
    Service,
    ServicePort,
)
from netlab.kubeproxy.health import EVERYWHERE
from netlab.kubeproxy.iptables.compile import LARGE_CLUSTER_ENDPOINTS
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.kubeproxy.node_proxy import IptablesProxy, NftablesProxy
from netlab.kubeproxy.service_map import Name, ServiceMap
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.ruleset_change import HeldRules, change

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))
CONFIGURATION = ProxyConfiguration(cluster_cidrs=(ip_network("10.244.0.0/16"),))


def service(name: str, ip: str, **fields: object) -> Service:
    return Service(
        namespace="ns",
        name=name,
        cluster_ips=(ip_address(ip),),
        ports=(ServicePort(port=80, target_port=8080),),
        **fields,  # type: ignore[arg-type]
    )


def pods(name: str, *addresses: str, node: str = "node2") -> EndpointSlice:
    return EndpointSlice(
        namespace="ns",
        name=name,
        service_name=name,
        ports=(EndpointPort(port=8080),),
        endpoints=tuple(
            Endpoint(addresses=(ip_address(address),), node_name=node) for address in addresses
        ),
    )


WEB, API = service("web", "10.0.0.1"), service("api", "10.0.0.2")


@pytest.fixture
def services() -> ServiceMap:
    known = ServiceMap.of([WEB, API], [pods("web", "10.244.0.1", "10.244.0.2")])
    known.take_changes()
    return known


@pytest.fixture
def proxy(services: ServiceMap) -> IptablesProxy:
    return IptablesProxy(NODE, CONFIGURATION, Family.IPV4, services)


def lines(proxy: IptablesProxy, services: ServiceMap) -> list[str]:
    return proxy.update(services.take_changes()).iptables.splitlines()


def test_without_a_change_there_is_no_text(proxy: IptablesProxy, services: ServiceMap):
    assert not proxy.update(services.names())


def test_another_endpoint_rewrites_the_chains_of_its_service(
    proxy: IptablesProxy, services: ServiceMap
):
    services.set_slice(Name("ns", "web"), pods("web", "10.244.0.1", "10.244.0.3"))
    text = lines(proxy, services)
    assert [line[:10] for line in text if line.startswith(":")] == [
        ":KUBE-SEP-",
        ":KUBE-SEP-",
        ":KUBE-SVC-",
    ]
    assert sum(line.startswith("-A KUBE-SVC-") for line in text) == 3
    assert sum(line.startswith("-A KUBE-SEP-") for line in text) == 2
    assert sum(line.startswith("-X KUBE-SEP-") for line in text) == 1


def test_a_first_endpoint_changes_who_is_refused_and_who_is_served(
    proxy: IptablesProxy, services: ServiceMap
):
    services.set_slice(Name("ns", "api"), pods("api", "10.244.0.9"))
    text = lines(proxy, services)
    assert ":KUBE-EXTERNAL-SERVICES - [0:0]" not in text
    assert text[:3] == ["*filter", ":KUBE-SERVICES - [0:0]", "COMMIT"]
    served = [line for line in text if line.startswith("-A KUBE-SERVICES")]
    assert len(served) == 3


def test_what_becomes_of_one_service_leaves_the_rest_alone(
    proxy: IptablesProxy, services: ServiceMap
):
    services.set_service(Name("ns", "api"), None)
    assert lines(proxy, services) == ["*filter", ":KUBE-SERVICES - [0:0]", "COMMIT"]


def test_a_large_cluster_goes_without_comments_and_a_small_one_has_them_again(
    proxy: IptablesProxy, services: ServiceMap
):
    comment = '--comment "ns/web -> 10.244.0.1:8080"'
    many = tuple(str(ip_address("10.245.0.0") + n) for n in range(LARGE_CLUSTER_ENDPOINTS - 1))
    services.set_slice(Name("ns", "api"), pods("api", *many))
    assert comment not in (text := "\n".join(lines(proxy, services)))
    assert "-s 10.244.0.1/32 -j KUBE-MARK-MASQ" in text
    services.set_slice(Name("ns", "api"), pods("api", "10.245.0.1"))
    assert comment in "\n".join(lines(proxy, services))


def test_ports_that_lack_an_endpoint_here_are_counted_by_policy(
    proxy: IptablesProxy, services: ServiceMap
):
    assert proxy.without_local_endpoints == {"internal": 0, "external": 0}
    services.set_service(Name("ns", "web"), replace(WEB, internal_traffic_policy="Local"))
    lines(proxy, services)
    assert proxy.without_local_endpoints == {"internal": 1, "external": 0}
    services.set_slice(Name("ns", "web"), pods("web", "10.244.0.1", node="node1"))
    lines(proxy, services)
    assert proxy.without_local_endpoints == {"internal": 0, "external": 0}


@pytest.mark.parametrize(
    ("mode", "networks", "addresses"),
    [
        pytest.param(IptablesProxy, (), (EVERYWHERE[Family.IPV4],), id="iptables"),
        pytest.param(NftablesProxy, (), ("10.240.0.3",), id="nftables"),
        pytest.param(IptablesProxy, ("127.0.0.0/8",), ("127.0.0.1",), id="loopback"),
        pytest.param(NftablesProxy, ("0.0.0.0/0",), (EVERYWHERE[Family.IPV4],), id="all"),
        pytest.param(IptablesProxy, ("192.0.2.0/24",), (), id="no address of the node"),
    ],
)
def test_balancers_may_ask_where_node_ports_answer(
    services: ServiceMap,
    mode: type[IptablesProxy | NftablesProxy],
    networks: tuple[str, ...],
    addresses: tuple[str, ...],
):
    configuration = ProxyConfiguration(node_port_addresses=tuple(map(ip_network, networks)))
    proxy = mode(NODE, configuration, Family.IPV4, services)
    assert proxy.health_check_addresses == addresses


@pytest.fixture
def nftables(services: ServiceMap) -> NftablesProxy:
    return NftablesProxy(NODE, CONFIGURATION, Family.IPV4, services)


OWN = Ruleset(Family.IPV4, ())


def verbs(text: str) -> list[str]:
    return [" ".join(line.split()[:2]) for line in text.splitlines()]


def test_in_nftables_mode_too_a_change_writes_its_own_service(
    nftables: NftablesProxy, services: ServiceMap
):
    services.set_slice(Name("ns", "api"), pods("api", "10.244.0.9"))
    text = nftables.update(services.take_changes()).tables
    assert "ns/web" not in text
    assert verbs(text).count("add chain") == 2
    assert verbs(text)[-2:] == ["add element", "delete element"]


def test_a_chain_that_goes_waits_and_is_deleted_once(nftables: NftablesProxy, services: ServiceMap):
    services.set_slice(Name("ns", "web"), pods("web", "10.244.0.1"))
    text = nftables.update(services.take_changes()).tables
    assert verbs(text) == ["flush chain", "flush chain", "add rule", "add rule"]
    assert nftables.has_stale_chains
    assert verbs(nftables.stale_chains_text()) == ["delete chain"]
    assert not nftables.has_stale_chains
    assert nftables.stale_chains_text() == ""


def test_a_chain_that_waits_goes_with_the_next_change(
    nftables: NftablesProxy, services: ServiceMap
):
    services.set_slice(Name("ns", "web"), pods("web", "10.244.0.1"))
    nftables.update(services.take_changes())
    services.set_slice(Name("ns", "api"), pods("api", "10.244.0.9"))
    assert "delete chain" in verbs(nftables.update(services.take_changes()).tables)
    assert not nftables.has_stale_chains


def test_what_a_full_sync_leaves_behind_waits_too(nftables: NftablesProxy, services: ServiceMap):
    held = nftables.holds()
    services.set_service(Name("ns", "web"), None)
    nftables.update(services.take_changes())
    nftables.stale_chains_text()
    _, found = change(nftables.rules(), HeldRules(iptables=OWN, nftables=held.nftables), KUBE_PROXY)
    nftables.adopt(found)
    assert nftables.holds() == found
    assert set(verbs(nftables.stale_chains_text())) == {"delete chain"}

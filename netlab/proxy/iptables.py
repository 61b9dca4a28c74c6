"""kube-proxy's iptables mode: Services and endpoints to the ruleset of one node.

Theory of operation
-------------------
Table nat decides: KUBE-SERVICES finds the Service by address and port, the Service's own chains
choose an endpoint and rewrite the destination, and what must come back by this node gets a mark
that KUBE-POSTROUTING turns into masquerading. Table filter only says no: it meets Service
addresses that nat had nowhere to send. Services are laid by namespace, name and port name.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (syncProxyRules).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from netlab.model.packets import Family
from netlab.model.services import EndpointSlice, ProxyNode, Service
from netlab.netfilter.rules import Chain, Rule, Ruleset, Table
from netlab.proxy import dispatch, fixed
from netlab.proxy.chains import Surroundings, port_chains
from netlab.proxy.configuration import ProxyConfiguration
from netlab.proxy.service_ports import ProxiedPort, proxied_ports

LARGE_CLUSTER_ENDPOINTS: Final = 1000


def compile_ruleset(
    node: ProxyNode,
    services: Sequence[Service],
    slices: Sequence[EndpointSlice],
    configuration: ProxyConfiguration,
    family: Family,
) -> Ruleset:
    """Return what kube-proxy lays on ``node`` for one address family, jumps included.

    The same objects give the same ruleset, in whatever order they come.
    """
    ports = proxied_ports(node, services, slices, family)
    around = Surroundings(
        node=node,
        configuration=configuration,
        family=family,
        is_large=_count_endpoints(slices, family) > LARGE_CLUSTER_ENDPOINTS,
    )
    return Ruleset(
        family,
        (
            fixed.mangle_table(),
            Table("filter", tuple(_filter_chains(ports, around))),
            Table("nat", tuple(_nat_chains(ports, around))),
        ),
    )


def _filter_chains(ports: Sequence[ProxiedPort], around: Surroundings) -> Iterator[Chain]:
    yield from fixed.filter_hooks(around.configuration, around.family)
    yield _shared("KUBE-SERVICES", dispatch.filter_services, ports)
    yield _shared("KUBE-EXTERNAL-SERVICES", dispatch.filter_external, ports)
    yield fixed.forward(around.configuration)
    yield _shared("KUBE-NODEPORTS", dispatch.filter_node_ports, ports)
    yield _shared("KUBE-PROXY-FIREWALL", dispatch.filter_firewall, ports)
    if fixed.drops_localnet(around.configuration, around.family):
        yield fixed.localnet_firewall()
    yield fixed.canary()


def _nat_chains(ports: Sequence[ProxiedPort], around: Surroundings) -> Iterator[Chain]:
    yield from fixed.nat_hooks()
    last = dispatch.to_node_ports(around.node, around.configuration, around.family)
    yield _shared("KUBE-SERVICES", dispatch.nat_services, ports, last)
    yield _shared("KUBE-NODEPORTS", dispatch.nat_node_ports, ports)
    yield fixed.postrouting(around.configuration)
    yield fixed.mark_masq(around.configuration)
    yield fixed.canary()
    for port in ports:
        yield from port_chains(port, around)


def _shared(
    name: str,
    rules_of: Callable[[ProxiedPort], Iterable[Rule]],
    ports: Iterable[ProxiedPort],
    last: Iterable[Rule] = (),
) -> Chain:
    return Chain(name, (*(rule for port in ports for rule in rules_of(port)), *last))


def _count_endpoints(slices: Iterable[EndpointSlice], family: Family) -> int:
    return sum(len(piece.endpoints) for piece in slices if piece.address_type == family)

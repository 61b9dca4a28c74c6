"""The chains of one Service port, in nftables mode.

::

    ClusterIP ───────────────────────────▶ service- (or local-) ──▶ endpoint- ──▶ DNAT
    NodePort, external IP, VIP ─▶ external- ─▶ service- or local- ──▲
    VIP, before that ─▶ firewall- ─▶ drop

Source: kube-proxy, ``pkg/proxy/nftables/proxier.go`` (syncProxyRules,
writeServiceToEndpointRules).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netlab.kube.kinds.service.view import ProxyNode
from netlab.kubeproxy.backends import Backend
from netlab.kubeproxy.local_detection import local_match
from netlab.kubeproxy.nftables import names
from netlab.kubeproxy.nftables.static import affinity
from netlab.kubeproxy.service_ports import ProxiedPort
from netlab.model.addresses import Address, Family, Network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.model.packets import AddrPort
from netlab.netfilter.iptables.matches import InInterface, Source
from netlab.netfilter.nftables.rules import (
    AddressMatch,
    DnatStatement,
    IifNameMatch,
    LocalAddressMatch,
    Match,
    ProtocolMatch,
    RandomVerdict,
    Rule,
    UpdateSetStatement,
    VerdictStatement,
    goto,
    jump,
    rule,
)
from netlab.netfilter.nftables.table import Chain, NamedSet, as_comment

_MARK: Final = jump("mark-for-masquerade")
_FROM_NODE: Final = LocalAddressMatch(is_source=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContext:
    """What the chains of all ports of a node depend on."""

    node: ProxyNode
    configuration: ProxyConfiguration
    family: Family


def internal_chain(port: ProxiedPort) -> str:
    """Return the chain that serves the ClusterIP."""
    return names.local_chain(port) if port.internal_is_local else names.cluster_chain(port)


def port_chains(port: ProxiedPort, context: NodeContext) -> Iterator[Chain]:
    """Yield every chain of one Service port."""
    if port.vips and port.source_ranges:
        # Before DNAT and without regard to endpoints: a stranger learns nothing of them.
        yield Chain(name=names.firewall_chain(port), rules=(_firewall_rule(port, context),))
    if not port.has_endpoints:
        return
    if port.backends.cluster:
        name = names.cluster_chain(port)
        yield _balancing_chain(port, name, port.backends.cluster, context)
    if port.backends.local:
        name = names.local_chain(port)
        yield _balancing_chain(port, name, port.backends.local, context)
    if port.is_external:
        yield Chain(name=names.external_chain(port), rules=tuple(_external_rules(port, context)))
    for backend in port.backends.reachable:
        rules = tuple(_endpoint_rules(port, backend, context))
        yield Chain(name=names.endpoint_chain(port, backend), rules=rules)


def port_sets(port: ProxiedPort, family: Family) -> Iterator[NamedSet]:
    """Yield a set for each endpoint, when clients are to stay with theirs."""
    if port.affinity_timeout_s is not None and port.has_endpoints:
        for backend in port.backends.reachable:
            yield affinity(names.affinity_set(port, backend), port.affinity_timeout_s, family)


def _balancing_chain(
    port: ProxiedPort, name: str, backends: Sequence[Backend], context: NodeContext
) -> Chain:
    rules = list(_masquerade_cluster_ip(port, context)) if name == internal_chain(port) else []
    if port.affinity_timeout_s is not None:
        rules += [
            rule(
                AddressMatch(
                    family=context.family,
                    is_source=True,
                    set_name=names.affinity_set(port, backend),
                ),
                then=goto(names.endpoint_chain(port, backend)),
            )
            for backend in backends
        ]
    choices = tuple(goto(names.endpoint_chain(port, backend)) for backend in backends)
    rules.append(rule(then=RandomVerdict(choices)))
    return Chain(name=name, rules=tuple(rules))


def _masquerade_cluster_ip(port: ProxiedPort, context: NodeContext) -> Iterator[Rule]:
    """Yield the rule that marks whoever is no pod: its replies must come back by this node.

    The map that led here has looked at the port, so the address is enough to tell the ClusterIP
    from external destinations.
    """
    towards = AddressMatch(family=context.family, is_source=False, addresses=(port.cluster_ip,))
    if context.configuration.masquerade_all:
        yield rule(towards, then=_MARK)
        return
    elsewhere = _pods(context, inverted=True)
    if elsewhere is not None:
        yield rule(towards, elsewhere, then=_MARK)


def _external_rules(port: ProxiedPort, context: NodeContext) -> Iterator[Rule]:
    if not port.external_is_local:
        yield rule(then=_MARK)
        yield rule(then=goto(names.cluster_chain(port)))
        return
    # Pods and the node itself ask for the Service, not for this node: the policy is not for them.
    to_all = goto(names.cluster_chain(port))
    pods = _pods(context)
    if pods is not None:
        yield rule(pods, then=to_all, comment="short-circuit pod traffic")
    yield rule(_FROM_NODE, then=_MARK, comment="masquerade local traffic")
    yield rule(_FROM_NODE, then=to_all, comment="short-circuit local traffic")
    if port.backends.local:
        yield rule(then=goto(names.local_chain(port)))


def _firewall_rule(port: ProxiedPort, context: NodeContext) -> Rule:
    sources: list[Address | Network] = list(port.source_ranges)
    node_ip = next((a for a in context.node.addresses if context.family.holds(a)), None)
    if node_ip is not None and any(node_ip in network for network in port.source_ranges):
        # A VIP may be an address of the node too; its own packets then come from the VIP.
        sources += port.vips
    outside = AddressMatch(
        family=context.family,
        is_source=True,
        is_inverted=True,
        addresses=tuple(sources),
        is_list=len(sources) == 1,
    )
    return rule(outside, then=VerdictStatement("drop"))


def _endpoint_rules(port: ProxiedPort, backend: Backend, context: NodeContext) -> Iterator[Rule]:
    family = context.family
    itself = AddressMatch(family=family, is_source=True, addresses=(backend.address,))
    # A pod that reaches itself through the Service must see the reply come from outside.
    yield rule(itself, then=_MARK)
    if port.affinity_timeout_s is not None:
        yield rule(then=UpdateSetStatement(names.affinity_set(port, backend), family))
    to = AddrPort(backend.address, backend.port)
    yield rule(ProtocolMatch(port.protocol), then=DnatStatement(to))


def _pods(context: NodeContext, *, inverted: bool = False) -> Match | None:
    """Return the match for packets from pods, or from elsewhere; None when nothing tells."""
    configuration = context.configuration
    match local_match(configuration, context.node, context.family, inverted=inverted):
        case Source(network, is_not):
            return AddressMatch(
                family=context.family, is_source=True, is_inverted=is_not, addresses=(network,)
            )
        case InInterface(name, is_not):
            # iptables ends a prefix with +, nft with an asterisk.
            wild = f"{name[:-1]}*" if name.endswith("+") else name
            return IifNameMatch(_safe(wild), is_not)
        case _:
            return None


def _safe(ifname: str) -> str:
    return "*".join(as_comment(part) for part in ifname.split("*"))

"""The chains of one Service port: where a packet for it goes once it is known to be for it.

::

    ClusterIP ─────────────────────▶ KUBE-SVC (or KUBE-SVL) ──▶ KUBE-SEP ──▶ DNAT
    NodePort, external IP ─▶ KUBE-EXT ─▶ KUBE-SVC or KUBE-SVL ──▲
    VIP ─▶ KUBE-FW ─▶ KUBE-EXT

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (syncProxyRules, writeServiceToEndpointRules).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from netlab.kube.kinds.service.view import ProxyNode
from netlab.kubeproxy.backends import Backend
from netlab.kubeproxy.iptables.dispatch import towards
from netlab.kubeproxy.iptables.names import endpoint_chain
from netlab.kubeproxy.local_detection import local_match
from netlab.kubeproxy.service_ports import ProxiedPort
from netlab.model.addresses import Address, Family, host_network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    IpProtocol,
    Match,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)
from netlab.netfilter.iptables.rules import Chain, Rule, rule
from netlab.netfilter.iptables.targets import Dnat, Jump

MARK_MASQ = Jump("KUBE-MARK-MASQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContext:
    """What the chains of all ports of a node depend on."""

    node: ProxyNode
    configuration: ProxyConfiguration
    family: Family
    is_large: bool
    """More than 1000 endpoints: endpoint rules go without comments, to load faster."""


def port_chains(port: ProxiedPort, context: NodeContext) -> Iterator[Chain]:
    """Yield every chain of one Service port; none at all while it has no endpoints."""
    if not port.has_endpoints:
        return
    if port.backends.cluster:
        yield _balancing_chain(port, port.svc_chain, port.backends.cluster, context)
    if port.backends.local:
        yield _balancing_chain(port, port.svl_chain, port.backends.local, context)
    if port.is_external:
        yield Chain(port.ext_chain, tuple(_external_rules(port, context)))
    if port.has_firewall:
        yield Chain(port.fw_chain, tuple(_firewall_rules(port, context)))
    for backend in port.backends.reachable:
        yield _endpoint_chain(port, backend, context)


def split_evenly(count: int) -> Iterator[float | None]:
    """Yield the probability of each of ``count`` rules, so that all are hit alike.

    Rules are tried in order: rule *i* takes 1/(count-i) of what is left. The last takes the rest
    and needs no probability.

    >>> list(split_evenly(3))
    [0.3333333333333333, 0.5, None]
    """
    for remaining in range(count, 1, -1):
        yield 1 / remaining
    if count:
        yield None


def _balancing_chain(
    port: ProxiedPort, chain: str, backends: Sequence[Backend], context: NodeContext
) -> Chain:
    rules: list[Rule] = []
    if chain == port.internal_chain:
        rules += _masquerade_cluster_ip(port, chain, context)
    if port.affinity_timeout_s is not None:
        rules += [
            _to_endpoint(port, chain, backend, context, affinity_timeout_s=port.affinity_timeout_s)
            for backend in backends
        ]
    for backend, probability in zip(backends, split_evenly(len(backends)), strict=True):
        rules.append(_to_endpoint(port, chain, backend, context, probability=probability))
    return Chain(chain, tuple(rules))


def _masquerade_cluster_ip(port: ProxiedPort, chain: str, context: NodeContext) -> Iterator[Rule]:
    """Yield the rule that marks whoever is no pod: its replies must come back by this node."""
    matches = towards(port, "cluster IP", port.cluster_ip)
    if context.configuration.masquerade_all:
        yield rule(chain, *matches, target=MARK_MASQ)
        return
    not_local = local_match(context.configuration, context.node, context.family, inverted=True)
    if not_local is not None:
        yield rule(chain, *matches, not_local, target=MARK_MASQ)


def _to_endpoint(
    port: ProxiedPort,
    chain: str,
    backend: Backend,
    context: NodeContext,
    *,
    affinity_timeout_s: int | None = None,
    probability: float | None = None,
) -> Rule:
    endpoint = endpoint_chain(port.name, port.protocol, backend.text)
    return rule(
        chain,
        _endpoint_comment(f"{port.name} -> {backend.text}", context),
        None if affinity_timeout_s is None else RecentCheck(endpoint, affinity_timeout_s),
        None if probability is None else Statistic(probability),
        target=Jump(endpoint),
    )


def _external_rules(port: ProxiedPort, context: NodeContext) -> Iterator[Rule]:
    chain = port.ext_chain
    if not port.external_is_local:
        comment = Comment(f"masquerade traffic for {port.name} external destinations")
        yield rule(chain, comment, target=MARK_MASQ)
        yield rule(chain, target=Jump(port.svc_chain))
        return
    # Pods and the node itself ask for the Service, not for this node: the policy is not for them.
    is_local = local_match(context.configuration, context.node, context.family)
    if is_local is not None:
        comment = Comment(f"pod traffic for {port.name} external destinations")
        yield rule(chain, comment, is_local, target=Jump(port.svc_chain))
    from_node = AddrType(Side.SOURCE)
    comment = Comment(f"masquerade LOCAL traffic for {port.name} external destinations")
    yield rule(chain, comment, from_node, target=MARK_MASQ)
    comment = Comment(f"route LOCAL traffic for {port.name} external destinations")
    yield rule(chain, comment, from_node, target=Jump(port.svc_chain))
    if port.backends.local:
        yield rule(chain, target=Jump(port.svl_chain))


def _firewall_rules(port: ProxiedPort, context: NodeContext) -> Iterator[Rule]:
    chain = port.fw_chain
    comment = Comment(f"{port.name} loadbalancer IP")
    accepted: list[Match] = [Source(network) for network in port.source_ranges]
    node_ip = next((a for a in context.node.addresses if context.family.holds(a)), None)
    if node_ip is not None and any(node_ip in network for network in port.source_ranges):
        # A VIP may be an address of the node too; its own packets then come from the VIP.
        accepted += [Source(host_network(vip)) for vip in port.vips]
    for match in accepted:
        yield rule(chain, comment, match, target=Jump(port.ext_chain))
    yield rule(
        chain, Comment(f"other traffic to {port.name} will be dropped by KUBE-PROXY-FIREWALL")
    )


def _endpoint_chain(port: ProxiedPort, backend: Backend, context: NodeContext) -> Chain:
    has_affinity = port.affinity_timeout_s is not None
    where = (backend.text, backend.address, backend.port)
    return _endpoint_chain_of(port.name, port.protocol, where, has_affinity, context.is_large)


# The same on every node, and after most changes: one value serves all of them.
@lru_cache(maxsize=1 << 16)
def _endpoint_chain_of(
    name: str,
    protocol: str,
    where: tuple[str, Address, int],
    has_affinity: bool,  # noqa: FBT001
    is_large: bool,  # noqa: FBT001
) -> Chain:
    text, address, target_port = where
    chain = endpoint_chain(name, protocol, text)
    comment = None if is_large else Comment(name)
    return Chain(
        chain,
        (
            # A pod that reaches itself through the Service must see the reply come from outside.
            rule(chain, Source(host_network(address)), comment, target=MARK_MASQ),
            rule(
                chain,
                IpProtocol(protocol),
                comment,
                RecentSet(chain) if has_affinity else None,
                Ports(protocol),
                target=Dnat(address, target_port),
            ),
        ),
    )


def _endpoint_comment(text: str, context: NodeContext) -> Comment | None:
    return None if context.is_large else Comment(text)

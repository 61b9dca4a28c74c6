"""hostPorts of pods, as the CNI's plugin portmap lays them.

A packet to one of the node's own addresses and a hostPort is rewritten to the pod's. What comes
from a pod of the same node, or from the node's 127.0.0.1, is masqueraded too: the answer would not
come back to the node otherwise. Chains come with a node's first such pod and go with its last.

Source: containernetworking/plugins, ``plugins/meta/portmap/portmap_iptables.go`` and
``pkg/utils/utils.go`` (MustFormatChainNameWithPrefix).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha512
from ipaddress import ip_network
from itertools import groupby
from typing import Final

from netlab.kube.kinds.pod.status import is_finished
from netlab.kube.objects import Object, items_of, spec_of, status_of, uid_of
from netlab.model.addresses import Address, Family, Network, host_network, parse_ip
from netlab.model.names import NetnsFamily, host_netns
from netlab.model.topology import Topology, TopologyNode
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    Destination,
    DestinationPorts,
    IpProtocol,
    Mark,
    Match,
    Ports,
    Side,
    Source,
)
from netlab.netfilter.iptables.rules import Chain, Rule, Ruleset, Table, rule
from netlab.netfilter.iptables.targets import Dnat, Jump, Masquerade, SetMark
from netlab.netfilter.ruleset_owner import RulesetOwner

DNAT: Final = "CNI-HOSTPORT-DNAT"
SETMARK: Final = "CNI-HOSTPORT-SETMARK"
MASQ: Final = "CNI-HOSTPORT-MASQ"
_POD: Final = "CNI-DN-"
PORTMAP: Final = RulesetOwner(chains=("CNI-HOSTPORT-", _POD), object_chains=(_POD,), appends=True)
"""portmap appends its jumps, so that kube-proxy's rules come first."""
_NETWORK: Final = "netlab"
"""The name of the CNI's configuration."""
_MARK: Final = 0x2000
_CHAIN_CHARACTERS: Final = 28
_MOST_PORTS: Final = 15
"""What one match of multiport takes."""
_ANY: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (compared with)
_LOOPBACK: Final = ip_network("127.0.0.1/32")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class PortMapping:
    """A port of a node that leads to one of a pod."""

    protocol: str
    """In lower case."""
    host_port: int
    container_port: int
    host_ip: Address | None = None
    """The node's address that it is for; None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedPod:
    """A pod with hostPorts, in one address family."""

    uid: str
    address: Address
    network: Network
    """Of its node's pods."""
    ports: tuple[PortMapping, ...]


def portmap_rules(
    lab: str, topology: Topology, pods: Iterable[Object]
) -> dict[NetnsFamily, Ruleset]:
    """Return the rules for hostPorts that each node must hold, none where it has no such pod."""
    by_node: dict[str, list[Object]] = {}
    for pod in pods:
        if _has_host_port(pod):
            by_node.setdefault(str(spec_of(pod).get("nodeName") or ""), []).append(pod)
    return {
        NetnsFamily(host_netns(lab, node.name), family): portmap_ruleset(
            mapped_pods(node, by_node.get(node.name, ()), family), family
        )
        for family in topology.families
        for node in topology.nodes
    }


def mapped_pods(node: TopologyNode, pods: Iterable[Object], family: Family) -> Iterator[MappedPod]:
    """Yield those of a node's pods that have an address of the family and hostPorts for it."""
    network = next(cidr for cidr in node.pod_cidrs if family.holds(cidr))
    for pod in pods:
        found = [parse_ip(one.get("ip")) for one in items_of(status_of(pod), "podIPs")]
        address = next((one for one in found if one is not None and family.holds(one)), None)
        ports = tuple(sorted(_mappings(pod, family)))
        if address is not None and ports:
            yield MappedPod(uid=uid_of(pod), address=address, network=network, ports=ports)


def portmap_ruleset(pods: Iterable[MappedPod], family: Family) -> Ruleset:
    """Return the rules for the hostPorts of a node's pods in one family; none without pods."""
    found = sorted(pods, key=lambda pod: pod.uid)
    if not found:
        return Ruleset(family, ())
    local = AddrType(Side.DESTINATION)
    dispatch = [
        rule(
            DNAT,
            IpProtocol(protocol),
            Comment(f'dnat name: "{_NETWORK}" id: "{pod.uid}"'),
            DestinationPorts(some),
            target=Jump(chain_name(pod.uid)),
        )
        for pod in found
        for protocol, some in _dispatched(pod.ports)
    ]
    marking = SetMark(_MARK, _MARK)
    required = Comment("CNI portfwd requiring masquerade")
    chains = (
        Chain("PREROUTING", (rule("PREROUTING", local, target=Jump(DNAT)),), "ACCEPT"),
        Chain("OUTPUT", (rule("OUTPUT", local, target=Jump(DNAT)),), "ACCEPT"),
        Chain("POSTROUTING", (rule("POSTROUTING", required, target=Jump(MASQ)),), "ACCEPT"),
        Chain(DNAT, tuple(dispatch)),
        Chain(SETMARK, (rule(SETMARK, Comment("CNI portfwd masquerade mark"), target=marking),)),
        Chain(MASQ, (rule(MASQ, Mark(_MARK, _MARK), target=Masquerade()),)),
        *(Chain(chain_name(pod.uid), tuple(_pod_rules(pod))) for pod in found),
    )
    return Ruleset(family, (Table("nat", chains),))


def chain_name(uid: str) -> str:
    """Return the name of a pod's own chain.

    >>> chain_name("4711")
    'CNI-DN-05a22eea7a48d46631a48'
    """
    digest = sha512(f"{_NETWORK}{uid}".encode()).hexdigest()
    return f"{_POD}{digest}"[:_CHAIN_CHARACTERS]


def _pod_rules(pod: MappedPod) -> Iterator[Rule]:
    chain = chain_name(pod.uid)
    for mapping in pod.ports:
        to: list[Match] = [IpProtocol(mapping.protocol)]
        if mapping.host_ip is not None:
            to.insert(0, Destination(host_network(mapping.host_ip)))
        to.append(Ports(mapping.protocol, destination=mapping.host_port))
        yield rule(chain, Source(pod.network), *to, target=Jump(SETMARK))
        if pod.address.version == 4:
            yield rule(chain, Source(_LOOPBACK), *to, target=Jump(SETMARK))
        yield rule(chain, *to, target=Dnat(pod.address, mapping.container_port))


def _dispatched(ports: Iterable[PortMapping]) -> Iterator[tuple[str, tuple[int, ...]]]:
    for protocol, some in groupby(ports, key=lambda one: one.protocol):
        numbers = sorted({one.host_port for one in some})
        for start in range(0, len(numbers), _MOST_PORTS):
            yield protocol, tuple(numbers[start : start + _MOST_PORTS])


def _mappings(pod: Object, family: Family) -> Iterator[PortMapping]:
    for container in items_of(spec_of(pod), "containers"):
        for port in items_of(container, "ports"):
            asked = port.get("hostIP") or ""
            host_ip = parse_ip(asked) if asked not in _ANY else None
            if port.get("hostPort") and (host_ip is None or family.holds(host_ip)):
                yield PortMapping(
                    protocol=str(port.get("protocol") or "TCP").lower(),
                    host_port=int(port["hostPort"]),
                    container_port=int(port["containerPort"]),
                    host_ip=host_ip,
                )


def _has_host_port(pod: Mapping[str, object]) -> bool:
    spec = spec_of(pod)
    if spec.get("hostNetwork") or is_finished(dict(pod)):
        return False
    return any(
        port.get("hostPort")
        for container in items_of(spec, "containers")
        for port in items_of(container, "ports")
    )

"""Nodes and clients of a topology document: read, checked, and given what they leave out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from netlab.model.names import LB, ROUTER
from netlab.model.topology import Address, TopologyClient, TopologyNode
from netlab.spec.addressing import (
    Range,
    check_host,
    check_overlaps,
    check_room,
    fill_hosts,
    fill_pod_cidrs,
    parse_address,
    parse_network,
)
from netlab.spec.names import wrong_dns_label, wrong_label_key, wrong_label_value
from netlab.spec.problems import FieldPath, Report, check_unique, invalid
from netlab.spec.schema import MAX_HOSTS
from netlab.spec.structure import entries, mapping

Ranges = Mapping[str, Range]
"""The sound networks by the name of their field; one that is wrong is not there."""

FIRST_NODE: Final = 3
"""Host number of the first node: 10.240.0.3, as in the tutorial's cloud."""

FIRST_CLIENT: Final = 79
"""Host number of the first client: 198.51.100.79 reads like somebody's address."""

LB_NUMBER: Final = 2
"""Host number of the load balancer, where no node asked for it."""

_SMALLEST_POD_CIDR: Final = 30

_OWN_HOSTS: Final = {ROUTER: "router", LB: "load balancer"}
"""Names that no node or client may take, and whose they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A node or client as far as its file describes it."""

    path: FieldPath
    name: str
    address: IPv4Address | None = None
    external_ip: IPv4Address | None = None
    pod_cidr: IPv4Network | None = None
    labels: tuple[tuple[str, str], ...] = ()


def read_nodes(spec: Mapping[str, object], ranges: Ranges, report: Report) -> list[Draft]:
    """Return the nodes as asked for; what is wrong with one is reported and left out."""
    nodes = [
        Draft(
            path=path,
            name=_name(fields, f"node{number}", path, report),
            address=_address(fields, (*path, "address"), ranges.get("nodes"), report),
            external_ip=_address(fields, (*path, "externalIP"), ranges.get("externalIPs"), report),
            pod_cidr=_pod_cidr(fields, (*path, "podCIDR"), ranges.get("pods"), report),
            labels=_labels(fields, (*path, "labels"), report),
        )
        for number, path, fields in _given(spec, "nodes")
    ]
    if not nodes and "nodes" in spec and entries(spec["nodes"]) == spec["nodes"]:
        report.add(("spec", "nodes"), "a lab needs one node at least")
    _check_room(nodes, ("nodes", "externalIPs"), ranges, report)
    check_unique((((*node.path, "address"), node.address) for node in nodes), report)
    check_unique((((*node.path, "externalIP"), node.external_ip) for node in nodes), report)
    asked = [((*node.path, "podCIDR"), node.pod_cidr) for node in nodes if node.pod_cidr]
    check_overlaps(asked, report)
    return nodes


def read_clients(spec: Mapping[str, object], ranges: Ranges, report: Report) -> list[Draft]:
    """Return the clients as asked for; what is wrong with one is reported and left out."""
    clients = [
        Draft(
            path=path,
            name=_name(fields, "client" if number == 1 else f"client{number}", path, report),
            address=_address(fields, (*path, "address"), ranges.get("clients"), report),
        )
        for number, path, fields in _given(spec, "clients")
    ]
    _check_room(clients, ("clients",), ranges, report)
    check_unique((((*one.path, "address"), one.address) for one in clients), report)
    return clients


def build_nodes(
    drafts: Sequence[Draft], ranges: Ranges, pod_cidrs: Sequence[IPv4Network]
) -> tuple[TopologyNode, ...]:
    """Return the nodes with every address filled in; nothing may be wrong with any."""
    network = ranges["nodes"].network
    asked = [draft.address for draft in drafts]
    addresses = fill_hosts(ranges["nodes"], asked, range(FIRST_NODE, FIRST_NODE + len(drafts)))
    external_ips = fill_hosts(
        ranges["externalIPs"],
        [draft.external_ip for draft in drafts],
        [int(address) - int(network.network_address) for address in addresses],
    )
    return tuple(
        TopologyNode(
            name=draft.name,
            address=address,
            external_ip=external_ip,
            pod_cidr=pod_cidr,
            labels=draft.labels,
        )
        for draft, address, external_ip, pod_cidr in zip(
            drafts, addresses, external_ips, pod_cidrs, strict=True
        )
    )


def build_clients(drafts: Sequence[Draft], ranges: Ranges) -> tuple[TopologyClient, ...]:
    """Return the clients with every address filled in; nothing may be wrong with any."""
    asked = [draft.address for draft in drafts]
    numbers = range(FIRST_CLIENT, FIRST_CLIENT + len(drafts))
    addresses = fill_hosts(ranges["clients"], asked, numbers)
    return tuple(
        TopologyClient(name=draft.name, address=address)
        for draft, address in zip(drafts, addresses, strict=True)
    )


def choose_lb_address(nodes: Sequence[TopologyNode], ranges: Ranges) -> Address:
    """Return an address for the load balancer that no node has; there must be room."""
    taken = [IPv4Address(node.address) for node in nodes]
    return fill_hosts(ranges["nodes"], [*taken, None], [*[0] * len(taken), LB_NUMBER])[-1]


def choose_pod_cidrs(drafts: Sequence[Draft], ranges: Ranges, report: Report) -> list[IPv4Network]:
    """Return a pod CIDR for each node; empty when there is no room, which is reported."""
    if "pods" not in ranges:
        return []
    asked = [draft.pod_cidr for draft in drafts]
    return fill_pod_cidrs(ranges["pods"], asked, report)


def _given(
    spec: Mapping[str, object], key: str
) -> Iterator[tuple[int, FieldPath, Mapping[str, object]]]:
    """Yield number, path and fields of each host; a count stands for hosts without fields."""
    given = spec.get(key, 1)
    if isinstance(given, int):
        given = [{}] * min(given, MAX_HOSTS)
    for index, fields in enumerate(entries(given)):
        yield index + 1, ("spec", key, index), mapping(fields)


def _name(fields: Mapping[str, object], default: str, path: FieldPath, report: Report) -> str:
    name = fields.get("name", default)
    if not isinstance(name, str):
        return default
    wrong = wrong_dns_label(name)
    if wrong:
        report.add((*path, "name"), invalid(name, wrong))
    elif name in _OWN_HOSTS:
        message = invalid(name, f"is the name of the lab's {_OWN_HOSTS[name]}")
        report.add((*path, "name"), message, "choose another")
    return name


def _address(
    fields: Mapping[str, object], path: FieldPath, within: Range | None, report: Report
) -> IPv4Address | None:
    address = parse_address(fields.get(str(path[-1])), path, report)
    if address is None or within is None:
        return None
    return check_host(address, within, path, report)


def _pod_cidr(
    fields: Mapping[str, object], path: FieldPath, pods: Range | None, report: Report
) -> IPv4Network | None:
    network = parse_network(fields.get("podCIDR"), path, report)
    if network is None or pods is None:
        return None
    if not network.subnet_of(pods.network):
        report.add(path, f"{network} is not in networks.pods ({pods.network})")
        return None
    if network.prefixlen > _SMALLEST_POD_CIDR:
        hint = f"it must be a /{_SMALLEST_POD_CIDR} or larger"
        report.add(path, f"{network} is too small for a gateway and a pod", hint)
        return None
    return network


def _labels(
    fields: Mapping[str, object], path: FieldPath, report: Report
) -> tuple[tuple[str, str], ...]:
    labels = {
        key: value for key, value in mapping(fields.get("labels")).items() if isinstance(value, str)
    }
    for key, value in labels.items():
        wrong = wrong_label_key(key) or wrong_label_value(value)
        if wrong:
            report.add((*path, key), invalid(value, wrong))
    return tuple(sorted(labels.items()))


def _check_room(
    hosts: Sequence[Draft], names: Iterable[str], ranges: Ranges, report: Report
) -> None:
    for name in names:
        if name in ranges:
            check_room(ranges[name], len(hosts), report)

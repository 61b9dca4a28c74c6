"""Nodes and clients of a topology document: read, checked, and given what they leave out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.names import wrong_dns_label, wrong_label_key, wrong_label_value
from netlab.model.addresses import Address, Family, Network
from netlab.model.names import LB, ROUTER
from netlab.model.topology import TopologyClient, TopologyNode
from netlab.topology.addressing import (
    Range,
    check_host,
    check_overlaps,
    check_room,
    fill_hosts,
    fill_pod_cidrs,
    parse_address,
    parse_network,
)
from netlab.topology.families import Asked, ByFamily, asked_in, read_by_family
from netlab.topology.schema import MAX_HOSTS

Ranges = Mapping[Family, Mapping[str, Range]]
"""The sound networks by family and the name of their field; one that is wrong is not there."""

FIRST_NODE: Final = 3
"""Host number of the first node: 10.240.0.3, as in the tutorial's cloud."""

FIRST_CLIENT: Final = {Family.IPV4: 79, Family.IPV6: 0x79}
"""Host number of the first client: 198.51.100.79 reads like somebody's address."""

LB_NUMBER: Final = 2
"""Host number of the load balancer, where no node asked for it."""

_SMALLEST_POD_CIDR_BITS: Final = 2

_OWN_HOSTS: Final = {ROUTER: "router", LB: "load balancer"}
"""Names that no node or client may take, and whose they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A node or client as far as its file describes it."""

    path: FieldPath
    name: str
    address: ByFamily[Address]
    external_ip: ByFamily[Address] = field(default_factory=dict)
    pod_cidr: ByFamily[Network] = field(default_factory=dict)
    labels: tuple[tuple[str, str], ...] = ()


def read_nodes(spec: Mapping[str, object], ranges: Ranges, report: Report) -> list[Draft]:
    """Return the nodes as asked for; what is wrong with one is reported and left out."""
    nodes = [
        Draft(
            path=path,
            name=_name(fields, f"node{number}", path, report),
            address=_address(fields, (*path, "address"), "nodes", ranges, report),
            external_ip=_address(fields, (*path, "externalIP"), "externalIPs", ranges, report),
            pod_cidr=_pod_cidr(fields, (*path, "podCIDR"), ranges, report),
            labels=_labels(fields, (*path, "labels"), report),
        )
        for number, path, fields in _given(spec, "nodes")
    ]
    if not nodes and "nodes" in spec and entries(spec["nodes"]) == spec["nodes"]:
        report.add(("spec", "nodes"), "a lab needs one node at least")
    _check_room(nodes, ("nodes", "externalIPs"), ranges, report)
    check_unique(_values(node.address for node in nodes), report)
    check_unique(_values(node.external_ip for node in nodes), report)
    pod_cidrs = [asked for node in nodes for asked in node.pod_cidr.values()]
    check_overlaps([(asked.path, asked.value) for asked in pod_cidrs], report)
    return nodes


def read_clients(spec: Mapping[str, object], ranges: Ranges, report: Report) -> list[Draft]:
    """Return the clients as asked for; what is wrong with one is reported and left out."""
    clients = [
        Draft(
            path=path,
            name=_name(fields, "client" if number == 1 else f"client{number}", path, report),
            address=_address(fields, (*path, "address"), "clients", ranges, report),
        )
        for number, path, fields in _given(spec, "clients")
    ]
    _check_room(clients, ("clients",), ranges, report)
    check_unique(_values(one.address for one in clients), report)
    return clients


def build_nodes(
    drafts: Sequence[Draft], ranges: Ranges, pod_cidrs: Mapping[Family, Sequence[Network]]
) -> tuple[TopologyNode, ...]:
    """Return the nodes with every address filled in; nothing may be wrong with any."""
    addresses: list[list[Address]] = []
    external_ips: list[list[Address]] = []
    for family, by_name in ranges.items():
        nodes = by_name["nodes"]
        asked = asked_in(family, (draft.address for draft in drafts))
        own = fill_hosts(nodes, asked, range(FIRST_NODE, FIRST_NODE + len(drafts)))
        external = asked_in(family, (draft.external_ip for draft in drafts))
        numbers = [int(address) - int(nodes.network[0]) for address in own]
        addresses.append(own)
        external_ips.append(fill_hosts(by_name["externalIPs"], external, numbers))
    return tuple(
        TopologyNode(
            name=draft.name,
            addresses=tuple(column[index] for column in addresses),
            external_ips=tuple(column[index] for column in external_ips),
            pod_cidrs=tuple(pod_cidrs[family][index] for family in ranges),
            labels=draft.labels,
        )
        for index, draft in enumerate(drafts)
    )


def build_clients(drafts: Sequence[Draft], ranges: Ranges) -> tuple[TopologyClient, ...]:
    """Return the clients with every address filled in; nothing may be wrong with any."""
    addresses = []
    for family, by_name in ranges.items():
        asked = asked_in(family, (draft.address for draft in drafts))
        first = FIRST_CLIENT[family]
        addresses.append(fill_hosts(by_name["clients"], asked, range(first, first + len(drafts))))
    return tuple(
        TopologyClient(name=draft.name, addresses=tuple(column[index] for column in addresses))
        for index, draft in enumerate(drafts)
    )


def choose_lb_addresses(nodes: Sequence[TopologyNode], ranges: Ranges) -> tuple[Address, ...]:
    """Return addresses for the load balancer that no node has; there must be room."""
    chosen = []
    for index, by_name in enumerate(ranges.values()):
        taken = [node.addresses[index] for node in nodes]
        numbers = [*[0] * len(taken), LB_NUMBER]
        chosen.append(fill_hosts(by_name["nodes"], [*taken, None], numbers)[-1])
    return tuple(chosen)


def choose_pod_cidrs(
    drafts: Sequence[Draft], ranges: Ranges, report: Report
) -> dict[Family, list[Network]]:
    """Return a pod CIDR for each node by family; none when there is no room, which is reported."""
    return {
        family: fill_pod_cidrs(
            by_name["pods"], asked_in(family, (draft.pod_cidr for draft in drafts)), report
        )
        for family, by_name in ranges.items()
        if "pods" in by_name
    }


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


def _values(hosts: Iterable[ByFamily[Address]]) -> Iterator[tuple[FieldPath, Address]]:
    return ((asked.path, asked.value) for host in hosts for asked in host.values())


def _address(
    fields: Mapping[str, object], path: FieldPath, within: str, ranges: Ranges, report: Report
) -> ByFamily[Address]:
    """Return the sound addresses of a field that must lie in the network called ``within``."""
    value = fields.get(str(path[-1]))
    asked: ByFamily[Address]
    asked = read_by_family(value, path, tuple(ranges), parse_address, report)
    return {
        family: one
        for family, one in asked.items()
        if within in ranges[family]
        and check_host(one.value, ranges[family][within], one.path, report)
    }


def _pod_cidr(
    fields: Mapping[str, object], path: FieldPath, ranges: Ranges, report: Report
) -> ByFamily[Network]:
    value = fields.get("podCIDR")
    asked: ByFamily[Network]
    asked = read_by_family(value, path, tuple(ranges), parse_network, report)
    return {
        family: one
        for family, one in asked.items()
        if "pods" in ranges[family] and _is_pod_cidr(one, ranges[family]["pods"].network, report)
    }


def _is_pod_cidr(asked: Asked[Network], pods: Network, report: Report) -> bool:
    network = asked.value
    smallest = network.max_prefixlen - _SMALLEST_POD_CIDR_BITS
    if network[0] not in pods or network[-1] not in pods:
        report.add(asked.path, f"{network} is not in networks.pods ({pods})")
        return False
    if network.prefixlen > smallest:
        hint = f"it must be a /{smallest} or larger"
        report.add(asked.path, f"{network} is too small for a gateway and a pod", hint)
        return False
    return True


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
    for by_name in ranges.values():
        for name in names:
            if name in by_name:
                check_room(by_name[name], len(hosts), report)

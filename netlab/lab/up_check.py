"""Whether a lab answers: every Service through the real path, from where a caller would stand.

A lab is up when its Services answer, not when its processes exist. Each Service port that has an
endpoint is called on its ClusterIP from the first node. The first NodePort is called on every node
that should answer, from the first client; the others on one node each, in turns, so that a lab of a
hundred Services is not called a thousand times. A Service of two address families is called in
both, as each has rules of its own. The calls are TCP connections, all under way at once.
"""

import errno
import os
import selectors
import socket
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netlab.client.cluster import cluster_ips
from netlab.kube.objects import Object, items_of, labels_of, name_of, namespace_of, spec_of
from netlab.linux.netns import inside
from netlab.model.addresses import Address, Family, family_of
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddrPort

_AGAIN_S = 0.02
"""Before a refused call is made again."""
_ATTEMPT_S = 1.5
"""A call without an answer is given up and made anew: a SYN that met half a network may have left a
conntrack entry that its retransmissions run into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that must be answered."""

    netns: NetnsName
    caller: str
    target: AddrPort
    what: str
    is_node_port: bool = False

    def __str__(self) -> str:
        """Say what is called, and by whom."""
        return f"{self.what} at {self.target}, called from {self.caller}"


def required_calls(
    hosts: Iterable[Host], services: list[Object], slices: list[Object]
) -> list[Call]:
    """Return the calls that must be answered when the lab is up."""
    found = list(hosts)
    nodes = [host for host in found if host.kind is HostKind.NODE]
    clients = [host for host in found if host.kind is HostKind.CLIENT]
    endpoints = _nodes_with_endpoints(slices)
    result: list[Call] = []
    for number, service in enumerate(services):
        for cluster_ip in cluster_ips(service):
            family = family_of(cluster_ip)
            where = endpoints.get((namespace_of(service), name_of(service), family))
            if where and nodes:
                result += _cluster_ip_calls(service, cluster_ip, nodes[:1])
                answering = _answering(service, where, nodes)
                turn = number % len(answering)
                is_later = _has_node_port(result, family)
                called = answering[turn : turn + 1] if is_later else answering
                result += _node_port_calls(service, family, called, clients[:1])
    return result


def unanswered(wanted: list[Call], timeout_s: float) -> list[Call]:
    """Make the calls, again and again, and return those not answered in time."""
    deadline = time.monotonic() + timeout_s
    left = wanted
    while left:
        left = _unanswered_once(left, min(deadline, time.monotonic() + _ATTEMPT_S))
        if time.monotonic() >= deadline:
            break
        if left:
            time.sleep(_AGAIN_S)
    return left


def _nodes_with_endpoints(slices: list[Object]) -> dict[tuple[str, str, str], set[str]]:
    """Return the nodes with a ready endpoint, by a Service's namespace and name, and a family."""
    found: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for piece in slices:
        name = labels_of(piece).get("kubernetes.io/service-name", "")
        for endpoint in items_of(piece, "endpoints"):
            # Kubernetes reads a condition that is not there as true.
            if (endpoint.get("conditions") or {}).get("ready") is not False:
                key = namespace_of(piece), name, piece["addressType"]
                found[key].add(endpoint.get("nodeName", ""))
    return found


def _answering(service: Object, where: set[str], nodes: list[Host]) -> list[Host]:
    if spec_of(service).get("externalTrafficPolicy") != "Local":
        return nodes
    return [node for node in nodes if node.name in where] or nodes[:1]


def _has_node_port(found: list[Call], family: Family) -> bool:
    return any(call.is_node_port and family.holds(call.target.address) for call in found)


def _cluster_ip_calls(service: Object, cluster_ip: Address, callers: list[Host]) -> Iterator[Call]:
    for port in _tcp_ports(service):
        for caller in callers:
            yield _call(caller, AddrPort(cluster_ip, port["port"]), service)


def _node_port_calls(
    service: Object, family: Family, called: list[Host], callers: list[Host]
) -> Iterator[Call]:
    addresses = [address for node in called if (address := node.address(family)) is not None]
    for port in _tcp_ports(service):
        for address in addresses if port.get("nodePort") else ():
            for caller in callers:
                target = AddrPort(address, port["nodePort"])
                yield _call(caller, target, service, is_node_port=True)


def _tcp_ports(service: Object) -> Iterator[Object]:
    ports = items_of(spec_of(service), "ports")
    return (port for port in ports if port.get("protocol", "TCP") == "TCP")


def _call(caller: Host, target: AddrPort, service: Object, *, is_node_port: bool = False) -> Call:
    return Call(
        netns=caller.netns,
        caller=caller.name,
        target=target,
        what=f"Service {namespace_of(service)}/{name_of(service)}",
        is_node_port=is_node_port,
    )


def _unanswered_once(wanted: list[Call], deadline: float) -> list[Call]:
    left = []
    with selectors.DefaultSelector() as selector:
        for call in wanted:
            address, port = call.target
            family = socket.AF_INET if address.version == 4 else socket.AF_INET6
            with inside(call.netns):
                sock = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            number = sock.connect_ex((str(address), port))
            if number in {0, errno.EINPROGRESS}:
                selector.register(sock, selectors.EVENT_WRITE, call)
            else:
                left.append(call)
                sock.close()
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            for key, _ in ready:
                left += _concluded(selector, key)
            if not ready:
                left += [key.data for key in list(selector.get_map().values())]
                _close_all(selector)
    return left


def _concluded(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> list[Call]:
    """Return a call that has failed; nothing for one that was answered."""
    selector.unregister(key.fileobj)
    sock = key.fileobj
    assert isinstance(sock, socket.socket)  # noqa: S101 (nothing else was registered)
    failed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    sock.close()
    return [key.data] if failed else []


def _close_all(selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        selector.unregister(key.fileobj)
        os.close(key.fd)
        assert isinstance(key.fileobj, socket.socket)  # noqa: S101
        key.fileobj.detach()

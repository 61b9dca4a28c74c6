"""Whether a lab answers: every Service through the real path, from where a caller would stand.

A lab is up when its Services answer, not when its processes exist. Each Service port that has an
endpoint is called on its ClusterIP from the first node, and each NodePort on every node that should
answer from the first client. The calls are TCP connections, all under way at once.
"""

import errno
import os
import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netlab.kernel.netns import inside
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.objects import Object, items_of, labels_of, name_of, namespace_of, spec_of

_AGAIN_S = 0.02
"""Before a refused call is made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One call that must be answered."""

    netns: NetnsName
    caller: str
    address: str
    port: int
    what: str

    def __str__(self) -> str:
        """Say what is called, and by whom."""
        return f"{self.what} at {self.address}:{self.port}, called from {self.caller}"


def probes(hosts: Iterable[Host], services: list[Object], slices: list[Object]) -> list[Probe]:
    """Return the calls that must be answered when the lab is up."""
    found = list(hosts)
    nodes = [host for host in found if host.kind is HostKind.NODE]
    clients = [host for host in found if host.kind is HostKind.CLIENT]
    result: list[Probe] = []
    for service in services:
        where = _nodes_with_endpoints(service, slices)
        if where:
            result += _service_probes(service, where, nodes, clients)
    return result


def unanswered(wanted: list[Probe], timeout_s: float) -> list[Probe]:
    """Make the calls, again and again, and return those not answered in time."""
    deadline = time.monotonic() + timeout_s
    left = wanted
    while left:
        left = _unanswered_once(left, deadline)
        if time.monotonic() >= deadline:
            break
        if left:
            time.sleep(_AGAIN_S)
    return left


def _nodes_with_endpoints(service: Object, slices: list[Object]) -> set[str]:
    mine = (
        piece
        for piece in slices
        if namespace_of(piece) == namespace_of(service)
        and labels_of(piece).get("kubernetes.io/service-name") == name_of(service)
    )
    return {
        endpoint.get("nodeName", "")
        for piece in mine
        for endpoint in items_of(piece, "endpoints")
        if (endpoint.get("conditions") or {}).get("ready")
    }


def _service_probes(
    service: Object, where: set[str], nodes: list[Host], clients: list[Host]
) -> Iterator[Probe]:
    spec = spec_of(service)
    name = f"Service {namespace_of(service)}/{name_of(service)}"
    for port in items_of(spec, "ports"):
        if port.get("protocol", "TCP") != "TCP":
            continue
        cluster_ip = spec.get("clusterIP", "None")
        if cluster_ip not in {"", "None"} and nodes:
            yield _probe(nodes[0], cluster_ip, port["port"], name)
        is_local = spec.get("externalTrafficPolicy") == "Local"
        for node in nodes if port.get("nodePort") and clients else ():
            if not is_local or node.name in where:
                yield _probe(clients[0], str(node.addresses[0]), port["nodePort"], name)


def _probe(caller: Host, address: str, port: int, what: str) -> Probe:
    return Probe(netns=caller.netns, caller=caller.name, address=address, port=port, what=what)


def _unanswered_once(wanted: list[Probe], deadline: float) -> list[Probe]:
    left = []
    with selectors.DefaultSelector() as selector:
        for probe in wanted:
            with inside(probe.netns):
                call = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            number = call.connect_ex((probe.address, probe.port))
            if number in {0, errno.EINPROGRESS}:
                selector.register(call, selectors.EVENT_WRITE, probe)
            else:
                left.append(probe)
                call.close()
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            for key, _ in ready:
                left += _concluded(selector, key)
            if not ready:
                left += [key.data for key in list(selector.get_map().values())]
                _close_all(selector)
    return left


def _concluded(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> list[Probe]:
    """Return the probe of a call that has failed; nothing for one that was answered."""
    selector.unregister(key.fileobj)
    call = key.fileobj
    assert isinstance(call, socket.socket)  # noqa: S101 (nothing else was registered)
    failed = call.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    call.close()
    return [key.data] if failed else []


def _close_all(selector: selectors.BaseSelector) -> None:
    for key in list(selector.get_map().values()):
        selector.unregister(key.fileobj)
        os.close(key.fd)
        assert isinstance(key.fileobj, socket.socket)  # noqa: S101
        key.fileobj.detach()

"""The connections that a host of a lab tracks, and the names of what they connect."""

import difflib
import selectors
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final

from netlab.client.address_names import address_names
from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import find_netns, host_of, hosts, is_pod
from netlab.errors import KernelError, LabError
from netlab.kube.kinds.service.view import Service
from netlab.linux import netns, netns_names
from netlab.model.addresses import Address
from netlab.model.hosts import Host, HostKind
from netlab.model.packets import AddrPort
from netlab.model.rundir import control_socket
from netlab.sources.conntrack_entries import Changed, Tracked
from netlab.sources.conntrack_table import TableChanges, read_table
from netlab.trace.conntrack import Selection, ServiceAddresses, in_order

LOOK_S: Final = 0.5
"""How often to look whether the host is still there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabAddresses:
    """What the control plane knows of the addresses in entries; empty when there is none."""

    names: dict[Address, str] = field(default_factory=dict)
    service_addresses: ServiceAddresses = field(default_factory=dict)


def find_host(lab: str, name: str) -> Host:
    """Return the host that users call ``name``, from the kernel alone.

    Raises:
        LabError: There is no such lab, or no such host in it.
    """
    found = find_netns(lab, name)
    kind = HostKind.POD if is_pod(lab, found) else HostKind.NODE
    return Host(name=host_of(lab, found), kind=kind, netns=found, addresses=())


def read_lab_addresses(lab: str) -> LabAddresses:
    """Return names of addresses, and the Services behind them.

    Raises:
        LabError: The lab has no running control plane.
    """
    client = Client(control_socket(lab))
    cluster = Cluster(lab=lab, objects=client, read_hosts=lambda: hosts(lab))
    services = cluster.services()
    found = cluster.read_hosts()
    return LabAddresses(
        names={ip_address(a): n for a, n in address_names(cluster, found, services).items()},
        service_addresses={
            address: name for service in services for address, name in _addresses_of(service, found)
        },
    )


def choose(protocol: str, service: str, addresses: LabAddresses, *, nat_only: bool) -> Selection:
    """Return what the user wants to see.

    Args:
        protocol: As conntrack(8) calls it; empty for any.
        service: ``name``, ``namespace/name`` or ``namespace/name:port``; empty for any.
        addresses: Of the lab.
        nat_only: Leave out entries that rewrite nothing.

    Raises:
        LabError: There is no such Service.
    """
    wanted = service if "/" in service or not service else f"default/{service}"
    known = set(addresses.service_addresses.values())
    known |= {name.partition(":")[0] for name in known}
    if wanted and wanted not in known:
        near = difflib.get_close_matches(wanted, known, n=3) or sorted(known)[:8]
        hint = f"there is {', '.join(near)}" if near else "the lab has no Service"
        raise LabError(f"no Service {wanted} can be called in this lab", hint=hint)
    return Selection(protocol=protocol.lower(), service=wanted, nat_only=nat_only)


def read_connections(host: Host) -> list[Tracked]:
    """Return every entry of a host, by protocol and addresses.

    Raises:
        LabError: The host is gone.
        KernelError: The kernel refused.
    """
    try:
        return in_order(read_table(host, netns.inside))
    except FileNotFoundError as error:
        raise _gone(host) from error
    except OSError as error:
        raise _refused(host, error) from error


def watch_connections(
    host: Host, take: Callable[[Changed], None], say: Callable[[str], None]
) -> None:
    """Hand on every event as it happens, until the host goes or the user interrupts.

    Args:
        host: Whose connections.
        take: Takes an event.
        say: Takes a sentence: that the watch has begun, and each loss of events.

    Raises:
        LabError: The host went.
        KernelError: The kernel refused.
    """
    try:
        changes = TableChanges(host, netns.inside)
    except FileNotFoundError as error:
        raise _gone(host) from error
    except OSError as error:
        raise _refused(host, error) from error
    try:
        say(f"Watching {host.name}: connections that begin from now on. Ctrl-C ends it.")
        for changed in _until_gone(host, changes, say):
            take(changed)
    finally:
        changes.close()


def _until_gone(host: Host, changes: TableChanges, say: Callable[[str], None]) -> Iterator[Changed]:
    with selectors.DefaultSelector() as selector:
        selector.register(changes, selectors.EVENT_READ)
        said = 0
        while netns_names.is_mounted(host.netns):
            if selector.select(LOOK_S):
                yield from changes.drain()
            if changes.lost > said:
                times = f" ({changes.lost} times so far)" if changes.lost > 1 else ""
                say(f"Events were lost: the kernel found no room for them{times}.")
                said = changes.lost
    raise _gone(host)


def _addresses_of(
    service: Service, found: Sequence[Host]
) -> Iterator[tuple[tuple[str, AddrPort], str]]:
    versions = {address.version for address in service.cluster_ips}
    nodes = [
        address
        for host in found
        for address in host.addresses
        if host.kind is HostKind.NODE and address.version in versions
    ]
    for port in service.ports:
        name = f"{service.namespace}/{service.name}" + (f":{port.name}" if port.name else "")
        protocol = port.protocol.lower()
        for address in service.addresses:
            yield (protocol, AddrPort(address, port.port)), name
        for address in nodes if port.node_port else ():
            yield (protocol, AddrPort(address, port.node_port or 0)), name


def _gone(host: Host) -> LabError:
    return LabError(f"{host.name} is gone", hint="sudo netlab list")


def _refused(host: Host, error: OSError) -> KernelError:
    return KernelError(
        f"conntrack of {host.name}: {error.strerror}", hint="type: modprobe nf_conntrack_netlink"
    )

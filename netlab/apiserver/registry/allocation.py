"""Give a Service its ClusterIPs and NodePorts, or the ones it asks for.

Nothing is remembered beside the Services themselves: what a stored Service holds, as the store's
index tells, is taken, and what no Service holds is free. Addresses and ports that are chosen come
from the upper part of their range, as in Kubernetes, which leaves the lower part to those who ask
for a certain one.

Source: Kubernetes, ``pkg/registry/core/service/ipallocator``, ``portallocator``.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from itertools import chain
from typing import Final

from netlab.apiserver.bootstrap import SERVICE_CIDR
from netlab.apiserver.store import Store
from netlab.kube.field_error import Cause, invalid_value
from netlab.kube.kinds.service.allocations import cluster_ips, held_ports, ports_by_field
from netlab.kube.kinds.service.node_ports import holds_health_check_port, holds_node_ports
from netlab.kube.kinds.service.validation import not_in_range
from netlab.kube.objects import (
    Key,
    Object,
    items_of,
    name_of,
    namespace_of,
    spec_of,
    uid_of,
    with_spec,
)
from netlab.model.addresses import Network

NODE_PORTS: Final = range(30000, 32768)

_TAKEN_PORT: Final = "provided port is already allocated"
_TAKEN_IP: Final = "provided IP is already allocated"
_HEADLESS: Final = "None"


def service_networks(store: Store) -> dict[str, Network]:
    """Return the networks of ClusterIPs by family, ``IPv4`` or ``IPv6``, the main one first."""
    obj = store.get(SERVICE_CIDR)
    cidrs = spec_of(obj).get("cidrs") or [] if obj is not None else []
    networks = [ip_network(cidr) for cidr in cidrs]
    return {f"IPv{network.version}": network for network in networks}


def allocate(store: Store, service: Object) -> tuple[Object, list[Cause]]:
    """Return a Service with addresses and ports, and everything that stands against them.

    Args:
        store: For what other Services hold.
        service: Complete but for what is allocated; what it holds already it keeps.
    """
    if spec_of(service).get("type") == "ExternalName":
        return service, []
    service, address_causes = _with_cluster_ips(store, service)
    service, port_causes = _with_node_ports(store, service)
    return service, [*address_causes, *port_causes]


def _with_cluster_ips(store: Store, service: Object) -> tuple[Object, list[Cause]]:
    networks = service_networks(store)
    families, causes = _families(service, networks)
    policy = spec_of(service).get("ipFamilyPolicy") or "SingleStack"
    service = with_spec(service, ipFamilies=families, ipFamilyPolicy=policy)
    asked = cluster_ips(service)
    if _HEADLESS in asked:
        return with_spec(service, clusterIP=_HEADLESS, clusterIPs=[_HEADLESS]), causes
    chosen: list[str] = []
    for place, family in enumerate(families):
        if family not in networks:
            continue
        if place < len(asked):
            address = ip_address(asked[place])
            holder = _other(store, service, store.index.with_cluster_ip(str(address)))
            causes.extend(_objections(asked, address, networks[family], holder))
            chosen.append(asked[place])
            continue
        free = _free_address(networks[family], store)
        if free is None:
            causes.append(invalid_value("spec.clusterIPs", [], f"{networks[family]} is full"))
        else:
            chosen.append(str(free))
    first = chosen[0] if chosen else ""
    return with_spec(service, clusterIP=first, clusterIPs=chosen), causes


def _families(service: Object, networks: Mapping[str, Network]) -> tuple[list[str], list[Cause]]:
    spec = spec_of(service)
    families = list(spec.get("ipFamilies") or ())
    families.extend(
        f"IPv{ip_address(address).version}"
        for address in cluster_ips(service)[len(families) :]
        if address != _HEADLESS
    )
    families = families or list(networks)[:1]
    policy = spec.get("ipFamilyPolicy")
    if policy in {"PreferDualStack", "RequireDualStack"}:
        families.extend(family for family in networks if family not in families)
    causes = [
        invalid_value(f"spec.ipFamilies[{place}]", family, "not configured on this cluster")
        for place, family in enumerate(families)
        if family not in networks
    ]
    if policy in {None, "SingleStack"}:
        message = "must be 'RequireDualStack' or 'PreferDualStack' when multiple {} are specified"
        causes.extend(
            invalid_value("spec.ipFamilyPolicy", policy, message.format(what))
            for field, what in (("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families"))
            if len(spec.get(field) or ()) > 1
        )
    if policy == "RequireDualStack" and len(networks) < 2:
        message = "this cluster is not configured for dual-stack services"
        causes.append(invalid_value("spec.ipFamilyPolicy", policy, message))
    return families, causes


def _objections(
    asked: list[str],
    address: IPv4Address | IPv6Address,
    network: Network,
    holder: Object | None,
) -> Iterator[Cause]:
    failed = f"failed to allocate IP {address}: "
    if address not in network:
        yield invalid_value("spec.clusterIPs", asked, failed + not_in_range(address, network))
    if holder is not None:
        yield invalid_value("spec.clusterIPs", asked, f"{failed}{_TAKEN_IP}{_held_by(holder)}")


def _free_address(network: Network, store: Store) -> IPv4Address | IPv6Address | None:
    last = network.num_addresses - 1
    reserved = min(max(16, network.num_addresses // 16), 256)
    upper = max(last - reserved, 0)
    start = store.choose(upper) if upper else 0
    offsets = chain(
        (reserved + (start + step) % upper for step in range(upper)),
        range(1, min(reserved, last)),
    )
    addresses = (network.network_address + offset for offset in offsets)
    return next((one for one in addresses if not store.index.with_cluster_ip(str(one))), None)


def _with_node_ports(store: Store, service: Object) -> tuple[Object, list[Cause]]:
    causes = [
        invalid_value(field, number, _TAKEN_PORT + _held_by(holder))
        for field, number in ports_by_field(service)
        if (holder := _other(store, service, store.index.with_node_port(number)))
    ]
    used = held_ports(service)
    spec = spec_of(service)
    if holds_node_ports(spec):
        ports: list[Object] = []
        for place, port in enumerate(items_of(spec, "ports")):
            number = port.get("nodePort") or _free_port(used, store)
            if not number:
                causes.append(invalid_value(f"spec.ports[{place}].nodePort", 0, "range is full"))
            ports.append({**port, "nodePort": number})
        service = with_spec(service, ports=ports)
    if holds_health_check_port(spec) and not spec.get("healthCheckNodePort"):
        service = with_spec(service, healthCheckNodePort=_free_port(used, store))
    return service, causes


def _free_port(used: set[int], store: Store) -> int:
    """Return a port that no Service holds and note it as used; 0 when there is none."""
    reserved = 86
    upper = len(NODE_PORTS) - reserved
    start = store.choose(upper)
    offsets = chain((reserved + (start + step) % upper for step in range(upper)), range(reserved))
    ports = (NODE_PORTS[offset] for offset in offsets)
    taken = store.index.with_node_port
    found = next((port for port in ports if port not in used and not taken(port)), 0)
    used.add(found)
    return found


def _other(store: Store, service: Object, holders: Iterable[Key]) -> Object | None:
    """Return another Service among the holders of an address or a port."""
    held = (store.require(key) for key in holders)
    return next((one for one in held if uid_of(one) != uid_of(service)), None)


def _held_by(service: Object) -> str:
    return f" (held by Service {namespace_of(service)}/{name_of(service)})"

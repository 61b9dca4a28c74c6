"""Give a Service its ClusterIPs and NodePorts, or the ones it asks for.

Nothing is remembered beside the Services themselves: what a stored Service holds is taken, and what
no Service holds is free. Addresses and ports that are chosen come from the upper part of their
range, as in Kubernetes, which leaves the lower part to those who ask for a certain one.

Source: Kubernetes, ``pkg/registry/core/service/ipallocator``, ``portallocator``.
"""

from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from netlab.apiserver.bootstrap import SERVICE_CIDR
from netlab.apiserver.store import Store
from netlab.kube.field_error import Cause, invalid_value
from netlab.kube.kinds.service.node_ports import holds_health_check_port, holds_node_ports
from netlab.kube.kinds.service.validation import not_in_range
from netlab.kube.objects import Object, items_of, name_of, namespace_of, spec_of, uid_of, with_spec
from netlab.model.addresses import Network, parse_ip

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
    others = [one for one in store.list_("services") if uid_of(one) != uid_of(service)]
    service, address_causes = _with_cluster_ips(store, service, others)
    service, port_causes = _with_node_ports(store, service, others)
    return service, [*address_causes, *port_causes]


def _with_cluster_ips(
    store: Store, service: Object, others: list[Object]
) -> tuple[Object, list[Cause]]:
    networks = service_networks(store)
    families, causes = _families(service, networks)
    policy = spec_of(service).get("ipFamilyPolicy") or "SingleStack"
    service = with_spec(service, ipFamilies=families, ipFamilyPolicy=policy)
    asked = _asked(service)
    if _HEADLESS in asked:
        return with_spec(service, clusterIP=_HEADLESS, clusterIPs=[_HEADLESS]), causes
    taken = {
        address: one
        for one in others
        for text in _asked(one)
        if (address := parse_ip(text)) is not None
    }
    chosen: list[str] = []
    for place, family in enumerate(families):
        if family not in networks:
            continue
        if place < len(asked):
            causes.extend(_objections(asked[place], asked, networks[family], taken))
            chosen.append(asked[place])
            continue
        address = _free_address(networks[family], taken, store.choose)
        if address is None:
            causes.append(invalid_value("spec.clusterIPs", [], f"{networks[family]} is full"))
        else:
            chosen.append(str(address))
    first = chosen[0] if chosen else ""
    return with_spec(service, clusterIP=first, clusterIPs=chosen), causes


def _families(service: Object, networks: Mapping[str, Network]) -> tuple[list[str], list[Cause]]:
    spec = spec_of(service)
    families = list(spec.get("ipFamilies") or ())
    families.extend(
        f"IPv{ip_address(address).version}"
        for address in _asked(service)[len(families) :]
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


def _asked(service: Object) -> list[str]:
    spec = spec_of(service)
    addresses: list[str] = spec.get("clusterIPs") or []
    return addresses or ([spec["clusterIP"]] if spec.get("clusterIP") else [])


def _objections(
    text: str,
    asked: list[str],
    network: Network,
    taken: Mapping[IPv4Address | IPv6Address, Object],
) -> Iterator[Cause]:
    address, failed = ip_address(text), f"failed to allocate IP {text}: "
    if address not in network:
        yield invalid_value("spec.clusterIPs", asked, failed + not_in_range(address, network))
    if address in taken:
        why = f"{failed}{_TAKEN_IP}{_held_by(taken[address])}"
        yield invalid_value("spec.clusterIPs", asked, why)


def _free_address(
    network: Network,
    taken: Mapping[IPv4Address | IPv6Address, Object],
    choose: Callable[[int], int],
) -> IPv4Address | IPv6Address | None:
    last = network.num_addresses - 1
    reserved = min(max(16, network.num_addresses // 16), 256)
    upper = max(last - reserved, 0)
    start = choose(upper) if upper else 0
    offsets = (
        *(reserved + (start + step) % upper for step in range(min(upper, len(taken) + 1))),
        *range(1, min(reserved, last)),
    )
    addresses = (network.network_address + offset for offset in offsets)
    return next((address for address in addresses if address not in taken), None)


def _with_node_ports(
    store: Store, service: Object, others: list[Object]
) -> tuple[Object, list[Cause]]:
    taken = {port: one for one in others for port in _held_ports(one)}
    causes = [
        invalid_value(field, number, _TAKEN_PORT + _held_by(taken[number]))
        for field, number in _asked_ports(service)
        if number in taken
    ]
    used = {*taken, *_held_ports(service)}
    spec = spec_of(service)
    if holds_node_ports(spec):
        ports: list[Object] = []
        for place, port in enumerate(items_of(spec, "ports")):
            number = port.get("nodePort") or _free_port(used, store.choose)
            if not number:
                causes.append(invalid_value(f"spec.ports[{place}].nodePort", 0, "range is full"))
            ports.append({**port, "nodePort": number})
        service = with_spec(service, ports=ports)
    if holds_health_check_port(spec) and not spec.get("healthCheckNodePort"):
        service = with_spec(service, healthCheckNodePort=_free_port(used, store.choose))
    return service, causes


def _asked_ports(service: Object) -> Iterator[tuple[str, int]]:
    spec = spec_of(service)
    for place, port in enumerate(items_of(spec, "ports")):
        if port.get("nodePort"):
            yield f"spec.ports[{place}].nodePort", port["nodePort"]
    if spec.get("healthCheckNodePort"):
        yield "spec.healthCheckNodePort", spec["healthCheckNodePort"]


def _held_ports(service: Object) -> set[int]:
    return {number for _, number in _asked_ports(service)}


def _free_port(used: set[int], choose: Callable[[int], int]) -> int:
    """Return a free NodePort and note it as used; 0 when there is none."""
    reserved = 86
    upper = len(NODE_PORTS) - reserved
    start = choose(upper)
    offsets = (*(reserved + (start + step) % upper for step in range(upper)), *range(reserved))
    found = next((NODE_PORTS[one] for one in offsets if NODE_PORTS[one] not in used), 0)
    used.add(found)
    return found


def _held_by(service: Object) -> str:
    return f" (held by Service {namespace_of(service)}/{name_of(service)})"

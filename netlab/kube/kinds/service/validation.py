"""What Services and their endpoints must fulfil beyond structure.

Source: Kubernetes, ``pkg/apis/core/validation`` (``ValidateService``) and the allocators of
``pkg/registry/core/service``.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.field_checks import check_text
from netlab.kube.kinds.service.addresses import check_service_addresses
from netlab.kube.metadata import (
    PROTOCOLS,
    check_address,
    check_choice,
    check_labels,
    check_port,
    check_port_or_name,
    items_of,
    text_of,
)
from netlab.kube.names import wrong_dns_label, wrong_dns_subdomain, wrong_qualified_name
from netlab.model.addresses import Address, Network, parse_ip

NODE_PORTS: Final = range(30000, 32768)

_NOT_IN_RANGE: Final = (
    "provided port is not in the valid range. The range of valid ports is 30000-32767"
)

TYPES: Final = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")

_CHOICES: Final = {
    "type": TYPES,
    "externalTrafficPolicy": ("Cluster", "Local"),
    "internalTrafficPolicy": ("Cluster", "Local"),
    "sessionAffinity": ("ClientIP", "None"),
    "ipFamilyPolicy": ("PreferDualStack", "RequireDualStack", "SingleStack"),
    "trafficDistribution": ("PreferClose", "PreferSameNode", "PreferSameZone"),
}
_KUBELET_PORT: Final = 10250
_LONGEST_AFFINITY: Final = 86400
"""Seconds; a day."""


def check_service(
    spec: Mapping[str, object], path: FieldPath, report: Report, networks: Sequence[Network]
) -> None:
    """Report what is wrong with a Service's ``spec``; ClusterIPs lie in ``networks``, if known."""
    for field, choices in _CHOICES.items():
        check_choice(spec.get(field), choices, (*path, field), report)
    check_labels(spec.get("selector"), (*path, "selector"), report)
    kind = text_of(spec, "type", "ClusterIP")
    _check_policies(spec, kind, path, report)
    _check_cluster_ip(spec, kind, path, report, networks)
    check_service_addresses(spec, kind, path, report)
    _check_health_check_port(spec, kind, path, report)
    is_portless = kind == "ExternalName" or spec.get("clusterIP") == "None"
    if not is_portless and not entries(spec.get("ports")):
        report.add((*path, "ports"), "Required value")
    _check_ports(spec, kind, path, report)
    _check_balancer(spec, kind, path, report)
    if kind == "ExternalName":
        _check_external_name(spec, path, report)


def not_in_range(address: Address, network: Network) -> str:
    """Return what an allocator of addresses says of one that is not its own."""
    return (
        f"the provided IP ({address}) is not in the valid range."
        f" The range of valid IPs is {network}"
    )


def _check_external_name(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    # A trailing dot says that the name is whole.
    name, inside = text_of(spec, "externalName").removesuffix("."), (*path, "externalName")
    if not name:
        report.add(inside, "Required value")
    check_text(name, wrong_dns_subdomain, inside, report)
    for field in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        # The API copies clusterIP to clusterIPs before it looks.
        if spec.get(field) or (field == "clusterIPs" and spec.get("clusterIP")):
            message = "Forbidden: may not be set for ExternalName services"
            report.add((*path, field), message)


def _check_balancer(spec: Mapping[str, object], kind: str, path: FieldPath, report: Report) -> None:
    """Report what is for Services of type LoadBalancer only, and is not theirs."""
    name = spec.get("loadBalancerClass")
    if isinstance(name, str) and (why := wrong_qualified_name(name)):
        report.add((*path, "loadBalancerClass"), invalid(name, why))
    check_address(spec.get("loadBalancerIP") or None, (*path, "loadBalancerIP"), report)
    if kind != "LoadBalancer" and kind in TYPES:
        for field in ("loadBalancerClass", "allocateLoadBalancerNodePorts"):
            if spec.get(field) is not None:
                message = "Forbidden: may only be used when `type` is 'LoadBalancer'"
                report.add((*path, field), message)


def _check_policies(spec: Mapping[str, object], kind: str, path: FieldPath, report: Report) -> None:
    policy = text_of(spec, "externalTrafficPolicy")
    is_external = kind in ("NodePort", "LoadBalancer") or bool(spec.get("externalIPs"))
    if policy and kind in TYPES and not is_external:
        why = "may only be set for externally-accessible services"
        report.add((*path, "externalTrafficPolicy"), invalid(policy, why), "type NodePort is one")
    config = mapping(spec.get("sessionAffinityConfig"))
    # Kubernetes' defaults drop it where sessionAffinity is None, before anything is checked.
    client_ip = mapping(config.get("clientIP"))
    timeout = client_ip.get("timeoutSeconds")
    if isinstance(timeout, int) and not 1 <= timeout <= _LONGEST_AFFINITY:
        inside = (*path, "sessionAffinityConfig", "clientIP", "timeoutSeconds")
        why = f"must be greater than 0 and less than or equal to {_LONGEST_AFFINITY}"
        report.add(inside, invalid(timeout, why))


def _check_cluster_ip(
    spec: Mapping[str, object],
    kind: str,
    path: FieldPath,
    report: Report,
    networks: Sequence[Network],
) -> None:
    inside = (*path, "clusterIPs", 0)
    address = text_of(spec, "clusterIP")
    if address == "None":
        if kind in ("NodePort", "LoadBalancer"):
            why = f"may not be set to 'None' for {kind} services"
            report.add(inside, invalid(address, why))
        return
    if not address:
        return
    parsed = parse_ip(address)
    if parsed is None:
        # Where clusterIPs has it too, it is told there.
        if not entries(spec.get("clusterIPs")):
            check_address(address, inside, report)
        return
    if networks and not any(parsed in network for network in networks):
        own = [network for network in networks if network.version == parsed.version]
        why = f"failed to allocate IP {address}: {not_in_range(parsed, (*own, networks[0])[0])}"
        report.add(inside[:-1], invalid([address], why))


def _check_health_check_port(
    spec: Mapping[str, object], kind: str, path: FieldPath, report: Report
) -> None:
    number, inside = spec.get("healthCheckNodePort"), (*path, "healthCheckNodePort")
    if not isinstance(number, int) or not number:
        return
    if kind != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local":
        why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        report.add(inside, invalid(number, why))
    elif number not in NODE_PORTS:
        report.add(inside, invalid(number, _NOT_IN_RANGE))


def _check_ports(spec: Mapping[str, object], kind: str, path: FieldPath, report: Report) -> None:
    ports = list(items_of(spec, "ports", path))
    for inside, port in ports:
        check_port(port.get("port"), (*inside, "port"), report)
        check_port_or_name(port.get("targetPort"), (*inside, "targetPort"), report)
        check_choice(port.get("protocol"), PROTOCOLS, (*inside, "protocol"), report)
        name = text_of(port, "name")
        if not name and len(ports) > 1:
            report.add((*inside, "name"), "Required value")
        elif name and wrong_dns_label(name):
            report.add((*inside, "name"), invalid(name, wrong_dns_label(name)))
        check_text(port.get("appProtocol"), wrong_qualified_name, (*inside, "appProtocol"), report)
        _check_node_port(port.get("nodePort"), kind, (*inside, "nodePort"), report)
    check_unique((((*inside, "name"), text_of(port, "name")) for inside, port in ports), report)
    _check_numbers(ports, kind, report)


def _check_numbers(
    ports: Sequence[tuple[FieldPath, Mapping[str, object]]], kind: str, report: Report
) -> None:
    """Report numbers that two ports of one protocol have, and the one that is the kubelet's."""
    taken: set[tuple[str, object, str]] = set()
    for inside, port in ports:
        number, protocol = port.get("port"), text_of(port, "protocol", "TCP")
        if number == _KUBELET_PORT and kind == "LoadBalancer":
            why = f"may not expose port {number} externally since it is used by kubelet"
            report.add(inside, invalid(number, why))
        if isinstance(number, int) and ("port", number, protocol) in taken:
            # As Go prints the structure that the API server compares by.
            both = f'"Protocol":"{protocol}","AppProtocol":null,"Port":{number}'
            rest = '"TargetPort":0,"NodePort":0'
            report.add(inside, f'Duplicate value: {{"Name":"",{both},{rest}}}')
        node_port = port.get("nodePort")
        if not isinstance(number, int) or not isinstance(node_port, int | None):
            continue
        if node_port and ("nodePort", node_port, protocol) in taken:
            report.add((*inside, "nodePort"), f"Duplicate value: {node_port}")
        taken |= {("port", number, protocol), ("nodePort", node_port, protocol)}


def _check_node_port(value: object, kind: str, path: FieldPath, report: Report) -> None:
    if not isinstance(value, int) or not value:
        return
    if kind in ("ClusterIP", "ExternalName"):
        report.add(path, f"Forbidden: may not be used when `type` is '{kind}'")
    elif value not in NODE_PORTS:
        report.add(path, invalid(value, _NOT_IN_RANGE))

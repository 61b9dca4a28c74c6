"""The addresses of a Service: its ClusterIPs, what leads to it from outside, and from where.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateService,
ValidateServiceClusterIPsRelatedFields, ValidateLoadBalancerStatus, ValidateNonSpecialIP) and
``pkg/apis/discovery/validation`` (validateEndpoints).
"""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.metadata import check_choice, items_of, text_of
from netlab.kube.names import wrong_dns_subdomain
from netlab.model.addresses import Address, parse_cidr, parse_ip

_NO_ADDRESS: Final = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
_NO_NETWORK: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_VERSIONS: Final = {"IPv4": 4, "IPv6": 6}
_LINK_LOCAL_MULTICAST: Final = (ip_network("224.0.0.0/24"), ip_network("ff02::/10", strict=False))


def check_service_addresses(
    spec: Mapping[str, object], kind: str, path: FieldPath, report: Report
) -> None:
    """Report what is wrong with externalIPs, loadBalancerSourceRanges, ipFamilies and clusterIPs.

    Args:
        spec: A Service's.
        kind: Its type.
        path: Where it is.
        report: Takes the problems.
    """
    for index, text in enumerate(entries(spec.get("externalIPs"))):
        check_ordinary_address(text, (*path, "externalIPs", index), report)
    _check_source_ranges(spec, kind, (*path, "loadBalancerSourceRanges"), report)
    families = entries(spec.get("ipFamilies"))
    for index, family in enumerate(families):
        check_choice(family, _VERSIONS, (*path, "ipFamilies", index), report)
    asked = (((*path, "ipFamilies", index), family) for index, family in enumerate(families))
    check_unique(asked, report)
    _check_cluster_ips(spec, path, report)


def check_service_status(service: Mapping[str, object], report: Report) -> None:
    """Report what is wrong with the load balancer's addresses in a Service's status."""
    balancer = mapping(mapping(service.get("status")).get("loadBalancer"))
    path = ("status", "loadBalancer", "ingress")
    kind = text_of(mapping(service.get("spec")), "type", "ClusterIP")
    if entries(balancer.get("ingress")) and kind != "LoadBalancer":
        report.add(path, 'Forbidden: may only be used when `spec.type` is "LoadBalancer"')
    for inside, place in items_of(balancer, "ingress", path[:-1]):
        _check_ingress(place, inside, report)


def check_ordinary_address(
    value: object, path: FieldPath, report: Report, address_type: str = ""
) -> None:
    """Report what is no IP address, or one that can be no other host's.

    Args:
        value: What stands there.
        path: Where.
        report: Takes the problem.
        address_type: ``IPv4`` or ``IPv6``, which it must be of; empty for either.
    """
    if not isinstance(value, str):
        return
    address = parse_ip(value)
    if address is None or address.version != _VERSIONS.get(address_type, address.version):
        why = f"must be a valid {address_type} address" if address_type else _NO_ADDRESS
        report.add(path, invalid(value, why))
        return
    for why in _reservations(address):
        report.add(path, invalid(value, f"may not be {why}"))


def _reservations(address: Address) -> Iterator[str]:
    if address.is_unspecified:
        yield f"unspecified ({address})"
    if address.is_loopback:
        yield "in the loopback range (127.0.0.0/8, ::1/128)"
    if address.is_link_local:
        yield "in the link-local range (169.254.0.0/16, fe80::/10)"
    if any(address in network for network in _LINK_LOCAL_MULTICAST):
        yield "in the link-local multicast range (224.0.0.0/24, ff02::/10)"


def _check_source_ranges(
    spec: Mapping[str, object], kind: str, path: FieldPath, report: Report
) -> None:
    ranges = entries(spec.get("loadBalancerSourceRanges"))
    if ranges and kind != "LoadBalancer":
        report.add(path, "Forbidden: may only be used when `type` is 'LoadBalancer'")
    for index, text in enumerate(ranges):
        if isinstance(text, str) and parse_cidr(text.strip()) is None:
            report.add((*path, index), invalid(text, _NO_NETWORK))


def _check_cluster_ips(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    inside, listed = (*path, "clusterIPs"), entries(spec.get("clusterIPs"))
    texts = [text for text in listed if isinstance(text, str)]
    if not texts or len(texts) != len(listed):
        return
    first = text_of(spec, "clusterIP")
    if not first:
        report.add(inside, invalid(texts, "must be empty when `clusterIP` is not specified"))
    elif first != texts[0]:
        report.add(inside, invalid(texts, "first value must match `clusterIP`"))
    if texts[0] != "None":
        _check_listed_addresses(spec, texts, inside, report)
    elif len(texts) > 1:
        report.add(inside, invalid(texts, "'None' must be the first and only value"))


def _check_listed_addresses(
    spec: Mapping[str, object], texts: Sequence[str], inside: FieldPath, report: Report
) -> None:
    found = [parse_ip(text) for text in texts]
    for index, (text, address) in enumerate(zip(texts, found, strict=True)):
        if address is None:
            report.add((*inside, index), invalid(text, _NO_ADDRESS))
    if len(texts) > 2:
        report.add(inside, invalid(texts, "may only hold up to 2 values"))
    elif len({address.version for address in found if address}) < len(list(filter(None, found))):
        report.add(inside, invalid(texts, "may specify no more than one IP for each IP family"))
    _check_families(spec, found, inside, report)


def _check_families(
    spec: Mapping[str, object], found: list[Address | None], path: FieldPath, report: Report
) -> None:
    for index, (family, address) in enumerate(
        zip(entries(spec.get("ipFamilies")), found, strict=False)
    ):
        if address is not None and address.version != _VERSIONS.get(str(family), address.version):
            why = f"expected an {family} value as indicated by `ipFamilies[{index}]`"
            report.add((*path, index), invalid(str(address), why))


def _check_ingress(place: Mapping[str, object], path: FieldPath, report: Report) -> None:
    address, hostname = text_of(place, "ip"), text_of(place, "hostname")
    if address and parse_ip(address) is None:
        report.add((*path, "ip"), invalid(address, _NO_ADDRESS))
    check_choice(place.get("ipMode"), ("Proxy", "VIP"), (*path, "ipMode"), report)
    if place.get("ipMode") and not address:
        report.add((*path, "ipMode"), "Forbidden: may not be specified when `ip` is not set")
    if hostname and parse_ip(hostname) is not None:
        report.add((*path, "hostname"), invalid(hostname, "must be a DNS name, not an IP address"))
    elif hostname and wrong_dns_subdomain(hostname):
        report.add((*path, "hostname"), invalid(hostname, wrong_dns_subdomain(hostname)))

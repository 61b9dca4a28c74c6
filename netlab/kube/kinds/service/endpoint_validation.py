"""What Endpoints and EndpointSlices must fulfil.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateEndpoints) and
``pkg/apis/discovery/validation`` (ValidateEndpointSlice).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique
from netlab.kube.field_checks import check_count, check_required, check_text
from netlab.kube.kinds.service.addresses import check_ordinary_address
from netlab.kube.metadata import PROTOCOLS, check_choice, check_port, items_of, text_of
from netlab.kube.names import (
    wrong_dns_label,
    wrong_dns_subdomain,
    wrong_label_value,
    wrong_qualified_name,
)

_MAX_ADDRESSES: Final = 100
_MAX_PORTS: Final = 20_000
_MAX_ENDPOINTS: Final = 1000
_MAX_HINTS: Final = 8


def check_endpoints(manifest: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the addresses and ports of an Endpoints object."""
    for inside, subset in items_of(manifest, "subsets", path):
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            why = "must specify `addresses` or `notReadyAddresses`"
            report.add(inside, f"Required value: {why}")
        for field in ("addresses", "notReadyAddresses"):
            for at, address in items_of(subset, field, inside):
                check_ordinary_address(address.get("ip"), (*at, "ip"), report)
                check_text(address.get("hostname"), wrong_dns_label, (*at, "hostname"), report)
                check_text(address.get("nodeName"), wrong_dns_subdomain, (*at, "nodeName"), report)
        ports = list(items_of(subset, "ports", inside))
        for at, port in ports:
            if not port.get("name") and len(ports) > 1:
                report.add((*at, "name"), "Required value")
        _check_ports(subset, inside, report)


def check_endpoint_slice(manifest: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the addresses and ports of an EndpointSlice."""
    families = ("FQDN", "IPv4", "IPv6")
    check_required(manifest, "addressType", path, report)
    check_choice(manifest.get("addressType"), families, (*path, "addressType"), report)
    check_count(manifest.get("endpoints"), _MAX_ENDPOINTS, (*path, "endpoints"), report)
    check_count(manifest.get("ports"), _MAX_PORTS, (*path, "ports"), report)
    family = text_of(manifest, "addressType")
    for inside, endpoint in items_of(manifest, "endpoints", path):
        addresses = entries(endpoint.get("addresses"))
        if not addresses:
            report.add((*inside, "addresses"), "Required value: must contain at least 1 address")
        check_count(addresses, _MAX_ADDRESSES, (*inside, "addresses"), report)
        for index, address in enumerate(addresses):
            at = (*inside, "addresses", index)
            if family == "FQDN":
                check_text(address, wrong_dns_subdomain, at, report)
            else:
                check_ordinary_address(address, at, report, family if family in families else "")
        _check_endpoint(endpoint, inside, report)
    _check_ports(manifest, path, report)


def _check_endpoint(endpoint: Mapping[str, object], path: FieldPath, report: Report) -> None:
    check_text(endpoint.get("nodeName"), wrong_dns_subdomain, (*path, "nodeName"), report)
    check_text(endpoint.get("hostname"), wrong_dns_label, (*path, "hostname"), report)
    hints, inside = mapping(endpoint.get("hints")), (*path, "hints")
    for field, wrong in (("forZones", wrong_label_value), ("forNodes", wrong_dns_subdomain)):
        check_count(hints.get(field), _MAX_HINTS, (*inside, field), report)
        named = list(items_of(hints, field, inside))
        for at, hint in named:
            check_text(hint.get("name"), wrong, (*at, "name"), report)
        check_unique((((*at, "name"), text_of(one, "name")) for at, one in named), report)


def _check_ports(fields: Mapping[str, object], path: FieldPath, report: Report) -> None:
    ports = list(items_of(fields, "ports", path))
    for inside, port in ports:
        check_port(port.get("port"), (*inside, "port"), report)
        check_choice(port.get("protocol"), PROTOCOLS, (*inside, "protocol"), report)
        check_text(port.get("name"), wrong_dns_label, (*inside, "name"), report)
        check_text(port.get("appProtocol"), wrong_qualified_name, (*inside, "appProtocol"), report)
    check_unique((((*inside, "name"), text_of(port, "name")) for inside, port in ports), report)

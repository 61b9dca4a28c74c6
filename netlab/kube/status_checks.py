"""What a controller may write into the status of an object.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateLoadBalancerStatus).
"""

from collections.abc import Mapping

from netlab.documents.json_schema import mapping
from netlab.documents.problems import Report, invalid
from netlab.kube.field_checks import check_text
from netlab.kube.metadata import check_address, check_choice, items_of, text_of
from netlab.kube.names import wrong_dns_subdomain
from netlab.model.addresses import parse_ip


def check_load_balancer(status: Mapping[str, object], report: Report) -> None:
    """Report addresses and names of a load balancer that are none."""
    balancer = mapping(status.get("loadBalancer"))
    for at, one in items_of(balancer, "ingress", ("status", "loadBalancer")):
        check_address(one.get("ip") or None, (*at, "ip"), report)
        host = text_of(one, "hostname")
        check_text(host, wrong_dns_subdomain, (*at, "hostname"), report)
        if parse_ip(host) is not None:
            why = "must be a DNS name, not an IP address"
            report.add((*at, "hostname"), invalid(host, why))
        if one.get("ipMode") is not None and not one.get("ip"):
            report.add((*at, "ipMode"), "Forbidden: may not be specified when `ip` is not set")
        check_choice(one.get("ipMode"), ("Proxy", "VIP"), (*at, "ipMode"), report)

"""Why nothing stands behind a port of a Service, in the order in which one would look.

Source: Kubernetes documentation, *Debug Services*.
"""

from collections.abc import Iterable

from netlab.kube.kinds.service.view import EndpointSlice, Service, ServicePort
from netlab.model.addresses import Family


def why_no_endpoints(
    service: Service, port: ServicePort, slices: Iterable[EndpointSlice], family: Family
) -> str:
    """Return a sentence, without its full stop, that says why ``port`` has no endpoint to go to.

    Args:
        service: As kube-proxy reads it.
        port: One of its own.
        slices: All EndpointSlices; those of others do not count.
        family: Of the address that was called.
    """
    own = _slices_of(service, slices, family)
    endpoints = [endpoint for one in own for endpoint in one.endpoints]
    if not endpoints:
        return "it has no endpoints"
    if not any(endpoint.ready for endpoint in endpoints):
        number = len(endpoints)
        return "its only endpoint is not ready" if number == 1 else f"none of {number} is ready"
    return why_no_port(service, port, own, family) or "no endpoint of it may be used from there"


def why_no_port(
    service: Service, port: ServicePort, slices: Iterable[EndpointSlice], family: Family
) -> str:
    """Return why the endpoints of ``service`` lack ``port``; empty where one of them has it.

    It takes what `why_no_endpoints` takes.
    """
    own = _slices_of(service, slices, family)
    held = {(each.name, each.protocol) for one in own for each in one.ports if each.port}
    if (port.name, port.protocol) in held or not any(one.endpoints for one in own):
        return ""
    if isinstance(port.target_port, str):
        return f"no container of its pods has a port named {port.target_port}"
    if port.name:
        return f"no EndpointSlice of it has a port named {port.name}"
    return f"no EndpointSlice of it has a port without a name for {port.port}/{port.protocol}"


def _slices_of(
    service: Service, slices: Iterable[EndpointSlice], family: Family
) -> list[EndpointSlice]:
    return [
        one
        for one in slices
        if (one.namespace, one.service_name) == (service.namespace, service.name)
        and one.address_type == family
    ]

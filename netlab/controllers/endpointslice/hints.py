"""Who is to prefer an endpoint: ``trafficDistribution`` of a Service, as kube-proxy reads it.

Source: Kubernetes, ``staging/src/k8s.io/endpointslice/trafficdist``.
"""

from typing import Final

from netlab.kube.objects import Object, spec_of

_SAME_NODE: Final = "PreferSameNode"
_SAME_ZONE: Final = ("PreferClose", "PreferSameZone", _SAME_NODE)


def with_hints(service: Object, endpoint: Object) -> Object:
    """Return an endpoint with the zone and the node whose callers are to prefer it.

    Only one that is ready has hints. Under ``PreferSameNode`` it has both: a kube-proxy that finds
    no endpoint of its own node goes by the zones.

    Args:
        service: Whose endpoint it is.
        endpoint: Of an EndpointSlice, without hints.
    """
    asked = spec_of(service).get("trafficDistribution")
    if not endpoint["conditions"]["ready"]:
        return endpoint
    zone = endpoint.get("zone") if asked in _SAME_ZONE else None
    node = endpoint.get("nodeName") if asked == _SAME_NODE else None
    hints = {
        **({"forZones": [{"name": zone}]} if zone else {}),
        **({"forNodes": [{"name": node}]} if node else {}),
    }
    return {**endpoint, "hints": hints} if hints else endpoint

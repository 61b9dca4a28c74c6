"""What a new state of a Service takes over from the old one without being told.

It keeps its addresses and ports when a new state leaves them out, and loses those that its new type
has no use for, unless it asks for them.

Source: Kubernetes, ``pkg/registry/core/service/strategy.go`` and ``storage.go``.
"""

from collections.abc import Iterator

from netlab.kube.kinds.service.node_ports import holds_health_check_port, holds_node_ports
from netlab.kube.objects import Object, items_of, spec_of


def prepare_for_update(old: Object, new: Object) -> Object:
    """Return the new state with the allocations that it keeps."""
    if not isinstance(new.get("spec"), dict):
        return new
    return {**new, "spec": _service_spec(spec_of(old), spec_of(new))}


def _service_spec(old: Object, new: Object) -> Object:
    new = {**new, "type": new.get("type") or "ClusterIP"}
    new = _with_cluster_ip(old, new)
    had, has = holds_node_ports(old), holds_node_ports(new)
    if has:
        new = {**new, "ports": list(_with_node_ports(old, new))}
    elif had and items_of(old, "ports") == items_of(new, "ports"):
        new = {**new, "ports": [_without_node_port(port) for port in items_of(new, "ports")]}
    for field, needs in (
        ("healthCheckNodePort", holds_health_check_port),
        ("externalTrafficPolicy", _has_external_traffic),
    ):
        if not needs(new) and new.get(field) == old.get(field):
            new.pop(field, None)
        elif needs(new) and needs(old) and not new.get(field) and old.get(field):
            new[field] = old[field]
    if new["type"] != "LoadBalancer":
        new.pop("allocateLoadBalancerNodePorts", None)
        if new.get("loadBalancerClass") == old.get("loadBalancerClass"):
            new.pop("loadBalancerClass", None)
    return new


def _with_cluster_ip(old: Object, new: Object) -> Object:
    if new["type"] == "ExternalName":
        fields = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")
        kept = {field for field in fields if new.get(field) == old.get(field)}
        return {field: value for field, value in new.items() if field not in kept}
    new = dict(new)
    # Clients that know only the older field change that one and leave the list as it was.
    if new.get("clusterIP") != old.get("clusterIP") and new.get("clusterIPs") == old.get(
        "clusterIPs"
    ):
        new["clusterIPs"] = [new["clusterIP"]] if new.get("clusterIP") else []
    if not new.get("clusterIP") and not new.get("clusterIPs") and old.get("clusterIP"):
        new |= {"clusterIP": old["clusterIP"], "clusterIPs": old["clusterIPs"]}
    elif not new.get("clusterIP") and new.get("clusterIPs"):
        new["clusterIP"] = new["clusterIPs"][0]
    for field in ("ipFamilies", "ipFamilyPolicy"):
        if not new.get(field) and old.get(field):
            new[field] = old[field]
    return _with_one_family(old, new)


def _with_one_family(old: Object, new: Object) -> Object:
    """Return ``new`` with its first family alone if it gives up the other, and says no more."""
    if new.get("ipFamilyPolicy") != "SingleStack" or old.get("ipFamilyPolicy") == "SingleStack":
        return new
    kept = (field for field in ("clusterIPs", "ipFamilies") if new.get(field) == old.get(field))
    return {**new, **{field: (new.get(field) or [])[:1] for field in kept}}


def _with_node_ports(old: Object, new: Object) -> Iterator[Object]:
    """Yield the ports of ``new``, with the NodePort that the same port had before."""
    before = {
        (port.get("protocol", "TCP"), port.get("port")): port["nodePort"]
        for port in items_of(old, "ports")
        if port.get("nodePort")
    }
    asked = {port.get("nodePort") for port in items_of(new, "ports")}
    for port in items_of(new, "ports"):
        had = before.get((port.get("protocol", "TCP"), port.get("port")))
        if port.get("nodePort") or had is None or had in asked:
            yield port
        else:
            yield {**port, "nodePort": had}


def _without_node_port(port: Object) -> Object:
    return {field: value for field, value in port.items() if field != "nodePort"}


def _has_external_traffic(spec: Object) -> bool:
    return spec.get("type") in {"NodePort", "LoadBalancer"} or bool(spec.get("externalIPs"))

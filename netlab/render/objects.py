"""Kubernetes objects as tables, with the columns that kubectl shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from netlab.kube.objects import (
    Object,
    is_terminating,
    items_of,
    labels_of,
    metadata_of,
    name_of,
    namespace_of,
    spec_of,
    status_of,
)

NONE: Final = "<none>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    title: str
    cell: Callable[[Object], str]
    is_wide: bool = False


def render_objects(
    resource: str,
    objects: Sequence[Object],
    now: float,
    *,
    wide: bool = False,
    with_namespace: bool = False,
    prefix: str = "",
) -> str:
    """Return objects of one resource as a table, a line each.

    Args:
        resource: Plural.
        objects: In the order of the lines.
        now: Wall clock seconds, for the ages.
        wide: Whether to show all columns.
        with_namespace: Whether the namespace comes first.
        prefix: Goes before each name: ``pod/``.
    """
    columns = [
        *([_Column(title="NAMESPACE", cell=namespace_of)] if with_namespace else ()),
        _Column(title="NAME", cell=lambda obj: prefix + name_of(obj)),
        *(one for one in _COLUMNS.get(resource, ()) if not one.is_wide),
        _Column(title="AGE", cell=lambda obj: _age(obj, now)),
        *(one for one in _COLUMNS.get(resource, ()) if one.is_wide and wide),
    ]
    if resource == "nodes":
        # kubectl has the version of a node after its age.
        version = _Column(title="VERSION", cell=lambda obj: _node_info(obj, "kubeletVersion"))
        columns.insert([one.title for one in columns].index("AGE") + 1, version)
    lines = [[one.title for one in columns]]
    lines += [[one.cell(obj) for one in columns] for obj in objects]
    return render_columns(lines)


def render_columns(lines: Sequence[Sequence[str]]) -> str:
    """Return lines of cells as text, each column as wide as its widest cell, three spaces apart."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def render_age(seconds: float) -> str:
    """Return a length of time as kubectl writes it, the finer the shorter it is.

    >>> [render_age(s) for s in (5, 119, 130, 700, 11_000, 100_000, 700_000)]
    ['5s', '119s', '2m10s', '11m', '3h3m', '27h', '8d']
    """
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    steps = (
        (120, f"{whole}s"),
        (600, f"{minutes}m{_rest(whole % 60, 's')}"),
        (3 * 3600, f"{minutes}m"),
        (8 * 3600, f"{hours}h{_rest(minutes % 60, 'm')}"),
        (48 * 3600, f"{hours}h"),
        (8 * 86400, f"{days}d{_rest(hours % 24, 'h')}"),
    )
    return next((text for limit, text in steps if whole < limit), f"{days}d")


def _rest(count: int, unit: str) -> str:
    return f"{count}{unit}" if count else ""


def _age(obj: Object, now: float) -> str:
    created = metadata_of(obj).get("creationTimestamp")
    if not created:
        return "<unknown>"
    return render_age(now - datetime.fromisoformat(created).timestamp())


def _pod_ready(pod: Object) -> str:
    statuses = items_of(status_of(pod), "containerStatuses")
    ready = sum(bool(one.get("ready")) for one in statuses)
    return f"{ready}/{len(items_of(spec_of(pod), 'containers'))}"


def _pod_status(pod: Object) -> str:
    """Return the word that says best how a pod is: its first container's trouble, or its phase."""
    status = status_of(pod)
    shown = str(status.get("reason") or status.get("phase") or "Unknown")
    for one in reversed(items_of(status, "containerStatuses")):
        state = one.get("state") or {}
        for kind in ("waiting", "terminated"):
            if (state.get(kind) or {}).get("reason"):
                shown = state[kind]["reason"]
    if shown == "Completed" and status.get("phase") == "Running":
        shown = "NotReady"
    return "Terminating" if is_terminating(pod) else shown


def _pod_restarts(pod: Object) -> str:
    statuses = items_of(status_of(pod), "containerStatuses")
    return str(sum(one.get("restartCount", 0) for one in statuses))


def _service_ports(service: Object) -> str:
    ports = []
    for port in items_of(spec_of(service), "ports"):
        node_port = f":{port['nodePort']}" if port.get("nodePort") else ""
        ports.append(f"{port['port']}{node_port}/{port.get('protocol', 'TCP')}")
    return ",".join(ports) or NONE


def _external_ip(service: Object) -> str:
    spec = spec_of(service)
    balancer = items_of(status_of(service).get("loadBalancer") or {}, "ingress")
    addresses = [*(one.get("ip", "") for one in balancer), *(spec.get("externalIPs") or ())]
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    if addresses:
        return ",".join(addresses)
    return "<pending>" if spec.get("type") == "LoadBalancer" else NONE


def _pairs(labels: dict[str, str] | None) -> str:
    return ",".join(f"{label}={text}" for label, text in sorted((labels or {}).items())) or NONE


def _endpoints(obj: Object) -> str:
    found = []
    for subset in items_of(obj, "subsets"):
        ports: list[Object] = items_of(subset, "ports") or [{}]
        for port in ports:
            found += [_end(entry["ip"], port) for entry in items_of(subset, "addresses")]
    return _shortened(found)


def _end(address: str, port: Object) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"{host}:{port['port']}" if port else address


def _slice_ports(one: Object) -> str:
    ports = [str(port.get("port", "*")) for port in items_of(one, "ports")]
    return ",".join(ports) or "<unset>"


def _slice_endpoints(one: Object) -> str:
    addresses = [
        address for endpoint in items_of(one, "endpoints") for address in endpoint["addresses"]
    ]
    return _shortened(addresses) if addresses else "<unset>"


def _shortened(words: Sequence[str]) -> str:
    more = f" + {len(words) - 3} more..." if len(words) > 3 else ""
    return (",".join(words[:3]) + more) or NONE


def _count(field: str) -> Callable[[Object], str]:
    return lambda obj: str(status_of(obj).get(field, 0))


def _replicas(obj: Object) -> str:
    return str(spec_of(obj).get("replicas", 1))


def _containers(field: str) -> Callable[[Object], str]:
    def cell(obj: Object) -> str:
        containers = items_of(spec_of(spec_of(obj)["template"]), "containers")
        return ",".join(str(one.get(field, "")) for one in containers)

    return cell


def _node_status(node: Object) -> str:
    conditions = items_of(status_of(node), "conditions")
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    cordoned = ",SchedulingDisabled" if spec_of(node).get("unschedulable") else ""
    return ("Ready" if ready else "NotReady") + cordoned


def _node_roles(node: Object) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = [label.removeprefix(prefix) for label in labels_of(node) if label.startswith(prefix)]
    return ",".join(sorted(roles)) or NONE


def _node_address(kind: str) -> Callable[[Object], str]:
    def cell(node: Object) -> str:
        addresses = items_of(status_of(node), "addresses")
        return next((one["address"] for one in addresses if one["type"] == kind), NONE)

    return cell


def _node_info(node: Object, field: str) -> str:
    return str((status_of(node).get("nodeInfo") or {}).get(field) or "<unknown>")


def _spec(field: str, missing: str = NONE) -> Callable[[Object], str]:
    return lambda obj: str(spec_of(obj).get(field) or missing)


def _selector(obj: Object) -> str:
    return _pairs((spec_of(obj).get("selector") or {}).get("matchLabels"))


_TEMPLATE: Final = (
    _Column(title="CONTAINERS", cell=_containers("name"), is_wide=True),
    _Column(title="IMAGES", cell=_containers("image"), is_wide=True),
    _Column(title="SELECTOR", cell=_selector, is_wide=True),
)

_COLUMNS: Final[dict[str, tuple[_Column, ...]]] = {
    "pods": (
        _Column(title="READY", cell=_pod_ready),
        _Column(title="STATUS", cell=_pod_status),
        _Column(title="RESTARTS", cell=_pod_restarts),
        _Column(title="IP", cell=lambda pod: status_of(pod).get("podIP") or NONE, is_wide=True),
        _Column(title="NODE", cell=_spec("nodeName"), is_wide=True),
    ),
    "services": (
        _Column(title="TYPE", cell=_spec("type")),
        _Column(title="CLUSTER-IP", cell=_spec("clusterIP")),
        _Column(title="EXTERNAL-IP", cell=_external_ip),
        _Column(title="PORT(S)", cell=_service_ports),
        _Column(
            title="SELECTOR", cell=lambda obj: _pairs(spec_of(obj).get("selector")), is_wide=True
        ),
    ),
    "endpoints": (_Column(title="ENDPOINTS", cell=_endpoints),),
    "endpointslices": (
        _Column(title="ADDRESSTYPE", cell=lambda one: str(one.get("addressType", ""))),
        _Column(title="PORTS", cell=_slice_ports),
        _Column(title="ENDPOINTS", cell=_slice_endpoints),
    ),
    "deployments": (
        _Column(
            title="READY",
            cell=lambda obj: f"{status_of(obj).get('readyReplicas', 0)}/{_replicas(obj)}",
        ),
        _Column(title="UP-TO-DATE", cell=_count("updatedReplicas")),
        _Column(title="AVAILABLE", cell=_count("availableReplicas")),
        *_TEMPLATE,
    ),
    "replicasets": (
        _Column(title="DESIRED", cell=_replicas),
        _Column(title="CURRENT", cell=_count("replicas")),
        _Column(title="READY", cell=_count("readyReplicas")),
        *_TEMPLATE,
    ),
    "nodes": (
        _Column(title="STATUS", cell=_node_status),
        _Column(title="ROLES", cell=_node_roles),
        _Column(title="INTERNAL-IP", cell=_node_address("InternalIP"), is_wide=True),
        _Column(title="EXTERNAL-IP", cell=_node_address("ExternalIP"), is_wide=True),
        _Column(title="OS-IMAGE", cell=lambda obj: _node_info(obj, "osImage"), is_wide=True),
        _Column(
            title="KERNEL-VERSION", cell=lambda obj: _node_info(obj, "kernelVersion"), is_wide=True
        ),
        _Column(
            title="CONTAINER-RUNTIME",
            cell=lambda obj: _node_info(obj, "containerRuntimeVersion"),
            is_wide=True,
        ),
    ),
    "namespaces": (
        _Column(title="STATUS", cell=lambda obj: str(status_of(obj).get("phase", "Active"))),
    ),
    "servicecidrs": (
        _Column(title="CIDRS", cell=lambda obj: ",".join(spec_of(obj).get("cidrs") or ())),
    ),
}

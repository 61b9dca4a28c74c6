"""What a container must fulfil: name, image, ports, resources, mounts.

Source: Kubernetes, ``pkg/apis/core/validation`` (validateContainerCommon).
"""

from collections.abc import Mapping, Sequence
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.field_checks import check_id, check_quantity, check_required, check_text
from netlab.kube.kinds.pod.env_validation import check_env, check_env_from
from netlab.kube.kinds.pod.probe_validation import check_lifecycle, check_probes
from netlab.kube.metadata import (
    PROTOCOLS,
    check_address,
    check_choice,
    check_port,
    items_of,
    text_of,
)
from netlab.kube.names import wrong_dns_label, wrong_port_name, wrong_qualified_name
from netlab.kube.quantity import parse_quantity

_PULL: Final = ("Always", "IfNotPresent", "Never")
_TERMINATION: Final = ("FallbackToLogsOnError", "File")
_STANDARD: Final = frozenset({"cpu", "memory", "ephemeral-storage"})
_NO_RESOURCE: Final = "must be a standard resource for containers"
_ESCALATION: Final = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"


def check_container(
    container: Mapping[str, object], path: FieldPath, report: Report, volumes: frozenset[str]
) -> None:
    """Report what is wrong with a container of any kind.

    Args:
        container: Of a pod's spec.
        path: Where it is.
        report: Takes the problems.
        volumes: Names of the pod's volumes.
    """
    check_text(container.get("name"), wrong_dns_label, (*path, "name"), report)
    image = container.get("image")
    if not image:
        report.add((*path, "image"), "Required value")
    elif isinstance(image, str) and image != image.strip():
        why = "must not have leading or trailing whitespace"
        report.add((*path, "image"), invalid(image, why))
    for field, choices in (("imagePullPolicy", _PULL), ("terminationMessagePolicy", _TERMINATION)):
        check_choice(container.get(field), choices, (*path, field), report)
    _check_ports(container, path, report)
    check_env(container, path, report)
    check_env_from(container, path, report)
    check_probes(container, path, report)
    check_lifecycle(container, path, report)
    _check_resources(mapping(container.get("resources")), (*path, "resources"), report)
    _check_mounts(container, path, report, volumes)
    _check_security(mapping(container.get("securityContext")), (*path, "securityContext"), report)


def check_host_ports(
    containers: Sequence[tuple[FieldPath, Mapping[str, object]]],
    report: Report,
    *,
    is_on_host: bool,
) -> None:
    """Report ports of the node that two containers ask for, or that a host's pod names wrongly."""
    ports = [pair for path, one in containers for pair in items_of(one, "ports", path)]
    wanted = []
    for inside, port in ports:
        number, own = port.get("hostPort") or 0, port.get("containerPort")
        if is_on_host and number and number != own:
            why = "must match `containerPort` when `hostNetwork` is true"
            report.add((*inside, "hostPort"), invalid(number, why))
        if number:
            protocol = text_of(port, "protocol", "TCP")
            wanted.append(((*inside, "hostPort"), f"{protocol}/{text_of(port, 'hostIP')}/{number}"))
    check_unique(wanted, report)


def _check_ports(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    ports = list(items_of(container, "ports", path))
    for inside, port in ports:
        check_port(port.get("containerPort"), (*inside, "containerPort"), report)
        check_port(port.get("hostPort") or None, (*inside, "hostPort"), report)
        check_choice(port.get("protocol"), PROTOCOLS, (*inside, "protocol"), report)
        check_address(port.get("hostIP") or None, (*inside, "hostIP"), report)
        check_text(port.get("name"), wrong_port_name, (*inside, "name"), report)
    check_unique((((*inside, "name"), text_of(port, "name")) for inside, port in ports), report)


def _check_resources(resources: Mapping[str, object], path: FieldPath, report: Report) -> None:
    for kind in ("limits", "requests"):
        for name, amount in mapping(resources.get(kind)).items():
            inside = (*path, kind, name)
            if why := wrong_qualified_name(name):
                report.add(inside, invalid(name, why))
            elif "/" not in name and name not in _STANDARD and not name.startswith("hugepages-"):
                report.add(inside, invalid(name, _NO_RESOURCE))
            check_quantity(amount, inside, report)
    limits = mapping(resources.get("limits"))
    for name, amount in mapping(resources.get("requests")).items():
        asked, limit = parse_quantity(amount), parse_quantity(limits.get(name))
        if asked is not None and limit is not None and asked > limit:
            why = f"must be less than or equal to {name} limit of {limits[name]}"
            report.add((*path, "requests"), invalid(str(amount), why))


def _check_mounts(
    container: Mapping[str, object], path: FieldPath, report: Report, volumes: frozenset[str]
) -> None:
    paths: set[str] = set()
    for inside, mount in items_of(container, "volumeMounts", path):
        name, where = text_of(mount, "name"), text_of(mount, "mountPath")
        if check_required(mount, "name", inside, report) and name not in volumes:
            report.add((*inside, "name"), f'Not found: "{name}"')
        if check_required(mount, "mountPath", inside, report) and where in paths:
            report.add((*inside, "mountPath"), invalid(where, "must be unique"))
        paths.add(where)
        for field in ("subPath", "subPathExpr"):
            check_text(mount.get(field), wrong_relative_path, (*inside, field), report)
        if mount.get("subPath") and mount.get("subPathExpr"):
            report.add(
                (*inside, "subPathExpr"),
                invalid(mount["subPathExpr"], "subPathExpr and subPath are mutually exclusive"),
            )
        propagation = ("Bidirectional", "HostToContainer", "None")
        check_choice(
            mount.get("mountPropagation"), propagation, (*inside, "mountPropagation"), report
        )


def _check_security(context: Mapping[str, object], path: FieldPath, report: Report) -> None:
    for field in ("runAsUser", "runAsGroup"):
        check_id(context.get(field), (*path, field), report)
    escalation = context.get("allowPrivilegeEscalation")
    if context.get("privileged") is True and escalation is False:
        report.add((*path, "allowPrivilegeEscalation"), invalid(escalation, _ESCALATION))


def wrong_relative_path(path: str) -> str:
    """Return why ``path`` does not lead down from where it starts."""
    if path.startswith("/"):
        return "must be a relative path"
    return "must not contain '..'" if ".." in path.split("/") else ""

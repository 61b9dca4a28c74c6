"""What Pods, and the Deployments and ReplicaSets that make them, must fulfil beyond structure.

Source: Kubernetes, ``pkg/apis/core/validation`` (ValidatePodSpec) and ``pkg/apis/apps/validation``.
"""

import re
from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid, nearest
from netlab.kube.field_checks import (
    check_at_least_0,
    check_id,
    check_quantity,
    check_range,
    check_required,
    check_text,
)
from netlab.kube.kinds.pod.container_validation import check_container, check_host_ports
from netlab.kube.kinds.pod.dns_validation import check_dns, check_host_aliases
from netlab.kube.kinds.pod.scheduling_validation import check_scheduling
from netlab.kube.kinds.pod.volume_validation import check_volumes
from netlab.kube.label_selector import check_label_selector
from netlab.kube.metadata import (
    check_annotations,
    check_choice,
    check_labels,
    items_of,
    text_of,
)
from netlab.kube.names import wrong_dns_label, wrong_dns_subdomain, wrong_qualified_name

RESTART_POLICIES: Final = ("Always", "Never", "OnFailure")

_LONGEST_SYSCTL: Final = 253
_SYSCTL: Final = re.compile(
    r"([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?\Z"
)
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_NAMES: Final = {
    "hostname": wrong_dns_label,
    "subdomain": wrong_dns_label,
    "serviceAccountName": wrong_dns_subdomain,
    "nodeName": wrong_dns_subdomain,
    "priorityClassName": wrong_dns_subdomain,
    "runtimeClassName": wrong_dns_subdomain,
}


def check_pod_spec(
    spec: Mapping[str, object], path: FieldPath, report: Report, nodes: tuple[str, ...] | None
) -> None:
    """Report what is wrong with a pod's ``spec``; ``nodes`` are those it can run on, if known."""
    if not entries(spec.get("containers")):
        report.add((*path, "containers"), "Required value")
    volumes = check_volumes(spec, path, report)
    containers = [pair for field in _CONTAINERS for pair in items_of(spec, field, path)]
    for inside, container in containers:
        check_container(container, inside, report, volumes)
    for inside, container in items_of(spec, "initContainers", path):
        check_choice(container.get("restartPolicy"), ["Always"], (*inside, "restartPolicy"), report)
        if container.get("restartPolicy") != "Always":
            _check_ends(container, inside, report)
    names = (((*inside, "name"), text_of(one, "name")) for inside, one in containers)
    check_unique(names, report)
    own = list(items_of(spec, "containers", path))
    check_host_ports(own, report, is_on_host=spec.get("hostNetwork") is True)
    check_choice(spec.get("restartPolicy"), RESTART_POLICIES, (*path, "restartPolicy"), report)
    check_dns(spec, path, report)
    check_host_aliases(spec, path, report)
    check_scheduling(spec, path, report)
    _check_rest(spec, path, report)
    node = text_of(spec, "nodeName")
    if node and nodes is not None and node not in nodes:
        hint = nearest(node, nodes) or f"nodes: {', '.join(nodes[:5])}"
        report.add((*path, "nodeName"), invalid(node, "the topology has no such node"), hint)


def _check_ends(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what an init container may not have that is to end."""
    why = "may not be set for init containers without restartPolicy=Always"
    for field in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(field) is not None:
            report.add((*path, field), f"Forbidden: {why}")


def check_replicated(
    spec: Mapping[str, object], path: FieldPath, report: Report, nodes: tuple[str, ...] | None
) -> None:
    """Report what is wrong with the ``spec`` of a Deployment, a ReplicaSet or their like."""
    numbers = ("replicas", "minReadySeconds", "revisionHistoryLimit")
    check_at_least_0(spec, numbers, path, report)
    template_path = (*path, "template")
    if not isinstance(spec.get("template"), dict):
        report.add(template_path, "Required value")
        return
    template = mapping(spec["template"])
    check_template_metadata(template, template_path, report)
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    _check_selector(spec.get("selector"), labels, path, report)
    pod = mapping(template.get("spec"))
    check_pod_spec(pod, (*template_path, "spec"), report, nodes)
    policy = text_of(pod, "restartPolicy", "Always")
    if policy in RESTART_POLICIES:
        check_choice(policy, ["Always"], (*template_path, "spec", "restartPolicy"), report)
    if pod.get("activeDeadlineSeconds") is not None:
        inside = (*template_path, "spec", "activeDeadlineSeconds")
        report.add(inside, "Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported")


def check_template_metadata(
    template: Mapping[str, object], path: FieldPath, report: Report
) -> None:
    """Report what is wrong with labels and annotations of a pod template."""
    metadata, inside = mapping(template.get("metadata")), (*path, "metadata")
    check_labels(metadata.get("labels"), (*inside, "labels"), report)
    check_annotations(metadata.get("annotations"), (*inside, "annotations"), report)
    if mapping(template.get("spec")).get("ephemeralContainers"):
        why = "ephemeral containers not allowed in pod template"
        report.add((*path, "spec", "ephemeralContainers"), f"Forbidden: {why}")


def selects(selector: object, labels: Mapping[str, object]) -> bool:
    """Return whether a LabelSelector matches ``labels``; an empty one matches all.

    >>> selects({"matchLabels": {"app": "web"}}, {"app": "web", "tier": "front"})
    True
    """
    fields = mapping(selector)
    pairs = mapping(fields.get("matchLabels")).items()
    expressions = (mapping(one) for one in entries(fields.get("matchExpressions")))
    return all(key in labels and labels[key] == value for key, value in pairs) and all(
        _expression_matches(one, labels) for one in expressions
    )


def _expression_matches(expression: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    key, values = text_of(expression, "key"), entries(expression.get("values"))
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
        case _:
            return True


def _wrong_sysctl(name: str) -> str:
    if len(name) <= _LONGEST_SYSCTL and _SYSCTL.match(name):
        return ""
    shown = _SYSCTL.pattern.removesuffix(r"\Z")
    return f"must have at most {_LONGEST_SYSCTL} characters and match regex ^{shown}$"


def _check_selector(
    selector: object, labels: Mapping[str, object], path: FieldPath, report: Report
) -> None:
    fields, inside = mapping(selector), (*path, "selector")
    if not fields.get("matchLabels") and not fields.get("matchExpressions"):
        report.add(inside, "Required value", "matchLabels must name labels of the template")
        return
    check_label_selector(selector, inside, report)
    if not selects(selector, labels):
        where = (*path, "template", "metadata", "labels")
        report.add(where, invalid(labels, "`selector` does not match template `labels`"))


def _check_rest(spec: Mapping[str, object], path: FieldPath, report: Report) -> None:
    for field, wrong in _NAMES.items():
        check_text(spec.get(field), wrong, (*path, field), report)
    deadline = "activeDeadlineSeconds"
    check_range(spec.get(deadline), 1, 2**31 - 1, (*path, deadline), report)
    for inside, gate in items_of(spec, "readinessGates", path):
        where = (*inside, "conditionType")
        check_text(gate.get("conditionType"), wrong_qualified_name, where, report)
    for inside, gate in items_of(spec, "schedulingGates", path):
        if check_required(gate, "name", inside, report):
            check_text(gate["name"], wrong_qualified_name, (*inside, "name"), report)
    policies = ("Never", "PreemptLowerPriority")
    check_choice(spec.get("preemptionPolicy"), policies, (*path, "preemptionPolicy"), report)
    if spec.get("os") is not None and check_required(
        mapping(spec["os"]), "name", (*path, "os"), report
    ):
        systems = ("linux", "windows")
        check_choice(mapping(spec["os"])["name"], systems, (*path, "os", "name"), report)
    for name, amount in mapping(spec.get("overhead")).items():
        check_quantity(amount, (*path, "overhead", name), report)
    _check_security(mapping(spec.get("securityContext")), (*path, "securityContext"), report)


def _check_security(security: Mapping[str, object], inside: FieldPath, report: Report) -> None:
    for at, sysctl in items_of(security, "sysctls", inside):
        if check_required(sysctl, "name", at, report):
            check_text(sysctl["name"], _wrong_sysctl, (*at, "name"), report)
    sysctls = items_of(security, "sysctls", inside)
    check_unique((((*at, "name"), text_of(one, "name")) for at, one in sysctls), report)
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        check_id(security.get(field), (*inside, field), report)
    for index, group in enumerate(entries(security.get("supplementalGroups"))):
        check_id(group, (*inside, "supplementalGroups", index), report)

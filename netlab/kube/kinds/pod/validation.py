"""What Pods, and the Deployments and ReplicaSets that make them, must fulfil beyond structure.

Source: Kubernetes, ``pkg/apis/core/validation`` and ``pkg/apis/apps/validation``.
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid, nearest
from netlab.kube.metadata import (
    PROTOCOLS,
    check_choice,
    check_labels,
    check_port,
    items_of,
    text_of,
)
from netlab.kube.names import wrong_dns_label, wrong_port_name

RESTART_POLICIES: Final = ("Always", "Never", "OnFailure")

_DNS_POLICIES: Final = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")


def check_pod_spec(
    spec: Mapping[str, object], path: FieldPath, report: Report, nodes: tuple[str, ...] | None
) -> None:
    """Report what is wrong with a pod's ``spec``; ``nodes`` are those it can run on, if known."""
    if not entries(spec.get("containers")):
        report.add((*path, "containers"), "Required value")
    both = [*items_of(spec, "initContainers", path), *items_of(spec, "containers", path)]
    for inside, container in both:
        _check_container(container, inside, report)
    check_unique((((*inside, "name"), text_of(one, "name")) for inside, one in both), report)
    check_choice(spec.get("restartPolicy"), RESTART_POLICIES, (*path, "restartPolicy"), report)
    check_choice(spec.get("dnsPolicy"), _DNS_POLICIES, (*path, "dnsPolicy"), report)
    node = text_of(spec, "nodeName")
    if node and nodes is not None and node not in nodes:
        hint = nearest(node, nodes) or f"nodes: {', '.join(nodes[:5])}"
        report.add((*path, "nodeName"), invalid(node, "the topology has no such node"), hint)


def check_replicated(
    spec: Mapping[str, object], path: FieldPath, report: Report, nodes: tuple[str, ...] | None
) -> None:
    """Report what is wrong with the ``spec`` of a Deployment or a ReplicaSet."""
    for field in ("replicas", "minReadySeconds", "revisionHistoryLimit"):
        number = spec.get(field)
        if isinstance(number, int) and number < 0:
            report.add((*path, field), invalid(number, "must be greater than or equal to 0"))
    template_path = (*path, "template")
    if not isinstance(spec.get("template"), dict):
        report.add(template_path, "Required value")
        return
    template = mapping(spec["template"])
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    labels_path = (*template_path, "metadata", "labels")
    check_labels(labels, labels_path, report)
    _check_selector(spec.get("selector"), labels, (*path, "selector"), labels_path, report)
    pod = mapping(template.get("spec"))
    check_pod_spec(pod, (*template_path, "spec"), report, nodes)
    policy = text_of(pod, "restartPolicy", "Always")
    if policy in RESTART_POLICIES:
        check_choice(policy, ["Always"], (*template_path, "spec", "restartPolicy"), report)


def selects(selector: object, labels: Mapping[str, object]) -> bool:
    """Return whether a LabelSelector matches ``labels``; an empty one matches all.

    >>> selects({"matchLabels": {"app": "web"}}, {"app": "web", "tier": "front"})
    True
    """
    fields = mapping(selector)
    pairs = mapping(fields.get("matchLabels")).items()
    expressions = (mapping(one) for one in entries(fields.get("matchExpressions")))
    return all(labels.get(key) == value for key, value in pairs) and all(
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


def _check_selector(
    selector: object,
    labels: Mapping[str, object],
    path: FieldPath,
    labels_path: FieldPath,
    report: Report,
) -> None:
    fields = mapping(selector)
    if not fields.get("matchLabels") and not fields.get("matchExpressions"):
        report.add(path, "Required value", "matchLabels must name labels of the template")
        return
    check_labels(fields.get("matchLabels"), (*path, "matchLabels"), report)
    operators = ("DoesNotExist", "Exists", "In", "NotIn")
    for inside, expression in items_of(fields, "matchExpressions", path):
        check_choice(expression.get("operator"), operators, (*inside, "operator"), report)
    if not selects(selector, labels):
        report.add(labels_path, invalid(labels, "`selector` does not match template `labels`"))


def _check_container(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    name = text_of(container, "name")
    if name and wrong_dns_label(name):
        report.add((*path, "name"), invalid(name, wrong_dns_label(name)))
    if not container.get("image"):
        report.add((*path, "image"), "Required value")
    ports = list(items_of(container, "ports", path))
    for inside, port in ports:
        check_port(port.get("containerPort"), (*inside, "containerPort"), report)
        check_port(port.get("hostPort") or None, (*inside, "hostPort"), report)
        check_choice(port.get("protocol"), PROTOCOLS, (*inside, "protocol"), report)
        port_name = text_of(port, "name")
        if port_name and wrong_port_name(port_name):
            report.add((*inside, "name"), invalid(port_name, wrong_port_name(port_name)))
    check_unique((((*inside, "name"), text_of(port, "name")) for inside, port in ports), report)

"""What probes and lifecycle hooks must fulfil.

Source: Kubernetes, ``pkg/apis/core/validation`` (validateProbe, validateHandler).
"""

from collections.abc import Mapping
from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import (
    check_at_least_0,
    check_one_of,
    check_required,
    check_text,
)
from netlab.kube.metadata import check_choice, check_port, check_port_or_name, items_of
from netlab.kube.names import wrong_header_name

PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")

_HANDLERS: Final = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOKS: Final = ("exec", "httpGet", "tcpSocket", "sleep")
_NUMBERS: Final = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)


def check_probes(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the probes of a container."""
    for kind in PROBES:
        probe = container.get(kind)
        if isinstance(probe, dict):
            _check_probe(kind, probe, (*path, kind), report)


def check_lifecycle(container: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the hooks of a container."""
    lifecycle = mapping(container.get("lifecycle"))
    for hook in ("postStart", "preStop"):
        if isinstance(lifecycle.get(hook), dict):
            inside = (*path, "lifecycle", hook)
            _check_handler(mapping(lifecycle[hook]), _HOOKS, inside, report)


def _check_probe(kind: str, probe: dict[str, object], path: FieldPath, report: Report) -> None:
    _check_handler(probe, _HANDLERS, path, report)
    check_at_least_0(probe, _NUMBERS, path, report)
    successes = probe.get("successThreshold")
    if kind != "readinessProbe" and isinstance(successes, int) and successes not in {0, 1}:
        report.add((*path, "successThreshold"), invalid(successes, "must be 1"))
    grace, inside = probe.get("terminationGracePeriodSeconds"), "terminationGracePeriodSeconds"
    if kind == "readinessProbe" and grace is not None:
        report.add((*path, inside), invalid(grace, "must not be set for readinessProbes"))
    elif isinstance(grace, int) and grace <= 0:
        report.add((*path, inside), invalid(grace, "must be greater than 0"))


def _check_handler(
    handler: Mapping[str, object], known: tuple[str, ...], path: FieldPath, report: Report
) -> None:
    given = check_one_of(handler, known, path, report)
    if not given:
        report.add(path, "Required value: must specify a handler type")
    for kind in given:
        action, inside = mapping(handler[kind]), (*path, kind)
        match kind:
            case "exec":
                check_required(action, "command", inside, report)
            case "httpGet":
                _check_http_get(action, inside, report)
            case "grpc":
                check_port(action.get("port"), (*inside, "port"), report)
            case "sleep":
                check_at_least_0(action, ("seconds",), inside, report)
            case _:
                check_port_or_name(action.get("port"), (*inside, "port"), report)


def _check_http_get(action: Mapping[str, object], path: FieldPath, report: Report) -> None:
    check_port_or_name(action.get("port"), (*path, "port"), report)
    check_choice(action.get("scheme"), ("HTTP", "HTTPS"), (*path, "scheme"), report)
    for inside, header in items_of(action, "httpHeaders", path):
        check_text(header.get("name"), wrong_header_name, (*inside, "name"), report)

"""Node: its words and columns."""

from collections.abc import Callable, Iterator
from typing import Final

from netlab.kube.conditions import is_true
from netlab.kube.field_error import Cause, forbidden_value
from netlab.kube.kinds.columns import AGE, NAME, NONE, UNKNOWN, column
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, items_of, labels_of, spec_of, status_of
from netlab.kube.resource import Resource

_ROLE: Final = "node-role.kubernetes.io/"


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    if spec_of(old).get("podCIDR") != spec_of(new).get("podCIDR"):
        message = 'node updates may not change podCIDR except from "" to valid'
        yield forbidden_value("spec.podCIDRs", message)


def _status(node: Object) -> str:
    cordoned = ",SchedulingDisabled" if spec_of(node).get("unschedulable") else ""
    return ("Ready" if is_true(node, "Ready") else "NotReady") + cordoned


def _roles(node: Object) -> str:
    roles = [label.removeprefix(_ROLE) for label in labels_of(node) if label.startswith(_ROLE)]
    return ",".join(sorted(roles)) or NONE


def _address(kind: str) -> Callable[[Object], str]:
    def cell(node: Object) -> str:
        addresses = items_of(status_of(node), "addresses")
        return next((one["address"] for one in addresses if one["type"] == kind), NONE)

    return cell


def _info(field: str) -> Callable[[Object], str]:
    return lambda node: str((status_of(node).get("nodeInfo") or {}).get(field) or UNKNOWN)


KIND: Final = Kind(
    resource=Resource(
        kind="Node",
        plural="nodes",
        namespaced=False,
        short_names=("no",),
        subresources=("status",),
    ),
    columns=(
        NAME,
        column("Status", _status),
        column("Roles", _roles),
        AGE,
        column("Version", _info("kubeletVersion")),
        column("Internal-IP", _address("InternalIP"), is_wide=True),
        column("External-IP", _address("ExternalIP"), is_wide=True),
        column("OS-Image", _info("osImage"), is_wide=True),
        column("Kernel-Version", _info("kernelVersion"), is_wide=True),
        column("Container-Runtime", _info("containerRuntimeVersion"), is_wide=True),
    ),
    forbidden_changes=_forbidden_changes,
)

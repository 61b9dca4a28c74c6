"""Node: its words and columns."""

from collections.abc import Callable, Iterator
from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, check_unique, invalid
from netlab.kube.conditions import is_true
from netlab.kube.field_checks import check_text
from netlab.kube.field_error import Cause, forbidden_value
from netlab.kube.kinds.columns import AGE, NAME, NONE, UNKNOWN, column
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.kinds.pod.scheduling_validation import EFFECTS
from netlab.kube.metadata import check_address, check_choice
from netlab.kube.metadata import items_of as items_of_list
from netlab.kube.names import wrong_label_value, wrong_qualified_name
from netlab.kube.objects import Object, items_of, labels_of, spec_of, status_of
from netlab.kube.resource import Resource
from netlab.model.addresses import parse_cidr

_NO_CIDR: Final = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
_ROLE: Final = "node-role.kubernetes.io/"


def _validate(node: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    """Report what is wrong with pod CIDRs and taints.

    Source: Kubernetes, ``pkg/apis/core/validation`` (ValidateNode, validateNodeTaints).
    """
    spec, inside = mapping(node.get("spec")), (*path, "spec")
    cidrs = entries(spec.get("podCIDRs"))
    for index, text in enumerate(cidrs):
        if parse_cidr(text) is None:
            report.add((*inside, "podCIDRs", index), invalid(text, _NO_CIDR))
    versions = [found.version for text in cidrs if (found := parse_cidr(text)) is not None]
    if len(cidrs) > 2 or len(versions) > len(set(versions)):
        why = "may specify no more than one CIDR for each IP family"
        report.add((*inside, "podCIDRs"), invalid(cidrs, why))
    taints = list(items_of_list(spec, "taints", inside))
    for at, taint in taints:
        check_text(taint.get("key"), wrong_qualified_name, (*at, "key"), report)
        check_text(taint.get("value"), wrong_label_value, (*at, "value"), report)
        check_choice(taint.get("effect"), EFFECTS, (*at, "effect"), report)
    check_unique(((at, f"{one.get('key')}:{one.get('effect')}") for at, one in taints), report)


def _validate_status(node: Object, report: Report) -> None:
    """Report addresses that are none: netlab's rules and routes are made of them."""
    for at, address in items_of_list(mapping(node.get("status")), "addresses", ("status",)):
        if address.get("type") in ("InternalIP", "ExternalIP"):
            check_address(address.get("address"), (*at, "address"), report)


def _forbidden_changes(old: Object, new: Object) -> Iterator[Cause]:
    if any(spec_of(old).get(one) != spec_of(new).get(one) for one in ("podCIDR", "podCIDRs")):
        message = 'node updates may not change podCIDR except from "" to valid'
        yield forbidden_value("spec.podCIDRs", message)
    if spec_of(old).get("providerID") not in (None, "", spec_of(new).get("providerID")):
        message = 'node updates may not change providerID except from "" to valid'
        yield forbidden_value("spec.providerID", message)


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
    validate=_validate,
    validate_status=_validate_status,
    forbidden_changes=_forbidden_changes,
)

"""What may not change in an object that exists.

Source: Kubernetes, ``pkg/apis/core/validation``, ``pkg/apis/apps/validation``.
"""

from collections.abc import Iterator
from typing import Final

from netlab.kube.objects import Object, items_of, spec_of
from netlab.kube.status import Cause, forbidden_value, invalid_value

_IMMUTABLE: Final = {
    "Deployment": ("spec", "selector"),
    "ReplicaSet": ("spec", "selector"),
    "ServiceCIDR": ("spec", "cidrs"),
    "EndpointSlice": ("addressType",),
}

_POD_UPDATES: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
    "`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def immutability_causes(old: Object, new: Object) -> Iterator[Cause]:
    """Yield a cause for each field that changed and may not; both states are complete."""
    match old["kind"]:
        case "Pod":
            if _fixed_part(spec_of(old)) != _fixed_part(spec_of(new)) or not _only_added(old, new):
                yield forbidden_value("spec", _POD_UPDATES)
        case "Service":
            yield from _service_causes(spec_of(old), spec_of(new))
        case "Node":
            if spec_of(old).get("podCIDR") != spec_of(new).get("podCIDR"):
                message = 'node updates may not change podCIDR except from "" to valid'
                yield forbidden_value("spec.podCIDRs", message)
        case kind if kind in _IMMUTABLE:
            path = _IMMUTABLE[kind]
            before, after = _at(old, path), _at(new, path)
            if before != after:
                yield invalid_value(".".join(path), after, "field is immutable")
        case _:
            pass


def _at(obj: Object, path: tuple[str, ...]) -> object:
    found: object = obj
    for field in path:
        found = found.get(field) if isinstance(found, dict) else None
    return found


def _fixed_part(spec: Object) -> Object:
    free = {"activeDeadlineSeconds", "tolerations", "containers", "initContainers"}
    fixed = {field: value for field, value in spec.items() if field not in free}
    for field in ("containers", "initContainers"):
        fixed[field] = [
            {name: value for name, value in container.items() if name != "image"}
            for container in items_of(spec, field)
        ]
    return fixed


def _only_added(old: Object, new: Object) -> bool:
    after = items_of(spec_of(new), "tolerations")
    return all(one in after for one in items_of(spec_of(old), "tolerations"))


def _service_causes(old: Object, new: Object) -> Iterator[Cause]:
    if "ExternalName" in {old.get("type"), new.get("type")}:
        return
    for field in ("clusterIPs", "ipFamilies"):
        before, after = old.get(field) or [], new.get(field) or []
        if before and (not after or before[0] != after[0]):
            yield invalid_value(f"spec.{field}[0]", after, "may not change once set")

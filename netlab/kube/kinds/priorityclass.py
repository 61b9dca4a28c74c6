"""PriorityClass: stored; no pod of a lab is preempted."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, column, number
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind, immutable
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(
        kind="PriorityClass",
        plural="priorityclasses",
        group="scheduling.k8s.io",
        namespaced=False,
        short_names=("pc",),
        has_generation=True,
    ),
    columns=(
        NAME,
        number("Value", lambda obj: int(obj.get("value") or 0)),
        column("Global-Default", lambda obj: str(bool(obj.get("globalDefault"))).lower()),
        AGE,
        column("PreemptionPolicy", lambda obj: str(obj.get("preemptionPolicy", ""))),
    ),
    with_defaults=lambda obj: filled(obj, {"preemptionPolicy": "PreemptLowerPriority"}),
    forbidden_changes=immutable("value"),
    is_only_stored=True,
)

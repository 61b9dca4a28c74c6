"""ControllerRevision: a past template of a DaemonSet or a StatefulSet."""

from typing import Final

from netlab.documents.problems import FieldPath, Report
from netlab.kube.field_checks import check_at_least_0
from netlab.kube.kinds.columns import AGE, NAME, NONE, column, number
from netlab.kube.kinds.kind import ClusterContext, Kind, immutable
from netlab.kube.objects import Object, controller_of
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    if obj.get("data") is None:
        report.add((*path, "data"), "Required value: data is mandatory")
    check_at_least_0(obj, ("revision",), path, report)


def _controller(obj: Object) -> str:
    owner = controller_of(obj)
    if owner is None:
        return NONE
    group = owner.get("apiVersion", "").rpartition("/")[0]
    return f"{owner['kind'].lower()}{'.' if group else ''}{group}/{owner['name']}"


KIND: Final = Kind(
    resource=Resource(kind="ControllerRevision", plural="controllerrevisions", group="apps"),
    validate=_validate,
    columns=(
        NAME,
        column("Controller", _controller),
        number("Revision", lambda obj: int(obj.get("revision", 0))),
        AGE,
    ),
    forbidden_changes=immutable("data"),
)

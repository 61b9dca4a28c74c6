"""Lease: who leads, or is alive, for how long.

Source: Kubernetes, ``pkg/apis/coordination/validation`` (ValidateLeaseSpec).
"""

from typing import Final

from netlab.documents.json_schema import mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_at_least_0, check_text
from netlab.kube.kinds.columns import AGE, NAME, column, in_spec
from netlab.kube.kinds.kind import ClusterContext, Kind
from netlab.kube.metadata import check_choice
from netlab.kube.names import wrong_qualified_name
from netlab.kube.objects import Object
from netlab.kube.resource import Resource


def _validate(obj: Object, path: FieldPath, report: Report, _: ClusterContext) -> None:
    spec, inside = mapping(obj.get("spec")), (*path, "spec")
    duration = spec.get("leaseDurationSeconds")
    if isinstance(duration, int) and duration <= 0:
        report.add((*inside, "leaseDurationSeconds"), invalid(duration, "must be greater than 0"))
    check_at_least_0(spec, ("leaseTransitions",), inside, report)
    strategy = spec.get("strategy")
    if isinstance(strategy, str) and "/" in strategy:
        check_text(strategy, wrong_qualified_name, (*inside, "strategy"), report)
    else:
        check_choice(strategy, ("OldestEmulationVersion",), (*inside, "strategy"), report)
    if spec.get("preferredHolder") and not strategy:
        why = "may only be specified if `strategy` is defined"
        report.add((*inside, "preferredHolder"), f"Forbidden: {why}")


KIND: Final = Kind(
    resource=Resource(kind="Lease", plural="leases", group="coordination.k8s.io"),
    columns=(NAME, column("Holder", in_spec("holderIdentity", "")), AGE),
    validate=_validate,
)

"""NetworkPolicy: stored; nothing in a lab filters by it."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, column, label_selector
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, spec_of
from netlab.kube.resource import Resource


def _with_defaults(obj: Object) -> Object:
    spec = spec_of(obj)
    types = ["Ingress", "Egress"] if spec.get("egress") is not None else ["Ingress"]
    spec = filled(spec, {"podSelector": {}})
    return {**obj, "spec": {**spec, "policyTypes": spec.get("policyTypes") or types}}


KIND: Final = Kind(
    resource=Resource(
        kind="NetworkPolicy",
        plural="networkpolicies",
        group="networking.k8s.io",
        short_names=("netpol",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Pod-Selector", lambda obj: label_selector(spec_of(obj).get("podSelector") or {})),
        AGE,
    ),
    with_defaults=_with_defaults,
    is_only_stored=True,
)

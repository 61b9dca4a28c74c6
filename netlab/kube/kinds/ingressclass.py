"""IngressClass: stored; no lab has an Ingress controller."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, NONE, column, in_spec
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, spec_of
from netlab.kube.resource import Resource


def _parameters(obj: Object) -> str:
    found = spec_of(obj).get("parameters")
    if not found:
        return NONE
    group = f".{found['apiGroup']}" if found.get("apiGroup") else ""
    return f"{found.get('kind', '')}{group}/{found.get('name', '')}"


KIND: Final = Kind(
    resource=Resource(
        kind="IngressClass",
        plural="ingressclasses",
        group="networking.k8s.io",
        namespaced=False,
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Controller", in_spec("controller", "")),
        column("Parameters", _parameters),
        AGE,
    ),
    is_only_stored=True,
)

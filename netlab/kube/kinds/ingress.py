"""Ingress: stored; no lab has an Ingress controller."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, NONE, column, in_spec
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, items_of, spec_of, status_of
from netlab.kube.resource import Resource


def _hosts(obj: Object) -> str:
    hosts = [rule["host"] for rule in items_of(spec_of(obj), "rules") if rule.get("host")]
    more = f" + {len(hosts) - 3} more..." if len(hosts) > 3 else ""
    return (",".join(hosts[:3]) + more) or "*"


def _address(obj: Object) -> str:
    ingress = items_of(status_of(obj).get("loadBalancer") or {}, "ingress")
    return ",".join(one.get("ip") or one.get("hostname", "") for one in ingress)


KIND: Final = Kind(
    resource=Resource(
        kind="Ingress",
        plural="ingresses",
        group="networking.k8s.io",
        short_names=("ing",),
        subresources=("status",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Class", in_spec("ingressClassName", NONE)),
        column("Hosts", _hosts),
        column("Address", _address),
        column("Ports", lambda obj: "80, 443" if spec_of(obj).get("tls") else "80"),
        AGE,
    ),
    is_only_stored=True,
)

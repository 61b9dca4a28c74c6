"""Lease: the sign of life of a node."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, column, in_spec
from netlab.kube.kinds.kind import Kind
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(kind="Lease", plural="leases", group="coordination.k8s.io"),
    columns=(NAME, column("Holder", in_spec("holderIdentity", "")), AGE),
)

"""LimitRange: stored; no lab limits what containers ask for."""

from typing import Final

from netlab.kube.kinds.columns import CREATED_AT, NAME
from netlab.kube.kinds.kind import Kind
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(kind="LimitRange", plural="limitranges", short_names=("limits",)),
    columns=(NAME, CREATED_AT),
    is_only_stored=True,
)

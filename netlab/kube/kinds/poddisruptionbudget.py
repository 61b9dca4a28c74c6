"""PodDisruptionBudget: how many pods an eviction must leave running."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, column, in_spec, in_status, number
from netlab.kube.kinds.kind import Kind
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(
        kind="PodDisruptionBudget",
        plural="poddisruptionbudgets",
        group="policy",
        short_names=("pdb",),
        subresources=("status",),
        has_generation=True,
    ),
    columns=(
        NAME,
        column("Min Available", in_spec("minAvailable", "N/A")),
        column("Max Unavailable", in_spec("maxUnavailable", "N/A")),
        number("Allowed Disruptions", in_status("disruptionsAllowed")),
        AGE,
    ),
)

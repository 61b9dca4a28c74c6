"""ServiceAccount: whom the processes of a pod speak as."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, number
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import items_of
from netlab.kube.resource import Resource

KIND: Final = Kind(
    resource=Resource(
        kind="ServiceAccount",
        plural="serviceaccounts",
        short_names=("sa",),
        subresources=("token",),
        returns_deleted=True,
    ),
    columns=(NAME, number("Secrets", lambda obj: len(items_of(obj, "secrets"))), AGE),
)

"""What Kubernetes fills in where an object of any kind says nothing.

What depends on other objects, such as a ClusterIP, is not here but in
``netlab.apiserver.registry.allocation``.
"""

from netlab.kube.kinds.table import kind_of
from netlab.kube.objects import Object, metadata_of


def with_defaults(obj: Object) -> Object:
    """Return the object with every default that it does not say otherwise."""
    metadata = {
        field: value for field, value in metadata_of(obj).items() if value not in (None, {}, [])
    }
    obj = {**obj, "metadata": metadata}
    kind = kind_of(obj["kind"])
    return kind.with_defaults(obj) if kind is not None else obj

"""Empty a namespace that is terminating, then remove it."""

from collections.abc import Sequence

from netlab.apiserver.changes import Change, Delete, Remove
from netlab.kube.objects import Object, is_terminating
from netlab.kube.resources import key_of


def step(namespace: Object, contents: Sequence[Object]) -> list[Change]:
    """Return the deletion of what is left, or of the namespace when nothing is.

    Args:
        namespace: As stored.
        contents: Every object in it.
    """
    if not is_terminating(namespace):
        return []
    if not contents:
        return [Remove(key=key_of(namespace))]
    return [Delete(key=key_of(obj)) for obj in contents if not is_terminating(obj)]

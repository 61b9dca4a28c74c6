"""Find what nobody owns any longer.

Source: Kubernetes documentation, "Garbage Collection".
"""

from collections.abc import Callable

from netlab.apiserver.changes import Change, Delete
from netlab.kube.objects import Object, is_terminating, owners_of
from netlab.kube.resources import key_of


def step(dependent: Object, exists: Callable[[str], bool]) -> tuple[Change, ...]:
    """Return the deletion of an object whose owners are all gone.

    Args:
        dependent: Any object; one that names no owner stays.
        exists: Whether an object with this uid is stored.
    """
    owners = owners_of(dependent)
    if not owners or is_terminating(dependent) or any(exists(owner["uid"]) for owner in owners):
        return ()
    return (Delete(key=key_of(dependent)),)

"""How a part of an object takes defaults."""

from netlab.kube.objects import Object


def filled(part: Object, defaults: Object) -> Object:
    """Return ``part`` with defaults for what it lacks, or holds only as null or empty.

    Typed clients send empty structures for what they leave out, so empty counts as absent.
    """
    missing = {
        field: value for field, value in defaults.items() if part.get(field) in (None, "", {})
    }
    return {**part, **missing} if missing else part

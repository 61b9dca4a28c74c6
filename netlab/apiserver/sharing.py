"""Equal parts of stored objects, held once.

The pods of a Deployment differ in a few fields, and so do two states of one pod; but each is
decoded from a request, or built by a controller, by itself. An object that is to be stored takes
what it has in common with one that is stored already from there. What was stored is never changed
in place, so nothing but the memory tells of it.
"""

from itertools import chain, repeat
from operator import is_
from sys import intern

from netlab.kube.objects import Object

_NAMING = ("ip", "name", "type")
"""Of addresses of Endpoints, of containers and volumes, of conditions."""


def sharing(new: Object, stored: Object) -> Object:
    """Return an object equal to ``new``, in which parts that ``stored`` has too are those.

    Args:
        new: What is to be stored.
        stored: What to take equal parts from: by their field, and in lists by
            their name or place.

    >>> stored = {"spec": {"ports": [80], "type": "ClusterIP"}}
    >>> shared = sharing({"spec": {"ports": [80], "type": "NodePort"}}, stored)
    >>> shared["spec"]["ports"] is stored["spec"]["ports"]
    True
    """
    shared = {intern(field): _shared(value, stored.get(field)) for field, value in new.items()}
    is_same = list(shared) == list(stored) and all(map(is_, shared.values(), stored.values()))
    return stored if is_same else shared


def _shared(new: object, stored: object) -> object:
    if new is stored:
        return stored
    if isinstance(new, dict):
        return sharing(new, stored if isinstance(stored, dict) else {})
    if isinstance(new, list):
        return _shared_items(new, stored if isinstance(stored, list) else [])
    # A number is no truth value, though Python has 1 and True equal.
    return stored if type(new) is type(stored) and new == stored else new


def _shared_items(new: list[object], stored: list[object]) -> list[object]:
    named = {name: item for item in stored if (name := _name(item))}
    shared = [
        _shared(item, there if _name(there) == _name(item) else named.get(_name(item), there))
        for item, there in zip(new, chain(stored, repeat(None)), strict=False)
    ]
    is_same = len(shared) == len(stored) and all(map(is_, shared, stored))
    return stored if is_same else shared


def _name(item: object) -> str:
    """Return what tells an item of a list from the others, wherever it stands; empty for none."""
    if not isinstance(item, dict):
        return ""
    return next((str(item[field]) for field in _NAMING if item.get(field)), "")

"""Empty a namespace that is terminating, then remove it.

Source: Kubernetes, ``pkg/controller/namespace/deletion``.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from netlab.apiserver.changes import Change, Delete, Outcome, Remove
from netlab.controllers.controller import EVERY, Changed, Controller, Objects
from netlab.kube.objects import Key, Object, is_terminating, metadata_of, spec_of
from netlab.kube.resources import RESOURCES, key_of


def step(namespace: Object, contents: Sequence[Object]) -> list[Change]:
    """Return the deletion of what is left, or of the namespace when nothing is.

    Args:
        namespace: As stored.
        contents: Every object in it.
    """
    if not is_terminating(namespace):
        return []
    held = spec_of(namespace).get("finalizers")
    if held == []:
        # Whoever takes the last one away by /finalize gives up what is in it.
        return [Remove(key=key_of(namespace))]
    if not contents:
        others = [*(held or ()), *(metadata_of(namespace).get("finalizers") or ())]
        is_held = any(one != "kubernetes" for one in others)
        return [] if is_held else [Remove(key=key_of(namespace))]
    return [Delete(key=key_of(obj)) for obj in contents if not is_terminating(obj)]


def sync(objects: Objects, key: Key, now: float) -> Outcome:
    """Look at the namespace at ``key``."""
    del now
    namespace = objects.get(key)
    if namespace is None or not is_terminating(namespace):
        return Outcome()
    contents = [
        obj
        for resource in RESOURCES.values()
        if resource.namespaced
        for obj in objects.list_(resource.plural, key.name)
    ]
    return Outcome(changes=step(namespace, contents))


def _of_any(objects: Objects, changed: Changed) -> Iterator[Key]:
    name = changed.key.name if changed.key.resource == "namespaces" else changed.key.namespace
    key = Key("namespaces", "", name)
    namespace = objects.get(key) if name else None
    if namespace is not None and is_terminating(namespace):
        yield key


CONTROLLER: Final = Controller(name="namespace", watches={EVERY: _of_any}, step=sync)

"""Objects of people's files that a lab has no use for: left out, and said in a line a kind.

A chart or a dump holds more than Services: custom resources of this controller and that. The rest
of such a file is as good as ever. A kind that is most likely misspelt is a mistake and no such
object.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from netlab.documents.problems import nearest
from netlab.kube.kinds.table import KINDS, kind_of
from netlab.kube.metadata import text_of
from netlab.model.topology import KIND, Manifest

FROM_TOPOLOGY: Final = "nodes come from the topology"
UNKNOWN: Final = "a lab has no such objects"
_LIKENESS: Final = 0.8
"""Of a misspelt kind to the one that was meant: Sevice is, IngressRoute is not."""


def known_kinds() -> list[str]:
    """Return the kinds that a file may hold, sorted."""
    return sorted(one.resource.kind for one in KINDS if one.resource.kind != "Node")


def meant(kind: str) -> str:
    """Return a hint at the kind that a misspelt one was to be; empty where none is like it."""
    return nearest(kind, known_kinds(), likeness=_LIKENESS)


def why_left_out(manifest: Manifest) -> str:
    """Return why a lab leaves an object out; empty where it takes it, or where it is a mistake.

    >>> why_left_out({"apiVersion": "serving.knative.dev/v1", "kind": "Service"})
    'a lab has no such objects'
    >>> why_left_out({"apiVersion": "v1", "kind": "Sevice"})
    ''
    """
    kind, version = text_of(manifest, "kind"), text_of(manifest, "apiVersion")
    if not kind or not version or kind == KIND:
        return ""
    group = version.rpartition("/")[0]
    is_foreign = "." in group and not group.endswith(".k8s.io")
    if is_foreign:
        return UNKNOWN
    if kind == "Node":
        return FROM_TOPOLOGY
    return "" if kind_of(kind) is not None or meant(kind) else UNKNOWN


def summary(manifests: Iterable[Manifest]) -> tuple[str, ...]:
    """Return what to say of objects that were left out, a line a kind, in the file's order.

    >>> summary([{"apiVersion": "v1", "kind": "Node"}] * 2)
    ('2 objects of kind Node (v1) left out: nodes come from the topology',)
    """
    counted = Counter(
        (text_of(one, "kind"), text_of(one, "apiVersion"), why_left_out(one)) for one in manifests
    )
    return tuple(
        f"{number} object{'s' if number > 1 else ''} of kind {kind} ({version}) left out: {why}"
        for (kind, version, why), number in counted.items()
    )

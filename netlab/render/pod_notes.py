"""What is to be said of pods beside their rows: stand-ins, and what keeps one from running."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from netlab.kube.objects import Object, items_of, name_of, namespace_of, owners_of, status_of
from netlab.kubelet.container_id import STAND_IN_ID

_ON_ITS_WAY: Final = frozenset({"ContainerCreating", "PodInitializing"})
_STATUSES: Final = ("initContainerStatuses", "containerStatuses")


def stand_in_lines(pods: Iterable[Object]) -> list[str]:
    """Return a line for each unknown image that an echo server stands in for."""
    counts = Counter(image for pod in pods for image in _stood_in_for(pod))
    return [
        f"image {image}: an echo server stands in for it in {count} pod{'s' * (count != 1)}"
        for image, count in sorted(counts.items())
    ]


def _stood_in_for(pod: Object) -> set[str]:
    return {
        one["image"]
        for field in _STATUSES
        for one in items_of(status_of(pod), field)
        if one.get("imageID") == STAND_IN_ID
    }


def waiting_lines(pods: Iterable[Object]) -> list[str]:
    """Return a line for each pod of nobody's that waits for what does not come by itself."""
    return [
        f"Pod {namespace_of(pod)}/{name_of(pod)}: {waiting['reason']}"
        + (f": {waiting['message']}" if waiting.get("message") else "")
        for pod in pods
        if not owners_of(pod)
        for field in _STATUSES
        for one in items_of(status_of(pod), field)
        for waiting in [(one.get("state") or {}).get("waiting") or {}]
        if waiting.get("reason") and waiting["reason"] not in _ON_ITS_WAY
    ]

"""The forms of an answer: objects as they are, a table of them, or their metadata alone.

Source: Kubernetes API documentation, "Alternate representations of resources".
"""

from dataclasses import dataclass
from typing import Final

from netlab.kube.status import StatusError

_FORMS: Final = ("PartialObjectMetadata", "PartialObjectMetadataList", "Table")
_PLAIN: Final = frozenset({"*/*", "application/*", "application/json"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One form of an answer."""

    kind: str = ""
    """``Table``, ``PartialObjectMetadata`` or ``PartialObjectMetadataList``; empty for plain."""
    version: str = "v1"
    """Of the group ``meta.k8s.io``."""

    @property
    def api_version(self) -> str:
        """Return the ``apiVersion`` of the answer."""
        return f"meta.k8s.io/{self.version}"


PLAIN: Final = Form()


def form_of(accept: str) -> Form:
    """Return the first form of an ``Accept`` that the server has.

    Raises:
        StatusError: There is none (``NotAcceptable``).

    >>> form_of("application/json;as=Table;v=v1;g=meta.k8s.io,application/json").kind
    'Table'
    """
    if not accept:
        return PLAIN
    for offer in accept.split(","):
        media_type, *words = (word.strip() for word in offer.split(";"))
        wants = dict(word.split("=", 1) for word in words if "=" in word)
        if media_type not in _PLAIN:
            continue
        if "as" not in wants:
            return PLAIN
        known = wants["as"] in _FORMS and wants.get("v") in {"v1", "v1beta1"}
        if known and wants.get("g") == "meta.k8s.io":
            return Form(kind=wants["as"], version=wants["v"])
    raise StatusError(
        "only the following media types are accepted: application/json",
        code=406,
        reason="NotAcceptable",
    )

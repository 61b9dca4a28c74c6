"""What clients ask about themselves: who they are, and what they may do.

Whoever the API answers to may do everything.

Source: Kubernetes API reference, SelfSubjectAccessReview, SelfSubjectRulesReview,
SelfSubjectReview.
"""

from collections.abc import Sequence
from typing import Final

from netlab.apiserver.discovery import REVIEWS
from netlab.kube.objects import Object

_ALL: Final = ["*"]


def review_at(path: str) -> str | None:
    """Return the kind of review that is asked for at a path, or None.

    >>> review_at("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
    'SelfSubjectAccessReview'
    """
    match path.strip("/").split("/"):
        case ["apis", group, version, plural]:
            return dict(REVIEWS.get((group, version), ())).get(plural)
        case _:
            return None


def answer_review(kind: str, body: Object, user: str, groups: Sequence[str]) -> Object:
    """Return a review with its status filled in.

    Args:
        kind: Of the review.
        body: What was sent.
        user: Who asks.
        groups: That the user is in.
    """
    group = next(group for group, kinds in _groups() if kind in kinds)
    return {
        **body,
        "kind": kind,
        "apiVersion": f"{group}/v1",
        "metadata": body.get("metadata") or {},
        "status": _status(kind, user, groups),
    }


def _groups() -> list[tuple[str, list[str]]]:
    return [(group, [kind for _, kind in kinds]) for (group, _), kinds in REVIEWS.items()]


def _status(kind: str, user: str, groups: Sequence[str]) -> Object:
    match kind:
        case "SelfSubjectReview":
            return {"userInfo": {"username": user, "groups": list(groups)}}
        case "SelfSubjectRulesReview":
            return {
                "resourceRules": [{"verbs": _ALL, "apiGroups": _ALL, "resources": _ALL}],
                "nonResourceRules": [{"verbs": _ALL, "nonResourceURLs": _ALL}],
                "incomplete": False,
            }
        case _:
            return {"allowed": True, "reason": "whoever may speak to a lab may do everything in it"}

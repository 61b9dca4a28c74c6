"""Which nodes a pod asks for: ``nodeSelector``, node affinity, taints and tolerations.

Source: Kubernetes, ``component-helpers/scheduling/corev1``.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from netlab.kube.conditions import is_true
from netlab.kube.objects import Object, items_of, labels_of, name_of, spec_of
from netlab.kube.selectors import meets

UNSCHEDULABLE: Final[Object] = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
"""The taint that a cordoned node has."""
NOT_READY: Final[Object] = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
"""The taint that a node has whose kubelet does not say that it is ready."""


def matches_node(pod: Object, node: Object) -> bool:
    """Return whether ``nodeSelector`` and the required node affinity let a pod onto a node."""
    spec = spec_of(pod)
    wanted = spec.get("nodeSelector") or {}
    if not wanted.items() <= labels_of(node).items():
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any(matches_term(term, node) for term in items_of(required, "nodeSelectorTerms"))


def matches_term(term: Object, node: Object) -> bool:
    """Return whether a node meets all of a term; an empty term is met by none."""
    expressions, fields = items_of(term, "matchExpressions"), items_of(term, "matchFields")
    if not expressions and not fields:
        return False
    return all(_meets(labels_of(node), one) for one in expressions) and all(
        _meets({"metadata.name": name_of(node)}, one) for one in fields
    )


def preference(pod: Object, node: Object) -> int:
    """Return the weight of all preferred node affinity that a node meets."""
    affinity = (spec_of(pod).get("affinity") or {}).get("nodeAffinity") or {}
    preferred = items_of(affinity, "preferredDuringSchedulingIgnoredDuringExecution")
    return sum(one["weight"] for one in preferred if matches_term(one["preference"], node))


def taints_of(node: Object) -> Iterator[Object]:
    """Yield a node's taints, with those that its state stands for."""
    yield from items_of(spec_of(node), "taints")
    if spec_of(node).get("unschedulable"):
        yield UNSCHEDULABLE
    if not is_true(node, "Ready"):
        yield NOT_READY


def tolerates(pod: Object, taint: Object) -> bool:
    """Return whether one of a pod's tolerations is for a taint."""
    return bool(tolerations_of(pod, taint))


def tolerations_of(pod: Object, taint: Object) -> list[Object]:
    """Return the tolerations of a pod that are for a taint."""
    return [one for one in items_of(spec_of(pod), "tolerations") if _tolerates(one, taint)]


def untolerated(pod: Object, taints: Iterable[Object], effects: frozenset[str]) -> Object | None:
    """Return the first taint of one of ``effects`` that a pod does not tolerate, or None."""
    return next(
        (one for one in taints if one["effect"] in effects and not tolerates(pod, one)), None
    )


def _tolerates(toleration: Object, taint: Object) -> bool:
    effect, key = toleration.get("effect"), toleration.get("key")
    if effect and effect != taint["effect"]:
        return False
    if key and key != taint["key"]:
        return False
    if toleration.get("operator") == "Exists":
        return True
    return bool(key) and (toleration.get("value") or "") == (taint.get("value") or "")


def _meets(labels: Mapping[str, str], expression: Object) -> bool:
    operator, values = expression["operator"], expression.get("values") or []
    if operator not in {"Gt", "Lt"}:
        return meets(labels, expression["key"], operator, values)
    try:
        have, bound = int(labels[expression["key"]]), int(values[0])
    except (KeyError, IndexError, ValueError):
        return False
    return have > bound if operator == "Gt" else have < bound

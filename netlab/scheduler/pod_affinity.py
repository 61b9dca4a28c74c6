"""Which nodes a pod's relation to other pods leaves: affinity, anti-affinity, topology spread.

Source: Kubernetes, ``pkg/scheduler/framework/plugins/interpodaffinity`` and ``podtopologyspread``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from netlab.kube.objects import Object, items_of, labels_of, namespace_of, spec_of
from netlab.kube.selectors import label_selector_matches
from netlab.scheduler.node_affinity import matches_node, taints_of, untolerated
from netlab.scheduler.nodes import Cluster, NodeState, is_counted

NO_AFFINITY: Final = "node(s) didn't match pod affinity rules"
ANTI_AFFINITY: Final = "node(s) didn't match pod anti-affinity rules"
OTHERS_ANTI_AFFINITY: Final = "node(s) didn't satisfy existing pods anti-affinity rules"
NO_SPREAD: Final = "node(s) didn't match pod topology spread constraints"
NO_SPREAD_LABEL: Final = f"{NO_SPREAD} (missing required label)"

_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED: Final = "preferredDuringSchedulingIgnoredDuringExecution"
_NO_SCHEDULE: Final = frozenset({"NoSchedule", "NoExecute"})

Domain = tuple[str, str]
"""A topology key and its value on a node."""


def has_relations(pod: Object) -> bool:
    """Return whether anything here has a say in where a pod goes."""
    spec = spec_of(pod)
    affinity = spec.get("affinity") or {}
    return bool(
        affinity.get("podAffinity")
        or affinity.get("podAntiAffinity")
        or spec.get("topologySpreadConstraints")
    )


def objections(pod: Object, cluster: Cluster) -> Mapping[str, str]:
    """Return why nodes cannot take a pod for the sake of other pods, by node.

    Args:
        pod: To be placed.
        cluster: All nodes with their pods.
    """
    found: dict[str, str] = {}
    for why, nodes in (
        (NO_AFFINITY, _without_affinity(pod, cluster)),
        (ANTI_AFFINITY, _in_domains(cluster, _repelled(pod, cluster))),
        (OTHERS_ANTI_AFFINITY, _in_domains(cluster, _repelling(pod, cluster))),
    ):
        for name in nodes:
            found.setdefault(name, why)
    for constraint in _constraints(pod, "DoNotSchedule"):
        for name, why in _beyond_skew(pod, constraint, cluster):
            found.setdefault(name, why)
    return found


def preference(pod: Object, state: NodeState, cluster: Cluster) -> int:
    """Return how much a pod's preferred terms and spreading speak for a node; may be negative."""
    total = 0
    for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
        for one in _terms(pod, kind, _PREFERRED):
            domains = _domains_with(pod, one["podAffinityTerm"], cluster)
            domain = _domain(state, one["podAffinityTerm"]["topologyKey"])
            total += sign * one["weight"] * domains.get(domain, 0) if domain else 0
    for constraint in _constraints(pod, "ScheduleAnyway"):
        domain = _domain(state, constraint["topologyKey"])
        counts = _spread(pod, constraint, cluster)
        total -= counts.get(domain, 0) if domain else max(counts.values(), default=0) + 1
    return total


def _without_affinity(pod: Object, cluster: Cluster) -> Iterator[str]:
    terms = list(_terms(pod, "podAffinity", _REQUIRED))
    if not terms:
        return
    present = [(term["topologyKey"], _domains_with(pod, term, cluster)) for term in terms]
    # The first pod of a group that wants to be together may go anywhere.
    is_first = not any(domains for _, domains in present) and all(
        _term_matches(pod, term, pod, cluster) for term in terms
    )
    for state in cluster.nodes:
        keys = [_domain(state, key) for key, _ in present]
        together = all(
            domain in domains for domain, (_, domains) in zip(keys, present, strict=True)
        )
        if not (together or (is_first and all(keys))):
            yield state.name


def _repelled(pod: Object, cluster: Cluster) -> set[Domain]:
    """Return the domains that a pod's own anti-affinity keeps it out of."""
    terms = _terms(pod, "podAntiAffinity", _REQUIRED)
    return {domain for term in terms for domain in _domains_with(pod, term, cluster)}


def _repelling(pod: Object, cluster: Cluster) -> set[Domain]:
    """Return the domains that the anti-affinity of pods there keeps a pod out of."""
    return {
        domain
        for state in cluster.nodes
        for other in state.repelling
        for term in _terms(other, "podAntiAffinity", _REQUIRED)
        if _term_matches(other, term, pod, cluster)
        and (domain := _domain(state, term["topologyKey"]))
    }


def _in_domains(cluster: Cluster, domains: set[Domain]) -> Iterator[str]:
    keys = {key for key, _ in domains}
    for state in cluster.nodes:
        if any(_domain(state, key) in domains for key in keys):
            yield state.name


def _domains_with(pod: Object, term: Object, cluster: Cluster) -> Counter[Domain]:
    """Return the domains that hold pods which a term of ``pod`` names, and how many."""
    return Counter(
        domain
        for state, other in cluster.pods()
        if (domain := _domain(state, term["topologyKey"]))
        and _term_matches(pod, term, other, cluster)
    )


def _term_matches(owner: Object, term: Object, other: Object, cluster: Cluster) -> bool:
    namespaces = set(term.get("namespaces") or ())
    selector = term.get("namespaceSelector")
    if selector is None and not namespaces:
        namespaces = {namespace_of(owner)}
    there = namespace_of(other)
    is_there = there in namespaces or (
        selector is not None and label_selector_matches(selector, cluster.namespaces.get(there, {}))
    )
    wanted = term.get("labelSelector")
    if not is_there or wanted is None or not label_selector_matches(wanted, labels_of(other)):
        return False
    own, theirs = labels_of(owner), labels_of(other)
    alike, unlike = term.get("matchLabelKeys") or (), term.get("mismatchLabelKeys") or ()
    return all(theirs.get(label) == own[label] for label in alike if label in own) and all(
        theirs.get(label) != own[label] for label in unlike if label in own
    )


def _terms(pod: Object, kind: str, when: str) -> list[Object]:
    return items_of((spec_of(pod).get("affinity") or {}).get(kind) or {}, when)


def _constraints(pod: Object, when: str) -> Iterator[Object]:
    return (
        one
        for one in items_of(spec_of(pod), "topologySpreadConstraints")
        if one["whenUnsatisfiable"] == when
    )


def _beyond_skew(pod: Object, constraint: Object, cluster: Cluster) -> Iterator[tuple[str, str]]:
    counts = _spread(pod, constraint, cluster)
    least = min(counts.values(), default=0)
    if len(counts) < constraint.get("minDomains", 1):
        least = 0
    itself = int(_is_spread(pod, constraint, pod))
    for state in cluster.nodes:
        domain = _domain(state, constraint["topologyKey"])
        if domain is None:
            yield state.name, NO_SPREAD_LABEL
        elif counts.get(domain, 0) + itself - least > constraint["maxSkew"]:
            yield state.name, NO_SPREAD


def _spread(pod: Object, constraint: Object, cluster: Cluster) -> dict[Domain, int]:
    """Return how many pods that a constraint counts are in each domain that ``pod`` may be in."""
    counts: dict[Domain, int] = {}
    for state in cluster.nodes:
        domain = _domain(state, constraint["topologyKey"])
        if domain is None or not _is_eligible(pod, constraint, state):
            continue
        found = sum(_is_spread(pod, constraint, other) for other in state.pods)
        counts[domain] = counts.get(domain, 0) + found
    return counts


def _is_eligible(pod: Object, constraint: Object, state: NodeState) -> bool:
    if constraint.get("nodeAffinityPolicy") != "Ignore" and not matches_node(pod, state.node):
        return False
    if constraint.get("nodeTaintsPolicy") != "Honor":
        return True
    return untolerated(pod, taints_of(state.node), _NO_SCHEDULE) is None


def _is_spread(pod: Object, constraint: Object, other: Object) -> bool:
    if not is_counted(other, namespace_of(pod)):
        return False
    selector = constraint.get("labelSelector")
    if selector is None or not label_selector_matches(selector, labels_of(other)):
        return False
    return all(
        labels_of(other).get(label) == labels_of(pod)[label]
        for label in constraint.get("matchLabelKeys") or ()
        if label in labels_of(pod)
    )


def _domain(state: NodeState, key: str) -> Domain | None:
    value = state.labels.get(key)
    return None if value is None else (key, value)

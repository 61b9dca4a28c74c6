"""Why a node does not take a pod, in kube-scheduler's words.

Source: Kubernetes, ``pkg/scheduler/framework/plugins`` and ``framework/types.go`` (FitError).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from netlab.kube.objects import Object, spec_of
from netlab.scheduler.node_affinity import matches_node, taints_of, untolerated
from netlab.scheduler.nodes import MEASURED, HostPort, NodeState, host_ports_of, requests_of
from netlab.scheduler.pod_affinity import NO_AFFINITY, NO_SPREAD_LABEL

_UNSCHEDULABLE: Final = "node(s) were unschedulable"
_NO_MATCH: Final = "node(s) didn't match Pod's node affinity/selector"
_NO_PORTS: Final = "node(s) didn't have free ports for the requested pod ports"
_TOO_MANY: Final = "Too many pods"
_FILTERED_EFFECTS: Final = frozenset({"NoSchedule", "NoExecute"})
_BEYOND_HELP: Final = frozenset({_UNSCHEDULABLE, _NO_MATCH, NO_AFFINITY, NO_SPREAD_LABEL})
"""What no pod's leaving would change; so are taints."""


def objection(pod: Object, state: NodeState) -> str:
    """Return why a node does not take a pod, other pods' wishes aside; empty if it does."""
    if spec_of(state.node).get("unschedulable") and untolerated(
        pod, taints_of(state.node), frozenset({"NoSchedule"})
    ):
        return _UNSCHEDULABLE
    taint = untolerated(pod, taints_of(state.node), _FILTERED_EFFECTS)
    if taint is not None:
        return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value') or ''}}}"
    if not matches_node(pod, state.node):
        return _NO_MATCH
    if any(_clash(port, state) for port in host_ports_of(pod)):
        return _NO_PORTS
    return _lack(pod, state)


def fit_error(reasons: Mapping[str, str], nodes: Sequence[NodeState]) -> str:
    """Return what is said of a pod that fits nowhere.

    Args:
        reasons: Why each node does not take it, by node.
        nodes: All nodes.
    """
    if not nodes:
        return "no nodes available to schedule pods"
    counts = Counter(reasons.values())
    told = ", ".join(sorted(f"{count} {reason}" for reason, count in counts.items()))
    vain = sum(count for reason, count in counts.items() if _is_beyond_help(reason))
    helps = Counter(
        {
            "Preemption is not helpful for scheduling": vain,
            "No preemption victims found for incoming pod": len(nodes) - vain,
        }
    )
    preempting = ", ".join(sorted(f"{count} {why}" for why, count in helps.items() if count))
    available = f"0/{len(nodes)} nodes are available:"
    return f"{available} {told}. preemption: {available} {preempting}."


def _is_beyond_help(reason: str) -> bool:
    return reason in _BEYOND_HELP or reason.startswith("node(s) had untolerated taint")


def _clash(port: HostPort, state: NodeState) -> bool:
    protocol, address, number = port
    return any(
        (protocol, number) == (theirs[0], theirs[2])
        and (not address or not theirs[1] or address == theirs[1])
        for theirs in state.host_ports
    )


def _lack(pod: Object, state: NodeState) -> str:
    room = state.allocatable("pods")
    if room is not None and len(state.pods) * 1000 >= room:
        return _TOO_MANY
    for resource, asked in requests_of(pod).items():
        have = state.allocatable(resource) if resource in MEASURED else None
        if have is not None and state.requested[resource] + asked > have:
            return f"Insufficient {resource}"
    return ""

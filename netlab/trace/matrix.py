"""Who calls what, and the result: outcomes of calls, laid out by caller and target."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from netlab.model.addresses import Address
from netlab.model.packets import AddrPort
from netlab.trace.decision import Decision
from netlab.trace.outcomes import Outcome, Result
from netlab.trace.predicted_path import End

CLUSTER_IP: Final = "ClusterIP"
LOAD_BALANCER: Final = "LoadBalancer"
"""Names of targets that are no node's."""


class Fate(StrEnum):
    """What a call's end means for its caller."""

    KEPT = "source kept"
    """The pod saw the address that the caller's socket sent from."""
    HIDDEN = "source hidden"
    """The pod saw another address in its place: somebody else's, or another one of the caller's."""
    ANSWERED = "answered"
    """The pod's program does not say which address it saw."""
    DROPPED = "dropped"
    """No answer came, and a rule is there that drops such packets."""
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    ASTRAY = "reply astray"
    """No answer came, and the rules' walk says that it takes a way on which nobody undoes DNAT."""
    NO_ANSWER = "no answer"
    CLOSED = "closed"


_SILENT: Final = {
    End.DROPPED: Fate.DROPPED,
    # A router tells a caller that there is no route five times, and then once a second
    # (net.ipv4.route.error_burst, which no namespace has for itself).
    End.UNROUTED: Fate.UNREACHABLE,
}
"""What stands behind a call that was not answered in time, by what the rules' walk says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One way to reach a Service port."""

    name: str
    """``ClusterIP``, the node whose NodePort it is, or ``LoadBalancer``."""
    address: AddrPort
    policy: str = ""
    """The externalTrafficPolicy at the time of the calls; empty for a ClusterIP, which has none."""

    @property
    def is_node_port(self) -> bool:
        """Whether it is a NodePort on one of the nodes."""
        return self.name not in {CLUSTER_IP, LOAD_BALANCER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One caller, one target."""

    outcome: Outcome
    fate: Fate
    hidden_by: str = ""
    """The host whose address the pod saw; empty when the source was not hidden, or by nobody of
    the lab."""
    decision: Decision | None = None
    """What decided, predicted by walking the rules that the kernels hold; None when nobody asked,
    or a rule is in the way whose effect is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """The results of one caller."""

    caller: str
    kind: str
    """``client``, ``node`` or ``pod``."""
    node: str
    """Where a pod runs; empty for other callers."""
    cells: tuple[Cell, ...]
    """One for each target, in the order of the targets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMatrix:
    """All callers of one Service port."""

    service: str
    """``default/web``, with ``:http`` when the port has a name."""
    protocol: str = "TCP"
    policy: str
    """externalTrafficPolicy as the Service has it; empty when it has no NodePort."""
    targets: tuple[Target, ...]
    """With several policies tried, those of one policy after those of another."""
    rows: tuple[MatrixRow, ...]

    def policies(self) -> list[str]:
        """Return the policies under which its NodePort was called, in their order."""
        return list(dict.fromkeys(target.policy for target in self.targets if target.policy))


def cell_of(outcome: Outcome, owners: Mapping[Address, str], decision: Decision | None) -> Cell:
    """Return what a call's end means.

    Args:
        outcome: How it ended.
        owners: The host that has an address.
        decision: What the rules' walk says of the call.
    """
    seen = outcome.client_address
    sent_from = outcome.pair.source.address if outcome.pair else None
    if outcome.result is Result.ANSWERED and seen is not None and seen != sent_from:
        by = owners.get(seen, "")
        return Cell(outcome=outcome, fate=Fate.HIDDEN, hidden_by=by, decision=decision)
    return Cell(outcome=outcome, fate=_fate(outcome, decision), decision=decision)


def _fate(outcome: Outcome, decision: Decision | None) -> Fate:
    match outcome.result:
        case Result.ANSWERED:
            return Fate.ANSWERED if outcome.client_address is None else Fate.KEPT
        case Result.REFUSED:
            return Fate.REFUSED
        case Result.UNREACHABLE:
            return Fate.UNREACHABLE
        case Result.CLOSED:
            return Fate.CLOSED
        case Result.TIMEOUT:
            return _silence(decision) if decision is not None else Fate.NO_ANSWER


def _silence(decision: Decision) -> Fate:
    return Fate.ASTRAY if decision.bypass else _SILENT.get(decision.end, Fate.NO_ANSWER)

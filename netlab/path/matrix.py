"""Who calls what, and the result: outcomes of calls, laid out by caller and target."""

from dataclasses import dataclass

from netlab.path.observations import AddrPort
from netlab.path.outcomes import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One way to reach a Service port."""

    name: str
    """``ClusterIP``, or the node whose NodePort it is."""
    address: AddrPort


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """The results of one caller."""

    caller: str
    kind: str
    """``client``, ``node`` or ``pod``."""
    node: str
    """Where a pod runs; empty for other callers."""
    outcomes: tuple[Outcome, ...]
    """One for each target, in the order of the targets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMatrix:
    """All callers of one Service port."""

    service: str
    """``default/web``, with ``:http`` when the port has a name."""
    policy: str
    """externalTrafficPolicy; empty when the Service has no NodePort."""
    targets: tuple[Target, ...]
    rows: tuple[MatrixRow, ...]

"""What mattered of a walk through chains."""

from collections.abc import Iterable

from netlab.trace.packet import RuleHit

_JUMPS = {"JUMP", "GOTO"}
_ENDS = {"DROP", "REJECT", "ACCEPT", "QUEUE", "STOLEN"}


def deciding(hits: Iterable[RuleHit]) -> list[RuleHit]:
    """Return the hits that changed something, and the jumps that led there.

    Left out are jumps into chains that came back with nothing done, plain returns, and policies
    that let the packet go on.

    Args:
        hits: Of one table at one hook, in order.
    """
    kept: list[RuleHit] = []
    way: list[RuleHit] = []
    mark = 0
    for hit in hits:
        while way and way[-1].target != hit.chain:
            way.pop()
        if hit.verdict in _JUMPS:
            way.append(hit)
            continue
        if _matters(hit, mark):
            kept += [*(jump for jump in way if jump not in kept), hit]
        mark = hit.mark
    return kept


def _matters(hit: RuleHit, mark: int) -> bool:
    if hit.is_policy:
        return hit.verdict != "ACCEPT"
    return hit.verdict in _ENDS or hit.mark != mark

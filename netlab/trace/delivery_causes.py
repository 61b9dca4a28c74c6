"""What was out of the ordinary with a connection that came to its end all the same."""

from collections.abc import Sequence
from typing import Final

from netlab.kubeproxy.nftables.static import MASQUERADING
from netlab.model.packets import Nat
from netlab.netfilter.nftables.table import TABLE
from netlab.trace.cause import Cause, named_rule, rewriter, shown_rule
from netlab.trace.packet import Packet, Result, RuleHit
from netlab.trace.paths import Way
from netlab.trace.question import Question

_MASQUERADE: Final = ("KUBE-", "IP-MASQ-AGENT", "NETLAB-", "CNI-", MASQUERADING)
"""How the chains of netlab's own begin that rewrite sources."""
_OWN: Final = ("KUBE-", "NETLAB-", "CNI-")
"""How the chains of iptables begin that choose destinations."""
_MARKS: Final = ("KUBE-", "mark-for-masquerade")
"""How the chains of kube-proxy begin that ask for it."""


def odd_delivery(packets: Sequence[Packet], request: Packet, question: Question) -> Cause:
    """Say what was odd about a connection that was answered; nothing where nothing was.

    Args:
        packets: All that were seen.
        request: The packet that made the connection.
        question: What was tried, and what is known.
    """
    found = [
        _lost_before(packets, request, question),
        _sent_elsewhere(request, question),
        _masqueraded(request, question),
    ]
    causes = [cause for cause in found if cause is not None]
    if not causes:
        return Cause("")
    return Cause("; ".join(cause.why for cause in causes), causes[-1].hint)


def _lost_before(packets: Sequence[Packet], request: Packet, question: Question) -> Cause | None:
    """Say what became of an earlier attempt."""
    for packet in packets:
        is_lost = packet.verdict.result not in {Result.DELIVERED, Result.REFUSED}
        if packet.way is Way.REQUEST and packet.attempt < request.attempt and is_lost:
            by = packet.verdict.by
            hint = shown_rule(packet.verdict.host, by, question) if isinstance(by, RuleHit) else ""
            return Cause(f"attempt {packet.attempt} was {packet.verdict.words}", hint)
    return None


def _sent_elsewhere(request: Packet, question: Question) -> Cause | None:
    """Say which rule chose the destination where none of kube-proxy's or the CNI's did."""
    found = rewriter(request, Nat.DNAT)
    if found is None or found[1].by is None or found[1].by.chain.startswith(_OWN):
        return None
    host, step = found
    by = step.by
    if by is None or by.table == TABLE:
        return None
    return Cause(
        f"{named_rule(by)} on {host} sent it to {step.after}, a rule that is neither kube-proxy's"
        f" nor the CNI's",
        shown_rule(host, by, question),
    )


def _masqueraded(request: Packet, question: Question) -> Cause | None:
    """Say which rule replaced the source where none of kube-proxy's or the CNI's did."""
    found = rewriter(request, Nat.SNAT)
    if found is None or found[1].by is None or found[1].before.address == found[1].after.address:
        return None
    host, step = found
    by = step.by
    assert by is not None  # noqa: S101 (just looked at)
    whose = "a rule that is neither kube-proxy's nor the CNI's"
    if not by.chain.startswith(_MASQUERADE):
        return Cause(
            f"{named_rule(by)} on {host} replaced the source, {whose}",
            shown_rule(host, by, question),
        )
    marks = [
        hit
        for at, hit in request.steps()
        if at == host and isinstance(hit, RuleHit) and hit.target == "MARK" and hit.mark
    ]
    before = [hit for hit in marks if hit.chain != by.chain]
    if not before or any(hit.chain.startswith(_MARKS) for hit in before):
        return None
    return Cause(
        f"{named_rule(before[-1])} on {host} marked it for masquerading, {whose}",
        shown_rule(host, before[-1], question),
    )

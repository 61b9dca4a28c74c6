"""Rules as iptables-save prints them, where that is not how they are told.

Source: iptables, ``extensions/libxt_statistic.c``, ``libxt_recent.c``, ``libipt_REJECT.c``.
"""

from collections.abc import Callable
from typing import Final

from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import PORT_UNREACHABLE, drawn
from netlab.netfilter.iptables.matches import Match, RecentCheck, RecentSet, Statistic
from netlab.netfilter.iptables.rules import Rule
from netlab.netfilter.iptables.targets import Reject
from netlab.netfilter.iptables.words import word

WHOLE_ADDRESS: Final = {
    Family.IPV4: "255.255.255.255",
    Family.IPV6: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
}
"""The mask of every ``recent`` that was told none."""


def printed(rule: Rule, family: Family) -> str:
    """Return the ``-A`` line in which iptables-save prints ``rule``.

    Not every iptables prints alike: a line that differs from this one may mean the same.

    >>> from netlab.netfilter.iptables.rules import rule
    >>> printed(rule("X", target=Reject()), Family.IPV4)
    '-A X -j REJECT --reject-with icmp-port-unreachable'
    """
    parts = [
        _OTHERWISE[type(match)](match, family) if type(match) in _OTHERWISE else str(match)
        for match in rule.matches
    ]
    target = rule.target
    if isinstance(target, Reject) and not target.reject_with:
        target = Reject(PORT_UNREACHABLE[family])
    if target is not None:
        parts.append(str(target))
    return " ".join([f"-A {word(rule.chain)}", *parts])


def _statistic(match: Match, _: Family) -> str:
    probability = drawn(match.probability) if isinstance(match, Statistic) else 1
    return f"-m statistic --mode random --probability {probability:.11f}"


def _recent(match: Match, family: Family) -> str:
    return f"{match} --mask {WHOLE_ADDRESS[family]} --rsource"


_OTHERWISE: Final[dict[type[Match], Callable[[Match, Family], str]]] = {
    Statistic: _statistic,
    RecentSet: _recent,
    RecentCheck: _recent,
}

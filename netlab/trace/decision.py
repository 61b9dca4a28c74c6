"""The rule that decides what becomes of a connection, out of the ways predicted for it.

Where NAT picks an endpoint, the rule of the balancing chain that leads to it has decided; where a
rule drops or refuses, that rule has; and where no rule takes part, the routes have. A decision is
a prediction: it comes from a walk through the rules that a kernel holds, not from a packet.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from netlab.model.addresses import Address
from netlab.model.packets import Nat
from netlab.netfilter.verdicts import Endpoints, HitRule
from netlab.trace.predicted_path import End, PredictedPath, PredictedVisit

_DECIDED_BY_RULE = frozenset({End.DROPPED, End.REJECTED})
_BALANCES = ("KUBE-SVC-", "KUBE-SVL-", "service-", "local-")
"""What chains that pick endpoints are called, in iptables and in nftables mode."""
_REFUSES = "reject-chain"
"""Chain of nftables mode that maps send what they refuse to; the map decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What decided, and where."""

    host: str
    """Whose rules or routes."""
    end: End
    """``delivered`` when any way leads to a socket's host."""
    chains: tuple[str, ...] = ()
    """The chain of the deciding rule, and the one it leads to; empty when no rule takes part."""
    rule: str = ""
    """The deciding ``-A`` line; empty when there are several alike, one for each endpoint."""
    comment: str = ""
    endpoints: Endpoints = ()
    snat_at: str = ""
    """The host that will rewrite the source; empty when none will."""
    bypass: Fraction = Fraction(0)
    """The chance that the reply passes ``host`` by, so that nobody undoes its DNAT."""

    def with_bypass(self, on_the_way: Collection[str], nodes: Mapping[Address, str]) -> "Decision":
        """Return the same with the chance that the reply does not come back by ``host``.

        A reply goes straight from its pod's node to the caller's. It passes the node whose DNAT it
        needs undone if that is one of the two, or has made itself the source.

        Args:
            on_the_way: The caller, and the node that it runs on.
            nodes: Where the pod with an address runs.
        """
        if self.host in on_the_way or self.snat_at == self.host:
            return self
        lost = [chance for end, chance in self.endpoints if nodes.get(end.address) != self.host]
        return replace(self, bypass=sum(lost, Fraction(0)))

    def words(self) -> str:
        """Return the decision in one line, without its host."""
        if not self.chains:
            return _without_rule(self.end)
        said = f' "{self.comment}"' if self.comment else ""
        if self.end in _DECIDED_BY_RULE:
            verdict = "DROP" if self.end is End.DROPPED else "REJECT"
            return f"{self.chains[0]} {verdict}{said}"
        onward = f"{len(self.endpoints)} endpoints by chance"
        chosen = [self.chains[0], onward] if len(self.endpoints) > 1 else self.chains
        return f"{' → '.join(chosen)}{said}{self._reply()}"

    def _reply(self) -> str:
        if not self.bypass:
            return ""
        often = "the reply" if self.bypass == 1 else f"{self.bypass} of the replies"
        return f"; {often} will bypass {self.host}, the only host that can undo the DNAT"


def decision_of(ways: Sequence[PredictedPath]) -> Decision | None:
    """Return what decides a connection whose first packet can go these ways; None without any."""
    if not ways:
        return None
    delivered = [way for way in ways if way.end is End.DELIVERED]
    if not delivered:
        return _refusal(ways[0])
    snat_at = _rewriting(delivered[0], Nat.SNAT)
    choosing = _rewriting(delivered[0], Nat.DNAT)
    if choosing is None:
        return Decision(
            host=delivered[0].host, end=End.DELIVERED, snat_at=snat_at.host if snat_at else ""
        )
    picks = [pick for way in delivered if (pick := _pick(way)) is not None]
    # One rule of nftables leads to all endpoints, as many rules of iptables do.
    rules = {(str(rule), rule.leads_to) for rule in picks}
    chains = [_chains(rule) for rule in picks]
    alike = next((way.alike for way in delivered if way.alike), ())
    is_one = len(rules) == 1 and not alike
    return Decision(
        host=choosing.host,
        end=End.DELIVERED,
        chains=chains[0] if is_one else chains[0][:1],
        rule=str(picks[0]) if is_one else "",
        comment=picks[0].comment
        if len(picks) == 1 and not alike
        else picks[0].comment.partition(" -> ")[0],
        endpoints=alike or tuple((way.destination, way.chance) for way in delivered),
        snat_at=snat_at.host if snat_at else "",
    )


def _refusal(way: PredictedPath) -> Decision:
    hits = way.visits[-1].hits
    if way.end not in _DECIDED_BY_RULE or not hits:
        return Decision(host=way.host, end=way.end)
    refusing = len(hits) > 1 and hits[-1].rule.chain == _REFUSES
    rule = hits[-2 if refusing else -1].rule
    return Decision(
        host=way.host, end=way.end, chains=(rule.chain,), rule=str(rule), comment=rule.comment
    )


def _rewriting(way: PredictedPath, kind: Nat) -> PredictedVisit | None:
    """Return the first visit in which an address is rewritten."""
    return next((v for v in way.visits if any(r.kind is kind for r in v.rewrites)), None)


def _pick(way: PredictedPath) -> HitRule | None:
    """Return the rule that picked the endpoint: the last jump before the DNAT."""
    visit = _rewriting(way, Nat.DNAT)
    rules = [hit.rule for hit in visit.hits] if visit else []
    last = next((number for number, rule in enumerate(rules) if rule.is_dnat), None)
    if last is None:
        return None
    balancing = [rule for rule in rules[:last] if rule.chain.startswith(_BALANCES)]
    leads = [rule for rule in balancing if rule.leads_to == rules[last].chain]
    return leads[-1] if leads else rules[last]


def _chains(rule: HitRule) -> tuple[str, ...]:
    return (rule.chain, rule.leads_to) if rule.leads_to else (rule.chain,)


def _without_rule(end: End) -> str:
    match end:
        case End.UNSENT | End.UNROUTED:
            return "no route"
        case End.LOST:
            return "no host has the address"
        case End.DELIVERED:
            return "no rule: the routes lead there"
        case _:
            return "a chain's policy"

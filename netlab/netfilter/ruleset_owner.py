"""Who owns rules in a namespace, and by which names they are known.

Several owners have rules in one namespace: kube-proxy, the CNI's masquerading, a cloud's address
translation, a load balancer. Each is known by the names of its chains, as Felix and kube-proxy are:
what carries them is its own, everything else is somebody else's and stays as it is. So nothing has
to be remembered to find what is left over.
"""

from dataclasses import dataclass

Prefixes = tuple[str, ...]
"""How names of chains begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesetOwner:
    """The names by which an owner's rules are known."""

    chains: Prefixes
    """All of its chains of iptables."""
    object_chains: Prefixes = ()
    """Those of them that stand for one object: they go when nothing wants them any more."""
    has_table: bool = False
    """Whether it may have rules in nftables too: the table ``netfilter.nftables.table.TABLE``."""
    appends: bool = False
    """Whether its jumps go to the end of a built-in chain, and not to the beginning."""

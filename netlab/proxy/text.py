"""The text that kube-proxy on one node would give to the kernel's tools."""

from dataclasses import replace

from netlab.model.addresses import Family
from netlab.model.topology import ProxyMode
from netlab.netfilter.render import render
from netlab.netfilter.rules import Ruleset, Table
from netlab.proxy.iptables import compile_ruleset
from netlab.proxy.nftables import compile_text as compile_nftables
from netlab.proxy.view import ProxyView


def compile_text(view: ProxyView, family: Family) -> str:
    """Return text for ``iptables-restore --noflush``, or ``nft -f``, by the mode of ``view``.

    The same objects give the same bytes, in whatever order they come. Policies of built-in chains
    stay as they are; kube-proxy's jumps go behind the rules that are there.
    """
    inputs = view.node, view.services, view.slices, view.configuration, family
    match view.mode:
        case ProxyMode.NFTABLES:
            return compile_nftables(*inputs, service_cidrs=view.service_cidrs)
        case ProxyMode.IPTABLES:
            return render(_without_policies(compile_ruleset(*inputs)))


def _without_policies(ruleset: Ruleset) -> Ruleset:
    """Return ``ruleset`` with ``-`` for each policy, by which iptables-restore leaves it alone."""
    return Ruleset(
        ruleset.family,
        tuple(
            Table(table.name, tuple(replace(chain, policy=None) for chain in table.chains))
            for table in ruleset.tables
        ),
    )

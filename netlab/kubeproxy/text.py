"""The text that kube-proxy on one node would give to the kernel's tools."""

from dataclasses import replace

from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.kubeproxy.nftables.compile import compile_text as compile_nftables
from netlab.kubeproxy.view import ProxyView
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyMode
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset, Table


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

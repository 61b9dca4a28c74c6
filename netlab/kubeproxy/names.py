"""The names by which kube-proxy's rules are known.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` and ``cleanup.go``.
"""

from typing import Final

from netlab.netfilter.ruleset_owner import RulesetOwner

KUBE_PROXY: Final = RulesetOwner(
    chains=("KUBE-",),
    object_chains=("KUBE-SVC-", "KUBE-SVL-", "KUBE-EXT-", "KUBE-FW-", "KUBE-SEP-"),
    has_table=True,
)
"""In nftables mode it owns a table instead."""

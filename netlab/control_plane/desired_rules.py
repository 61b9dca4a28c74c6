"""All rules of netlab's that namespaces must hold, whoever owns them."""

from netlab.apiserver.store import Store
from netlab.cni.address_translation import cloud_rules, masquerade_rules
from netlab.cni.portmap import portmap_rules
from netlab.kubeproxy import desired
from netlab.model.names import NetnsFamily
from netlab.model.topology import Topology
from netlab.netfilter.iptables.canonical import merge
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.ruleset_change import NamespaceRules


def desired_rules(lab: str, topology: Topology, store: Store) -> dict[NetnsFamily, NamespaceRules]:
    """Return the rules that each namespace must hold, kube-proxy's before others'."""
    kube_proxy = desired.desired_rules(lab, topology, store)
    others = cloud_rules(lab, topology) | masquerade_rules(lab, topology)
    host_ports = portmap_rules(lab, topology, store.list_("pods"))
    others |= {key: merge(others[key], rules) for key, rules in host_ports.items()}
    return {
        key: _joined(kube_proxy.get(key), others[key])
        for family in topology.families
        for key in others
        if key.family is family
    }


def _joined(rules: NamespaceRules | None, own: Ruleset) -> NamespaceRules:
    if rules is None:
        return NamespaceRules(iptables=own)
    return NamespaceRules(iptables=merge(rules.iptables, own), nftables=rules.nftables)

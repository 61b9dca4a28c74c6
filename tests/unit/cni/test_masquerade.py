from ipaddress import ip_address, ip_network

from netlab.cni.masquerade import external_ip_ruleset, masquerade_ruleset
from netlab.kubeproxy.iptables.static import nat_hooks
from netlab.model.addresses import Family
from netlab.netfilter.iptables.canonical import merge
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset, Table
from netlab.netfilter.iptables.targets import Jump


def test_what_is_outside_within_the_clusters_networks_is_masqueraded_first():
    own = masquerade_ruleset(
        [ip_network("10.0.0.0/8")], outside=[ip_address("10.240.0.1"), ip_address("fd00::1")]
    )
    rules = [line for line in render(own).splitlines() if line.startswith("-A IP-MASQ-AGENT")]
    assert rules[0].startswith("-A IP-MASQ-AGENT -d 10.240.0.1/32 ")
    assert rules[0].endswith(" -j MASQUERADE")
    assert len(rules) == 3


def test_pods_are_masqueraded_but_towards_the_cluster():
    text = render(masquerade_ruleset([ip_network("10.0.0.0/8"), ip_network("fd00::/8")]))
    assert text == (
        "*nat\n"
        ":POSTROUTING ACCEPT [0:0]\n"
        ":IP-MASQ-AGENT - [0:0]\n"
        '-A POSTROUTING -m comment --comment "ip-masq-agent: ensure nat POSTROUTING directs all'
        ' non-LOCAL destination traffic to our custom IP-MASQ-AGENT chain"'
        " -m addrtype ! --dst-type LOCAL -j IP-MASQ-AGENT\n"
        '-A IP-MASQ-AGENT -d 10.0.0.0/8 -m comment --comment "ip-masq-agent: local traffic is not'
        ' subject to MASQUERADE" -j RETURN\n'
        '-A IP-MASQ-AGENT -m comment --comment "ip-masq-agent: outbound traffic is subject to'
        ' MASQUERADE (must be last in chain)" -j MASQUERADE\n'
        "COMMIT\n"
    )


def test_external_ips_are_translated_one_to_one():
    pairs = [
        (ip_address("192.0.2.3"), ip_address("10.240.0.3")),
        (ip_address("2001:db8::3"), ip_address("fd00::3")),
    ]
    text = render(external_ip_ruleset(pairs, "internet0"))
    assert "-A NETLAB-EXTERNAL-DNAT -d 192.0.2.3/32 -j DNAT --to-destination 10.240.0.3\n" in text
    assert (
        "-A NETLAB-EXTERNAL-SNAT -s 10.240.0.3/32 -o internet0 -j SNAT --to-source 192.0.2.3\n"
        in text
    )
    assert "fd00" not in text
    assert "fd00::3" in render(external_ip_ruleset(pairs, "internet0", Family.IPV6))


def test_kube_proxys_masquerading_comes_first_on_a_node():
    proxy = Ruleset(Family.IPV4, (Table("nat", tuple(nat_hooks())),))
    hook = merge(proxy, masquerade_ruleset([])).table("nat").chain("POSTROUTING")
    assert [rule.target for rule in hook.rules] == [
        Jump("KUBE-POSTROUTING"),
        Jump("IP-MASQ-AGENT"),
    ]

from collections.abc import Callable

import pytest

from netlab.kubeproxy.iptables.chains import split_evenly
from netlab.netfilter.iptables.rules import Ruleset

Lay = Callable[..., Ruleset]

NODE_PORT = {"type": "NodePort", "ports": [{"port": 80, "nodePort": 31704}]}
LOCAL = {**NODE_PORT, "externalTrafficPolicy": "Local"}


def chain_of(ruleset: Ruleset, prefix: str) -> list[str]:
    """The rules of the one chain whose name begins with ``prefix``."""
    nat = ruleset.table("nat")
    assert nat is not None
    (chain,) = [chain for chain in nat.chains if chain.name.startswith(prefix)]
    return [rule.specification.strip() for rule in chain.rules]


def test_source_ranges_that_hold_the_node_let_the_vip_in_too(lay: Lay):
    ruleset = lay(
        {
            **LOCAL,
            "type": "LoadBalancer",
            "ingress": [{"ip": "203.0.113.10"}],
            "loadBalancerSourceRanges": [" 198.51.100.0/24", "10.240.0.0/24"],
        }
    )
    *accepted, last = chain_of(ruleset, "KUBE-FW-")
    assert [line.split(" -m ")[0] for line in accepted] == [
        "-s 198.51.100.0/24",
        "-s 10.240.0.0/24",
        "-s 203.0.113.10/32",
    ]
    assert "-j" not in last


def test_external_policy_cluster_masquerades_all(lay: Lay):
    mark, go = chain_of(lay(NODE_PORT), "KUBE-EXT-")
    assert mark.endswith("-j KUBE-MARK-MASQ")
    assert go.startswith("-j KUBE-SVC-")


@pytest.mark.parametrize(
    ("pods", "last"),
    [
        ([("10.244.1.2", "node1")], "-j KUBE-SVL-"),
        ([("10.244.2.2", "node2")], '-m comment --comment "route LOCAL traffic'),
    ],
    ids=["a local endpoint", "no local endpoint"],
)
def test_external_policy_local_is_for_outsiders(lay: Lay, pods: list[tuple[str, str]], last: str):
    lines = chain_of(lay(LOCAL, pods=pods), "KUBE-EXT-")
    assert lines[0].startswith("-s 10.244.0.0/16")
    assert "--src-type LOCAL -j KUBE-MARK-MASQ" in lines[1]
    assert "--src-type LOCAL -j KUBE-SVC-" in lines[2]
    assert lines[-1].startswith(last)


def test_affinity_is_asked_before_the_die(lay: Lay):
    spec = {
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
    }
    lines = chain_of(lay(spec), "KUBE-SVC-")
    found = ["rcheck" if "--rcheck --seconds 60 --reap" in line else "" for line in lines]
    assert found == ["", "rcheck", "rcheck", "", ""]


def test_an_endpoint_that_calls_itself_is_masqueraded(lay: Lay):
    mark, dnat = chain_of(lay({}, pods=[("10.244.1.2", "node1")]), "KUBE-SEP-")
    assert mark == '-s 10.244.1.2/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ'
    assert dnat.endswith("-m tcp -j DNAT --to-destination 10.244.1.2:8080")


def test_nobody_splits_among_nobody():
    assert list(split_evenly(0)) == []

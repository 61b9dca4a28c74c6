"""Rules by Service: what kube-proxy lays is found again, every rule once."""

from ipaddress import ip_address, ip_network

import pytest

from netlab.kube.kinds.service.view import (
    EndpointSlice,
    ProxyNode,
    Service,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.kubeproxy.rule_groups import endpoints_by_chain, group_by_service
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.counters import CountedRule, parse_counted
from netlab.netfilter.iptables.render import render

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"),))


def service(name: str, **spec: object) -> Service:
    ports = [{"name": "a", "port": 80, "nodePort": 30000 + len(name)}]
    return service_of(
        {
            "metadata": {"namespace": "ns", "name": name},
            "spec": {
                "type": "NodePort",
                "clusterIP": f"10.0.0.{len(name)}",
                "ports": ports,
                **spec,
            },
        }
    )


def endpoints(name: str, count: int) -> EndpointSlice:
    found = [
        {"addresses": [str(ip_address("10.1.0.1") + n)], "nodeName": "node2"} for n in range(count)
    ]
    return endpoint_slice_of(
        {
            "metadata": {
                "namespace": "ns",
                "name": f"{name}-1",
                "labels": {"kubernetes.io/service-name": name},
            },
            "ports": [{"name": "a", "port": 8080}],
            "endpoints": found,
        }
    )


def counted(services: list[Service], slices: list[EndpointSlice]) -> list[CountedRule]:
    configuration = ProxyConfiguration(cluster_cidrs=(ip_network("10.1.0.0/16"),))
    rules = compile_ruleset(NODE, services, slices, configuration, Family.IPV4)
    return parse_counted(render(rules).replace("\n-A ", "\n[1:60] -A "), Family.IPV4)


SERVICES = [service("web"), service("local", externalTrafficPolicy="Local"), service("idle2")]


@pytest.mark.parametrize(
    "count", [pytest.param(2, id="with comments"), pytest.param(1001, id="large, without")]
)
def test_every_rule_is_in_one_group_and_every_service_has_its_own(count: int):
    rules = counted(SERVICES, [endpoints("web", count), endpoints("local", 2)])
    groups = group_by_service(rules)
    assert [group.service for group in groups] == ["ns/idle2", "ns/local", "ns/web", ""]
    assert sum(len(group.rules) for group in groups) == len(rules)
    web = groups[2].rules
    assert sum(one.rule.chain.startswith("KUBE-SEP-") for one in web) == 2 * count
    assert not any(one.rule.chain.startswith("KUBE-SEP-") for one in groups[3].rules)


def test_a_packet_meets_the_rules_of_a_service_from_top_to_bottom():
    group = group_by_service(counted([SERVICES[0]], [endpoints("web", 1)]))[0]
    chains = [one.rule.chain[:8] for one in group.rules]
    assert chains == [
        "KUBE-NOD",
        "KUBE-SER",
        *["KUBE-EXT"] * 2,
        *["KUBE-SVC"] * 2,
        *["KUBE-SEP"] * 2,
    ]


def test_endpoints_are_known_by_their_chain():
    found = endpoints_by_chain(counted([SERVICES[0]], [endpoints("web", 2)]))
    assert sorted(found.values()) == ["10.1.0.1:8080", "10.1.0.2:8080"]


def test_a_comment_of_somebody_elses_rule_makes_no_service():
    rule = '[1:1] -A INPUT -m comment --comment "ns/web is mine" -j DROP'
    text = f"*filter\n:INPUT ACCEPT\n{rule}\nCOMMIT\n"
    [group] = group_by_service(parse_counted(text, Family.IPV4))
    assert group.service == ""

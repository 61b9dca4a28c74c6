"""kube-proxy's own packet-flow facts, walked through the compiled rules.

The walk is upstream's: nat PREROUTING, then the filter chains, as one node would; every rule with a
probability is followed as well as passed, and conntrack states, marks and affinity never match.
"""

import json
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.model.addresses import Address, Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.matches import (
    AddrType,
    Comment,
    CtState,
    Destination,
    IpProtocol,
    Mark,
    Match,
    Ports,
    RecentCheck,
    RecentSet,
    Side,
    Source,
    Statistic,
)
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.targets import Accept, Dnat, Drop, Jump, Reject, Return, Target

Facts = dict[str, Any]

FACTS: Facts = json.loads(
    (Path(__file__).parents[2] / "golden/kubeproxy/kube-proxy-facts.json").read_text("utf-8")
)
FILTER_CHAINS = (
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-FIREWALL",
)


@dataclass
class Walk:
    ruleset: Ruleset
    flow: Facts
    local: set[Address]
    endpoints: set[str] = field(default_factory=set)
    masquerade: bool = False
    verdict: str = ""

    def matches(self, match: Match):
        source, destination = (ip_address(self.flow[key]) for key in ("sourceIP", "destIP"))
        match match:
            case Source(network, inverted) | Destination(network, inverted):
                address = source if isinstance(match, Source) else destination
                return (address in network) != inverted
            case IpProtocol(protocol):
                return protocol == self.flow["protocol"].lower()
            case Ports(_, destination=port):
                return port is None or port == self.flow["destPort"]
            case AddrType(side, "LOCAL", inverted):
                address = source if side is Side.SOURCE else destination
                return (address in self.local) != inverted
            case Comment() | Statistic() | RecentSet():
                return True
            case CtState() | Mark() | RecentCheck():
                return False
        pytest.fail(f"the walk knows no {match!r}")

    def run(self, table: str, name: str):
        """Return whether the packet's fate in the table is settled."""
        for rule in self.ruleset.table(table).chain(name).rules:
            if not all(map(self.matches, rule.matches)):
                continue
            chance = any(isinstance(match, Statistic) for match in rule.matches)
            if isinstance(rule.target, Return):
                return False
            if self.settle(table, rule.target) and not chance:
                return True
        return False

    def settle(self, table: str, target: Target | None):
        match target:
            case Jump("KUBE-MARK-MASQ"):
                self.masquerade = True
            case Jump(chain):
                return self.run(table, chain)
            case Dnat(address, port):
                host = address if address.version == 4 else f"[{address}]"
                self.endpoints.add(f"{host}:{port}")
                return True
            case Accept() | Drop() | Reject():
                self.verdict = type(target).__name__.upper()
                return True
        return False


def flow_cases():
    for case in FACTS["cases"]:
        for flow in case["flows"]:
            yield pytest.param(case, flow, id=f"{case['name']}: {flow['name']} ({flow['id']})")


def compile_case(case: Facts):
    config = case["config"]
    family = Family(config["ipFamily"])
    services, slices = [], []
    for entry in case["services"]:
        services.append(service_of(manifest(entry)))
        slices += [endpoint_slice_of(piece) for piece in endpoint_slices(entry, family)]
    node = ProxyNode(
        name=config["node"],
        addresses=tuple(
            ip_address(ip)
            for ip in dict.fromkeys((config["nodeIP"], *config["localIPs"]))
            if not ip_address(ip).is_loopback
        ),
    )
    configuration = ProxyConfiguration(
        cluster_cidrs=(ip_network(config["clusterCIDR"]), ip_network(config["clusterCIDRv6"])),
        masquerade_all=config["masqueradeAll"],
        localhost_node_ports=config["localhostNodePorts"],
        node_port_addresses=tuple(ip_network(cidr) for cidr in config["nodePortAddresses"]),
    )
    return compile_ruleset(node, services, slices, configuration, family)


def manifest(entry: Facts):
    spec = {
        key: entry[key]
        for key in (
            "type",
            "clusterIP",
            "ports",
            "externalIPs",
            "loadBalancerSourceRanges",
            "internalTrafficPolicy",
            "externalTrafficPolicy",
            "healthCheckNodePort",
            "sessionAffinity",
        )
    }
    ingress = [{"ip": ip} for ip in entry["loadBalancerIngressIPs"]]
    return {
        "metadata": {"namespace": entry["namespace"], "name": entry["name"]},
        "spec": spec,
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def endpoint_slices(entry: Facts, family: Family):
    """Give each endpoint a slice of its own: their ports may differ."""
    for number, endpoint in enumerate(entry["endpoints"]):
        conditions = {key: endpoint[key] for key in ("ready", "serving", "terminating")}
        yield {
            "metadata": {
                "namespace": entry["namespace"],
                "name": f"{entry['name']}-{number}",
                "labels": {SERVICE_NAME_LABEL: entry["name"]},
            },
            "addressType": family,
            "ports": endpoint["ports"],
            "endpoints": [
                {
                    "addresses": [endpoint["ip"]],
                    "nodeName": endpoint["node"],
                    "conditions": conditions,
                }
            ],
        }


@pytest.mark.parametrize(("case", "flow"), list(flow_cases()))
def test_packet_goes_where_kube_proxy_sends_it(case: Facts, flow: Facts):
    local = {ip_address(ip) for ip in case["config"]["localIPs"]}
    walk = Walk(compile_case(case), flow, local)

    walk.run("nat", "PREROUTING")
    if not walk.endpoints:
        any(walk.run("filter", chain) for chain in FILTER_CHAINS)

    assert sorted(walk.endpoints) == sorted(flow["endpoints"])
    assert (walk.verdict or ("ENDPOINTS" if walk.endpoints else "NONE")) == flow["verdict"]
    assert walk.masquerade == flow["masquerade"]


def test_jumps_lie_in_the_order_of_a_fresh_host():
    ruleset = compile_case(FACTS["cases"][0])
    found = {
        f"{table.name}/{chain.name}": [rule.target.chain for rule in chain.rules]
        for table in ruleset.tables
        for chain in table.chains
        if chain.policy is not None
    }
    assert found == FACTS["jumpRules"]["resultingOrderOnFreshHost"]


@pytest.mark.parametrize(
    "jump",
    FACTS["jumpRules"]["insertionOrder"],
    ids=lambda jump: f"{jump['table']} {jump['hook']} {jump['chain']}",
)
def test_jump_reads_as_kube_proxys(jump: Facts):
    hook = compile_case(FACTS["cases"][0]).table(jump["table"]).chain(jump["hook"])
    (rule,) = [rule for rule in hook.rules if rule.target == Jump(jump["chain"])]
    assert rule.comment == (jump["comment"] or "")
    assert any(isinstance(match, CtState) for match in rule.matches) == (jump["ctstate"] == "NEW")

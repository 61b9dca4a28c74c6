"""Compiled rules in a real namespace: both kinds of iptables take them and print them back."""

import secrets
import subprocess
from ipaddress import ip_address, ip_network

import pytest

from netlab.cni.masquerade import external_ip_ruleset, masquerade_ruleset
from netlab.kube.kinds.service.view import (
    SERVICE_NAME_LABEL,
    ProxyNode,
    endpoint_slice_of,
    service_of,
)
from netlab.kubeproxy.iptables.compile import compile_ruleset
from netlab.kubeproxy.names import KUBE_PROXY
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.canonical import merge, normalise
from netlab.netfilter.iptables.parse import parse
from netlab.netfilter.iptables.render import render
from netlab.netfilter.iptables.rules import Ruleset
from netlab.netfilter.iptables.sync import sync_text

pytestmark = pytest.mark.kernel

NODE = ProxyNode(name="node1", addresses=(ip_address("10.240.0.3"), ip_address("fd00:240::3")))
CONFIGURATION = ProxyConfiguration(
    cluster_cidrs=(ip_network("10.244.0.0/16"), ip_network("fd00:244::/48"))
)
POD, SERVICE, VIP = (
    {Family.IPV4: "10.244.{}.2", Family.IPV6: "fd00:244:{}::2"},
    {Family.IPV4: "10.0.0.8{}", Family.IPV6: "fd00::8{}"},
    {Family.IPV4: "203.0.113.10", Family.IPV6: "2001:db8::10"},
)


class Iptables:
    """One kind of iptables in one namespace, for one address family."""

    def __init__(self, netns: str, kind: str, family: Family) -> None:
        self.family = family
        self.inside = ["ip", "netns", "exec", netns]
        self.program = f"ip{'' if family is Family.IPV4 else '6'}tables-{kind}"

    def restore(self, text: str):
        argv = [*self.inside, f"{self.program}-restore", "--noflush"]
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def save(self):
        argv = [*self.inside, f"{self.program}-save"]
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout

    def have(self):
        return parse(self.save(), self.family)

    def reach(self, want: Ruleset):
        """Load the text that leads to ``want`` and return it."""
        text = sync_text(want, self.have(), KUBE_PROXY)
        self.restore(text)
        return text


@pytest.fixture(
    params=[(kind, family) for family in Family for kind in ("nft", "legacy")],
    ids=lambda param: f"{param[0]} {param[1]}",
)
def iptables(request: pytest.FixtureRequest):
    kind, family = request.param
    netns = f"h2-{secrets.token_hex(4)}"
    subprocess.run(["ip", "netns", "add", netns], check=True)
    yield Iptables(netns, kind, family)
    subprocess.run(["ip", "netns", "delete", netns], check=True)


def service(family: Family, name: str, number: int, **spec: object):
    port = {"port": 80, "targetPort": 8080, "nodePort": 31700 + number}
    return service_of(
        {
            "metadata": {"namespace": "default", "name": name},
            "spec": {"clusterIP": SERVICE[family].format(number), "ports": [port], **spec},
            "status": {"loadBalancer": {"ingress": [{"ip": VIP[family]}]}},
        }
    )


def endpoints(family: Family, name: str):
    pods = [(POD[family].format(n), f"node{n}") for n in (1, 2, 3)]
    return endpoint_slice_of(
        {
            "metadata": {"name": f"{name}-x", "labels": {SERVICE_NAME_LABEL: name}},
            "addressType": family,
            "ports": [{"name": "", "port": 8080}],
            "endpoints": [{"addresses": [ip], "nodeName": node} for ip, node in pods],
        }
    )


def want_of(family: Family, **changes: object):
    """Everything kube-proxy can lay, once, beside the masquerading of pods."""
    web = {"type": "NodePort", **changes}
    services = [
        service(family, "web", 1, **web),
        service(family, "idle", 2, type="NodePort"),
        service(family, "sticky", 3, sessionAffinity="ClientIP"),
        service(
            family,
            "balanced",
            4,
            type="LoadBalancer",
            externalTrafficPolicy="Local",
            healthCheckNodePort=32000,
            loadBalancerSourceRanges=[f"{VIP[family]}/32"],
        ),
    ]
    slices = [endpoints(family, name) for name in ("web", "sticky", "balanced")]
    proxy = compile_ruleset(NODE, services, slices, CONFIGURATION, family)
    return merge(proxy, masquerade_ruleset(CONFIGURATION.cluster_cidrs, family))


def test_kernel_holds_what_was_wanted(iptables: Iptables):
    want = want_of(iptables.family)

    iptables.reach(want)

    assert iptables.have() == normalise(want)
    assert sync_text(want, iptables.have(), KUBE_PROXY) == ""


def test_whole_text_loads_too(iptables: Iptables):
    want = want_of(iptables.family)
    iptables.restore(render(want))
    assert iptables.have() == normalise(want)


def test_another_policy_leaves_no_stale_chain(iptables: Iptables):
    cluster = want_of(iptables.family)
    local = want_of(iptables.family, externalTrafficPolicy="Local")
    iptables.reach(cluster)

    there = iptables.reach(local)
    assert iptables.have() == normalise(local)
    back = iptables.reach(cluster)

    assert iptables.have() == normalise(cluster)
    assert "KUBE-SVL-" in there
    assert "-X KUBE-SVL-" in back
    # What the policy does not concern is not written again.
    assert "*filter" not in there
    assert "sticky" not in there


def test_users_own_rules_stay(iptables: Iptables):
    want = want_of(iptables.family)
    iptables.reach(want)
    own = (
        "*filter\n:INPUT DROP [0:0]\n:MINE - [0:0]\n"
        '-A MINE -p tcp -m tcp ! --dport 22:80 -m comment --comment "it\\"s -j mine" -j LOG\n'
        "-I INPUT -j MINE\n-A INPUT -m limit --limit 5/sec -j MINE\nCOMMIT\n"
    )
    iptables.restore(own)
    before = iptables.have()

    assert sync_text(want, before, KUBE_PROXY) == ""
    iptables.reach(compile_ruleset(NODE, [], [], CONFIGURATION, iptables.family))

    table = iptables.have().table("filter")
    assert table.chain("MINE") == before.table("filter").chain("MINE")
    assert table.chain("INPUT") == before.table("filter").chain("INPUT")
    assert "KUBE-SVC-" not in iptables.save()


def test_router_translates_external_ips(iptables: Iptables):
    pairs = [(ip_address(VIP[iptables.family]), ip_address(POD[iptables.family].format(1)))]
    want = external_ip_ruleset(pairs, "internet0", iptables.family)
    iptables.reach(want)
    assert iptables.have() == normalise(want)

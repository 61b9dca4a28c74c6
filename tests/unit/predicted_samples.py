"""A lab of two nodes written by hand, with what its kernels would answer."""

from ipaddress import ip_address, ip_network

from netlab.model.addresses import Family
from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.model.packets import AddressPair, AddrPort
from netlab.netfilter.iptables.parse import parse
from netlab.sources.routes import RouteAnswer, RouteQuestion
from netlab.trace.host_rules import HostRules
from netlab.trace.predict_path import LabContext

NODE_RULES = """*nat
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A OUTPUT -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE --random-fully
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j KUBE-MARK-MASQ
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.244.1.2:8080
-A KUBE-NODEPORTS -p tcp -m tcp --dport 30080 -j DNAT --to-destination 10.244.2.2:8080
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A INPUT -p tcp -m tcp --dport 30081 -m comment --comment "no local endpoints" -j DROP
-A INPUT -p tcp -m tcp --dport 30082 -j REJECT
COMMIT
"""  # noqa: E501 (as iptables-save prints it)
ROUTER_RULES = """*nat
:PREROUTING ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i internet0 -d 192.0.2.4/32 -j DNAT --to-destination 10.240.0.4
-A POSTROUTING -s 10.240.0.4/32 -o internet0 -j SNAT --to-source 192.0.2.4
COMMIT
"""

_KINDS = {"client": HostKind.CLIENT, "router": HostKind.ROUTER}
_INTERFACES = {
    "client": {"eth0": "198.51.100.79"},
    "router": {"cloud0": "10.240.0.1", "internet0": "198.51.100.1"},
    "node1": {"eth0": "10.240.0.3", "veth1": "10.244.1.1"},
    "node2": {"eth0": "10.240.0.4", "veth2": "10.244.2.1"},
    "web-1": {"eth0": "10.244.1.2"},
    "web-2": {"eth0": "10.244.2.2"},
}
_ROUTES = {
    "client": {"0.0.0.0/0": "198.51.100.1 eth0"},
    "router": {"198.51.100.0/24": "- internet0", "10.240.0.0/24": "- cloud0"},
    "node1": {
        "10.244.1.2/32": "- veth1",
        "10.244.2.0/24": "10.240.0.4 eth0",
        "10.240.0.0/24": "- eth0",
        "0.0.0.0/0": "10.240.0.1 eth0",
    },
    "node2": {
        "10.244.2.2/32": "- veth2",
        "10.244.1.0/24": "10.240.0.3 eth0",
        "10.240.0.0/24": "- eth0",
        "0.0.0.0/0": "10.240.0.1 eth0",
    },
    "web-1": {"0.0.0.0/0": "10.244.1.1 eth0"},
    "web-2": {"0.0.0.0/0": "10.244.2.1 eth0"},
}


def ask(question: RouteQuestion) -> RouteAnswer:
    """Answer as the host's kernel would; the first route that fits is the closest."""
    if str(question.destination) in _INTERFACES[question.host].values():
        return RouteAnswer(route="local", ifname="lo")
    for prefix, way in _ROUTES[question.host].items():
        if question.destination in ip_network(prefix):
            via, ifname = way.split()
            return RouteAnswer(route=prefix, via="" if via == "-" else via, ifname=ifname)
    return RouteAnswer(error="no route")


def make_surroundings(node_rules: str = NODE_RULES) -> LabContext:
    addresses = {
        host: {name: (ip_address(address),) for name, address in found.items()}
        for host, found in _INTERFACES.items()
    }
    hosts = {
        host: Host(
            name=host,
            kind=_KINDS.get(host, HostKind.NODE if "node" in host else HostKind.POD),
            netns=NetnsName(f"netlab-x-{host}"),
            addresses=tuple(one for found in addresses[host].values() for one in found)[:1],
            node=f"node{host[-1]}" if "web" in host else None,
        )
        for host in _INTERFACES
    }
    rules = HostRules(iptables=parse(node_rules, Family.IPV4))
    router = HostRules(iptables=parse(ROUTER_RULES, Family.IPV4))
    return LabContext(
        hosts=hosts,
        addresses=addresses,
        rules={"node1": rules, "node2": rules, "router": router},
        ask=ask,
    )


def call(source: str, destination: str) -> AddressPair:
    """Return ``address:port`` twice as a pair."""
    ends = (text.rsplit(":", 1) for text in (source, destination))
    first, second = (AddrPort(ip_address(host.strip("[]")), int(port)) for host, port in ends)
    return AddressPair(first, second)

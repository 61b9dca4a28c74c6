"""The rules kube-proxy lays on every node, whatever Services there are.

Source: kube-proxy, ``pkg/proxy/iptables/proxier.go`` (iptablesJumpChains, syncProxyRules).
"""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network
from typing import Final

from netlab.model.addresses import Family, Network
from netlab.model.kube_proxy import ProxyConfiguration
from netlab.netfilter.iptables.matches import Comment, CtState, Destination, Mark, Source
from netlab.netfilter.iptables.rules import Chain, Rule, Table, rule
from netlab.netfilter.iptables.targets import Accept, Drop, Jump, Masquerade, Return, SetMark

LOOPBACK: Final[dict[Family, Network]] = {
    Family.IPV4: IPv4Network("127.0.0.0/8"),
    Family.IPV6: IPv6Network("::1/128"),
}

_NEW: Final = CtState(frozenset({"NEW"}))
_EXTERNAL: Final = ("KUBE-EXTERNAL-SERVICES", _NEW, "kubernetes externally-visible service portals")
_SERVICES: Final = ("KUBE-SERVICES", _NEW, "kubernetes service portals")
_FIREWALL: Final = ("KUBE-PROXY-FIREWALL", _NEW, "kubernetes load balancer firewall")
_HEALTH: Final = ("KUBE-NODEPORTS", None, "kubernetes health check service ports")
_FORWARD: Final = ("KUBE-FORWARD", None, "kubernetes forwarding rules")
_LOCALNET: Final = ("KUBE-FIREWALL", None, "")

_FILTER_HOOKS: Final = {
    "INPUT": (_LOCALNET, _FIREWALL, _HEALTH, _EXTERNAL),
    "FORWARD": (_FIREWALL, _FORWARD, _SERVICES, _EXTERNAL),
    "OUTPUT": (_LOCALNET, _FIREWALL, _SERVICES),
}
"""In the order packets meet them: kube-proxy puts each jump above the one before it."""

_NAT_SERVICES: Final = ("KUBE-SERVICES", None, "kubernetes service portals")
_NAT_HOOKS: Final = {
    "PREROUTING": (_NAT_SERVICES,),
    "OUTPUT": (_NAT_SERVICES,),
    "POSTROUTING": (("KUBE-POSTROUTING", None, "kubernetes postrouting rules"),),
}


def canary() -> Chain:
    """Return the empty chain whose loss tells kube-proxy that somebody flushed a table."""
    return Chain("KUBE-PROXY-CANARY", ())


def filter_hooks() -> Iterator[Chain]:
    """Yield the built-in chains of table filter with kube-proxy's jumps."""
    for hook, jumps in _FILTER_HOOKS.items():
        yield _hook(hook, jumps)


def nat_hooks() -> Iterator[Chain]:
    """Yield the built-in chains of table nat with kube-proxy's jumps."""
    for hook, jumps in _NAT_HOOKS.items():
        yield _hook(hook, jumps)


def mangle_table() -> Table:
    """Return table mangle, where kube-proxy has nothing but its canary."""
    return Table("mangle", (canary(),))


def mark_masq(configuration: ProxyConfiguration) -> Chain:
    """Return the chain that asks for masquerading."""
    mark = configuration.masquerade_mark
    name = "KUBE-MARK-MASQ"
    return Chain(name, (rule(name, target=SetMark(mark, mark)),))


def postrouting(configuration: ProxyConfiguration) -> Chain:
    """Return the chain that masquerades what was marked.

    The mark is taken off again, so that a packet that comes by a second time, after
    encapsulation say, is not masqueraded for it.
    """
    mark = configuration.masquerade_mark
    name = "KUBE-POSTROUTING"
    return Chain(
        name,
        (
            rule(name, Mark(mark, mark, inverted=True), target=Return()),
            rule(name, target=SetMark(mark, 0)),
            rule(
                name,
                Comment("kubernetes service traffic requiring SNAT"),
                target=Masquerade(configuration.random_fully),
            ),
        ),
    )


def forward(configuration: ProxyConfiguration) -> Chain:
    """Return the chain that lets Service traffic through where policy FORWARD would not.

    An INVALID packet has no translation and would reach the client from an address it never
    spoke to, which resets the connection; so it is dropped.
    """
    name = "KUBE-FORWARD"
    mark = configuration.masquerade_mark
    invalid = rule(name, CtState(frozenset({"INVALID"})), target=Drop())
    marked = rule(name, Comment("kubernetes forwarding rules"), Mark(mark, mark), target=Accept())
    known = rule(
        name,
        Comment("kubernetes forwarding conntrack rule"),
        CtState(frozenset({"RELATED", "ESTABLISHED"})),
        target=Accept(),
    )
    first = () if configuration.conntrack_tcp_be_liberal else (invalid,)
    return Chain(name, (*first, marked, known))


def localnet_firewall(configuration: ProxyConfiguration, family: Family) -> Chain:
    """Return the chain that drops packets for 127.0.0.0/8 that come from elsewhere.

    It is there in any case, and empty where nothing routes that network: the kubelet has the same
    chain.
    """
    name = "KUBE-FIREWALL"
    localnet = LOOPBACK[Family.IPV4]
    strangers = rule(
        name,
        Comment("block incoming localnet connections"),
        Destination(localnet),
        Source(localnet, inverted=True),
        CtState(frozenset({"RELATED", "ESTABLISHED", "DNAT"}), inverted=True),
        target=Drop(),
    )
    return Chain(name, (strangers,) if _routes_localnet(configuration, family) else ())


def _routes_localnet(configuration: ProxyConfiguration, family: Family) -> bool:
    """Tell whether 127.0.0.0/8 is routed for NodePorts."""
    networks = configuration.node_port_networks(family)
    has_loopback = not networks or any(each.overlaps(LOOPBACK[family]) for each in networks)
    return family is Family.IPV4 and configuration.localhost_node_ports and has_loopback


def _hook(hook: str, jumps: tuple[tuple[str, CtState | None, str], ...]) -> Chain:
    return Chain(hook, tuple(_jump(hook, *jump) for jump in jumps), policy="ACCEPT")


def _jump(hook: str, chain: str, state: CtState | None, comment: str) -> Rule:
    return rule(hook, state, Comment(comment) if comment else None, target=Jump(chain))

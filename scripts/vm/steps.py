"""The steps of scripts/vm/check inside a guest: lists of commands, and what must come of each."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PREDICTED = "did what rules and routes predict"
TESTS = (
    "tests/kernel/linux",
    "tests/kernel/test_trace_sources.py",
)
"""What is the kernel's own in what netlab does; labs are what the other lists are for."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and what must come of it."""

    command: str
    """As a user types it, less ``sudo``; ``{nodeport}`` is the port of Service ``nodeport``."""
    says: tuple[str, ...] = ()
    rc: int = 0
    is_shown: bool = False
    """Whether what it prints is shown where it goes well too."""


@dataclass(frozen=True, slots=True)
class NothingLeft:
    """Look for what a lab has left behind."""


Steps = Iterator[Step | NothingLeft]


def down() -> Steps:
    """Remove the lab and look for what it left."""
    yield Step("netlab down", says=("never touched",))
    yield NothingLeft()


NODEPORT = "netlab trace client http://node2:{nodeport} --predict"
LOCAL = """netlab patch svc nodeport -p '{"spec":{"externalTrafficPolicy":"Local"}}'"""
CLUSTER = """netlab patch svc nodeport -p '{"spec":{"externalTrafficPolicy":"Cluster"}}'"""


PROVISION = f"{CHECKOUT}/scripts/vm/provision"


def provision() -> Steps:
    """Install netlab from the checkout, as the Vagrantfile does; twice is once."""
    yield Step(PROVISION, says=("netlab",))
    yield Step(PROVISION, says=("nothing missing", "already there"))


def smoke() -> Steps:
    """A lab, as its first user sees it."""
    yield Step(PROVISION, says=("netlab",))
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab demo nodeport", says=("PASS",))
    yield Step("netlab demo nodeport-local", says=("PASS",))
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield from down()


def policies() -> Steps:
    """Follow calls of Service ``nodeport``, whose pod is on node1, under both policies."""
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield Step(LOCAL)
    yield Step(NODEPORT, says=("DROPPED", "WHY", PREDICTED))
    yield Step(
        "netlab trace client http://node1:{nodeport} --predict --expect 'src client'",
        says=("✔ DELIVERED", PREDICTED),
    )
    yield Step(CLUSTER)


def drops() -> Steps:
    """Lose packets to a neighbour, a route, and a rule; each cause is named."""
    yield Step(
        "netlab trace client tcp://10.240.0.99:80 --predict",
        says=("nobody on cloud0 answers", PREDICTED),
    )
    yield Step("netlab exec router -- ip route add blackhole 10.240.0.3/32")
    yield Step("netlab trace client tcp://node1:80 --predict", says=("blackhole", "WHY", PREDICTED))
    yield Step("netlab exec router -- ip route del blackhole 10.240.0.3/32")
    yield Step("netlab exec node2 -- iptables -I FORWARD -j DROP")
    yield Step(NODEPORT, says=("DROPPED", "FORWARD #1", PREDICTED))
    yield Step("netlab exec node2 -- iptables -D FORWARD -j DROP")


def plain() -> Steps:
    """Run every command, with the distribution's defaults."""
    found = ("ok network namespaces", "ok rule traces", "drop reasons")
    yield Step("netlab doctor", says=found, is_shown=True)
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab up", says=("is up",))
    yield Step("netlab status", says=("node1",))
    yield Step("netlab get pods,svc", says=("nodeport",))
    yield Step("netlab demo nodeport", says=("PASS",))
    yield Step("netlab demo nodeport-local", says=("PASS",))
    yield from policies()
    yield Step("netlab trace client icmp://node1 --predict", says=("✔ DELIVERED", PREDICTED))
    yield Step(
        "netlab trace client udp://node1:9 --size 4000 --predict", says=("REFUSED", PREDICTED)
    )
    yield Step("netlab matrix", says=("client",))
    yield Step("netlab capture --duration 2 -w /tmp/capture.pcapng")
    yield Step("netlab rules node1 --explain", says=("nodeport",))
    yield Step("netlab rules node1 --diff")
    yield Step("netlab conntrack node2 --nat")
    yield Step("netlab graph", says=("node1",))


def hardened() -> Steps:
    """Hide the kernel's addresses, as hardened machines do."""
    yield Step("sysctl -w kernel.kptr_restrict=2")
    yield Step("netlab doctor", says=("kptr_restrict",))
    yield Step("netlab up source-ip", says=("is up",))
    yield from drops()
    yield Step("sysctl -w kernel.kptr_restrict=0")


def nftables() -> Steps:
    """Run kube-proxy's other mode; a lab in the first one changes over."""
    yield Step("netlab up source-ip-nftables", says=("is up and answers",))
    yield from policies()
    yield Step("netlab rules node1 --diff")


def dual_stack() -> Steps:
    """Have two address families."""
    yield Step("netlab up dual-stack", says=("is up and answers",))
    yield Step("netlab trace node2 svc/web -6 --predict", says=("✔ DELIVERED", PREDICTED))
    yield Step("netlab trace node2 svc/web -4 --predict", says=("✔ DELIVERED", PREDICTED))


def bridge() -> Steps:
    """Ask for pods behind a bridge, which has br_netfilter loaded; then for routed pods again."""
    topology = "/tmp/bridge.yaml"  # noqa: S108 (the guest is ours alone)
    built_in = CHECKOUT / "netlab/topologies/source-ip.yaml"
    sed = r"s/^  nodes: 3$/&\n  cni: bridge/"
    yield Step(f"""sh -c "sed '{sed}' {built_in} >{topology}" """)
    yield Step(f"netlab up {topology}", says=("br_netfilter", "own bridges", "is up and answers"))
    yield Step("sysctl net.bridge.bridge-nf-call-iptables", says=("= 0",))
    yield from policies()
    yield Step("netlab up source-ip", says=("is up and answers",))
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))


def legacy() -> Steps:
    """Have iptables-legacy as the machine's default, in both of kube-proxy's modes."""
    for name in ("iptables", "ip6tables"):
        yield Step(f"update-alternatives --set {name} /usr/sbin/{name}-legacy")
    yield Step("netlab up", says=("is up and answers",))
    yield from policies()
    yield Step("netlab rules node1 --diff")
    yield from nftables()
    yield from down()
    for name in ("iptables", "ip6tables"):
        yield Step(f"update-alternatives --set {name} /usr/sbin/{name}-nft")


def without_ipv6() -> Steps:
    """Ask for IPv6 where the kernel was started without it."""
    yield Step("netlab doctor", says=("ipv6.disable=1",))
    yield Step("netlab up dual-stack", rc=4, says=("without IPv6",))
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab trace client 'http://[fd00:10:240::4]:30080'", rc=4, says=("without IPv6",))


def without_ctnetlink() -> Steps:
    """Do without a module that only traces use; before anything has loaded it."""
    conf = "/etc/modprobe.d/netlab-check.conf"
    yield Step(f"sh -c 'echo install nf_conntrack_netlink /bin/false >{conf}'")
    yield Step("netlab doctor", says=("warn connection tracking events: this kernel has no ct",))
    yield Step("netlab up", says=("is up",))
    yield Step(NODEPORT, says=("no conntrack events", "nf_conntrack_netlink", "✔ DELIVERED"))
    yield Step(f"rm {conf}")


def lockdown() -> Steps:
    """Have the kernel refuse to be looked into."""
    yield Step("netlab up", says=("is up",))
    yield Step(NODEPORT, says=("locked down", "✔ DELIVERED", PREDICTED))
    yield from drops()


def without_modules() -> Steps:
    """Have the kernel load no module any more; until the next boot."""
    bridged = "{apiVersion: netlab/v1, kind: Topology, spec: {cni: bridge}}"
    yield Step("sysctl -w kernel.modules_disabled=1")
    yield Step("netlab doctor", says=("loads no modules any more", "br_netfilter: not loaded"))
    yield Step(f"sh -c 'echo \"{bridged}\" >/tmp/bridged.yaml'")
    yield Step(
        "netlab up /tmp/bridged.yaml", rc=4, says=("br_netfilter", "kernel.modules_disabled is 1")
    )


def tests() -> Steps:
    """Run the tests of what is the kernel's own, with this distribution's Python."""
    files = " ".join(str(CHECKOUT / test) for test in TESTS)
    yield Step(f"{sys.executable} -m pytest -q --rootdir {CHECKOUT} {files}", says=("passed",))


LISTS: dict[str, Callable[[], Steps]] = {
    "provision": provision,
    "smoke": smoke,
    "plain": plain,
    "hardened": hardened,
    "nftables": nftables,
    "dual-stack": dual_stack,
    "bridge": bridge,
    "legacy": legacy,
    "without-ipv6": without_ipv6,
    "without-ctnetlink": without_ctnetlink,
    "lockdown": lockdown,
    "without-modules": without_modules,
    "down": down,
    "tests": tests,
}
"""Those with labs begin with an ``up``, which is quick where one is there; ``down`` ends it."""

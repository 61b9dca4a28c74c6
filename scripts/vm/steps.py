"""The steps of scripts/vm/check inside a guest: lists of commands, and what must come of each."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PREDICTED = "did what rules and routes predict"
TESTS = (
    "tests/kernel/test_host_untouched.py",
    "tests/kernel/test_trace_drops.py",
    "tests/kernel/test_iptables_backends.py",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A command, and what must come of it."""

    command: str
    """As a user types it, less ``sudo``; ``{nodeport}`` is the port of Service ``nodeport``."""
    says: tuple[str, ...] = ()
    rc: int = 0


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


def provision() -> Steps:
    """Install netlab from the checkout, as the Vagrantfile does."""
    yield Step(f"{CHECKOUT}/scripts/vm/provision", says=("netlab",))


def smoke() -> Steps:
    """A lab, as its first user sees it."""
    yield from provision()
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab demo nodeport", says=("PASS",))
    yield Step("netlab demo nodeport-local", says=("PASS",))
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield from down()


def traces() -> Steps:
    """Follow packets that arrive, and packets that do not; each as it was predicted."""
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield Step(LOCAL)
    yield Step(NODEPORT, says=("DROPPED", "KUBE-EXTERNAL-SERVICES", PREDICTED))
    yield Step(
        "netlab trace client http://node1:{nodeport} --predict --expect 'src client'",
        says=("✔ DELIVERED", PREDICTED),
    )
    yield Step(CLUSTER)
    yield from drops()


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


def demos() -> Steps:
    """Run the tutorials' experiments."""
    for name in ("clusterip", "nodeport", "nodeport-local"):
        yield Step(f"netlab demo {name}", says=("PASS",))


def plain() -> Steps:
    """Run every command, with the distribution's defaults."""
    yield Step("netlab doctor", says=("ok network namespaces",))
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab up", says=("is up",))
    yield Step("netlab status", says=("node1",))
    yield Step("netlab get pods,svc", says=("nodeport",))
    yield from demos()
    yield from traces()
    yield Step("netlab trace client icmp://node1 --predict", says=("✔ DELIVERED", PREDICTED))
    yield Step("netlab trace client udp://node1:9 --size 4000", says=("REFUSED",))
    yield Step("netlab matrix", says=("client",))
    yield Step("netlab matrix --policies -o wide", says=("Local",))
    yield Step("netlab capture --duration 2 -w /tmp/capture.pcapng")
    yield Step("netlab rules node1 --explain", says=("nodeport",))
    yield Step("netlab rules node1 --diff")
    yield Step("netlab conntrack node2 --nat")
    yield Step("netlab graph", says=("node1",))
    yield from down()
    yield Step("netlab up dual-stack", says=("is up and answers",))
    yield Step("netlab trace node2 svc/web -6 --predict", says=("✔ DELIVERED", PREDICTED))
    yield Step("netlab demo nodeport -6", says=("PASS",))
    yield from down()


def nftables() -> Steps:
    """Run kube-proxy's other mode."""
    yield Step("netlab up source-ip-nftables", says=("is up and answers",))
    yield Step("netlab demo nodeport-local", says=("PASS",))
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield Step("netlab rules node1 --diff")
    yield from down()


def hardened() -> Steps:
    """Hide the kernel's addresses, as hardened machines do."""
    yield Step("sysctl -w kernel.kptr_restrict=2")
    yield Step("netlab doctor", says=("kptr_restrict",))
    yield Step("netlab up", says=("is up and answers",))
    yield from drops()
    yield from down()
    yield Step("sysctl -w kernel.kptr_restrict=0")


def legacy() -> Steps:
    """Have iptables-legacy as the machine's default, in both of kube-proxy's modes."""
    for name in ("iptables", "ip6tables"):
        yield Step(f"update-alternatives --set {name} /usr/sbin/{name}-legacy")
    yield Step("netlab doctor", says=("(legacy)",))
    yield Step("netlab up", says=("is up and answers",))
    yield from demos()
    yield from traces()
    yield Step("netlab rules node1 --diff")
    yield from down()
    yield from nftables()
    for name in ("iptables", "ip6tables"):
        yield Step(f"update-alternatives --set {name} /usr/sbin/{name}-nft")


def bridge() -> Steps:
    """Ask for pods behind a bridge, without br_netfilter and with it."""
    topology = "/tmp/bridge.yaml"  # noqa: S108 (the guest is ours alone)
    built_in = CHECKOUT / "netlab/topologies/source-ip.yaml"
    sed = r"s/^  nodes: 3$/&\n  cni: bridge/"
    yield Step(f"""sh -c "sed '{sed}' {built_in} >{topology}" """)
    yield Step(f"netlab up {topology}", rc=4, says=("br_netfilter", "modprobe br_netfilter"))
    yield Step("modprobe br_netfilter")
    yield Step("netlab up", says=("is up and answers",))
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield from down()
    yield Step(f"netlab up {topology}", says=("is up and answers",))
    yield Step(NODEPORT, says=("✔ DELIVERED", PREDICTED))
    yield Step("netlab demo nodeport-local", says=("PASS",))
    yield from down()


def small() -> Steps:
    """Run the default lab on a machine that has little, or forbids much."""
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab demo nodeport-local", says=("PASS",))
    yield from traces()
    yield from down()


def without_ipv6() -> Steps:
    """Ask for IPv6 where the kernel was started without it."""
    yield Step("netlab doctor", says=("ipv6.disable=1",))
    yield Step("netlab up dual-stack", rc=4, says=("without IPv6",))
    yield Step("netlab up", says=("is up and answers",))
    yield Step("netlab trace client 'http://[fd00:10:240::4]:30080'", rc=4, says=("without IPv6",))
    yield from down()


def lockdown() -> Steps:
    """Have the kernel refuse to be looked into."""
    yield Step("netlab doctor", says=("lockdown",))
    yield from small()


def tests() -> Steps:
    """Run tests of the kernel: the check that nothing is touched, and each way to lose a packet."""
    for test in TESTS:
        yield Step(f"{sys.executable} -m pytest -q -x --rootdir {CHECKOUT} {CHECKOUT / test}")


LISTS: dict[str, Callable[[], Steps]] = {
    "provision": provision,
    "smoke": smoke,
    "plain": plain,
    "nftables": nftables,
    "hardened": hardened,
    "legacy": legacy,
    "bridge": bridge,
    "small": small,
    "without-ipv6": without_ipv6,
    "lockdown": lockdown,
    "tests": tests,
}

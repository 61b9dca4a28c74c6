"""Try what a lab needs, for real, in a namespace that is thrown away.

Looking at module lists says little: a module may be built in, or load by itself when it is used.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_interface
from pathlib import Path
from typing import Final

from netlab.errors import HostError, NetlabError
from netlab.kubelet.runtime.cgroups import hierarchies
from netlab.kubelet.runtime.seccomp import is_known
from netlab.linux import br_netfilter, iptables, netns, nft, user_namespace
from netlab.model.addresses import Family
from netlab.model.links import Peer
from netlab.model.names import NetnsFamily, NetnsName
from netlab.netns_agent import apply
from netlab.plan import ops

_RULES: Final = {
    "comment": "-m comment --comment netlab",
    "conntrack": "-m conntrack --ctstate NEW",
    "addrtype": "-m addrtype --dst-type LOCAL",
    "mark": "-m mark --mark 0x4000/0x4000",
    "statistic": "-m statistic --mode random --probability 0.5",
    "recent": "-m recent --name NETLAB --rcheck --seconds 10 --reap",
    "tcp": "-p tcp -m tcp --dport 80",
    "udp": "-p udp -m udp --dport 53",
}
_TARGETS: Final = {
    "DNAT": ("PREROUTING", "-p tcp -j DNAT --to-destination 192.0.2.1:80"),
    "SNAT": ("POSTROUTING", "-p tcp -j SNAT --to-source 192.0.2.1"),
    "MASQUERADE": ("POSTROUTING", "-j MASQUERADE --random-fully"),
    "MARK": ("PREROUTING", "-j MARK --or-mark 0x4000"),
}

_TABLE: Final = """\
add table ip doctor
add set ip doctor clients { type ipv4_addr ; flags dynamic,timeout ; timeout 10s ; }
add map ip doctor services { type ipv4_addr . inet_proto . inet_service : verdict ; }
add chain ip doctor pre { type nat hook prerouting priority -100 ; }
add chain ip doctor post { type nat hook postrouting priority 100 ; }
add chain ip doctor in { type filter hook input priority 0 ; }
add chain ip doctor one
add rule ip doctor pre ip daddr . meta l4proto . th dport vmap @services
add rule ip doctor pre numgen random mod 1 vmap { 0 : goto one }
add rule ip doctor one update @clients { ip saddr }
add rule ip doctor one fib saddr type local mark set mark or 0x4000
add rule ip doctor one meta l4proto tcp dnat to 192.0.2.1:80
add rule ip doctor post mark set mark xor 0x4000
add rule ip doctor post masquerade fully-random
add rule ip doctor in ct state new reject comment "netlab"
add element ip doctor services { 192.0.2.2 . tcp . 80 : goto one }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was tried."""

    name: str
    works: bool
    detail: str = ""
    hint: str = ""
    is_needed: bool = True
    """Whether a lab cannot do without it."""


def check_machine(refusal: HostError | None = None) -> Iterator[Finding]:
    """Try everything a lab needs and yield what came of it, in an order that explains itself.

    Args:
        refusal: Why the user, who is not root, cannot have namespaces; None for one who can.
    """
    yield _rights(refusal)
    yield _kernel()
    if refusal is not None:
        return
    if not user_namespace.is_initial():
        yield _user_ids()
    yield _tried("network namespaces", _nothing, "this kernel lacks CONFIG_NET_NS")
    yield _tried("veth pairs", _veth, "modprobe veth")
    yield _tried("bridges", _bridge, "modprobe bridge")
    yield from _iptables()
    yield _ipv6()
    yield _nftables()
    yield _br_netfilter()
    yield _control_groups()
    yield _seccomp()
    yield from _other_netlab()


def _rights(refusal: HostError | None) -> Finding:
    if refusal is not None:
        detail, hint = str(refusal), refusal.hint
        return Finding(name="user namespaces", works=False, detail=detail, hint=hint)
    if user_namespace.is_initial():
        return Finding(name="root", works=True)
    detail = "labs of your own need no root"
    return Finding(name="user namespaces", works=True, detail=detail)


def _user_ids() -> Finding:
    works = not user_namespace.has_one_id()
    return Finding(
        name="user IDs",
        works=works,
        detail="pods have users of their own"
        if works
        else "one: everybody in a pod is the one user, and no program can be another by number",
        hint="apt-get install uidmap, and give the user a line in /etc/subuid and /etc/subgid: "
        "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER",
        is_needed=False,
    )


def _kernel() -> Finding:
    release = f"Linux {os.uname().release}"
    if br_netfilter.modules_are_off():
        return Finding(
            name="kernel",
            works=False,
            detail=f"{release}, which loads no modules any more: kernel.modules_disabled is 1",
            hint="a feature below that is missing comes only with a reboot",
            is_needed=False,
        )
    return Finding(name="kernel", works=True, detail=release)


def _tried(name: str, attempt: Callable[[NetnsName], None], hint: str) -> Finding:
    try:
        with throw_away() as where:
            attempt(where)
    except (NetlabError, OSError) as error:
        return Finding(name=name, works=False, detail=str(error), hint=hint)
    return Finding(name=name, works=True)


@contextmanager
def throw_away() -> Iterator[NetnsName]:
    """Make a network namespace for the block."""
    # No lab can have this name, which holds the number of this very process.
    name = NetnsName(f"netlab-doctor_{os.getpid()}-check")
    netns.create(name)
    try:
        yield name
    finally:
        netns.delete(name)


def _nothing(where: NetnsName) -> None:
    del where


def _veth(where: NetnsName) -> None:
    peer = Peer(netns=where, ifname="b", mac="02:00:00:00:00:02")
    veth = ops.CreateVeth(netns=where, ifname="a", mac="02:00:00:00:00:01", mtu=1460, peer=peer)
    apply.apply([veth, ops.DisableOffloads(netns=where, ifname="a")])


def _bridge(where: NetnsName) -> None:
    apply.apply([ops.CreateBridge(netns=where, ifname="br0", mac="02:00:00:00:00:01", mtu=1460)])


def _iptables() -> Iterator[Finding]:
    path = shutil.which("iptables-restore", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if path is None:
        yield Finding(name="iptables", works=False, hint="apt-get install iptables")
        return
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    yield Finding(name="iptables", works=True, detail=version.stdout.strip())
    # All rules at once; only where that is refused is each tried by itself.
    together = _rules("iptables matches and targets", list(_loads()), "")
    if together.works:
        yield replace(together, detail=" ".join([*_RULES, *_TARGETS, "REJECT"]))
        return
    for kind, name, text in _loads():
        yield _rules(f"iptables {kind} {name}", [(kind, name, text)], name)


def _loads() -> Iterator[tuple[str, str, str]]:
    """Yield each extension of iptables that labs use: match or target, its name, rules with it."""
    for name, rule in _RULES.items():
        yield "match", name, f"*filter\n-A INPUT {rule} -j ACCEPT\nCOMMIT\n"
    for name, (chain, rule) in _TARGETS.items():
        yield "target", name, f"*nat\n-A {chain} {rule}\nCOMMIT\n"
    yield "target", "REJECT", "*filter\n-A INPUT -j REJECT\nCOMMIT\n"


def _rules(name: str, loads: Sequence[tuple[str, str, str]], module: str) -> Finding:
    def load(where: NetnsName) -> None:
        text = "".join(text for _, _, text in loads)
        _restore(NetnsFamily(where, Family.IPV4), text)

    return _tried(name, load, f"modprobe xt_{module}, or install this kernel's extra modules")


def _restore(key: NetnsFamily, text: str) -> None:
    refused = iptables.restore({key: text})
    if refused:
        raise OSError(refused[key])


def _ipv6() -> Finding:
    """Give a link an address of IPv6, and load a rule that rewrites one."""

    def attempt(where: NetnsName) -> None:
        address = ip_interface("fd00::1/64")
        _bridge(where)
        apply.apply(
            [
                ops.SetSysctl(netns=where, key="net.ipv6.conf.all.disable_ipv6", value="0"),
                ops.AddAddress(netns=where, ifname="br0", address=address),
            ]
        )
        rule = "-A PREROUTING -p tcp -j DNAT --to-destination [fd00::2]:80"
        _restore(NetnsFamily(where, Family.IPV6), f"*nat\n{rule}\nCOMMIT\n")

    hint = "topologies with IPv6 in spec.ipFamilies need it"
    if Family.IPV6 not in iptables.families():
        detail = "this kernel was started without it: ipv6.disable=1"
        return Finding(name="IPv6", works=False, detail=detail, hint=hint, is_needed=False)
    hint += "; modprobe ip6table_nat"
    return replace(_tried("IPv6", attempt, hint), is_needed=False)


def _nftables() -> Finding:
    """Load every kind of object that kube-proxy's nftables mode makes."""

    def load(where: NetnsName) -> None:
        key = NetnsFamily(where, Family.IPV4)
        refused = nft.load({key: _TABLE})
        if refused:
            raise OSError(refused[key])

    hint = "apt-get install nftables; topologies with proxy.mode nftables need it, and Linux 5.13"
    return replace(_tried("nftables", load, hint), is_needed=False)


def _br_netfilter() -> Finding:
    """Look whether topologies with ``cni: bridge`` can be had; nothing is loaded for it."""
    detail, obstacle = "loaded", ""
    if not br_netfilter.is_loaded():
        detail, obstacle = "netlab up loads it for cni: bridge", br_netfilter.obstacle()
    return Finding(
        name="br_netfilter",
        works=not obstacle,
        detail=f"not loaded, and cannot be: {obstacle}" if obstacle else detail,
        hint="topologies with cni: bridge need it; all others run",
        is_needed=False,
    )


def _control_groups() -> Finding:
    """Look for what limits a pod that forks or allocates without end."""
    found = [name for tree in hierarchies() for name in tree.controllers]
    missing = [name for name in ("pids", "memory", "cpu") if name not in found]
    return Finding(
        name="control groups",
        works=not missing,
        detail=f"no {', '.join(missing)}: pods run without these limits" if missing else "",
        hint="the machine's root group must hand them down (cgroup.subtree_control)"
        if user_namespace.is_initial()
        else "root's labs have them: sudo netlab up",
        is_needed=False,
    )


def _seccomp() -> Finding:
    machine = os.uname().machine
    works = is_known(machine) and Path("/proc/sys/kernel/seccomp").exists()
    return Finding(
        name="seccomp",
        works=works,
        detail="" if works else f"no filter of system calls for pods on {machine}",
        hint="a kernel with CONFIG_SECCOMP_FILTER, on x86_64 or aarch64",
        is_needed=False,
    )


def _other_netlab() -> Iterator[Finding]:
    """Look for another project's command of the same name."""
    for directory in os.environ.get("PATH", "").split(os.pathsep):
        path = Path(directory or ".", "netlab")
        if os.access(path, os.X_OK) and path.is_file() and not _is_ours(path):
            yield Finding(
                name="command name",
                works=False,
                detail=f"{path} is another project's netlab",
                hint="type k8s-netlab for this one",
                is_needed=False,
            )


def _is_ours(path: Path) -> bool:
    text = path.read_bytes()[:2000]
    return b"netlab.cli" in text

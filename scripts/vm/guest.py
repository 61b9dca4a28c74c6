#!/usr/bin/env python3
"""What scripts/vm/check runs inside a guest: lists of steps, each timed and judged.

``NETLAB_VM_LIST`` names the lists, with commas between. Each step becomes a line on the console,
and what a step that went wrong printed follows it. Where QEMU translates every instruction,
importing netlab takes longer than what it then does; so all but the list ``smoke`` import it once
and fork for each command. Needs netlab importable, root, and a machine that is there for this.
"""

import importlib
import json
import os
import shlex
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
FORKS = "smoke" not in os.environ.get("NETLAB_VM_LIST", "")
NEVER = ("did otherwise", "bug in netlab", "Traceback (most recent call last)")
"""What no command of netlab may print here."""
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
class Look:
    """A function that returns what is wrong, or nothing."""

    name: str
    look: Callable[[], str]


Steps = Iterator[Step | Look]


def run(argv: Sequence[str]) -> tuple[int, str]:
    """Run a command to its end; return its exit code and all it printed."""
    if argv[0] == "netlab" and FORKS:
        return forked(argv)
    done = subprocess.run(
        argv,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def forked(argv: Sequence[str]) -> tuple[int, str]:
    """Run a netlab command in a child that has everything imported already."""
    output = Path("/tmp/output")  # noqa: S108 (the guest is ours alone)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        code = 70
        try:
            opened = os.open(output, os.O_CREAT | os.O_TRUNC | os.O_RDWR)
            for descriptor in (1, 2):
                os.dup2(opened, descriptor)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            sys.argv = list(argv)
            importlib.import_module("netlab.cli").main()
            code = 0
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else int(left.code is not None)
        except BaseException:  # noqa: BLE001 (a child never returns into its parent's work)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), output.read_text(errors="replace")


def import_everything() -> None:
    """Load what commands load when they are called."""
    for module in sorted(CHECKOUT.glob("netlab/cli/*.py")):
        importlib.import_module(f"netlab.cli.{module.stem}")
    for name in ("netlab.trace.session", "netlab.lab.up", "netlab.lab.down", "scapy.all"):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            print(f"netlab-vm: no module {name} to import beforehand", flush=True)


_ports: dict[str, str] = {}


def with_port(command: str) -> str:
    """Return the command with the NodePort that the lab has chosen."""
    if command.split()[:2] == ["netlab", "up"]:
        _ports.clear()
    if "{nodeport}" in command and not _ports:
        code, text = run(["netlab", "get", "svc", "nodeport", "-o", "json"])
        port = json.loads(text)["spec"]["ports"][0]["nodePort"] if code == 0 else "?"
        _ports["{nodeport}"] = str(port)
    for name, value in _ports.items():
        command = command.replace(name, value)
    return command


def judged(step: Step | Look) -> tuple[str, str]:
    """Do a step; return what is wrong with it, if anything, and what it printed."""
    if isinstance(step, Look):
        return step.look(), ""
    argv = shlex.split(with_port(step.command))
    code, text = run(argv)
    if code != step.rc:
        return f"exit code {code}, not {step.rc}", text
    flat = " ".join(text.split())
    for words in step.says:
        if words not in flat:
            return f"does not say: {words}", text
    if argv[0] == "netlab":
        for words in NEVER:
            if words in flat:
                return f"says: {words}", text
    return "", text


def name_of(step: Step | Look) -> str:
    """Return how a step is called on the console."""
    return step.name if isinstance(step, Look) else with_port(step.command)


# --- what a lab may not leave behind


def state() -> dict[str, str]:
    """Return what a lab must leave as it found it, by its name."""
    found = {
        "links": addresses_and_links(),
        "routes": without(run(["ip", "-j", "route", "show", "table", "all"])[1], "expires"),
        "routing rules": run(["ip", "rule"])[1],
        "nftables": run(["nft", "list", "ruleset"])[1],
        "mounts": Path("/proc/self/mounts").read_text(),
        "namespaces": listed("/run/netns"),
        "run directory": listed("/run/netlab"),
        "cgroups": listed("/sys/fs/cgroup"),
        "processes": run(["pgrep", "-fa", "netlab[. ](lab|control|launcher|agent|container)"])[1],
    }
    for path in sorted(Path("/proc/sys/net").rglob("*")):
        # Modules that were loaded by use bring settings of their own.
        if path.is_file() and "netfilter" not in path.parts and "bridge" not in path.parts:
            try:
                found[str(path)] = path.read_text()
            except OSError:
                continue
    return found


def addresses_and_links() -> str:
    """Return the machine's own links and addresses, less what counts down by itself."""
    return without(
        run(["ip", "-j", "address"])[1], "valid_life_time", "preferred_life_time", "link_netnsid"
    )


def without(text: str, *keys: str) -> str:
    """Return JSON without some keys, at any depth."""

    def pruned(value: object) -> object:
        if isinstance(value, dict):
            return {key: pruned(one) for key, one in value.items() if key not in keys}
        return [pruned(one) for one in value] if isinstance(value, list) else value

    return json.dumps(pruned(json.loads(text or "[]")))


def listed(directory: str) -> str:
    """Return the names in a directory; nothing for one that is not there."""
    path = Path(directory)
    return "\n".join(sorted(one.name for one in path.iterdir())) if path.is_dir() else ""


_before: dict[str, str] = {}


def left_behind() -> str:
    """Return what is other than before the first lab."""
    after = state()
    return "\n".join(
        f"{name}: was {value!r}, is {after.get(name)!r}"
        for name, value in _before.items()
        if after.get(name) != value
    )


def down() -> Steps:
    """Remove the lab and look for what it left."""
    yield Step("netlab down", says=("never touched",))
    yield Look("nothing of it is left", left_behind)


# --- the lists

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
    yield Step("netlab trace client svc/nodeport -6 --predict", says=("✔ DELIVERED", PREDICTED))
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
    topology = CHECKOUT / "scripts/vm/bridge.yaml"
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


def perform(names: Sequence[str]) -> int:
    """Do the steps of all lists; return how many went wrong."""
    wrong = 0
    # iproute2 makes its directory with the first namespace, and it stays.
    run(["ip", "netns", "add", "first"])
    run(["ip", "netns", "delete", "first"])
    _before.update(state())
    for name in names:
        print(f"netlab-vm: {name}", flush=True)
        for step in LISTS[name]():
            began = time.monotonic()
            trouble, text = judged(step)
            took = time.monotonic() - began
            word = "WRONG" if trouble else "ok"
            print(f"netlab-vm: {word:5} {took:6.1f} s  {name_of(step)}", flush=True)
            if trouble:
                wrong += 1
                print(
                    *(f"netlab-vm:     | {line}" for line in (trouble + "\n" + text).splitlines()),
                    sep="\n",
                )
        if name == "provision" and FORKS:
            import_everything()
    return wrong


if __name__ == "__main__":
    os.chdir("/")
    lists = os.environ["NETLAB_VM_LIST"].split(",")
    if FORKS and "provision" not in lists:
        import_everything()
    sys.exit(min(perform(lists), 99))

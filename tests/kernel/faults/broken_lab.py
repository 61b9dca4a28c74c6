"""A running lab that is broken and mended again, one fault at a time."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from netlab.client.api_client import Client
from netlab.client.cluster import Cluster
from netlab.client.hosts import hosts
from netlab.linux.timeouts import scaled
from netlab.model.addresses import Family
from netlab.model.rundir import control_socket
from netlab.trace.packet import Verdict
from netlab.trace.session.tracing import TraceRequest, trace
from netlab.trace.trace import Trace
from tests.kernel.conftest import Lab
from tests.kernel.faults.case import IPV4, IPV6, Case
from tests.kernel.faults.topology import Variant, topology, unanswered_services

if TYPE_CHECKING:
    from netlab.model.hosts import Host


def said(verdict: Verdict) -> str:
    """Return everything that a verdict says."""
    code = verdict.reason.code if verdict.reason else ""
    return ". ".join(part for part in (verdict.words, verdict.why, code) if part)


ECHOES = {
    IPV4: ("icmp --icmp-type echo-request", "icmp --icmp-type echo-reply"),
    # Neighbour discovery is ICMPv6 too.
    IPV6: ("ipv6-icmp --icmpv6-type echo-request", "ipv6-icmp --icmpv6-type echo-reply"),
}
"""As iptables and ip6tables call them."""


class BrokenLab:
    """A lab of one kind, up.

    Args:
        lab: Not up yet.
        variant: Which kind.
        directory: For the files that it is made of.
    """

    def __init__(self, lab: Lab, variant: Variant, directory: Path) -> None:
        self.variant = variant
        self._lab = lab
        files = {"lab.yaml": topology(variant), "later.yaml": unanswered_services()}
        for name, text in files.items():
            (directory / name).write_text(text)
        lab.up(str(directory / "lab.yaml"))
        applied = lab.run("apply", "-f", str(directory / "later.yaml"))
        assert applied.returncode == 0, applied.stderr
        self._cluster = Cluster(
            lab=lab.name,
            objects=Client(control_socket(lab.name)),
            read_hosts=lambda: hosts(lab.name),
        )
        self._hosts: Mapping[str, Host] = {host.name: host for host in hosts(lab.name)}
        self._wait_for_pods()
        self.words = {family: self._words_of(family) for family in (4, 6)}

    def trace(self, case: Case, family: int) -> Trace:
        """Make a case's call and return its trace."""
        is_loopback = "127.0.0.1" in case.target
        wanted = Family.IPV4 if family == IPV4 else Family.IPV6
        request = TraceRequest(
            caller=case.caller,
            target=case.target.format_map(self.words[family]),
            # An answer ends the call; silence has to be waited for.
            timeout_s=scaled(5) if case.result == "delivered" else case.timeout_s,
            payload=case.payload,
            family=None if is_loopback else wanted,
        )
        return trace(self._cluster, request, time.clock_gettime(time.CLOCK_REALTIME))

    @contextmanager
    def broken(self, case: Case, family: int) -> Iterator[None]:
        """Break the lab for the length of a ``with`` block."""
        try:
            for host, command in case.put:
                self._run(host, command, family)
            yield
        finally:
            for host, command in case.undo:
                self._run(host, command, family)

    def tried(self, hint: str, *, is_direct: bool = False) -> str:
        """Run what a verdict says to try; return everything that it prints.

        Args:
            hint: The command.
            is_direct: Whether to do what ``netlab exec`` does without a process of its own, which
                takes longer than all else.
        """
        words = shlex.split(hint)
        if is_direct and words[:3] == ["sudo", "netlab", "exec"]:
            at = words.index("--")
            netns = self._hosts[words[at - 1]].netns
            words = ["sudo", "ip", "netns", "exec", netns, *words[at + 1 :]]
        if words[:2] == ["sudo", "netlab"]:
            done = self._lab.run(*words[2:])
        else:
            assert words[:4] == ["sudo", "ip", "netns", "exec"], hint
            done = subprocess.run(words[1:], capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr, done.stderr
        return done.stdout + done.stderr

    def _run(self, host: str, command: str, family: int) -> None:
        spelt = command.format_map(self.words[family])
        argv = ["ip", "netns", "exec", self._hosts[host].netns, "bash", "-c", spelt]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=90)
        assert done.returncode == 0, f"{host}: {spelt}: {done.stderr}"

    def agrees(self, verdict: Verdict, case: Case, family: int) -> bool:
        """Tell whether a verdict says what is known of a case."""
        found = str(verdict.result), verdict.host
        is_cause = self._matches(case.cause, said(verdict), family)
        return found == (case.result, case.host or verdict.host) and is_cause

    def shows(self, output: str, case: Case, family: int) -> bool:
        """Tell whether the output of what a verdict says to try has in it what a case says."""
        return self._matches(case.shown, output, family)

    def _matches(self, pattern: str, text: str, family: int) -> bool:
        for word, meaning in self.words[family].items():
            pattern = pattern.replace(f"{{{word}}}", re.escape(meaning))
        return re.search(pattern, text) is not None

    def _wait_for_pods(self) -> None:
        """Wait for the pods that ``up`` did not wait for, and for the balancer's address."""
        deadline = time.monotonic() + scaled(20)
        while time.monotonic() < deadline:
            pods = self._lab.run("get", "pods").stdout
            balanced = [one for one in self._cluster.services() if one.type == "LoadBalancer"]
            listed = re.findall(r"^\S+-\d ", pods, re.MULTILINE)
            if pods.count("Running") == len(listed) and all(one.ingress_ips for one in balanced):
                return
            time.sleep(0.1)
        raise AssertionError(pods)

    def _words_of(self, family: int) -> dict[str, str]:
        networks = self._cluster.pod_networks()
        kind = Family.IPV4 if family == IPV4 else Family.IPV6
        pods = {
            node: next(one for one in found if one.version == family)
            for node, found in networks.items()
        }
        named = {
            word: str(self._hosts[host].address(kind))
            for word, host in (
                ("web", "web-1"),
                ("udp", "udp-1"),
                ("caller1", "caller-1"),
                ("caller2", "caller-2"),
                ("client", "client"),
                ("node1", "node1"),
                ("node2", "node2"),
                ("router", "router"),
                ("lb", "lb"),
            )
        }
        balanced = {one.name: one.ingress_ips for one in self._cluster.services()}
        more = {
            "gateway1": str(pods["node1"][1]),
            "gone": str(pods["node1"][99]),
            "vip_free": "203.0.113.77" if family == IPV4 else "2001:db8:203::77",
            "nobody": "10.99.9.9" if family == IPV4 else "fd00:99::9",
            **{
                word: str(next(one for one in balanced[name] if one.version == family))
                for word, name in (("vip", "fenced"), ("vip_unbalanced", "unbalanced"))
            },
        }
        ended = {
            f"{word}_ended": address if family == IPV4 else f"[{address}]"
            for word, address in (named | more).items()
        }
        return (
            named
            | more
            | ended
            | {
                # Labs beside each other have files of their own.
                "run": f"/run/faults-{self._lab.name}",
                "bits": "32" if family == IPV4 else "128",
                "ip": "ip -4" if family == IPV4 else "ip -6",
                "iptables": "iptables" if family == IPV4 else "ip6tables",
                "nft": "ip" if family == IPV4 else "ip6",
                "echo": "icmp" if family == IPV4 else "icmpv6",
                "request": ECHOES[family][0],
                "reply": ECHOES[family][1],
                "pods1": str(pods["node1"]),
                "ttl": "TTL --ttl" if family == IPV4 else "HL --hl",
                "gateway2": str(pods["node2"][1]),
                "veth_web": self._peer_of("web-1"),
                "veth_udp": self._peer_of("udp-1"),
                "veth_caller": self._peer_of("caller-1"),
                "netns_web": self._hosts["web-1"].netns,
                "netns_udp": self._hosts["udp-1"].netns,
            }
        )

    def _peer_of(self, pod: str) -> str:
        """Return the interface of node1 that a pod's is linked with."""
        inside = ["ip", "netns", "exec"]
        asked = [*inside, self._hosts[pod].netns, "cat", "/sys/class/net/eth0/iflink"]
        number = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
        listed = [*inside, self._hosts["node1"].netns, "ip", "-o", "link"]
        links = subprocess.run(listed, capture_output=True, text=True, check=True).stdout
        found = re.search(rf"^{number}: ([^@:]+)", links, re.MULTILINE)
        assert found is not None, links
        return found[1]

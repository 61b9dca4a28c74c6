"""The floor: the least that any tool must do to get the same network, done by iproute2.

Of the commands that ``netlab up --dry-run`` prints, those that make namespaces, links, addresses
and routes run through ``ip -batch``: one for all namespaces, then one inside each (by nsenter, as
it mounts nothing and so is quicker than ``ip -n``). Then comes an ``iptables-restore`` for each
node. Sysctls, offloads, pods and the control plane are left out.
"""

import re
import subprocess
from collections.abc import Iterable

PREFIX = "benchfloor-"
"""In place of ``netlab-bench-``: no lab's name, so that no netlab command sees these namespaces."""

RESTORE = re.compile(
    r"^ip netns exec (\S+) iptables-restore --noflush <<'(\w+)'\n(.*?)^\2$\n?",
    re.DOTALL | re.MULTILINE,
)


class Floor:
    """One network, ready to be made and removed any number of times."""

    def __init__(self, dry_run: str) -> None:
        """Take what ``netlab up --lab bench --dry-run`` printed."""
        text = dry_run.replace("netlab-bench-", PREFIX)
        self.namespaces: list[str] = []
        self._inside: dict[str, list[str]] = {}
        self._rules = {found[1]: found[3] for found in RESTORE.finditer(text)}
        for line in RESTORE.sub("", text).splitlines():
            for command in line.split(" && "):
                self._take(command.strip())

    def _take(self, command: str) -> None:
        if added := re.fullmatch(r"ip netns add (\S+)", command):
            self.namespaces.append(added[1])
        elif inside := re.fullmatch(r"ip -n (\S+) ((?:link|address|route) .*)", command):
            self._inside.setdefault(inside[1], []).append(inside[2])

    def up(self) -> None:
        """Make the network."""
        _run(["ip", "-batch", "-"], (f"netns add {netns}" for netns in self.namespaces))
        # A veth pair is made in one of its namespaces and appears in both: all links come first.
        for wanted in (True, False):
            for netns, lines in self._inside.items():
                chosen = [line for line in lines if line.startswith("link add") is wanted]
                if chosen:
                    _run([*_enter(netns), "ip", "-batch", "-"], chosen)
        for netns, text in self._rules.items():
            _run([*_enter(netns), "iptables-restore", "--noflush"], [text])

    def down(self) -> None:
        """Remove the network."""
        _run(["ip", "-batch", "-"], (f"netns delete {netns}" for netns in self.namespaces))


def _enter(netns: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{netns}"]


def _run(command: list[str], lines: Iterable[str]) -> None:
    subprocess.run(command, input="\n".join(lines) + "\n", text=True, check=True)

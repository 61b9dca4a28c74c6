"""Read a node's iptables rules: whether they follow a Service yet, and what they dropped."""

import re
import subprocess

from netlab.errors import KernelError
from netlab.kernel.iptables import program
from netlab.kernel.netns import inside
from netlab.lab.cluster import ServicePort
from netlab.model.hosts import Host


def read_rules(node: Host) -> str:
    """Return ``iptables-save -c`` of a node: all tables, with counters.

    Raises:
        KernelError: iptables-save failed.
    """
    with inside(node.netns):
        done = subprocess.run(
            [program("iptables-save"), "-c"], capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise KernelError(f"iptables-save -c on {node.name}: {done.stderr.strip()}")
    return done.stdout


def follow(rules: str, node: str, service: ServicePort) -> bool:
    """Tell whether ``rules`` of ``node`` are those of the Service as it is now."""
    wanted = [f"-d {service.cluster_ip}/"]
    wanted += [f"--to-destination {b.address}:{b.port}" for b in service.backends]
    wanted += [f"--dport {service.node_port} "] if service.node_port else []
    local = service.policy == "Local"
    masquerades = f'"masquerade traffic for {service.key} external destinations"' in rules
    drops = dropped(rules, service) is not None
    return (
        all(words in rules for words in wanted)
        and masquerades == (service.node_port is not None and not local)
        and drops == (local and not service.has_backend_on(node))
    )


def dropped(rules: str, service: ServicePort) -> tuple[str, int] | None:
    """Return the rule that drops what has no local endpoint, and how many packets it dropped.

    None when the node has no such rule for the Service.
    """
    found = re.search(
        rf'^\[(\d+):\d+\] (-A KUBE-EXTERNAL-SERVICES .*"{re.escape(service.key)}'
        r' has no local endpoints".* -j DROP)$',
        rules,
        re.MULTILINE,
    )
    return (found[2], int(found[1])) if found else None

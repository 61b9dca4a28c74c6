"""The kernel's own tools, without netlab."""

import subprocess
import time

COMMANDS = {
    "iptables": ("iptables-restore", "--noflush", "--counters", "-w", "5"),
    "nftables": ("nft", "-f", "-"),
}
"""By mode of kube-proxy; each reads its text from standard input."""
LISTINGS = {
    "iptables": ("iptables-save",),
    "nftables": ("nft", "list", "table", "ip", "kube-proxy"),
}
EMPTYING = {
    "iptables": ("iptables", "-t", "nat", "-F", "KUBE-SERVICES"),
    "nftables": ("nft", "flush", "chain", "ip", "kube-proxy", "services"),
}
"""Empties the chain that leads to every Service."""


def load_seconds(mode: str, netns: str, text: bytes) -> float:
    """Load a text into a namespace, and return how long that took."""
    return _seconds(netns, COMMANDS[mode], text)


def list_seconds(mode: str, netns: str) -> float:
    """List the rules of a namespace, and return how long that took."""
    return _seconds(netns, LISTINGS[mode])


def empty_a_chain(mode: str, netns: str) -> None:
    """Take the rules out of the chain that leads to every Service."""
    _seconds(netns, EMPTYING[mode])


def _seconds(netns: str, command: tuple[str, ...], text: bytes = b"") -> float:
    started = time.perf_counter()
    subprocess.run(
        ["nsenter", f"--net=/run/netns/{netns}", *command],
        input=text,
        stdout=subprocess.PIPE,
        check=True,
    )
    return time.perf_counter() - started

"""The kernel's own tools, without netlab."""

import subprocess
import time

COMMANDS = {
    "iptables": ("iptables-restore", "--noflush", "--counters", "-w", "5"),
    "nftables": ("nft", "-f", "-"),
}
"""By mode of kube-proxy; each reads its text from standard input."""


def load_seconds(mode: str, netns: str, text: bytes) -> float:
    """Load a text into a namespace, and return how long that took."""
    started = time.perf_counter()
    subprocess.run(
        ["nsenter", f"--net=/run/netns/{netns}", *COMMANDS[mode]], input=text, check=True
    )
    return time.perf_counter() - started

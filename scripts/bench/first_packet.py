"""How long a Service's first packet takes: connections by TCP, from a client through a node.

A client, a node and a pod, each in a namespace, in a row. The node's rules are the caller's. A
connection is open when the handshake is done, so two packets of three have gone through.
"""

import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from cluster_objects import POD_PORT

CLIENT, NODE, POD = (f"benchproxy-{host}" for host in ("client", "node", "pod"))
CONNECTIONS = 300
NETNS = Path("/run/netns")

LINKS = f"""\
-n {CLIENT} link set lo up
-n {NODE} link set lo up
-n {POD} link set lo up
-n {NODE} link add c0 type veth peer eth0 netns {CLIENT}
-n {NODE} link add p0 type veth peer eth0 netns {POD}
-n {NODE} address add 198.51.100.1/24 dev c0
-n {NODE} address add 10.240.0.1/24 dev p0
-n {CLIENT} address add 198.51.100.2/24 dev eth0
-n {POD} address add 10.240.0.2/24 dev eth0
-n {NODE} link set c0 up
-n {NODE} link set p0 up
-n {CLIENT} link set eth0 up
-n {POD} link set eth0 up
-n {CLIENT} route add default via 198.51.100.1
-n {POD} route add default via 10.240.0.1
-n {NODE} route add 10.244.0.0/14 via 10.240.0.2
-n {NODE} route add default via 10.240.0.2
"""
"""The default route is for ClusterIPs: a packet needs some route until it is rewritten."""

SERVER = """
import socket
with socket.create_server(("", %d), backlog=1024) as listener:
    print(flush=True)
    while True:
        listener.accept()[0].close()
"""


class Row:
    """The three namespaces, for as long as the block lasts."""

    def __enter__(self) -> Self:
        for name in (CLIENT, NODE, POD):
            _ip("netns", "add", name)
        for line in LINKS.splitlines():
            _ip(*line.split())
        _inside(NODE, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        return self

    def __exit__(self, *_: object) -> None:
        remove()

    def serve(self, *addresses: str) -> subprocess.Popen[str]:
        """Begin to answer at these addresses, and return the process that does."""
        for address in addresses:
            _ip("-n", POD, "address", "replace", f"{address}/32", "dev", "lo")
        server = subprocess.Popen(
            [*_enter(POD), sys.executable, "-c", SERVER % POD_PORT],
            stdout=subprocess.PIPE,
            text=True,
        )
        server.stdout.readline()
        return server

    def median_seconds(self, address: str, port: int) -> float:
        """Return the median time in which a connection from the client is open."""
        script = [sys.executable, __file__, address, str(port)]
        return float(_inside(CLIENT, *script))


def remove() -> None:
    """Remove the namespaces that are there, of an interrupted run too."""
    for name in (CLIENT, NODE, POD):
        if (NETNS / name).exists():
            _ip("netns", "delete", name)


def main(address: str, port: int) -> None:
    """Print the median, after some connections that are not counted."""
    times = []
    for _ in range(CONNECTIONS + 20):
        with socket.socket() as connecting:
            started = time.perf_counter()
            connecting.connect((address, port))
            times.append(time.perf_counter() - started)
    print(statistics.median(times[20:]))


def _enter(netns: str) -> list[str]:
    return ["nsenter", f"--net=/run/netns/{netns}"]


def _inside(netns: str, *command: str) -> str:
    return subprocess.check_output([*_enter(netns), *command], text=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

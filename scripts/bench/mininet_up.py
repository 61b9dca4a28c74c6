"""As many hosts as a lab has, by Mininet: run by bench.py with the Python that has Mininet.

Usage: mininet_up.py NODES PODS; prints the seconds for start and for stop. It runs in a network
namespace of its own, since Mininet puts its bridges into the namespace that it is started in.
"""

import sys
import time

from mininet.net import Mininet
from mininet.nodelib import LinuxBridge

# Mininet would otherwise raise limits of the whole machine, and leave them so.
Mininet.inited = True


def main(nodes: int, pods: int) -> None:
    """Start and stop a bridge for each node, with its pods, behind one more bridge."""
    start = time.monotonic()
    net = Mininet(switch=LinuxBridge, controller=None, autoSetMacs=True, build=False)
    core = net.addSwitch("s0")
    for node in range(1, nodes + 1):
        switch = net.addSwitch(f"s{node}")
        net.addLink(core, switch)
        for pod in range(node - 1, pods, nodes):
            net.addLink(net.addHost(f"h{pod + 1}"), switch)
    net.start()
    up = time.monotonic()
    net.stop()
    print(f"{up - start:.3f} {time.monotonic() - up:.3f}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

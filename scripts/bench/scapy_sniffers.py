"""Count frames by scapy's AsyncSniffer: scapy_sniffers.py NETNS:IFNAME...

Says ``ready`` when all sniffers run; when standard input ends, the frames and the CPU seconds since
then.
"""

import itertools
import sys
import time

from scapy.arch.linux import L2ListenSocket
from scapy.layers.all import UDP  # noqa: F401 (what a sniffer dissects)
from scapy.sendrecv import AsyncSniffer

from netlab.linux.netns import inside
from netlab.model.names import NetnsName


def main() -> None:
    """Sniff until standard input ends."""
    counter, sniffers = itertools.count(), []
    for point in sys.argv[1:]:
        netns, _, ifname = point.rpartition(":")
        with inside(NetnsName(netns)):
            opened = L2ListenSocket(iface=ifname, promisc=False)
        sniffer = AsyncSniffer(opened_socket=opened, store=False, prn=lambda _: count(counter))
        sniffer.start()
        sniffers.append(sniffer)
    start = time.process_time()
    print("ready", flush=True)
    sys.stdin.read()
    for sniffer in sniffers:
        sniffer.stop()
    print(next(counter), time.process_time() - start)


def count(counter: "itertools.count[int]") -> None:
    """Count one frame, and print nothing for it."""
    next(counter)


if __name__ == "__main__":
    main()

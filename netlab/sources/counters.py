"""The counters of a namespace's network stack, and which of them rose.

A file of ``/proc/net`` shows the namespace that it was opened in for as long as it is open.

Source: Linux, net/ipv4/proc.c, net/ipv6/proc.c; RFC 4293, RFC 4022, RFC 4113.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from typing import Final

from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.sources.drops import Counted

_FILES: Final = ("/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat")
_FILE_OF_IPV6: Final = "/proc/thread-self/net/snmp6"
_OF_IPV6: Final = ("Ip6", "Icmp6", "Udp6")
"""Groups of counters; that file has them as the beginnings of their names."""
_OF_IPV4: Final = frozenset({"Ip", "IpExt", "Icmp", "IcmpMsg", "Udp", "UdpLite"})


class Counters:
    """Counters of ``hosts`` from now on.

    Args:
        hosts: Whose; one whose namespace has gone is left out.
        enter: Moves this thread into a namespace; used while opening only.
        version: 4 or 6, of the Internet Protocol; what counts packets of the other is left out.

    Raises:
        OSError: The files cannot be read.
    """

    def __init__(self, hosts: Sequence[Host], enter: Enter, version: int = 4) -> None:
        self._is_left_out = _OF_IPV4 if version == 6 else frozenset[str]()
        names = (*_FILES, _FILE_OF_IPV6) if version == 6 else _FILES
        self._files: dict[str, list[TextIOWrapper]] = {}
        with ExitStack() as stack:
            for host in hosts:
                try:
                    with enter(host.netns):
                        opened = [stack.enter_context(open(name)) for name in names]  # noqa: PTH123
                except FileNotFoundError:
                    continue
                self._files[host.name] = opened
            self._before = self._read()
            self._stack = stack.pop_all()

    def rises(self) -> Counted:
        """Return what rose since the beginning."""
        now = self._read()
        return {
            host: {
                name: value - before[name]
                for name, value in now[host].items()
                if value > before.get(name, value)
            }
            for host, before in self._before.items()
        }

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    def _read(self) -> dict[str, dict[str, int]]:
        return {
            host: {
                name: value
                for name, value in _values(files).items()
                if name.partition(" ")[0] not in self._is_left_out
            }
            for host, files in self._files.items()
        }


def _values(files: Sequence[TextIOWrapper]) -> dict[str, int]:
    values: dict[str, int] = {}
    for file in files:
        file.seek(0)
        values |= parse_counters(file.read())
    return values


def parse_counters(text: str) -> dict[str, int]:
    r"""Return counters by group and name.

    >>> parse_counters("Udp: InDatagrams NoPorts\nUdp: 5 1\n")
    {'Udp InDatagrams': 5, 'Udp NoPorts': 1}
    >>> parse_counters("Ip6InNoRoutes                   \t3\nIp6OutNoRoutes          \t0\n")
    {'Ip6 InNoRoutes': 3, 'Ip6 OutNoRoutes': 0}
    """
    lines = text.splitlines()
    if ":" not in text:
        return dict(found for line in lines for found in _of_ipv6(line))
    found: dict[str, int] = {}
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        group, _, rest = names.partition(": ")
        numbers = values.partition(": ")[2].split()
        found |= {
            f"{group} {name}": int(number)
            for name, number in zip(rest.split(), numbers, strict=False)
        }
    return found


def _of_ipv6(line: str) -> Iterator[tuple[str, int]]:
    """Yield the counter of a line that has its name and its value; none for another group."""
    name, _, value = line.partition("\t")
    for group in _OF_IPV6:
        if name.startswith(group):
            yield f"{group} {name.strip().removeprefix(group)}", int(value)

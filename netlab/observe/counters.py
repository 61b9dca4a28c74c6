"""The counters of a namespace's network stack, and which of them rose.

A file of ``/proc/net`` shows the namespace that it was opened in for as long as it is open.

Source: Linux, net/ipv4/proc.c; RFC 4293, RFC 4022, RFC 4113.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from io import TextIOWrapper
from typing import Final

from netlab.model.hosts import Host
from netlab.observe.ring import Enter
from netlab.path.drops import Counted

_FILES: Final = ("/proc/thread-self/net/snmp", "/proc/thread-self/net/netstat")


class Counters:
    """Counters of ``hosts`` from now on.

    Args:
        hosts: Whose; one whose namespace has gone is left out.
        enter: Moves this thread into a namespace; used while opening only.

    Raises:
        OSError: The files cannot be read.
    """

    def __init__(self, hosts: Sequence[Host], enter: Enter) -> None:
        self._files: dict[str, list[TextIOWrapper]] = {}
        with ExitStack() as stack:
            for host in hosts:
                try:
                    with enter(host.netns):
                        opened = [stack.enter_context(open(name)) for name in _FILES]  # noqa: PTH123
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
        return {host: _values(files) for host, files in self._files.items()}


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
    """
    lines = text.splitlines()
    found: dict[str, int] = {}
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        group, _, rest = names.partition(": ")
        numbers = values.partition(": ")[2].split()
        found |= {
            f"{group} {name}": int(number)
            for name, number in zip(rest.split(), numbers, strict=False)
        }
    return found

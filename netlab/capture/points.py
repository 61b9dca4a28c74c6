"""Where to listen: ``HOST[:IF]`` as users type it, and the interfaces that it means."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field

from netlab.client.hosts import find_netns
from netlab.errors import LabError
from netlab.linux import netns_names
from netlab.linux.interfaces import InterfaceSeen, read_interfaces
from netlab.linux.netns import inside
from netlab.model.names import NetnsName


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The hosts and interfaces that a capture is to hear."""

    lab: str
    ifnames: dict[NetnsName, frozenset[str]] = field(default_factory=dict)
    """By namespace, all its interfaces when the set is empty. When no namespace is named at all,
    every one of the lab is meant, later ones included."""

    def namespaces(self) -> list[NetnsName]:
        """Return the chosen namespaces that exist now, from the kernel alone."""
        return [name for name in netns_names.names_of(self.lab) if self.wants(name)]

    def wants(self, name: NetnsName) -> bool:
        """Tell whether a namespace was chosen."""
        return not self.ifnames or name in self.ifnames

    def hears(self, name: NetnsName, ifname: str) -> bool:
        """Tell whether an interface of a chosen namespace was chosen."""
        chosen = self.ifnames.get(name)
        return not chosen or ifname in chosen


def choose(lab: str, points: Sequence[str]) -> Choice:
    """Return what ``points`` mean; none of them means everything.

    Args:
        lab: Name.
        points: ``node2``, ``node2:eth0``, ``web-1``, ``prod/web-1:eth0`` ...

    Raises:
        LabError: There is no such lab, host or interface; the hint has the nearest names.
    """
    if not points and not netns_names.names_of(lab):
        raise LabError(f"there is no lab {lab}", hint=f"type: sudo netlab up --lab {lab}")
    chosen: dict[NetnsName, frozenset[str]] = {}
    for text in points:
        host, colon, ifname = text.partition(":")
        name = find_netns(lab, host)
        wanted = {_checked(name, host, ifname)} if colon else set()
        before = chosen.get(name)
        # A host without an interface means all of them, whatever else was said of it.
        is_whole = not wanted or before == frozenset()
        chosen[name] = frozenset() if is_whole else frozenset(wanted | (before or set()))
    return Choice(lab=lab, ifnames=chosen)


def _checked(name: NetnsName, host: str, ifname: str) -> str:
    known = [interface.ifname for interface in interfaces_of(name).values()]
    if ifname in known:
        return ifname
    near = difflib.get_close_matches(ifname, known, n=3) or known
    raise LabError(f"{host} has no interface {ifname!r}", hint=f"did you mean {', '.join(near)}?")


def interfaces_of(name: NetnsName) -> dict[int, InterfaceSeen]:
    """Return the interfaces of a namespace by index.

    Raises:
        FileNotFoundError: It is gone.
    """
    with inside(name):
        return read_interfaces()

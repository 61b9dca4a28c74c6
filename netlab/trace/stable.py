"""A trace without what differs from run to run, for documents and for tests.

Ports that the kernel chose are numbered in the order in which they come up, and so are the ids of
conntrack entries and the names of veth ends; everything happens at one instant. What was called,
the rules, the hosts and the addresses stay as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from typing import Any, Final, TypeVar

from netlab.model.packets import AddrPort
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.trace.packet import RuleHit
from netlab.trace.trace import Trace

FIRST_PORT: Final = 40001
_CHOSEN: Final = range(1024, 65536)
_VETH: Final = re.compile(r"\bveth[0-9a-f]{11}\b")
_TIMES: Final = {"time_ns"}

_T = TypeVar("_T")


def stable(trace: Trace) -> Trace:
    """Return ``trace`` with everything counted up that a kernel or a clock chose."""
    return replace(_Stabler(trace).value(trace), started="")


class _Stabler:
    def __init__(self, trace: Trace) -> None:
        self._kept = {trace.pair.destination.port, *_ports_of_rules(trace)}
        self._ports: dict[AddrPort, int] = {}
        self._identities: dict[int, int] = {}
        self._veths: dict[str, str] = {}

    def value(self, found: _T) -> _T:
        """Return ``found``, and all that it holds, made stable."""
        changed: Any = found
        if isinstance(found, AddrPort):
            changed = self._end(found)
        elif isinstance(found, str) and not isinstance(found, StrEnum):
            changed = _VETH.sub(lambda name: self._veth(name[0]), found)
        elif isinstance(found, tuple):
            members = [self.value(one) for one in found]
            changed = type(found)(*members) if hasattr(found, "_fields") else tuple(members)
        elif isinstance(found, Mapping):
            changed = {key: self.value(one) for key, one in found.items()}
        elif is_dataclass(found) and not isinstance(found, type):
            changed = self._dataclass(found)
        return changed  # type: ignore[no-any-return]

    def _dataclass(self, found: Any) -> Any:  # noqa: ANN401 (any part of a trace)
        changes = {
            field.name: 0 if field.name in _TIMES else self.value(getattr(found, field.name))
            for field in fields(found)
            if field.init
        }
        if isinstance(found, ConntrackEntry):
            number = len(self._identities) + 1
            changes["identity"] = self._identities.setdefault(found.identity, number)
        if isinstance(found, RuleHit) and found.index is not None:
            changes["handle"] = None
        return replace(found, **changes)

    def _end(self, end: AddrPort) -> AddrPort:
        if end.port in self._kept or end.port not in _CHOSEN:
            return end
        number = self._ports.setdefault(end, FIRST_PORT + len(self._ports))
        return end._replace(port=number)

    def _veth(self, name: str) -> str:
        return self._veths.setdefault(name, f"veth{len(self._veths) + 1}")


def _ports_of_rules(trace: Trace) -> set[int]:
    """Return the ports that rules send to; a pod listens there, whatever they are."""
    found = set()
    for packet in trace.packets:
        for _, step in packet.steps():
            if isinstance(step, RuleHit) and step.endpoint.rpartition(":")[2].isdigit():
                found.add(int(step.endpoint.rpartition(":")[2]))
    return found

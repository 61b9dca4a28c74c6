"""The kernel-true path of one connection: what ``netlab trace`` shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from netlab.model.hosts import Host
from netlab.model.packets import AddressPair
from netlab.sources.conntrack_entries import ConntrackEntry
from netlab.trace.conversation import came_to, conversation
from netlab.trace.packet import Packet, Verdict
from netlab.trace.predicted_path import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One connection, from its caller's socket to its end."""

    lab: str
    started: str
    """UTC, RFC 3339."""
    caller: str
    target: str
    """As the user typed it."""
    protocol: str
    pair: AddressPair
    """The connection as the caller's socket names it."""
    service: str
    """The Service whose rules chose, with its port; empty when none did."""
    outcome: str
    """What the caller's socket heard."""
    packets: tuple[Packet, ...]
    nat: tuple[ConntrackEntry, ...]
    """The entries that rewrite, in the order of the way."""
    verdict: Verdict
    names: Mapping[str, str]
    """What to call each address of the lab."""
    sources: tuple[str, ...]
    """What was heard: ``packets``, ``rule trace``, ``conntrack events``, ``drop reasons``,
    ``counters``, ``route queries``."""
    warnings: tuple[str, ...] = ()
    is_complete: bool = True
    """False when the kernel said that messages or frames were lost."""
    hosts: tuple[Host, ...] = ()
    """All hosts of the lab, for a picture of where the path lies; empty when they are not known."""
    prediction: Comparison | None = None
    """What the rules predicted, beside this; None when nobody asked."""
    onward: "Trace | None" = None
    """The connection that a proxy made for this one, which ended there; None where it ended at a
    server, or the proxy made none."""

    @property
    def attempts(self) -> int:
        """How many times the caller tried."""
        return max((packet.attempt for packet in self.packets), default=0)

    def request(self) -> Packet | None:
        """Return the packet that made the connection, or was to make it."""
        return conversation(self.packets).request

    def reply(self) -> Packet | None:
        """Return the packet that answered it: an answer, a refusal, or an ICMP error."""
        return conversation(self.packets).answer

    def is_reply_heard(self) -> bool:
        """Tell whether an answer came to the caller, from whomever."""
        request, reply = self.request(), self.reply()
        return request is not None and reply is not None and came_to(reply, request.hosts()[0])

    def is_symmetric(self) -> bool:
        """Tell whether the reply passed the request's hosts in reverse order."""
        request, reply = self.request(), self.reply()
        if request is None or reply is None:
            return False
        return _folded(request.hosts()) == _folded(reply.hosts())[::-1]


def _folded(hosts: list[str]) -> list[str]:
    return [host for i, host in enumerate(hosts) if i == 0 or hosts[i - 1] != host]

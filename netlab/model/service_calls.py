"""Calls that the rules of a lab promise to answer, and addresses that they do not."""

from dataclasses import dataclass

from netlab.model.names import NetnsName
from netlab.model.packets import AddrPort


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A TCP connection that must be answered."""

    netns: NetnsName
    caller: str
    target: AddrPort
    service: str
    """``namespace/name``."""
    endpoints: tuple[str, ...] = ()
    """Where the rules send it, as ``address:port``."""

    def __str__(self) -> str:
        """Say what is called, and by whom."""
        return f"Service {self.service} at {self.target}, called from {self.caller}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpromised:
    """An address of a Service that no rule makes answer, and why that is right."""

    service: str
    target: AddrPort
    why: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"Service {self.service} at {self.target}: {self.why}"

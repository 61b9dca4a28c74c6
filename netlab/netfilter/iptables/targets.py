"""Targets: what a rule does with a packet. ``str`` of one is its text for iptables-restore.

A target that netlab has no value for is kept in ``OtherTarget``.

Source: iptables(8), iptables-extensions(8).
"""

from dataclasses import dataclass

from netlab.model.addresses import Address
from netlab.netfilter.iptables.words import ALL_BITS, word


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on in ``chain`` and come back when nothing there decided."""

    chain: str

    def __str__(self) -> str:
        return f"-j {word(self.chain)}"


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on in ``chain`` and do not come back here."""

    chain: str

    def __str__(self) -> str:
        return f"-g {word(self.chain)}"


@dataclass(frozen=True, slots=True)
class Return:
    """Leave this chain."""

    def __str__(self) -> str:
        return "-j RETURN"


@dataclass(frozen=True, slots=True)
class Accept:
    """Let the packet pass this table."""

    def __str__(self) -> str:
        return "-j ACCEPT"


@dataclass(frozen=True, slots=True)
class Drop:
    """Throw the packet away without a word."""

    def __str__(self) -> str:
        return "-j DROP"


@dataclass(frozen=True, slots=True)
class Reject:
    """Throw the packet away and tell the sender."""

    reject_with: str = ""
    """ICMP message; empty for the family's port unreachable."""

    def __str__(self) -> str:
        return "-j REJECT" + (
            f" --reject-with {word(self.reject_with)}" if self.reject_with else ""
        )


@dataclass(frozen=True, slots=True)
class Dnat:
    """Rewrite the connection's destination; the port stays when it is None."""

    address: Address
    port: int | None = None

    def __str__(self) -> str:
        return f"-j DNAT --to-destination {_to(self.address, self.port)}"


@dataclass(frozen=True, slots=True)
class Snat:
    """Rewrite the connection's source; the port stays if it can when it is None."""

    address: Address
    port: int | None = None

    def __str__(self) -> str:
        return f"-j SNAT --to-source {_to(self.address, self.port)}"


@dataclass(frozen=True, slots=True)
class Masquerade:
    """Rewrite the connection's source to the address of the interface it leaves by."""

    random_fully: bool = False

    def __str__(self) -> str:
        return "-j MASQUERADE" + (" --random-fully" if self.random_fully else "")


@dataclass(frozen=True, slots=True)
class SetMark:
    """Clear the mark's bits in ``mask``, then flip those in ``value``.

    ``--or-mark V`` is value V, mask V; ``--xor-mark V`` is value V, mask 0.
    """

    value: int
    mask: int = ALL_BITS

    def __str__(self) -> str:
        return f"-j MARK --set-xmark {self.value:#x}/{self.mask:#x}"


@dataclass(frozen=True, slots=True)
class OtherTarget:
    """A target netlab has no value for, word for word from its ``-j``."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(map(word, self.words))


Target = (
    Jump | Goto | Return | Accept | Drop | Reject | Dnat | Snat | Masquerade | SetMark | OtherTarget
)
"""Every kind of target."""


def _to(address: Address, port: int | None) -> str:
    if port is None:
        return str(address)
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"

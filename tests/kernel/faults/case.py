"""A fault that is put into a lab, a call that meets it, and what is true of it.

A command is run in a host's namespace. ``{web}``, ``{node1}`` and the like stand for addresses of
the family that is tried, ``{veth_web}`` for the node's end of the pod's link, ``{iptables}`` and
``{ip}`` for the programs of the family; ``broken_lab.words`` has all of them.
"""

from dataclasses import dataclass, field

from tests.kernel.faults.topology import VARIANTS, Variant

IPV4, IPV6 = 4, 6
BOTH = (IPV4, IPV6)
ANY = tuple(VARIANTS)
IPTABLES = tuple(v for v in VARIANTS if v.mode == "iptables")
NFTABLES = tuple(v for v in VARIANTS if v.mode == "nftables")
BRIDGE = tuple(v for v in VARIANTS if v.cni == "bridge")
PTP = tuple(v for v in VARIANTS if v.cni == "ptp")

Commands = tuple[tuple[str, str], ...]
"""Hosts, each with a command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One fault, one call, and what is true of it."""

    fault: str
    """In words, for the table of results."""
    put: Commands = ()
    undo: Commands = ()
    caller: str
    target: str
    result: str
    """As JSON has it."""
    host: str
    """Where it ended; empty where that is the link's business."""
    cause: str
    """A regular expression that the words and the cause together must match."""
    shown: str = ""
    """A regular expression for what the hint's command prints; empty where nothing is hinted."""
    families: tuple[int, ...] = BOTH
    variants: tuple[Variant, ...] = ANY
    payload: int | None = None
    timeout_s: float = 0.4

    @property
    def where(self) -> str:
        """Where it is put, or who calls."""
        return self.put[0][0] if self.put else f"{self.caller} calls {self.target}"


@dataclass(frozen=True, slots=True)
class Way:
    """A call, and the address its packets have as their source at each host of the way."""

    name: str
    caller: str
    target: str
    protocol: str
    server: str
    address: str
    """The server's."""
    there: dict[str, str] = field(default_factory=dict)
    back: dict[str, str] = field(default_factory=dict)

    def to(self, fault: str, **rest: object) -> Case:
        """Return a case of this call."""
        known = {"caller": self.caller, "target": self.target, "result": "dropped"}
        return Case(fault=f"{fault}, {self.name}", **{**known, **rest})  # type: ignore[arg-type]


TCP = Way(
    "TCP", "client", "http://node2:30100", "tcp", "web-1", "{web}",
    {"client": "{client}", "node2": "{client}", "node1": "{node2}", "web-1": "{node2}"},
    {"web-1": "{web}", "node1": "{web}", "node2": "{web}", "client": "{node2}"},
)  # fmt: skip
UDP = Way(
    "UDP", "client", "udp://node2:30109", "udp", "udp-1", "{udp}",
    {"client": "{client}", "node2": "{client}", "node1": "{node2}", "udp-1": "{node2}"},
    {"udp-1": "{udp}", "node1": "{udp}", "node2": "{udp}", "client": "{node2}"},
)  # fmt: skip
PING = Way(
    "ICMP", "caller-2", "icmp://caller-1", "icmp", "caller-1", "{caller1}",
    {"caller-2": "{caller2}", "node2": "{caller2}", "node1": "{caller2}", "caller-1": "{caller2}"},
    {"caller-1": "{caller1}", "node1": "{caller1}", "node2": "{caller1}", "caller-2": "{caller1}"},
)  # fmt: skip
WAYS = (TCP, UDP, PING)

COUNTED = r"\s+[1-9]\d*\s+\d+\s+"
"""What stands before a rule's target in ``iptables -nvL`` once a packet has met it."""


def rule(host: str, table: str, words: str) -> tuple[Commands, Commands]:
    """Return what inserts a rule of iptables, and what deletes it."""
    return (
        ((host, f"{{iptables}} -t {table} -I {words}"),),
        ((host, f"{{iptables}} -t {table} -D {words}"),),
    )


def table(host: str, name: str, chain: str, words: str) -> tuple[Commands, Commands]:
    """Return what makes a table of nftables with one chain and one rule, and what deletes it.

    Args:
        host: Where.
        name: Family and name.
        chain: Type, hook and priority.
        words: The rule.
    """
    put = (
        (host, f"nft add table {name}"),
        (host, f"nft add chain {name} every '{{{{ {chain}; policy accept; }}}}'"),
        (host, f"nft add rule {name} every {words}"),
    )
    return put, ((host, f"nft delete table {name}"),)

"""What the control plane asks of its launcher."""

from collections.abc import Mapping
from dataclasses import dataclass

from netlab.model.names import NetnsName
from netlab.plan.ops import Op


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Carry out operations; the answer is None."""

    operations: tuple[Op, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLab:
    """Read every namespace of a lab back; the answer is a ``LabState``."""

    lab: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """Load rules, side by side; the answer maps each namespace that refused to the reason."""

    texts: Mapping[NetnsName, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRules:
    """Read rules; the answer maps each namespace to the text of ``iptables-save``."""

    netns: tuple[NetnsName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Open a listening TCP socket in a namespace; its descriptor comes with the answer."""

    netns: NetnsName
    address: str
    port: int


Request = Apply | ReadLab | Restore | SaveRules | Listen

"""Words that every layer shares about packets."""

from enum import StrEnum


class Protocol(StrEnum):
    """A transport protocol, as a ServicePort spells it."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"

"""Everything netlab can fail with, and the exit code that each failure ends in.

::

    NetlabError                  70  a bug, unless a subclass says otherwise
     |- ExpectationError          1  the network does not do what was asserted
     |- SpecError                 3  the user's file or object is wrong
     |- HostError                 4  not root, no iptables, no such kernel feature
     |- KernelError               5  a netlink call or iptables-restore was refused
     `- LabError                  6  no such lab, or it is held by another command

Exit code 2 is Click's own, for a wrong command line; 130 is an interrupt.
"""

from typing import ClassVar


class NetlabError(Exception):
    """A failure that deserves a sentence, not a traceback.

    Attributes:
        hint: What the user can do about it; empty when nothing is known to help.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ExpectationError(NetlabError):
    """The network does not do what was asserted."""

    exit_code = 1


class SpecError(NetlabError):
    """A file or an object of the user's is wrong; the message holds every problem, one a line."""

    exit_code = 3


class HostError(NetlabError):
    """This machine cannot run a lab: no root, no iptables, no such kernel feature."""

    exit_code = 4


class KernelError(NetlabError):
    """The kernel refused an operation; the message quotes the command a person would type."""

    exit_code = 5


class LabError(NetlabError):
    """There is no such lab, or another command holds it."""

    exit_code = 6

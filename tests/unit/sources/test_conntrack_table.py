"""What is said where the kernel has no ctnetlink; with one, kernel tests hear its events."""

import errno
import os
from contextlib import nullcontext
from typing import Self

import pytest

from netlab.model.hosts import Host, HostKind
from netlab.model.names import NetnsName
from netlab.sources import conntrack_table
from netlab.sources.conntrack_table import open_events

NODE = Host(name="node1", kind=HostKind.NODE, netns=NetnsName("netlab-a-node1"), addresses=())


class Refusing:
    """A socket whose questions the kernel refuses."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def ask(self, _: bytes) -> None:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(errno.EINVAL, "module nf_conntrack_netlink", id="no such subsystem"),
        pytest.param(errno.EPROTONOSUPPORT, "module nf_conntrack_netlink", id="no netfilter"),
        pytest.param(errno.EPERM, "Operation not permitted", id="it is there, and refuses"),
    ],
)
def test_a_kernel_without_ctnetlink_is_told_from_one_that_refuses(
    monkeypatch: pytest.MonkeyPatch, number: int, said: str
):
    monkeypatch.setattr(conntrack_table, "open_netfilter", lambda *_: Refusing(number))
    with pytest.raises(OSError, match=said) as refused:
        open_events(NODE, lambda _: nullcontext())
    assert refused.value.errno == number

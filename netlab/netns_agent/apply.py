"""Carry out operations on namespaces, links, addresses and routes.

Consecutive operations on one namespace share one visit to it and one netlink batch. The calling
thread moves between namespaces, so this is for the netns agent, which has one thread.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Sequence
from itertools import groupby

from netlab.errors import KernelError
from netlab.linux import ethtool, netlink, netns, netns_names
from netlab.netns_agent import links
from netlab.plan import ops
from netlab.plan.ops import Op


def apply(operations: Iterable[Op]) -> None:
    """Carry out operations in order; doing them twice is the same as doing them once.

    Raises:
        KernelError: The kernel refused; the message quotes the first refused operation.
    """
    for name, group in groupby(operations, key=lambda op: op.netns):
        batch = list(group)
        while batch and isinstance(batch[0], ops.CreateNetns | ops.DeleteNetns):
            _change_netns(batch.pop(0))
        if batch:
            try:
                with netns.inside(name):
                    _Visit().carry_out(batch)
            except FileNotFoundError as error:
                raise KernelError(f"{batch[0]}: no such network namespace") from error


def _change_netns(op: Op) -> None:
    try:
        if isinstance(op, ops.CreateNetns):
            netns.create(op.netns)
            with netns.inside(op.netns):
                _Visit().carry_out([ops.SetLinkUp(netns=op.netns, ifname="lo")])
        else:
            netns.delete(op.netns)
    except OSError as error:
        raise KernelError(f"{op}: {error.strerror}") from error


class _Visit:
    """One stay in one namespace: requests gathered until they must be sent."""

    def __init__(self) -> None:
        self._pending: list[tuple[Op, bytes]] = []
        self._open: list[int] = []
        self._index: dict[str, int] = {}
        self._any_socket: socket.socket | None = None

    def carry_out(self, operations: Sequence[Op]) -> None:
        with netlink.NetlinkSocket() as route_socket:
            self._netlink = route_socket
            try:
                for op in operations:
                    self._begin(op)
                self._flush()
            finally:
                self._close()

    def _begin(self, op: Op) -> None:
        match op:
            case ops.SetSysctl():
                _write_sysctl(op)
            case ops.DisableOffloads():
                self._disable_offloads(op)
            case ops.CreateNetns() | ops.DeleteNetns():
                _change_netns(op)
            case ops.DeleteLink() if not self._exists(op.ifname):
                pass
            case _:
                # Before the list is looked up: to encode a request may send those that wait.
                encoded = self._request(op)
                self._pending.append((op, encoded))

    def _request(self, op: Op) -> bytes:
        match op:
            case ops.CreateBridge():
                return links.create_bridge(op)
            case ops.CreateVeth():
                return links.create_veth(op, self._open_netns(op))
            case ops.AddRoute() | ops.DeleteRoute():
                return links.route(op, self._index_of)
            case ops.AddAddress() | ops.DeleteAddress():
                return links.address(op, self._index_of(op.ifname))
            case _:
                return self._link_request(op)

    def _link_request(self, op: Op) -> bytes:
        match op:
            case ops.DeleteLink():
                return links.delete_link(self._index_of(op.ifname))
            case ops.SetHairpin():
                return links.set_hairpin(self._index_of(op.ifname))
            case ops.SetLinkUp():
                master = self._index_of(op.master) if op.master else None
                return links.set_link_up(self._index_of(op.ifname), master)
            case _:
                raise AssertionError(op)

    def _open_netns(self, op: ops.CreateVeth) -> int:
        try:
            number = os.open(netns_names.NETNS / op.peer.netns, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise KernelError(f"{op}: no network namespace {op.peer.netns}") from error
        self._open.append(number)
        return number

    def _exists(self, ifname: str) -> bool:
        self._flush()
        try:
            # Noted, since a link whose other end went with its namespace may go at any moment.
            self._index[ifname] = socket.if_nametoindex(ifname)
        except OSError:
            return False
        return True

    def _index_of(self, ifname: str) -> int:
        """Return an interface's number; what was asked before it must have happened by then."""
        if ifname not in self._index:
            self._flush()
            try:
                self._index[ifname] = socket.if_nametoindex(ifname)
            except OSError as error:
                raise KernelError(f"no interface {ifname} here: {error.strerror}") from error
        return self._index[ifname]

    def _disable_offloads(self, op: ops.DisableOffloads) -> None:
        self._flush()
        if self._any_socket is None:
            self._any_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            ethtool.disable_offloads(self._any_socket, op.ifname)
        except OSError as error:
            # A bridge takes its offloads from its ports and refuses some of its own.
            if error.errno != errno.EOPNOTSUPP:
                raise KernelError(f"{op}: {error.strerror}") from error

    def _flush(self) -> None:
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        if any(isinstance(op, ops.DeleteLink) for op, _ in pending):
            self._index.clear()
        results = self._netlink.send([encoded for _, encoded in pending])
        for (op, _), number in zip(pending, results, strict=True):
            deleting = isinstance(op, ops.DeleteLink | ops.DeleteAddress | ops.DeleteRoute)
            if number and not netlink.is_harmless(number, deleting=deleting):
                raise KernelError(f"{op}: {os.strerror(number)}")

    def _close(self) -> None:
        for number in self._open:
            os.close(number)
        if self._any_socket is not None:
            self._any_socket.close()


def _write_sysctl(op: ops.SetSysctl) -> None:
    # /proc/sys/net shows the settings of the namespace that the reader is in.
    path = "/proc/sys/" + op.key.replace(".", "/")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        if op.if_present:
            return
        raise KernelError(f"{op}: no such setting") from error
    try:
        _write_first(descriptor, [op.value, op.fallback] if op.fallback else [op.value])
    except OSError as error:
        raise KernelError(f"{op}: {error.strerror}") from error
    finally:
        os.close(descriptor)


def _write_first(descriptor: int, values: Sequence[str]) -> None:
    """Write the first value that the kernel takes."""
    for value in values[:-1]:
        with contextlib.suppress(OSError):
            os.write(descriptor, value.encode())
            return
    os.write(descriptor, values[-1].encode())

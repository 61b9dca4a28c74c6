"""Have the kernel report every step of some protocols' packets in one namespace.

Theory of operation
-------------------
A table of netlab's own holds one base chain before and after each place where a packet may be
rewritten or lost. Two of them, the first that a packet can meet on its way in and the first on its
way out of a local socket, switch tracing on; the others hold no rule at all: that a packet passed
them is reported as their policy, with the packet's header as it is there.

::

    wire -> pre_wire [raw, conntrack, DNAT] pre_dnat -> routing -> [filter] in_last -> socket
                                                               -> [filter] fwd_last -> out
    socket -> routing -> out_first [raw, conntrack, DNAT] out_dnat -> [filter] -> out
    out -> post_snat_before [SNAT] post_wire -> wire

The user's rules are not touched, and iptables-save does not show the table. The kernel removes a
table with the flag ``owner`` when the socket that made it closes, whatever ends the process. A
kernel before 5.12 refuses the flag; there the table is deleted on the way out, and one that a
killed process left behind is deleted by the next trace.

Source: Linux, include/uapi/linux/netfilter/nf_tables.h; nft(8), "META EXPRESSIONS", nftrace.
"""

import errno
import os
import socket
import struct
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from netlab.linux.netlink_messages import (
    NLM_F_APPEND,
    NLM_F_CREATE,
    NLM_F_DUMP,
    NLM_F_EXCL,
    attribute,
    be32,
    nested,
    string,
    text_of,
)
from netlab.linux.nfnetlink import NFNL_SUBSYS_NFTABLES, open_netfilter, request, transact
from netlab.linux.packet_ring import Enter
from netlab.model.hosts import Host
from netlab.model.packets import AddressPair
from netlab.sources.rule_trace_messages import POINTS, STARTS, TABLE_PREFIX

NEWTABLE, GETTABLE, DELTABLE, NEWCHAIN, NEWRULE = 0, 1, 2, 3, 6
"""NFT_MSG_*"""
NFT_TABLE_F_OWNER: Final = 2
NFTA_TABLE_NAME, NFTA_TABLE_FLAGS, NFTA_TABLE_OWNER = 1, 2, 7
NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS = 1, 2, 4
NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_TYPE = 1, 3, 4, 7
NFT_META_L4PROTO, NFT_META_NFTRACE = 16, 12
NFPROTO: Final = {4: socket.AF_INET, 6: socket.AF_INET6}
NFT_PAYLOAD_NETWORK_HEADER, NFT_PAYLOAD_TRANSPORT_HEADER = 1, 2
NFTA_DATA_VERDICT, NFT_REG_VERDICT = 2, 0
NFT_RETURN: Final = 2**32 - 5
_FIRST_ADDRESS: Final = {4: 12, 6: 8}
"""Where a header of that version has its source address; the destination follows it."""
_REGISTER: Final = 1


class Arming:
    """Tracing of some protocols' packets in the namespace of ``host``, until closed.

    Args:
        host: Whose packets.
        enter: Moves this thread into its namespace; used while opening only.
        protocols: Numbers of the transport protocols: 6, 17, 1 ...
        version: 4 or 6, of the Internet Protocol.
        left_out: Streams that are not to be traced, each in one direction.
        owned: Ask for a table that goes with this process; refused by kernels before 5.12.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused.
    """

    def __init__(
        self,
        host: Host,
        enter: Enter,
        *,
        protocols: Collection[int],
        version: int = 4,
        left_out: Sequence[AddressPair] = (),
        owned: bool = True,
    ) -> None:
        self._left_out = left_out
        self.table = f"{TABLE_PREFIX}{os.getpid()}"
        self._family = NFPROTO[version]
        self._owned = owned
        self._socket = open_netfilter(host, enter)
        try:
            self._arm(protocols)
        except OSError:
            self._socket.close()
            raise

    def close(self) -> None:
        """Take the table away."""
        try:
            if not self._owned:
                transact(self._socket, [self._delete(self.table)])
        finally:
            self._socket.close()

    def _arm(self, protocols: Collection[int]) -> None:
        if self._owned:
            try:
                transact(self._socket, self._requests(protocols))
            except OSError as error:
                # The flag is unknown before 5.12.
                if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:
                    raise
                self._owned = False
            else:
                return
        self._sweep()
        transact(self._socket, self._requests(protocols))

    def _requests(self, protocols: Collection[int]) -> list[bytes]:
        flags = NFT_TABLE_F_OWNER if self._owned else 0
        body = string(NFTA_TABLE_NAME, self.table) + be32(NFTA_TABLE_FLAGS, flags)
        requests = [self._request(NEWTABLE, body, NLM_F_CREATE | NLM_F_EXCL)]
        for name, hook, priority in POINTS:
            place = nested(NFTA_CHAIN_HOOK, be32(1, hook), be32(2, priority))
            named = string(NFTA_CHAIN_TABLE, self.table) + string(NFTA_CHAIN_NAME, name)
            body = named + place + string(NFTA_CHAIN_TYPE, "filter")
            requests.append(self._request(NEWCHAIN, body, NLM_F_CREATE))
        for name in sorted(STARTS):
            requests += [self._rule(name, *_leave(pair)) for pair in self._left_out]
            requests += [self._rule(name, *_switch_on(number)) for number in sorted(protocols)]
        return requests

    def _rule(self, chain: str, *expressions: bytes) -> bytes:
        body = string(NFTA_RULE_TABLE, self.table) + string(NFTA_RULE_CHAIN, chain)
        body += nested(NFTA_RULE_EXPRESSIONS, *expressions)
        return self._request(NEWRULE, body, NLM_F_CREATE | NLM_F_APPEND)

    def _sweep(self) -> None:
        """Delete tables whose process has ended without taking them away."""
        asked = self._request(GETTABLE, b"", NLM_F_DUMP)
        tables = [message.attributes() for message in self._socket.ask(asked)]
        for table in tables:
            name = text_of(table.get(NFTA_TABLE_NAME))
            pid = name.removeprefix(TABLE_PREFIX)
            if pid != name and NFTA_TABLE_OWNER not in table and not Path("/proc", pid).exists():
                transact(self._socket, [self._delete(name)])

    def _delete(self, table: str) -> bytes:
        return self._request(DELTABLE, string(NFTA_TABLE_NAME, table), 0)

    def _request(self, kind: int, body: bytes, flags: int) -> bytes:
        return request(NFNL_SUBSYS_NFTABLES << 8 | kind, self._family, body, flags)


def _switch_on(protocol: int) -> tuple[bytes, ...]:
    """Return the rule ``meta l4proto PROTOCOL meta nftrace set 1``."""
    return (
        _expression("meta", be32(1, _REGISTER), be32(2, NFT_META_L4PROTO)),
        _equals(struct.pack("B", protocol)),
        _expression("immediate", be32(1, _REGISTER), nested(2, attribute(1, b"\1"))),
        _expression("meta", be32(2, NFT_META_NFTRACE), be32(3, _REGISTER)),
    )


def _leave(pair: AddressPair) -> tuple[bytes, ...]:
    """Return the rule ``ip saddr A ip daddr B th sport C th dport D return``."""
    source, destination = pair.source.address.packed, pair.destination.address.packed
    first = _FIRST_ADDRESS[pair.source.address.version]
    ports = struct.pack(">HH", pair.source.port, pair.destination.port)
    verdict = nested(2, nested(NFTA_DATA_VERDICT, be32(1, NFT_RETURN)))
    return (
        *_has(NFT_PAYLOAD_NETWORK_HEADER, first, source),
        *_has(NFT_PAYLOAD_NETWORK_HEADER, first + len(source), destination),
        *_has(NFT_PAYLOAD_TRANSPORT_HEADER, 0, ports),
        _expression("immediate", be32(1, NFT_REG_VERDICT), verdict),
    )


def _has(header: int, offset: int, value: bytes) -> tuple[bytes, bytes]:
    place = be32(2, header) + be32(3, offset) + be32(4, len(value))
    return _expression("payload", be32(1, _REGISTER), place), _equals(value)


def _equals(value: bytes) -> bytes:
    return _expression("cmp", be32(1, _REGISTER), be32(2, 0), nested(3, attribute(1, value)))


def _expression(name: str, *parts: bytes) -> bytes:
    return nested(1, string(1, name), nested(2, *parts))

"""Ask a namespace's kernel where it would send a packet, as ``ip route get`` does.

Source: rtnetlink(7); Linux, include/uapi/linux/rtnetlink.h.
"""

import errno
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import attribute, attributes, request
from netlab.linux.packet_ring import Enter
from netlab.linux.rtnetlink import RTM_GETROUTE
from netlab.model.addresses import Address
from netlab.model.names import NetnsName
from netlab.sources.routes import RouteAnswer, RouteQuestion

RTM_F_LOOKUP_TABLE, RTM_F_FIB_MATCH = 0x1000, 0x2000
RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_TABLE, RTA_MARK = 1, 2, 3, 4, 5, 15, 16
RTA_MULTIPATH, RTA_IP_PROTO, RTA_SPORT, RTA_DPORT = 9, 27, 28, 29
RTN_LOCAL: Final = 2
_ROUTE: Final = struct.Struct("=BBBBBBBBI")
_PROTOCOLS: Final = {"TCP": socket.IPPROTO_TCP, "UDP": socket.IPPROTO_UDP}
_ERRORS: Final = {
    errno.ENETUNREACH: "no route",
    errno.EHOSTUNREACH: "an unreachable route",
    errno.EACCES: "a prohibit route",
    errno.EINVAL: "a blackhole route",
}


class RouteQueries:
    """Answers to routing questions of one namespace, each asked once.

    Raises:
        FileNotFoundError: The namespace is gone.
        OSError: The kernel refused the socket.
    """

    def __init__(self, netns: NetnsName, enter: Enter) -> None:
        with enter(netns):
            self._socket = NetlinkSocket()
            self._names: Mapping[int, str] = dict(socket.if_nameindex())
        self._answers: dict[RouteQuestion, RouteAnswer] = {}

    def ask(self, question: RouteQuestion) -> RouteAnswer:
        """Return the kernel's answer."""
        if question not in self._answers:
            self._answers[question] = self._ask(question)
        return self._answers[question]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _ask(self, question: RouteQuestion) -> RouteAnswer:
        flags = RTM_F_LOOKUP_TABLE | RTM_F_FIB_MATCH
        payload = self._look_up(question, flags)
        if isinstance(payload, RouteAnswer):
            return payload
        matched = self._answer(payload)
        if RTA_MULTIPATH not in attributes(payload[_ROUTE.size :]):
            return matched
        # The route has several ways; asked without a wish for the route, the kernel chooses one.
        payload = self._look_up(question, RTM_F_LOOKUP_TABLE)
        if isinstance(payload, RouteAnswer):
            return payload
        chosen = self._answer(payload)
        return replace(matched, via=chosen.via, ifname=chosen.ifname)

    def _look_up(self, question: RouteQuestion, flags: int) -> bytes | RouteAnswer:
        """Return the payload of the kernel's answer, or why there is none."""
        body = b"".join(self._attributes(question))
        family = socket.AF_INET if question.destination.version == 4 else socket.AF_INET6
        lengths = (_bits(question.destination), _bits(question.source))
        route = _ROUTE.pack(family, *lengths, 0, 0, 0, 0, 0, flags)
        try:
            [answer] = self._socket.ask(request(RTM_GETROUTE, route + body))
        except OSError as error:
            return RouteAnswer(error=self._error(question, error.errno or 0))
        return answer.payload

    def _error(self, question: RouteQuestion, number: int) -> str:
        """Return what an error means; the kernel says the same of several things."""
        if question.source is None:
            return _ERRORS.get(number, os.strerror(number))
        without = self._ask(question._replace(source=None, ifname_in="")).error
        if number in {errno.EINVAL, errno.EXDEV} and without != _ERRORS[errno.EINVAL]:
            if question.source.is_loopback:
                return "no route from a loopback address (route_localnet is 0)"
            back = self._ask(RouteQuestion(question.host, question.source))
            if number == errno.EXDEV or back.error or back.route == "local":
                return f"reverse-path check failed for source {question.source}"
        if (
            number in _ERRORS
            and question.ifname_in
            and not without
            and number != errno.EHOSTUNREACH
        ):
            return f"{_ERRORS[number]} by a policy rule"
        if number == errno.EHOSTUNREACH and question.ifname_in and not without:
            return "not forwarded: forwarding is off"
        return _ERRORS.get(number, os.strerror(number))

    def _attributes(self, question: RouteQuestion) -> Iterator[bytes]:
        yield attribute(RTA_DST, question.destination.packed)
        if question.source is not None:
            yield attribute(RTA_SRC, question.source.packed)
        index = next((i for i, name in self._names.items() if name == question.ifname_in), 0)
        if index:
            yield attribute(RTA_IIF, struct.pack("=I", index))
        if question.mark:
            yield attribute(RTA_MARK, struct.pack("=I", question.mark))
        protocol = _PROTOCOLS.get(question.protocol)
        if protocol is not None:
            yield attribute(RTA_IP_PROTO, bytes([protocol]))
            yield attribute(RTA_SPORT, struct.pack("!H", question.source_port))
            yield attribute(RTA_DPORT, struct.pack("!H", question.destination_port))

    def _answer(self, payload: bytes) -> RouteAnswer:
        _, bits, _, _, _, _, _, kind, _ = _ROUTE.unpack_from(payload)
        found = attributes(payload[_ROUTE.size :])
        (oif,) = struct.unpack("=I", found.get(RTA_OIF, bytes(4)))
        (table,) = struct.unpack("=I", found.get(RTA_TABLE, bytes(4)))
        prefix = "default"
        if RTA_DST in found:
            prefix = f"{ipaddress.ip_address(found[RTA_DST])}/{bits}"
        gateway = found.get(RTA_GATEWAY)
        return RouteAnswer(
            route="local" if kind == RTN_LOCAL else prefix,
            via="" if gateway is None else str(ipaddress.ip_address(gateway)),
            ifname=self._names.get(oif, ""),
            table=table,
        )


def _bits(address: Address | None) -> int:
    return 0 if address is None else address.max_prefixlen

"""Links, addresses and routes over netlink, in the message formats that pyroute2 knows.

Source: Linux, include/uapi/linux/rtnetlink.h.
"""

from typing import Any, Final

from netlab.linux.netlink import NetlinkSocket
from netlab.linux.netlink_messages import HEADER, NLM_F_DUMP, NLM_F_REQUEST

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_GETNEIGH: Final = 30

Message = Any
"""An ``ifinfmsg``, ``ifaddrmsg`` or ``rtmsg`` of pyroute2, which has no types."""


def encode(message: Message, message_type: int, flags: int) -> bytes:
    """Return the bytes of one request; the socket numbers it."""
    message["header"]["type"] = message_type
    message["header"]["flags"] = NLM_F_REQUEST | flags
    message.encode()
    return bytes(message.data)


def dump(opened: NetlinkSocket, message: Message, message_type: int) -> list[Message]:
    """Return the decoded answers to a dump request.

    Raises:
        OSError: The kernel refused.
    """
    answers = []
    for one in opened.ask(encode(message, message_type, NLM_F_DUMP)):
        header = HEADER.pack(HEADER.size + len(one.payload), one.kind, 0, 0, 0)
        answer = type(message)(header + one.payload)
        answer.decode()
        answers.append(answer)
    return answers

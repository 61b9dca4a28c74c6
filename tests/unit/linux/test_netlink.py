import errno

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from netlab.linux.netlink import NetlinkSocket, is_harmless
from netlab.linux.netlink_messages import NLM_F_DUMP, NLM_F_REQUEST, request, text_of
from netlab.linux.rtnetlink import IFINFOMSG, IFLA_IFNAME, RTM_DELLINK, RTM_GETLINK


@pytest.mark.parametrize(
    ("number", "deleting", "harmless"),
    [
        pytest.param(errno.EEXIST, False, True, id="making what is there"),
        pytest.param(errno.ENODEV, False, False, id="changing a link that is not there"),
        pytest.param(errno.ENETUNREACH, False, False, id="a route to nowhere"),
        pytest.param(errno.ENODEV, True, True, id="deleting a link that has gone"),
        pytest.param(errno.EADDRNOTAVAIL, True, True, id="deleting an address that has gone"),
        pytest.param(errno.ESRCH, True, True, id="deleting a route that has gone"),
        pytest.param(errno.EPERM, True, False, id="deleting without the right to"),
        pytest.param(errno.EEXIST, True, False, id="deleting is never a clash"),
    ],
)
def test_what_was_done_before_is_no_failure(number: int, deleting: bool, harmless: bool):
    assert is_harmless(number, deleting=deleting) is harmless


def link(index: int) -> bytes:
    return IFINFOMSG.pack(0, 0, index, 0, 0)


def test_a_request_says_what_it_is():
    message = ifinfmsg(request(RTM_GETLINK, link(0)))
    message.decode()
    assert message["header"]["type"] == RTM_GETLINK
    assert message["header"]["flags"] == NLM_F_REQUEST


def test_links_are_listed():
    with NetlinkSocket() as route_socket:
        links = route_socket.ask(request(RTM_GETLINK, link(0), NLM_F_DUMP))
    names = [text_of(one.attributes(IFINFOMSG.size).get(IFLA_IFNAME)) for one in links]
    assert "lo" in names


def test_each_request_has_an_answer_of_its_own():
    # Deleting the loopback interface is refused, whoever asks; no interface has the last number.
    def delete(index: int) -> bytes:
        return request(RTM_DELLINK, link(index))

    nobody = 0x7FFF_FFFF
    with NetlinkSocket() as route_socket:
        several = route_socket.send([delete(nobody), delete(1), delete(nobody)])
        many = route_socket.send([delete(nobody)] * 3000)
    assert several[0] == several[2]
    assert several[0] in {errno.ENODEV, errno.EPERM}
    assert several[1] in {errno.EOPNOTSUPP, errno.EPERM}
    assert many == [several[0]] * 3000


def test_what_is_refused_is_raised():
    with NetlinkSocket() as route_socket, pytest.raises(OSError, match=r"Errno") as caught:
        route_socket.ask(request(RTM_DELLINK, link(0x7FFF_FFFF)))
    assert caught.value.errno in {errno.ENODEV, errno.EPERM}

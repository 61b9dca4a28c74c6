"""Streams joined into pairs."""

import pytest

from netlab.apiserver.streams import portforward as pf
from netlab.apiserver.streams.portforward import Pair, Pairs, PortForwardError
from netlab.apiserver.streams.spdy import StreamOpened


def opened(stream: int, kind: str, port: str = "80", request: str = "0") -> StreamOpened:
    return StreamOpened(stream, {"streamtype": kind, "port": port, "requestid": request})


def test_a_pair_is_complete_with_its_second_stream():
    pairs = Pairs()
    assert pairs.opened(opened(1, "error")) is None
    assert pairs.opened(opened(3, "data")) == Pair(80, data=3, error=1)


def test_requests_that_are_interleaved_do_not_mix():
    pairs = Pairs()
    assert pairs.opened(opened(1, "error", request="0")) is None
    assert pairs.opened(opened(3, "error", "81", request="1")) is None
    assert pairs.opened(opened(5, "data", "81", request="1")) == Pair(81, data=5, error=3)
    assert pairs.opened(opened(7, "data", request="0")) == Pair(80, data=7, error=1)


def test_a_client_without_request_ids_opens_one_stream_after_the_other():
    pairs = Pairs()
    assert pairs.opened(StreamOpened(1, {"streamtype": "error", "port": "80"})) is None
    found = pairs.opened(StreamOpened(3, {"streamtype": "data", "port": "80"}))
    assert found == Pair(80, data=3, error=1)


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "-1", "8\n0", "٣"])
def test_what_is_no_port_is_refused(port: str):
    with pytest.raises(PortForwardError, match="as a port"):
        Pairs().opened(opened(1, "data", port))


def test_a_stream_of_another_type_is_refused():
    with pytest.raises(PortForwardError, match="invalid stream type 'stdin'"):
        Pairs().opened(opened(1, "stdin"))


def test_websocket_channels_come_in_twos():
    assert pf.parse_ports("ports=80&ports=443") == (80, 443)
    assert pf.parse_ports("ports=80,443") == (80, 443)
    assert pf.websocket_pairs((80, 443)) == (Pair(80, 0, 1), Pair(443, 2, 3))
    assert pf.channel_opening(8080) == b"\x90\x1f"


def test_a_query_without_ports_is_refused():
    with pytest.raises(PortForwardError, match='"ports" is required'):
        pf.parse_ports("name=x")

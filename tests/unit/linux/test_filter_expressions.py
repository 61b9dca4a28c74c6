"""Filter expressions, compiled by the libpcap that is installed."""

import pytest

from netlab.errors import HostError
from netlab.linux import filter_expressions
from netlab.linux.filter_expressions import ExpressionError, compile_expression
from tests.unit.linux.test_socket_filters import MACS, ipv4, run

SNAP = 300


@pytest.mark.parametrize(
    ("expression", "frame", "kept"),
    [
        pytest.param("tcp port 80", ipv4(6, 40000, 80), SNAP, id="fits"),
        pytest.param("tcp port 80", ipv4(6, 40000, 81), 0, id="another port"),
        pytest.param("tcp port 80", ipv4(17, 40000, 80), 0, id="another protocol"),
        pytest.param("", MACS + b"\x88\xcc" + bytes(28), SNAP, id="an empty one takes everything"),
        pytest.param("arp or udp", MACS + b"\x08\x06" + bytes(28), SNAP, id="a choice"),
    ],
)
def test_a_program_keeps_the_snap_length_of_what_fits(expression: str, frame: bytes, kept: int):
    assert run(compile_expression(expression, SNAP), frame) == kept


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        pytest.param("tcp prot 80", "syntax error", id="a typing error"),
        pytest.param("port 80\0", "zero byte", id="what the parser would not see"),
    ],
)
def test_a_refusal_has_the_librarys_own_reason(expression: str, reason: str):
    with pytest.raises(ExpressionError, match=reason):
        compile_expression(expression, SNAP)


def test_without_the_library_its_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filter_expressions, "_LIBRARIES", ("libnosuchpcap.so.9",))
    with pytest.raises(HostError) as failed:
        compile_expression("tcp", SNAP)
    assert "apt-get install libpcap0.8" in failed.value.hint

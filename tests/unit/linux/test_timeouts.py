"""Deadlines are stretched by one knob from the environment."""

import pytest

from netlab.errors import HostError
from netlab.linux.timeouts import scaled


@pytest.mark.parametrize(
    ("scale", "seconds"), [("", 2.0), ("1", 2.0), ("5", 10.0), ("0.5", 1.0), ("1e2", 200.0)]
)
def test_a_deadline_is_multiplied(monkeypatch: pytest.MonkeyPatch, scale: str, seconds: float):
    monkeypatch.setenv("NETLAB_TIMEOUT_SCALE", scale)
    assert scaled(2) == seconds


def test_without_the_variable_a_deadline_is_what_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("NETLAB_TIMEOUT_SCALE", raising=False)
    assert scaled(2) == 2


@pytest.mark.parametrize("scale", ["ten", "0", "-1", "nan", "inf", "1001"])
def test_what_is_no_factor_is_refused_with_the_name_of_the_variable(
    monkeypatch: pytest.MonkeyPatch, scale: str
):
    monkeypatch.setenv("NETLAB_TIMEOUT_SCALE", scale)
    with pytest.raises(HostError, match=f"NETLAB_TIMEOUT_SCALE is '{scale}', and must be a number"):
        scaled(2)

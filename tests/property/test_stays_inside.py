"""The guard of tests/conftest.py bites, here as in every test of pure code."""

import socket
import subprocess
from collections.abc import Callable

import pytest


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param(socket.socket, id="by a socket"),
        pytest.param(lambda: subprocess.run(["true"], check=True), id="by a process"),
    ],
)
def test_a_test_of_pure_code_cannot_reach_the_system(reach: Callable[[], object]):
    with pytest.raises(BaseException, match="may not reach the system") as raised:
        reach()
    assert not isinstance(raised.value, Exception)

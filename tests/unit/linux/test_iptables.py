import shutil

import pytest

from netlab.errors import HostError
from netlab.linux import iptables


def test_a_program_outside_a_plain_users_path_is_found(monkeypatch: pytest.MonkeyPatch):
    if shutil.which("iptables-save", path="/usr/sbin:/sbin") is None:
        pytest.skip("iptables is not installed")
    monkeypatch.setenv("PATH", "/usr/bin")
    assert iptables.program("iptables-save").endswith("/iptables-save")


def test_a_program_that_is_missing_is_named_with_what_to_install():
    with pytest.raises(HostError, match="iptables-nonsense is not installed") as refused:
        iptables.program("iptables-nonsense")
    assert refused.value.hint == "apt-get install iptables"


def test_nothing_to_load_is_nothing_to_do():
    if shutil.which("iptables-restore", path="/usr/sbin:/sbin") is None:
        pytest.skip("iptables is not installed")
    assert iptables.restore({}) == {}
    assert iptables.save([]) == {}

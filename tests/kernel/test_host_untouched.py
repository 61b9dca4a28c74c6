"""The machine's own network is the same before, during and after the life of a lab."""

import pytest

from tests.kernel.conftest import Lab, host_network, sysctls

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("topology", ["source-ip", "connect-applications"])
def test_network_and_rules_are_the_same_before_during_and_after(lab: Lab, topology: str):
    before = host_network()
    lab.up(topology)
    assert host_network() == before
    lab.run("demo", "nodeport-local")
    assert host_network() == before
    lab.down()
    assert host_network() == before


def test_settings_are_the_same_before_during_and_after(lab: Lab):
    before = sysctls()
    assert len(before) > 500
    lab.up("source-ip")
    during = sysctls()
    lab.down()
    after = sysctls()
    # A kernel module that loads at its first use brings settings; none that was there changes.
    assert {name: during.get(name) for name in before} == before
    assert {name: after.get(name) for name in before} == before


def test_no_interface_of_the_lab_is_ever_in_the_hosts_namespace(lab: Lab):
    names = {link["ifname"] for link in host_network()["links"]}
    for command in (["up", "source-ip"], ["down"]):
        with lab.start(*command) as running:
            while running.poll() is None:
                assert {link["ifname"] for link in host_network()["links"]} == names
        assert running.returncode == 0

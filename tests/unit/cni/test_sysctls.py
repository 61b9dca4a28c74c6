import pytest

from netlab.cni import sysctls
from netlab.model.links import Sysctl

KINDS = (sysctls.HOST, sysctls.ROUTER, *sysctls.NODES.values())


def value(settings: tuple[Sysctl, ...], key: str) -> str | None:
    return next((setting.value for setting in settings if setting.key == key), None)


@pytest.mark.parametrize(
    ("key", "host", "router", "node", "nftables_node"),
    [
        pytest.param("net.ipv4.ip_forward", "0", "1", "1", "1", id="who forwards"),
        pytest.param(
            "net.ipv4.conf.all.rp_filter", "0", "0", "0", "0", id="nobody checks the way back"
        ),
        pytest.param("net.ipv4.conf.all.send_redirects", "0", "0", "0", "0", id="nobody redirects"),
        pytest.param(
            "net.ipv4.conf.all.route_localnet",
            *("0", "0", "1", "0"),
            id="127.0.0.1 leaves a node in iptables mode only",
        ),
        pytest.param(
            "net.bridge.bridge-nf-call-iptables",
            *("0", "0", "1", "1"),
            id="bridged packets meet rules",
        ),
        pytest.param("net.ipv4.icmp_ratemask", "0", "0", "0", "0", id="refusals have no limit"),
    ],
)
def test_each_kind_of_host_has_its_settings(
    key: str, host: str | None, router: str, node: str, nftables_node: str
):
    assert [value(kind, key) for kind in KINDS] == [host, router, node, nftables_node]


def test_only_settings_of_a_module_may_be_absent():
    optional = {setting.key for setting in KINDS[-1] if setting.if_present}
    assert {key.rpartition(".")[0] for key in optional} == {"net.bridge"}


def test_no_setting_is_written_twice():
    for kind in KINDS:
        assert len({setting.key for setting in kind}) == len(kind)

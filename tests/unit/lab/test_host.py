import shutil
from dataclasses import replace

import pytest

from netlab.errors import HostError
from netlab.lab.host import require_tools
from netlab.linux import iptables
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode
from netlab.model.topology import Topology
from netlab.topology.parse import parse_topology


@pytest.mark.parametrize(
    ("mode", "missing"),
    [
        pytest.param(ProxyMode.IPTABLES, "iptables-restore", id="iptables"),
        pytest.param(ProxyMode.NFTABLES, "nft", id="nft, which nftables mode needs"),
    ],
)
def test_a_program_that_the_topology_needs_is_asked_for(
    topology: Topology, monkeypatch: pytest.MonkeyPatch, mode: ProxyMode, missing: str
):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name == missing else name)
    with pytest.raises(HostError, match=f"{missing} is not installed") as failure:
        require_tools(replace(topology, proxy=ProxyConfiguration(mode=mode)))
    assert failure.value.hint.startswith("apt-get install")


def test_a_topology_with_ipv6_needs_ip6tables(topology: Topology, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if "ip6" in name else name)
    require_tools(topology)
    lab = parse_topology("apiVersion: netlab/v1\nkind: Topology\nspec: {ipFamilies: [IPv6]}", "")
    with pytest.raises(HostError, match="ip6tables-restore is not installed"):
        require_tools(lab.topology)
    monkeypatch.setattr(shutil, "which", lambda name, **_: name)
    monkeypatch.setattr(iptables, "families", lambda: (Family.IPV4,))
    with pytest.raises(HostError, match="this kernel was started without IPv6"):
        require_tools(lab.topology)


def test_nft_is_not_asked_for_in_iptables_mode(topology: Topology, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name == "nft" else name)
    require_tools(topology)

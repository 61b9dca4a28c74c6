import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from netlab.errors import HostError
from netlab.lab.host import require_tools
from netlab.linux import br_netfilter, iptables
from netlab.model.addresses import Family
from netlab.model.kube_proxy import ProxyConfiguration, ProxyMode
from netlab.model.topology import Cni, Topology
from netlab.topology.parse import parse_topology


def _silent(said: str) -> None:
    raise AssertionError(f"nothing is done to the machine here, and yet: {said}")


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
        require_tools(replace(topology, proxy=ProxyConfiguration(mode=mode)), _silent)
    assert failure.value.hint.startswith("apt-get install")


def test_a_topology_with_ipv6_needs_ip6tables(topology: Topology, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if "ip6" in name else name)
    require_tools(topology, _silent)
    lab = parse_topology("apiVersion: netlab/v1\nkind: Topology\nspec: {ipFamilies: [IPv6]}", "")
    with pytest.raises(HostError, match="ip6tables-restore is not installed"):
        require_tools(lab.topology, _silent)
    monkeypatch.setattr(shutil, "which", lambda name, **_: name)
    monkeypatch.setattr(iptables, "families", lambda: (Family.IPV4,))
    with pytest.raises(HostError, match="this kernel was started without IPv6"):
        require_tools(lab.topology, _silent)


def test_nft_is_not_asked_for_in_iptables_mode(topology: Topology, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name, **_: None if name == "nft" else name)
    require_tools(topology, _silent)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without br_netfilter: its settings, and whether it may load modules."""
    (tmp_path / "modules_disabled").write_text("0\n")
    monkeypatch.setattr(br_netfilter, "SETTINGS", tmp_path / "bridge")
    monkeypatch.setattr(br_netfilter, "_MODULES_DISABLED", tmp_path / "modules_disabled")
    return tmp_path


def _modprobe(machine: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = machine / "modprobe"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    found = shutil.which
    monkeypatch.setattr(
        shutil, "which", lambda name, **_: str(program) if name == "modprobe" else found(name)
    )


def _bridge(topology: Topology) -> Topology:
    return replace(topology, cni=Cni.BRIDGE)


def test_br_netfilter_is_loaded_for_a_bridge_and_off_for_the_machines_own_and_said_before(
    topology: Topology, machine: Path, monkeypatch: pytest.MonkeyPatch
):
    makes_settings = f"mkdir {machine}/bridge"
    _modprobe(machine, monkeypatch, f'[ "$1" = --dry-run ] || {makes_settings}')
    said: list[tuple[str, bool]] = []
    require_tools(
        _bridge(topology), lambda text: said.append((text, (machine / "bridge").exists()))
    )
    [(text, was_loaded)] = said
    assert not was_loaded
    assert "br_netfilter" in text
    assert "this machine's own bridges" in text
    written = {path.name: path.read_text() for path in (machine / "bridge").iterdir()}
    assert written == {
        f"bridge-nf-call-{tool}": "0\n" for tool in ("iptables", "ip6tables", "arptables")
    }
    require_tools(_bridge(topology), _silent)


@pytest.mark.parametrize(
    ("script", "is_off", "cause"),
    [
        pytest.param(
            "echo 'modprobe: FATAL: Module br_netfilter not found in directory /lib/m' >&2; exit 1",
            False,
            "FATAL: Module br_netfilter not found in directory /lib/m",
            id="the kernel's modules are not here",
        ),
        pytest.param(
            """[ "$1" = --dry-run ] && exit
            echo "modprobe: ERROR: could not insert 'br_netfilter': Operation not permitted" >&2
            exit 1""",
            False,
            "ERROR: could not insert 'br_netfilter': Operation not permitted",
            id="this root may not",
        ),
        pytest.param("exit 0", True, "kernel.modules_disabled is 1", id="nobody may any more"),
        pytest.param("exit 3", False, "modprobe ended with exit code 3", id="it does not say why"),
    ],
)
def test_where_br_netfilter_cannot_be_loaded_it_is_named_with_the_cause(
    topology: Topology,
    machine: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    is_off: bool,
    cause: str,
):
    _modprobe(machine, monkeypatch, script)
    if is_off:
        (machine / "modules_disabled").write_text("1\n")
    with pytest.raises(HostError) as failure:
        require_tools(_bridge(topology), lambda _: None)
    assert "cni: bridge needs the kernel module br_netfilter" in str(failure.value)
    assert str(failure.value).endswith(f"cannot be loaded here: {cause}")
    assert "cni: ptp" in failure.value.hint

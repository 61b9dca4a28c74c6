"""Names of hosts as users type them, found among the namespaces that the kernel has."""

from pathlib import Path

import pytest

from netlab.client.hosts import find_netns, is_pod
from netlab.errors import LabError
from netlab.linux import netns_names
from netlab.model.names import NetnsName

NAMES = (
    *("netlab-default-router", "netlab-default-client", "netlab-default-node1"),
    *("netlab-default-default.web-1", "netlab-default-default.web-2", "netlab-default-prod.db"),
    *("netlab-default-default.echo-5d8b4f7d9c-x2x7p", "netlab-other-node9", "unrelated"),
)


@pytest.fixture(autouse=True)
def _namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        (tmp_path / name).touch()
    monkeypatch.setattr(netns_names, "NETNS", tmp_path)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("node1", "netlab-default-node1", id="a node"),
        pytest.param("router", "netlab-default-router", id="the router"),
        pytest.param("web-1", "netlab-default-default.web-1", id="a pod of the default namespace"),
        pytest.param("default/web-1", "netlab-default-default.web-1", id="the same in full"),
        pytest.param("prod/db", "netlab-default-prod.db", id="a pod of another namespace"),
        pytest.param(
            "echo", "netlab-default-default.echo-5d8b4f7d9c-x2x7p", id="the beginning of one pod"
        ),
    ],
)
def test_a_host_is_found(name: str, found: str):
    assert find_netns("default", name) == found


@pytest.mark.parametrize(
    ("lab", "name", "told", "hint"),
    [
        pytest.param("default", "node9", "lab default has no host node9", "node1", id="unknown"),
        pytest.param("default", "web", "web fits 2 pods", "web-1", id="the beginning of two pods"),
        pytest.param("default", "db", "lab default has no host db", "prod/db", id="elsewhere"),
        pytest.param("gone", "node1", "there is no lab gone", "sudo netlab up", id="no such lab"),
    ],
)
def test_a_wrong_name_is_told_with_the_nearest(lab: str, name: str, told: str, hint: str):
    with pytest.raises(LabError, match=told) as refused:
        find_netns(lab, name)
    assert hint in refused.value.hint


@pytest.mark.parametrize(
    ("name", "pod"),
    [
        ("netlab-default-default.web-1", True),
        ("netlab-default-node1", False),
        ("netlab-default-router", False),
    ],
)
def test_a_pod_is_told_from_other_hosts(name: str, pod: bool):
    assert is_pod("default", NetnsName(name)) is pod

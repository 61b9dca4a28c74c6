"""Volumes: what they hold, and how it gets on disk."""

import os
from pathlib import Path

import pytest

from netlab.kube.objects import Object
from netlab.kubelet.volume_files import write_volume
from netlab.kubelet.volumes import API_ACCESS, File, VolumeError, volume_of, volumes_of
from netlab.model.topology import Topology
from tests.unit.kubelet.samples import sources_of
from tests.unit.kubelet.test_env import CONFIG, NODE, POD, SECRET

CA: Object = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "kube-root-ca.crt", "namespace": "default"},
    "data": {"ca.crt": "PEM"},
}


def files(topology: Topology, **volume: object) -> dict[str, tuple[bytes, int]]:
    sources = sources_of(topology, (CONFIG, SECRET, NODE, CA))
    found = volume_of(POD, {"name": "v", **volume}, sources).files
    return {path: (file.content, file.mode) for path, file in found.items()}


def test_a_config_map_is_a_file_a_key(topology: Topology):
    assert files(topology, configMap={"name": "conf"}) == {
        "level": (b"debug", 0o644),
        "two words": (b"kept", 0o644),
    }


def test_keys_may_be_chosen_and_renamed(topology: Topology):
    items = [{"key": "pass", "path": "a/b", "mode": 0o400}]
    secret = {"secretName": "sec", "items": items, "defaultMode": 0o600}
    assert files(topology, secret=secret) == {"a/b": (b"s3cret", 0o400)}


def test_a_projected_volume_joins_several(topology: Topology):
    sources = [
        {"configMap": {"name": "conf", "items": [{"key": "level", "path": "level"}]}},
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
        {"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
    ]
    assert files(topology, projected={"sources": sources}) == {
        "level": (b"debug", 0o644),
        "token": (b"token for 600 s", 0o644),
        "l": (b'app="web"', 0o644),
    }


def test_every_pod_has_access_to_the_api_unless_it_says_otherwise(topology: Topology):
    sources = sources_of(topology, (CA,))
    [volume] = volumes_of(POD, sources)
    found = volume_of(POD, volume, sources).files
    assert volume["name"] == API_ACCESS
    assert set(found) == {"token", "ca.crt", "namespace"}
    assert found["namespace"].content == b"default"
    assert volumes_of({**POD, "spec": {"automountServiceAccountToken": False}}, sources) == []


@pytest.mark.parametrize(
    ("pods_own", "has_access"),
    [
        pytest.param({}, False, id="the account says it"),
        pytest.param({"automountServiceAccountToken": True}, True, id="the pod says otherwise"),
    ],
)
def test_a_service_account_may_say_that_its_pods_have_no_access(
    topology: Topology, pods_own: Object, *, has_access: bool
):
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "quiet", "namespace": "default"},
        "automountServiceAccountToken": False,
    }
    pod = {**POD, "spec": {"serviceAccountName": "quiet", **pods_own}}
    assert bool(volumes_of(pod, sources_of(topology, (account,)))) == has_access


@pytest.mark.parametrize(
    ("volume", "words"),
    [
        ({"configMap": {"name": "gone"}}, 'for volume "v" : configmap "gone" not found'),
        ({"hostPath": {"path": "/etc"}}, "a lab has no volumes of type hostPath"),
        (
            {"configMap": {"name": "conf", "items": [{"key": "level", "path": "../x"}]}},
            "must stay inside",
        ),
        (
            {"configMap": {"name": "conf", "items": [{"key": "no", "path": "x"}]}},
            "non-existent config key: no",
        ),
    ],
)
def test_what_cannot_be_mounted_is_told(topology: Topology, volume: Object, words: str):
    with pytest.raises(VolumeError, match=words):
        files(topology, **volume)


def shown(directory: Path) -> dict[str, str]:
    return {
        path.name: path.read_text()
        for path in directory.iterdir()
        if not path.name.startswith("..")
    }


def test_a_volume_is_changed_at_once(tmp_path: Path):
    directory = tmp_path / "v"
    first = {"a": File(content=b"1", mode=0o644), "b/c": File(content=b"2", mode=0o400)}
    assert write_volume(directory, first, None)
    assert not write_volume(directory, first, None)
    opened = (directory / "a").open()
    assert write_volume(directory, {"a": File(content=b"3", mode=0o644)}, None)
    assert shown(directory) == {"a": "3"}
    assert opened.read() == "1"
    opened.close()
    assert len(list(directory.glob("..*"))) == 2


def test_a_files_mode_is_kept_and_a_group_may_read_it(tmp_path: Path):
    secret = {"key": File(content=b"x", mode=0o400)}
    write_volume(tmp_path / "v", secret, None)
    assert (tmp_path / "v/key").stat().st_mode & 0o777 == 0o400
    group = os.getgid()
    write_volume(tmp_path / "v", secret, group)
    assert (tmp_path / "v/key").stat().st_mode & 0o777 == 0o440
    assert (tmp_path / "v/key").stat().st_gid == group

"""Volumes of pods: from objects to files, pure.

Source: Kubernetes, ``pkg/volume/{configmap,secret,downwardapi,projected,emptydir}``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from netlab.kube.objects import Key, Object, items_of, namespace_of, spec_of
from netlab.kube.quantity import parse_quantity
from netlab.kubelet.downward import field_value, resource_value
from netlab.kubelet.env import data_of, host_ip
from netlab.kubelet.sources import CreateContainerConfigError, Sources

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
API_ACCESS: Final = "kube-api-access"
_MODE: Final = 0o644
_EMPTY_DIR_BYTES: Final = 256 << 20
_TOKEN_S: Final = 3607
"""As Kubernetes asks for pods' tokens."""


class VolumeError(CreateContainerConfigError):
    """A volume cannot be set up; the pod waits for it (FailedMount)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a volume."""

    content: bytes
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """What a volume holds."""

    name: str
    files: Mapping[str, File] = field(default_factory=dict)
    """By path in the volume; kept up to date."""
    empty_dir_bytes: int = 0
    """Size of a writable directory of the pod's own; 0 for a volume of files."""
    is_node_root: bool = False
    """Whether it is the root of the pod's node, of which a pod sees what it sees anyway."""


def volumes_of(pod: Object, sources: Sources) -> list[Object]:
    """Return a pod's volumes, with the one that gives access to the API."""
    found = items_of(spec_of(pod), "volumes")
    return [*found, _api_access()] if has_api_access(pod, sources) else found


def has_api_access(pod: Object, sources: Sources) -> bool:
    """Return whether a token of its service account is to be mounted, beside its own volumes.

    The pod says so, or else its service account.
    """
    spec = spec_of(pod)
    mounts = [
        mount.get("mountPath")
        for sort in ("initContainers", "containers")
        for container in items_of(spec, sort)
        for mount in items_of(container, "volumeMounts")
    ]
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        account = spec.get("serviceAccountName") or "default"
        found = sources.find(Key("serviceaccounts", namespace_of(pod), account)) or {}
        wanted = found.get("automountServiceAccountToken")
    return wanted is not False and SERVICE_ACCOUNT not in mounts


def volume_of(pod: Object, volume: Object, sources: Sources) -> Volume:
    """Return what a volume holds now.

    Raises:
        VolumeError: What it refers to is not there, or netlab has no such volumes.
    """
    name = volume["name"]
    if "emptyDir" in volume:
        limit = parse_quantity((volume["emptyDir"] or {}).get("sizeLimit"))
        return Volume(name=name, empty_dir_bytes=int(limit or 0) or _EMPTY_DIR_BYTES)
    if is_node_root(volume):
        return Volume(name=name, is_node_root=True)
    try:
        files = dict(_files(pod, volume, sources))
    except VolumeError:
        raise
    except CreateContainerConfigError as error:
        message = f'MountVolume.SetUp failed for volume "{name}" : {error}'
        raise VolumeError(message) from error
    return Volume(name=name, files=files)


def is_node_root(volume: Object) -> bool:
    """Return whether a volume is the node's root directory, as ``kubectl debug node`` mounts it."""
    return str((volume.get("hostPath") or {}).get("path") or "") == "/"


def _files(pod: Object, volume: Object, sources: Sources) -> Iterator[tuple[str, File]]:
    for kind in ("configMap", "secret", "downwardAPI"):
        if kind in volume:
            source = volume[kind] or {}
            mode = source.get("defaultMode", _MODE)
            yield from _source(kind, source, mode, pod, sources)
            return
    if "projected" in volume:
        mode = volume["projected"].get("defaultMode", _MODE)
        for source in items_of(volume["projected"], "sources"):
            for kind, found in source.items():
                yield from _source(kind, found or {}, mode, pod, sources)
        return
    kinds = sorted(key for key in volume if key != "name") or ["none"]
    raise VolumeError(
        f'MountVolume.SetUp failed for volume "{volume["name"]}" : a lab has no volumes of type '
        f"{kinds[0]}; it has configMap, secret, downwardAPI, projected and emptyDir, and the "
        "hostPath /"
    )


def _source(
    kind: str, source: Mapping[str, Any], mode: int, pod: Object, sources: Sources
) -> Iterator[tuple[str, File]]:
    match kind:
        case "configMap" | "secret":
            resource = f"{kind.lower()}s"
            data = data_of(resource, namespace_of(pod), source, sources)
            yield from _chosen(data, source, mode)
        case "downwardAPI":
            for item in items_of(source, "items"):
                text = _downward(pod, item, sources)
                yield _path(item), File(content=text.encode(), mode=item.get("mode") or mode)
        case "serviceAccountToken":
            seconds = source.get("expirationSeconds") or _TOKEN_S
            token = sources.token(pod, seconds)
            yield _path(source), File(content=token.encode(), mode=mode)
        case _:
            raise VolumeError(f"a lab has no projected sources of type {kind}")


def _chosen(
    data: Mapping[str, bytes], source: Mapping[str, Any], mode: int
) -> Iterator[tuple[str, File]]:
    """Yield the files of the keys that are chosen, or of all."""
    if not source.get("items"):
        for key, content in sorted(data.items()):
            yield key, File(content=content, mode=mode)
        return
    for item in source["items"]:
        if item["key"] in data:
            yield _path(item), File(content=data[item["key"]], mode=item.get("mode") or mode)
        elif not source.get("optional"):
            raise VolumeError(f"references non-existent config key: {item['key']}")


def _path(item: Mapping[str, Any]) -> str:
    path = str(item.get("path", ""))
    parts = path.split("/")
    if not path or path.startswith("/") or ".." in parts or "" in parts or parts[0][:2] == "..":
        raise VolumeError(f"invalid path {path!r}: it must stay inside the volume")
    return path


def _downward(pod: Object, item: Object, sources: Sources) -> str:
    if "fieldRef" in item:
        return field_value(pod, item["fieldRef"]["fieldPath"], host_ip(pod, sources))
    node = sources.find(Key("nodes", "", spec_of(pod).get("nodeName") or "")) or {}
    return resource_value(pod, item.get("resourceFieldRef") or {}, "", node)


def _api_access() -> Object:
    return {
        "name": API_ACCESS,
        "projected": {
            "defaultMode": 0o644,
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": _TOKEN_S}},
                {
                    "configMap": {
                        "name": "kube-root-ca.crt",
                        "items": [{"key": "ca.crt", "path": "ca.crt"}],
                    }
                },
                {
                    "downwardAPI": {
                        "items": [
                            {"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}
                        ]
                    }
                },
            ],
        },
    }

"""The volumes of a lab's pods, set up before a pod's containers start and kept up to date."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from netlab.kube.objects import Key, Object, items_of, metadata_of, namespace_of, spec_of, uid_of
from netlab.kubelet.container_spec import volume_directory
from netlab.kubelet.sources import CreateContainerConfigError, Sources
from netlab.kubelet.volume_files import make_empty_dir, write_volume
from netlab.kubelet.volumes import API_ACCESS, Volume, volume_of, volumes_of
from netlab.linux import user_namespace

_TOKEN_REFRESH_S: Final = 2400.0
"""Tokens are good for an hour, and renewed when two thirds of it are over."""
_OF_OBJECTS: Final = {"configMap", "secret", "projected", "downwardAPI"}


class PodVolumes:
    """The volumes of a lab's pods.

    Args:
        lab: Name.
    """

    def __init__(self, lab: str) -> None:
        self._lab = lab
        self._renewed_at: dict[str, float] = {}
        """When the files of a pod's volumes were written, by its uid."""
        self._seen: dict[str, object] = {}
        """The objects that a pod's volumes were made of, by its uid."""

    def set_up(self, pod: Object, sources: Sources, now: float) -> None:
        """Have a pod's volumes on disk.

        Raises:
            VolumeError: What one refers to is not there.
        """
        for one in volumes_of(pod, sources):
            self._write(pod, volume_of(pod, one, sources))
        self._renewed_at.setdefault(uid_of(pod), now)
        self._seen[uid_of(pod)] = _versions(pod, sources)

    def update(self, pod: Object, sources: Sources, now: float) -> float:
        """Write the volumes of a pod anew whose objects have changed, and renew its tokens.

        Args:
            pod: Its containers run.
            sources: Where objects are looked up.
            now: Wall clock seconds.

        Returns:
            When to look again, in wall clock seconds.
        """
        uid = uid_of(pod)
        at = self._renewed_at.setdefault(uid, now) + _TOKEN_REFRESH_S
        is_old = at <= now
        if is_old or self._seen.get(uid) != _versions(pod, sources):
            self._update_pod(pod, sources, with_tokens=is_old)
            self._seen[uid] = _versions(pod, sources)
        if is_old:
            self._renewed_at[uid] = now
            at = now + _TOKEN_REFRESH_S
        return at

    def keep(self, uids: Collection[str]) -> None:
        """Forget all pods but these."""
        for uid in self._renewed_at.keys() - uids:
            del self._renewed_at[uid]
            self._seen.pop(uid, None)

    def _update_pod(self, pod: Object, sources: Sources, *, with_tokens: bool) -> None:
        for one in volumes_of(pod, sources):
            if one["name"] == API_ACCESS and not with_tokens:
                continue
            if not _OF_OBJECTS.isdisjoint(one):
                try:
                    volume = volume_of(pod, one, sources)
                except CreateContainerConfigError:
                    # What it was made of has gone: as with a kubelet, its files stay.
                    continue
                self._write(pod, volume)

    def _write(self, pod: Object, volume: Volume) -> None:
        if volume.is_node_root:
            return
        group = (spec_of(pod).get("securityContext") or {}).get("fsGroup")
        if group is not None:
            user_namespace.require_ids(0, group, ())
        directory = Path(volume_directory(self._lab, pod, volume.name))
        if volume.empty_dir_bytes:
            make_empty_dir(directory, volume.empty_dir_bytes, group)
        else:
            write_volume(directory, volume.files, group)


def _versions(pod: Object, sources: Sources) -> object:
    """Return another value whenever the objects that a pod's volumes are made of are others."""
    volumes = items_of(spec_of(pod), "volumes")
    if all(_OF_OBJECTS.isdisjoint(volume) for volume in volumes):
        return None
    own = metadata_of(pod)
    found: list[object] = [own.get("labels"), own.get("annotations")]
    for resource, name in (key for volume in volumes for key in _references(volume)):
        obj = sources.find(Key(resource, namespace_of(pod), name)) or {}
        found.append(metadata_of(obj).get("resourceVersion"))
    return found


def _references(volume: Object) -> Iterable[tuple[str, str]]:
    parts = [volume, *items_of(volume.get("projected") or {}, "sources")]
    for part in parts:
        if part.get("configMap"):
            yield "configmaps", str(part["configMap"].get("name") or "")
        if part.get("secret"):
            secret = part["secret"]
            yield "secrets", str(secret.get("secretName") or secret.get("name") or "")

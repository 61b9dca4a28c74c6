"""PersistentVolumeClaim: stored; a lab has no volumes that outlive a pod."""

from typing import Final

from netlab.kube.kinds.columns import AGE, NAME, UNSET, column, in_spec, in_status
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, spec_of, status_of
from netlab.kube.resource import Resource

_SHORT_MODES: Final = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}


def _with_defaults(obj: Object) -> Object:
    spec = filled(spec_of(obj), {"volumeMode": "Filesystem"})
    return {**obj, "spec": spec, "status": filled(status_of(obj), {"phase": "Pending"})}


def _access_modes(obj: Object) -> str:
    modes = status_of(obj).get("accessModes") or ()
    return ",".join(_SHORT_MODES.get(mode, mode) for mode in modes)


KIND: Final = Kind(
    resource=Resource(
        kind="PersistentVolumeClaim",
        plural="persistentvolumeclaims",
        short_names=("pvc",),
        subresources=("status",),
        returns_deleted=True,
    ),
    columns=(
        NAME,
        column("Status", in_status("phase", "")),
        column("Volume", in_spec("volumeName", "")),
        column("Capacity", lambda obj: (status_of(obj).get("capacity") or {}).get("storage", "")),
        column("Access Modes", _access_modes),
        column("StorageClass", in_spec("storageClassName", "")),
        column("VolumeAttributesClass", in_spec("volumeAttributesClassName", UNSET)),
        AGE,
        column("VolumeMode", in_spec("volumeMode", UNSET), is_wide=True),
    ),
    with_defaults=_with_defaults,
    is_only_stored=True,
)

"""StorageClass: stored; a lab provisions no volumes."""

from typing import Final

from netlab.kube.kinds.columns import AGE, Column, column
from netlab.kube.kinds.defaults import filled
from netlab.kube.kinds.kind import Kind
from netlab.kube.objects import Object, annotations_of, name_of
from netlab.kube.resource import Resource

_DEFAULTS: Final = {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}
_IS_DEFAULT: Final = "storageclass.kubernetes.io/is-default-class"


def _name(obj: Object) -> str:
    default = " (default)" if annotations_of(obj).get(_IS_DEFAULT) == "true" else ""
    return name_of(obj) + default


KIND: Final = Kind(
    resource=Resource(
        kind="StorageClass",
        plural="storageclasses",
        group="storage.k8s.io",
        namespaced=False,
        short_names=("sc",),
    ),
    columns=(
        Column(name="Name", cell=lambda obj, _: _name(obj), format="name"),
        column("Provisioner", lambda obj: str(obj.get("provisioner", ""))),
        column("ReclaimPolicy", lambda obj: str(obj.get("reclaimPolicy", ""))),
        column("VolumeBindingMode", lambda obj: str(obj.get("volumeBindingMode", ""))),
        column(
            "AllowVolumeExpansion", lambda obj: str(bool(obj.get("allowVolumeExpansion"))).lower()
        ),
        AGE,
    ),
    with_defaults=lambda obj: filled(obj, _DEFAULTS),
    is_only_stored=True,
)

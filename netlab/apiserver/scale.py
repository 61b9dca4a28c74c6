"""The ``scale`` part of a Deployment or ReplicaSet: its replicas and nothing else."""

from netlab.kube.field_error import invalid_value
from netlab.kube.kinds.columns import NONE, label_selector
from netlab.kube.objects import Object, metadata_of, spec_of, status_of, with_metadata, with_spec
from netlab.kube.resources import key_of
from netlab.kube.status import bad_request, invalid

_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(obj: Object) -> Object:
    """Return the Scale of an object."""
    selector = label_selector(spec_of(obj).get("selector") or {})
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata_of(obj)[field] for field in _METADATA},
        "spec": {"replicas": spec_of(obj).get("replicas", 1)},
        "status": {
            "replicas": status_of(obj).get("replicas", 0),
            "selector": "" if selector == NONE else selector,
        },
    }


def with_scale(obj: Object, scale: Object) -> Object:
    """Return an object with the replicas of a Scale.

    Raises:
        StatusError: They are no number (``Invalid``), or the Scale is none (``BadRequest``).
    """
    for part in ("metadata", "spec"):
        if not isinstance(scale.get(part) or {}, dict):
            raise bad_request(f"{part} must be an object")
    replicas = spec_of(scale).get("replicas", 0)
    if not isinstance(replicas, int) or isinstance(replicas, bool) or replicas < 0:
        message = "must be a number greater than or equal to 0"
        raise invalid(key_of(obj), [invalid_value("spec.replicas", replicas, message)])
    version = metadata_of(scale).get("resourceVersion")
    scaled = with_spec(obj, replicas=replicas)
    return with_metadata(scaled, resourceVersion=version) if version else scaled

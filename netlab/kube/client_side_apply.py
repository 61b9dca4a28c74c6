"""The patch that ``apply`` sends: from what was applied last to what is applied now.

A field that is in neither file is somebody else's, and stays; a field that was in the last file and
is not in this one is taken away. The last file is kept in an annotation of the object, the one that
kubectl uses, so that both can apply in turns.

Source: Kubernetes documentation, "Declarative Management of Kubernetes Objects".
"""

import json
from typing import Any, Final

from netlab.kube.objects import Object, annotations_of, with_metadata
from netlab.kube.patch import Part, part_of

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def annotated(manifest: Object) -> Object:
    """Return a manifest that remembers itself."""
    text = json.dumps(manifest, separators=(",", ":")) + "\n"
    annotations = {**annotations_of(manifest), LAST_APPLIED: text}
    return with_metadata(manifest, annotations=annotations)


def apply_patch_body(live: Object, manifest: Object) -> Object:
    """Return the strategic merge patch that applies a manifest to a live object."""
    text = annotations_of(live).get(LAST_APPLIED, "{}")
    last: Object = json.loads(text)
    if last:
        last = annotated(last)
    return _changes(last, annotated(manifest), part_of(live))


def _changes(last: Object, new: Object, part: Part) -> Object:
    patch: Object = {field: None for field in last if field not in new}
    for field, value in new.items():
        patch[field] = _change(last.get(field), value, part.field(field))
    return patch


def _change(last: Any, new: Any, part: Part) -> Any:  # noqa: ANN401 any JSON
    if isinstance(new, dict):
        return _changes(last if isinstance(last, dict) else {}, new, part)
    if not isinstance(new, list) or "merge" not in part.strategies or part.key is None:
        return new
    identity, key = part.identity(), part.key
    before = {identity(item): item for item in last or ()}
    present = [identity(item) for item in new]
    changes = [_changes(before.get(identity(item), {}), item, part.item()) for item in new]
    gone = [item[key] for name, item in before.items() if name not in present]
    return [*changes, *({"$patch": "delete", key: name} for name in gone)]

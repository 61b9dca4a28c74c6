"""Whether an object that a store's file holds can be used at all.

What clients send is checked before it is stored. A file may be of an older netlab, or damaged: an
object of a form that it cannot have would stop whoever looks at all objects of its resource. Such a
one is left out when the file is read, and named by ``netlab status``; what is in its fields is each
reader's own matter (``netlab.kube.unreadable``).
"""

from typing import Final

from netlab.documents.json_schema import StructureCheck
from netlab.documents.problems import Document, Report
from netlab.kube.objects import Key
from netlab.kube.resources import RESOURCES
from netlab.kube.schema import definition_of, definitions

_METADATA: Final = ("name", "uid", "resourceVersion", "creationTimestamp")
_UNKNOWN: Final = "unknown field"


def why_unusable(key: Key, obj: object) -> str:
    """Return why what is stored at ``key`` cannot be used; empty where it can.

    Args:
        key: Where it is.
        obj: What is there, decoded: without fields that are null.

    >>> why_unusable(Key("apples", "default", "a"), {})
    'the API has no such resource'
    """
    resource = RESOURCES.get(key.resource)
    if resource is None:
        return "the API has no such resource"
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata"), dict):
        return "it is no object"
    metadata = obj["metadata"]
    missing = [field for field in _METADATA if not isinstance(metadata.get(field), str)]
    if missing or (metadata["name"], metadata.get("namespace", "")) != (key.name, key.namespace):
        return f"its metadata is not complete: {', '.join(missing) or 'name'}"
    if (obj.get("kind"), obj.get("apiVersion")) != (resource.kind, resource.api_version):
        return f"it is no {resource.kind}"
    report = Report(Document(value=obj))
    schema = definition_of(resource.api_version, resource.kind)
    if schema is not None:
        StructureCheck(report, definitions()).check(obj, schema)
    return next((str(one) for one in report.problems if one.message != _UNKNOWN), "")

"""Events: what happened to an object, once or several times.

An event that repeats is one object with a growing count, as client-go's recorder makes it. Its name
follows from what it says, so that a recorder needs no memory.

Source: Kubernetes, ``client-go/tools/record`` (events_cache.go, event.go).
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from netlab.kube.objects import Object, metadata_of, name_of, namespace_of, uid_of
from netlab.kube.timestamps import timestamp

LONGEST_MESSAGE: Final = 1024
_LONGEST_NAME: Final = 253 - 17


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that happened to an object, to be told in an Event that ``describe`` shows."""

    object: Object
    """What it happened to."""
    reason: str
    """One word for machines, such as ``Scheduled``."""
    message: str
    """A sentence for people."""
    component: str
    """Who tells it: ``default-scheduler``, ``kubelet``."""
    host: str = ""
    """The node it happened on."""
    type: Literal["Normal", "Warning"] = "Normal"
    field_path: str = ""
    """The part of the object: ``spec.containers{web}``."""


def event_of(what: Record, now: float, *, name: str = "") -> Object:
    """Return the Event for something that happens for the first time.

    Args:
        what: Its object has a name, and a uid if it is stored.
        now: Wall clock seconds.
        name: The Event's; by default the one that follows from what it tells.
    """
    obj = what.object
    reference = {
        "kind": obj["kind"],
        "namespace": namespace_of(obj),
        "name": name_of(obj),
        "uid": uid_of(obj),
        "apiVersion": obj["apiVersion"],
        "resourceVersion": str(metadata_of(obj).get("resourceVersion", "")),
        "fieldPath": what.field_path,
    }
    source = {"component": what.component, "host": what.host}
    at = timestamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name or event_name(what), "namespace": namespace_of(obj) or "default"},
        "involvedObject": {field: text for field, text in reference.items() if text},
        "reason": what.reason,
        "message": what.message[:LONGEST_MESSAGE],
        "source": {field: text for field, text in source.items() if text},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "type": what.type,
        "eventTime": None,
        "reportingComponent": what.component,
        "reportingInstance": what.host,
    }


def event_name(what: Record) -> str:
    """Return the name of the Event: the object's, and a digest of what is told of it."""
    told = (uid_of(what.object), what.field_path, what.component, what.host, what.reason)
    text = "\0".join((*told, what.type, what.message))
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"{name_of(what.object)[:_LONGEST_NAME].rstrip('-.')}.{digest}"


def repeated(event: Object, now: float) -> Object:
    """Return an Event after what it tells has happened again."""
    return {**event, "count": int(event.get("count") or 1) + 1, "lastTimestamp": timestamp(now)}

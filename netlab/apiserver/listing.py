"""Lists of objects, whole or in pages.

Source: Kubernetes API documentation, "Retrieving large results sets in chunks" and "Resource
versions".
"""

import base64
import binascii
import json
from collections.abc import Sequence

from netlab.apiserver.request import Request
from netlab.apiserver.store import Store
from netlab.kube.objects import Key, Object
from netlab.kube.resources import key_of
from netlab.kube.selectors import Predicate, parse_selectors
from netlab.kube.status import StatusError, bad_request, expired_continue, too_large_version

_MAX_DIGITS = 20
"""Of a resource version; Kubernetes' are numbers of 64 bits."""


def list_objects(store: Store, request: Request) -> tuple[list[Object], Object]:
    """Return the objects that a request selects, and the metadata of their list.

    Raises:
        StatusError: The request cannot be understood (``BadRequest``), or what it continues from is
            forgotten (``Expired``).
    """
    query = request.query
    matches = parse_selectors(*selection(request))
    found = store.list_(request.target.resource.plural, request.target.namespace)
    found = [obj for obj in found if matches(obj)]
    limit = _number(query.get("limit", ""), "limit")
    start = query.get("continue", "")
    if not start:
        _check_version(store, query.get("resourceVersion", ""))
        return _page(found, limit, store.version)
    version, last = _decoded(start)
    if version < store.oldest_version:
        raise expired_continue()
    return _page([obj for obj in found if key_of(obj) > last], limit, version)


def selection(request: Request) -> tuple[str, str]:
    """Return the label selector and the field selector of a request."""
    query = request.query
    fields = query.get("fieldSelector", "")
    if request.target.name:
        fields = ",".join(filter(None, (fields, f"metadata.name={request.target.name}")))
    return query.get("labelSelector", ""), fields


def selected(request: Request) -> Predicate:
    """Return what tells whether a request selects an object."""
    return parse_selectors(*selection(request))


def parse_version(text: str) -> int:
    """Return a resource version as a number.

    Raises:
        StatusError: It is none (``BadRequest``).
    """
    if len(text) > _MAX_DIGITS or not text.isascii() or not text.isdecimal():
        shown = text if len(text) <= _MAX_DIGITS else f"{text[:_MAX_DIGITS]}..."
        raise bad_request(
            f'resourceVersion: Invalid value: "{shown}": strconv.ParseUint: parsing "{shown}": '
            "invalid syntax"
        )
    return int(text)


def _check_version(store: Store, text: str) -> None:
    if text and parse_version(text) > store.version:
        raise too_large_version(parse_version(text), store.version)


def _page(found: Sequence[Object], limit: int, version: int) -> tuple[list[Object], Object]:
    metadata: Object = {"resourceVersion": str(version)}
    if not limit or len(found) <= limit:
        return list(found), metadata
    page = found[:limit]
    metadata["continue"] = _encoded(version, key_of(page[-1]))
    metadata["remainingItemCount"] = len(found) - limit
    return list(page), metadata


def _encoded(version: int, last: Key) -> str:
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": list(last)})
    return base64.urlsafe_b64encode(token.encode()).decode()


def _decoded(text: str) -> tuple[int, Key]:
    try:
        token = json.loads(base64.urlsafe_b64decode(text.encode()))
        resource, namespace, name = token["start"]
        return int(token["rv"]), Key(str(resource), str(namespace), str(name))
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise bad_request("continue key is not valid") from error


def _number(text: str, name: str) -> int:
    if not text:
        return 0
    if len(text) > _MAX_DIGITS or not text.isascii() or not text.isdecimal():
        raise _no_number(text, name)
    return int(text)


def _no_number(text: str, name: str) -> StatusError:
    return bad_request(f'{name}: Invalid value: "{text[:_MAX_DIGITS]}": must be a number')

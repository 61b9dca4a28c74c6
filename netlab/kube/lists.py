"""Lists of objects, in the two forms that files have them in.

``kubectl get -o yaml`` writes ``kind: List``, whose items say themselves what they are. The API
server, and so ``kubectl get --raw`` and ``kubectl cluster-info dump``, writes ``ServiceList``,
whose items need not.
"""

from typing import Final

from netlab.documents.json_schema import mapping

_SUFFIX: Final = "List"


def items_of_list(value: object) -> list[object] | None:
    """Return the items of a list, each with its ``apiVersion`` and ``kind``; None for no list.

    >>> items_of_list({"apiVersion": "v1", "kind": "ServiceList", "items": [{"spec": {}}]})
    [{'apiVersion': 'v1', 'kind': 'Service', 'spec': {}}]
    >>> items_of_list({"apiVersion": "v1", "kind": "Service"}) is None
    True
    """
    fields = mapping(value)
    kind, items = fields.get("kind"), fields.get("items")
    if not isinstance(kind, str) or not kind.endswith(_SUFFIX):
        return None
    if kind == _SUFFIX:
        return (items if isinstance(items, list) else []) if _is_core(fields) else None
    if not isinstance(items, list):
        return None
    own = {"apiVersion": fields.get("apiVersion"), "kind": kind.removesuffix(_SUFFIX)}
    return [{**own, **item} if isinstance(item, dict) else item for item in items]


def _is_core(fields: dict[str, object]) -> bool:
    return fields.get("apiVersion") == "v1"

"""Label and field selectors, in the forms that objects and requests carry them.

Source: Kubernetes documentation, "Labels and Selectors" and "Field Selectors".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from netlab.kube.objects import Object, items_of, labels_of
from netlab.kube.status import bad_request

Predicate = Callable[[Object], bool]

_PARTS: Final = re.compile(r",(?![^(]*\))")
_SET: Final = re.compile(
    r"(?P<label>[^\s!=()]+)\s+(?P<operator>in|notin)\s*\((?P<values>[^)]*)\)\Z"
)
_EQUAL: Final = re.compile(
    r"(?P<label>[^\s!=()]+)\s*(?P<operator>==?|!=)\s*(?P<value>[^\s!=()]*)\Z"
)
_EXISTS: Final = re.compile(r"(?P<negated>!?)\s*(?P<label>[^\s!=()]+)\Z")


def label_selector_matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Return whether labels meet ``matchLabels`` and ``matchExpressions``.

    A selector without either matches everything.
    """
    wanted: dict[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items() and all(
        meets(labels, one["key"], one["operator"], one.get("values") or ())
        for one in items_of(selector, "matchExpressions")
    )


def meets(
    labels: Mapping[str, str], label: str, operator: str, values: list[str] | tuple[str, ...]
) -> bool:
    """Return whether labels meet one expression; an absent label meets ``NotIn``.

    Args:
        labels: The object's.
        label: The key in question.
        operator: ``In``, ``NotIn``, ``Exists`` or ``DoesNotExist``.
        values: For the first two.
    """
    if operator == "Exists":
        return label in labels
    if operator == "DoesNotExist":
        return label not in labels
    return (labels.get(label) in values) == (operator == "In")


def parse_selectors(labels: str, fields: str) -> Predicate:
    """Return what tells whether an object meets both selectors; an empty one selects everything.

    Raises:
        StatusError: One of them cannot be read (``BadRequest``).
    """
    terms = [*_label_terms(labels), *_field_terms(fields)]
    return lambda obj: all(term(obj) for term in terms)


def _label_terms(text: str) -> Iterator[Predicate]:
    for part in _PARTS.split(text):
        if part.strip():
            yield _label_term(part.strip())


def _label_term(part: str) -> Predicate:
    label, operator, values = _read_label_term(part)
    return lambda obj: meets(labels_of(obj), label, operator, values)


def _read_label_term(part: str) -> tuple[str, str, list[str]]:
    if found := _SET.match(part):
        values = [value.strip() for value in found["values"].split(",")]
        return found["label"], "In" if found["operator"] == "in" else "NotIn", values
    if found := _EQUAL.match(part):
        return found["label"], "NotIn" if found["operator"] == "!=" else "In", [found["value"]]
    if found := _EXISTS.match(part):
        return found["label"], "DoesNotExist" if found["negated"] else "Exists", []
    raise bad_request(f'unable to parse requirement: "{part}"')


def _field_terms(text: str) -> Iterator[Predicate]:
    for part in text.split(","):
        if part.strip():
            yield _field_term(part.strip())


def _field_term(part: str) -> Predicate:
    found = _EQUAL.match(part)
    if found is None:
        raise bad_request(f'invalid field selector: "{part}"; can\'t understand it')
    path, value, wanted = found["label"].split("."), found["value"], found["operator"] != "!="
    return lambda obj: (_text_at(obj, path) == value) == wanted


def _text_at(obj: Object, path: list[str]) -> str:
    at: object = obj
    for field in path:
        at = at.get(field) if isinstance(at, dict) else None
    return "" if at is None else str(at)

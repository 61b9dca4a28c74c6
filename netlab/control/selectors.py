"""Label selectors, in the form that objects carry them."""

from collections.abc import Mapping

from netlab.model.objects import Object, items_of


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

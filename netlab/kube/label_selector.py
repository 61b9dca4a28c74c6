"""What a LabelSelector must fulfil.

Source: Kubernetes, ``apimachinery/pkg/apis/meta/v1/validation`` (ValidateLabelSelector).
"""

from typing import Final

from netlab.documents.json_schema import entries, mapping
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.field_checks import check_text
from netlab.kube.metadata import check_labels, items_of
from netlab.kube.names import wrong_label_key, wrong_label_value

_WITH_VALUES: Final = ("In", "NotIn")
_WITHOUT: Final = ("Exists", "DoesNotExist")


def check_label_selector(selector: object, path: FieldPath, report: Report) -> None:
    """Report what is wrong with labels and expressions of a selector."""
    fields = mapping(selector)
    check_labels(fields.get("matchLabels"), (*path, "matchLabels"), report)
    for inside, expression in items_of(fields, "matchExpressions", path):
        check_requirement(expression, inside, report)
        for index, value in enumerate(entries(expression.get("values"))):
            check_text(value, wrong_label_value, (*inside, "values", index), report)


def check_requirement(
    expression: dict[str, object],
    path: FieldPath,
    report: Report,
    numeric: tuple[str, ...] = (),
) -> None:
    """Report what is wrong with key, operator and number of values of an expression.

    Args:
        expression: Of a label selector, or of a node selector.
        path: Where it is.
        report: Takes the problems.
        numeric: Operators that compare with one number.
    """
    check_text(expression.get("key"), wrong_label_key, (*path, "key"), report)
    operator, values = expression.get("operator"), entries(expression.get("values"))
    if operator in _WITH_VALUES:
        if not values:
            why = "must be specified when `operator` is 'In' or 'NotIn'"
            report.add((*path, "values"), f"Required value: {why}")
    elif operator in _WITHOUT:
        if values:
            why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            report.add((*path, "values"), f"Forbidden: {why}")
    elif operator in numeric:
        if len(values) != 1:
            why = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            report.add((*path, "values"), f"Required value: {why}")
    elif isinstance(operator, str):
        report.add((*path, "operator"), invalid(operator, "not a valid selector operator"))

"""Checks of single fields, in the words of Kubernetes' validation.

A field of a wrong type, or one that is missing, passes: the structure of an object is checked
before its meaning.

Source: Kubernetes, ``apimachinery/pkg/api/validation`` and ``pkg/util/validation``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from netlab.documents.json_schema import entries
from netlab.documents.problems import FieldPath, Report, invalid
from netlab.kube.names import wrong_dns_subdomain, wrong_path_segment
from netlab.kube.quantity import parse_quantity

NEGATIVE: Final = "must be greater than or equal to 0"
NOT_POSITIVE: Final = "must be greater than zero"

_INT32: Final = 2**31 - 1
_PERCENT: Final = re.compile(r"[0-9]+%\Z", re.ASCII)
_NO_PERCENT: Final = (
    "a valid percent string must be a numeric string followed by an ending '%' "
    "(e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
)
_NO_QUANTITY: Final = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


def check_required(
    fields: Mapping[str, object], key: str, path: FieldPath, report: Report, why: str = ""
) -> bool:
    """Return whether ``fields[key]`` is there and not empty; report it if not."""
    if fields.get(key):
        return True
    report.add((*path, key), f"Required value: {why}" if why else "Required value")
    return False


def check_text(value: object, wrong: Callable[[str], str], path: FieldPath, report: Report) -> None:
    """Report a string of which ``wrong`` says what is wrong; an empty one passes."""
    if isinstance(value, str) and value and (why := wrong(value)):
        report.add(path, invalid(value, why))


def check_at_least_0(
    fields: Mapping[str, object], keys: Iterable[str], path: FieldPath, report: Report
) -> None:
    """Report each of these numbers that is negative."""
    for key in keys:
        number = fields.get(key)
        if isinstance(number, int) and number < 0:
            report.add((*path, key), invalid(number, NEGATIVE))


def check_range(value: object, low: int, high: int, path: FieldPath, report: Report) -> None:
    """Report a number that is not between two, both inclusive."""
    if isinstance(value, int) and not low <= value <= high:
        report.add(path, invalid(value, f"must be between {low} and {high}, inclusive"))


def check_id(value: object, path: FieldPath, report: Report) -> None:
    """Report a number that is no user's or group's."""
    check_range(value, 0, _INT32, path, report)


def check_mode(value: object, path: FieldPath, report: Report) -> None:
    """Report a number that is no file's mode."""
    if isinstance(value, int) and not 0 <= value <= 0o777:
        why = "must be a number between 0 and 0777 (octal), both inclusive"
        report.add(path, invalid(value, why))


def check_int_or_percent(value: object, path: FieldPath, report: Report) -> None:
    """Report what is neither a count nor a share of all, as ``25%``."""
    if isinstance(value, str) and not _PERCENT.match(value):
        report.add(path, invalid(value, _NO_PERCENT))
    elif isinstance(value, int) and value < 0:
        report.add(path, invalid(value, NEGATIVE))


def percent_of(value: object) -> int | None:
    """Return the number of a share, 25 of ``25%``; None for anything else.

    >>> percent_of("25%"), percent_of(25)
    (25, None)
    """
    if not isinstance(value, str) or not _PERCENT.match(value):
        return None
    return int(value[:-1][:10])


def is_zero(value: object) -> bool:
    """Return whether a count or a share is none at all."""
    return value == 0 or percent_of(value) == 0


def check_quantity(value: object, path: FieldPath, report: Report) -> None:
    """Report what is no quantity, or less than none."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return
    found = parse_quantity(value)
    if found is None:
        report.add(path, invalid(value, _NO_QUANTITY))
    elif found < 0:
        report.add(path, invalid(str(value), NEGATIVE))


def check_positive_quantity(value: object, path: FieldPath, report: Report) -> None:
    """Report what is no quantity, or none at all."""
    check_quantity(value, path, report)
    if parse_quantity(value) == 0:
        report.add(path, invalid(str(value), NOT_POSITIVE))


def check_reference(fields: Mapping[str, object], path: FieldPath, report: Report) -> None:
    """Report what is wrong with the kind and the name of another object, and with its group."""
    check_text(fields.get("apiGroup"), wrong_dns_subdomain, (*path, "apiGroup"), report)
    for key in ("kind", "name"):
        if check_required(fields, key, path, report):
            check_text(fields[key], wrong_path_segment, (*path, key), report)


def check_counts(
    status: Mapping[str, object],
    keys: Iterable[str],
    report: Report,
    *,
    within: Iterable[str] = (),
) -> None:
    """Report counts of a status that are negative, or more than there are replicas.

    Args:
        status: Of an object.
        keys: Of counts.
        report: Takes the problems.
        within: Those of them that cannot be more than ``replicas``.
    """
    check_at_least_0(status, keys, ("status",), report)
    replicas = status.get("replicas") or 0
    for key in within:
        count = status.get(key)
        if isinstance(count, int) and isinstance(replicas, int) and count > replicas:
            why = "cannot be greater than status.replicas"
            report.add(("status", key), invalid(count, why))


def check_count(value: object, most: int, path: FieldPath, report: Report) -> None:
    """Report a list of more than ``most`` items."""
    count = len(entries(value))
    if count > most:
        report.add(path, f"Too many: {count}: must have at most {most} items")


def check_one_of(
    fields: Mapping[str, object], known: Iterable[str], path: FieldPath, report: Report
) -> list[str]:
    """Return which of the known fields are there; report each after the first."""
    given = [key for key in known if fields.get(key) is not None]
    for key in given[1:]:
        report.add((*path, key), "Forbidden: may not specify more than 1 handler type")
    return given

"""The columns of the tables that kubectl prints, and the cells that several kinds share.

Source: Kubernetes, ``pkg/printers/internalversion/printers.go``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from netlab.kube.objects import Object, items_of, metadata_of, name_of, spec_of, status_of

NONE: Final = "<none>"
UNKNOWN: Final = "<unknown>"
UNSET: Final = "<unset>"

Cell = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a kind's table."""

    name: str
    """As the server says it; kubectl prints it in capitals."""
    cell: Callable[[Object, float], Cell]
    """From an object and the present time, in wall clock seconds."""
    is_wide: bool = False
    """Whether only ``-o wide`` shows it."""
    type: str = "string"
    format: str = ""
    """``name`` marks the column that a reference to the object is made of."""


def column(name: str, cell: Callable[[Object], Cell], *, is_wide: bool = False) -> Column:
    """Return a column whose cells do not depend on the time."""
    return Column(name=name, cell=lambda obj, _now: cell(obj), is_wide=is_wide)


def number(name: str, cell: Callable[[Object], Cell], *, is_wide: bool = False) -> Column:
    """Return a column of whole numbers."""
    return Column(name=name, cell=lambda obj, _: cell(obj), is_wide=is_wide, type="integer")


def age_column(name: str, since: Callable[[Object], str | None], missing: str = UNKNOWN) -> Column:
    """Return a column that says how long ago a time was that objects have."""
    return Column(name=name, cell=lambda obj, now: age(since(obj), now, missing))


def age(time: str | None, now: float, missing: str = UNKNOWN) -> str:
    """Return how long ago a timestamp was, as kubectl writes it."""
    if not time:
        return missing
    return duration(now - datetime.fromisoformat(time).timestamp())


def duration(seconds: float) -> str:
    """Return a length of time as kubectl writes it, the finer the shorter it is.

    >>> [duration(s) for s in (5, 119, 130, 700, 11_000, 100_000, 700_000)]
    ['5s', '119s', '2m10s', '11m', '3h3m', '27h', '8d']
    """
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    steps = (
        (120, f"{whole}s"),
        (600, f"{minutes}m{_rest(whole % 60, 's')}"),
        (3 * 3600, f"{minutes}m"),
        (8 * 3600, f"{hours}h{_rest(minutes % 60, 'm')}"),
        (48 * 3600, f"{hours}h"),
        (8 * 86400, f"{days}d{_rest(hours % 24, 'h')}"),
    )
    return next((text for limit, text in steps if whole < limit), f"{days}d")


def _rest(count: int, unit: str) -> str:
    return f"{count}{unit}" if count else ""


NAME: Final = Column(name="Name", cell=lambda obj, _: name_of(obj), format="name")
AGE: Final = age_column("Age", lambda obj: metadata_of(obj).get("creationTimestamp"))
CREATED_AT: Final = Column(
    name="Created At", cell=lambda obj, _: str(metadata_of(obj).get("creationTimestamp", UNKNOWN))
)


def pairs(labels: Mapping[str, str] | None) -> str:
    """Return labels as ``app=web,tier=front``."""
    return ",".join(f"{label}={text}" for label, text in sorted((labels or {}).items())) or NONE


def shortened(words: Sequence[str], limit: int = 3) -> str:
    """Return the first words, and how many more there are."""
    more = f" + {len(words) - limit} more..." if len(words) > limit else ""
    return (",".join(words[:limit]) + more) or NONE


def in_spec(field: str, missing: str = NONE) -> Callable[[Object], Cell]:
    """Return the cell that shows a field of the spec."""
    return lambda obj: _shown(spec_of(obj).get(field), missing)


def in_status(field: str, missing: Cell = 0) -> Callable[[Object], Cell]:
    """Return the cell that shows a field of the status."""
    return lambda obj: _shown(status_of(obj).get(field), missing)


def _shown(value: Any, missing: Cell) -> Cell:  # noqa: ANN401 any JSON
    if value is None or value == "":
        return missing
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int) else str(value)


def selector(obj: Object) -> str:
    """Return ``spec.selector`` of a workload in short."""
    return label_selector(spec_of(obj).get("selector") or {})


def label_selector(selector: Object) -> str:
    """Return a label selector as ``app=web,tier in (a,b)``."""
    terms = [f"{key}={text}" for key, text in sorted((selector.get("matchLabels") or {}).items())]
    for one in items_of(selector, "matchExpressions"):
        values = ",".join(one.get("values") or ())
        match one.get("operator"):
            case "In":
                terms.append(f"{one['key']} in ({values})")
            case "NotIn":
                terms.append(f"{one['key']} notin ({values})")
            case "Exists":
                terms.append(one["key"])
            case _:
                terms.append(f"!{one['key']}")
    return ",".join(terms) or NONE


def containers(field: str) -> Callable[[Object], str]:
    """Return the cell that shows a field of each container of a workload's template."""

    def cell(obj: Object) -> str:
        template = spec_of(obj).get("template") or {}
        found = items_of(spec_of(template), "containers")
        return ",".join(str(one.get(field, "")) for one in found) or NONE

    return cell


CONTAINERS: Final = (
    column("Containers", containers("name"), is_wide=True),
    column("Images", containers("image"), is_wide=True),
)
SELECTOR: Final = column("Selector", selector, is_wide=True)

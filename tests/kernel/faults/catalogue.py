"""Every fault that a trace is held against, and the chosen ones."""

from collections.abc import Sequence

from tests.kernel.faults import (
    connection_tracking,
    links,
    nat,
    routes,
    rules,
    services,
    settings,
)
from tests.kernel.faults.case import Case
from tests.kernel.faults.topology import Variant

KINDS = (services, settings, nat, connection_tracking, routes, links, rules)


def cases() -> list[Case]:
    """Return every case, in a stable order."""
    return [case for kind in KINDS for case in kind.cases()]


def of(variant: Variant, family: int) -> list[Case]:
    """Return the cases that can be tried on one kind of lab, in one family."""
    return [case for case in cases() if variant in case.variants and family in case.families]


def chosen(variant: Variant, family: int, count: int) -> list[Case]:
    """Return some of them, spread over all kinds.

    Of a rule in a table and hook there are as many cases as of all else; one in six is of those.
    """
    found = of(variant, family)
    drops = [
        case for case in found if case.fault.startswith("rule in ") and "rejects" not in case.fault
    ]
    others = [case for case in found if case not in drops]
    few = count // 6
    return [*_spread(others, count - few), *_spread(drops, few)]


def _spread(found: Sequence[Case], count: int) -> list[Case]:
    return [found[number * len(found) // count] for number in range(count)]

"""A trace of a broken lab names what broke it, where and why, and what shows it.

Sixty cases are tried on two kinds of lab, ten of them by default; with NETLAB_CI=all, every case on
every kind.
``docs/faults.md`` is the table of results.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.kernel.conftest import Lab
from tests.kernel.faults.broken_lab import BrokenLab, said
from tests.kernel.faults.case import Case
from tests.kernel.faults.catalogue import chosen, of
from tests.kernel.faults.topology import VARIANTS, Variant

pytestmark = pytest.mark.kernel

CHOSEN = 30
"""Cases of each of the two kinds of lab."""
SHORT = 6
"""One in so many of them is tried by default."""


def tried() -> Iterator[tuple[Variant, int, Case]]:
    """Yield the cases that are tried."""
    if os.environ.get("NETLAB_CI") == "all":
        for variant in VARIANTS:
            for family in (4, 6):
                yield from ((variant, family, case) for case in of(variant, family))
        return
    for variant, family in ((VARIANTS[0], 4), (VARIANTS[-1], 6)):
        yield from ((variant, family, case) for case in chosen(variant, family, CHOSEN))


@pytest.fixture(scope="module")
def broken_lab(
    request: pytest.FixtureRequest,
    make_lab: Callable[[], Lab],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BrokenLab]:
    """Return a lab of the wanted kind; one is up at a time."""
    lab = make_lab()
    yield BrokenLab(lab, request.param, tmp_path_factory.mktemp("faults"))
    lab.down()


@pytest.mark.parametrize(
    ("broken_lab", "family", "case"),
    [
        pytest.param(
            *one,
            id=f"{one[0]}-IPv{one[1]}-{one[2].fault}-{one[2].where}",
            marks=[pytest.mark.long] if number % SHORT else [],
        )
        for number, one in enumerate(tried())
    ],
    indirect=["broken_lab"],
)
def test_the_verdict_names_the_fault_its_host_and_its_cause(
    broken_lab: BrokenLab, family: int, case: Case
):
    with broken_lab.broken(case, family):
        verdict = broken_lab.trace(case, family).verdict
        assert broken_lab.agrees(verdict, case, family), (
            verdict.result,
            verdict.host,
            said(verdict),
        )
        assert bool(verdict.hint) == bool(case.shown), verdict.hint
        if verdict.hint:
            output = broken_lab.tried(verdict.hint)
            assert broken_lab.shows(output, case, family), f"{verdict.hint}\n{output}"

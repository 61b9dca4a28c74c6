from fractions import Fraction

import pytest

from netlab.netfilter.iptables.evaluate import chance_of


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 99, 1000, 30_000])
def test_a_chance_is_exact_as_written_and_as_kept(count: int):
    written = float(f"{1 / count:.10f}")
    kept = round(written * 2**31) / 2**31
    assert chance_of(written) == chance_of(kept) == Fraction(1, count)


@pytest.mark.parametrize(
    ("probability", "chance"), [(0.0, Fraction(0)), (0.75, Fraction(3, 4)), (1.0, Fraction(1))]
)
def test_a_chance_that_is_no_share_stays(probability: float, chance: Fraction):
    assert chance_of(probability) == chance

"""Mutated input for some seconds; ``NETLAB_FUZZ_SECONDS`` has it go on for longer.

What a longer run found is kept here: the input by its seed, or the case in the unit tests of what
was mended.
"""

import os
from typing import Final

import pytest

from tests.fuzz.run import fuzz
from tests.fuzz.targets import TARGETS

SECONDS: Final = float(os.environ.get("NETLAB_FUZZ_SECONDS", "4"))


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_breaks_a_law(target: str):
    result = fuzz(target, SECONDS, seed=1)
    assert result.found == ()
    assert result.counts["accepted"] > 0
    assert result.counts["refused"] > 0

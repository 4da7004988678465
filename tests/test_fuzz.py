"""Damaged workbooks at random: each ends in a report or one line, and no verdict is wrong.

What is tried, and how to try one case again: ``tests/fuzz.py``.
"""

import secrets

import pytest
from cases import PART, THOROUGH
from fuzzing.sitting import hold

CASES = 750  # of each part, in a thorough run


@pytest.mark.parametrize("part", range(4))
def test_nothing_that_a_file_holds_breaks_the_check_or_makes_its_verdict_wrong(
    part: int, record_property: pytest.FixtureRequest
) -> None:
    seed = secrets.randbelow(1_000_000) if THOROUGH else 1
    count = round(CASES * PART)
    counts = hold(seed, range(part * count, (part + 1) * count), jobs=1)
    record_property("fuzz", counts.in_short())
    assert not counts.failures, f"\n{counts}\ntry one again: python tests/fuzz.py --seed {seed} --case N"

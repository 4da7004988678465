"""Damaged workbooks at random: each ends in a report or one line, and no verdict is wrong.

What is tried, and how to try one case again: ``tests/fuzz.py``.
"""

import os
import secrets
from collections.abc import Callable

import pytest
from cases import PART, THOROUGH
from fuzzing.sitting import hold

PARTS = os.cpu_count() or 1 if THOROUGH else 2  # each takes a process
CASES = 750  # of each part, in a thorough run


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_that_a_file_holds_breaks_the_check_or_makes_its_verdict_wrong(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    seed = secrets.randbelow(1_000_000) if THOROUGH else 1
    count = round(CASES * PART)
    counts = hold(seed, range(part * count, (part + 1) * count), jobs=1)
    record_property("fuzz", counts.in_short())
    again = f"try one again: python tests/fuzz.py --seed {seed} --case N"
    assert not counts.failures, f"{counts}\n{again}"

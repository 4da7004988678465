"""How many random cases a test draws where each takes its time."""

import os
from typing import Any

from hypothesis import HealthCheck, settings

THOROUGH = not settings().derandomize  # the profile of `make test-thorough`; see conftest.py
PART = float(os.environ.get("TIMES", "1")) if THOROUGH else 0.2


def cases(count: int, **others: Any) -> settings:
    """Draw ``count`` cases in a thorough run, or TIMES as many, and else a fifth of them."""
    return settings(
        max_examples=max(1, round(count * PART)), suppress_health_check=list(HealthCheck), **others
    )

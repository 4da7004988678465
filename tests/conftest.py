from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def workbooks() -> Path:
    """The folder of the committed specs and workbooks."""
    return ROOT / "workbooks"

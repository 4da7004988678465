from pathlib import Path

import pytest
from networks import small_network, write


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook of a network with every kind of layer."""
    return write(small_network(), tmp_path_factory.mktemp("network") / "small.xlsx")

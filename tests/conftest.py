from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def workbooks() -> Path:
    """The folder of the committed specs and workbooks."""
    return ROOT / "workbooks"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workbook of a convolutional network with every kind of layer."""
    from networks import small_network, write  # torch takes seconds to start

    return write(small_network(), tmp_path_factory.mktemp("network") / "small.xlsx")

from pathlib import Path

import pytest
from hypothesis import settings

# `make test` always draws the same random cases, so that it says the same of the same code;
# `make test-thorough` draws others every time, and more of those that take long (helpers/cases.py).
settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("thorough", deadline=None)
settings.load_profile("same")

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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say with which seeds workbooks were damaged, and what came of it."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    said = [said for report in reports for name, said in report.user_properties if name == "fuzz"]
    for line in said:
        terminalreporter.write_line(f"fuzz: {line}")

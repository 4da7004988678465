import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from browser import CHROMIUM
from hypothesis import settings

from workbook_tools.engines import libreoffice
from workbook_tools.writing.workbook import build

# `make test` always draws the same random cases, so that it says the same of the same code;
# `make test-thorough` draws others every time, and more of those that take long (helpers/cases.py).
settings.register_profile("same", derandomize=True, deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None)
settings.load_profile("same")

ROOT = Path(__file__).parent.parent
HAS_TORCH = find_spec("torch") is not None
OFFICE = shutil.which("soffice")
MISSING = {"libreoffice": not OFFICE, "chromium": not CHROMIUM}
NEED_TORCH = ("cnn", "convolutional")  # folders
collect_ignore = [] if HAS_TORCH else [*NEED_TORCH]


def pytest_configure() -> None:
    """Let NumPy and PyTorch use one thread, before they are loaded: workers run side by side."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def pytest_report_header() -> str | None:
    """Say what is left out."""
    folders = " and ".join(f"tests/{folder}" for folder in NEED_TORCH)
    return None if HAS_TORCH else f"PyTorch is not installed: {folders} are left out"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs PyTorch, and what starts LibreOffice or Chromium; skip what cannot run."""
    for item in items:
        engine = getattr(item, "callspec", None) and item.callspec.params.get("engine")
        if engine == "libreoffice":
            item.add_marker("libreoffice")
        if item.path.relative_to(Path(__file__).parent).parts[0] in NEED_TORCH:
            item.add_marker("torch")
            item.add_marker("slow")
        for program, is_missing in MISSING.items():
            if item.get_closest_marker(program):
                item.add_marker("slow")
                if is_missing:
                    item.add_marker(pytest.mark.skip(reason=f"{program} is not installed"))


@pytest.fixture(autouse=True)
def _no_unmarked_libreoffice(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a test that is not marked ``libreoffice`` find none, whatever is installed here."""
    if not request.node.get_closest_marker("libreoffice"):
        find = libreoffice._program
        monkeypatch.setattr(
            libreoffice, "_program", lambda: found if (found := find()) != OFFICE else None
        )


@pytest.fixture(scope="session")
def workbooks() -> Path:
    """The folder of the committed specs and workbooks."""
    return ROOT / "workbooks"


@pytest.fixture(scope="session")
def shorter(workbooks: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The shipped workbooks of larger data, with fewer iterations."""
    folder = tmp_path_factory.mktemp("shorter")
    found = {}
    for name, data, (iterations, fewer) in (
        ("iris", "iris.csv", (20, 4)),
        ("deep", "moons.csv", (150, 12)),
    ):
        shutil.copy(workbooks / data, folder)
        spec = (workbooks / f"{name}.toml").read_text(encoding="utf-8")
        changed = spec.replace(f"iterations = {iterations}\n", f"iterations = {fewer}\n")
        assert changed != spec
        (folder / f"{name}.toml").write_text(changed, encoding="utf-8")
        found[name] = folder / f"{name}.xlsx"
        build(folder / f"{name}.toml", found[name])
    return found


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

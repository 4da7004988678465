"""``verify`` loads what it needs and no more: what it loads is most of the time that it takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Runs the command line, and writes down the modules of both its processes.
SOURCE = """
import json, os, pathlib, sys
from workbook_tools.__main__ import main
from workbook_tools.checking import alone

def write_down(name):
    pathlib.Path(os.environ["MODULES"], name).write_text(json.dumps([*sys.modules]))

def all_of(*arguments):
    found = of_it(*arguments)
    write_down("worker")
    return found

of_it, alone.all_of = alone.all_of, all_of
try:
    main()
finally:
    write_down("command line")
"""
ALLOWED = {
    "worker": {"lxml", "numpy", "workbook_tools"},
    "command line": {
        "annotated_doc",
        "annotated_types",
        "pydantic",  # by Typer
        "pydantic_core",
        "rich",
        "shellingham",
        "typer",
        "typing_extensions",
        "typing_inspection",
        "workbook_tools",
    },
}
NEVER = (
    "asyncio",
    "http.client",  # by xml.sax.saxutils
    "rich._emoji_codes",
    "statistics",
    "unittest",
    "workbook_tools.classroom.run",
    "workbook_tools.convolutional.verify",
    "workbook_tools.editing",
    "workbook_tools.evaluator.functions",
    "workbook_tools.engines.libreoffice",
    "workbook_tools.mending",
    "workbook_tools.reporting.html",
    "workbook_tools.spec",
    "workbook_tools.writing",
)


def loaded(folder: Path, *arguments: str) -> dict[str, list[str]]:
    """Return the modules that each process of a command has loaded."""
    done = subprocess.run(
        [sys.executable, "-c", SOURCE, *arguments],
        env={**os.environ, "MODULES": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return {process: json.loads((folder / process).read_text()) for process in ALLOWED}


def packages(names: list[str]) -> set[str]:
    """Return the packages that are not Python's own."""
    found = {name.split(".")[0] for name in names if not name.startswith("_")}
    return found - sys.stdlib_module_names - {"cython_runtime"}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker is no fork of the script")
@pytest.mark.parametrize("workbook", ["Back_Propogation", "mazur"])
def test_a_clean_workbook_is_verified_with_few_packages(
    workbook: str, workbooks: Path, tmp_path: Path
) -> None:
    place = str(workbooks / f"{workbook}.xlsx")
    found = loaded(tmp_path, "verify", place)
    for process, names in found.items():
        assert packages(names) <= ALLOWED[process], process
        assert [name for name in names if name.startswith(NEVER)] == []

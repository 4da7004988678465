"""Damaged workbooks at random: each ends in a report or one line, and no verdict is wrong.

What is tried, and how to try one case again: ``tests/fuzz.py``.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from cases import PART, THOROUGH
from fuzzing import cases as fuzz_cases
from fuzzing import trial
from fuzzing.hosts import make_hosts
from fuzzing.sitting import hold

from workbook_tools.judging.report import Report

pytestmark = pytest.mark.slow

PARTS = os.cpu_count() or 1 if THOROUGH else 1  # each takes a process
CASES = 100 if not THOROUGH else round(750 * PART)  # of each part


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_that_a_file_holds_breaks_the_check_or_makes_its_verdict_wrong(
    part: int, record_property: Callable[[str, object], None]
) -> None:
    seed = secrets.randbelow(1_000_000) if THOROUGH else 1
    counts = hold(seed, range(part * CASES, (part + 1) * CASES), jobs=1)
    record_property("fuzz", counts.in_short())
    again = f"try one again: python tests/fuzz.py --seed {seed} --case N"
    assert not counts.failures, f"{counts}\n{again}"


@pytest.mark.parametrize(
    ("sabotage", "seen"),
    [
        ("every workbook passes", "wrong verdict: pass, with a mistake"),
        ("the workbook is written to", "the input file is changed"),
        ("something is printed", "something is printed"),
        ("a copy loses a cell", "the marked copy has another cell"),
        ("an error that nobody expects", "ZeroDivisionError in "),
    ],
)
def test_the_fuzzer_sees(
    sabotage: str, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_hosts(tmp_path, ["plain"])
    monkeypatch.setattr(fuzz_cases, "host_name", lambda random: "plain")
    monkeypatch.setattr(trial.libreoffice, "is_installed", lambda: False)
    check, mark = trial.verify.verify, trial.copies.write_marked

    def checked(path: Path, *others: object) -> Report:
        if path.name == "case.xlsx":
            if sabotage == "something is printed":
                os.write(2, b"panicked at")
            if sabotage == "an error that nobody expects":
                raise ZeroDivisionError
            if sabotage == "the workbook is written to":
                path.write_bytes(path.read_bytes() + b" ")
                return check(tmp_path / "plain.xlsx")
        return check(path, *others)

    def marked(report: Report, source: Path, destination: Path) -> None:
        mark(report, tmp_path / "plain.xlsx", destination)

    if sabotage == "every workbook passes":
        monkeypatch.setattr(Report, "verdict", "pass")
        monkeypatch.setattr(trial, "named_cells", lambda report: set())
    if sabotage == "a copy loses a cell":
        monkeypatch.setattr(trial.copies, "write_marked", marked)
    monkeypatch.setattr(trial.verify, "verify", checked)
    outcomes = [trial.try_case(tmp_path, 1, number) for number in range(0, 30, 3)]
    kinds = {failure.kind for outcome in outcomes for failure in outcome.failures}
    assert any(kind.startswith(seen) for kind in kinds), kinds

"""Labelled real workbooks, where there is a folder of them: nothing missed, no false alarm."""

import json
import os
import shutil
from pathlib import Path

import audit_score
import pytest
from cases import THOROUGH
from office import recalculate_together

from workbook_tools.checking.verify import verify

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
SAMPLE = Path(os.environ.get("SAMPLE", ROOT / "../shared/corpus"))


@pytest.mark.skipif(not (SAMPLE / "labels.json").is_file(), reason="the sample is not here")
@pytest.mark.parametrize("engine", ["compiled", "embedded", "ironcalc", "cached", "libreoffice"])
def test_every_table_and_mistake_of_the_sample_is_found_and_nothing_else(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = 1 if THOROUGH or engine == "compiled" else 3
    if engine == "libreoffice":
        recalculate_together(sorted(SAMPLE.glob("*.xlsx"))[::every], monkeypatch)
    scores = audit_score.score_sample(SAMPLE, engine, every)
    assert len(scores) > 50 / every
    assert [(s.file, s.sheet, s.problems) for s in scores if s.problems] == []


W3_W4 = ("∂E/∂w3", "∂E/∂w4")
# The workbooks with most wrong columns, and the mistakes that a person counts in them: the
# quantities that each is in, and on how many sheets.
MISTAKES = {
    "006": {W3_W4: 6, ("E1",): 6},
    "034": {W3_W4: 6},
    "038": {W3_W4: 4},
    "078": {W3_W4: 1, ("a_h1", "a_h2", "h1", "h2"): 1},  # the latter are typed in the first row
    "064": {("∂E/∂w2",): 6},
    "019": {("∂E/∂w1", "∂E/∂w2", *W3_W4): 1, W3_W4: 1},
    "099": {W3_W4: 2},
    "069": {W3_W4: 2},
    "007": {W3_W4: 2},
    "100": {W3_W4: 1},
}


@pytest.mark.skipif(not (SAMPLE / "labels.json").is_file(), reason="the sample is not here")
@pytest.mark.parametrize("name", MISTAKES)
def test_the_mistakes_of_the_sample_are_counted_as_a_person_counts_them(name: str) -> None:
    findings = verify(SAMPLE / f"{name}.xlsx").findings
    found = [(tuple(sorted(one.quantities)), len(one.sheets)) for one in findings]
    assert sorted(found) == sorted(MISTAKES[name].items())


def test_a_few_changed_formulas_are_all_found(
    workbooks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("Back_Propogation", "xor", "mnist_cnn"):
        shutil.copy(workbooks / f"{name}.xlsx", tmp_path)
    assert audit_score.score_changes(2, 7, tmp_path)
    printed = capsys.readouterr().out
    assert "all                 4      4       4" in printed
    assert "mnist_cnn.xlsx is a network's workbook" in printed


def test_what_was_missed_and_what_was_no_mistake_are_counted(
    workbooks: Path, tmp_path: Path
) -> None:
    shutil.copy(workbooks / "Back_Propogation.xlsx", tmp_path / "one.xlsx")
    label = {
        "header_row": 31, "first_row": 32, "last_row": 99, "learning_rate_cell": "G30",
        "learning_rate": 0.1, "columns": {"t1": "A", "w1": "F"}, "wrong": ["o1"], "latent": [],
    }  # fmt: skip
    (tmp_path / "labels.json").write_text(json.dumps({"one": {"LR 0.1": [label], "LR 7": [label]}}))
    score, missing = audit_score.score_sample(tmp_path, "cached")[:2]
    assert score.problems == ["columns", "missed o1 wrong"]
    assert missing.problems == ["no table"]
    assert not audit_score.print_sample([score])

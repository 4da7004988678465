"""Labels and differentiation find the same mistakes in gradients and updates."""

import random
from collections.abc import Iterable
from pathlib import Path

import openpyxl
import pytest
from formula_changes import CHANGES
from learning_score import Score, Unlabelled, draw
from openpyxl.worksheet.formula import ArrayFormula

from workbook_tools.checking.verify import verify
from workbook_tools.judging.findings import Finding
from workbook_tools.notation.addresses import Cell

pytestmark = pytest.mark.slow
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
BACKWARD = "∂", "δ", "Δ", "w", "b", "m_", "s_", "v_"  # how quantities of the backward half begin


def cells(findings: Iterable[Finding]) -> set[Cell]:
    return {
        (place.sheet, row, place.column)
        for finding in findings
        if not finding.is_harmless
        for place in finding.places
        for row in place.rows
    }


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("name", ["mazur", "Back_Propogation"])
def test_a_changed_formula_is_found_at_the_same_cells(
    workbooks: Path, tmp_path: Path, name: str, kind: str
) -> None:
    source = workbooks / f"{name}.xlsx"
    book = Unlabelled(source)
    drawn = draw(book, kind, random.Random(7), Score())
    if drawn is None:
        pytest.skip("no formula can be changed like this")
    cell, new = drawn
    workbook = openpyxl.load_workbook(source)
    assert not isinstance(workbook[cell[0]].cell(*cell[1:]).value, ArrayFormula)
    workbook[cell[0]].cell(*cell[1:]).value = new
    workbook.save(tmp_path / "changed.xlsx")
    by_labels = cells(verify(tmp_path / "changed.xlsx").findings)
    by_differentiation, _ = book.found({cell: new})
    assert by_labels == by_differentiation
    assert by_labels == {cell} or kind == "anchor"  # in one cell, an anchor makes no difference


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the sample is not beside the project")
@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.xls?")), ids=lambda path: path.stem)
def test_a_workbook_made_by_hand_has_the_same_mistakes_without_labels(path: Path) -> None:
    report = verify(path)
    book = Unlabelled(path)
    if not report.tables or not book.cells:
        pytest.skip("nothing is trained in it by formulas")
    own, _ = book.found({})
    assert bool(own) == (report.verdict == "fail")
    mistakes = [finding for finding in report.findings if not finding.is_harmless]
    if all(finding.quantities[0].startswith(BACKWARD) for finding in mistakes):
        # One cell from which two gradients are calculated may stand for both.
        assert {cell[:2] for cell in own} == {cell[:2] for cell in cells(mistakes)}

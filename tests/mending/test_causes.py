"""One mistake is one finding, with the remedy that was meant, wherever it was copied to."""

import os
import time
from pathlib import Path

import made_mistakes
import pytest
from checks import check
from handmade import FORMULAS, HandMade
from openpyxl import load_workbook
from openpyxl.formula.translate import Translator

from workbook_tools.checking.verify import verify
from workbook_tools.judging.findings import Finding, in_short
from workbook_tools.judging.report import Report
from workbook_tools.reporting.copies import write_mended
from workbook_tools.reporting.html import to_html

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CASES = Path(os.environ.get("CASES", ROOT / "../shared/cases"))
here = pytest.mark.skipif(not CASES.is_dir(), reason="the folder of cases is not here")

WEIGHTS = dict(zip("FGHINOPQ", ("Y", "Z", "AA", "AB", "AC", "AD", "AE", "AF"), strict=True))


def only(report: Report) -> Finding:
    [finding] = report.findings
    return finding


def update(letter: str, row: int, rate: str) -> str:
    """Return the update of a weight, with the rate as it reads in the row."""
    return f"={letter}{row - 1}-{rate}*{WEIGHTS[letter]}{row - 1}"


def remedies(finding: Finding) -> set[str]:
    """Return all suggested formulas, as they read in row 7."""
    return {
        Translator(formula, f"A{row}").translate_formula("A7")
        for place in finding.places
        if place.suggestion
        for row, formula in place.suggestion.formulas.items()
    }


def right(letters: str) -> set[str]:
    return {update(letter, 7, "$D$2") for letter in letters}


# The learning rate without $


@pytest.mark.parametrize("rate", ["D2", "$D2"])
def test_a_rate_that_drifts_in_all_weights_is_one_finding(rate: str, tmp_path: Path) -> None:
    finding = only(check(HandMade(rate=rate), tmp_path))
    assert finding.kind == "wrong-reference-rate"
    assert finding.quantities == tuple(f"w{k}" for k in range(1, 9))
    assert (finding.count, len(finding.places)) == (8 * 19, 8)
    assert remedies(finding) == right("FGHINOPQ")


def test_a_rate_that_drifts_from_some_row_on_is_one_finding(tmp_path: Path) -> None:
    cells = {f"H{row}": update("H", row, f"D{row - 10}") for row in range(12, 26)}
    finding = only(check(HandMade(cells=cells), tmp_path))
    assert [place.cells for place in finding.places] == ["H12:H25"]
    assert remedies(finding) == right("H")


def test_rows_mended_by_hand_are_of_the_mistake_unless_they_are_right(tmp_path: Path) -> None:
    """Row 10 has its $ again, row 13 only the right cell, and from row 16 on it drifts again."""
    cells = {
        f"{letter}{row}": update(letter, row, f"D{row - 5 if row < 16 else row - 14}")
        for letter in WEIGHTS
        for row in range(7, 26)
    }
    for letter in WEIGHTS:
        cells[f"{letter}10"] = update(letter, 10, "$D$2")
        cells[f"{letter}13"] = update(letter, 13, "D2")
    finding = only(check(HandMade(cells=cells), tmp_path))
    assert {row for place in finding.places for row in place.rows} == {*range(7, 26)} - {10}
    assert finding.count == 8 * 18
    assert remedies(finding) == right("FGHINOPQ")


def test_a_rate_that_drifts_where_nothing_is_learned_is_found(tmp_path: Path) -> None:
    """The gradients are 0, so that the weights keep their values with any rate."""
    dead = {f"D{row}": 0 for row in range(6, 26)} | {f"E{row}": 0 for row in range(6, 26)}
    cells = {f"F{row}": update("F", row, f"D{row - 5}") for row in range(7, 26)}
    finding = only(check(HandMade(cells={**dead, **cells, "D3": 0.4, "D4": 0.3}), tmp_path))
    assert (finding.kind, finding.places[0].cells) == ("wrong-reference-rate", "F7:F25")
    assert remedies(finding) == right("F")


def test_a_column_that_has_the_same_rate_for_each_iteration_does_not_drift(tmp_path: Path) -> None:
    cells: dict[str, object] = {"C2": None, "D2": None} | {f"AI{r}": 0.5 for r in range(6, 26)}
    report = check(HandMade(cells=cells, rate="AI6"), tmp_path)
    assert (report.verdict, report.findings) == ("pass", [])


def test_one_row_without_dollars_that_is_right_is_harmless(tmp_path: Path) -> None:
    cells = {f"{letter}12": update(letter, 12, "D2") for letter in WEIGHTS}
    report = check(HandMade(cells=cells), tmp_path)
    finding = only(report)
    assert (report.verdict, finding.is_harmless, finding.count) == ("pass", True, 8)
    assert remedies(finding) == right("FGHINOPQ")


# Rows from elsewhere


def pasted(row: int, source: int, letters: str) -> dict[str, object]:
    """Return the cells of a row of a right table, as they are pasted into another row."""
    own = {f"{letter}{row}": update(letter, source, "$D$2") for letter in letters}
    return {**own}


def test_a_row_that_continues_another_one_is_one_finding(tmp_path: Path) -> None:
    finding = only(check(HandMade(cells=pasted(15, 9, "FGHINOPQ")), tmp_path))
    assert (finding.count, finding.quantities) == (8, tuple(f"w{k}" for k in range(1, 9)))
    assert in_short(finding) == "w1…w8 continue row 8 where row 14 belongs"
    assert remedies(finding) == right("FGHINOPQ")


def test_a_row_of_all_sorts_of_formulas_from_another_one_is_one_finding(tmp_path: Path) -> None:
    table = load_workbook(HandMade().save(tmp_path / "right.xlsx")).active
    cells = {f"{letter}15": table[f"{letter}9"].value for letter in "HIJKLMNOPQRSTUVWX"}
    finding = only(check(HandMade(cells=cells), tmp_path))
    assert finding.count == len(cells)
    assert {place.cells for place in finding.places} == {*cells}


def test_a_row_of_numbers_from_another_one_is_one_finding(tmp_path: Path) -> None:
    cells = {f"{letter}15": 0.123 + k for k, letter in enumerate("JKLM")}
    finding = only(check(HandMade(cells=cells), tmp_path))
    assert (finding.kind, finding.count) == ("typed-value", 4)
    assert all(place.suggestion for place in finding.places)


def test_a_row_of_numbers_on_several_sheets_is_one_finding(tmp_path: Path) -> None:
    cells = {f"{letter}15": 0.123 + k for k, letter in enumerate("JKLM")}
    finding = only(verify(on_sheets(HandMade(cells=cells), tmp_path / "made.xlsx", 3)))
    assert (finding.count, len(finding.sheets)) == (12, 3)


def test_two_numbers_that_were_typed_in_one_column_are_two_findings(tmp_path: Path) -> None:
    findings = check(HandMade(cells={"J10": 0.2, "J15": 0.1}), tmp_path).findings
    assert sorted(one.places[0].cells for one in findings) == ["J10", "J15"]


# The same slip several times

W3, W4 = (FORMULAS[gradient].replace("M6*(1-M6)", "K6*(1-K6)") for gradient in ("∂E/∂w3", "∂E/∂w4"))


def on_sheets(made: HandMade, path: Path, count: int) -> Path:
    """Save a table on several sheets, with other learning rates."""
    book = load_workbook(made.save(path))
    for number in range(1, count):
        book.copy_worksheet(book.active)["D2"] = 0.1 * number
    book.save(path)
    return path


def test_the_same_slip_in_two_columns_on_six_sheets_is_one_finding(tmp_path: Path) -> None:
    made = HandMade({**FORMULAS, "∂E/∂w3": W3, "∂E/∂w4": W4})
    finding = only(verify(on_sheets(made, tmp_path / "made.xlsx", 6)))
    assert (len(finding.places), len(finding.sheets), finding.count) == (12, 6, 240)
    assert finding.quantities == ("∂E/∂w3", "∂E/∂w4")
    assert in_short(finding) == "∂E/∂w3, ∂E/∂w4 use a_h1 where a_h2 belongs"


def test_a_formula_that_reads_the_data_of_the_next_row_is_wrong_in_all_rows(
    tmp_path: Path,
) -> None:
    """Only in the last row does it show: below it, there are no data."""
    made = HandMade(cells={f"V{row}": f"=(B{row + 1}-S{row})^2/2" for row in range(6, 26)})
    finding = only(check(made, tmp_path))
    assert (finding.kind, finding.quantities, finding.count) == ("wrong-formula", ("E1",), 20)
    assert remedies(finding) == {"=(B7-S7)^2/2"}


def test_data_of_the_next_row_are_wrong_where_data_are_copied_down_too(
    workbooks: Path, tmp_path: Path
) -> None:
    book = load_workbook(workbooks / "mazur.xlsx")
    for row in range(32, 132):
        book["LR 0.5"][f"W{row}"] = f"=0.5*(A{row + 1}-T{row})^2"
    finding = only(check(book, tmp_path))
    assert (finding.kind, finding.count) == ("wrong-formula", 100)


def test_a_formula_that_is_wrong_only_in_some_rows_is_one_finding(tmp_path: Path) -> None:
    """It reads the input of one row, which is another one in rows 10 and 15."""
    formulas = {**FORMULAS, "h1": "=F6*$D$7+G6*E6"}
    cells = {f"D{row}": 0.05 + 0.1 * (row in (10, 15)) for row in range(6, 27)}
    findings = check(HandMade(formulas, {**cells}), tmp_path).findings
    [finding] = [one for one in findings if not one.kind.is_warning]
    assert (finding.kind, finding.quantities, finding.count) == ("wrong-formula", ("h1",), 20)
    assert remedies(finding) == {"=F7*$D7+G7*E7"}


def test_two_slips_in_one_table_are_two_findings(tmp_path: Path) -> None:
    made = HandMade({**FORMULAS, "∂E/∂w3": W3, "∂E/∂w8": "=(U6-C6)*U6*(1-U6)*K6"})
    findings = verify(on_sheets(made, tmp_path / "made.xlsx", 3)).findings
    assert {(one.quantities, len(one.places)) for one in findings} == {
        (("∂E/∂w3",), 3), (("∂E/∂w8",), 3),
    }  # fmt: skip


# Rounding


@pytest.mark.parametrize(("decimals", "is_harmless"), [(9, True), (12, True), (2, False)])
def test_a_formula_that_is_rounded_on_all_sheets_is_one_finding(
    decimals: int, is_harmless: bool, tmp_path: Path
) -> None:
    made = HandMade({**FORMULAS, "∂E/∂w5": f"=ROUND({FORMULAS['∂E/∂w5'][1:]},{decimals})"})
    report = verify(on_sheets(made, tmp_path / "made.xlsx", 2))
    finding = only(report)
    assert (finding.kind, finding.count) == ("rounded", 40)
    assert (report.verdict == "pass") == is_harmless
    assert finding.leading.message == f"∂E/∂w5: right, but rounded to {decimals} decimals."
    assert all(place.suggestion for place in finding.places)


def test_formulas_of_two_kinds_that_are_rounded_alike_are_one_finding(tmp_path: Path) -> None:
    rounded = {
        symbol: f"=ROUND({FORMULAS[symbol][1:]},4)" for symbol in ("a_h1", "∂E/∂w5", "∂E/∂w1")
    }
    finding = only(check(HandMade({**FORMULAS, **rounded}), tmp_path))
    assert finding.quantities == ("a_h1", "∂E/∂w1", "∂E/∂w5")


def test_a_rounded_formula_is_not_mended_by_one_that_rounds_less(tmp_path: Path) -> None:
    cells = {f"K{row}": f"=ROUND(1/(1+EXP(-J{row})),{4 if row < 9 else 5})" for row in range(6, 26)}
    finding = only(check(HandMade(cells={**cells}), tmp_path))
    assert finding.count == 20
    assert remedies(finding) == {"=1/(1+EXP(-J7))"}


def test_data_may_be_constant_formulas(tmp_path: Path) -> None:
    cells = {f"{letter}{row}": "=1/20" for letter in "DE" for row in range(6, 26)}
    cells |= {f"B{row}": "=0.5" for row in range(6, 26)}
    report = check(HandMade(cells={**cells}), tmp_path)
    assert (report.verdict, report.findings) == ("pass", [])


def test_targets_that_are_no_numbers_never_pass(tmp_path: Path) -> None:
    cells = {f"B{row}": "=1/0" for row in range(6, 26)}
    report = check(HandMade(cells={**cells}), tmp_path)
    finding = only(report)
    assert (finding.kind, finding.quantities, finding.count) == ("error-value", ("t1",), 20)
    assert report.verdict == "fail"


# Mistakes drawn at random; `make audit-score` draws many

SMALL = {"Back_Propogation": 3, "mazur": 3, "xor": 1}  # how often each of the shipped workbooks
DRAWN = {"drift": 3, "pasted": 3, "repeated": 2, "rounded": 2, "constants": 1, "two": 2}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, count in DRAWN.items() for number in range(count)]
)
def test_a_drawn_mistake_is_one_finding_and_mended(kind: str, number: int, tmp_path: Path) -> None:
    case = made_mistakes.draw(kind, 7, number, SMALL)
    assert made_mistakes.problems(case, tmp_path) == []


# Workbooks that were made to be difficult; they are no part of the project

CASE = {  # the kind, the quantities, the cells, what every remedy reads, and whether it passes
    "drifting_rate": ("wrong-reference-rate", "w1 w2 w3 w4 w5 w6 w7 w8", 152, "$B$1", False),
    "drifting_rate_of_one_weight": ("wrong-reference-rate", "w3", 19, "$B$1", False),
    "row_from_elsewhere": ("wrong-formula", "w1 w2 w3 w4 w5 w6 w7 w8", 8, "14", False),
    "one_row_unanchored_but_right": (
        "broken-pattern", "w1 w2 w3 w4 w5 w6 w7 w8", 8, "$B$1", True,
    ),
    "rounded_gradient": ("rounded", "∂E/∂w5", 20, "(", True),
    "same_pair_on_six_sheets": ("wrong-formula", "∂E/∂w3 ∂E/∂w4", 240, "L", False),
}  # fmt: skip


@here
@pytest.mark.parametrize("name", CASE)
def test_a_case_is_one_finding_and_mended(name: str, tmp_path: Path) -> None:
    kind, quantities, count, read, passes = CASE[name]
    report = verify(CASES / f"{name}.xlsx")
    finding = only(report)
    assert (finding.kind, " ".join(finding.quantities), finding.count) == (kind, quantities, count)
    assert finding.is_harmless == (report.verdict == "pass") == passes
    for place in finding.places:
        assert place.suggestion
        assert all(read in formula for formula in place.suggestion.formulas.values())
    write_mended(report, CASES / f"{name}.xlsx", tmp_path / "mended.xlsx")
    again = verify(tmp_path / "mended.xlsx")
    assert (again.verdict, again.findings) == ("pass", [])


@here
def test_a_case_of_constant_formulas_passes() -> None:
    report = verify(CASES / "data_as_constant_formulas.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])


@here
def test_a_case_of_targets_that_are_errors_never_passes() -> None:
    report = verify(CASES / "targets_are_errors.xlsx")
    finding = only(report)
    assert (finding.kind, finding.quantities, report.verdict) == ("error-value", ("t1",), "fail")


@here
def test_a_case_of_many_findings_is_told_soon_and_shortly() -> None:
    begin = time.process_time()
    report = verify(CASES / "slow_1742_findings.xlsx")
    page = to_html(report)
    assert time.process_time() - begin < 3
    assert len(page.encode()) < 300_000


def test_the_same_sign_in_the_formulas_of_two_quantities_is_one_finding(tmp_path: Path) -> None:
    made = HandMade(
        {
            s: f.replace("(1-S6)*", "(1+S6)*") if s in ("∂E/∂w5", "∂E/∂w6") else f
            for s, f in FORMULAS.items()
        }
    )
    finding = only(check(made, tmp_path))
    assert in_short(finding) == "∂E/∂w5, ∂E/∂w6 use 1 + a_o where 1 − a_o belongs"


def test_a_plus_for_a_times_in_two_units_is_one_finding(tmp_path: Path) -> None:
    """With a weight of 1, the sum is no source: it does not tell of another wiring."""
    made = HandMade({**FORMULAS, "h1": "=F6+D6+G6*E6", "h2": "=H6+D6+I6*E6"})
    assert only(check(made, tmp_path)).quantities == ("h1", "h2")


def test_the_same_operator_in_gradients_of_two_layers_is_one_finding(
    workbooks: Path, tmp_path: Path
) -> None:
    book = load_workbook(workbooks / "xor.xlsx")
    sheet = book["LR 1"]
    for row in range(32, 432, 4):
        for letter in ("AS", "AV"):
            sheet[f"{letter}{row}"] = str(sheet[f"{letter}{row}"].value).replace("/4", "-4")
    book.save(tmp_path / "made.xlsx")
    finding = only(verify(tmp_path / "made.xlsx"))
    assert (finding.quantities, finding.count) == (("∂E/∂b1", "∂E/∂b4"), 200)

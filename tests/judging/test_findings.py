"""Each kind of finding, in a table typed by hand; without the mistake the table passes."""

from pathlib import Path

import pytest
from checks import check
from handmade import FORMULAS, HEADER, START, HandMade

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Fault
from workbook_tools.judging.report import Report


def only(report: Report) -> Fault:
    assert report.verdict == "fail"
    assert len(report.faults) == 1, report.faults
    return report.faults[0]


def test_a_right_table_passes_wherever_it_stands(tmp_path: Path) -> None:
    report = check(HandMade(), tmp_path)
    table = report.tables[0]
    assert report.verdict == "pass"
    assert (table.range, table.network, table.learning_rate, table.iterations) == (
        "B5:AF25",
        "2-2-2",
        0.5,
        20,
    )
    # 19 forward, loss and gradient columns of 20 rows, 8 weights of 19: inputs are typed.
    assert (table.cells.formulas, table.cells.agreeing) == (19 * 20 + 8 * 19, 19 * 20 + 8 * 19)
    assert table.last_loss == pytest.approx(table.last_loss_of_run, rel=1e-12)


def test_other_spellings_of_the_labels_are_understood(tmp_path: Path) -> None:
    header = [label.replace("E_tot", "E_Total".lower().capitalize()) for label in HEADER]
    header = [f" {label.replace('∂E/', '∂E_total/')} " for label in header]
    assert check(HandMade(header=header), tmp_path).verdict == "pass"


def test_one_mistake_filled_down_is_one_finding(tmp_path: Path) -> None:
    wrong = FORMULAS["∂E/∂w3"].replace("O6", "N6")  # w5 where w6 belongs
    finding = only(check(HandMade({**FORMULAS, "∂E/∂w3": wrong}), tmp_path))
    assert (finding.kind, finding.quantity) == ("wrong-formula", "∂E/∂w3")
    assert (finding.cells, finding.count) == ("AA6:AA25", 20)
    assert finding.formula == wrong
    assert finding.max_rel_error is not None
    assert finding.max_rel_error > 0.01


def test_a_mistake_is_reported_where_it_is_and_not_where_it_spreads(tmp_path: Path) -> None:
    finding = only(check(HandMade(cells={"J10": "=F10*D10-G10*E10"}), tmp_path))
    assert (finding.kind, finding.quantity, finding.cells) == ("wrong-formula", "h1", "J10")


def test_a_mistake_that_does_not_show_on_these_numbers_is_latent(tmp_path: Path) -> None:
    wrong = FORMULAS["E1"].replace("B6", "C6")  # the other target, which has the same value
    finding = only(check(HandMade({**FORMULAS, "E1": wrong}), tmp_path))
    assert (finding.kind, finding.quantity, finding.count) == ("latent", "E1", 20)


def test_a_number_typed_into_a_formula_is_latent(tmp_path: Path) -> None:
    wrong = FORMULAS["E1"].replace("B6", "0.5")
    assert only(check(HandMade({**FORMULAS, "E1": wrong}), tmp_path)).kind == "latent"


def test_a_rate_without_anchors_breaks_the_pattern(tmp_path: Path) -> None:
    report = check(HandMade(cells={"F12": "=F11-D2*Y11"}), tmp_path)
    [fault] = report.faults
    assert (fault.kind, fault.quantity, fault.cells) == ("broken-pattern", "w1", "F12")
    assert report.verdict == "pass"
    report.is_strict = True
    assert report.verdict == "fail"


def test_a_formula_written_differently_throughout_is_not_a_finding(tmp_path: Path) -> None:
    other = {**FORMULAS, "h1": "=SUMPRODUCT(F6:G6,D6:E6)", "E_tot": "=SUM(V6:W6)"}
    assert check(HandMade(other), tmp_path).verdict == "pass"


def test_a_number_typed_for_data_is_found_in_a_table_of_three_rows(tmp_path: Path) -> None:
    data = dict(zip(("t1", "t2", "i1", "i2"), "BCDE", strict=True))
    carried: dict[str, object] = {
        f"{column}{row}": f"={column}{row - 1}" for column in data.values() for row in (7, 8)
    }
    for typed, found in {
        ("i1",): [("typed-value", "i1", "D8")],
        ("i1", "t1"): [("typed-value", symbol, f"{data[symbol]}8") for symbol in ("t1", "i1")],
        tuple(data): [],  # another sample
    }.items():
        cells = carried | {f"{data[symbol]}8": 0.9 for symbol in typed}
        report = verify(HandMade(cells=cells, rows=[6, 7, 8]).save(tmp_path / "short.xlsx"))
        assert [(str(f.kind), f.quantity, f.cells) for f in report.faults] == found


def test_a_typed_number_is_found_and_judged(tmp_path: Path) -> None:
    right = check(HandMade(), tmp_path).tables[0].last_loss
    for number, word in ((0.123, "but should show"), (right, "right at present")):
        finding = only(check(HandMade(cells={"X25": number}), tmp_path))
        assert (finding.kind, finding.quantity, finding.cells) == ("typed-value", "E_tot", "X25")
        assert word in finding.message


def test_an_emptied_cell_is_found(tmp_path: Path) -> None:
    finding = only(check(HandMade(cells={"K25": None}), tmp_path))
    assert (finding.kind, finding.quantity, finding.cells) == ("typed-value", "a_h1", "K25")
    assert "holds no number" in finding.message


def test_a_last_row_with_only_the_next_weights_is_no_finding(tmp_path: Path) -> None:
    weights = {"F": "Y", "G": "Z", "H": "AA", "I": "AB", "N": "AC", "O": "AD", "P": "AE", "Q": "AF"}
    cells: dict[str, object] = {f"{w}26": f"={w}25-$D$2*{g}25" for w, g in weights.items()}
    assert check(HandMade(cells=cells), tmp_path).verdict == "pass"


def test_an_error_value_is_found_where_it_arises(tmp_path: Path) -> None:
    finding = only(check(HandMade(cells={"K9": "=1/(1+EXP(-#REF!))"}), tmp_path))
    assert (finding.cells, finding.value) == ("K9", "#REF!")


def test_a_rate_that_is_read_by_its_defined_name_is_no_finding(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"F{row}": f"=F{row - 1}-rate*Y{row - 1}" for row in range(7, 26)}
    made = HandMade(cells=cells, names={"rate": "'My sheet'!$D$2"})
    assert check(made, tmp_path).verdict == "pass"
    made.cells["F12"] = "=F11-rate*Z11"
    assert only(check(made, tmp_path)).cells == "F12"
    made.cells["F12"] = "=F11-nosuch*Y11"
    assert only(check(made, tmp_path)).kind == "error-value"


def test_an_overflow_is_not_a_mistake_of_the_unit_where_it_shows(tmp_path: Path) -> None:
    report = check(HandMade(cells={"F10": "=F9-$D$2/Y9*1E9"}), tmp_path)
    finding = only(report)
    assert (finding.kind, finding.cells) == ("wrong-formula", "F10")
    assert report.tables[0].cells.reasons["e^(−h1) is too large a number"] == 1


def test_an_unknown_column_is_said_to_be_not_checked(tmp_path: Path) -> None:
    cells: dict[str, object] = {"AG5": "my notes", "AG6": "=X6*2", "AG7": "=X7*2"}
    report = check(HandMade(cells=cells), tmp_path)
    table = report.tables[0]
    assert report.verdict == "incomplete"
    assert table.cells.not_checked == 2
    assert table.cells.reasons == {"unknown quantity 'my notes'": 2}
    assert report.not_checked == (
        "2 of 534 formula cells not checked: unknown quantity 'my notes' (My sheet!AG6:AG7)"
    )


def test_formulas_outside_the_table_are_counted(tmp_path: Path) -> None:
    report = check(HandMade(cells={"B2": "=1+1"}), tmp_path)
    assert report.other_formulas == {"My sheet": 1}


def test_a_table_of_any_numbers_never_passes(tmp_path: Path) -> None:
    made = HandMade()
    made.save(tmp_path / "made.xlsx")
    cells: dict[str, object] = {
        f"{column}{row}": 0.1
        for row in range(6, 26)
        for column in [chr(c) for c in range(ord("B"), ord("Z") + 1)]
        + [f"A{chr(c)}" for c in range(ord("A"), ord("F") + 1)]
    }
    report = check(HandMade(cells=cells), tmp_path)
    assert report.verdict == "fail"
    assert {finding.kind for finding in report.faults} == {"wrong-value"}


def test_a_tolerance_can_be_given(tmp_path: Path) -> None:
    made = HandMade(cells={"J10": "=(F10*D10+G10*E10)*1.00001"})
    path = made.save(tmp_path / "made.xlsx")
    assert only(verify(path)).kind == "wrong-formula"
    assert only(verify(path, tolerance=1e-3)).kind == "latent"


@pytest.mark.parametrize("number", [1.7e308, 1e300, 1e-320])
def test_a_huge_or_tiny_weight_is_not_a_mistake(number: float, tmp_path: Path) -> None:
    report = check(HandMade(cells={"F6": number}), tmp_path)
    assert (report.verdict, report.faults) == ("pass", [])


def test_a_number_too_large_for_a_square_makes_an_error_value_that_is_named_once(
    tmp_path: Path,
) -> None:
    report = check(HandMade(cells={"B25": 1e200}), tmp_path)
    found = [(f.kind, f.cells) for f in report.faults]
    assert found == [("odd-start", "B25"), ("error-value", "V25")]
    assert report.tables[0].cells.reasons == {
        "a cell that it depends on has no number": 2
    }  # E1, E_tot


def test_a_wrong_formula_in_the_first_row_too_is_one_finding(tmp_path: Path) -> None:
    columns = dict(zip("w1 w2 w3 w4 w5 w6 w7 w8".split(), "FGHINOPQ", strict=True))
    cells: dict[str, object] = {}
    for row, (symbol, column) in enumerate(columns.items(), start=6):
        cells |= {f"AI{row}": symbol, f"AJ{row}": START[symbol], f"{column}6": f"=$AJ${row}"}
    cells |= {f"AJ{row + 7}": START["w1"] for row in range(7, 26)}
    cells |= {f"F{row}": f"=AJ{row}" for row in range(6, 26)}  # never updated
    report = check(HandMade(cells=cells), tmp_path)
    assert [(f.kind, f.cells) for f in report.faults] == [("wrong-formula", "F6:F25")]

"""One small model in several layouts, without labels: what learns is found, and what is wrong."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from any_layout import called_wrong
from checks import call
from learning_score import Unlabelled
from openpyxl import Workbook
from openpyxl.utils import column_index_from_string, get_column_letter

from workbook_tools.checking.asked import Asked
from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name
from workbook_tools.reporting.json_document import to_json

Cells = Mapping[str, object]
DATA = {f"A{row}": x for row, x in enumerate((0.1, 0.4, 0.7, 0.9), start=1)} | {
    f"B{row}": y for row, y in enumerate((0.3, 0.5, 0.8, 1.1), start=1)
}


def rows() -> dict[str, object]:
    """One iteration a row, all samples in one formula."""
    cells: dict[str, object] = {**DATA, "H1": 0.1, "D1": 0.2, "E1": 0.3}
    for row in range(1, 8):
        errors = "+".join(f"(D{row}*$A${k}+E{row}-$B${k})^2" for k in range(1, 5))
        slope = "+".join(f"(D{row}*$A${k}+E{row}-$B${k})*$A${k}" for k in range(1, 5))
        level = "+".join(f"(D{row}*$A${k}+E{row}-$B${k})" for k in range(1, 5))
        cells |= {
            f"C{row}": f"=({errors})/4",
            f"F{row}": f"=({slope})/2",
            f"G{row}": f"=({level})/2",
        }
        if row > 1:
            cells |= {f"D{row}": f"=D{row - 1}-$H$1*F{row - 1}"}
            cells |= {f"E{row}": f"=E{row - 1}-$H$1*G{row - 1}"}
    return cells


def blocks() -> dict[str, object]:
    """One sample a row, blocks of iterations below each other."""
    cells: dict[str, object] = {**DATA, "J1": 0.1}
    for number in range(6):
        top = 1 + 8 * number
        for k in range(4):
            row, data = top + k, 1 + k
            cells |= {
                f"D{row}": f"=$H${top}*$A${data}+$I${top}",
                f"E{row}": f"=0.5*(D{row}-$B${data})^2",
                f"F{row}": f"=(D{row}-$B${data})*$A${data}",
                f"G{row}": f"=D{row}-$B${data}",
            }
        last = top + 3
        cells |= {f"E{top + 4}": f"=SUM(E{top}:E{last})", f"F{top + 4}": f"=SUM(F{top}:F{last})"}
        cells |= {f"G{top + 4}": f"=SUM(G{top}:G{last})"}
        cells |= {f"H{top + 8}": f"=H{top}-$J$1*F{top + 4}"}
        cells |= {f"I{top + 8}": f"=I{top}-$J$1*G{top + 4}"}
    return cells | {"H1": 0.2, "I1": 0.3}


def without_loss() -> dict[str, object]:
    """Blocks in which no cell shows the loss."""
    return {cell: own for cell, own in blocks().items() if not cell.startswith("E")}


def across() -> dict[str, object]:
    """One iteration a column."""
    cells: dict[str, object] = {"A1": 0.6, "A2": 0.9, "A3": 0.5}
    letters = "BCDEFGHI"
    for number, letter in enumerate(letters):
        before = letters[number - 1]
        cells |= {
            f"{letter}5": 0.4 if not number else f"={before}5-$A$3*{before}9",
            f"{letter}6": -0.2 if not number else f"={before}6-$A$3*{before}10",
            f"{letter}7": f"=1/(1+EXP(-({letter}5*$A$1+{letter}6)))",
            f"{letter}8": f"=0.5*({letter}7-$A$2)^2",
            f"{letter}9": f"=({letter}7-$A$2)*{letter}7*(1-{letter}7)*$A$1",
            f"{letter}10": f"=({letter}7-$A$2)*{letter}7*(1-{letter}7)",
        }
    return cells


def momentum() -> dict[str, object]:
    """Rows with the state of momentum."""
    cells = rows()
    for row in range(1, 8):
        for state, gradient, weight in (("K", "F", "D"), ("L", "G", "E")):
            before = f"0.9*{state}{row - 1}+" if row > 1 else ""
            cells[f"{state}{row}"] = f"={before}{gradient}{row}"
            if row > 1:
                cells[f"{weight}{row}"] = f"={weight}{row - 1}-$H$1*{state}{row - 1}"
    return cells


def decay() -> dict[str, object]:
    """Rows in which the weights decay with each update; how much is a number, or typed."""
    cells = rows() | {"H2": 0.03}
    for row in range(2, 8):
        cells[f"D{row}"] = f"=(1-$H$1*$H$2)*D{row - 1}-$H$1*F{row - 1}"
        cells[f"E{row}"] = f"=E{row - 1}-$H$1*(G{row - 1}+0.01*E{row - 1})"
    return cells


LAYOUTS = {own.__name__: own for own in (rows, blocks, without_loss, across, momentum, decay)}


def written(cells: Cells, folder: Path) -> Path:
    book = Workbook()
    for place, value in cells.items():
        book.active[place] = value
    book.save(folder / "made.xlsx")
    return folder / "made.xlsx"


def check(cells: Cells, folder: Path) -> Report:
    return verify(written(cells, folder))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_right_passes(layout: str, tmp_path: Path) -> None:
    report = check(LAYOUTS[layout](), tmp_path)
    assert report.verdict == "pass"
    [model] = report.models
    gradients, updates = model.count("right")
    assert (gradients, updates) == model.count()
    assert gradients >= updates >= 10
    assert (model.assumed_loss is None) == (layout != "without_loss")


WRONG = {
    "rows": ("F4", "=((D4*$A$1+E4-$B$1)*$A$2+(D4*$A$2+E4-$B$2)*$A$2)/2"),
    "blocks": ("F21", "=SUM(G17:G20)"),
    "without_loss": ("G21", "=SUM(F17:F20)"),
    "across": ("E9", "=(E7-$A$2)*E7*(1-D7)*$A$1"),
    "momentum": ("K4", "=0.9*K3+G4"),
    "decay": ("F4", "=((D4*$A$1+E4-$B$1)*$A$2+(D4*$A$2+E4-$B$2)*$A$2)/2"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_wrong_cell_is_found(layout: str, tmp_path: Path) -> None:
    name, formula = WRONG[layout]
    report = check({**LAYOUTS[layout](), name: formula}, tmp_path)
    assert report.verdict == "fail"
    places = {place.cells for finding in report.findings for place in finding.places}
    assert places == {name}


@pytest.mark.parametrize(("rate", "is_wrong"), [(0.1, True), (1.0, False)])
def test_a_column_of_updates_without_the_rate_that_others_read_is_found(
    rate: float, is_wrong: bool, tmp_path: Path
) -> None:
    changed = {f"E{row}": f"=E{row - 1}-G{row - 1}" for row in range(2, 8)}
    report = check({**rows(), "H1": rate, **changed}, tmp_path)
    places = [place for finding in report.findings for place in finding.places]
    assert {place.cells for place in places} == ({"E2:E7"} if is_wrong else set())
    for place in places:
        assert place.put_right["Sheet", 2, 5] == rows()["E2"]


def test_another_rate_for_a_column_is_no_mistake(tmp_path: Path) -> None:
    changed = {f"E{row}": f"=E{row - 1}-$H$2*G{row - 1}" for row in range(2, 8)}
    assert check({**rows(), "H2": 1.0, **changed}, tmp_path).verdict == "pass"
    changed = {f"E{row}": f"=E{row - 1}-0.5*G{row - 1}" for row in range(2, 8)}
    assert check({**rows(), **changed}, tmp_path).verdict == "pass"


def descent(typed: list[float]) -> dict[str, object]:
    """Numbers below each other, each with the value and the slope of (x − 1)², and an update."""
    cells: dict[str, object] = {"H1": 0.05}
    for row, x in enumerate(typed, start=1):
        cells |= {f"A{row}": x, f"B{row}": f"=2*A{row}-2", f"C{row}": f"=A{row}-$H$1*B{row}"}
        cells[f"D{row}"] = f"=(A{row}-1)^2"
    return cells


def test_numbers_that_go_on_as_a_series_where_updates_belong_are_found(tmp_path: Path) -> None:
    report = check(descent([10, 9.1, 8.2, 7.3, 6.4]), tmp_path)
    [place] = [place for finding in report.findings for place in finding.places]
    assert (place.kind.value, place.cells) == ("typed-value", "A2:A5")
    assert place.put_right == {("Sheet", row, 1): f"=C{row - 1}" for row in range(2, 6)}


@pytest.mark.parametrize(
    "typed",
    [
        [10, 9, 8, 7, 6],  # to see the function, not a training
        [10, 9.1, 8.29, 7.561, 6.9049],  # pasted
        [10, 9.1, 4, 7.3, 6.4],
        [10, 9.1, 8.2],
    ],
)
def test_other_numbers_below_each_other_are_no_mistake(typed: list[float], tmp_path: Path) -> None:
    report = check(descent(typed), tmp_path)
    assert (report.verdict, report.findings) == ("pass", [])


def test_sums_and_errors_are_no_updates(tmp_path: Path) -> None:
    """A running total, an error and a pre-activation have the slope 1 by a cell that they name."""
    cells = {f"A{row}": row / 7 for row in range(1, 9)} | {"B1": "=A1"}
    cells |= {f"B{row}": f"=B{row - 1}+A{row}" for row in range(2, 9)}
    cells |= {f"C{row}": f"=B{row}-A{row}" for row in range(1, 9)}
    report = check(cells, tmp_path)
    assert (report.verdict, report.models) == ("unchecked", [])
    assert "no formula updates a parameter by a derivative" in report.not_checked


def test_sums_may_be_longer_than_recursion_is_deep(tmp_path: Path) -> None:
    cells: dict[str, object] = {"I1": 0.001, "I2": 0.7}
    for parameter, gradient, loss in ("ABC", "EFG"):  # formulas of one shape in two columns
        for row in range(1, 8):
            error = f"({'+'.join([f'{parameter}{row}'] * 1_100)}-$I$2)"
            cells[f"{loss}{row}"] = f"=0.5*{error}^2"
            cells[f"{gradient}{row}"] = f"={error}*1100"
            update = f"={parameter}{row - 1}-$I$1*{gradient}{row - 1}/1000"
            cells[f"{parameter}{row}"] = 0.2 if row == 1 else update
    report = check(cells, tmp_path)
    assert report.verdict == "pass"
    assert sum(model.count("right")[1] for model in report.models) == 12


def test_the_rule_of_the_perceptron_is_not_called_wrong(tmp_path: Path) -> None:
    cells: dict[str, object] = {**DATA, "D1": 0.2, "E1": -0.1}
    for row in range(1, 9):
        data = (row - 1) % 4 + 1
        cells[f"F{row}"] = f"=IF(D{row}*A{data}+E{row}>0,1,0)"
        cells[f"D{row + 1}"] = f"=D{row}+0.1*(1-F{row})*A{data}"
        cells[f"E{row + 1}"] = f"=E{row}+0.1*(1-F{row})"
    report = check(cells, tmp_path)
    assert (report.verdict, report.findings) == ("unchecked", [])


def test_the_loss_and_the_parameters_can_be_given(tmp_path: Path) -> None:
    path = written(rows(), tmp_path)
    report = verify(path, asked=Asked(loss="C1", parameters=("D1:E1",)))
    [model] = report.models
    assert (model.losses, model.parameters) == ([("Sheet", "C1")], [("Sheet", "D1:E1")])
    assert model.count("right") == (2, 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--loss C1", "give both or none"),
        ("--loss C99 --parameters D1", "--loss Sheet!C99 is empty"),
        ("--loss H1 --parameters D1", "does not depend on the parameters"),
        ("--loss C1 --parameters D1:E99", "is empty"),
        ("--loss Z --parameters D1", "no cell"),
        ("--loss No!C1 --parameters D1", "no such sheet"),
    ],
)
def test_what_is_no_loss_is_said_in_one_line(options: str, said: str, tmp_path: Path) -> None:
    path = written(rows(), tmp_path)
    done = call("verify", str(path), *options.split())
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_models_are_in_the_json_report(tmp_path: Path) -> None:
    document = to_json(check({**rows(), **dict([WRONG["rows"]])}, tmp_path))
    [model] = document["models"]
    assert model["loss"] == {"sheet": "Sheet", "cells": "C1:C7"}
    assert model["parameters"] == [{"sheet": "Sheet", "cells": "D1:E7"}]
    right = {one["is"] for one in model["claims"] if one["verdict"] == "right"}
    assert "∂Sheet!C1/∂Sheet!D1" in right
    assert [one["cells"] for one in model["claims"] if one["verdict"] == "wrong"] == ["F4"]
    assert [finding["kind"] for finding in model["findings"]] == ["wrong-gradient"]


@pytest.mark.parametrize("layout", ["rows", "blocks", "across"])
def test_a_mended_copy_passes(layout: str, tmp_path: Path) -> None:
    name, formula = WRONG[layout]
    path = written({**LAYOUTS[layout](), name: formula}, tmp_path)
    call("verify", str(path), "--fix", str(tmp_path / "mended.xlsx"))
    assert verify(tmp_path / "mended.xlsx").verdict == "pass"


@pytest.mark.parametrize("layout", [rows, across])
def test_a_derivative_is_written_out_if_no_edit_is_right(
    layout: Callable[[], dict[str, object]], tmp_path: Path
) -> None:
    cells = layout()
    wrong: dict[str, object] = {f"F{row}": f"=D{row}*E{row}" for row in range(1, 8)}
    if layout is across:
        wrong = {f"{letter}9": f"={letter}5*{letter}6" for letter in "BCDEFGHI"}
    report = check(cells | wrong, tmp_path)
    assert report.verdict == "fail"
    mended = cells | wrong
    for finding in report.findings:
        for place in finding.places:
            for (_, row, column), formula in place.put_right.items():
                mended[cell_name(row, column)] = formula
    assert {place for place in mended if mended[place] != (cells | wrong)[place]} == {*wrong}
    report = check(mended, tmp_path)
    assert report.verdict == "pass"
    gradients, _ = report.models[0].count("right")
    assert gradients == 2 * len(wrong)  # also the last one, from which nothing is calculated


def test_thousands_of_wrong_cells_are_one_finding(tmp_path: Path) -> None:
    """More than those for which it is worked out what each should be."""
    cells: dict[str, object] = {"A1": 0.6, "A2": 0.9, "A3": 0.01, "B1": 0.4, "C1": -0.2}
    rows_of_training = range(1, 2_301)
    for row in rows_of_training:
        cells[f"D{row}"] = f"=B{row}*$A$1+C{row}"
        cells[f"E{row}"] = f"=0.5*(D{row}-$A$2)^2"
        cells[f"F{row}"] = f"=(D{row}+$A$2)*$A$1"
        cells[f"G{row}"] = f"=D{row}-$A$2"
        cells[f"B{row + 1}"] = f"=B{row}-$A$3*F{row}"
        cells[f"C{row + 1}"] = f"=C{row}-$A$3*G{row}"
    [finding] = check(cells, tmp_path).findings
    [place] = finding.places
    assert (place.column, place.rows) == (6, tuple(rows_of_training))
    assert place.message.startswith("F1 is not ∂E1/∂B1")


def steps() -> dict[str, object]:
    """Rows in which each update subtracts a cell of its own: the rate times the gradient."""
    cells = rows()
    for row in range(1, 8):
        cells |= {f"K{row}": f"=F{row}*$H$1", f"L{row}": f"=G{row}*$H$1"}
        if row > 1:
            cells |= {f"D{row}": f"=D{row - 1}-K{row - 1}", f"E{row}": f"=E{row - 1}-L{row - 1}"}
    return cells


@pytest.mark.parametrize("wrong", ["=F{row}", "=B{row}*$H$1"])
def test_an_update_like_the_others_is_right_what_it_reads_is_wrong(
    wrong: str, tmp_path: Path
) -> None:
    assert check(steps(), tmp_path).verdict == "pass"
    changed = {f"K{row}": wrong.format(row=row) for row in range(1, 8)}
    report = check({**steps(), **changed}, tmp_path)
    places = [place for finding in report.findings for place in finding.places]
    assert {place.column for place in places} == {11}
    assert {*range(1, 7)} <= {row for place in places for row in place.rows}
    assert places[0].put_right["Sheet", 3, 11].replace(" ", "") == "=F3*$H$1"


@pytest.mark.parametrize("wrong", ["D{row}*$A$4+E{row}-$B$3", "D{row}*$A$4-E{row}-$B$4"])
def test_one_term_in_a_column_of_gradients_is_wrong(wrong: str, tmp_path: Path) -> None:
    term = "D{row}*$A$4+E{row}-$B$4"
    changed = {
        f"G{row}": str(rows()[f"G{row}"]).replace(term.format(row=row), wrong.format(row=row))
        for row in range(1, 7)  # the last one stays as it is
    }
    cells = {cell: own for cell, own in {**rows(), **changed}.items() if cell[0] != "C"}
    places = [p for finding in check(cells, tmp_path).findings for p in finding.places]
    assert {(p.column, row) for p in places for row in p.rows} == {(7, row) for row in range(1, 7)}


def test_texts_that_are_numbers_count_as_numbers_in_arithmetic(tmp_path: Path) -> None:
    texts = {f"A{row}": "1" for row in range(1, 5)}
    assert check({**rows(), **texts}, tmp_path).verdict == "pass"
    slope = "+".join(f"(D3*$A${k}+E3-$B${k})" for k in range(1, 5))  # right for inputs of 1
    wrong = {**rows(), **texts, "F3": f"=({slope})/2"}
    report = check(wrong, tmp_path)
    assert [place.ranges for finding in report.findings for place in finding.places] == ["F3"]
    assert report.findings[0].kind.value == "latent"
    # A sum leaves texts out, and a comparison tells them from numbers: they are none then.
    for reader in ("=SUM(A1:A4)", "=IF(A1=1,1,0)"):
        assert check({**wrong, "N1": reader}, tmp_path).findings == []


def stochastic() -> dict[str, object]:
    """One sample a row, of whole numbers; the new parameters stand on the right, crosswise."""
    cells: dict[str, object] = {"H1": 0.01}
    for row, (x, y) in enumerate([(3, 8), (2, 5), (7, 15), (4, 9), (6, 14), (5, 12)], start=1):
        cells |= {
            f"A{row}": x,
            f"B{row}": y,
            f"C{row}": f"=(D{row}*A{row}+E{row}-B{row})^2",
            f"D{row}": f"=L{row - 1}" if row > 1 else 1.6,
            f"E{row}": f"=K{row - 1}" if row > 1 else 0.9,
            f"F{row}": f"=2*(D{row}*A{row}+E{row}-B{row})*A{row}",
            f"G{row}": f"=2*(D{row}*A{row}+E{row}-B{row})",
            f"K{row}": f"=E{row}-G{row}*$H$1",
            f"L{row}": f"=D{row}-F{row}*$H$1",
        }
    return cells


def test_a_factor_that_all_rows_leave_out_is_found_though_data_are_whole_numbers(
    tmp_path: Path,
) -> None:
    assert check(stochastic(), tmp_path).verdict == "pass"
    wrong = {f"F{row}": f"=2*(D{row}*A{row}+E{row}-B{row})" for row in range(1, 7)}
    report = check({**stochastic(), **wrong}, tmp_path)
    [place] = [place for finding in report.findings for place in finding.places]
    assert place.ranges == "F1:F6"
    assert place.put_right["Sheet", 3, 6].replace(" ", "") in (
        "=2*(D3*A3+E3-B3)*A3",
        "=2*A3*(D3*A3+E3-B3)",
        "=A3*2*(D3*A3+E3-B3)",
    )


def one_sample_an_iteration() -> dict[str, object]:
    """A sample a row, looked up by the number of the iteration, which is counted."""
    cells: dict[str, object] = {**DATA, "H1": 0.1, "C1": 0, "F1": 0.2, "G1": 0.3}
    for row in range(1, 13):
        cells |= {f"D{row}": f"=INDEX($A$1:$A$4,MOD(C{row},4)+1)"}
        cells |= {f"E{row}": f"=INDEX($B$1:$B$4,MOD(C{row},4)+1)"}
        cells |= {f"I{row}": f"=(F{row}*D{row}+G{row}-E{row})^2/2"}
        cells |= {f"J{row}": f"=(F{row}*D{row}+G{row}-E{row})*D{row}"}
        cells |= {f"K{row}": f"=F{row}*D{row}+G{row}-E{row}"}
        if row > 1:
            above = row - 1
            cells |= {f"C{row}": f"=C{above}+1"}
            cells |= {f"F{row}": f"=F{above}-$H$1*J{above}"}
            cells |= {f"G{row}": f"=G{above}-$H$1*K{above}"}
    return cells


def test_a_count_of_the_iterations_is_no_update(tmp_path: Path) -> None:
    cells = one_sample_an_iteration()
    report = check(cells, tmp_path)
    assert report.verdict == "pass"
    [model] = report.models
    assert [(each.cells, each.count) for each in model.updates] == [("F2:G12", 22)]
    assert called_wrong(check({**cells, "F5": "=F4+1"}, tmp_path)) == {"F5"}


def test_a_gradient_that_only_copies_another_is_named(tmp_path: Path) -> None:
    copies = {f"G{row}": f"=F{row}" for row in range(1, 8)}
    report = check({**rows(), **copies}, tmp_path)
    places = [place for finding in report.findings for place in finding.places]
    assert {place.column for place in places} == {7}
    assert {row for place in places for row in place.rows} >= {*range(1, 7)}


def test_a_sheet_with_momentum_does_not_excuse_one_without(tmp_path: Path) -> None:
    book = Workbook()
    plain, other = book.active, book.create_sheet("Momentum")
    wrong = {f"F{row}": f"=2*(D{row}*A{row}+E{row}-B{row})" for row in range(1, 7)}
    for sheet, cells in ((plain, {**stochastic(), **wrong}), (other, momentum())):
        for place, value in cells.items():
            sheet[place] = value
    book.save(tmp_path / "two.xlsx")
    report = verify(tmp_path / "two.xlsx")
    [place] = [place for finding in report.findings for place in finding.places]
    assert (place.sheet, place.ranges) == ("Sheet", "F1:F6")
    assert place.suggestion is not None


_REFERENCE = re.compile(r"(\$?)([A-Z]+)(\$?)(\d+)(?!\()")


def transposed(cells: Cells) -> dict[str, object]:
    """Return the cells of a sheet with rows and columns exchanged."""

    def turned(match: re.Match[str]) -> str:
        row, column = column_index_from_string(match[2]), get_column_letter(int(match[4]))
        return f"{match[3]}{column}{match[1]}{row}"

    return {
        _REFERENCE.sub(turned, cell): _REFERENCE.sub(turned, own) if isinstance(own, str) else own
        for cell, own in cells.items()
    }


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), steps, stochastic])
def test_an_iteration_a_column_is_understood_like_one_a_row(
    layout: Callable[[], dict[str, object]], tmp_path: Path
) -> None:
    upright, across_it = (check(turn(layout()), tmp_path) for turn in (dict, transposed))
    assert across_it.verdict == upright.verdict == "pass"
    assert [own.count() for own in across_it.models] == [own.count() for own in upright.models]


@pytest.mark.parametrize("layout", [rows, momentum, steps])
def test_a_wrong_gradient_in_a_column_for_an_iteration_is_found(
    layout: Callable[[], dict[str, object]], tmp_path: Path
) -> None:
    cells = layout()
    wrong = str(cells["F3"]).replace("$B$2", "$B$1")
    report = check(transposed({**cells, "F3": wrong}), tmp_path)
    assert [place.ranges for finding in report.findings for place in finding.places] == ["C6"]


def test_errors_that_only_copy_the_prediction_are_blamed_not_what_reads_them(
    workbooks: Path,
) -> None:
    book = Unlabelled(workbooks / "xor.xlsx")
    formulas = book.filled(("LR 1", 105, 32), "=AB105")
    cells, _ = book.found(formulas)
    assert cells == {*formulas}


def test_one_average_among_many_sums_is_wrong(workbooks: Path) -> None:
    book = Unlabelled(workbooks / "xor.xlsx")
    formulas = book.filled(("LR 0.5", 212, 46), "=AVERAGE(AH212:AH215)/4")
    cells, mended = book.found(formulas)
    assert cells == {*formulas}
    assert mended["LR 0.5", 212, 46] == book.formula(("LR 0.5", 212, 46))


def test_names_of_cells_are_not_typeset_on_the_page(tmp_path: Path) -> None:
    path = written({**rows(), "F3": str(rows()["G3"])}, tmp_path)
    call("verify", path, "--html", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "F3 is the derivative by E3" in page

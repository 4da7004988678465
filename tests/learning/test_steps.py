"""Steps that are not a rate times the gradient: momentum, clipped and frozen ones, other rules."""

from collections.abc import Callable
from pathlib import Path

import pytest
from any_layout import called_wrong, checked
from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Kind

FIRST, LAST = 6, 16
Cells = dict[str, object]
SIGNS = {"G": "A", "H": "B"}  # the gradient's column, and that of its parameter


def fitted(step: Callable[[int], Cells], at: tuple[str, str] = ("A", "B")) -> Cells:
    """Return tanh(w·x + b), fitted to three points: w, b, predictions, loss, gradients, a row each.

    ``step`` gives the cells of a row beside these, and the parameters of the next one. ``at`` tells
    where the gradient is taken.
    """
    w, b = at
    cells: Cells = {"A1": 0.3, "B1": 0.8, "C1": -0.4, "A2": 0.5, "B2": -0.2, "C2": 0.9}
    cells |= {"D1": 0.2, "E1": 0.7, "F1": 0.1, f"A{FIRST}": 0.4, f"B{FIRST}": -0.3}
    for r in range(FIRST, LAST + 1):
        for column, own in zip("CDE", "ABC", strict=True):
            cells[f"{column}{r}"] = f"=TANH($A{r}*{own}$1+$B{r})-{own}$2"
        cells[f"F{r}"] = f"=SUMSQ(C{r}:E{r})"
        terms = [
            f"2*(TANH({w}{r}*{own}$1+{b}{r})-{own}$2)*(1-TANH({w}{r}*{own}$1+{b}{r})^2)"
            for own in "ABC"
        ]
        by_w = [f"{term}*{own}$1" for term, own in zip(terms, "ABC", strict=True)]
        cells[f"G{r}"] = "=" + "+".join(by_w)
        cells[f"H{r}"] = "=" + "+".join(terms)
        cells |= step(r)
    return cells


def inline_momentum(r: int) -> Cells:
    """Gradients and momentum in one formula; G and H are left empty."""
    found: Cells = {f"A{r + 1}": f"=A{r}+I{r}", f"B{r + 1}": f"=B{r}+J{r}", f"G{r}": None}
    errors = [f"2*{column}{r}*(1-({column}{r}+{own}$2)^2)" for column, own in ("CA", "DB", "EC")]
    by_w = "+".join(f"{error}*{own}$1" for error, own in zip(errors, "ABC", strict=True))
    for column, gradient in (("I", by_w), ("J", "+".join(errors))):
        before = f"$E$1*{column}{r - 1}" if r > FIRST else "0"
        found[f"{column}{r}"] = f"={before}-$D$1*({gradient})"
    return found | {f"H{r}": None}


def nesterov(r: int) -> Cells:
    ahead = {
        column: f"+$E$1*{v}{r - 1}" if r > FIRST else ""
        for column, v in zip("KL", "IJ", strict=True)
    }
    found: Cells = {f"K{r}": f"=A{r}{ahead['K']}", f"L{r}": f"=B{r}{ahead['L']}"}
    for v, gradient in zip("IJ", "GH", strict=True):
        before = f"$E$1*{v}{r - 1}" if r > FIRST else "0"
        found[f"{v}{r}"] = f"={before}-$D$1*{gradient}{r}"
    return found | {f"A{r + 1}": f"=A{r}+I{r}", f"B{r + 1}": f"=B{r}+J{r}"}


def by_norm(r: int) -> Cells:
    return {
        f"I{r}": f"=MIN(1,$F$1/SQRT(G{r}^2+H{r}^2))",
        f"A{r + 1}": f"=A{r}-$D$1*I{r}*G{r}",
        f"B{r + 1}": f"=B{r}-$D$1*I{r}*H{r}",
    }


def by_value(r: int) -> Cells:
    return {
        f"I{r}": f"=MAX(-$F$1,MIN($F$1,G{r}))",
        f"J{r}": f"=MAX(-$F$1,MIN($F$1,H{r}))",
        f"A{r + 1}": f"=A{r}-$D$1*I{r}",
        f"B{r + 1}": f"=B{r}-$D$1*J{r}",
    }


def stopped(r: int) -> Cells:
    return {
        f"I{r}": f"=IF(F{r}<0.9,0,1)",
        f"A{r + 1}": f"=A{r}-$D$1*I{r}*G{r}",
        f"B{r + 1}": f"=B{r}-$D$1*I{r}*H{r}",
    }


def frozen(r: int) -> Cells:
    return {
        f"A{r + 1}": f"=IF({r}<10,A{r},A{r}-$D$1*G{r})",
        f"B{r + 1}": f"=B{r}-$D$1*H{r}",
    }


def plain(r: int) -> Cells:
    return {f"A{r + 1}": f"=A{r}-$D$1*G{r}", f"B{r + 1}": f"=B{r}-$D$1*H{r}"}


STEPS = [inline_momentum, nesterov, by_norm, by_value, stopped, frozen, plain]


def made(step: Callable[[int], Cells]) -> Cells:
    cells = fitted(step, ("K", "L") if step is nesterov else ("A", "B"))
    return {place: value for place, value in cells.items() if value is not None}


@pytest.mark.parametrize("step", STEPS)
def test_such_steps_are_no_mistake(step: Callable[[int], Cells], tmp_path: Path) -> None:
    report = checked(made(step), tmp_path / "right.xlsx")
    assert not report.findings
    assert sum(model.count("right")[1] for model in report.models) > LAST - FIRST


@pytest.mark.parametrize("step", [own for own in STEPS if own is not inline_momentum])
def test_a_wrong_gradient_behind_such_steps_is_found(
    step: Callable[[int], Cells], tmp_path: Path
) -> None:
    cells = made(step)
    changed = {"G12": str(cells["G12"]).replace("*(1-TANH", "*(2-TANH", 1)}
    report = checked(cells | changed, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {"G12"}


def test_a_wrong_slope_beside_momentum_is_found_and_mended(tmp_path: Path) -> None:
    cells = made(inline_momentum)
    formula = str(cells["I9"])
    report = checked(cells | {"I9": formula.replace("*A$1", "*B$1", 1)}, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {"I9"}
    [place] = report.findings[0].places
    assert [*place.put_right.values()] == [formula]
    assert "at rest" not in f"{place.formula} {place.message} {place.suggestion}"


@pytest.mark.parametrize(("old", "new"), [("$E$1*J", "$E$1*I"), ("$E$1*J8", "$E$1*J7")])
def test_the_momentum_of_another_parameter_or_step_is_found(
    old: str, new: str, tmp_path: Path
) -> None:
    cells = made(inline_momentum)
    changed = {
        place: str(value).replace(old, new)
        for place, value in cells.items()
        if place.startswith("J") and old in str(value)
    }
    report = checked(cells | changed, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == changed.keys()
    [finding] = report.findings
    mended = {place: value for one in finding.places for place, value in one.put_right.items()}
    assert {*mended.values()} == {cells[place] for place in changed}


def test_the_momentum_that_is_looked_at_ahead_has_no_part_in_the_derivative(
    tmp_path: Path,
) -> None:
    """At w itself, beside momentum, the gradient is right, too; at w of the next row it is not."""
    cells = made(nesterov)
    for r in range(FIRST, LAST):
        cells[f"G{r}"] = str(cells[f"G{r}"]).replace(f"K{r}", f"K{r + 1}")
    report = checked(cells, tmp_path / "wrong.xlsx")
    assert report.verdict != "pass"


def test_a_gradient_of_twice_the_size_is_found(tmp_path: Path) -> None:
    cells = made(plain)
    for r in range(FIRST, LAST + 1):
        cells[f"H{r}"] = str(cells[f"H{r}"]).replace("2*(TANH", "(TANH")
    report = checked(cells, tmp_path / "half.xlsx")
    assert called_wrong(report) == {f"H{r}" for r in range(FIRST, LAST + 1)}


def test_all_gradients_may_be_of_twice_the_size(tmp_path: Path) -> None:
    cells = made(plain)
    for r in range(FIRST, LAST + 1):
        for column in "GH":
            cells[f"{column}{r}"] = str(cells[f"{column}{r}"]).replace("2*(TANH", "(TANH")
    assert checked(cells, tmp_path / "half.xlsx").verdict == "pass"


def test_a_logarithm_to_base_10_in_a_gradient_is_found(tmp_path: Path) -> None:
    """q = K·C^n: the derivative by n has the natural logarithm of C."""
    cells: Cells = {"A1": 0.5, "B1": 2.5, "C1": 4.0, "A2": 1.2, "B2": 3.1, "C2": 4.4, "D1": 0.01}
    cells |= {"A6": 1.8, "B6": 0.6}
    for r in range(6, 14):
        for own, column in zip("ABC", "CDE", strict=True):
            cells[f"{column}{r}"] = f"=$A{r}*{own}$1^$B{r}-{own}$2"
        cells[f"F{r}"] = f"=SUMSQ(C{r}:E{r})"
        pairs = [*zip("ABC", "CDE", strict=True)]
        cells[f"G{r}"] = "=" + "+".join(f"2*{e}{r}*{own}$1^B{r}" for own, e in pairs)
        terms = (f"2*{e}{r}*A{r}*{own}$1^B{r}*LN({own}$1)" for own, e in pairs)
        cells[f"H{r}"] = "=" + "+".join(terms)
        cells |= plain(r)
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    wrong = {f"H{r}": str(cells[f"H{r}"]).replace("LN(", "LOG(") for r in range(6, 14)}
    report = checked(cells | wrong, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == wrong.keys()
    [finding] = report.findings
    assert {*finding.places[0].put_right.values()} == {cells[place] for place in wrong}


@pytest.mark.parametrize("count", [1, 2])
def test_an_exponent_that_stays_at_the_first_step_is_found(count: int, tmp_path: Path) -> None:
    """Adam's correction, wrong for all parameters alike."""
    cells: Cells = {"A1": 0.3, "B1": 0.8, "D1": 0.05, "E1": 0.9, "F1": 0.99, "A6": 0.4, "B6": -0.3}
    for r in range(6, 16):
        cells[f"C{r}"] = r - 5
        cells[f"D{r}"] = f"=(A{r}^2-$A$1)^2+(B{r}*A{r}-$B$1)^2"
        cells[f"G{r}"] = f"=4*A{r}*(A{r}^2-$A$1)+2*B{r}*(B{r}*A{r}-$B$1)"
        cells[f"H{r}"] = f"=2*A{r}*(B{r}*A{r}-$B$1)"
        for gradient, m, v, own in (("G", "I", "K", "A"), ("H", "J", "L", "B")):
            cells[f"{m}{r}"] = f"=$E$1*{m}{r - 1}+(1-$E$1)*{gradient}{r}"
            cells[f"{v}{r}"] = f"=$F$1*{v}{r - 1}+(1-$F$1)*{gradient}{r}^2"
            cells[f"{own}{r + 1}"] = (
                f"={own}{r}-$D$1*{m}{r}/(1-$E$1^$C{r})/(SQRT({v}{r}/(1-$F$1^$C{r}))+1E-8)"
            )
        cells |= dict.fromkeys((f"{column}5" for column in "IJKL"), 0)
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    wrong = {
        f"{own}{r}": str(cells[f"{own}{r}"]).replace(f"$F$1^$C{r - 1}", "$F$1^$C$6")
        for own in "AB"[:count]
        for r in range(7, 17)
    }
    report = checked(cells | wrong, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == wrong.keys() - {"A7", "B7"}


def kohonen() -> Cells:
    """Two units that are drawn to a point each, the nearer one more."""
    cells: Cells = {"D1": 0.5, "A4": 0.2, "B4": 0.9, "C4": 0.7, "D4": 0.1}
    points = [(0.1, 0.8), (0.9, 0.3), (0.4, 0.6), (0.8, 0.1), (0.2, 0.9), (0.6, 0.5)] * 4
    for r, (x, y) in enumerate(points, start=4):
        cells |= {f"F{r}": x, f"G{r}": y}
        cells[f"H{r}"] = f"=SQRT((F{r}-A{r})^2+(G{r}-B{r})^2)"
        cells[f"I{r}"] = f"=SQRT((F{r}-C{r})^2+(G{r}-D{r})^2)"
        for own, distance in (("AB", "H"), ("CD", "I")):
            for column, point in zip(own, "FG", strict=True):
                near = f"EXP(-2*({distance}{r}-MIN(H{r},I{r}))^2)"
                cells[f"{column}{r + 1}"] = (
                    f"={column}{r}+$D$1*IF(MIN(H{r},I{r})={distance}{r},1,{near})"
                    f"*({point}{r}-{column}{r})"
                )
    return cells


def test_a_rule_that_only_looks_like_a_derivative_at_times_is_not_checked(
    tmp_path: Path,
) -> None:
    report = checked(kohonen(), tmp_path / "kohonen.xlsx")
    assert (report.verdict, report.findings) == ("unchecked", [])


def test_another_rule_beside_a_training_is_not_checked(tmp_path: Path) -> None:
    """LMS is the derivative of the squared error; NLMS divides by the power of the input."""
    cells: Cells = {"B1": 0.1}
    for column in "CDGH":
        cells[f"{column}4"] = 0.0
    for r in range(4, 24):
        cells |= {f"A{r}": (7 * r % 11) / 11, f"B{r}": (5 * r % 13) / 13, f"I{r}": r % 3 / 2}
        cells[f"E{r}"] = f"=I{r}-(C{r}*A{r}+D{r}*B{r})"
        cells[f"F{r}"] = f"=I{r}-(G{r}*A{r}+H{r}*B{r})"
        power = f"/(0.1+A{r}^2+B{r}^2)"
        for own, error, size in (("CD", "E", ""), ("GH", "F", power)):
            for column, value in zip(own, "AB", strict=True):
                cells[f"{column}{r + 1}"] = f"={column}{r}+$B$1*{error}{r}*{value}{r}{size}"
    report = checked(cells, tmp_path / "lms.xlsx")
    assert not report.findings
    assert report.verdict == "incomplete"


def sheets_of_iterations(wrong: str = "") -> dict[str, Cells]:
    """A line fitted on three sheets; each begins with copies of the new numbers before it."""
    sheets: dict[str, Cells] = {}
    for k in range(3):
        cells: Cells = {"A1": 0.2, "B1": 0.5, "C1": 0.9, "A2": 1.1, "B2": 0.7, "C2": 0.4, "F1": 0.1}
        for place, number in (("A4", 0.3), ("B4", 0.1)):
            cells[place] = f"='step {k - 1}'!{place[0]}8" if k else number
        for column in "ABC":
            cells[f"{column}5"] = f"=$A$4*{column}1+$B$4-{column}2"
        cells |= {"D5": "=SUMSQ(A5:C5)/3", "A7": "=2*SUMPRODUCT(A5:C5,A1:C1)/3"}
        cells |= {"B7": wrong or "=2*SUM(A5:C5)/3", "A8": "=A4-F1*A7", "B8": "=B4-F1*B7"}
        sheets[f"step {k}"] = cells
    return sheets


@pytest.mark.parametrize("wrong", ["", "=2*SUM(A5:B5)/3"])
def test_each_iteration_may_be_a_sheet_that_begins_with_copies(wrong: str, tmp_path: Path) -> None:
    book = Workbook()
    book.remove(book.active)
    for name, cells in sheets_of_iterations(wrong).items():
        sheet = book.create_sheet(name)
        for place, value in cells.items():
            sheet[place] = value
    book.save(tmp_path / "sheets.xlsx")
    report = verify(tmp_path / "sheets.xlsx")
    assert report.verdict == ("fail" if wrong else "pass")
    assert sum(model.count()[1] for model in report.models) == 6
    found = {place.sheet for finding in report.findings for place in finding.places}
    assert found == ({"step 0", "step 1", "step 2"} if wrong else set())


def test_a_range_that_grows_from_one_cell_is_no_reason_to_give_up(tmp_path: Path) -> None:
    cells = made(plain) | {f"M{r}": f"=SUM(F$6:F{r})" for r in range(FIRST, LAST + 1)}
    report = checked(cells, tmp_path / "grows.xlsx")
    assert report.verdict == "pass"


def test_derivatives_that_are_carried_forward_are_no_mistake(tmp_path: Path) -> None:
    """Exponential smoothing, with ∂level/∂α beside the level."""
    cells: Cells = {"A1": 0.3, "B1": 0.05}
    series = [1.2, 0.7, 1.9, 1.1, 0.4, 1.6, 0.9]
    for step in range(3):
        value, level, slope, error = ("ABCD"[0], *("CDE", "GHI", "KLM")[step])
        alpha = f"${level}$2"
        cells[f"{level}2"] = "=A1" if not step else f"={'CGK'[step - 1]}14"
        for r, number in enumerate(series, start=4):
            cells[f"{value}{r}"] = number
            before = (f"{level}{r - 1}", f"{slope}{r - 1}") if r > 4 else ("1", "0")
            cells[f"{error}{r}"] = f"={value}{r}-{before[0]}"
            cells[f"{level}{r}"] = f"={alpha}*{value}{r}+(1-{alpha})*{before[0]}"
            cells[f"{slope}{r}"] = f"={error}{r}+(1-{alpha})*{before[1]}"
        cells[f"{level}12"] = f"=SUMSQ({error}4:{error}10)"
        cells[f"{level}13"] = f"=-2*SUMPRODUCT({error}5:{error}10,{slope}4:{slope}9)"
        cells[f"{level}14"] = f"={level}2-$B$1*{level}13"
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    wrong = {"G13": "=-2*SUMPRODUCT(L5:L9,H4:H8)"}  # a row short
    report = checked(cells | wrong, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == wrong.keys()
    assert {place.kind for one in report.findings for place in one.places} == {Kind.WRONG_GRADIENT}

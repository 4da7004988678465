"""Columns of gradients of which all are wrong, but whose heading names the parameter."""

import random
from pathlib import Path

import pytest
from any_layout import called_wrong, checked, momentum
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from workbook_tools.checking.verify import verify
from workbook_tools.notation.addresses import cell_name

WRONG = ("=({x}{r}-{t}{r})*2", "=-({t}{r}-{p}{r})*{t}{r}", "=({t}{r}+{p}{r})*{x}{r}")
HEADINGS = ("∂SSE/∂{name}", "dL/d{name} = (p-t)*x", "∂E / ∂ {name}", "d(E)/d{name}")


def regression(
    heading: str, formulas: tuple[str, str], labels: tuple[str, str] = ("a", "b"), down: bool = True
) -> tuple[dict[str, object], list[list[str]]]:
    """Return a line through five samples, and the cells of its gradients by a and by b.

    Its parameters have labels. Nothing updates them. A sample is a row, or a column.
    """
    chance = random.Random(1)

    def name(row: int, column: int) -> str:
        return cell_name(row, column) if down else cell_name(column, row)

    a, b = (name(2, column) for column in (2, 4))
    cells: dict[str, object] = {name(2, 2): 0.3, name(2, 4): 0.7}
    for label, column in zip(labels, (2, 4), strict=True):
        cells[name(1, column) if down else name(2, column - 1)] = label
    if not down:  # then a label is on the left of its number
        cells = {a: 0.3, b: 0.7, cell_name(2, 1): labels[0], cell_name(4, 1): labels[1]}
    own: list[list[str]] = [[], []]
    for k in range(2):
        cells[name(5, 7 + k)] = heading.format(name=labels[k])
    for row in range(6, 11):
        at = {
            letter: name(row, column) for letter, column in zip("xtpe", (3, 4, 5, 6), strict=True)
        }
        cells[at["x"]] = round(chance.uniform(0.1, 0.9), 2)
        cells[at["t"]] = round(chance.uniform(0.1, 0.9), 2)
        cells[at["p"]] = f"={a}+{b}*{at['x']}"
        cells[at["e"]] = f"=0.5*({at['t']}-{at['p']})^2"
        for k, formula in enumerate(formulas):
            cells[name(row, 7 + k)] = formula.replace("{r}", "").format(**at)
            own[k].append(name(row, 7 + k))
    cells[name(11, 6)] = f"=SUM({name(6, 6)}:{name(10, 6)})"
    return cells, own


RIGHT = ("=-({t}{r}-{p}{r})", "=-({t}{r}-{p}{r})*{x}{r}")


@given(
    st.sampled_from(HEADINGS),
    st.sampled_from([("a", "b"), ("bias", "slope"), ("w0", "w1"), ("θ0", "θ1")]),
    st.booleans(),
    st.integers(0, 1),
    st.sampled_from(WRONG),
)
def test_a_column_of_which_all_are_wrong_is_found(
    tmp_path_factory: pytest.TempPathFactory,
    heading: str,
    labels: tuple[str, str],
    down: bool,
    which: int,
    wrong: str,
) -> None:
    formulas = (wrong, RIGHT[1]) if which == 0 else (RIGHT[0], wrong)
    cells, own = regression(heading, formulas, labels, down)
    report = checked(cells, tmp_path_factory.mktemp("labelled") / "wrong.xlsx")
    assert called_wrong(report) == {*own[which]}
    suggested = {c: s for f in report.findings for p in f.places for c, s in p.put_right.items()}
    assert len(suggested) == 5
    cells |= {cell_name(*cell[1:]): formula for cell, formula in suggested.items()}
    mended = checked(cells, tmp_path_factory.mktemp("labelled") / "mended.xlsx")
    assert (mended.verdict, mended.findings) == ("pass", [])
    assert sum(model.count("right")[0] for model in mended.models) >= 10


@pytest.mark.parametrize(
    ("heading", "formulas", "labels"),
    [
        ("part of {name}", (RIGHT[0], WRONG[0]), ("a", "b")),  # no heading says so
        ("∂E/∂x", (RIGHT[0], WRONG[0]), ("a", "b")),  # by another cell
        ("∂E/∂{name}", (RIGHT[0], WRONG[0]), ("a", "the slope")),  # no such label
        ("∂E/∂{name}", (WRONG[1], WRONG[0]), ("a", "b")),  # nothing tells the loss
        ("∂p/∂{name}", ("=1+0*{x}{r}", "={x}{r}"), ("a", "b")),  # of the prediction
    ],
)
def test_what_is_not_certain_is_not_called_wrong(
    heading: str, formulas: tuple[str, str], labels: tuple[str, str], tmp_path: Path
) -> None:
    cells, _ = regression(heading, formulas, labels)
    assert checked(cells, tmp_path / "other.xlsx").findings == []


def test_a_heading_of_another_derivative_says_nothing_of_the_loss(tmp_path: Path) -> None:
    """Beside the gradient by a stands how the prediction changes with b."""
    cells, own = regression("∂E/∂{name}", (RIGHT[0], "={x}{r}"))
    cells["H5"] = "∂p/∂b"
    assert checked(cells, tmp_path / "other.xlsx").findings == []
    cells["H5"] = "∂E/∂b"
    assert called_wrong(checked(cells, tmp_path / "wrong.xlsx")) == {*own[1]}


def test_of_two_numbers_with_a_label_the_one_near_the_other_parameter_is_meant(
    tmp_path: Path,
) -> None:
    cells, own = regression("∂E/∂{name}", (RIGHT[0], WRONG[0]))
    cells |= {"M30": "b", "M31": 0.2, "N31": "=M31*D2"}
    report = checked(cells, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {*own[1]}
    by = {one.cells: one.what for model in report.models for one in model.claims}
    assert by["H6:H10"] == "∂Sheet!F11/∂Sheet!D2"


def test_a_suggestion_has_the_factor_of_the_gradients_beside(tmp_path: Path) -> None:
    """Here they are twice the derivatives."""
    cells, _ = regression("∂E/∂{name}", ("=2*({p}{r}-{t}{r})", "=2*({x}{r}-{t}{r})"))
    [finding] = checked(cells, tmp_path / "wrong.xlsx").findings
    suggested = {c: s for place in finding.places for c, s in place.put_right.items()}
    assert suggested["Sheet", 6, 8] == "=G6*C6"


def test_a_column_behind_an_optimizer_that_only_copies_another_gradient(tmp_path: Path) -> None:
    """It is a derivative, but by the other parameter."""
    right = checked(momentum("=F{r}*A{r}"), tmp_path / "right.xlsx")
    assert (right.verdict, right.findings) == ("pass", [])
    wrong = checked(momentum("=F{r}"), tmp_path / "wrong.xlsx")
    assert called_wrong(wrong) == {f"G{row}" for row in range(4, 12)}
    [finding] = wrong.findings
    suggested = {cell: own for place in finding.places for cell, own in place.put_right.items()}
    assert suggested["Sheet", 5, 7] == "=F5*A5"
    unlabelled = checked(momentum("=F{r}", ("slope", "other slope")), tmp_path / "other.xlsx")
    assert unlabelled.findings == []


def test_what_a_heading_tells_does_not_touch_what_is_known_of_other_sheets(tmp_path: Path) -> None:
    """Most gradients of the model are on sheets with the same training that is right."""
    book = Workbook()
    for name, by_a in (("one", "=F{r}*A{r}"), ("other", "=F{r}"), ("third", "=F{r}*A{r}")):
        sheet = book.create_sheet(name)
        for cell, value in momentum(by_a).items():
            sheet[cell] = value
    del book["Sheet"]
    book.save(tmp_path / "three.xlsx")
    report = verify(tmp_path / "three.xlsx")
    [finding] = report.findings
    assert {place.sheet for place in finding.places} == {"other"}
    assert called_wrong(report) == {f"G{row}" for row in range(4, 12)}
    counts = [one for model in report.models for one in model.updates if one.verdict == "right"]
    assert {one.sheet for one in counts} == {"one", "third"}

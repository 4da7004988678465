"""The command that differentiates a cell of any workbook, and names the cells that show it."""

import json
from pathlib import Path

import pytest
from checks import call, refused
from handmade import FORMULAS, HandMade
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from workbook_tools.differentiation.asked import Gradient, Question, gradient

WEIGHTS = ("F8:I8", "N8:Q8")
W3 = FORMULAS["∂E/∂w3"].replace("M6*(1-M6)", "K6*(1-K6)")


def of_loss(path: Path) -> Gradient:
    return gradient(Question(path, "X8", WEIGHTS))


def test_every_gradient_of_a_right_table_is_shown_by_its_own_cell(tmp_path: Path) -> None:
    found = of_loss(HandMade().save(tmp_path / "made.xlsx"))
    shown = [[(one.cell[1], one.cell[2], one.factor) for one in part.shown] for part in found.parts]
    assert shown == [[(8, column, 1.0)] for column in range(25, 33)]


def test_a_wrong_gradient_is_shown_by_no_cell(tmp_path: Path) -> None:
    made = HandMade({**FORMULAS, "∂E/∂w3": W3})
    found = of_loss(made.save(tmp_path / "made.xlsx"))
    assert [bool(part.shown) for part in found.parts] == [True, True, False, *[True] * 5]


def test_every_update_is_told_with_its_rate(tmp_path: Path) -> None:
    found = of_loss(HandMade().save(tmp_path / "made.xlsx"))
    updates = [[(one.cell[1:], one.factor, one.rate) for one in p.updates] for p in found.parts]
    columns = [*range(6, 10), *range(14, 18)]
    assert updates == [[((9, column), -1.0, ("My sheet", 2, 4))] for column in columns]


@pytest.mark.parametrize(
    ("formula", "factor", "rate"),
    [
        ("=F8-$D$2*Z8", None, None),  # the gradient of another weight
        ("=F8-$D$2*Y8*Y8", None, None),
        ("=F8+$D$2*Y8", 1.0, ("My sheet", 2, 4)),
        ("=F8-0.25*Y8", -0.25, None),
        ("=F8-$D$3*Y8", -1.0, ("My sheet", 3, 4)),  # another cell in place of the rate
    ],
)
def test_an_update_that_is_unlike_the_others_is_told(
    formula: str, factor: float | None, rate: tuple[str, int, int] | None, tmp_path: Path
) -> None:
    made = HandMade(cells={"F9": formula, "D3": 0.7})
    [first, *others] = of_loss(made.save(tmp_path / "made.xlsx")).parts
    assert [(one.factor, one.rate) for one in first.updates] == [(factor, rate)]
    assert all(len(part.updates) == 1 for part in others)


def test_an_update_in_an_array_formula_is_told(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    for name, content in {
        "A1": 0.5, "B1": 0.2, "A2": -0.3, "B2": 0.7, "D1": 1.5, "E1": 0.25, "H1": 0.1,
        "F1": "=(A1*D1+B1*E1)^2+(A2*D1+B2*E1)^2",
    }.items():  # fmt: skip
        sheet[name] = content
    gradients = "=2*MMULT(A1:B2,TRANSPOSE(D1:E1))*D1:E1"
    for name in ("B4", "A5", "B5", "B7", "A8", "B8"):
        sheet[name] = 0  # shown in a cell of an array formula
    sheet["A4"] = ArrayFormula("A4:B5", gradients)
    sheet["A7"] = ArrayFormula("A7:B8", "=A1:B2-H1*A4:B5")
    book.save(tmp_path / "a.xlsx")
    parts = gradient(Question(tmp_path / "a.xlsx", "F1", ("A1:B2",))).parts
    cells = [(row, column) for row in (1, 2) for column in (1, 2)]
    assert [[one.cell[1:] for one in part.shown] for part in parts] == [
        [(r + 3, c)] for r, c in cells
    ]
    assert [[(one.cell[1:], one.factor, one.rate) for one in part.updates] for part in parts] == [
        [((row + 6, column), -1.0, ("Sheet", 1, 8))] for row, column in cells
    ]


def test_a_bias_is_not_updated_by_the_pre_activation_that_it_is_added_to(tmp_path: Path) -> None:
    book = Workbook()
    for name, content in {
        "A1": 0.5, "B1": 0.2, "C1": 1.5, "D1": 0.9, "E1": "=A1*C1+B1", "F1": "=(E1-D1)^2",
        "G1": "=2*(E1-D1)*C1", "H1": "=2*(E1-D1)", "A2": "=A1-0.1*G1", "B2": "=B1-0.1*H1",
    }.items():  # fmt: skip
        book.active[name] = content
    book.save(tmp_path / "a.xlsx")
    weight, bias = gradient(Question(tmp_path / "a.xlsx", "F1", ("A1:B1",))).parts
    assert [(one.cell[1:], one.factor) for one in weight.updates + bias.updates] == [
        ((2, 1), -0.1), ((2, 2), -0.1),
    ]  # fmt: skip
    assert [one.cell[1:] for one in weight.shown + bias.shown] == [(1, 7), (1, 8)]


def test_a_gradient_with_a_factor_is_shown_with_it(tmp_path: Path) -> None:
    formulas = {s: f.replace("=", "=2*", 1) if s[0] == "∂" else f for s, f in FORMULAS.items()}
    found = of_loss(HandMade(formulas).save(tmp_path / "made.xlsx"))
    assert {one.factor for part in found.parts for one in part.shown} == {2.0}


def test_the_command_prints_a_line_for_each_cell_and_writes_json(tmp_path: Path) -> None:
    path = HandMade({**FORMULAS, "∂E/∂w3": W3}).save(tmp_path / "made.xlsx")
    words = ["gradient", path, "--of", "My sheet!X8", "--by", "'My sheet'!F8:I8"]
    result = call(*words, "--json", tmp_path / "out.json")
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[3] for line in lines if line and line[0] in ("F8", "G8", "H8", "I8")] == [
        "Y8", "Z8", "–", "AB8",
    ]  # fmt: skip
    assert "F9: −D2·derivative" in result.stdout
    document = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert document["of"]["cell"] == "X8"
    first = document["derivatives"][0]
    assert first["shown_by"] == [{"sheet": "My sheet", "cell": "Y8", "factor": 1.0}]
    piped = call(*words, "--json", "-")
    assert json.loads(piped.stdout) == document


@pytest.mark.parametrize(
    ("of", "by", "said"),
    [
        ("X8", "ZZ1", "--by 'My sheet'!ZZ1 is empty"),
        ("B5", "F8", "--of 'My sheet'!B5 holds 't1'"),
        ("C40", "F8", "shows #DIV/0!"),
        ("F6", "F8", "does not depend on F8"),
        ("F8", "F8", "leave it out"),
        ("C41", "F8", "ROUND has no derivative"),
        ("C42", "C43", "is in a circle"),
        ("X8:X9", "F8", "2 cells; give one cell"),
        ("X8", "A1:XFD1048576", "at most 100,000 cells"),
        ("Other!X8", "F8", "no such sheet; there is My sheet"),
        ("X8+1", "F8", "no cell"),
        ("", "F8", "no cell"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(
    of: str, by: str, said: str, tmp_path: Path
) -> None:
    cells: dict[str, object] = {
        "C40": "=F8/0", "C41": "=ROUND(F8,1)", "C42": "=C42+C43", "C43": 1,
    }  # fmt: skip
    path = HandMade(cells=cells).save(tmp_path / "made.xlsx")
    assert said in refused("gradient", path, "--of", of, "--by", by)


def test_a_sheet_must_be_named_if_there_are_several(tmp_path: Path) -> None:
    book = Workbook()
    book.create_sheet("Two words")
    book.save(tmp_path / "a.xlsx")
    said = refused("gradient", tmp_path / "a.xlsx", "--of", "A1", "--by", "B1")
    assert "on which sheet? Write it like Sheet!A1" in said

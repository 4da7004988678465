"""Other people's workbooks, in any layout: every wrong cell is named, and no right one."""

from pathlib import Path

import pytest
from learning_score import Unlabelled
from openpyxl.utils.cell import coordinate_to_tuple

from workbook_tools.checking.verify import verify
from workbook_tools.judging.report import Report

WILD = Path(__file__).parents[3] / "shared" / "wild"
pytestmark = pytest.mark.skipif(not WILD.exists(), reason="the workbooks are not here")
# What a careful person finds wrong: kinds and cells, on whatever sheet.
WRONG = {
    "008": {("latent", "U5:U6"), ("wrong-gradient", "U9"), ("wrong-update", "V8:V9")},
    "012": {("wrong-gradient", "P20, P27"), ("wrong-update", "L23"), ("latent", "L21")},
    "020": {("wrong-gradient", "K170"), ("wrong-gradient", "L170")},
    "022": {("latent", f"{column}11:{column}14") for column in "HIJK"},
    "028": {("typed-value", "A9:A30")},
    "032": {
        ("wrong-gradient", "K3, K5, K7, K9, K11"),
        ("wrong-gradient", "I24, I26, I28, I30, I32, I34"),
        ("typed-value", "C8, C10, C12, C29, C31, C33"),
    },
    "084": {
        ("wrong-gradient", "H25:H26"),
        ("wrong-gradient", "I25:I26"),
        ("wrong-gradient", "G24:G26"),
        ("wrong-gradient", "H24:H26"),
    },
}
MEANT = {
    ("008", "U5"): "=R4*S4*T5",
    ("008", "U6"): "=R5*S6*T6",
    ("008", "U9"): "=R7*S6*1",
    ("008", "V8"): "=B8-($O2*U8)",
    ("012", "P20"): "=AVERAGE(DJ4:DJ103)",
    ("012", "L21"): "=L20-H8*O20",
    ("012", "L23"): "=L22-H8*O22",
    ("020", "F161"): "=$K$156",
    ("020", "G169"): "=$L$156",
    ("022", "H11"): "=$B$11*I3*F11",
    ("022", "K14"): "=$B$11*J6*G14",
    ("028", "A9"): "=C8",
    ("028", "A30"): "=C29",
    ("032", "K3"): "=(F3*I3)*E3*(1-E3)",
    ("032", "I24"): "=(H24-G24)*(1-G24^2)",
    ("084", "B32"): "=-LN(B30)*G$3",
    ("084", "G24"): "=B21*G$29",
    ("084", "H26"): "=D21*H$29",
}
RIGHT = {"001": 60, "009": 406, "013": 465, "017": 303, "027": 878, "044": 2999}  # cells
NOTHING = ("003", "006", "026", "043", "052", "053", "054", "063", "070", "071", "075", "083")


def checked(name: str) -> Report:
    [path] = WILD.glob(f"{name}.xls*")
    return verify(path)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_at_its_cells_and_nothing_else(name: str) -> None:
    report = checked(name)
    assert report.verdict == "fail"
    places = [place for finding in report.findings for place in finding.places]
    assert {(place.kind.value, place.ranges) for place in places} == WRONG[name]


@pytest.mark.parametrize("name", sorted({name for name, _ in MEANT}))
def test_what_was_meant_is_suggested(name: str) -> None:
    places = [place for finding in checked(name).findings for place in finding.places]
    suggested = {
        (column, row): formula
        for place in places
        for (_, row, column), formula in place.put_right.items()
    }
    for (own, cell), formula in MEANT.items():
        if own == name:
            row, column = coordinate_to_tuple(cell)
            assert suggested[column, row] == formula


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_right_passes(name: str) -> None:
    report = checked(name)
    assert report.verdict == "pass"
    assert report.findings == []
    assert sum(sum(model.count("right")) for model in report.models) >= RIGHT[name]


@pytest.mark.parametrize("wrong", ["=K8", "=2*K8", "=K8*C8"])
def test_a_column_of_wrong_gradients_is_found_beside_sheets_with_optimizers(wrong: str) -> None:
    book = Unlabelled(WILD / "009.xlsm")
    formulas = book.filled(("basic", 8, 12), wrong)
    cells, mended = book.found(formulas)
    assert cells == {*formulas}
    assert mended["basic", 8, 12] in ("=K8*A8", "=A8*K8")


@pytest.mark.parametrize("name", NOTHING)
def test_where_nothing_learns_by_a_derivative_nothing_is_said_to(name: str) -> None:
    report = checked(name)
    assert (report.verdict, report.models) == ("unchecked", [])


@pytest.mark.slow
def test_a_hidden_layer_that_passes_the_raw_errors_back_is_wrong_in_every_unit() -> None:
    report = checked("106")
    places = [place for finding in report.findings for place in finding.places]
    assert {place.rows for place in places} == {(800,)}
    assert sum(place.count for place in places) == 100
    [model] = report.models
    assert model.assumed_loss == "half of the squared error"
    assert model.count("right")[1] == 1_000
    assert model.count("wrong")[1] > 78_000  # some derivatives are too small to be told from 0

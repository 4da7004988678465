"""Derivatives against central differences of the recalculated workbook, and against PyTorch."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cases import cases
from derivatives import exact, opened
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.worksheet.formula import ArrayFormula

from workbook_tools.differentiation.adjoints import Derivatives, NotDifferentiableError
from workbook_tools.notation.addresses import Cell

PARAMETERS = [("Sheet", row, column) for row in (1, 2) for column in (1, 2, 3)]
NUMBERS = [0.7, 1.3, 0.4, 2.1, 0.9, 1.6]
STEP = 1e-5


def written(path: Path, cells: dict[str, object]) -> Derivatives:
    book = Workbook()
    sheet = book.active
    for (_, row, column), number in zip(PARAMETERS, NUMBERS, strict=True):
        sheet.cell(row, column, number)
    for name, content in cells.items():
        sheet[name] = content
    book.save(path)
    return opened(path, PARAMETERS)


def differences(derivatives: Derivatives, of: Cell) -> Iterator[float]:
    """Yield central differences, each from two calculations of the workbook."""
    memory = derivatives.memory
    now = {
        cell: float(memory.numbers[derivatives.place(cell), 0]) for cell in derivatives.parameters
    }
    for cell in derivatives.parameters:
        drawn = derivatives.drawn(
            np.array([*map(derivatives.place, now)]),
            np.array(
                [own + STEP * np.array([1.0, -1.0]) * (other == cell) for other, own in now.items()]
            ),
        )
        up, down = drawn.numbers[derivatives.place(of)]
        yield float((up - down) / (2 * STEP))


OF = ("Sheet", 5, 1)
FORMULAS = [
    "=A1*B1+C1", "=A1/B1-C1^2", "=-A1^2+2^B1-C1%", "=+A1-(B1-(C1-A2))", "=EXP(A1)*LN(B1)",
    "=LOG(A1)+LOG(B1,C1)+LOG10(C2)", "=SQRT(A1)+ABS(B1-3)", "=SIN(A1)*COS(B1)-TAN(C1)",
    "=ASIN(A1)+ACOS(C1)+ATAN(B1)", "=SINH(A1)+COSH(B1)+TANH(C1)", "=POWER(A1,B1)", "=MOD(A2*3,B1)",
    "=SUM(A1:C2)^2", "=SUM(A1:B1,C2,2)*A1", "=AVERAGE(A1:C2)*A1", "=SUMSQ(A1:C1)",
    "=PRODUCT(A1:C1)*2", "=MAX(A1:C2)-MIN(A1:C2)", "=MAX(0,A1)+MAX(0,-A1)", "=VAR(A1:C2)",
    "=VAR.P(A1:C2)", "=STDEV(A1:C2)", "=STDEVP(A1:C2)", "=DEVSQ(A1:C1)",
    "=SUMPRODUCT(A1:C1,A2:C2)", "=SUMPRODUCT((A1:C1-A2:C2)^2)", "=SUMXMY2(A1:C1,A2:C2)",
    "=IF(A1>B1,A1*B1,C1^3)", "=IF(A1<B1,A1*B1)", "=IF(AND(A1>0,B1>0),A1/B1,0)",
    "=IFS(A1>5,1,TRUE,B1^2)", "=IFERROR(A1/B1,C1)", "=IFERROR(A1/0,C1^2)", "=CHOOSE(2,A1,B1*C1)",
    "=MEDIAN(A1:C2)", "=MEDIAN(A1:B1,C2,E9:F9)", "=LARGE(A1:C2,2)", "=SMALL(A1:C2,2)*C2",
    "=HLOOKUP(1,E12:F13,2,FALSE)", "=XLOOKUP(1,E1:E2,F1:F2)",
    "=INDEX(A1:C2,2,2)*A1", "=INDEX(A1:C1,3)", "=VLOOKUP(1,E1:F3,2,FALSE)*A1",
    "=SUM(B:B)*INDEX(C:C,2)", "=SUM(1:1)^2", "=SUMPRODUCT(B:B,C:C)", "=AVERAGE(C:C)*MAX(2:2)",
    "=A1*COUNT(A1:C2)", "=A1*ROW()+B1*PI()", "=A1+SUM(E9:F9)",
    "=D9*2", "=D10+A1", "=SUM(A1:B1:C2)^2", "=(A1>0.5)*B1", "=SUM({1,2}*A1)",
    "=ASINH(A1)*ATANH(C1)+ACOSH(B1)", "=DEGREES(A1)+RADIANS(B1)^2", "=ATAN2(A1,B1)-ATAN2(-C1,A2)",
    "=PV(A1/10,12*B1,C1)+FV(A1/9,3,,B1,1)", "=PMT(A1/12,B1*20,-C1,A2)+NPER(A1/20,-A2,B1+C1)",
    "=NPV(A1/5,A2:C2)*B1",
    "=NORMSDIST(A1)*NORMSINV(C1)", "=GAUSS(A1)+PHI(B1)^2", "=STANDARDIZE(A1,B1,C1)",
    "=_xlfn.NORM.S.DIST(A1*B1,TRUE)", "=_xlfn.NORM.S.DIST(A1*B1,FALSE)", "=NORM.S.DIST(A1,B1>C1)",
    "=_xlfn.NORM.DIST(A1,B1,C1,TRUE)", "=NORM.DIST(A1,B1,C1,0)", "=NORMDIST(A1,B1,C1,1)",
    "=_xlfn.NORM.S.INV(A1)+_xlfn.NORM.INV(C1,B1,A2)", "=NORMINV(C1,B1,A2)^2",
    '=SUMIF(A1:C2,">1")*A1', '=SUMIF(E15:E17,"a*",F15:F17)^2',
    '=SUMIFS(F15:F17,E15:E17,E16,F15:F17,"<"&C1)',
    '=AVERAGEIF(E15:E17,"<>b",F15:F17)*A1', '=AVERAGEIFS(F:F,E:E,"a*")',
    '=SUMIF(E:E,"a*",F:F)*A1', '=SUMIF(E9:F9,"*")+A1',
]  # fmt: skip
BESIDE = {
    "E12": 1,
    "F12": 2,
    "E13": "=A1*B1",
    "F13": 3,
    "E1": 1,
    "F1": "=B1*C1",
    "E2": 2,
    "F2": 5,
    "E9": "a text",
    "D9": "=A1*B1",
    "D10": "=D9^2",
    "E15": "a",
    "E16": "b",
    "E17": "ab",
    "F15": "=A1*B1",
    "F16": "=C1^2",
    "F17": "=EXP(A2)",
}


@pytest.mark.parametrize("formula", FORMULAS)
def test_each_function_has_the_slope_of_the_recalculated_workbook(
    formula: str, tmp_path: Path
) -> None:
    derivatives = written(tmp_path / "a.xlsx", {**BESIDE, "A5": formula})
    expected = [*differences(derivatives, OF)]
    assert any(expected)
    assert exact(derivatives, OF) == pytest.approx(expected, rel=1e-6, abs=1e-8)


ARRAYS = [
    "=SUM((A1:C1-A2:C2)^2)", "=SUM(MMULT(A1:C1,TRANSPOSE(A2:C2)))", "=SUM(IF(A1:C2>1,A1:C2^2,0))",
    "=SUM(EXP(A1:C1)/SUM(EXP(A1:C1))*A2:C2)", "=SUM(A1:C1*TRANSPOSE(A1:C1))", "=MAX(A1:C1*A2:C2)",
    "=SUM(IF(A1:C1>0,B2,0))", "=SUM(IF(A1:C1>9,0,B2*A1))",
]  # fmt: skip


@pytest.mark.parametrize("formula", ARRAYS)
def test_array_formulas_have_the_slope_of_the_recalculated_workbook(
    formula: str, tmp_path: Path
) -> None:
    derivatives = written(tmp_path / "a.xlsx", {"A5": ArrayFormula("A5", formula)})
    expected = [*differences(derivatives, OF)]
    assert any(expected)
    assert exact(derivatives, OF) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_an_array_formula_that_fills_several_cells_is_differentiated_as_a_whole(
    tmp_path: Path,
) -> None:
    cells = {
        "E1": ArrayFormula("E1:F2", "=MMULT(A1:B2,B1:C2)"),
        "G1": ArrayFormula("G1:H2", "=TANH(E1:F2)"),
        "A5": "=G1*G2-H1^2+E2*H2",
    }
    others: dict[str, object] = dict.fromkeys(["F1", "E2", "F2", "H1", "G2", "H2"], 0)
    derivatives = written(tmp_path / "a.xlsx", cells | others)
    expected = [*differences(derivatives, OF)]
    assert all(expected)
    assert exact(derivatives, OF) == pytest.approx(expected, rel=1e-6)


_NUMBERS = st.sampled_from([f"{letter}{row}" for letter in "ABC" for row in (1, 2)] + ["2", "0.5"])


def _larger(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.sampled_from(
        ["({}+{})", "({}-{})", "{}*{}", "{}/(1+({})^2)", "MAX({},{})", "MIN({},{})"]
    )
    one = st.sampled_from(
        ["EXP(-ABS({}))", "TANH({})", "1/(1+EXP(-({})))", "LN(1+({})^2)", "SIN({})", "-({})",
         "IF({}>0.3,A1,B2)", "SUM({},A1:C1)", "AVERAGE({},A2:B2)", "SQRT(1+({})^2)"]
    )  # fmt: skip
    return st.one_of(
        st.builds(lambda form, a, b: form.format(a, b), two, parts, parts),
        st.builds(lambda form, a: form.format(a), one, parts),
    )


@cases(150)
@given(st.lists(st.recursive(_NUMBERS, _larger, max_leaves=8), min_size=1, max_size=4))
def test_chains_of_any_formulas_have_the_slope_of_the_recalculated_workbook(
    tmp_path_factory: pytest.TempPathFactory, formulas: list[str]
) -> None:
    """Each formula reads the one above, so that derivatives go through several cells."""
    cells: dict[str, object] = {"E1": 0.3}
    for row, formula in enumerate(formulas, start=2):
        cells[f"E{row}"] = f"={formula}+0.5*E{row - 1}*E{row - 1}"
    cells["A5"] = f"=E{len(formulas) + 1}*C1"
    derivatives = written(tmp_path_factory.mktemp("chain") / "a.xlsx", cells)
    expected = [*differences(derivatives, OF)]
    assert exact(derivatives, OF) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_a_formula_filled_down_is_differentiated_in_all_its_cells(tmp_path: Path) -> None:
    cells: dict[str, object] = {f"E{row}": row / 7 for row in range(1, 41)}
    cells |= {f"F{row}": f"=1/(1+EXP(-$A$1*E{row}-$B$1))" for row in range(1, 41)}
    cells |= {f"G{row}": f"=SUM(F$1:F{row})*E{row}" for row in range(1, 41)}
    cells["A5"] = "=AVERAGE(F1:F40)+SUM(G1:G40)/1000"
    derivatives = written(tmp_path / "a.xlsx", cells)
    assert exact(derivatives, OF) == pytest.approx([*differences(derivatives, OF)], abs=1e-6)


@pytest.mark.parametrize(("begin", "end"), [(40, 40), (32, 40)])
def test_a_training_is_differentiated_through_its_iterations(
    workbooks: Path, begin: int, end: int
) -> None:
    weights = [("LR 0.5", begin, column) for column in (5, 6, 7, 8, 14, 15, 16, 17)]
    derivatives = opened(workbooks / "mazur.xlsx", weights)
    loss = ("LR 0.5", end, 25)
    found = exact(derivatives, loss)
    assert found == pytest.approx([*differences(derivatives, loss)], rel=1e-6, abs=1e-9)
    if begin == end:
        shown = [
            derivatives.memory.numbers[derivatives.place((*loss[:2], 26 + k)), 0] for k in range(8)
        ]
        assert found == pytest.approx(shown, rel=1e-12)


def test_kinks_that_cancel_each_other_do_no_harm(tmp_path: Path) -> None:
    """Softplus, as it is written so that nothing overflows: its slope at 0 is one half."""
    cells: dict[str, object] = {"A1": 0, "A5": "=MAX(A1,0)+LN(1+EXP(-ABS(A1)))"}
    assert exact(written(tmp_path / "a.xlsx", cells), OF)[0] == 0.5


def test_several_draws_are_differentiated_at_once(tmp_path: Path) -> None:
    derivatives = written(tmp_path / "a.xlsx", {"A5": "=A1*EXP(B1*C1)"})
    x = np.array([0.1, 0.7, -0.4])
    places = np.array([*map(derivatives.place, PARAMETERS)])
    found = derivatives.adjoints([OF], derivatives.drawn(places, np.tile(x, (len(places), 1))))
    assert found[derivatives.place(PARAMETERS[0])] == pytest.approx(np.exp(x * x))
    assert found[derivatives.place(PARAMETERS[1])] == pytest.approx(x * x * np.exp(x * x))


def test_a_weighted_sum_of_cells_is_differentiated_at_once(tmp_path: Path) -> None:
    cells: dict[str, object] = {"A4": "=A1*B1", "B4": "=SUM(A1:C1)^2", "A5": "=A4*B4"}
    derivatives = written(tmp_path / "a.xlsx", cells)
    both, memory = [("Sheet", 4, 1), ("Sheet", 4, 2)], derivatives.memory
    found = derivatives.adjoints(both, memory, np.array([[2.0], [3.0]]))
    one, other = (np.array(exact(derivatives, cell)) for cell in both)
    own = [derivatives.place(cell) for cell in PARAMETERS]
    assert found[own, 0] == pytest.approx(2 * one + 3 * other)


def test_cells_beside_the_parameters_have_derivatives_too(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    written(path, {"A4": "=A1*B1", "B4": "=B1*C1", "A5": "=A4*A4+B4"})
    derivatives = opened(path, PARAMETERS[:1])
    beside = np.array([*map(derivatives.place, PARAMETERS[1:3])])
    found = derivatives.adjoints([OF], derivatives.memory, beside=beside)
    # By way of A4 alone: B4 does not depend on A1.
    assert found[beside, 0] == pytest.approx([2 * 0.7**2 * 1.3, 0.0])


def test_derivatives_by_what_formulas_read_go_no_further(tmp_path: Path) -> None:
    derivatives = written(tmp_path / "a.xlsx", {"A4": "=A1*B1", "B4": "=C1+1", "A5": "=A4*B4^2"})
    memory = derivatives.memory
    read = np.array([derivatives.place(cell) for cell in [("Sheet", 4, 1), ("Sheet", 4, 2)]])
    asked = np.zeros(len(memory.kinds), dtype=bool)
    asked[read] = True
    last = np.array([derivatives.place(OF)])
    found = derivatives.pulled(last, np.array([[3.0]]), asked, memory)
    a, b = 0.7 * 1.3, 1.4
    assert found[read, 0] == pytest.approx([3 * b * b, 3 * 2 * a * b])
    assert not np.delete(found, read).any()


def test_a_kink_has_the_derivative_that_pytorch_gives_it(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    cells: dict[str, object] = {
        "A1": 0,
        "B1": 2,
        "C1": 2,
        "E1": "=ABS(A1)",
        "A5": "=E1+MAX(B1:C1)^2+MAX(A1,0)",
    }
    found = exact(written(tmp_path / "a.xlsx", cells), OF)
    a = torch.tensor(0.0, requires_grad=True)
    b = torch.tensor([2.0, 2.0], requires_grad=True)
    pooled = torch.nn.functional.max_pool1d(b.reshape(1, 1, 2), 2).sum()
    (a.abs() + pooled**2 + torch.relu(a)).backward()
    assert found[:3] == [float(a.grad), *map(float, b.grad)]


@pytest.mark.torch
@pytest.mark.parametrize(
    ("formula", "name"),
    [
        ("=NORMSDIST(A1)+GAUSS(A2)", "ndtr"),
        ("=NORM.S.DIST(A1,TRUE)+NORM.S.DIST(A2,1)", "ndtr"),
        ("=NORM.DIST(3*A1+B1,B1,3,TRUE)+NORMDIST(3*A2+B1,B1,3,TRUE)", "ndtr"),
        ("=EXP(LN(PHI(A1)))+PHI(A2)", "density"),
        ("=NORM.S.DIST(A1,FALSE)+NORM.S.DIST(A2,0)", "density"),
        ("=NORM.S.INV(A1)+NORMSINV(A2)", "ndtri"),
        ("=NORM.INV(A1,0,1)+NORMINV(A2,0,1)", "ndtri"),
        ("=ASINH(A1)+ASINH(A2)", "asinh"),
        ("=ACOSH(A1+1)+ACOSH(A2+1)", "acosh_of_more"),
        ("=ATANH(A1)+ATANH(A2)", "atanh"),
        ("=DEGREES(A1)+DEGREES(A2)", "rad2deg"),
        ("=RADIANS(A1)+RADIANS(A2)", "deg2rad"),
        ("=ATAN2(A1,0.3)+ATAN2(A2,0.3)", "angle"),
    ],
)
def test_a_function_has_the_derivative_that_pytorch_gives_it(
    formula: str, name: str, tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    own = {
        "ndtr": torch.special.ndtr,
        "ndtri": torch.special.ndtri,
        "density": lambda x: torch.distributions.Normal(0.0, 1.0).log_prob(x).exp(),
        "acosh_of_more": lambda x: torch.acosh(x + 1),
        "angle": lambda x: torch.atan2(torch.tensor(0.3, dtype=torch.float64), x),
    }
    x = torch.tensor([0.35, 0.81], dtype=torch.float64, requires_grad=True)
    function = own[name] if name in own else getattr(torch, name)
    function(x).sum().backward()
    cells = {"A1": 0.35, "A2": 0.81, "A5": formula}
    found = exact(written(tmp_path / "a.xlsx", cells), OF)
    assert [found[0], found[3]] == pytest.approx(x.grad.tolist(), rel=1e-12)


def test_a_sum_by_criteria_that_is_filled_down_is_differentiated_in_each_cell(
    tmp_path: Path,
) -> None:
    cells: dict[str, object] = {f"E{row}": "ab"[row % 2] for row in range(1, 21)}
    cells |= {f"F{row}": f"=A$1*{row}+B$1^{row % 3}" for row in range(1, 21)}
    cells |= {f"G{row}": f"=SUMIF(E$1:E{row},E{row},F$1:F{row})*C$1" for row in range(1, 21)}
    cells["A5"] = '=SUM(G1:G20)+SUMIFS(F1:F20,E1:E20,"a",F1:F20,">5")'
    derivatives = written(tmp_path / "a.xlsx", cells)
    expected = [*differences(derivatives, OF)]
    assert exact(derivatives, OF) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"A5": "=ROUND(A1,2)"}, "Sheet!A5: ROUND has no derivative"),
        ({"E1": "=INT(A1)*2", "A5": "=E1+B1"}, "Sheet!E1: INT has no derivative"),
        ({"A5": "=GAMMALN(A1)"}, "Sheet!A5: GAMMALN"),
        ({"A5": "=SUM(A1:INDEX(A1:C1,2))"}, "is not known"),
        ({"A5": '=SUMIFS(A1:B1,A2:C2,">0")'}, "Sheet!A5: ranges of different sizes"),
        ({"E1": "=A1*RAND()", "A5": "=E1+B1"}, "Sheet!E1 changes by itself"),
        ({"E1": "=E2+A1", "E2": "=E1*0.5", "A5": "=E1"}, "is in a circle"),
    ],
)
def test_what_cannot_be_differentiated_is_named(
    cells: dict[str, object], said: str, tmp_path: Path
) -> None:
    derivatives = written(tmp_path / "a.xlsx", cells)
    with pytest.raises(NotDifferentiableError) as error:
        derivatives.adjoints([OF], derivatives.memory)
    assert said in str(error.value)


def test_what_has_no_derivative_leaves_the_others_theirs_if_gaps_are_allowed(
    tmp_path: Path,
) -> None:
    cells: dict[str, object] = {
        "E1": "=ROUND(A1+B2,1)",
        **{f"F{row}": f"=IF(ROW()=2,INT(B1),A2*{row})" for row in (1, 2, 3)},
        **{f"G{row}": "=ROUND(C2,1)" for row in (1, 2, 3)},  # the result depends on none of them
        "H1": "=SUM(A1:INDEX(A1:A1,1))",  # of which nothing has a known derivative
        "A5": "=E1*B1+B1*ROUND(A1,1)+F1+F3+0*G2+(A2>0)*GAMMALN(B2)+H1+C1^2",
    }
    derivatives = written(tmp_path / "a.xlsx", cells)
    gaps: list[str] = []
    found = derivatives.adjoints([OF], derivatives.memory, gaps=gaps)
    own = [float(found[derivatives.place(cell), 0]) for cell in PARAMETERS]
    expected = [np.nan, 1.6 + 0.7, 2 * 0.4, 4.0, np.nan, 0.0]
    assert own == pytest.approx(expected, nan_ok=True)
    assert set(gaps) == {
        "Sheet!A5: ROUND has no derivative",
        "Sheet!A5: GAMMALN",
        "Sheet!E1: ROUND has no derivative",
        "Sheet!H1: A1:INDEX(A1:A1,1) is not known",
    }


def test_a_condition_compares_numbers_as_excel_does(tmp_path: Path) -> None:
    # 0.7 * 3 is 2.0999999999999996, and Excel's = compares 15 digits.
    derivatives = written(tmp_path / "book.xlsx", {"A5": "=IF(A1*3=2.1,B1,C1)*2"})
    found = derivatives.adjoints([OF], derivatives.memory)
    assert [float(found[derivatives.place(cell), 0]) for cell in PARAMETERS[1:3]] == [2.0, 0.0]

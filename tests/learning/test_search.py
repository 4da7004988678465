"""What is an update, and what is the loss, where other cells look like these."""

from pathlib import Path

import pytest
from any_layout import called_wrong, checked

Cells = dict[str, object]


def logistic(rows: int = 12) -> Cells:
    """One sample a step, picked by its number; some targets are 0."""
    cells: Cells = {"A1": 0.4, "K1": 1, "L1": 0.2, "K2": 2, "L2": 0.9, "M2": 1}
    cells |= {"K3": 3, "L3": 0.6, "M3": 0, "C5": 0.3, "D5": -0.2}
    for r in range(5, 5 + rows):
        cells |= {f"A{r}": r - 5, f"B{r}": f"=MOD(A{r},3)+1"}
        cells |= {f"E{r}": f"=INDEX($L$1:$L$3,B{r})", f"F{r}": f"=INDEX($M$1:$M$3,B{r})"}
        cells[f"G{r}"] = f"=1/(1+EXP(-(C{r}*E{r}+D{r})))"
        cells[f"H{r}"] = f"=-(F{r}*LN(G{r})+(1-F{r})*LN(1-G{r}))"
        cells |= {f"I{r}": f"=(G{r}-F{r})*E{r}", f"J{r}": f"=G{r}-F{r}"}
        cells |= {f"C{r + 1}": f"=C{r}-$A$1*I{r}", f"D{r + 1}": f"=D{r}-$A$1*J{r}"}
    return cells


def test_a_prediction_may_be_its_error_where_the_target_is_0(tmp_path: Path) -> None:
    report = checked(logistic(), tmp_path / "logistic.xlsx")
    assert report.verdict == "pass"
    assert report.models[0].losses == [("Sheet", "H5:H16")]


def test_a_moving_average_is_not_the_loss(tmp_path: Path) -> None:
    """With momentum, the sizes of the steps do not tell which one it is."""
    cells = logistic() | {f"N{r}": f"=AVERAGE(H{r - 2}:H{r})" for r in range(7, 17)}
    for r in range(5, 17):
        for own, gradient, v in (("C", "I", "P"), ("D", "J", "Q")):
            cells[f"{v}{r}"] = f"=0.8*{v}{r - 1}+$A$1*{gradient}{r}"
            cells[f"{own}{r + 1}"] = f"={own}{r}-{v}{r}"
    cells |= {"P4": 0, "Q4": 0}
    report = checked(cells, tmp_path / "average.xlsx")
    assert report.verdict == "pass"
    assert report.models[0].losses == [("Sheet", "H5:H16")]


def network(slope: str = "D{r}*(1-D{r})") -> Cells:
    """One step of a 2-1-1 network with three samples; no formula reads the new weights."""
    cells: Cells = {"A1": 0.3, "B1": -0.5, "C1": 0.2, "D1": 0.7, "E1": 0.1, "G1": 0.5}
    samples = [(0.2, 0.8, 0.1), (0.9, 0.4, 0.7), (0.5, 0.6, 0.9)]
    for r, (x, y, t) in enumerate(samples, start=4):
        cells |= {f"A{r}": x, f"B{r}": y, f"C{r}": t}
        cells[f"D{r}"] = f"=1/(1+EXP(-($A$1*A{r}+$B$1*B{r}+$C$1)))"
        cells[f"E{r}"] = f"=$D$1*D{r}+$E$1"
        cells[f"F{r}"] = f"=(E{r}-C{r})^2"
        cells[f"G{r}"] = f"=2*(E{r}-C{r})"
        cells[f"H{r}"] = f"=G{r}*$D$1*{slope.format(r=r)}"
    cells["F7"] = "=SUM(F4:F6)"
    for column, gradient in zip(
        "ABCDE",
        ("H4:H6,A4:A6", "H4:H6,B4:B6", "H4:H6", "G4:G6,D4:D6", "G4:G6"),
        strict=True,
    ):
        cells[f"{column}9"] = f"=SUMPRODUCT({gradient})"
        row = 11 if column in "ABC" else 12  # each layer in a row of its own
        cells[f"{column}{row}"] = f"={column}1-$G$1*{column}9"
    return cells


def test_a_layer_of_which_all_is_wrong_is_found_by_the_rate_of_the_other(tmp_path: Path) -> None:
    assert checked(network(), tmp_path / "right.xlsx").verdict == "pass"
    report = checked(network("(1-D{r}^3)*EXP(-D{r})"), tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {"H4", "H5", "H6"}


def test_a_gradient_may_be_written_out_in_the_update(tmp_path: Path) -> None:
    cells: Cells = {"A1": 0.05, "B1": 0.2, "C1": 0.9, "D1": 0.6, "B2": 1.1, "C2": 0.3, "D2": 0.8}
    cells |= {"A4": 0.5, "B4": -0.1}
    for r in range(4, 12):
        error = f"(A{r}*$B$1:$D$1+B{r}-$B$2:$D$2)"
        cells[f"C{r}"] = f"=SUMPRODUCT({error}^2)"
        cells[f"A{r + 1}"] = f"=A{r}-$A$1*2*SUMPRODUCT({error}*$B$1:$D$1)"
        cells[f"B{r + 1}"] = f"=B{r}-$A$1*2*SUMPRODUCT({error}*1)"
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    wrong = {f"B{r}": str(cells[f"B{r}"]).replace("(A", f"(A{r}+0*A", 1) for r in range(5, 13)}
    report = checked(cells | wrong, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == wrong.keys()  # the new slope in the place of the old one


def test_a_sum_in_the_columns_of_parameters_is_no_update(tmp_path: Path) -> None:
    """A total below one of its terms lies as the new weights do below the old ones."""
    cells = network() | {"C3": "=SUM(F4:F6)", "D3": "=SUMSQ(A1:E1)/10", "C13": "=C3+D3"}
    cells |= {"C20": '=IF(C13>1,"large","small")'}
    cells |= {f"{own}9": f"{cells[f'{own}9']}+{own}1/5" for own in "ABCDE"}
    report = checked(cells, tmp_path / "total.xlsx")
    assert report.verdict == "pass"


@pytest.mark.parametrize("bound", [0.1, 0.2, 0.6])
def test_gradients_of_one_step_may_be_cut_off(bound: float, tmp_path: Path) -> None:
    cells = network() | {"H1": bound}
    for column in "ABCDE":
        cells[f"{column}10"] = f"=MAX(-$H$1,MIN($H$1,{column}9))"
        row = 11 if column in "ABC" else 12
        cells[f"{column}{row}"] = f"={column}1-$G$1*{column}10"
    report = checked(cells, tmp_path / "clipped.xlsx")
    assert report.verdict == "pass"


def test_predictions_that_are_nearly_1_are_no_reason_for_rounding_errors(tmp_path: Path) -> None:
    """The loss has LN(1 − p): with p = 1 − 1e-10, six digits of its derivative are lost."""
    cells = logistic() | {"C5": 22.0, "D5": 9.0, "M1": 1, "M3": 1, "A1": 0.001}
    report = checked(cells, tmp_path / "saturated.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])


def test_a_loss_may_read_a_range_of_predictions_twice(tmp_path: Path) -> None:
    cells: Cells = {
        "A1": 0.5,
        "B1": 0.2,
        "C1": 0.9,
        "D1": 0.6,
        "B2": 1,
        "C2": 0,
        "D2": 1,
        "E1": 0.8,
    }
    cells |= {"A4": 0.3, "H3": 0}
    for r in range(4, 14):
        for own, column in zip("BCD", "BCD", strict=True):
            cells[f"{column}{r}"] = f"=1/(1+EXP(-$A{r}*{own}$1))"
        ones, others = f"$B$2:$D$2,LN(B{r}:D{r})", f"1-$B$2:$D$2,LN(1-B{r}:D{r})"
        cells[f"F{r}"] = f"=-SUMPRODUCT({ones})-SUMPRODUCT({others})"
        cells[f"G{r}"] = f"=SUMPRODUCT(B{r}:D{r}-$B$2:$D$2,$B$1:$D$1)"
        cells[f"H{r}"] = f"=$E$1*H{r - 1}+G{r}"
        cells[f"A{r + 1}"] = f"=A{r}-$A$1*H{r}"
    report = checked(cells, tmp_path / "twice.xlsx")
    assert report.models[0].losses == [("Sheet", "F4:F13")]
    assert not report.findings

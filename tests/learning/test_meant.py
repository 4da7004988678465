"""Updates that are right with what was meant: other formulas in a few cells."""

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from any_layout import called_wrong, checked
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from workbook_tools.checking.verify import verify
from workbook_tools.judging.faults import Kind
from workbook_tools.judging.report import Report
from workbook_tools.notation.addresses import cell_name, column_letter

Cells = dict[str, object]
FIRST = 6  # row of the samples


def put_right(cells: Mapping[str, object], report: Report, path: Path) -> Report:
    """Return the report of a workbook in which what is suggested is entered."""
    formulas = [p.put_right for finding in report.findings for p in finding.places]
    new = {cell_name(*cell[1:]): f for own in formulas for cell, f in own.items()}
    return checked({**cells, **new}, path)


def regression(
    inputs: int = 2,
    samples: int = 5,
    left_out: int | None = None,
    in_place_of: int | None = None,
    is_logistic: bool = False,
    has_loss: bool = False,
    step: str = "={w}-$A$4*AVERAGE({g})",
) -> tuple[Cells, list[str]]:
    """Return a unit with a sample a row, and the cells of its predictions.

    Its weights and its bias are in row 2, their updates in row 3. Of the terms of the prediction,
    one may be ``left_out``, or have the weight of another one.
    """
    chance = random.Random(inputs * 100 + samples)
    letters = [column_letter(k + 1) for k in range(inputs + 1)]  # the last one is of the bias
    target, output, error = (column_letter(inputs + k) for k in (2, 3, 4))
    gradients = [column_letter(inputs + 5 + k) for k in range(inputs + 1)]
    cells: Cells = {"A4": 0.1}
    cells |= {f"{letter}2": round(chance.uniform(-1, 1), 2) for letter in letters}
    for row in range(FIRST, FIRST + samples):
        cells |= {f"{x}{row}": round(chance.uniform(0.2, 2), 2) for x in letters[:-1]}
        cells[f"{target}{row}"] = round(chance.uniform(0.1, 0.9), 2)
        weights = [letters[left_out or 0] if k == in_place_of else x for k, x in enumerate(letters)]
        terms = [f"${w}$2*{x}{row}" for w, x in zip(weights, letters[:-1], strict=False)]
        terms.append(f"${weights[-1]}$2")
        if left_out is not None and in_place_of is None:
            terms.pop(left_out)
        total = "+".join(terms)
        cells[f"{output}{row}"] = f"=1/(1+EXP(-({total})))" if is_logistic else f"={total}"
        slope = f"*{output}{row}*(1-{output}{row})" if is_logistic else ""
        cells[f"{error}{row}"] = f"=({output}{row}-{target}{row}){slope}"
        for gradient, x in zip(gradients, letters[:-1], strict=False):
            cells[f"{gradient}{row}"] = f"={error}{row}*{x}{row}"
        cells[f"{gradients[-1]}{row}"] = f"={error}{row}"
    last = FIRST + samples - 1
    for letter, gradient in zip(letters, gradients, strict=True):
        area = f"{gradient}{FIRST}:{gradient}{last}"
        cells[f"{letter}3"] = step.format(w=f"{letter}2", g=area)
    if has_loss:
        own = f"{output}{FIRST}:{output}{last},{target}{FIRST}:{target}{last}"
        cells[f"{output}3"] = f"=SUMXMY2({own})/{samples}"
    return cells, [f"{output}{row}" for row in range(FIRST, last + 1)]


SHAPES = {
    "inputs": st.integers(2, 4),
    "samples": st.integers(3, 6),
    "is_logistic": st.booleans(),
    "has_loss": st.booleans(),
}


@given(**SHAPES)
def test_what_is_right_passes(
    inputs: int,
    samples: int,
    is_logistic: bool,
    has_loss: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cells, _ = regression(inputs, samples, None, None, is_logistic, has_loss)
    report = checked(cells, tmp_path_factory.mktemp("meant") / "right.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])


@given(**SHAPES, left_out=st.integers(0, 4), replaces=st.booleans())
def test_a_term_that_the_prediction_leaves_out_is_found(
    inputs: int,
    samples: int,
    is_logistic: bool,
    has_loss: bool,
    left_out: int,
    replaces: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, own = tmp_path_factory.mktemp("meant"), min(left_out, inputs)
    # The weight of another input stands twice, and its own nowhere.
    other = (own + 1) % inputs if replaces and own < inputs else None
    which = (other, own) if other is not None else (own, None)
    cells, predictions = regression(inputs, samples, *which, is_logistic, has_loss)
    report = checked(cells, folder / "wrong.xlsx")
    assert called_wrong(report) == {*predictions}
    [finding] = report.findings
    assert finding.kind is Kind.WRONG_FORMULA
    mended = put_right(cells, report, folder / "mended.xlsx")
    assert (mended.verdict, mended.findings) == ("pass", [])


def test_a_parameter_that_nothing_reads_is_not_checked_if_no_term_is_right(tmp_path: Path) -> None:
    cells, predictions = regression(left_out=2)
    for k, own in enumerate(predictions):
        row = FIRST + k
        cells[own] = f"=EXP(-(($A$2-A{row})^2))+$B$2*B{row}"
        cells[f"G{row}"] = f"=2*F{row}*EXP(-(($A$2-A{row})^2))*(A{row}-$A$2)"
        cells[f"I{row}"] = f"=F{row}*A{row}*A{row}"
    report = checked(cells, tmp_path / "unused.xlsx")
    assert (report.verdict, report.findings) == ("incomplete", [])
    assert "the loss does not depend on its parameter (Sheet!C3)" in report.not_checked


@given(**SHAPES, is_apart=st.booleans(), turned=st.booleans())
def test_a_step_in_which_the_gradient_multiplies_the_weight_is_found(
    inputs: int,
    samples: int,
    is_logistic: bool,
    has_loss: bool,
    is_apart: bool,
    turned: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("meant")
    step = "=AVERAGE({g})*({w}-$A$4)" if turned else "=({w}-$A$4)*AVERAGE({g})"
    cells, _ = regression(inputs, samples, None, None, is_logistic, has_loss, step)
    updates = {f"{column_letter(k + 1)}3" for k in range(inputs + 1)}
    if is_apart:
        for k in range(inputs + 1):
            letter, gradient = column_letter(k + 1), column_letter(inputs + 5 + k)
            area = f"{gradient}{FIRST}:{gradient}{FIRST + samples - 1}"
            cells[f"{letter}20"] = f"={letter}2-$A$4"
            cells[f"{letter}3"] = f"={letter}20*AVERAGE({area})"
    report = checked(cells, folder / "wrong.xlsx")
    assert called_wrong(report) == updates
    [finding] = report.findings
    assert finding.kind is Kind.WRONG_UPDATE
    mended = put_right(cells, report, folder / "mended.xlsx")
    assert (mended.verdict, mended.findings) == ("pass", [])


@given(
    weights=st.permutations((0.4, -0.7, 0.9)),
    bias=st.booleans(),
    minus=st.booleans(),
    wrong=st.sampled_from(("its own", "the first", "without the last")),
    data=st.data(),
)
def test_predictions_inside_the_gradients_must_agree(
    weights: Sequence[float],
    bias: bool,
    minus: bool,
    wrong: str,
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder, count = tmp_path_factory.mktemp("meant"), data.draw(st.integers(2, 3))
    cells: Cells = {"F1": 0.1, "F2": 1.7}
    products = []
    for k in range(count):
        letter = column_letter(k + 1)
        is_bias = bias and k == count - 1
        cells |= {f"{letter}1": weights[k], f"{letter}2": None if is_bias else 0.3 + 0.4 * k}
        products.append(f"{letter}1" if is_bias else f"{letter}1*{letter}2")
    whole = "+".join(products)
    expected = set()
    for k in range(count):
        letter = column_letter(k + 1)
        input_of = "" if bias and k == count - 1 else f"*{letter}2"
        own = {
            "its own": products[k],
            "the first": f"A1{input_of}",
            "without the last": "+".join(products[:-1]),
        }[wrong]
        error = f"({own}-$F$2)" if minus else f"($F$2-({own}))"
        sign = "-" if minus else "+"
        cells[f"{letter}4"] = f"={error}{input_of}"
        cells[f"{letter}5"] = f"={letter}1{sign}$F$1*{letter}4"
        expected |= {f"{letter}4"} if own != whole else set()
    report = checked(cells, folder / "wrong.xlsx")
    if wrong == "the first":
        assert called_wrong(report) == expected
        mended = put_right(cells, report, folder / "mended.xlsx")
        assert (mended.verdict, mended.findings) == ("pass", [])
    else:  # each is the gradient of a model of its own, or all but one are right
        assert not called_wrong(report) - expected


def blocks(count: int, stays: int | None = None) -> Cells:
    """Return a linear unit in blocks of 9 rows: weights, four samples, sums.

    From a block on, the predictions may stay with the weights that they had before.
    """
    data = [(0.2, 0.9, 0.4), (0.7, 0.3, 0.8), (1.1, 0.6, 0.2), (0.4, 1.3, 0.9)]
    cells: Cells = {"H1": 0.2, "A2": 0.3, "B2": -0.4, "C2": 0.1}
    for k in range(count):
        top = 2 + 9 * k
        read = top if stays is None or k < stays else 2 + 9 * (stays - 1)
        for j, sample in enumerate(data):
            row = top + 1 + j
            cells |= dict(zip((f"A{row}", f"B{row}", f"C{row}"), sample, strict=True))
            cells[f"D{row}"] = f"=A{row}*$A${read}+B{row}*$B${read}+$C${read}"
            cells[f"E{row}"] = f"=D{row}-C{row}"
            cells |= {f"F{row}": f"=E{row}*A{row}", f"G{row}": f"=E{row}*B{row}"}
        samples = f"{top + 1}:{{0}}{top + 4}"
        for letter in "EFG":
            cells[f"{letter}{top + 5}"] = f"=SUM({letter}{samples.format(letter)})/4"
        cells[f"H{top + 5}"] = f"=SUMSQ(E{samples.format('E')})/4"
        if k < count - 1:
            for letter, gradient in zip("ABC", "FGE", strict=True):
                cells[f"{letter}{top + 9}"] = f"={letter}{top}-$H$1*{gradient}{top + 5}"
    return cells


@pytest.mark.parametrize(("count", "stays"), [(6, 4), (7, 5), (8, 5)])
def test_blocks_that_stay_with_the_weights_of_an_earlier_one_are_found(
    count: int, stays: int, tmp_path: Path
) -> None:
    assert checked(blocks(count), tmp_path / "right.xlsx").verdict == "pass"
    cells = blocks(count, stays)
    report = checked(cells, tmp_path / "wrong.xlsx")
    # In the last block as well, from which nothing is updated.
    rows = [2 + 9 * k + 1 + j for k in range(stays, count) for j in range(4)]
    assert called_wrong(report) == {f"D{row}" for row in rows}
    assert put_right(cells, report, tmp_path / "mended.xlsx").verdict == "pass"


def copied_blocks(source: Callable[[int], int]) -> Cells:
    """Return a logistic unit in blocks of 9 rows, each with a copy of the weights before it.

    ``source`` tells from which block a block takes its weights.
    """
    cells: Cells = {"H1": 0.5, "H2": 0.6, "H3": 1.4, "H4": -0.8, "H5": 1}
    cells |= {"B5": 0.2, "B6": -0.3, "B7": 0.4}
    for k in range(6):
        top = 5 + 9 * k
        if k:
            before = 5 + 9 * source(k)
            cells |= {f"B{top + j}": f"=D{before + j}" for j in range(3)}
        total = "+".join(f"B{top + j}*$H${2 + j}" for j in range(3))
        cells[f"B{top + 3}"] = f"=1/(1+EXP(-({total})))"
        cells[f"B{top + 4}"] = f"=($H$5-B{top + 3})^2"
        cells[f"B{top + 5}"] = f"=-2*($H$5-B{top + 3})*B{top + 3}*(1-B{top + 3})"
        for j in range(3):
            cells[f"C{top + j}"] = f"=B{top + 5}*$H${2 + j}"
            cells[f"D{top + j}"] = f"=B{top + j}-$H$1*C{top + j}"
    return cells


def test_a_block_that_begins_with_earlier_weights_is_found(tmp_path: Path) -> None:
    assert checked(copied_blocks(lambda k: k - 1), tmp_path / "right.xlsx").verdict == "pass"
    cells = copied_blocks(lambda k: k - 2 if k == 4 else k - 1)
    report = checked(cells, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {"B41", "B42", "B43"}
    assert {finding.kind for finding in report.findings} == {Kind.WRONG_UPDATE}
    assert put_right(cells, report, tmp_path / "mended.xlsx").verdict == "pass"


def test_two_trainings_that_begin_with_the_same_weights_are_no_mistake(tmp_path: Path) -> None:
    report = checked(copied_blocks(lambda k: 0 if k == 3 else k - 1), tmp_path / "two.xlsx")
    assert called_wrong(report) <= {"B32", "B33", "B34"}


def vectors(new: bool) -> Cells:
    """Return steps with the vectors of two words, which are looked up; perhaps with a ``new`` one.

    The table of the next step takes the new vectors of these words, and keeps the others.
    """
    cells: Cells = {"H1": 0.5}
    table = [("a", 0.2, -0.3, 0.5, 0.1), ("b", -0.4, 0.6, 0.3, -0.2), ("c", 0.1, 0.4, -0.6, 0.7)]
    words = [("a", "b", 1), ("c", "a", 0), ("b", "c", 1), ("a", "c", 0)]
    for k, (centre, context, label) in enumerate(words):
        top = 3 + 9 * k
        for j, (word, *numbers) in enumerate(table):
            cells[f"A{top + j}"] = word
            for letter, number in zip("BCDE", numbers, strict=True):
                row, before = top + j, top + j - 9
                chosen = (top - 9, "HI"["BCDE".index(letter) % 2], 5 + "BCDE".index(letter) // 2)
                cells[f"{letter}{row}"] = number
                if k:
                    word_at = f"$G${top - 9 + (letter in 'DE')}"
                    new_at = f"{chosen[1]}${top - 9 + chosen[2]}"
                    cells[f"{letter}{row}"] = f"=IF($A{row}={word_at},{new_at},{letter}{before})"
        cells |= {f"G{top}": centre, f"G{top + 1}": context, f"G{top + 2}": label}
        for j, pair in enumerate(("BC", "DE")):
            for own, letter in zip("HI", pair, strict=True):
                area = f"{letter}${top}:{letter}${top + 2}"
                found = f"MATCH($G{top + j},$A${top}:$A${top + 2},0)"
                cells[f"{own}{top + j}"] = f"=INDEX({area},{found})"
        both = f"H{top}:I{top},H{top + 1}:I{top + 1}"
        cells[f"J{top}"] = f"=1/(1+EXP(-SUMPRODUCT({both})))"
        cells[f"J{top + 1}"] = f"=J{top}-G{top + 2}"
        cells[f"J{top + 2}"] = f"=-(G{top + 2}*LN(J{top})+(1-G{top + 2})*LN(1-J{top}))"
        for own in "HI":
            cells[f"{own}{top + 3}"] = f"=$J{top + 1}*{own}{top + 1}"
            cells[f"{own}{top + 4}"] = f"=$J{top + 1}*{own}{top + 5 if new else top}"
            for j in range(2):
                cells[f"{own}{top + 5 + j}"] = f"={own}{top + j}-$H$1*{own}{top + 3 + j}"
    return cells


def test_vectors_that_are_looked_up_are_parameters(tmp_path: Path) -> None:
    right = checked(vectors(new=False), tmp_path / "right.xlsx")
    assert (right.verdict, right.findings) == ("pass", [])
    cells = vectors(new=True)
    report = checked(cells, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {f"{own}{7 + 9 * k}" for own in "HI" for k in range(4)}
    assert put_right(cells, report, tmp_path / "mended.xlsx").verdict == "pass"


def beside_copies(path: Path, slope: str) -> Report:
    """Write a tanh unit on one sheet, its updates on another, beside copies of the parameters."""
    workbook = Workbook()
    model, steps = workbook.active, workbook.create_sheet("Steps")
    model.title = "Model"
    for name, value in {"A1": 0.4, "A2": -0.3, "A3": 0.8, "B1": 0.9, "B2": 0.2}.items():
        model[name] = value
    model["C1"] = "=TANH(A1*B1+A2)"
    model["C2"] = "=A3*C1"
    model["C3"] = "=(C2-B2)^2"
    model["D1"] = "=2*(C2-B2)"
    model["D2"] = f"=D1*A3*{slope}"
    gradients = ("Model!D2*Model!B1", "Model!D2", "Model!D1*Model!C1")
    for row, gradient in enumerate(gradients, start=1):
        steps[f"A{row}"] = f"=Model!A{row}"
        steps[f"B{row}"] = f"={gradient}"
        steps[f"C{row}"] = f"=A{row}-0.1*B{row}"
    workbook.save(path)
    return verify(path)


def test_updates_may_stand_beside_copies_of_their_parameters(tmp_path: Path) -> None:
    right = beside_copies(tmp_path / "right.xlsx", "(1-C1^2)")
    assert (right.verdict, right.findings) == ("pass", [])
    assert sum(own.count for model in right.models for own in model.updates) == 3
    report = beside_copies(tmp_path / "wrong.xlsx", "C1*(1-C1)")
    assert called_wrong(report) == {"D2"}


def test_an_error_that_lies_as_an_update_does_is_none(tmp_path: Path) -> None:
    cells: Cells = {"N1": 0.1, "E2": 0.2, "F2": -0.1, "G2": 0.3}
    for row, (x, z, t) in enumerate([(1, 1, 1), (1, -1, 1), (-1, 1, 1), (-1, -1, -1)] * 3, 2):
        cells |= {f"B{row}": x, f"C{row}": z, f"D{row}": t}
        cells[f"H{row}"] = f"=E{row}*B{row}+F{row}*C{row}+G{row}"
        cells[f"I{row}"] = f"=D{row}-H{row}"  # five columns to the right, as J is of E
        for own, new, x_of in zip("EFG", "JKL", ("*B{}", "*C{}", ""), strict=True):
            cells[f"{new}{row}"] = f"={own}{row}+$N$1*I{row}{x_of.format(row)}"
            cells[f"{own}{row + 1}"] = f"={new}{row}"
    report = checked(cells, tmp_path / "delta.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])
    cells |= {f"L{row}": f"=G{row}+N{row - 1}*I{row}" for row in range(2, 14)}
    wrong = checked(cells, tmp_path / "rate.xlsx")
    assert called_wrong(wrong) == {f"L{row}" for row in range(3, 14)}


def softmax(third: str) -> Cells:
    """Return a softmax of three classes, two iterations; ``third`` is the error of the last one."""
    cells: Cells = {"V1": 0.3, "V2": 4}
    data = [(0.4, 1.2, 0), (1.1, 0.3, 1), (0.8, 0.9, 2), (0.2, 0.5, 2)]
    for k in range(2):
        top = 2 + 12 * k
        for j, letter in enumerate("ABC"):
            for i in range(2):
                row = top + i
                cells[f"{letter}{row}"] = 0.1 * (j - i) + 0.2
                if k:
                    step = f"$V$1*{'RST'[j]}{top - 4 + i}"
                    cells[f"{letter}{row}"] = f"={letter}{row - 12}-{step}"
        for j, (x, z, label) in enumerate(data):
            row = top + 3 + j
            cells |= {f"D{row}": x, f"E{row}": z}
            cells |= {f"{'FGH'[c]}{row}": int(c == label) for c in range(3)}
            for w, z_of, e, p, t, d in zip("ABC", "IJK", "LMN", "OPQ", "FGH", "RST", strict=True):
                cells[f"{z_of}{row}"] = f"=$D{row}*{w}${top}+$E{row}*{w}${top + 1}"
                cells[f"{e}{row}"] = f"=EXP({z_of}{row})"
                cells[f"{p}{row}"] = f"={e}{row}/SUM($L{row}:$N{row})"
                cells[f"{d}{row}"] = f"={p}{row}-{t}{row}"
            cells[f"T{row}"] = third.format(row=row)
            cells[f"U{row}"] = f"=-SUMPRODUCT(F{row}:H{row},LN(O{row}:Q{row}))"
        rows = f"{top + 3}:{{0}}{top + 6}"
        cells[f"U{top + 7}"] = f"=SUM(U{rows.format('U')})/$V$2"
        for d in "RST":
            for i, x in enumerate("DE"):
                own = f"{d}{rows.format(d)},${x}{rows.format('$' + x)}"
                cells[f"{d}{top + 8 + i}"] = f"=SUMPRODUCT({own})/$V$2"
    for j, letter in enumerate("ABC"):
        for i in range(2):
            cells[f"{letter}{26 + i}"] = f"={letter}{14 + i}-$V$1*{'RST'[j]}{22 + i}"
    return cells


def test_an_error_without_its_target_is_mended_as_those_beside_it_are(tmp_path: Path) -> None:
    assert checked(softmax("=Q{row}-H{row}"), tmp_path / "right.xlsx").verdict == "pass"
    cells = softmax("=Q{row}")
    report = checked(cells, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {f"T{row}" for row in (*range(5, 9), *range(17, 21))}
    [finding] = report.findings
    assert finding.leading.suggestion is not None
    assert finding.leading.suggestion.formula == "=Q5-H5"


def test_of_a_sum_and_its_terms_the_one_whose_derivative_is_added_is_the_loss(
    tmp_path: Path,
) -> None:
    cells: Cells = {"H1": 0.05, "H2": "=COUNT(A6:A11)", "A2": 1.3, "B2": -0.4}
    for row in range(6, 12):
        cells |= {f"A{row}": 0.4 * (row - 6), f"B{row}": round(2.1 * 0.7 ** (row - 6), 2)}
        cells[f"C{row}"] = f"=$A$2*EXP($B$2*A{row})"
        cells[f"D{row}"] = f"=C{row}-B{row}"
        cells[f"E{row}"] = f"=2*D{row}*EXP($B$2*A{row})"
        cells[f"F{row}"] = f"=2*D{row}*$A$2*A{row}*EXP($B$2*A{row})"
        cells[f"G{row}"] = f"=D{row}^2"
    cells |= {f"{own}13": f"=SUM({own}6:{own}11)/$H$2" for own in "EFG"}
    cells |= {"A15": "=A2-H1*E13", "B15": "=B2-H1*F13"}
    assert checked(cells, tmp_path / "right.xlsx").verdict == "pass"
    report = checked({**cells, "F13": "=SUM(F6:F10)/$H$2"}, tmp_path / "wrong.xlsx")
    assert called_wrong(report) == {"F13"}


def trained(extra: Callable[[int], Cells], last: int = 20) -> Cells:
    """Return a line fitted to a point a row, with ``extra`` cells beside it."""
    cells: Cells = {"N1": 0.1, "C2": 0.2, "D2": -0.3}
    for row in range(2, last):
        cells |= {f"A{row}": 0.1 * (row % 7) - 0.2, f"B{row}": 0.3 * (row % 5)}
        cells[f"E{row}"] = f"=C{row}*A{row}+D{row}"
        cells[f"F{row}"] = f"=B{row}-E{row}"
        cells[f"G{row}"] = f"=F{row}^2"
        cells[f"C{row + 1}"] = f"=C{row}+$N$1*F{row}*A{row}"
        cells[f"D{row + 1}"] = f"=D{row}+$N$1*F{row}"
        cells |= extra(row)
    return cells


def totals(row: int) -> Cells:
    before = f"H{row - 1}+" if row > 2 else ""
    mean = f"J{row - 1}+(G{row}-J{row - 1})/{row}" if row > 2 else "G2"
    return {f"H{row}": f"={before}G{row}", f"J{row}": f"={mean}"}


def integral(row: int) -> Cells:
    return {f"H{row}": 0.0 if row == 2 else f"=H{row - 1}+$N$1*F{row - 1}"}


def balance(row: int) -> Cells:
    start: Cells = {"N3": 0.02, "N4": 5, "H2": 100} if row == 2 else {}
    return start | {f"H{row + 1}": f"=(H{row}-$N$4)*(1+$N$3)"}


def polynomial(row: int) -> Cells:
    start: Cells = {"N3": 0.5, "N4": 2, "H2": 1.5} if row == 2 else {}
    own = f"(H{row}-$N$3)*(H{row}^2+$N$4)"
    slope = f"H{row}^2+$N$4+(H{row}-$N$3)*2*H{row}"
    return start | {
        f"I{row}": f"={own}",
        f"J{row}": f"={slope}",
        f"H{row + 1}": f"=H{row}-I{row}/J{row}",
    }


@pytest.mark.parametrize("extra", [totals, integral, balance, polynomial])
def test_what_is_calculated_beside_a_training_is_not_called_wrong(
    extra: Callable[[int], Cells], tmp_path: Path
) -> None:
    report = checked(trained(extra), tmp_path / "beside.xlsx")
    assert (report.verdict, report.findings) == ("pass", [])


def test_gradients_that_are_added_with_a_delay_are_not_called_wrong(tmp_path: Path) -> None:
    cells: Cells = {"N1": 0.1, "N2": 0.7, "N3": 1.1}
    for row in range(2, 20):
        cells[f"C{row}"] = f"=(A{row}*$N$2+B{row}-$N$3)^2"
        cells[f"D{row}"] = f"=2*(A{row}*$N$2+B{row}-$N$3)*$N$2"
        cells[f"E{row}"] = f"=2*(A{row}*$N$2+B{row}-$N$3)"
        cells[f"I{row}"] = f"=(G{row}*$N$2+H{row}-$N$3)^2"
        cells[f"J{row}"] = f"=2*(G{row}*$N$2+H{row}-$N$3)*$N$2"
        cells[f"K{row}"] = f"=2*(G{row}*$N$2+H{row}-$N$3)"
        for own, gradient in (("A", "D"), ("B", "E"), ("G", "J"), ("H", "K")):
            late = own in "AB"
            if row == 2:
                cells[f"{own}2"] = 0.4
            if late and row < 4:
                cells[f"{own}{row + 1}"] = f"={own}{row}"
            else:
                read = row - 2 if late else row
                cells[f"{own}{row + 1}"] = f"={own}{row}-$N$1*{gradient}{read}"
    report = checked(cells, tmp_path / "delayed.xlsx")
    assert (report.verdict, report.findings) == ("incomplete", [])


def test_two_rates_in_a_column_are_no_odd_formulas(tmp_path: Path) -> None:
    cells: Cells = {"A1": 0.1, "A2": 0.2}
    rates = ("$A$1", "$A$1", "$A$2", "$A$2", "$A$1", "$A$2")
    for k in range(4):
        weights, gradients = column_letter(3 + 3 * k), column_letter(4 + 3 * k)
        after = column_letter(6 + 3 * k)
        for j, rate in enumerate(rates):
            row = 3 + j
            if not k:
                cells[f"{weights}{row}"] = 0.1 * (j + 1)
            cells[f"{gradients}{row}"] = f"=2*({weights}{row}-{j}.5)*{weights}$12"
            cells[f"{after}{row}"] = f"={weights}{row}-{rate}*{gradients}{row}"
            cells[f"{weights}{14 + j}"] = f"=({weights}{row}-{j}.5)^2*{weights}$12"
        cells[f"{weights}12"] = 0.7
        cells[f"{weights}22"] = f"=SUM({weights}14:{weights}19)"
    report = checked(cells, tmp_path / "rates.xlsx")
    assert not report.findings


def test_the_same_mistake_on_the_last_sheet_is_found(tmp_path: Path) -> None:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for k in range(5):
        sheet = workbook.create_sheet(f"Step{k}")
        for j, letter in enumerate("AB"):
            sheet[f"{letter}1"] = f"=Step{k - 1}!{letter}5" if k else 0.3 + j
            sheet[f"{letter}2"] = 0.7 - 0.3 * j
        sheet["C1"] = "=TANH(A1*A2+B1*B2)"
        sheet["C2"] = "=(C1-0.9)^2"
        slope = "(1-C1)" if k else "(1-C1^2)"
        for letter in "AB":
            sheet[f"{letter}4"] = (
                f"=2*($C$1-0.9)*{slope if letter == 'A' else '(1-$C$1^2)'}*{letter}2"
            )
            if k < 4:
                sheet[f"{letter}5"] = f"={letter}1-0.2*{letter}4"
    path = tmp_path / "sheets.xlsx"
    workbook.save(path)
    report = verify(path)
    found = {p.sheet for finding in report.findings for p in finding.places}
    assert called_wrong(report) == {"A4"}
    assert found == {f"Step{k}" for k in range(1, 5)}
    assert load_workbook(path)["Step4"]["A5"].value is None


def test_a_sum_that_is_too_short_is_found_where_a_cell_holds_the_count(tmp_path: Path) -> None:
    data = [(2.0, 0.7, 0), (3.5, 0.6, 0), (1.0, 0.5, 0), (0.4, 1.2, 1), (0.8, 1.9, 1)]
    cells: Cells = {"L1": 0.1, "L2": 5, "D2": 0.2, "F2": -0.05, "H2": 0}
    for k in range(3):
        top = 2 + 20 * k
        for j, (x, z, label) in enumerate(data):
            row = top + 2 + j
            cells |= {f"A{row}": x, f"B{row}": z, f"C{row}": label}
            cells[f"E{row}"] = f"=D${top}*A{row}+F${top}*B{row}+H${top}"
            cells[f"F{row}"] = f"=1/(1+EXP(-E{row}))"
            cells[f"G{row}"] = f"=F{row}-C{row}"
            cells |= {f"H{row}": f"=G{row}*A{row}", f"I{row}": f"=G{row}*B{row}"}
            cells[f"J{row}"] = f"=-(C{row}*LN(F{row})+(1-C{row})*LN(1-F{row}))"
        for own in "GHIJ":
            last = top + (5 if own == "I" else 6)
            cells[f"{own}{top + 8}"] = f"=SUM({own}{top + 2}:{own}{last})/$L$2"
        if k < 2:
            for own, gradient in (("D", "H"), ("F", "I"), ("H", "G")):
                cells[f"{own}{top + 20}"] = f"={own}{top}-$L$1*{gradient}{top + 8}"
    report = checked(cells, tmp_path / "short.xlsx")
    assert called_wrong(report) == {"I10", "I30", "I50"}
    assert put_right(cells, report, tmp_path / "mended.xlsx").verdict == "pass"

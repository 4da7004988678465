"""The model of any workbook learns: published figures, PyTorch, and the checker."""

import re
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.worksheet import Worksheet

from workbook_tools.checking.verify import verify
from workbook_tools.errors import InputError
from workbook_tools.notation.vocabulary import Optimizer, Schedule
from workbook_tools.training.options import training_of
from workbook_tools.training.workbook import Summary, Wanted, trained

CLASSIC = Path(__file__).parents[2] / "workbooks" / "Back_Propogation.xlsx"
HEADER, FIRST = 31, 32
WEIGHTS = {
    "w1": 0.15,
    "w2": 0.2,
    "w3": 0.25,
    "w4": 0.3,
    "w5": 0.4,
    "w6": 0.45,
    "w7": 0.5,
    "w8": 0.55,
}


def two_two_two(
    path: Path, targets: tuple[float, float], biases: tuple[float, float] = (0.0, 0.0)
) -> Path:
    """Write a 2-2-2 network as a person would: a label and a cell for each value."""
    book = Workbook()
    sheet = book.active
    cells: dict[str, float | str] = {"i1": 0.05, "i2": 0.1, "t1": targets[0], "t2": targets[1]}
    cells |= {**WEIGHTS, "b1": biases[0], "b2": biases[1]}
    at = {name: f"B{row}" for row, name in enumerate(cells, start=1)}
    formulas = {
        "h1": "i1*w1+i2*w2+b1", "a_h1": "1/(1+EXP(-h1))",
        "h2": "i1*w3+i2*w4+b1", "a_h2": "1/(1+EXP(-h2))",
        "o1": "a_h1*w5+a_h2*w6+b2", "a_o1": "1/(1+EXP(-o1))",
        "o2": "a_h1*w7+a_h2*w8+b2", "a_o2": "1/(1+EXP(-o2))",
        "E1": "(t1-a_o1)^2/2", "E2": "(t2-a_o2)^2/2", "E_tot": "E1+E2",
    }  # fmt: skip
    for row, name in enumerate(formulas, start=len(cells) + 1):
        at[name] = f"B{row}"
    for name, formula in formulas.items():
        cells[name] = "=" + re.sub(r"[a-zE_]+\d*(?!\()", lambda m: at.get(m[0], m[0]), formula)
    for row, (name, content) in enumerate(cells.items(), start=1):
        sheet.cell(row, 1, name)
        sheet.cell(row, 2, content)
    book.save(path)
    return path


def train(
    path: Path,
    of: str,
    by: tuple[str, ...],
    rates: str,
    iterations: int,
    optimizer: Optimizer = Optimizer.GRADIENT_DESCENT,
    schedule: Schedule = Schedule.CONSTANT,
    settings: tuple[str, ...] = (),
    batch: int | None = None,
) -> Summary:
    """Train a model into the folder of its workbook."""
    training = training_of(rates, iterations, optimizer, schedule, settings, batch)
    return trained(Wanted(path, of, by, training), path.parent, lambda step: None)


def columns(sheet: Worksheet) -> dict[str, list[float]]:
    """Return the numbers of a table by its headings."""
    found = {}
    for column in range(1, sheet.max_column + 1):
        heading = sheet.cell(HEADER, column).value
        if heading:
            found[heading] = [
                sheet.cell(row, column).value for row in range(FIRST, sheet.max_row + 1)
            ]
    return found


def table(summary: Summary, sheet: str) -> dict[str, list[float]]:
    """Return the table of one rate."""
    return columns(load_workbook(summary.file, data_only=True)[sheet])


def test_the_classic_network_learns_as_in_its_workbook(tmp_path: Path) -> None:
    path = two_two_two(tmp_path / "model.xlsx", (0.5, 0.5))
    found = train(path, "B25", ("B5:B12",), "0.1,0.2,0.5,0.8,1,2", 68)
    right = load_workbook(CLASSIC, data_only=True)
    book = load_workbook(found.file, data_only=True)
    assert book.sheetnames == ["Overview", "Model", *right.sheetnames[1:]]
    for name in right.sheetnames[1:]:
        own, other = columns(book[name]), columns(right[name])
        assert own["E_tot"] == pytest.approx(other["E_tot"], rel=1e-12)
        for symbol in WEIGHTS:
            assert own[symbol] == pytest.approx(other[symbol], rel=1e-12)
            assert own[f"∂E/∂{symbol}"] == pytest.approx(other[f"∂E/∂{symbol}"], rel=1e-9)


def test_mazurs_published_figures(tmp_path: Path) -> None:
    path = two_two_two(tmp_path / "model.xlsx", (0.01, 0.99), biases=(0.35, 0.6))
    own = table(train(path, "B25", ("B5:B12",), "0.5", 3), "LR 0.5")
    assert own["E_tot"][0] == pytest.approx(0.298371109, abs=5e-10)
    published = {
        "w1": 0.149780716, "w2": 0.19956143, "w3": 0.24975114, "w4": 0.29950229,
        "w5": 0.35891648, "w6": 0.408666186, "w7": 0.511301270, "w8": 0.561370121,
    }  # fmt: skip
    for symbol, weight in published.items():
        assert own[symbol][1] == pytest.approx(weight, abs=5e-9)


@pytest.mark.slow
def test_mazurs_loss_after_10_000_updates(tmp_path: Path) -> None:
    path = two_two_two(tmp_path / "model.xlsx", (0.01, 0.99), biases=(0.35, 0.6))
    [result] = train(path, "B25", ("B5:B12",), "0.5", 10_001).results
    assert result.last == pytest.approx(0.0000351, abs=5e-8)


SAMPLES = [(0.5, 1.2, 0), (1.5, -0.3, 1), (-0.7, 0.8, 0), (2.1, 0.4, 1), (-1.2, -0.9, 0)]


def logistic(path: Path) -> Path:
    """Write a logistic regression, with a sample in each row; the parameters are named."""
    book = Workbook()
    sheet = book.active
    sheet.append(["x1", "x2", "y", "p", "loss", None, "w1", 0.1])
    for row, sample in enumerate(SAMPLES, start=2):
        p = f"=1/(1+EXP(-SUMPRODUCT(A{row}:B{row},$J$1:$K$1)-$H$3))"
        sheet.append([*sample, p, f"=-(C{row}*LN(D{row})+(1-C{row})*LN(1-D{row}))"])
    sheet["J1"], sheet["K1"], sheet["H1"], sheet["G1"] = 0.1, -0.2, None, None
    sheet["I1"], sheet["G3"], sheet["H3"] = "weights", "bias", 0.05
    sheet["G5"], sheet["H5"] = "mean loss", "=AVERAGE(E2:E6)"
    book.save(path)
    return path


OPTIMIZERS = [
    (Optimizer.GRADIENT_DESCENT, (), "SGD", {}),
    (Optimizer.MOMENTUM, ("momentum=0.8",), "SGD", {"momentum": 0.8}),
    (Optimizer.NESTEROV, (), "SGD", {"momentum": 0.9, "nesterov": True}),
    (Optimizer.RMSPROP, (), "RMSprop", {}),
    (Optimizer.ADAM, (), "Adam", {}),
    (Optimizer.ADAM, ("weight_decay=0.1",), "Adam", {"weight_decay": 0.1}),
    (Optimizer.ADAMW, ("weight_decay=0.1",), "AdamW", {"weight_decay": 0.1}),
]


@pytest.mark.torch
@pytest.mark.parametrize(("optimizer", "settings", "name", "given"), OPTIMIZERS)
def test_a_logistic_regression_has_pytorchs_weights_after_50_steps(
    optimizer: Optimizer,
    settings: tuple[str, ...],
    name: str,
    given: dict[str, float],
    tmp_path: Path,
) -> None:
    import torch

    path = logistic(tmp_path / "model.xlsx")
    found = train(path, "H5", ("J1:K1", "H3"), "0.1", 51, optimizer, settings=settings)
    own = table(found, "LR 0.1")
    w = torch.tensor([0.1, -0.2], dtype=torch.float64, requires_grad=True)
    b = torch.tensor(0.05, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([sample[:2] for sample in SAMPLES], dtype=torch.float64)
    y = torch.tensor([sample[2] for sample in SAMPLES], dtype=torch.float64)
    steps = getattr(torch.optim, name)([w, b], lr=0.1, **given)
    for _ in range(50):
        steps.zero_grad()
        torch.nn.functional.binary_cross_entropy(torch.sigmoid(x @ w + b), y).backward()
        steps.step()
    last = [own[heading][50] for heading in ("weights J1", "weights K1", "bias")]
    assert last == pytest.approx([*w.tolist(), b.item()], rel=1e-9)


def softmax(path: Path, as_arrays: bool) -> Path:
    """Write a softmax classifier of three classes on two sheets, by cells or by array formulas."""
    book = Workbook()
    data, model = book.active, book.create_sheet("The model")
    data.title = "Data"
    data.append(["x1", "x2", "class 1", "class 2", "class 3"])
    classes = [0, 1, 2, 1, 0]
    for (x1, x2, _), k in zip(SAMPLES, classes, strict=True):
        data.append([x1, x2, *(int(k == j) for j in range(3))])
    model["A1"] = "weights"
    for row, own in enumerate([(0.1, -0.2, 0.3), (0.2, 0.1, -0.1), (0.0, 0.05, -0.05)], start=2):
        for column, weight in enumerate(own, start=1):
            model.cell(row, column, weight)
    if as_arrays:
        logits = "=MMULT(Data!A2:B6,A2:C3)+A4:C4"
        for row in range(2, 7):  # programs write a value into each cell of an array formula
            for letter in "EFG":
                model[f"{letter}{row}"] = 0
        model["E2"] = ArrayFormula("E2:G6", logits)
    for row in range(2, 7):
        for k, letter in enumerate("EFG"):
            weights = "ABC"[k]
            if not as_arrays:
                model[f"{letter}{row}"] = (
                    f"=Data!$A{row}*{weights}$2+Data!$B{row}*{weights}$3+{weights}$4"
                )
            model.cell(row, 9 + k, f"=EXP({letter}{row})/SUMPRODUCT(EXP($E{row}:$G{row}))")
        model[f"M{row}"] = f"=-SUMPRODUCT(Data!C{row}:E{row},LN(I{row}:K{row}))"
    model["O1"], model["P1"] = "loss", "=AVERAGE(M2:M6)"
    book.save(path)
    return path


@pytest.mark.torch
@pytest.mark.parametrize("as_arrays", [False, True])
def test_a_softmax_classifier_has_pytorchs_weights_after_50_steps(
    as_arrays: bool, tmp_path: Path
) -> None:
    import torch

    path = softmax(tmp_path / "model.xlsx", as_arrays)
    own = table(train(path, "The model!P1", ("The model!A2:C4",), "0.5", 51), "LR 0.5")
    start = [[0.1, -0.2, 0.3], [0.2, 0.1, -0.1], [0.0, 0.05, -0.05]]
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[*sample[:2], 1.0] for sample in SAMPLES], dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 1, 0])
    steps = torch.optim.SGD([w], lr=0.5)
    for _ in range(50):
        steps.zero_grad()
        torch.nn.functional.cross_entropy(x @ w, y).backward()
        steps.step()
    last = [values[50] for values in [*own.values()][:9]]
    assert last == pytest.approx(w.flatten().tolist(), rel=1e-9)


@pytest.mark.torch
@pytest.mark.parametrize(("optimizer", "name"), [("gradient-descent", "SGD"), ("adam", "Adam")])
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_batches_of_samples_give_pytorchs_weights(
    batch: int, optimizer: str, name: str, tmp_path: Path
) -> None:
    import torch

    path = softmax(tmp_path / "model.xlsx", as_arrays=False)
    found = train(
        path, "The model!P1", ("The model!A2:C4",), "0.5", 51, Optimizer(optimizer), batch=batch
    )
    own = table(found, "LR 0.5")
    assert [own[f"sample {k}"][1] for k in range(1, batch + 1)] == [
        (batch + k) % 5 + 1 for k in range(batch)
    ]
    start = [[0.1, -0.2, 0.3], [0.2, 0.1, -0.1], [0.0, 0.05, -0.05]]
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[*sample[:2], 1.0] for sample in SAMPLES], dtype=torch.float64)
    y = torch.tensor([0, 1, 2, 1, 0])
    steps = getattr(torch.optim, name)([w], lr=0.5)
    for k in range(50):
        chosen = [(k * batch + j) % 5 for j in range(batch)]
        steps.zero_grad()
        torch.nn.functional.cross_entropy(x[chosen] @ w, y[chosen]).backward()
        steps.step()
    # The parameters come after the iteration, and a number and five data of each sample.
    last = [values[50] for values in [*own.values()][1 + 6 * batch :][:9]]
    assert last == pytest.approx(w.flatten().tolist(), rel=1e-8)
    assert verify(found.file).verdict == "pass"


@pytest.mark.parametrize(
    ("cells", "batch", "said"),
    [
        ({}, 5, "there are 5 samples, in the rows 2 to 6; give less"),
        ({"H5": "=E2+E3+E4+E5+E6"}, 2, "Sheet!H5 reads other samples, or some of them"),
        ({"H5": "=SUM(E2:E4)"}, 2, "Sheet!H5 reads other samples, or some of them"),
        ({"D3": "=1/(1+EXP(-A3*$J$1-D2))"}, 2, None),
        ({"H5": "=AVERAGE(E2:E6)+A2*$J$1"}, 2, "Sheet!A2 is read by all samples, and as the data"),
    ],
)
def test_what_cannot_be_trained_in_batches_is_refused(
    cells: dict[str, str], batch: int, said: str | None, tmp_path: Path
) -> None:
    path = logistic(tmp_path / "model.xlsx")
    book = load_workbook(path)
    for name, content in cells.items():
        book.active[name] = content
    if said is None:  # a chain of samples
        for row in range(2, 7):
            book.active[f"D{row}"] = f"=1/(1+EXP(-A{row}*$J$1-D{row - 1}))"
        book.active["D1"], said = 0.5, "reads another sample"
    book.save(path)
    with pytest.raises(InputError, match=said):
        train(
            path,
            "H5",
            ("J1:K1", "H3") if said != "reads another sample" else ("J1",),
            "0.1",
            3,
            batch=batch,
        )


@pytest.mark.parametrize(
    ("schedule", "settings", "rates"),
    [
        (Schedule.STEP, ("factor=0.5", "span=2"), [0.4, 0.4, 0.2, 0.2]),
        (Schedule.EXPONENTIAL, ("factor=0.5",), [0.4, 0.2, 0.1, 0.05]),
        (Schedule.COSINE, ("span=4",), [0.4, 0.341421356237, 0.2, 0.058578643763]),
    ],
)
def test_schedules(
    schedule: Schedule, settings: tuple[str, ...], rates: list[float], tmp_path: Path
) -> None:
    path = logistic(tmp_path / "model.xlsx")
    found = train(path, "H5", ("J1:K1", "H3"), "0.4", 4, schedule=schedule, settings=settings)
    own = table(found, "LR 0.4")
    assert own["iteration"] == [1, 2, 3, 4]
    assert own["η_k"] == pytest.approx(rates, rel=1e-9)
    steps = [
        after - before + rate * slope
        for before, after, rate, slope in zip(
            own["bias"], own["bias"][1:], rates, own["∂E/∂bias"], strict=False
        )
    ]
    assert steps == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.mark.parametrize("optimizer", [Optimizer.GRADIENT_DESCENT, Optimizer.ADAM])
def test_what_is_written_passes_the_check(optimizer: Optimizer, tmp_path: Path) -> None:
    models = {
        "classic": (two_two_two(tmp_path / "classic.xlsx", (0.5, 0.5)), "B25", ("B5:B12",)),
        "logistic": (logistic(tmp_path / "logistic.xlsx"), "H5", ("J1:K1", "H3")),
        "softmax": (
            softmax(tmp_path / "softmax.xlsx", as_arrays=True),
            "The model!P1",
            ("The model!A2:C4",),
        ),
    }
    for path, of, by in models.values():
        report = verify(train(path, of, by, "0.1,0.5", 12, optimizer).file)
        assert report.verdict == "pass"
        assert not report.findings


@pytest.mark.parametrize("by", [("B5", "B7", "B14"), ("B1:B2", "B5:B12"), ("B9:B14",), ("B5",)])
def test_a_training_of_some_parameters_passes_the_check(
    by: tuple[str, ...], tmp_path: Path
) -> None:
    path = two_two_two(tmp_path / "model.xlsx", (0.01, 0.99), biases=(0.35, 0.6))
    report = verify(train(path, "B25", by, "0.5", 12).file)
    assert report.verdict == "pass"
    assert not report.findings


def test_constants_stand_once_and_in_blue(tmp_path: Path) -> None:
    found = train(logistic(tmp_path / "model.xlsx"), "H5", ("J1:K1", "H3"), "0.1", 3)
    sheet = load_workbook(found.file)["Model"]
    numbers = [cell.value for cell in sheet[8][1:] if cell.value is not None]
    assert sorted(numbers) == sorted(number for sample in SAMPLES for number in sample)
    assert {cell.font.color.rgb for cell in sheet[8][1:] if cell.value is not None} == {"000000FF"}
    assert [cell.value for cell in sheet[13][1:4]] == [0.1, -0.2, 0.05]


def test_the_note_of_a_heading_shows_the_formula(tmp_path: Path) -> None:
    found = train(logistic(tmp_path / "model.xlsx"), "H5", ("J1:K1", "H3"), "0.1", 3)
    sheet = load_workbook(found.file)["LR 0.1"]
    notes = {cell.value: cell.comment.text for cell in sheet[HEADER] if cell.comment}
    assert notes["mean loss"] == "Sheet!H5: =AVERAGE(E2:E6)"
    assert notes["∂E/∂bias"] == "∂Sheet!H5 / ∂Sheet!H3"


def test_a_model_that_is_too_wide_is_refused_with_the_number(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    sheet["H1"], sheet["H2"], sheet["H3"] = 0.5, 0.1, "=SUM(D1:D5000)"
    for row in range(1, 5001):
        sheet[f"A{row}"], sheet[f"B{row}"] = row / 5000, f"=A{row}*$H$1+$H$2"
        sheet[f"C{row}"], sheet[f"D{row}"] = f"=B{row}-1", f"=C{row}^2"
    book.save(tmp_path / "wide.xlsx")
    with pytest.raises(InputError, match=r"30,00\d columns, and a sheet has 16,384"):
        train(tmp_path / "wide.xlsx", "H3", ("H1:H2",), "0.1", 3)


def test_the_rows_must_fit(tmp_path: Path) -> None:
    path = logistic(tmp_path / "model.xlsx")
    with pytest.raises(InputError, match="1,048,576 rows; give at most 1,048,545"):
        train(path, "H5", ("H3",), "0.1", 1_048_546)


@pytest.mark.parametrize(
    ("rates", "settings", "said"),
    [
        ("0.1,x", (), "--learning-rates x: is no number"),
        ("0.1,0.1", (), "list each rate once"),
        ("-1", (), "^--learning-rates: -1.0 given, expected greater than 0"),
        ("0.1", ("momentum=0.5",), "neither gradient-descent nor"),
        ("0.1", ("momentum",), "write it like momentum=0.8"),
        ("0.1", ("speed=1",), "speed: unknown key"),
    ],
)
def test_wrong_options_are_refused(rates: str, settings: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        training_of(rates, 10, Optimizer.GRADIENT_DESCENT, Schedule.CONSTANT, settings)


def slope(path: Path) -> Path:
    """Write a model with a single parameter, in B1; its loss is in D8."""
    book = Workbook()
    sheet = book.active
    sheet["A1"], sheet["B1"], sheet["D8"] = "slope", 0.5, "=AVERAGE(D3:D6)"
    for row in range(3, 7):
        sheet[f"A{row}"], sheet[f"B{row}"] = row * 0.3, row * 0.7 - 0.4
        sheet[f"C{row}"], sheet[f"D{row}"] = f"=$B$1*A{row}", f"=(C{row}-B{row})^2"
    book.save(path)
    return path


@pytest.mark.parametrize("optimizer", [*Optimizer])
def test_a_single_parameter_can_be_verified_behind_every_optimizer(
    optimizer: Optimizer, tmp_path: Path
) -> None:
    found = train(slope(tmp_path / "model.xlsx"), "D8", ("B1",), "0.1,0.5", 12, optimizer)
    report = verify(found.file)
    assert report.verdict == "pass"
    assert sum(each.count for model in report.models for each in model.updates) == 22


@pytest.mark.parametrize(
    ("place", "formula"),
    [
        ("U32", "=T32"),  # the first state
        ("U32", "=$N$30*T32"),
        ("V32", "=(1-$P$30)*T32"),
        ("U38", "=$N$30*U37+T38"),
        ("V38", "=$P$30*V37+(1-$P$30)*T38"),
        ("V38", "=$P$30*V36+(1-$P$30)*T38^2"),
        ("B38", "=B37-$G$30*U37/(SQRT(V37)+$R$30)"),
    ],
)
def test_a_single_parameter_is_not_passed_if_an_iteration_is_unlike_the_others(
    place: str, formula: str, tmp_path: Path
) -> None:
    path = slope(tmp_path / "model.xlsx")
    found = train(path, "D8", ("B1",), "0.1", 12, Optimizer.ADAM)
    book = load_workbook(found.file)
    assert str(book["LR 0.1"][place].value)[0] == "="
    book["LR 0.1"][place] = formula
    book.save(found.file)
    assert verify(found.file).verdict != "pass"
